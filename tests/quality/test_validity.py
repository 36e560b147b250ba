"""Validity: calibrated on pictures that it has not seen, blind to looks, and sharp about where."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from studio.quality.appearance_changes import faithful_variant
from studio.quality.calibration import CalibrationResult, area_under_curve, calibrate
from studio.quality.damages import DAMAGES, damaged
from studio.quality.edges import edge_agreement
from studio.quality.validity import compare, measure_validity, validity_map
from studio.vocabulary.errors import InputError
from tests.quality.made_scenes import made_scene

KINDS = tuple(DAMAGES)


@pytest.fixture(scope="module")
def held_out() -> CalibrationResult:
    """Scenes that the curves were not fitted on."""
    pairs = [made_scene(70_000 + i) for i in range(10)]
    return calibrate(pairs, lambda r, t, s: measure_validity(r, t, s).value, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_tells_each_kind_of_damage_from_faithful_changes(held_out: CalibrationResult, kind: str) -> None:
    assert len(held_out.broken[kind]) >= 16
    assert held_out.auc[kind] >= 0.95


def test_values_mean_something(held_out: CalibrationResult) -> None:
    assert held_out.auc_all >= 0.97
    assert np.median(held_out.faithful) > 0.9
    assert np.quantile(held_out.faithful, 0.1) > 0.6
    assert np.median([v for values in held_out.broken.values() for v in values]) < 0.4


def test_area_under_curve_by_hand() -> None:
    assert area_under_curve(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_the_render_itself_is_valid_and_its_negative_too() -> None:
    render, segmentation = made_scene(11)
    for translation in (render, 255 - render, render // 2 + 60):
        found = measure_validity(render, translation, segmentation)
        assert found.value > 0.9
        assert all(v > 0.8 for v in found.per_class.values())


def test_a_shift_is_measured_in_px_of_the_picture() -> None:
    render, segmentation = made_scene(12, width=452, height=256)
    moved = np.roll(render, 5, axis=1)
    displacement = measure_validity(render, moved, segmentation).measures["displacement"]
    # Outlines along the shift do not move across themselves: the mean over all directions is 2/pi of the shift.
    assert displacement == pytest.approx(5 * 2 / np.pi, rel=0.35)
    large = [cv2.resize(i, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST) for i in (render, moved, segmentation)]
    assert measure_validity(*large).measures["displacement"] == pytest.approx(4 * displacement, rel=0.5)


def test_the_damaged_class_and_place_are_named() -> None:
    for seed in (1, 2, 5):
        render, segmentation = made_scene(20 + seed)
        looks = faithful_variant(render, segmentation, seed)
        broken = damaged(looks, segmentation, "tool removed", seed)
        assert broken is not None
        found = measure_validity(render, broken, segmentation)
        assert min(found.per_class, key=lambda c: found.per_class[c]) in (6, 7)
        tool = np.isin(segmentation, (6, 7))
        far = cv2.dilate(tool.astype(np.uint8), np.ones((41, 41), np.uint8)) == 0
        map_HW = validity_map(render, broken, segmentation)
        assert map_HW[tool].mean() < 0.6 < 0.85 < map_HW[far].mean()


def test_map_form_and_agreement_with_value() -> None:
    render, segmentation = made_scene(31, width=640, height=360)
    comparison = compare(render, faithful_variant(render, segmentation, 1), segmentation)
    map_HW = comparison.map()
    assert map_HW.shape == segmentation.shape and map_HW.dtype == np.float32
    assert map_HW.min() >= 0 and map_HW.max() <= 1 and map_HW.mean() > 0.9
    assert comparison.validity().value > 0.8


def test_without_labels_the_renders_own_regions_are_followed() -> None:
    faithful, broken = [], []
    for seed in range(5):
        render, _ = made_scene(40 + seed)
        translation = render[..., ::-1] // 2 + 70
        faithful.append(measure_validity(render, translation).value)
        broken.append(measure_validity(render, np.roll(translation, 6, axis=1)).value)
        assert measure_validity(render, translation).per_class == {}
    assert area_under_curve(np.array(faithful), np.array(broken)) >= 0.95


@pytest.mark.parametrize("segmentation", [np.zeros((144, 256), np.uint8), np.full((144, 256), 255, np.uint8),
                                          np.ones((144, 256), np.uint8)])  # fmt: skip
def test_labels_without_outlines_still_give_a_value(segmentation: np.ndarray) -> None:
    render, _ = made_scene(50)
    found = measure_validity(render, render, segmentation)
    assert 0.8 < found.value <= 1
    assert found.per_class == {}
    assert edge_agreement(render, render, segmentation).mean_score() is None


def test_blank_pictures_and_tiny_ones_give_numbers() -> None:
    black = np.zeros((64, 96, 3), np.uint8)
    assert 0 <= measure_validity(black, black).value <= 1
    render, segmentation = made_scene(51)
    assert measure_validity(render, np.zeros_like(render), segmentation).value < 0.2
    small = cv2.resize(segmentation, (24, 16), interpolation=cv2.INTER_NEAREST)
    assert 0 <= measure_validity(render[:16, :24], render[:16, :24], small).value <= 1


def test_mismatched_sizes_are_refused() -> None:
    render, segmentation = made_scene(52)
    with pytest.raises(InputError, match="differ in size"):
        measure_validity(render, render[:-2], segmentation)
    with pytest.raises(InputError, match="labels of 255x144"):
        measure_validity(render, render, segmentation[:, :-1])


def test_same_input_same_bytes() -> None:
    render, segmentation = made_scene(53)
    translation = faithful_variant(render, segmentation, 3)
    assert (translation == faithful_variant(render, segmentation, 3)).all()
    first, second = (compare(render, translation, segmentation) for _ in range(2))
    assert first.validity() == second.validity() and (first.map() == second.map()).all()


@pytest.mark.parametrize(("width", "height", "milliseconds"), [(256, 144, 20), (452, 256, 50)])
def test_is_fast(width: int, height: int, milliseconds: float) -> None:
    """Processor time on one core; three times the budget is allowed for a slow or busy machine."""
    render, segmentation = made_scene(54, width=width, height=height)
    translation = faithful_variant(render, segmentation, 1)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        times = []
        for _ in range(6):
            start = time.process_time()
            measure_validity(render, translation, segmentation)
            times.append(time.process_time() - start)
    finally:
        cv2.setNumThreads(threads)
    assert min(times) * 1000 < 3 * milliseconds
