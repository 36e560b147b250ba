"""The live preview's engine, spoken to over streams."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.files.pictures import read_rgb
from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.breathing import draw_breathing
from studio.scenes.simulator.live import serve
from studio.scenes.simulator.paths import seconds_of

SET: dict[str, Any] = {
    "frames": 3, "size": [96, 54], "seed": 0, "first_patient": 0, "path": False, "breathing": False, "keyframes": None,
    "without": [], "targets": [],
}  # fmt: skip


def answers(question: dict[str, Any]) -> list[tuple[dict[str, Any], np.ndarray]]:
    """What an engine says to one question, whose stream ends after that."""
    outgoing = _Answers()
    serve(_Question(json.dumps(question).encode() + b"\n", outgoing.complete), outgoing)  # type: ignore[arg-type]
    outgoing.seek(0)
    found = []
    while line := outgoing.readline():
        header = json.loads(line)
        data = np.frombuffer(outgoing.read(header.get("bytes", 0)), np.uint8)
        found.append((header, data.reshape(header["height"], header["width"], 3) if len(data) else data))
    return found


class _Answers(io.BytesIO):
    """``complete`` is set when a question has been answered in full."""

    def __init__(self) -> None:
        super().__init__()
        self.complete = threading.Event()

    def write(self, data: Any) -> int:
        if json.loads(bytes(data).split(b"\n")[0])["answer"] != "thumbnail":
            self.complete.set()
        return super().write(data)


class _Question:
    """A stream of one line that stays open until it is answered."""

    def __init__(self, line: bytes, answered: threading.Event) -> None:
        self._line, self._answered = line, answered

    def __iter__(self) -> Iterator[bytes]:
        yield self._line
        assert self._answered.wait(60)


def look(view: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], np.ndarray]:
    question = {"ask": "look", "generation": 5, "set": {**SET, **changes}, "width": 96, "height": 54, "quick": False}
    return answers({**question, "view": view})[0]


def test_a_frame_looks_as_it_will_be_simulated(tmp_path: Path) -> None:
    result_of(simulate(tmp_path, SimulationSettings(frames=3, patients=1, size=(96, 54), processes=1)))
    header, rgb_HW3 = look({"from": "frame", "frame": 2})
    assert header["generation"] == 5 and header["held"] is None
    assert np.array_equal(rgb_HW3, read_rgb(tmp_path / "patient_000/rgb/000002.png"))


def test_a_breathing_body_can_be_held_still() -> None:
    """At rest both are the same picture; at the height of a breath the organs have moved by millimetres."""
    breaths = [draw_breathing(0, 0).inspiration(seconds_of(i)) for i in range(150)]
    changes = {"path": True, "breathing": True, "frames": 150}

    def differ(index: int) -> float:
        pictures = []
        for still in (False, True):
            header, rgb_HW3 = look({"from": "frame", "frame": index, "still": still}, **changes)
            assert header["still"] is still
            pictures.append(rgb_HW3.astype(float))
        return float(abs(pictures[1] - pictures[0]).mean())

    assert max(breaths) > 0.99 and min(breaths) < 1e-3
    assert differ(int(np.argmin(breaths))) == 0 and differ(int(np.argmax(breaths))) > 1
    header, _ = look({"from": "frame", "frame": 0, "still": True}, path=True)
    assert header["still"] is False, "this body does not breathe"


def test_the_laparoscope_says_what_is_in_its_way() -> None:
    free, _ = look({"from": "port", "held": {"depth": 60}})
    assert free["obstacle"] == "" and free["held"]["depth"] == 60
    assert {"liver", "fat", "instrument 4"} <= set(free["parts"])
    blocked, _ = look({"from": "port", "held": {"depth": 150}})
    assert blocked["obstacle"].startswith(("lies in the ", "comes within ", "is reached through the "))


def test_another_side_shows_another_picture_and_a_part_can_be_missing() -> None:
    _, left = look({"from": "around", "around": -40})
    _, right = look({"from": "around", "around": 40})
    _, bare = look({"from": "around", "around": 40}, without=["liver", "fat"])
    assert not np.array_equal(left, right) and not np.array_equal(right, bare)


def test_a_strip_is_drawn_and_its_keyframes_are_checked() -> None:
    rows = [{"seconds": 0, "depth": 60}, {"seconds": 1, "depth": 190, "yaw": 12}]
    path = {"format": "trocar-camera-path", "version": 1, "optics": 30, "keyframes": rows}
    views = [{"from": "port", "held": {"depth": 60}}, {"from": "port", "held": {"depth": 190}}]
    question = {"ask": "strip", "generation": 2, "width": 32, "height": 18, "views": views}
    found = answers({**question, "set": {**SET, "path": True, "keyframes": path}})
    assert [h["answer"] for h, _ in found] == ["thumbnail", "thumbnail", "strip"]
    assert found[0][0]["held"]["depth"] == 60 and found[1][1].shape == (18, 32, 3)
    assert found[2][0]["problem"].startswith("patient_000: keyframe 2: the lens ")


@pytest.mark.parametrize(
    ("view", "changes"),
    [({"from": "nowhere"}, {}), ({"from": "around"}, {"size": [1, 1]}), ({"from": "around"}, {"without": ["spleen"]})],
)
def test_what_cannot_be_is_said_in_one_line(view: dict[str, Any], changes: dict[str, Any]) -> None:
    header, _ = look(view, **changes)
    assert (header["answer"], header["ask"]) == ("error", "look")
    assert header["text"] and "\n" not in header["text"]
