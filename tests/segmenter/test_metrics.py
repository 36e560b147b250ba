"""Measures against figures worked out by hand and against SciPy's distances."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, directed_hausdorff

from studio.segmenter.metrics import (
    FrameScore,
    Mean,
    Scores,
    dice,
    hd95,
    iou,
    mean_of_frames,
    mean_of_patients,
    over_patients,
    per_patient,
    score_class,
)
from studio.vocabulary.labels import IGNORE

MASKS = arrays(np.bool_, (7, 9))


def square(top: int, left: int, side: int, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    mask_HW = np.zeros(shape, bool)
    mask_HW[top : top + side, left : left + side] = True
    return mask_HW


def test_overlapping_squares() -> None:
    a_HW, b_HW = square(2, 2, 4), square(2, 4, 4)
    assert dice(a_HW, b_HW) == 2 * 8 / 32
    assert iou(a_HW, b_HW) == 8 / 24


def test_equal_masks_are_perfect() -> None:
    a_HW = square(3, 5, 6)
    assert (dice(a_HW, a_HW), iou(a_HW, a_HW), hd95(a_HW, a_HW)) == (1.0, 1.0, 0.0)


def test_disjoint_masks_have_no_overlap() -> None:
    a_HW, b_HW = square(0, 0, 3), square(0, 10, 3)
    assert (dice(a_HW, b_HW), iou(a_HW, b_HW)) == (0.0, 0.0)


def test_both_empty_is_not_counted() -> None:
    empty_HW = np.zeros((20, 30), bool)
    assert all(math.isnan(measure(empty_HW, empty_HW)) for measure in (dice, iou, hd95))


def test_one_empty_is_the_worst_there_is() -> None:
    empty_HW, a_HW = np.zeros((30, 40), bool), square(3, 3, 3, (30, 40))
    for pair in ((empty_HW, a_HW), (a_HW, empty_HW)):
        assert (dice(*pair), iou(*pair), hd95(*pair)) == (0.0, 0.0, 50.0)


def test_distance_of_two_points() -> None:
    a_HW, b_HW = square(2, 3, 1), square(6, 6, 1)
    assert hd95(a_HW, b_HW) == 5.0


def test_distance_of_a_column_shifted_by_four() -> None:
    a_HW, b_HW = np.zeros((12, 20), bool), np.zeros((12, 20), bool)
    a_HW[:, 3], b_HW[:, 7] = True, True
    assert hd95(a_HW, b_HW) == 4.0


def test_one_stray_pixel_in_a_hundred_does_not_count() -> None:
    truth_HW = np.zeros((4, 100), bool)
    truth_HW[0] = True
    stray_HW = truth_HW.copy()
    stray_HW[3, 50] = True
    assert hd95(stray_HW, truth_HW) == 0.0


def test_the_larger_direction_counts() -> None:
    """Truth has a second part far away that the prediction lacks: only the way from truth to prediction sees it."""
    a_HW = square(2, 2, 4)
    both_HW = a_HW | square(2, 22, 4)
    assert hd95(a_HW, both_HW) == hd95(both_HW, a_HW) > 15


def boundary_points(mask_HW: np.ndarray) -> np.ndarray:
    """Nx2, by looking at each pixel's four neighbours one after the other."""
    height, width = mask_HW.shape
    points = []
    for y, x in zip(*np.nonzero(mask_HW), strict=True):
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        if any(not (0 <= v < height and 0 <= u < width and mask_HW[v, u]) for v, u in around):
            points.append((y, x))
    return np.array(points, np.float64)


@given(MASKS, MASKS)
def test_distance_agrees_with_scipy(a_HW: np.ndarray, b_HW: np.ndarray) -> None:
    if not (a_HW.any() and b_HW.any()):
        return
    a_N2, b_M2 = boundary_points(a_HW), boundary_points(b_HW)
    distances_NM = cdist(a_N2, b_M2)
    expected = max(np.percentile(distances_NM.min(axis=1), 95), np.percentile(distances_NM.min(axis=0), 95))
    found = hd95(a_HW, b_HW)
    assert found == pytest.approx(expected, abs=1e-9)
    assert found <= max(directed_hausdorff(a_N2, b_M2)[0], directed_hausdorff(b_M2, a_N2)[0]) + 1e-9


@given(MASKS, MASKS)
def test_dice_and_iou_belong_together(a_HW: np.ndarray, b_HW: np.ndarray) -> None:
    d, i = dice(a_HW, b_HW), iou(a_HW, b_HW)
    assert (math.isnan(d) and math.isnan(i)) or d == pytest.approx(2 * i / (1 + i))
    assert dice(b_HW, a_HW) == pytest.approx(d, nan_ok=True)


def test_ignored_pixels_count_for_nobody() -> None:
    truth_HW = np.array([[1, 1, 0, IGNORE, IGNORE]], np.uint8)
    prediction_HW = np.array([[1, 1, 0, 1, 1]], np.uint8)
    assert score_class(prediction_HW, truth_HW, 1) == Scores(1.0, 1.0, 0.0)


def test_a_frame_of_nothing_but_ignored_pixels_says_nothing() -> None:
    truth_HW = np.full((5, 5), IGNORE, np.uint8)
    assert math.isnan(score_class(np.ones((5, 5), np.uint8), truth_HW, 1).dice)


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        score_class(np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), 1)


def frame(patient: str, value: float, *, group: str = "", regime: str = "r") -> FrameScore:
    return FrameScore(regime, patient, group, f"{patient}{value}", "liver", Scores(value, value, 100 * value))


def test_patients_weigh_the_same_however_many_frames_they_have() -> None:
    frames = [frame("a", 1.0), frame("a", 1.0), frame("a", 1.0), frame("b", 0.0)]
    mean = over_patients(frames)["r", "liver"]
    assert (mean.scores.dice, mean.patients, mean.frames) == (0.5, 2, 4)


def test_frames_without_the_class_are_left_out() -> None:
    nan = float("nan")
    mean = mean_of_frames([Scores(0.4, 0.3, 7.0), Scores(nan, nan, nan), Scores(0.6, 0.5, 9.0)])
    assert mean == Mean(Scores(0.5, 0.4, 8.0), 2, 1)


def test_a_patient_without_the_class_is_left_out_of_the_mean() -> None:
    nan = float("nan")
    frames = [frame("a", 0.25), FrameScore("r", "b", "", "x", "liver", Scores(nan, nan, nan))]
    mean = over_patients(frames)["r", "liver"]
    assert (mean.scores.dice, mean.patients) == (0.25, 1)
    assert math.isnan(per_patient(frames)["r", "liver", "b"].scores.dice)


def test_no_patient_at_all_gives_no_figure() -> None:
    assert math.isnan(mean_of_patients([]).scores.iou)


def test_means_of_a_group() -> None:
    frames = [frame("a", 0.2, group="warm"), frame("b", 0.4, group="warm"), frame("c", 1.0, group="cold")]
    assert over_patients(frames, group="warm")["r", "liver"].scores.dice == pytest.approx(0.3)
    assert over_patients(frames, group="cold")["r", "liver"].scores.dice == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_a_mean_lies_among_its_values(values: list[float]) -> None:
    mean = mean_of_frames([Scores(v, v, v) for v in values]).scores.dice
    assert min(values) - 1e-12 <= mean <= max(values) + 1e-12


def test_settings_metrics_and_report_values_load_without_torch() -> None:
    names = (
        "studio.segmenter",
        "studio.segmenter.settings",
        "studio.segmenter.metrics",
        "studio.segmenter.report.story",
    )
    code = f"import sys, {', '.join(names)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
