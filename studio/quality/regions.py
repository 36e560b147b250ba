"""Regions of a render by colour, to stand in for labels where there are none."""

from __future__ import annotations

import cv2
import numpy as np

_REGIONS = 6
_ROUNDS = 8
_SAMPLES = 1500


def colour_regions(render_HW3: np.ndarray) -> np.ndarray:
    """uint8 HxW with ids 1 to 6: k-means of the smoothed colours (farthest-point start, so always the same)."""
    smooth_HW3 = cv2.medianBlur(cv2.GaussianBlur(render_HW3, (0, 0), 1.5), 5)
    pixels_N3 = smooth_HW3.reshape(-1, 3).astype(np.float32)
    sample = pixels_N3[:: max(1, len(pixels_N3) // _SAMPLES)]
    centres = _centres(sample)
    nearest = _squared(pixels_N3, centres).argmin(axis=1).astype(np.uint8)
    return np.asarray(cv2.medianBlur(nearest.reshape(render_HW3.shape[:2]), 7) + 1)


def _centres(sample_N3: np.ndarray) -> np.ndarray:
    chosen = [sample_N3[((sample_N3 - sample_N3.mean(axis=0)) ** 2).sum(axis=1).argmin()]]
    while len(chosen) < _REGIONS:
        chosen.append(sample_N3[_squared(sample_N3, np.array(chosen)).min(axis=1).argmax()])
    centres = np.array(chosen)
    for _ in range(_ROUNDS):
        owner = _squared(sample_N3, centres).argmin(axis=1)
        centres = np.array(
            [sample_N3[owner == k].mean(axis=0) if (owner == k).any() else centres[k] for k in range(_REGIONS)]
        )
    return centres


def _squared(points_N3: np.ndarray, centres_K3: np.ndarray) -> np.ndarray:
    """Squared distances up to a constant per point (enough to compare centres, exact enough for 8-bit colours)."""
    own = (points_N3**2).sum(axis=1, keepdims=True)
    return np.asarray(own - 2 * points_N3 @ centres_K3.T + (centres_K3**2).sum(axis=1))
