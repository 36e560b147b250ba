"""Statistics of footage: known pictures give known figures, equal sets overlap wholly, unlike ones little."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.footage.area import ImageArea
from studio.footage.likeness import STATISTICS, compared, frame_histograms, gathered, overlap

FULL = ImageArea.full(452, 256)


def middle(histograms: dict[str, np.ndarray], name: str) -> float:
    """A histogram's mean in the statistic's unit."""
    statistic = next(s for s in STATISTICS if s.name == name)
    edges = np.linspace(statistic.low, statistic.high, statistic.bins + 1)
    return float(((edges[1:] + edges[:-1]) / 2 * histograms[name]).sum())


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((256, 452, 3), colour, np.uint8)


def noisy(seed: int, sigma: float, level: float = 120.0) -> np.ndarray:
    grey = np.random.default_rng(seed).normal(level, sigma, (256, 452, 1))
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8), 3, axis=2)


def test_a_flat_colour_has_its_own_brightness_saturation_and_redness() -> None:
    found = frame_histograms(flat((200, 50, 50)), FULL)
    assert middle(found, "brightness") == pytest.approx(0.299 * 200 + 0.701 * 50, abs=4)
    assert middle(found, "saturation") == pytest.approx(0.75, abs=0.02)
    assert middle(found, "redness") == pytest.approx(200 / 300, abs=0.02)
    assert found["gradient"][0] == 1.0


def test_a_ramp_has_its_slope_as_gradient() -> None:
    ramp = np.repeat(np.clip(np.arange(452)[None] // 2, 0, 255).astype(np.uint8)[..., None].repeat(256, 0), 3, axis=2)
    steep = np.repeat(np.clip(np.arange(452)[None] * 4, 0, 255).astype(np.uint8)[..., None].repeat(256, 0), 3, axis=2)
    assert middle(frame_histograms(ramp, FULL), "gradient") == pytest.approx(np.log10(0.5), abs=0.1)
    inside = ImageArea(32, 128, 25, 452, 256)
    assert middle(frame_histograms(steep, inside), "gradient") == pytest.approx(np.log10(4), abs=0.08)


@pytest.mark.parametrize("sigma", [3.0, 10.0])
def test_white_noise_has_its_deviation_and_equal_power_in_all_octaves(sigma: float) -> None:
    found = frame_histograms(noisy(1, sigma), FULL)
    assert middle(found, "noise") == pytest.approx(np.log10(sigma), abs=0.06)
    bands = [middle(found, s.name) for s in STATISTICS if s.name.startswith("power")]
    # Power density of white noise under a normed window: the variance.
    assert bands == pytest.approx([2 * np.log10(sigma / 255)] * 5, abs=0.35)


def test_what_lies_outside_the_image_area_does_not_count() -> None:
    image = flat((120, 60, 60))
    area = ImageArea(226, 128, 100, 452, 256)
    cut = image.copy()
    cut[~area.mask_HW()] = 255
    cv2.putText(cut, "pressure", (5, 250), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 0))
    whole, inside = frame_histograms(image, area), frame_histograms(cut, area)
    assert all(np.array_equal(whole[s.name], inside[s.name]) for s in STATISTICS)


def test_sizes_do_not_matter_where_the_picture_is_the_same() -> None:
    smooth = cv2.GaussianBlur(noisy(3, 60.0), (0, 0), 6)
    large = cv2.resize(smooth, (904, 512), interpolation=cv2.INTER_CUBIC)
    one, two = frame_histograms(smooth, FULL), frame_histograms(large, ImageArea.full(904, 512))
    assert middle(one, "power, 32 to 16 px") == pytest.approx(middle(two, "power, 32 to 16 px"), abs=0.15)


def test_overlap_is_the_shared_part_of_two_histograms() -> None:
    assert overlap(np.array([0.5, 0.5, 0, 0]), np.array([0, 0.25, 0.75, 0]), smoothing=1) == pytest.approx(0.25)
    assert overlap(np.array([0.2, 0.8]), np.array([0.2, 0.8]), smoothing=1) == pytest.approx(1.0)


def test_patients_weigh_the_same_whatever_their_frames() -> None:
    dark, bright = frame_histograms(flat((40, 30, 30)), FULL), frame_histograms(flat((220, 200, 200)), FULL)
    whole, own = gathered([("a", dark), ("a", dark), ("a", dark), ("b", bright)])
    assert (whole.frames, whole.patients, own["a"].frames) == (4, 2, 3)
    assert np.sort(whole.histograms["brightness"])[-2:] == pytest.approx([0.5, 0.5])


def test_equal_sets_overlap_wholly_and_unlike_ones_little() -> None:
    sharp = [("a", frame_histograms(noisy(s, 12.0), FULL)) for s in range(3)]
    soft = [("b", frame_histograms(cv2.GaussianBlur(noisy(s, 12.0), (0, 0), 2), FULL)) for s in range(3)]
    (one, own), (two, other) = gathered(sharp), gathered(soft)
    assert all(c.overlap == pytest.approx(1.0) for c in compared(one, one, own))
    by_name = {c.statistic.name: c for c in compared(one, two, other)}
    assert by_name["noise"].overlap < 0.05
    assert by_name["power, 4 to 2 px"].overlap < 0.05
    assert np.isnan(by_name["noise"].within)
