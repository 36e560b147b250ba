"""The large picture of the page Styles: the cell in hand, with its validity map as soon as that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject

from studio.gui.models.preview_cells import Cell
from studio.gui.pages.styles_lab import StyleLab, fitted
from studio.gui.pages.styles_quality import QualityDesk
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.style_grid_cells import GridRow
from studio.vocabulary.styles import Style


class DetailDesk(QObject):
    """Shows a frame and its translation in a style as far as that has come."""

    def __init__(
        self, lab: StyleLab, view: PictureView, bar: OverlayBar, quality: QualityDesk, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._lab, self._view, self._bar, self._quality = lab, view, bar, quality
        self._shown: tuple[GridRow, Cell | None] | None = None

    def show(self, row_index: int, style: Style | None) -> None:
        """A row of the lab, in a style (None: only its render)."""
        rows = self._lab.rows
        row = rows[row_index] if row_index < len(rows) else None
        self._lab.look_at([row.path] if row is not None else [])
        if row is None or row.layers is None:
            self._view.set_state(None, row.note if row is not None and row.note else "Click a picture to see it here.")
            self._quality.show_cell(None)
            return
        self._show_cell(row, style)

    def _show_cell(self, row: GridRow, style: Style | None) -> None:
        assert row.layers is not None
        cell = None if style is None else self._lab.cells.get(row.path, style.code)
        key = None if style is None else (row.path, style.code)
        self._quality.show_cell(key, "" if style is None else f"{row.caption}  ·  {style.name}")
        if self._view.state is not None and self._shown == (row, cell):
            return
        self._shown = row, cell
        image_HW3 = None if cell is None else fitted(cell.image_HW3, row.layers)
        state = PictureState(row.layers, image_HW3, classes=row.classes, flow_HW2=row.flow_HW2)
        self._view.set_state(state)
        self._bar.offer(state)
        if key is not None and cell is not None and cell.quality == "sharp":
            self._lab.ask_validity_map(key, self._validity_found(state))

    def _validity_found(self, state: PictureState) -> Callable[[np.ndarray], None]:
        def take(validity_HW: np.ndarray) -> None:
            if self._view.state is state:
                self._view.set_state(replace(state, validity_HW=validity_HW))

        return take
