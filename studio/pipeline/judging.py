"""Validity of a run's sample translations while it trains: the measure that exports are curated by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from studio.pipeline.views import frame_layers
from studio.project.project import Project
from studio.project.records import FrameRecord
from studio.quality.validity import measure_validity

_LABELS_KEPT = 32


def sample_judge(project: Project, frames: Sequence[FrameRecord]) -> Callable[[int, np.ndarray, np.ndarray], float]:
    """Validity (0 to 1) of a translation, given the place of its frame, the render as the translator saw it, and the
    translation. Labels are brought to the render's size; the frames asked for keep theirs in memory."""

    @lru_cache(maxsize=_LABELS_KEPT)
    def labels_HW(place: int, size: tuple[int, int]) -> np.ndarray | None:
        segmentation_HW = frame_layers(project, frames[place]).segmentation_HW
        if segmentation_HW is None:
            return None
        return np.asarray(cv2.resize(segmentation_HW, size, interpolation=cv2.INTER_NEAREST))

    def judge(place: int, render_HW3: np.ndarray, translation_HW3: np.ndarray) -> float:
        height, width = render_HW3.shape[:2]
        return measure_validity(render_HW3, translation_HW3, labels_HW(place, (width, height))).value

    return judge
