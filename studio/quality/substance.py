"""Whether each region still shows anything: an organ that was blotted out is one flat colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from studio.vocabulary.labels import IGNORE

_SMOOTHING = 2.0
_CORE = np.ones((9, 9), np.uint8)
_LEAST_PIXELS, _LEAST_CORE = 200, 100
_LEAST_SPREAD = 3.0
_NOISE = 0.3


@dataclass(frozen=True, eq=False)
class Substance:
    """``kept``: by number of the region, natural logarithm of the spread (root of the summed variances) of its smoothed
    colours in the translation over that in the render. About 0 where shading is kept, under -2 where it is flat.
    ``class_of``: each one's class; ``regions_HW``: where they lie (0: not judged)."""

    kept: Mapping[int, float]
    class_of: Mapping[int, int]
    regions_HW: np.ndarray

    def least(self, class_id: int | None = None) -> float | None:
        """Of the whole picture's or one class' regions; None where none can be judged."""
        return min((v for r, v in self.kept.items() if class_id in (None, self.class_of[r])), default=None)


def substance_kept(render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray) -> Substance:
    """Compare two uint8 RGB pictures, connected region by connected region. Regions too small or flat in the render are
    left out; so are void and IGNORE."""
    smooth = [cv2.GaussianBlur(image, (0, 0), _SMOOTHING) for image in (render_HW3, translation_HW3)]
    kept: dict[int, float] = {}
    class_of: dict[int, int] = {}
    regions_HW = np.zeros(segmentation_HW.shape, np.int32)
    for class_id, box, mask_hw in _regions(segmentation_HW):
        spread = _spreads([image[box] for image in smooth], mask_hw)
        if spread is not None and spread[0] > _LEAST_SPREAD:
            number = len(kept) + 1
            kept[number] = float(np.log((spread[1] + _NOISE) / (spread[0] + _NOISE)))
            class_of[number] = class_id
            regions_HW[box][mask_hw > 0] = number
    return Substance(kept, class_of, regions_HW)


def _regions(segmentation_HW: np.ndarray) -> list[tuple[int, tuple[slice, slice], np.ndarray]]:
    """(class, box, 0/1 mask within the box) of every connected region large enough."""
    found = []
    for class_id in np.flatnonzero(np.bincount(segmentation_HW.ravel(), minlength=256)):
        if class_id in (0, IGNORE):
            continue
        mask_HW = cv2.compare(segmentation_HW, int(class_id), cv2.CMP_EQ)
        count, part_HW, stats, _ = cv2.connectedComponentsWithStats(mask_HW)
        for part in range(1, count):
            x, y, width, height, pixels = stats[part]
            box = np.s_[y : y + height, x : x + width]
            if pixels >= _LEAST_PIXELS:
                found.append((int(class_id), box, (part_HW[box] == part).astype(np.uint8)))
    return found


def _spreads(images: list[np.ndarray], mask_hw: np.ndarray) -> list[float] | None:
    """Each image's spread away from the region's outline; None where too little lies away from it."""
    padded = np.pad(mask_hw, _CORE.shape[0] // 2)
    core = np.ascontiguousarray(cv2.erode(padded, _CORE)[4:-4, 4:-4])
    if cv2.countNonZero(core) < _LEAST_CORE:
        return None
    return [float(np.linalg.norm(cv2.meanStdDev(image, mask=core)[1])) for image in images]
