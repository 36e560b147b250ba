"""The pictures of the style grid's cells, blended at about the size they are shown at."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtGui import QImage

from studio.gui.models.pictures import qimage
from studio.gui.models.preview_cells import Cell, Code
from studio.gui.widgets.blending import Overlay, PictureState, blended, scaled_layers, scaled_picture
from studio.gui.widgets.flow_ink import scaled_flow
from studio.gui.widgets.layer_ink import LayerInk
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

_KEPT_CELLS, _KEPT_ROWS = 240, 40
"""More than a large screen shows at once."""


@dataclass(frozen=True, eq=False)
class GridRow:
    """One frame. ``layers`` None: they are being read; ``note``: why they can't be, or what is missing.
    ``flow_HW2``: to the next frame, as in PictureState; None where there is none."""

    path: Path
    caption: str
    layers: Layers | None = None
    note: str = ""
    classes: ClassTable = STUDIO_CLASSES
    pinned: bool = False
    """Stays when other frames are taken."""
    flow_HW2: np.ndarray | None = None


@dataclass(eq=False)
class _Kept:
    """What was worked out for a cell, and from what."""

    cell: Cell | None
    ink: LayerInk
    validity_HW: np.ndarray | None
    state: PictureState
    overlay: Overlay | None = None
    image: QImage | None = None


class CellImages:
    """An overlay that changes only blends again; the layers are scaled, outlined and coloured once a frame."""

    def __init__(self) -> None:
        self._cells: OrderedDict[tuple[Path, Code | None], _Kept] = OrderedDict()
        self._rows: OrderedDict[Path, tuple[GridRow, int, Layers, LayerInk]] = OrderedDict()

    def forget(self) -> None:
        self._cells.clear()
        self._rows.clear()

    def image(
        self,
        row: GridRow,
        code: Code | None,
        cell: Cell | None,
        *,
        overlay: Overlay,
        width: int,
        validity_HW: np.ndarray | None = None,
    ) -> QImage:
        """A cell of a row whose layers are there; ``cell`` None is the render. ``width``: px it is shown at."""
        assert row.layers is not None
        layers, ink = self._row(row, min(row.layers.size[0], width))
        key = row.path, code
        kept = self._cells.get(key)
        if kept is None or kept.cell is not cell or kept.ink is not ink or kept.validity_HW is not validity_HW:
            kept = _Kept(cell, ink, validity_HW, _state(row, layers, ink, cell, validity_HW))
            self._cells[key] = kept
            while len(self._cells) > _KEPT_CELLS:
                self._cells.popitem(last=False)
        self._cells.move_to_end(key)
        if kept.image is None or kept.overlay != overlay:
            kept.overlay, kept.image = overlay, qimage(blended(kept.state, overlay), kept.image)
        return kept.image

    def _row(self, row: GridRow, width: int) -> tuple[Layers, LayerInk]:
        kept = self._rows.get(row.path)
        if kept is None or kept[0] is not row or kept[1] != width:
            assert row.layers is not None
            layers = scaled_layers(row.layers, width)
            kept = row, width, layers, LayerInk(layers, row.classes)
            self._rows[row.path] = kept
            while len(self._rows) > _KEPT_ROWS:
                self._rows.popitem(last=False)
        self._rows.move_to_end(row.path)
        return kept[2], kept[3]


def _state(
    row: GridRow, layers: Layers, ink: LayerInk, cell: Cell | None, validity_HW: np.ndarray | None
) -> PictureState:
    flow_HW2 = None if row.flow_HW2 is None else scaled_flow(row.flow_HW2, layers.size)
    if cell is None:
        return PictureState(layers, classes=row.classes, flow_HW2=flow_HW2, shared_ink=ink)
    small_HW = None if validity_HW is None else cv2.resize(validity_HW, layers.size, interpolation=cv2.INTER_AREA)
    return PictureState(
        layers, scaled_picture(cell.image_HW3, layers.size), small_HW, classes=row.classes, flow_HW2=flow_HW2,
        shared_ink=ink,
    )  # fmt: skip
