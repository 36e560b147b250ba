from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from studio.files.pictures import read_rgb
from studio.footage.screening import REASONS, Thresholds, judge_frame, screen_frames
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FootageFile
from tests.making import testdata as real_material


def _tissue(seed: int = 0, size: tuple[int, int] = (320, 180)) -> np.ndarray:
    """Detail at all scales in reds, as tissue has."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = np.full((height, width), 110.0, np.float32)
    for cells, strength in ((6, 45), (20, 25), (80, 18)):
        image += strength * cv2.resize(rng.normal(0, 1, (cells, cells)).astype(np.float32), size)
    return np.clip(image[..., None] * np.array([1.3, 0.7, 0.6]), 0, 255).astype(np.uint8)


def test_each_reason_is_found():
    tissue = _tissue()
    striped = tissue.copy()
    striped[:, ::2] = (striped[:, ::2] * 0.6).astype(np.uint8)
    interlaced = tissue.copy()
    interlaced[1::2] = np.roll(tissue, 7, axis=1)[1::2]
    standby = np.full((180, 320, 3), (80, 140, 200), np.uint8)
    standby[70:110, 140:180] = (20, 60, 90)
    drapes = _tissue()[..., ::-1].copy()
    expected = {
        "blank": [np.zeros((180, 320, 3), np.uint8), np.full((180, 320, 3), 150, np.uint8)],
        "blue standby": [standby],
        "striped": [striped, interlaced],
        "blurred": [cv2.GaussianBlur(tissue, (0, 0), 4)],
        "out of body": [drapes],
        None: [tissue, cv2.blur(tissue, (5, 1))],
    }
    for reason, images in expected.items():
        for image in images:
            assert judge_frame(image).reason == reason


def test_near_duplicates_go_and_come_back_with_other_thresholds():
    rng = np.random.default_rng(3)
    pictures = {}
    for i in range(6):
        pictures[f"{i}"] = _tissue(i)
        shifted = np.roll(_tissue(i), 1, axis=1) + rng.normal(0, 3, (180, 320, 3))
        pictures[f"{i} again"] = np.clip(shifted, 0, 255).astype(np.uint8)
    files = [FootageFile("P", name, Path(name)) for name in pictures]
    found = {f.name: finding for f, finding in screen_frames(files, lambda f: pictures[f.name])}
    assert list(found) == list(pictures)
    for i in range(6):
        assert found[f"{i}"].reason is None
        assert found[f"{i} again"].reason == "duplicate"
        assert found[f"{i} again"].measures["nearest_levels"] < 5
    lenient = Thresholds(hash_distance=-1)
    again = screen_frames(files, lambda f: pictures[f.name], thresholds=lenient)
    assert all(finding.reason is None for _, finding in again)


def test_the_same_picture_of_another_patient_is_no_duplicate():
    files = [FootageFile(patient, "1", Path("x")) for patient in ("A", "B")]
    assert [f.reason for _, f in screen_frames(files, lambda _: _tissue())] == [None, None]


def test_an_unreadable_frame_is_a_finding_and_not_the_end():
    def load(file: FootageFile) -> np.ndarray:
        if file.name == "1":
            raise InputError("damaged")
        return _tissue(int(file.name))

    files = [FootageFile("P", str(i), Path(str(i))) for i in range(3)]
    assert [f.reason for _, f in screen_frames(files, load)] == [None, "unreadable", None]
    assert "unreadable" in REASONS


def test_real_frames_are_judged_as_people_did():
    """Blank ones all go, good ones all stay, and the one over-driven, striped video goes as a whole."""
    root = real_material() / "real_footage"
    with (root / "index.csv").open() as file:
        kinds = {row["file"]: row["kind"] for row in csv.DictReader(file)}
    files = [FootageFile(name.split("/")[0], name, root / name) for name in list(kinds)[::3]]
    table = Counter((kinds[f.name], finding.reason) for f, finding in screen_frames(files, lambda f: read_rgb(f.path)))
    good = sum(n for (kind, _), n in table.items() if kind == "good")
    assert good > 25
    assert table[("good", None)] == good
    assert all(reason in ("blank", "blue standby") for kind, reason in table if kind == "blank")
    assert table[("poor", "striped")] >= 5
