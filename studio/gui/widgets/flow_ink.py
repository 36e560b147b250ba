"""Optical flow as colours and as arrows. No Qt in here.

Hue is the direction (red to the right, then yellow-green down, cyan to the left, violet up), saturation the length:
white does not move. ``top`` is the length in px from which colours are full.
"""

from __future__ import annotations

import cv2
import numpy as np

_PERCENTILE, _LEAST_TOP = 98.0, 0.5
_STEP = 2


def flow_top(flow_HW2: np.ndarray) -> float:
    """px: the 98th percentile of the flow's length where it is known, at least half a pixel."""
    length_HW = np.hypot(flow_HW2[::_STEP, ::_STEP, 0], flow_HW2[::_STEP, ::_STEP, 1])
    known = length_HW[np.isfinite(length_HW)]
    return max(_LEAST_TOP, float(np.percentile(known, _PERCENTILE))) if known.size else _LEAST_TOP


def scaled_flow(flow_HW2: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The flow of the same frame at (width, height) px, in px of that size; what is not known stays so."""
    height, width = flow_HW2.shape[:2]
    if size == (width, height):
        return flow_HW2
    smaller_HW2 = cv2.resize(flow_HW2, size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(smaller_HW2 * np.array([size[0] / width, size[1] / height], np.float32))


def flow_colours(flow_HW2: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 HxWx3, bool HxW where there is flow)."""
    known_HW = np.isfinite(flow_HW2).all(axis=2)
    flow_HW2 = np.where(known_HW[..., None], flow_HW2, 0).astype(np.float32)
    length_HW, degrees_HW = cv2.cartToPolar(flow_HW2[..., 0], flow_HW2[..., 1], angleInDegrees=True)
    hsv_HW3 = np.empty((*known_HW.shape, 3), np.uint8)
    hsv_HW3[..., 0] = np.minimum(degrees_HW / 2, 179)
    hsv_HW3[..., 1] = np.minimum(length_HW * (255 / top), 255)
    hsv_HW3[..., 2] = 255
    return np.asarray(cv2.cvtColor(hsv_HW3, cv2.COLOR_HSV2RGB)), known_HW


def flow_wheel(size: int) -> np.ndarray:
    """uint8 size x size x 4 (RGBA): what the colours mean, the centre at rest and the rim at ``top``."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    flow_HW2 = np.stack(np.meshgrid(axis, axis), axis=2)
    colours_HW3, _ = flow_colours(flow_HW2, 1.0)
    inside_HW = np.hypot(flow_HW2[..., 0], flow_HW2[..., 1]) <= 1
    return np.ascontiguousarray(np.dstack([colours_HW3, np.where(inside_HW, 255, 0).astype(np.uint8)]))


def flow_arrows(flow_HW2: np.ndarray, step: int) -> np.ndarray:
    """float Nx5x2: arrows as lines through five points (x, y in px), one every ``step`` px, from a pixel to where its
    point goes, at the flow's own length. None where flow is not known or shorter than a tenth of a pixel.
    """
    half = step // 2
    flow_NM2 = flow_HW2[half::step, half::step]
    with np.errstate(invalid="ignore"):
        rows, columns = np.nonzero(np.hypot(flow_NM2[..., 0], flow_NM2[..., 1]) >= 0.1)
    tails_N2 = np.stack([columns, rows], axis=1) * float(step) + half
    along_N2 = flow_NM2[rows, columns].astype(np.float64)
    lengths_N1 = np.linalg.norm(along_N2, axis=1, keepdims=True)
    barb_N2 = along_N2 / np.maximum(lengths_N1, 1e-9) * np.minimum(lengths_N1, step / 3) * 0.4
    across_N2 = np.stack([-barb_N2[:, 1], barb_N2[:, 0]], axis=1)
    tips_N2 = tails_N2 + along_N2
    barbs = [tips_N2 - barb_N2 + side * 0.6 * across_N2 for side in (1, -1)]
    return np.asarray(np.stack([tails_N2, tips_N2, barbs[0], tips_N2, barbs[1]], axis=1))
