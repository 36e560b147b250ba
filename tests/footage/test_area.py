from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from studio.files.pictures import read_rgb
from studio.footage.area import ImageArea, find_image_area
from tests.making import testdata as real_material


def _endoscope(cx: float, cy: float, radius: float, *, size: tuple[int, int] = (640, 360), seed: int = 0) -> np.ndarray:
    """Smooth reddish texture inside a circle, JPEG-like dirt outside."""
    rng = np.random.default_rng(seed)
    width, height = size
    texture = cv2.resize(rng.uniform(20, 220, (12, 20)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    image = np.clip(texture[..., None] * np.array([1.0, 0.6, 0.5]), 0, 255)
    y, x = np.mgrid[:height, :width] + 0.5
    image[(x - cx) ** 2 + (y - cy) ** 2 > radius**2] = 4
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("circle", [(320, 180, 170), (325, 175, 240), (300, 190, 285), (340, 180, 150)])
def test_the_circle_is_found_within_two_pixels(circle):
    area = find_image_area(_endoscope(*circle))
    assert (area.width, area.height) == (640, 360)
    assert max(abs(np.array([area.cx, area.cy, area.radius]) - circle)) < 2


def test_text_a_logo_and_a_dark_part_do_not_move_it():
    image = _endoscope(325, 175, 240)
    image[20:90, 100:260] = 3
    cv2.putText(image, "Patient pressure 13 mmHg", (4, 350), 0, 0.5, (255, 255, 255), 1)
    image[:40, 600:] = 230
    area = find_image_area(image)
    assert max(abs(np.array([area.cx, area.cy, area.radius]) - (325, 175, 240))) < 3


def test_frames_without_a_circle_are_full():
    rng = np.random.default_rng(1)
    for image in (
        rng.integers(0, 255, (120, 160, 3)).astype(np.uint8),
        np.zeros((120, 160, 3), np.uint8),
        np.full((8, 8, 3), 200, np.uint8),
    ):
        assert find_image_area(image).is_full
    letterbox = np.zeros((120, 160, 3), np.uint8)
    letterbox[20:100] = 180
    assert find_image_area(letterbox).is_full


def test_the_mask_is_the_circle():
    mask_HW = ImageArea(50, 40, 30, 100, 80).mask_HW()
    assert abs(mask_HW.sum() - np.pi * 900) < 20
    assert mask_HW[40, 50]
    assert not mask_HW[0, 0]
    assert ImageArea(50, 40, 30, 100, 80).mask_HW(margin=30).sum() == 0
    assert ImageArea.full(100, 80).mask_HW().all()
    half = ImageArea(50, 40, 30, 100, 80).scaled(50, 40)
    assert half.to_tuple() == (25, 20, 15, 50, 40)


def test_every_real_frame_with_a_picture_has_a_circle_and_no_blank_one_has():
    root = real_material() / "real_footage"
    with (root / "index.csv").open() as file:
        rows = list(csv.DictReader(file))[::4]
    for row in rows:
        area = find_image_area(read_rgb(root / row["file"]))
        assert area.is_full == (row["kind"] == "blank"), row["file"]
        if not area.is_full:
            # All seven scopes are centred within 20 px of 323, 178 and fill 225 to 305 px of radius.
            assert abs(area.cx - 323) < 20
            assert abs(area.cy - 178) < 20
            assert 220 < area.radius < 310


def test_frames_of_other_sets_have_their_circle_too():
    """By eye: video37's scope is the small one, video35's reaches beyond the frame on the left."""
    root = real_material() / "real_labelled"
    expected = {
        "video35": (397, 263, 437),
        "video37": (439, 247, 289),
        "video52": (220, 131, 171),
        "video55": (213, 120, 168),
    }
    for patient, circle in expected.items():
        for path in sorted((root / patient / "frames").iterdir()):
            area = find_image_area(read_rgb(path))
            assert max(abs(np.array([area.cx, area.cy, area.radius]) - circle)) < 4, path
