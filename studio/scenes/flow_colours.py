"""Optical flow as colours: the wheel of Baker et al. 2011 (A Database and Evaluation Methodology for Optical Flow)."""

from __future__ import annotations

import numpy as np

_STEPS = (15, 6, 4, 11, 13, 6)
"""Steps of the wheel from red to yellow, green, cyan, blue, magenta and back: finer where eyes see more."""
_CORNERS = np.array([(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1), (1, 0, 1), (1, 0, 0)], np.float32)


def usual_motion(flow_HW2: np.ndarray) -> float:
    """px: the length that all but the fastest hundredth stay below, at least a tenth; of a picture without flow, 1."""
    length_N = np.hypot(flow_HW2[..., 0], flow_HW2[..., 1])
    known_N = length_N[np.isfinite(length_N)]
    return max(0.1, float(np.percentile(known_N, 99))) if len(known_N) else 1.0


def flow_colours(flow_HW2: np.ndarray, *, largest: float | None = None) -> np.ndarray:
    """uint8 (H, W, 3): hue is the direction (right is red, down yellow, left cyan, up violet), white stands still.

    ``largest``: px of full colour (see usual_motion); what is faster is darker. Black where there is no flow.
    """
    known_HW = np.isfinite(flow_HW2).all(axis=2)
    flow_HW2 = np.where(known_HW[..., None], flow_HW2, 0).astype(np.float32)
    scaled_HW2 = flow_HW2 / np.float32(usual_motion(flow_HW2) if largest is None else largest)
    length_HW1 = np.hypot(scaled_HW2[..., 0], scaled_HW2[..., 1])[..., None]
    turn_HW = np.arctan2(scaled_HW2[..., 1], scaled_HW2[..., 0]) / (2 * np.pi) % 1.0
    place_HW, corners = turn_HW * sum(_STEPS), np.cumsum((0, *_STEPS))
    hue_HW3 = np.stack([np.interp(place_HW, corners, _CORNERS[:, c]) for c in range(3)], axis=2)
    colour_HW3 = np.where(length_HW1 <= 1, 1 - length_HW1 * (1 - hue_HW3), 0.75 * hue_HW3)
    return np.asarray(np.rint(colour_HW3 * known_HW[..., None] * 255), np.uint8)
