"""Measures of realism order known cases, and agree with closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.quality.realism import (
    STATISTICS,
    _sliced_distance,
    appearance_statistics,
    sliced_wasserstein,
    two_sample_accuracy,
)
from studio.vocabulary.errors import InputError
from tests.quality.made_scenes import made_scene


def _images(start: int, count: int) -> list[np.ndarray]:
    return [made_scene(start + i)[0] for i in range(count)]


def test_sliced_distance_between_gaussians_is_known() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(4_000, 5)).astype(np.float32) for _ in range(2))
    assert _sliced_distance(a, b, np.random.default_rng(1)) < 0.06
    # Along any direction both are N(0, s²): the mean absolute difference of quantiles is |s1 - s2| sqrt(2/pi).
    assert _sliced_distance(a, 2 * b, np.random.default_rng(1)) == pytest.approx(np.sqrt(2 / np.pi), abs=0.06)


def test_sliced_wasserstein_orders_blur() -> None:
    real, alike = _images(100, 8), _images(200, 8)
    blurred = [cv2.GaussianBlur(i, (0, 0), 3) for i in alike]
    near, far = sliced_wasserstein(real, alike), sliced_wasserstein(real, blurred)
    assert near.mean < far.mean and near.per_level[0] < far.per_level[0]
    assert sliced_wasserstein(real, real).mean == pytest.approx(0, abs=1e-4)
    assert sliced_wasserstein(real, alike) == near
    with pytest.raises(InputError):
        sliced_wasserstein([], real)


def test_statistics_of_known_pictures() -> None:
    flat = np.full((40, 60, 3), (200, 100, 100), np.uint8)
    found = appearance_statistics(flat)
    assert tuple(found) == STATISTICS
    assert found["brightness"] == pytest.approx(400 / 3, abs=0.1) and found["saturation"] == pytest.approx(0.5)
    assert found["redness"] == 100
    assert [found[n] for n in ("contrast", "gradient", "noise")] == pytest.approx([0, 0, 0], abs=1e-3)
    noisy = np.clip(128 + np.random.default_rng(0).normal(0, 10, (200, 300, 1)), 0, 255).astype(np.uint8)
    assert appearance_statistics(np.repeat(noisy, 3, axis=2))["noise"] == pytest.approx(10, rel=0.05)
    ramp = np.repeat(np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 50, axis=0), 3, axis=2)
    assert appearance_statistics(ramp)["gradient"] == pytest.approx(1.0, rel=0.05)


def test_two_sample_accuracy() -> None:
    real = [appearance_statistics(i) for i in _images(300, 20)]
    alike = [appearance_statistics(i) for i in _images(400, 20)]
    dark = [appearance_statistics(i // 3) for i in _images(500, 20)]
    assert two_sample_accuracy(real, alike) < 0.72
    assert two_sample_accuracy(real, dark) > 0.95
    with pytest.raises(InputError):
        two_sample_accuracy(real[:2], alike)
