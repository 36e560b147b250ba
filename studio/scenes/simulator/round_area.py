"""The endoscope's round picture area, if a set is to have one: beyond it nothing is seen, in no layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from studio.vocabulary.frames import Layers

_STREAM = 0x0A6EA
_RADII = (0.36, 0.56)
"""Shares of the width: from a whole circle in a 16:9 picture with room at the sides to one that cuts only corners."""
_OFF_CENTRE = 0.015


@dataclass(frozen=True, slots=True)
class RoundArea:
    """``x``, ``y`` and ``radius`` in px of pictures of ``size`` (width, height)."""

    size: tuple[int, int]
    x: float
    y: float
    radius: float

    def inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether points of the picture lie in it; those at NaN do not."""
        return np.asarray((x - self.x) ** 2 + (y - self.y) ** 2 <= self.radius**2)

    def to_json(self) -> dict[str, float]:
        """Centre and radius in px."""
        return {"x": self.x, "y": self.y, "radius": self.radius}

    def _centres(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.meshgrid(np.arange(self.size[0]) + 0.5, np.arange(self.size[1]) + 0.5)
        return x, y

    def at(self, size: tuple[int, int]) -> RoundArea:
        """The area in a picture of another size that shows the same, fitted to the width."""
        scale = size[0] / self.size[0]
        y = size[1] / 2 + scale * (self.y - self.size[1] / 2)
        return RoundArea(size, scale * self.x, y, scale * self.radius)

    def faded(self, rgb_HW3: np.ndarray) -> np.ndarray:
        """uint8 colours, black outside; they fade over one px."""
        x, y = self._centres()
        cover_HW = np.clip(self.radius - np.hypot(x - self.x, y - self.y) + 0.5, 0, 1)
        return np.rint(rgb_HW3 * cover_HW[..., None]).astype(np.uint8)

    def masked(self, layers: Layers) -> Layers:
        """The frame with void, no depth and no normal where the pixel's centre is outside."""
        assert layers.segmentation_HW is not None and layers.depth_HW is not None and layers.normals_HW3 is not None
        x, y = self._centres()
        seen_HW = self.inside(x, y)
        return replace(
            layers,
            rgb_HW3=self.faded(layers.rgb_HW3),
            segmentation_HW=np.where(seen_HW, layers.segmentation_HW, np.uint8(0)),
            depth_HW=np.where(seen_HW, layers.depth_HW, np.float32(0)),
            normals_HW3=np.where(seen_HW[..., None], layers.normals_HW3, np.float32(0)),
        )

    def masked_flow(self, flow_HW2: np.ndarray) -> np.ndarray:
        """Flow with NaN where the pixel, or where it leads, is outside."""
        x, y = self._centres()
        seen_HW = self.inside(x, y) & self.inside(x + flow_HW2[..., 0], y + flow_HW2[..., 1])
        return np.asarray(np.where(seen_HW[..., None], flow_HW2, np.float32(np.nan)))


def round_area(seed: int, patient: int, size: tuple[int, int]) -> RoundArea:
    """The area of a patient's pictures: one laparoscope, so one for all of them."""
    rng = np.random.default_rng((seed, patient, _STREAM))
    x, y = 0.5 + _OFF_CENTRE * rng.uniform(-1, 1, 2)
    return RoundArea(size, float(x * size[0]), float(y * size[1]), float(rng.uniform(*_RADII) * size[0]))
