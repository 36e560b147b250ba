"""What is drawn of a frame's layers: colours and outlines of its labels, depth and normals as colours. No Qt in here.

Worked out once a frame, since they stay the same while a person moves the opacity or looks at one style after another.
Shapes: HW is height x width of the render; colours are 8-bit sRGB.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Literal

import cv2
import numpy as np

from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import ClassTable

VOID = 0
DEPTH_PERCENTILES = (2.0, 98.0)
_DEPTH_STEP = 4
ARROW_STEP = 16
"""Picture px from one arrow to the next."""
_SHIFT = 4
"""Fraction bits of the coordinates that OpenCV draws lines at."""


class LayerInk:
    """Kept for one frame and one class table; everything is worked out when it is first asked for."""

    def __init__(self, layers: Layers, classes: ClassTable) -> None:
        self._layers = layers
        self._classes = classes
        self._drawn: tuple[frozenset[int], np.ndarray, np.ndarray] | None = None
        self._ranges: dict[tuple[float, float], tuple[float, float]] = {}

    @cached_property
    def class_ids(self) -> tuple[int, ...]:
        """Ids that the frame shows, rising."""
        if self._layers.segmentation_HW is None:
            return ()
        counts = np.bincount(self._layers.segmentation_HW.ravel(), minlength=256)
        return tuple(int(i) for i in np.flatnonzero(counts))

    @cached_property
    def label_colours_HW3(self) -> np.ndarray:
        """uint8: each pixel's class colour."""
        return coloured(self._segmentation_HW, self._classes.palette_256x3())

    @cached_property
    def scratch_HW3(self) -> np.ndarray:
        """uint8, to be written over: saves getting memory for every picture that is blended."""
        return np.empty_like(self.label_colours_HW3)

    @cached_property
    def _edges_HW(self) -> np.ndarray:
        return outlines(self._segmentation_HW)

    @property
    def _segmentation_HW(self) -> np.ndarray:
        assert self._layers.segmentation_HW is not None  # asked for only where it is offered
        return self._layers.segmentation_HW

    def drawn(self, hidden: frozenset[int]) -> tuple[np.ndarray, np.ndarray]:
        """(fill, outline), uint8 HxW: where known classes are drawn that are neither hidden nor void."""
        if self._drawn is None or self._drawn[0] != hidden:
            drawn_256 = np.zeros(256, np.uint8)
            drawn_256[[i for i in self._classes.ids if i != VOID and i not in hidden]] = 1
            drawn_HW = cv2.LUT(self._segmentation_HW, drawn_256)
            self._drawn = hidden, drawn_HW, self._edges_HW & drawn_HW
        return self._drawn[1], self._drawn[2]

    def depth_range(self, percentiles: tuple[float, float]) -> tuple[float, float]:
        """Depths in mm at two percentiles (0 to 100) of the frame, see depth_range."""
        if percentiles not in self._ranges:
            self._ranges[percentiles] = depth_range(self._layers.depth_HW, percentiles)
        return self._ranges[percentiles]


def with_lines(image_HW3: np.ndarray, lines_NM2: np.ndarray) -> np.ndarray:
    """A copy of a picture with lines of M points (x, y in px) in white with a dark rim."""
    shown_HW3 = image_HW3.copy()
    lines = list(np.rint(lines_NM2 * (1 << _SHIFT)).astype(np.int32))
    for colour, thickness in (((0, 0, 0), 2), ((255, 255, 255), 1)):
        cv2.polylines(shown_HW3, lines, False, colour, thickness, cv2.LINE_AA, _SHIFT)
    return shown_HW3


def outlines(segmentation_HW: np.ndarray) -> np.ndarray:
    """uint8 HxW, 1 where the pixel to the right or below has another class."""
    edges = np.zeros(segmentation_HW.shape, np.uint8)
    edges[:, :-1] = segmentation_HW[:, :-1] != segmentation_HW[:, 1:]
    edges[:-1] |= (segmentation_HW[:-1] != segmentation_HW[1:]).view(np.uint8)
    return edges


def depth_range(
    depth_HW: np.ndarray | None, percentiles: tuple[float, float] = DEPTH_PERCENTILES
) -> tuple[float, float]:
    """Two percentiles of the depths above 0, in mm; (0, 1) when there are none."""
    if depth_HW is None:
        return 0.0, 1.0
    known = depth_HW[::_DEPTH_STEP, ::_DEPTH_STEP]
    known = known[np.isfinite(known) & (known > 0)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(known, percentiles)
    return float(low), float(max(high, low + 1e-3))


def depth_colours(depth_HW: np.ndarray, low: float, high: float) -> np.ndarray:
    """uint8 HxWx3 in viridis, the nearest brightest as under the endoscope's own light; ends are clipped."""
    slope = -255 / max(high - low, 1e-6)
    levels_HW = np.clip(np.nan_to_num(depth_HW) * np.float32(slope) - np.float32(high * slope), 0, 255)
    return coloured(levels_HW.astype(np.uint8), colour_map("viridis"))


def normal_colours(normals_HW3: np.ndarray) -> np.ndarray:
    """uint8 HxWx3: right, up and towards the camera as red, green and blue, -1 to 1 on 0 to 255."""
    turned = np.diag([127.5, -127.5, -127.5])
    return np.asarray(cv2.convertScaleAbs(cv2.transform(normals_HW3, np.c_[turned, np.full(3, 127.5)])))


def normal_arrows(normals_HW3: np.ndarray, step: int) -> np.ndarray:
    """float Nx5x2: arrows as lines through five points (x, y in px), one every ``step`` px, that point where the
    surface faces as seen from the camera: a normal across the view is half a step long, one that faces the camera a
    dot. None where there is no surface.
    """
    half = step // 2
    normals_NM3 = normals_HW3[half::step, half::step]
    rows, columns = np.nonzero(normals_NM3[..., 2])
    tails_N2 = np.stack([columns, rows], axis=1) * float(step) + half
    along_N2 = normals_NM3[rows, columns, :2] * (step / 2)
    across_N2 = np.stack([-along_N2[:, 1], along_N2[:, 0]], axis=1)
    tips_N2 = tails_N2 + along_N2
    barbs = [tips_N2 - 0.4 * along_N2 + side * 0.25 * across_N2 for side in (1, -1)]
    return np.asarray(np.stack([tails_N2, tips_N2, barbs[0], tips_N2, barbs[1]], axis=1))


def coloured(levels_HW: np.ndarray, colours_256x3: np.ndarray) -> np.ndarray:
    """uint8 HxWx3: the colour of each uint8 level. Many times faster than indexing the table."""
    return np.asarray(cv2.applyColorMap(levels_HW, np.ascontiguousarray(colours_256x3[:, None])))


@lru_cache(maxsize=4)
def colour_map(name: Literal["viridis", "magma", "inferno"]) -> np.ndarray:
    """uint8 256x3 RGB of a perceptually even map, from dark to bright."""
    code = {"viridis": cv2.COLORMAP_VIRIDIS, "magma": cv2.COLORMAP_MAGMA, "inferno": cv2.COLORMAP_INFERNO}[name]
    ramp = np.arange(256, dtype=np.uint8)[None, :]
    return np.ascontiguousarray(cv2.applyColorMap(ramp, code)[0, :, ::-1])
