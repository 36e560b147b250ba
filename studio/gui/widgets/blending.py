"""What a picture view shows, as one uint8 RGB image: a picture with one layer blended over it. No Qt in here.

Shapes: HW is height x width of the render; colours are 8-bit sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

import cv2
import numpy as np

from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

LayerChoice = Literal["none", "segmentation", "depth", "normals", "difference", "validity"]
LAYER_CHOICES: tuple[LayerChoice, ...] = ("none", "segmentation", "depth", "normals", "difference", "validity")
Shown = Literal["translation", "render", "wipe"]
VOID = 0
DIFFERENCE_TOP = 128
"""Mean difference over the channels (of 255) at which the difference map's colour scale ends."""
_DEPTH_PERCENTILES = (2, 98)
_DEPTH_STEP = 4


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

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.layers.size

    @cached_property
    def depth_range(self) -> tuple[float, float]:
        """Depth in mm that the colour scale spans by itself: the 2nd to the 98th percentile, or (0, 1)."""
        return depth_range(self.layers.depth_HW)

    @cached_property
    def difference_HW(self) -> np.ndarray | None:
        """uint8: mean absolute difference between render and translation over the channels."""
        if self.translation_HW3 is None:
            return None
        difference_HW3 = cv2.absdiff(self.layers.rgb_HW3, self.translation_HW3)
        return np.asarray(cv2.transform(difference_HW3, np.full((1, 3), 1 / 3)))

    @cached_property
    def class_ids(self) -> tuple[int, ...]:
        """Ids that the frame shows, rising."""
        segmentation_HW = self.layers.segmentation_HW
        if segmentation_HW is None:
            return ()
        counts = np.bincount(segmentation_HW.ravel(), minlength=256)
        return tuple(int(i) for i in np.flatnonzero(counts))

    def offers(self, layer: LayerChoice) -> bool:
        """Whether there is anything to show of a layer."""
        return {
            "none": True,
            "segmentation": self.layers.segmentation_HW is not None,
            "depth": self.layers.depth_HW is not None,
            "normals": self.layers.normals_HW3 is not None,
            "difference": self.translation_HW3 is not None,
            "validity": self.validity_HW is not None,
        }[layer]


@dataclass(frozen=True, slots=True)
class Overlay:
    """How a state is shown. ``opacity`` 0 to 1; ``wipe``: the share of the width, from the left, that shows the
    render when ``shown`` is "wipe"; ``depth_range``: mm, None = by percentile.
    """

    layer: LayerChoice = "none"
    opacity: float = 0.45
    outline: bool = True
    hidden: frozenset[int] = field(default_factory=frozenset)
    """Class ids that are not drawn; void never is."""
    shown: Shown = "translation"
    wipe: float = 0.5
    depth_range: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Scale:
    """What the colours of a map mean: ``colours_N3`` from ``low`` to ``high`` in ``unit``."""

    title: str
    low: float
    high: float
    unit: str
    colours_N3: np.ndarray


def blended(state: PictureState, overlay: Overlay) -> np.ndarray:
    """uint8 HxWx3: the picture that is chosen, with the layer over it. What a state lacks is left out."""
    base_HW3 = base_picture(state, overlay)
    if overlay.layer == "none" or not state.offers(overlay.layer):
        return base_HW3
    if overlay.layer == "segmentation":
        assert state.layers.segmentation_HW is not None
        return _with_labels(base_HW3, state.layers.segmentation_HW, state.classes, overlay)
    if overlay.layer == "validity":
        assert state.validity_HW is not None
        return _with_doubt(base_HW3, state.validity_HW, overlay.opacity)
    colours_HW3, there_HW = _map_of(state, overlay)
    mixed_HW3 = mixed(base_HW3, colours_HW3, overlay.opacity)
    return mixed_HW3 if there_HW is None else _where(there_HW, mixed_HW3, base_HW3)


def base_picture(state: PictureState, overlay: Overlay) -> np.ndarray:
    """uint8 HxWx3: render or translation, or both with the render to the left of the wipe."""
    render_HW3 = state.layers.rgb_HW3
    if state.translation_HW3 is None or overlay.shown == "render":
        return render_HW3
    if overlay.shown == "translation":
        return state.translation_HW3
    edge = round(np.clip(overlay.wipe, 0, 1) * render_HW3.shape[1])
    return np.concatenate([render_HW3[:, :edge], state.translation_HW3[:, edge:]], axis=1)


def mixed(under_HW3: np.ndarray, over_HW3: np.ndarray, share: float) -> np.ndarray:
    """uint8: ``share`` (0 to 1) of the second picture in the first."""
    return np.asarray(cv2.addWeighted(under_HW3, 1 - share, over_HW3, share, 0))


def outlines(segmentation_HW: np.ndarray) -> np.ndarray:
    """uint8 HxW, 1 where the pixel to the right or below has another class."""
    edges = np.zeros(segmentation_HW.shape, np.uint8)
    edges[:, :-1] = segmentation_HW[:, :-1] != segmentation_HW[:, 1:]
    edges[:-1] |= (segmentation_HW[:-1] != segmentation_HW[1:]).view(np.uint8)
    return edges


def depth_range(depth_HW: np.ndarray | None) -> tuple[float, float]:
    """2nd and 98th percentile of the depths above 0, in mm; (0, 1) when there are none."""
    if depth_HW is None:
        return 0.0, 1.0
    known = depth_HW[::_DEPTH_STEP, ::_DEPTH_STEP]
    known = known[np.isfinite(known) & (known > 0)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(known, _DEPTH_PERCENTILES)
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


def coloured(levels_HW: np.ndarray, colours_256x3: np.ndarray) -> np.ndarray:
    """uint8 HxWx3: the colour of each uint8 level. Many times faster than indexing the table."""
    return np.asarray(cv2.applyColorMap(levels_HW, np.ascontiguousarray(colours_256x3[:, None])))


def scale_of(state: PictureState | None, overlay: Overlay) -> Scale | None:
    """The colour scale that belongs to what is shown, or None when there is no map of figures in it."""
    if state is None or not state.offers(overlay.layer):
        return None
    if overlay.layer == "depth":
        low, high = overlay.depth_range or state.depth_range
        return Scale("Depth", low, high, "mm", colour_map("viridis")[::-1])
    if overlay.layer == "difference":
        return Scale("Difference", 0, DIFFERENCE_TOP, "of 255", colour_map("magma"))
    if overlay.layer == "validity":
        return Scale("Validity", 0, 1, "", colour_map("inferno")[::-1])
    return None


@lru_cache(maxsize=4)
def colour_map(name: Literal["viridis", "magma", "inferno"]) -> np.ndarray:
    """uint8 256x3 RGB of a perceptually even map, from dark to bright."""
    code = {"viridis": cv2.COLORMAP_VIRIDIS, "magma": cv2.COLORMAP_MAGMA, "inferno": cv2.COLORMAP_INFERNO}[name]
    ramp = np.arange(256, dtype=np.uint8)[None, :]
    return np.ascontiguousarray(cv2.applyColorMap(ramp, code)[0, :, ::-1])


def scaled_state(layers: Layers, translation_HW3: np.ndarray | None, width: int) -> PictureState:
    """A state at a smaller width, for small cells; a translation of any size is fitted to it."""
    height = max(1, round(layers.size[1] * width / layers.size[0]))

    def resized(image: np.ndarray | None, way: int) -> np.ndarray | None:
        if image is None or image.shape[:2] == (height, width):
            return image
        return np.asarray(cv2.resize(image, (width, height), interpolation=way))

    rgb = resized(layers.rgb_HW3, cv2.INTER_AREA)
    assert rgb is not None
    small = Layers(
        rgb,
        resized(layers.segmentation_HW, cv2.INTER_NEAREST),
        resized(layers.depth_HW, cv2.INTER_NEAREST),
        resized(layers.normals_HW3, cv2.INTER_NEAREST),
    )
    upward = translation_HW3 is not None and translation_HW3.shape[1] < width
    return PictureState(small, resized(translation_HW3, cv2.INTER_CUBIC if upward else cv2.INTER_AREA))


def _map_of(state: PictureState, overlay: Overlay) -> tuple[np.ndarray, np.ndarray | None]:
    """(colours HxWx3, where there are any; None = everywhere) of depth, normals or difference."""
    layers = state.layers
    if overlay.layer == "depth":
        assert layers.depth_HW is not None
        low, high = overlay.depth_range or state.depth_range
        return depth_colours(layers.depth_HW, low, high), np.asarray(layers.depth_HW > 0)
    if overlay.layer == "normals":
        assert layers.normals_HW3 is not None
        # Every normal points at the camera, so that only where there is none is its z exactly 0.
        return normal_colours(layers.normals_HW3), np.asarray(layers.normals_HW3[..., 2] != 0)
    difference_HW = state.difference_HW
    assert difference_HW is not None
    levels_HW = np.minimum(difference_HW.astype(np.uint16) * 255 // DIFFERENCE_TOP, 255).astype(np.uint8)
    return coloured(levels_HW, colour_map("magma")), None


def _where(there_HW: np.ndarray, over_HW3: np.ndarray, under_HW3: np.ndarray) -> np.ndarray:
    result_HW3 = under_HW3.copy()
    cv2.copyTo(over_HW3, there_HW.view(np.uint8), result_HW3)
    return result_HW3


def _with_labels(
    base_HW3: np.ndarray, segmentation_HW: np.ndarray, classes: ClassTable, overlay: Overlay
) -> np.ndarray:
    drawn_256 = np.zeros(256, np.uint8)
    drawn_256[[i for i in classes.ids if i != VOID and i not in overlay.hidden]] = 1
    drawn_HW = cv2.LUT(segmentation_HW, drawn_256)
    colours_HW3 = coloured(segmentation_HW, classes.palette_256x3())
    result_HW3 = base_HW3.copy()
    cv2.copyTo(mixed(base_HW3, colours_HW3, overlay.opacity), drawn_HW, result_HW3)
    if overlay.outline:
        cv2.copyTo(colours_HW3, outlines(segmentation_HW) & drawn_HW, result_HW3)
    return result_HW3


def _with_doubt(base_HW3: np.ndarray, validity_HW: np.ndarray, opacity: float) -> np.ndarray:
    """Doubt (1 - validity) as heat: where there is none the picture stays as it is."""
    doubt_HW = np.clip(1 - validity_HW, 0, 1)
    colours_HW3 = coloured((doubt_HW * 255).astype(np.uint8), colour_map("inferno"))
    share_HW = (doubt_HW * opacity).astype(np.float32)
    return np.asarray(cv2.blendLinear(colours_HW3, base_HW3, share_HW, 1 - share_HW))
