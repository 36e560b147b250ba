"""The round image area of an endoscope: found as a circle, kept as a mask.

The boundary is sought row by row and column by column, the circle by random sampling with consensus (Fischler and
Bolles 1981) and then least squares (Kasa 1976), so that burnt-in text, dark tissue at the rim and a circle cut off by
the frame do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.vocabulary.seeds import stream

WORKING_SIDE = 320
_OUTSIDE_LIMIT = 48
_ABOVE_OUTSIDE = 12
_TOLERANCE = 2.0
_TRIALS = 300
_LEAST_POINTS = 24


@dataclass(frozen=True, slots=True)
class ImageArea:
    """A circle in pixels of a picture of ``width`` x ``height``; ``radius`` 0 means that the whole frame is image."""

    cx: float
    cy: float
    radius: float
    width: int
    height: int

    @staticmethod
    def full(width: int, height: int) -> ImageArea:
        return ImageArea(width / 2, height / 2, 0.0, width, height)

    @property
    def is_full(self) -> bool:
        return self.radius <= 0

    def mask_HW(self, *, margin: float = 0.0) -> np.ndarray:
        """bool, True inside. ``margin`` in pixels shrinks the circle, for those who want no rim."""
        if self.is_full:
            return np.ones((self.height, self.width), bool)
        x_W = np.arange(self.width) + 0.5 - self.cx
        y_H1 = (np.arange(self.height) + 0.5 - self.cy)[:, None]
        mask: np.ndarray = x_W * x_W + y_H1 * y_H1 <= max(self.radius - margin, 0.0) ** 2
        return mask

    def scaled(self, width: int, height: int) -> ImageArea:
        """The same area in a picture resized to ``width`` x ``height`` (the mean of both factors for the radius)."""
        fx, fy = width / self.width, height / self.height
        return ImageArea(self.cx * fx, self.cy * fy, self.radius * (fx + fy) / 2, width, height)

    def to_tuple(self) -> tuple[float, float, float, int, int]:
        return self.cx, self.cy, self.radius, self.width, self.height


def find_image_area(image_HW3: np.ndarray) -> ImageArea:
    """The circle outside of which a uint8 RGB frame is black; the full frame when there is no such circle."""
    height, width = image_HW3.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(width, height))
    small = cv2.resize(image_HW3, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image_HW3
    bright_HW = _bright(small.max(axis=2))
    circle = None if bright_HW is None else _circle(bright_HW)
    if circle is None:
        return ImageArea.full(width, height)
    fx, fy = width / small.shape[1], height / small.shape[0]
    return ImageArea(circle[0] * fx, circle[1] * fy, circle[2] * (fx + fy) / 2, width, height)


def _bright(value_HW: np.ndarray) -> np.ndarray | None:
    """bool HxW of what is brighter than the black outside; None when the corners are not black."""
    side = max(2, min(value_HW.shape) // 16)
    corners = [value_HW[:side, :side], value_HW[:side, -side:], value_HW[-side:, :side], value_HW[-side:, -side:]]
    levels = sorted(float(np.median(c)) for c in corners)
    if levels[2] > _OUTSIDE_LIMIT:
        return None
    # Three of four corners: a logo or a patch of light may lie in the fourth.
    bright_HW = (value_HW > levels[2] + _ABOVE_OUTSIDE).astype(np.uint8)
    opened: np.ndarray = cv2.morphologyEx(bright_HW, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    return opened


def _circle(bright_HW: np.ndarray) -> tuple[float, float, float] | None:
    points_N2 = _rim_points(bright_HW)
    if len(points_N2) < _LEAST_POINTS:
        return None
    best = _consensus(points_N2, bright_HW.shape)
    if best is None:
        return None
    for _ in range(3):
        near = abs(np.hypot(*(points_N2 - best[:2]).T) - best[2]) < _TOLERANCE
        if near.sum() < _LEAST_POINTS:
            return None
        best = _least_squares(points_N2[near])
    return (float(best[0]), float(best[1]), float(best[2])) if _plausible(best, bright_HW) else None


def _rim_points(bright_HW: np.ndarray) -> np.ndarray:
    """First and last bright pixel edge of each row and column, those at the frame's own border left out (x, y)."""
    points = []
    for lines, swapped in ((bright_HW, False), (bright_HW.T, True)):
        length = lines.shape[1]
        rows = np.flatnonzero(lines.any(axis=1))
        first = lines[rows].argmax(axis=1)
        last = length - lines[rows][:, ::-1].argmax(axis=1)
        for position, inner in ((first, first > 1), (last, last < length - 1)):
            pair = np.stack([position[inner].astype(float), rows[inner] + 0.5], axis=1)
            points.append(pair[:, ::-1] if swapped else pair)
    return np.concatenate(points)


def _consensus(points_N2: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """(cx, cy, radius) through three rim points that most others agree with."""
    height, width = shape
    chosen = stream(0, "image area").integers(0, len(points_N2), (_TRIALS, 3))
    circles = _through(points_N2[chosen])
    fits = np.isfinite(circles).all(axis=1) & (circles[:, 2] > 0.25 * height) & (circles[:, 2] < 0.75 * width)
    fits &= (abs(circles[:, 0] / width - 0.5) < 0.3) & (abs(circles[:, 1] / height - 0.5) < 0.35)
    circles = circles[fits]
    if not len(circles):
        return None
    distance = np.hypot(points_N2[:, 0] - circles[:, :1], points_N2[:, 1] - circles[:, 1:2]) - circles[:, 2:]
    agreeing = (abs(distance) < _TOLERANCE).sum(axis=1)
    best: np.ndarray = circles[agreeing.argmax()]
    return best


def _through(triples_T32: np.ndarray) -> np.ndarray:
    """Circles (cx, cy, radius) through three points each; not finite where these lie on a line."""
    (ax, ay), (bx, by), (cx, cy) = (triples_T32[:, i].T for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        d = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
        aa, bb, cc = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
        x = (aa * (by - cy) + bb * (cy - ay) + cc * (ay - by)) / d
        y = (aa * (cx - bx) + bb * (ax - cx) + cc * (bx - ax)) / d
        return np.stack([x, y, np.hypot(ax - x, ay - y)], axis=1)


def _least_squares(points_N2: np.ndarray) -> np.ndarray:
    design = np.column_stack([2 * points_N2, np.ones(len(points_N2))])
    x, y, rest = np.linalg.lstsq(design, (points_N2**2).sum(axis=1), rcond=None)[0]
    return np.array([x, y, np.sqrt(max(rest + x * x + y * y, 0.0))])


def _plausible(circle: np.ndarray, bright_HW: np.ndarray) -> bool:
    """Nearly nothing bright outside, and something cut off: else the frame is no endoscope's circle."""
    height, width = bright_HW.shape
    inside_HW = ImageArea(circle[0], circle[1], circle[2] + _TOLERANCE, width, height).mask_HW()
    outside = ~inside_HW
    if outside.mean() < 0.01:
        return False
    return float(bright_HW[outside].mean()) < 0.04 and float(bright_HW[inside_HW].mean()) > 0.25
