"""What is said of the points that clicks kept, and how far two of them are apart in space. No Qt in here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.readout import Readout, read_at

Point = tuple[float, float]
"""Shares of a picture's sides."""


def readouts(state: PictureState, points: Sequence[Point]) -> list[Readout]:
    """What the picture says at each point."""
    width, height = state.size
    found = (read_at(state, int(x * width), int(y * height)) for x, y in points)
    return [read for read in found if read is not None]


def in_camera(state: PictureState, x: int, y: int) -> np.ndarray | None:
    """The surface point in the middle of a pixel, (x, y, z) in mm in OpenCV camera axes; None where depth is not known
    or the frame has no intrinsics."""
    depth_HW, K = state.layers.depth_HW, state.layers.K
    if depth_HW is None or K is None:
        return None
    depth = float(depth_HW[y, x])
    if not np.isfinite(depth) or depth <= 0:
        return None
    ray_3 = np.linalg.inv(K) @ [x + 0.5, y + 0.5, 1.0]
    if state.layers.lens is not None:
        ray_3[:2] = state.layers.lens.straight(ray_3[None, :2])[0]
    return np.asarray(depth * ray_3) if np.isfinite(ray_3).all() else None


def distance_mm(state: PictureState, first: Readout, second: Readout) -> float | None:
    """How far two pixels' surface points are apart, straight through space; None where either is not known."""
    here, there = in_camera(state, first.x, first.y), in_camera(state, second.x, second.y)
    return None if here is None or there is None else float(np.linalg.norm(there - here))


def kept_words(state: PictureState, points: Sequence[Point]) -> list[str]:
    """A line for each point, and one for the distance between two."""
    reads = readouts(state, points)
    if len(reads) < 2:
        return [read.words() for read in reads]
    lines = [f"{number}   {read.words()}" for number, read in enumerate(reads, start=1)]
    return [*lines, f"1 to 2   {_apart(state, reads[0], reads[1])}"]


def _apart(state: PictureState, first: Readout, second: Readout) -> str:
    distance = distance_mm(state, first, second)
    if distance is not None:
        return f"{distance:.1f} mm in space"
    px = np.hypot(second.x - first.x, second.y - first.y)
    missing = "the camera's focal length" if state.layers.K is None else "depth"
    return f"{px:.0f} px in the picture; without {missing} there are no mm"
