"""Whether a region still shows anything: an organ that was blotted out is one flat colour."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from studio.vocabulary.labels import IGNORE

_SMOOTHING = 2.0
_CORE = np.ones((9, 9), np.uint8)
_LEAST_PIXELS = 150
_LEAST_SPREAD = 3.0
_NOISE = 0.3


def substance_kept(
    render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray
) -> Mapping[int, float]:
    """By class: natural logarithm of the spread (root of the summed variances) of its smoothed colours in the
    translation over that in the render. About 0 where shading is kept, under -2 where the class is flat. Classes too
    small, or flat in the render, are missing; so are void and IGNORE. Pictures are uint8 RGB."""
    smooth = [cv2.GaussianBlur(image, (0, 0), _SMOOTHING) for image in (render_HW3, translation_HW3)]
    found = {}
    for class_id in np.flatnonzero(np.bincount(segmentation_HW.ravel(), minlength=256)):
        if class_id in (0, IGNORE):
            continue
        core = cv2.erode(cv2.compare(segmentation_HW, int(class_id), cv2.CMP_EQ), _CORE)
        if cv2.countNonZero(core) < _LEAST_PIXELS:
            continue
        spread, shown = (float(np.linalg.norm(cv2.meanStdDev(image, mask=core)[1])) for image in smooth)
        if spread > _LEAST_SPREAD:
            found[int(class_id)] = float(np.log((shown + _NOISE) / (spread + _NOISE)))
    return found
