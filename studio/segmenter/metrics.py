"""Dice, IoU and the 95th-percentile Hausdorff distance, per frame, then per patient, then the mean of patients.

Choices where the definitions leave one:

- A class absent from truth *and* prediction of a frame says nothing about it: all three are nan, and nan is left out of
  means. A class absent from one of the two only: Dice and IoU 0, distance = the picture's diagonal, the most there is.
- Pixels with the label IGNORE are taken out of truth and prediction alike before anything is counted.
- The distance is taken between boundary pixels (those of the mask with one of their four neighbours outside it; beyond
  the picture counts as outside), centre to centre, in pixels of the label's own size; each way its 95th percentile
  (linear interpolation), and of the two the larger.
- A patient's figure is the mean over the patient's frames, a data set's the mean over its patients: frames of several
  patients are never pooled, so a patient with many frames weighs no more than one with few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from studio.vocabulary.labels import IGNORE

MEASURES = ("dice", "iou", "hd95")


@dataclass(frozen=True, slots=True)
class Scores:
    """dice and iou in 0 to 1, hd95 in pixels; nan where a frame says nothing about the class."""

    dice: float
    iou: float
    hd95: float

    def value(self, measure: str) -> float:
        return float(getattr(self, measure))


@dataclass(frozen=True, slots=True)
class FrameScore:
    """One frame, one class, one regime (a trained segmenter or the trivial predictor)."""

    regime: str
    patient: str
    group: str
    frame: str
    class_name: str
    scores: Scores


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean scores over ``frames`` frames (or, for a data set, over ``patients`` patients) that had the class."""

    scores: Scores
    frames: int
    patients: int


def dice(prediction_HW: np.ndarray, truth_HW: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two boolean masks; nan when both are empty."""
    total = int(np.count_nonzero(prediction_HW)) + int(np.count_nonzero(truth_HW))
    if total == 0:
        return float("nan")
    return 2.0 * int(np.count_nonzero(prediction_HW & truth_HW)) / total


def iou(prediction_HW: np.ndarray, truth_HW: np.ndarray) -> float:
    """|A and B| / |A or B| of two boolean masks; nan when both are empty."""
    union = int(np.count_nonzero(prediction_HW | truth_HW))
    if union == 0:
        return float("nan")
    return int(np.count_nonzero(prediction_HW & truth_HW)) / union


def hd95(prediction_HW: np.ndarray, truth_HW: np.ndarray) -> float:
    """Symmetric 95th-percentile Hausdorff distance in pixels; the module's head says how empty masks count."""
    if not prediction_HW.any() and not truth_HW.any():
        return float("nan")
    if not prediction_HW.any() or not truth_HW.any():
        return float(np.hypot(*truth_HW.shape))
    a_HW, b_HW = _boundary(prediction_HW), _boundary(truth_HW)
    rows, columns = np.nonzero(a_HW | b_HW)
    # All boundary pixels lie in this box, so distances within it are exact and most of the picture is left out.
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    a_hw, b_hw = a_HW[box], b_HW[box]
    to_b = ndimage.distance_transform_edt(~b_hw)[a_hw]
    to_a = ndimage.distance_transform_edt(~a_hw)[b_hw]
    return float(max(np.percentile(to_b, 95), np.percentile(to_a, 95)))


def score_class(prediction_HW: np.ndarray, truth_HW: np.ndarray, class_id: int) -> Scores:
    """Scores of one class from two pictures of class ids (uint8, same size). IGNORE in truth takes a pixel out."""
    if prediction_HW.shape != truth_HW.shape:
        raise ValueError(f"prediction {prediction_HW.shape} and truth {truth_HW.shape} differ in size")
    a_HW = (prediction_HW == class_id) & (truth_HW != IGNORE)
    b_HW = truth_HW == class_id
    return Scores(dice(a_HW, b_HW), iou(a_HW, b_HW), hd95(a_HW, b_HW))


def mean_of_frames(scores: Sequence[Scores]) -> Mean:
    """The mean over one patient's frames that had the class in truth or prediction."""
    counted = sum(not np.isnan(s.dice) for s in scores)
    return Mean(_mean(scores), counted, 1 if counted else 0)


def mean_of_patients(means: Sequence[Mean]) -> Mean:
    """The mean over patients, each weighing the same."""
    counted = [m for m in means if m.patients]
    return Mean(_mean([m.scores for m in counted]), sum(m.frames for m in counted), len(counted))


def per_patient(frames: Iterable[FrameScore]) -> dict[tuple[str, str, str], Mean]:
    """Means by (regime, class, patient), in the order in which these first appear."""
    rows: dict[tuple[str, str, str], list[Scores]] = {}
    for frame in frames:
        rows.setdefault((frame.regime, frame.class_name, frame.patient), []).append(frame.scores)
    return {key: mean_of_frames(scores) for key, scores in rows.items()}


def over_patients(frames: Iterable[FrameScore], *, group: str | None = None) -> dict[tuple[str, str], Mean]:
    """Means by (regime, class) over all patients, or over those of one group."""
    chosen = [f for f in frames if group is None or f.group == group]
    rows: dict[tuple[str, str], list[Mean]] = {}
    for (regime, class_name, _), mean in per_patient(chosen).items():
        rows.setdefault((regime, class_name), []).append(mean)
    return {key: mean_of_patients(means) for key, means in rows.items()}


def _boundary(mask_HW: np.ndarray) -> np.ndarray:
    inner_HW: np.ndarray = ndimage.binary_erosion(mask_HW)
    boundary_HW: np.ndarray = mask_HW & ~inner_HW
    return boundary_HW


def _mean(scores: Sequence[Scores]) -> Scores:
    values = np.array([[s.dice, s.iou, s.hd95] for s in scores], np.float64).reshape(-1, 3)
    values = values[~np.isnan(values).any(axis=1)]
    if not len(values):
        return Scores(float("nan"), float("nan"), float("nan"))
    return Scores(*(float(v) for v in values.mean(axis=0)))
