"""Do depth and normals of a scene tell the same story? If not, which flip would make them agree."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import Layers

MEDIAN_LIMIT_DEGREES = 20.0
"""Right conventions give 1 to 8 degrees on our renders, a wrong axis 40 and more."""

_LEAST_PIXELS = 200
_SMOOTH = 0.05


def normals_from_depth(depth_HW: np.ndarray, K: np.ndarray) -> np.ndarray:
    """float32 HxWx3 normals of the surface that a planar-z depth in mm describes, pointing at the camera.

    Zero where a neighbour is missing or the depth jumps by more than 5 % (an outline).
    """
    height, width = depth_HW.shape
    x_W = (np.arange(width, dtype=np.float32) + 0.5 - K[0, 2]) / K[0, 0]
    y_H = (np.arange(height, dtype=np.float32) + 0.5 - K[1, 2]) / K[1, 1]
    points_HW3 = np.stack([depth_HW * x_W, depth_HW * y_H[:, None], depth_HW], axis=2)
    normals_HW3 = np.zeros_like(points_HW3)
    across = points_HW3[1:-1, 2:] - points_HW3[1:-1, :-2]
    down = points_HW3[2:, 1:-1] - points_HW3[:-2, 1:-1]
    inner = np.cross(down, across)
    length = np.linalg.norm(inner, axis=2, keepdims=True)
    centre = depth_HW[1:-1, 1:-1]
    neighbours = (depth_HW[1:-1, 2:], depth_HW[1:-1, :-2], depth_HW[2:, 1:-1], depth_HW[:-2, 1:-1])
    smooth = (centre > 0) & np.logical_and.reduce([(n > 0) & (abs(n - centre) < _SMOOTH * centre) for n in neighbours])
    inner = np.where(smooth[..., None] & (length > 0), inner / np.maximum(length, 1e-9), 0)
    normals_HW3[1:-1, 1:-1] = inner
    return normals_HW3


def median_angle(expected_HW3: np.ndarray, normals_HW3: np.ndarray) -> float | None:
    """Median angle in degrees where both have a normal; None with too few such pixels."""
    both = (abs(expected_HW3).sum(axis=2) > 0) & (abs(normals_HW3).sum(axis=2) > 0)
    if both.sum() < _LEAST_PIXELS:
        return None
    cosines = np.clip((expected_HW3[both] * normals_HW3[both]).sum(axis=1), -1, 1)
    return float(np.degrees(np.median(np.arccos(cosines))))


def check_normals(layers: Layers, *, where: Path) -> None:
    """Raise InputError when the normals disagree with the depth, with the flip of axes that would mend it."""
    if layers.depth_HW is None or layers.normals_HW3 is None or layers.K is None:
        return
    expected_HW3 = normals_from_depth(layers.depth_HW, layers.K)
    angle = median_angle(expected_HW3, layers.normals_HW3)
    if angle is None or angle <= MEDIAN_LIMIT_DEGREES:
        return
    best, best_angle = _best_flip(expected_HW3, layers.normals_HW3)
    if best_angle <= MEDIAN_LIMIT_DEGREES:
        axes = " and ".join(axis for axis, sign in zip("xyz", best, strict=True) if sign < 0)
        remedy = f"Flipping {axes} of the normals makes them agree ({best_angle:.0f} degrees)."
    else:
        remedy = "Check that depth is planar z in mm and normals are in OpenCV camera axes."
    raise InputError(f"normals and depth disagree by {angle:.0f} degrees (median)", where=where, remedy=remedy)


def _best_flip(expected_HW3: np.ndarray, normals_HW3: np.ndarray) -> tuple[tuple[int, ...], float]:
    """The signs of x, y, z under which the normals agree best, and the median angle then, in degrees."""
    angles: dict[tuple[int, ...], float] = {}
    for signs in itertools.product((1, -1), repeat=3):
        angle = median_angle(expected_HW3, normals_HW3 * np.array(signs, np.float32))
        angles[signs] = 180.0 if angle is None else angle
    best = min(angles, key=lambda signs: angles[signs])
    return best, angles[best]
