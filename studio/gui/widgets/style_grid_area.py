"""Where the style grid's cells lie: sizes, scrolling, and what is in sight."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea

from studio.gui.widgets.style_grid_cells import GridRow
from studio.vocabulary.styles import Style

HEAD, GAP, BAR = 26, 6, 3
_LEAST_WIDTH, _MOST_WIDTH = 110, 960
_FITTED_LEAST, _FITTED_MOST = 180, 340


class StyleGridArea(QAbstractScrollArea):
    """Rows of frames and columns of styles. ``sight_changed``: others have come into sight."""

    sight_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[GridRow, ...] = ()
        self._styles: tuple[Style, ...] = ()
        self._cell_width = 200
        self._sized_by_hand = False
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # widths are fitted to what is left

    def set_cell_width(self, width: int) -> None:
        """A width that a person wants; until then columns fill the view."""
        self._sized_by_hand = True
        self._set_cell_width(width)
        self._moved()

    def _set_cell_width(self, width: int) -> None:
        width = max(_LEAST_WIDTH, min(_MOST_WIDTH, width))
        self._cell_width = width

    def _moved(self) -> None:
        if not self._sized_by_hand:
            columns = len(self._styles) + 1
            fitting = (self.viewport().width() - GAP) // columns - GAP
            self._set_cell_width(max(_FITTED_LEAST, min(_FITTED_MOST, fitting)))
        self._set_bars()
        self.viewport().update()
        self.sight_changed.emit()

    @property
    def _picture_height(self) -> int:
        layers = next((r.layers for r in self._rows if r.layers is not None), None)
        ratio = 9 / 16 if layers is None else layers.size[1] / layers.size[0]
        return round(self._cell_width * min(1.5, max(0.3, ratio)))

    @property
    def _step(self) -> tuple[int, int]:
        return self._cell_width + GAP, self._picture_height + BAR + GAP + 2

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell's picture lies in the viewport; the render's column stays in sight."""
        across, down = self._step
        x = GAP if column < 0 else GAP + across * (column + 1) - self.horizontalScrollBar().value()
        y = HEAD + down * row - self.verticalScrollBar().value()
        return QRect(x, y, self._cell_width, self._picture_height)

    def rows_in_sight(self) -> range:
        _, down = self._step
        top = self.verticalScrollBar().value()
        first = max(0, top // down)
        return range(min(first, len(self._rows)), min(len(self._rows), (top + self.viewport().height()) // down + 1))

    def columns_in_sight(self) -> range:
        across, _ = self._step
        left = self.horizontalScrollBar().value()
        first = min(len(self._styles), max(0, left // across))
        last = (left + max(0, self.viewport().width() - across)) // across + 1
        return range(first, min(len(self._styles), last))

    def _set_bars(self) -> None:
        across, down = self._step
        room = self.viewport().size()
        wide, high = GAP + across * (len(self._styles) + 1), HEAD + down * len(self._rows)
        for bar, step, whole, page in (
            (self.horizontalScrollBar(), across, wide, room.width()),
            (self.verticalScrollBar(), down, high, room.height()),
        ):
            bar.setRange(0, max(0, whole - page))
            bar.setPageStep(max(1, page))
            bar.setSingleStep(max(8, step // 4))

    def _show_cell(self, row: int, column: int) -> None:
        box, room = self.cell_rect(row, column), self.viewport().rect()
        across = self.horizontalScrollBar()
        down = self.verticalScrollBar()
        down.setValue(down.value() + min(0, box.top() - HEAD) + max(0, box.bottom() + GAP - room.bottom()))
        if column >= 0:
            left = self._step[0] + GAP
            across.setValue(across.value() + min(0, box.left() - left) + max(0, box.right() + GAP - room.right()))

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        """(row, column) under a point; row -1 = a column's head."""
        across, down = self._step
        x, y = point.x(), point.y()
        column = -1 if x < GAP + across else int((x - GAP + self.horizontalScrollBar().value()) // across) - 1
        row = -1 if y < HEAD else int((y - HEAD + self.verticalScrollBar().value()) // down)
        if column >= len(self._styles) or row >= len(self._rows):
            return None
        return row, column

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._moved()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().update()
        self.sight_changed.emit()
