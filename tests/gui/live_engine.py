"""Stands in for the simulator's live engine: speaks its protocol, answers with plain pictures without any body."""

from __future__ import annotations

SCRIPT = """
import json, sys
out = sys.stdout.buffer
PARTS = ["liver", "gallbladder", "abdominal wall", "fat", "gastrointestinal tract",
         "instrument 1", "instrument 2", "instrument 3", "instrument 4"]
def say(header, data=b""):
    out.write(json.dumps(header).encode() + b"\\n" + data); out.flush()
def picture(q, view):
    w, h = q["width"], q["height"]
    shade = int(view.get("held", {}).get("depth", 40)) % 256 if view["from"] == "port" else view.get("frame", 9) % 256
    return {"width": w, "height": h, "bytes": 3 * w * h}, bytes([shade]) * (3 * w * h)
def known(q, view):
    held = view["held"] if view["from"] == "port" else dict(yaw=0, pitch=0, depth=50 + view.get("frame", 0) / 10,
                                                            turn=0, roll=0)
    if view["from"] == "around" or (view["from"] == "frame" and not q["set"]["path"]):
        held = None
    return {"held": held, "optics": 30}
for line in sys.stdin:
    q = json.loads(line)
    n = q["generation"]
    if q["set"]["seed"] == 13:
        say({"answer": "error", "ask": q["ask"], "generation": n, "text": "no such body"})
    elif q["ask"] == "look":
        size, data = picture(q, q["view"])
        deep = q["view"]["from"] == "port" and q["view"]["held"]["depth"] > 120
        say({"answer": "look", "generation": n, "quick": q["quick"], "parts": PARTS, "instruments": 2,
             "obstacle": "lies in the liver" if deep else "", **known(q, q["view"]), **size}, data)
    else:
        for i, view in enumerate(q["views"]):
            size, data = picture(q, view)
            say({"answer": "thumbnail", "generation": n, "index": i, **known(q, view), **size}, data)
        path = q["set"]["keyframes"]
        deep = path is not None and any(k["depth"] > 120 for k in path["keyframes"])
        say({"answer": "strip", "generation": n, "problem": "keyframe 2: the lens lies in the liver." if deep else ""})
"""
