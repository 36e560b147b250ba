"""The simulator's live preview: a child process that draws one body from any side, newest question first.

    python -m studio.scenes.simulator.live

Pure standard streams. The window writes one JSON object a line; of each kind only the newest question is answered:

    {"ask": "look", "generation": 7, "set": {…}, "width": 256, "height": 144, "quick": true, "view": VIEW}
    {"ask": "strip", "generation": 3, "set": {…}, "width": 96, "height": 54, "views": [VIEW, …]}

``set`` holds the fields of SimulationSettings that are not as usual, keyframes as in their file; its first patient is
drawn, and ``frames`` are that patient's. VIEW is one of

    {"from": "port", "held": {"yaw": 0, "pitch": 0, "depth": 60, "turn": 0, "roll": 0}, "optics": 30}
    {"from": "around", "around": 20, "above": 30, "distance": 130}
    {"from": "frame", "frame": 12, "still": false}                  as that frame of the set will look; with "still" a
                                                                    breathing body is at rest, several times as fast

Each answer is a JSON line; after a picture's line come exactly ``bytes`` bytes of 8-bit RGB, rows from the top:

    {"answer": "look", "generation": 7, "width": 256, "height": 144, "bytes": 110592, "quick": true,
     "parts": ["liver", …], "notes": [on mesh files, …], "instruments": 2, "held": {…} or null,
     "optics": 30, "still": false, "obstacle": "lies in the liver" or ""}
    {"answer": "thumbnail", "generation": 3, "index": 0, "width": 96, "height": 54, "bytes": 15552,
     "held": {…} or null, "optics": 30}
    {"answer": "strip", "generation": 3, "problem": "one line" or ""}           all are drawn, keyframes are checked
    {"answer": "error", "ask": "look", "generation": 7, "text": "one line"}     it cannot be; the engine goes on

A look goes before the strip's next picture.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from studio.jobs.answers import send_answer
from studio.scenes.simulator.keyframes import CameraKeyframes
from studio.scenes.simulator.live_views import LiveView, looked_at, planned_path
from studio.scenes.simulator.settings import SimulationSettings
from studio.vocabulary.errors import InputError, TrocarError

Answer = tuple[dict[str, Any], bytes]


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer questions until the stream ends."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(incoming, lines), name="questions", daemon=True).start()
    strip: Iterator[Answer] = iter(())
    waiting = False
    while True:
        asked = _newest(lines, wait=not waiting)
        if asked is None:
            return
        if "strip" in asked:
            strip, waiting = _answered("strip", asked["strip"]), True
        if "look" in asked:
            for answer in _answered("look", asked["look"]):
                send_answer(outgoing, *answer)
        elif waiting:
            piece = next(strip, None)
            waiting = piece is not None
            if piece is not None:
                send_answer(outgoing, *piece)


def _read(incoming: BinaryIO, lines: queue.SimpleQueue[bytes]) -> None:
    for line in incoming:
        if line.strip():
            lines.put(line)
    lines.put(b"")


def _newest(lines: queue.SimpleQueue[bytes], *, wait: bool) -> dict[str, Mapping[str, Any]] | None:
    """The newest question of each kind that has come in; None at the stream's end."""
    asked: dict[str, Mapping[str, Any]] = {}
    while True:
        try:
            line = lines.get(block=wait and not asked)
        except queue.Empty:
            return asked
        if not line:
            return None
        try:
            question = json.loads(line)
            asked[str(question["ask"])] = question
        except (ValueError, KeyError, TypeError):
            continue


def _answered(ask: str, question: Mapping[str, Any]) -> Iterator[Answer]:
    """An error ends the question, never the engine."""
    try:
        yield from (_look if ask == "look" else _strip)(question)
    except (TrocarError, OSError, KeyError, ValueError, TypeError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        yield {"answer": "error", "ask": ask, "generation": question.get("generation", 0), "text": words}, b""


def _look(question: Mapping[str, Any]) -> Iterator[Answer]:
    size, quick = (int(question["width"]), int(question["height"])), bool(question.get("quick", False))
    seen = looked_at(settings_of(question["set"]), LiveView.from_json(question["view"]), size, quick=quick)
    header = {"answer": "look", "generation": question["generation"], "quick": quick, **seen.facts}
    yield _picture(header, seen.rgb_HW3)


def _strip(question: Mapping[str, Any]) -> Iterator[Answer]:
    size, settings = (int(question["width"]), int(question["height"])), settings_of(question["set"])
    number = {"generation": question["generation"]}
    problem = ""
    for index, view in enumerate(question["views"]):
        seen = looked_at(settings, LiveView.from_json(view), size, quick=False)
        facts = {"index": index, "held": seen.facts["held"], "optics": seen.facts["optics"]}
        yield _picture({"answer": "thumbnail", **number, **facts}, seen.rgb_HW3)
    try:
        if settings.keyframes is not None:
            planned_path(settings)
    except InputError as error:
        problem = str(error)
    yield {"answer": "strip", **number, "problem": problem}, b""


def settings_of(values: Mapping[str, Any], *, patients: int = 1) -> SimulationSettings:
    """The settings in a question. Raise InputError for what cannot be simulated."""
    keyframes, known = values.get("keyframes"), dict(values)
    known["keyframes"] = None if keyframes is None else CameraKeyframes.from_json(keyframes)
    for name in ("anatomy", "meshes"):
        known[name] = Path(values[name]) if values.get(name) else None
    for name in ("size", "without"):
        known[name] = tuple(values[name])
    known["targets"] = tuple((int(c), float(share)) for c, share in values["targets"])
    return SimulationSettings(patients=patients, **known)


def _picture(header: dict[str, Any], rgb_HW3: Any) -> Answer:
    height, width, _ = rgb_HW3.shape
    return {**header, "width": width, "height": height, "bytes": rgb_HW3.nbytes}, rgb_HW3.tobytes()


def main() -> int:
    """Exit status 0 at the end of the stream."""
    import cv2

    cv2.setNumThreads(1)
    outgoing = sys.stdout.buffer
    # Whatever prints must not end up between the answers.
    sys.stdout = sys.stderr
    try:
        serve(sys.stdin.buffer, outgoing)
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
