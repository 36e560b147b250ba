"""Random views: geometry, light and the round image area, on the picture and on its labels alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from studio.translator.augmentation import circle, paper_circle, random_view
from studio.translator.settings import TrainSettings
from tests.translator.making import tiny


class Scripted(np.random.Generator):
    """Answers ``uniform`` with shares of the range that it is asked for: 0 its low end, 1 its high end."""

    def __init__(self, shares: Sequence[float]) -> None:
        super().__init__(np.random.PCG64(0))
        self._shares = list(shares)

    def uniform(self, low: float, high: float) -> float:  # type: ignore[override]
        return low + self._shares.pop(0) * (high - low)


def still(**values: object) -> TrainSettings:
    """No change of size, turn or light, unless asked for."""
    nothing = {"resize_low": 1.0, "resize_high": 1.0, "rotation": 0.0, "contrast": 0.0, "brightness": 0.0}
    return tiny(**(nothing | values))


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_crop_is_a_piece_of_the_picture_and_of_its_labels() -> None:
    image, labels = picture(), picture()[..., 0] // 32
    # size, turn, then 25 % of the 32 px to spare across and all of the 16 px down.
    view = random_view(image, None, still(), Scripted([0, 0, 0.25, 1.0, 0, 0]), labels_HW=labels)
    assert np.allclose(view.image_HW3, image[16:48, 8:40] / 127.5 - 1, atol=1e-6)
    assert view.labels_HW is not None
    assert np.array_equal(view.labels_HW, labels[16:48, 8:40])
    assert view.inside_HW.all()


def test_contrast_and_brightness_by_hand() -> None:
    """x U(.75, 1.25) + U(-.1, .1) on values from -1 to 1, clipped."""
    settings = still(contrast=0.25, brightness=0.1)
    values = picture()[:32, :32] / 127.5 - 1
    bright = random_view(picture(), None, settings, Scripted([0, 0, 0, 0, 1.0, 1.0]))
    assert np.allclose(bright.image_HW3, np.clip(1.25 * values + 0.1, -1, 1), atol=1e-6)
    flat = random_view(picture(), None, settings, Scripted([0, 0, 0, 0, 0.0, 0.0]))
    assert np.allclose(flat.image_HW3, np.clip(0.75 * values - 0.1, -1, 1), atol=1e-6)


def test_enlargement_and_turn_move_picture_labels_and_area_together() -> None:
    """A disc painted on the picture and on its labels, and the area of the same place, stay on one another."""
    rows, columns = np.mgrid[:96, :128] + 0.5
    disc = (columns - 50.0) ** 2 + (rows - 60.0) ** 2 <= 22.0**2
    image = np.where(disc, 255, 0).astype(np.uint8)[..., None].repeat(3, 2)
    area = (50.0, 60.0, 22.0, 128, 96)
    for turn in (0.0, 0.3, 1.0):
        settings = still(crop_width=96, crop_height=96, resize_low=1.2, resize_high=1.2, rotation=180.0)
        shares = [0.0, turn, 0.4, 0.7, 0.0, 0.0]
        free = random_view(image, None, settings, Scripted(shares), labels_HW=disc.astype(np.uint8) * 3)
        # With an area, nine geometries are drawn before the light: all the same here.
        cut = random_view(image, area, settings, Scripted(shares[:4] * 9 + shares[4:]))
        assert free.labels_HW is not None
        masks = [free.image_HW3[..., 0] > 0, free.labels_HW == 3, cut.inside_HW]
        assert 0.2 < masks[0].mean() < 0.9
        centres = np.array([np.argwhere(mask).mean(0) for mask in masks])
        assert np.ptp(centres, axis=0).max() < 0.15
        assert [mask.sum() for mask in masks] == pytest.approx([math.pi * (1.2 * 22) ** 2] * 3, rel=0.02)


def test_the_turn_has_the_drawn_angle() -> None:
    """The centre of a crop stays, a point to its right goes round by the angle."""
    image = np.zeros((65, 65, 3), np.uint8)
    image[31:34, 51:54] = 255
    settings = still(crop_width=64, crop_height=64, rotation=90.0)
    view = random_view(image, None, settings, Scripted([0, 1.0, 0.5, 0.5, 0, 0]))
    rows, columns = np.nonzero(view.image_HW3[..., 0] > 0)
    off = columns.mean() + 0.5 - 32, rows.mean() + 0.5 - 32
    assert math.hypot(*off) == pytest.approx(20, abs=0.6)
    assert abs(off[1]) == pytest.approx(20, abs=0.6)


def test_small_pictures_are_enlarged_to_the_crop() -> None:
    view = random_view(picture(16, 20), None, still(resize_low=0.5, resize_high=0.5), Scripted([0] * 6))
    assert view.image_HW3.shape == (32, 32, 3)


def test_the_papers_mask_by_hand() -> None:
    """Radius from 0.4 max(w, h) to half the diagonal, centre off by up to 10 %."""
    size = (512, 256)
    assert np.array_equal(paper_circle(size, Scripted([0, 0.5, 0.5])), circle(size, 256, 128, 204.8))
    assert np.array_equal(paper_circle(size, Scripted([1, 0, 1])), circle(size, 204.8, 153.6, math.hypot(512, 256) / 2))
    assert np.array_equal(paper_circle(size, Scripted([0.5, 1, 0])), circle(size, 307.2, 102.4, 245.5108352))


def test_a_circle_covers_its_area() -> None:
    inside = circle((200, 120), 100.0, 60.0, 50.0)
    assert inside.sum() == pytest.approx(math.pi * 2500, rel=0.003)
    assert inside[60, 52]
    assert not inside[60, 48]
    assert np.array_equal(inside, inside[::-1, ::-1])


def test_outside_the_mask_picture_and_labels_are_black() -> None:
    labels = np.full((48, 64), 5, np.uint8)
    settings = still(contrast=0.25, brightness=0.1)
    for seed in range(5):
        view = random_view(picture(), None, settings, np.random.default_rng(seed), labels_HW=labels, paper_mask=True)
        assert view.labels_HW is not None
        assert not view.inside_HW.all()
        assert (view.image_HW3[~view.inside_HW] == -1).all()
        assert np.array_equal(view.labels_HW == 5, view.inside_HW)
        assert np.array_equal(view.labels_HW == 0, ~view.inside_HW)
