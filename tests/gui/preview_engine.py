"""Stands in for the preview engine: speaks its protocol, answers with plain pictures without any network."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject

from studio.gui.models.preview_client import PreviewClient

PATIENCE = 30_000
"""Milliseconds that a busy machine may take; what is waited for comes in a fraction of it."""

SCRIPT = """
import json, sys
out = sys.stdout.buffer
def say(header, data=b""):
    out.write(json.dumps(header).encode() + b"\\n" + data); out.flush()
say({"answer": "ready", "style_size": 8, "fingerprint": "new", "precision": "fp32"})
for line in sys.stdin:
    q = json.loads(line)
    n = q.get("generation", 0)
    if q["ask"] == "end":
        break
    if q["ask"] == "code":
        say({"answer": "code", "generation": n, "code": [0.5] * 8})
    elif q["frames"] and "broken" in q["frames"][0]:
        say({"answer": "error", "generation": n, "text": "the frame is gone"}); continue
    else:
        for name in ("coarse", "sharp"):
            if not q.get(name): continue
            for f in range(len(q["frames"])):
                if q["frames"][f].endswith("gone.png"):
                    say({"answer": "unreadable", "generation": n, "frame": f, "text": "the picture is gone"}); continue
                for s, code in enumerate(q["codes"]):
                    w, h = (16, 12) if name == "coarse" else (64, 48)
                    level = max(0, min(255, round(128 + 40 * code[0])))
                    say({"answer": "picture", "generation": n, "frame": f, "style": s, "quality": name,
                         "width": w, "height": h, "bytes": 3 * w * h}, bytes([level] * (3 * w * h)))
    say({"answer": "done", "generation": n})
"""
DIES = "import sys; sys.exit(3)"
REFUSES = "import json; print(json.dumps({'answer': 'error', 'generation': -1, 'text': 'no checkpoint'})); exit(2)"


def client_of(script: str, parent: QObject | None = None) -> PreviewClient:
    return PreviewClient(Path("run"), parent, command=[sys.executable, "-c", script])


class ScriptedClient(PreviewClient):
    """Takes the place of PreviewClient in the Styles page."""

    def __init__(self, run_folder: Path, parent: QObject | None = None, *, checkpoint: str = "last") -> None:
        self.checkpoint = checkpoint
        super().__init__(run_folder, parent, command=[sys.executable, "-c", SCRIPT])
