"""What a picture view shows, as one uint8 RGB image: a picture with one layer blended over it. No Qt in here.

Shapes: HW is height x width of the render; colours are 8-bit sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import cv2
import numpy as np

from studio.gui.widgets.flow_ink import flow_arrows, flow_colours, flow_top
from studio.gui.widgets.layer_ink import (
    ARROW_STEP,
    DEPTH_PERCENTILES,
    LayerInk,
    colour_map,
    coloured,
    depth_colours,
    normal_arrows,
    normal_colours,
    with_lines,
)
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

LayerChoice = Literal["none", "segmentation", "depth", "normals", "difference", "validity", "flow"]
LAYER_CHOICES: tuple[LayerChoice, ...] = (
    "none", "segmentation", "depth", "normals", "flow", "difference", "validity",
)  # fmt: skip
Shown = Literal["translation", "render", "wipe", "side"]
DIFFERENCE_TOP = 128
"""Mean difference over the channels (of 255) at which the difference map's colour scale ends."""


@dataclass(frozen=True, eq=False)
class PictureState:
    """One picture and what is known of it; what is missing is None.

    ``layers`` hold the render and its labels, depth and normals; ``translation_HW3`` uint8 and ``validity_HW`` float32
    (0 to 1) are of the same size. A lone picture (footage, say) is a state whose layers hold only ``rgb_HW3``.
    """

    layers: Layers
    translation_HW3: np.ndarray | None = None
    validity_HW: np.ndarray | None = None
    classes: ClassTable = STUDIO_CLASSES
    caption: str = ""
    flow_HW2: np.ndarray | None = None
    """float32 px to the right and down, to the same point in the next frame; NaN where it is not known."""
    shared_ink: LayerInk | None = None
    """What is drawn of the layers, where several states show one frame: worked out once for all of them."""

    @cached_property
    def ink(self) -> LayerInk:
        return self.shared_ink or LayerInk(self.layers, self.classes)

    @property
    def depth_range(self) -> tuple[float, float]:
        """Depth in mm that the colour scale spans by itself: the 2nd to the 98th percentile, or (0, 1)."""
        return self.ink.depth_range(DEPTH_PERCENTILES)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.layers.size

    @cached_property
    def difference_HW(self) -> np.ndarray | None:
        """uint8: mean absolute difference between render and translation over the channels."""
        if self.translation_HW3 is None:
            return None
        difference_HW3 = cv2.absdiff(self.layers.rgb_HW3, self.translation_HW3)
        return np.asarray(cv2.transform(difference_HW3, np.full((1, 3), 1 / 3)))

    @property
    def class_ids(self) -> tuple[int, ...]:
        """Ids that the frame shows, rising."""
        return self.ink.class_ids

    def offers(self, layer: LayerChoice) -> bool:
        """Whether there is anything to show of a layer."""
        return {
            "none": True,
            "segmentation": self.layers.segmentation_HW is not None,
            "depth": self.layers.depth_HW is not None,
            "normals": self.layers.normals_HW3 is not None,
            "difference": self.translation_HW3 is not None,
            "validity": self.validity_HW is not None,
            "flow": self.flow_HW2 is not None,
        }[layer]

    @cached_property
    def flow_top(self) -> float:
        """px of flow from which its colours are full."""
        return 0.0 if self.flow_HW2 is None else flow_top(self.flow_HW2)

    @cached_property
    def flow_colours(self) -> tuple[np.ndarray, np.ndarray]:
        """(uint8 HxWx3, bool HxW where flow is known)."""
        assert self.flow_HW2 is not None  # asked for only where it is offered
        return flow_colours(self.flow_HW2, self.flow_top)

    def arrows(self, layer: LayerChoice, step: int) -> np.ndarray | None:
        """Normals or flow as lines (Nx5x2, x and y in px), one every ``step`` px; None of what has no directions."""
        if layer == "normals" and self.layers.normals_HW3 is not None:
            return normal_arrows(self.layers.normals_HW3, step)
        if layer == "flow" and self.flow_HW2 is not None:
            return flow_arrows(self.flow_HW2, step)
        return None


@dataclass(frozen=True, slots=True)
class Overlay:
    """How a state is shown. ``opacity`` 0 to 1; ``wipe``: the share of the width from the left (``wipe_down``: of the
    height from the top) that shows the render when ``shown`` is "wipe"; ``depth_range``: mm, None = between the
    ``depth_percentiles`` of the frame; ``arrows``: normals or flow as arrows besides.
    """

    layer: LayerChoice = "none"
    opacity: float = 0.45
    outline: bool = True
    hidden: frozenset[int] = field(default_factory=frozenset)
    """Class ids that are not drawn; void never is."""
    shown: Shown = "translation"
    wipe: float = 0.5
    wipe_down: bool = False
    depth_range: tuple[float, float] | None = None
    depth_percentiles: tuple[float, float] = DEPTH_PERCENTILES
    arrows: bool = False


@dataclass(frozen=True, eq=False)
class Scale:
    """What the colours of a map mean: ``colours_N3`` from ``low`` to ``high`` in ``unit``."""

    title: str
    low: float
    high: float
    unit: str
    colours_N3: np.ndarray


def blended(state: PictureState, overlay: Overlay) -> np.ndarray:
    """uint8 HxWx3: the picture that is chosen, with the layer over it. What a state lacks is left out.

    Side by side is twice as wide: the render, then the translation.
    """
    if overlay.shown == "side" and state.translation_HW3 is not None:
        return np.concatenate([blended(state, replace(overlay, shown=s)) for s in ("render", "translation")], axis=1)
    base_HW3 = base_picture(state, overlay)
    if overlay.layer == "none" or not state.offers(overlay.layer):
        return base_HW3
    if overlay.layer == "segmentation":
        return _with_labels(base_HW3, state.ink, overlay)
    if overlay.layer == "validity":
        assert state.validity_HW is not None
        return _with_doubt(base_HW3, state.validity_HW, overlay.opacity)
    colours_HW3, there_HW = _map_of(state, overlay)
    mixed_HW3 = mixed(base_HW3, colours_HW3, overlay.opacity)
    shown_HW3 = mixed_HW3 if there_HW is None else _where(there_HW, mixed_HW3, base_HW3)
    lines_N52 = state.arrows(overlay.layer, ARROW_STEP) if overlay.arrows else None
    return shown_HW3 if lines_N52 is None else with_lines(shown_HW3, lines_N52)


def base_picture(state: PictureState, overlay: Overlay) -> np.ndarray:
    """uint8 HxWx3: render or translation, or both with the render to the left of the wipe or above it."""
    render_HW3 = state.layers.rgb_HW3
    if state.translation_HW3 is None or overlay.shown == "render":
        return render_HW3
    if overlay.shown != "wipe":
        return state.translation_HW3
    axis = 0 if overlay.wipe_down else 1
    edge = round(np.clip(overlay.wipe, 0, 1) * render_HW3.shape[axis])
    first, second = np.split(render_HW3, [edge], axis)[0], np.split(state.translation_HW3, [edge], axis)[1]
    return np.concatenate([first, second], axis)


def shown_depth_range(state: PictureState, overlay: Overlay) -> tuple[float, float]:
    """The depths in mm that the colours span: by hand, or between percentiles of the frame."""
    return overlay.depth_range or state.ink.depth_range(overlay.depth_percentiles)


def mixed(under_HW3: np.ndarray, over_HW3: np.ndarray, share: float) -> np.ndarray:
    """uint8: ``share`` (0 to 1) of the second picture in the first."""
    return np.asarray(cv2.addWeighted(under_HW3, 1 - share, over_HW3, share, 0))


def scale_of(state: PictureState | None, overlay: Overlay) -> Scale | None:
    """The colour scale that belongs to what is shown, or None when there is no map of figures in it."""
    if state is None or not state.offers(overlay.layer):
        return None
    if overlay.layer == "depth":
        low, high = shown_depth_range(state, overlay)
        return Scale("Depth", low, high, "mm", colour_map("viridis")[::-1])
    if overlay.layer == "difference":
        return Scale("Difference", 0, DIFFERENCE_TOP, "of 255", colour_map("magma"))
    if overlay.layer == "validity":
        return Scale("Validity", 0, 1, "", colour_map("inferno")[::-1])
    return None


def scaled_layers(layers: Layers, width: int) -> Layers:
    """The layers at a smaller width, for small cells."""
    size = (width, max(1, round(layers.size[1] * width / layers.size[0])))
    rgb_HW3 = scaled_picture(layers.rgb_HW3, size)
    labels, depth, normals = (
        None if layer is None else _scaled(layer, size, cv2.INTER_NEAREST)
        for layer in (layers.segmentation_HW, layers.depth_HW, layers.normals_HW3)
    )
    return Layers(rgb_HW3, labels, depth, normals)


def scaled_picture(image_HW3: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture at (width, height) px; itself where it has that size."""
    return _scaled(image_HW3, size, cv2.INTER_CUBIC if image_HW3.shape[1] < size[0] else cv2.INTER_AREA)


def _scaled(image: np.ndarray, size: tuple[int, int], way: int) -> np.ndarray:
    if image.shape[1::-1] == size:
        return image
    return np.asarray(cv2.resize(image, size, interpolation=way))


def _map_of(state: PictureState, overlay: Overlay) -> tuple[np.ndarray, np.ndarray | None]:
    """(colours HxWx3, where there are any; None = everywhere) of depth, normals, flow or difference."""
    layers = state.layers
    if overlay.layer == "depth":
        assert layers.depth_HW is not None
        low, high = shown_depth_range(state, overlay)
        return depth_colours(layers.depth_HW, low, high), np.asarray(layers.depth_HW > 0)
    if overlay.layer == "flow":
        return state.flow_colours
    if overlay.layer == "normals":
        assert layers.normals_HW3 is not None
        # Every normal points at the camera, so that only where there is none is its z exactly 0.
        return normal_colours(layers.normals_HW3), layers.normals_HW3[..., 2] != 0
    difference_HW = state.difference_HW
    assert difference_HW is not None
    levels_HW = np.minimum(difference_HW.astype(np.uint16) * 255 // DIFFERENCE_TOP, 255).astype(np.uint8)
    return coloured(levels_HW, colour_map("magma")), None


def _where(there_HW: np.ndarray, over_HW3: np.ndarray, under_HW3: np.ndarray) -> np.ndarray:
    result_HW3 = under_HW3.copy()
    cv2.copyTo(over_HW3, there_HW.view(np.uint8), result_HW3)
    return result_HW3


def _with_labels(base_HW3: np.ndarray, ink: LayerInk, overlay: Overlay) -> np.ndarray:
    drawn_HW, edges_HW = ink.drawn(overlay.hidden)
    result_HW3 = base_HW3.copy()
    cv2.addWeighted(base_HW3, 1 - overlay.opacity, ink.label_colours_HW3, overlay.opacity, 0, dst=ink.scratch_HW3)
    cv2.copyTo(ink.scratch_HW3, drawn_HW, result_HW3)
    if overlay.outline:
        cv2.copyTo(ink.label_colours_HW3, edges_HW, result_HW3)
    return result_HW3


def _with_doubt(base_HW3: np.ndarray, validity_HW: np.ndarray, opacity: float) -> np.ndarray:
    """Doubt (1 - validity) as heat: where there is none the picture stays as it is."""
    doubt_HW = np.clip(1 - validity_HW, 0, 1)
    colours_HW3 = coloured((doubt_HW * 255).astype(np.uint8), colour_map("inferno"))
    share_HW = (doubt_HW * opacity).astype(np.float32)
    return np.asarray(cv2.blendLinear(colours_HW3, base_HW3, share_HW, 1 - share_HW))
