"""What a picture says at one pixel, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.gui.widgets.blending import PictureState
from studio.vocabulary.labels import IGNORE


@dataclass(frozen=True, slots=True)
class Readout:
    """One pixel of a state; what the state lacks is None. ``normal``: right, down, away from the camera."""

    x: int
    y: int
    class_name: str | None = None
    depth_mm: float | None = None
    normal: tuple[float, float, float] | None = None
    validity: float | None = None
    flow: tuple[float, float] | None = None
    """px to the right and down, to the same point in the next frame; NaN where it is not known."""

    def words(self) -> str:
        """``120, 44   liver   61.3 mm   normal 0.12 -0.40 -0.91   validity 0.87``"""
        parts = [f"{self.x}, {self.y}"]
        if self.class_name is not None:
            parts.append(self.class_name)
        if self.depth_mm is not None:
            parts.append(f"{self.depth_mm:.1f} mm" if self.depth_mm > 0 else "no depth")
        if self.normal is not None:
            parts.append("normal " + " ".join(f"{v:+.2f}" for v in self.normal))
        if self.validity is not None:
            parts.append(f"validity {self.validity:.2f}")
        if self.flow is not None:
            known = not np.isnan(self.flow).any()
            parts.append("flow {:+.1f} {:+.1f} px".format(*self.flow) if known else "no flow")
        return "   ".join(parts)


def read_at(state: PictureState, x: int, y: int) -> Readout | None:
    """The readout of a pixel, or None outside of the picture."""
    width, height = state.size
    if not (0 <= x < width and 0 <= y < height):
        return None
    layers = state.layers
    segmentation, depth, normals, validity, flow = (
        None if layer is None else layer[y, x]
        for layer in (layers.segmentation_HW, layers.depth_HW, layers.normals_HW3, state.validity_HW, state.flow_HW2)
    )
    return Readout(
        x, y,
        class_name=None if segmentation is None else _class_name(state, int(segmentation)),
        depth_mm=None if depth is None else float(np.nan_to_num(depth)),
        normal=None if normals is None else (float(normals[0]), float(normals[1]), float(normals[2])),
        validity=None if validity is None else float(validity),
        flow=None if flow is None else (float(flow[0]), float(flow[1])),
    )  # fmt: skip


def _class_name(state: PictureState, class_id: int) -> str:
    if class_id == IGNORE:
        return "not labelled"
    return next((c.name for c in state.classes if c.id == class_id), f"class {class_id}")
