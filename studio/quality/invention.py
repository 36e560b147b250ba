"""Outlines that a translation shows inside a region where neither the labels nor the render have any.

An instrument or an organ that is not there gives long steps of colour, as strong as those between organs; texture,
vessels and highlights give thin or short ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.quality.contrast import logarithmic
from studio.quality.outlines import Outlines

_SCALE = 2
_SMOOTHING = 1.7
_AWAY = np.ones((13, 13), np.uint8)
_AROUND = np.ones((5, 5), np.uint8)
_AS_STRONG = 0.6
_LEAST_STEP = 4.0
_BEYOND_RENDER = 2.0
_LEAST_WEIGHT = 3.0
_SHOWN = 0.15


@dataclass(frozen=True, eq=False)
class Invention:
    """``longest``: the largest extent of one invented outline, relative to the picture's diagonal, 0 to 1.
    ``map_HW``: bool, the invented outlines long enough to be shown."""

    longest: float
    map_HW: np.ndarray


def invented_outlines(
    render_HW3: np.ndarray,
    translation_HW3: np.ndarray,
    segmentation_HW: np.ndarray,
    outlines: Outlines,
    weight_G: np.ndarray,
) -> Invention | None:
    """Compare two uint8 RGB pictures; None where no outline shows how strong one is in them."""
    told_G = weight_G > _LEAST_WEIGHT
    if not told_G.any():
        return None
    strength = [_gradient(image) for image in (render_HW3, translation_HW3)]
    usual = [max(float(np.median(_at_outlines(s, outlines)[told_G])), 1e-3) for s in strength]
    around_hw = cv2.dilate(strength[0], _AROUND)
    in_render_hw = np.maximum(around_hw, around_hw * (usual[1] / usual[0]))
    found_hw = strength[1] > np.maximum(max(_AS_STRONG * usual[1], _LEAST_STEP), _BEYOND_RENDER * in_render_hw)
    return _longest(found_hw & ~_near_outlines(segmentation_HW, strength[0].shape), segmentation_HW.shape)


def _longest(found_hw: np.ndarray, shape: tuple[int, ...]) -> Invention:
    count, part_hw, stats, _ = cv2.connectedComponentsWithStats(found_hw.astype(np.uint8))
    extents = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) / np.hypot(*found_hw.shape)
    extents[0] = 0
    shown_hw = (extents >= _SHOWN)[part_hw].astype(np.uint8)
    map_HW = cv2.resize(shown_hw, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST).astype(bool)
    return Invention(float(extents.max()) if count > 1 else 0.0, map_HW)


def _gradient(image_HW3: np.ndarray) -> np.ndarray:
    """float32 hxw at half the size: colour step per px, wide enough to cancel thin lines."""
    small = cv2.resize(image_HW3, None, fx=1 / _SCALE, fy=1 / _SCALE, interpolation=cv2.INTER_AREA)
    colours_hw3 = logarithmic(small, _SMOOTHING)
    across, down = (cv2.Sobel(colours_hw3, cv2.CV_32F, dx, 1 - dx, scale=0.25) for dx in (1, 0))
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=2)))


def _at_outlines(strength_hw: np.ndarray, outlines: Outlines) -> np.ndarray:
    height, width = strength_hw.shape
    at = (outlines.xy_P2 / _SCALE).astype(np.int64)
    return outlines.means(strength_hw[at[:, 1].clip(0, height - 1), at[:, 0].clip(0, width - 1)])


def _near_outlines(segmentation_HW: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    edge = cv2.morphologyEx(segmentation_HW, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    near = cv2.dilate(edge.astype(np.uint8), _AWAY)
    return np.asarray(cv2.resize(near, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST) > 0)
