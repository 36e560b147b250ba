"""The grid of the style lab: frames down, styles across, the render in front. Paints only what is in sight.

Ctrl and wheel (or + and -): zoom all pictures together; arrow keys: move between cells; Ctrl and drag on a column's
head: nothing is moved, columns keep the order of the bench.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip

from studio.gui.models.pictures import qimage
from studio.gui.models.preview_cells import Cell, Code, PreviewCells
from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.blending import Overlay, blended, scaled_state
from studio.gui.widgets.picture_marks import validity_colour
from studio.gui.widgets.view_link import ViewLink, placement, zoomed
from studio.vocabulary.frames import Layers
from studio.vocabulary.styles import Style

HEAD, GAP, BAR = 26, 6, 3
_LEAST_WIDTH, _MOST_WIDTH = 110, 640
_FITTED_LEAST, _FITTED_MOST = 180, 340


@dataclass(frozen=True, eq=False)
class GridRow:
    """One frame. ``layers`` None: they are being read (or ``note`` says why they can't be)."""

    path: Path
    caption: str
    layers: Layers | None = None
    note: str = ""


class StyleGrid(QAbstractScrollArea):
    """``cell_chosen(row, column)``, column -1 being the render; ``column_chosen(column)``; ``sight_changed`` when other
    rows or columns have come into sight.
    """

    cell_chosen = Signal(int, int)
    column_chosen = Signal(int)
    sight_changed = Signal()

    def __init__(self, cells: PreviewCells, link: ViewLink) -> None:
        super().__init__()
        self._cells = cells
        self._link = link
        self._rows: tuple[GridRow, ...] = ()
        self._styles: tuple[Style, ...] = ()
        self._overlay = Overlay()
        self._validities: dict[tuple[Path, Code], float] = {}
        self._images: dict[tuple[Path, Code | None], tuple[Cell | None, QImage]] = {}
        self._current = (-1, -1)
        self._cell_width = 200
        self._sized_by_hand = False
        self.hint = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # widths are fitted to what is left
        self.setAccessibleName("Frames in styles")
        self.viewport().setMouseTracking(False)
        link.changed.connect(self._zoom_changed)
        self._zoom = link.viewpoint

    # -- what is shown

    @property
    def rows(self) -> tuple[GridRow, ...]:
        return self._rows

    @property
    def current(self) -> tuple[int, int]:
        """(row, column); column -1 is the render, row -1 nothing."""
        return self._current

    def set_rows(self, rows: Sequence[GridRow]) -> None:
        self._rows = tuple(rows)
        self._images.clear()
        self._moved()

    def set_row(self, index: int, row: GridRow) -> None:
        """A row's layers have come."""
        self._rows = (*self._rows[:index], row, *self._rows[index + 1 :])
        self._forget(lambda key: key[0] == row.path)

    def set_styles(self, styles: Sequence[Style], column: int) -> None:
        """The columns, and which of them is chosen (-1 = none)."""
        self._styles = tuple(styles)
        self._current = (self._current[0], min(column, len(styles) - 1))
        self._moved()

    def set_overlay(self, overlay: Overlay) -> None:
        if overlay != self._overlay:
            self._overlay = overlay
            self._images.clear()
            self.viewport().update()

    def set_validity(self, frame: Path, code: Code, value: float) -> None:
        self._validities[frame, code] = value
        self.viewport().update()

    def validity(self, frame: Path, code: Code) -> float | None:
        return self._validities.get((frame, code))

    def mean_validity(self, code: Code) -> float | None:
        """Of a style, over the rows where it was measured."""
        known = [v for row in self._rows if (v := self._validities.get((row.path, code))) is not None]
        return float(np.mean(known)) if known else None

    def frame_validity(self, frame: Path) -> float | None:
        """Of a frame, over the styles where it was measured."""
        known = [v for s in self._styles if (v := self._validities.get((frame, s.code))) is not None]
        return float(np.mean(known)) if known else None

    def forget_validities(self) -> None:
        self._validities.clear()

    def cell_arrived(self) -> None:
        self.viewport().update()

    def set_cell_width(self, width: int) -> None:
        """A width that a person wants; until then columns fill the view."""
        self._sized_by_hand = True
        self._set_cell_width(width)
        self._moved()

    def _set_cell_width(self, width: int) -> None:
        width = max(_LEAST_WIDTH, min(_MOST_WIDTH, width))
        if width != self._cell_width:
            self._cell_width = width
            self._images.clear()

    def choose(self, row: int, column: int) -> None:
        """Make a cell the current one and bring it into sight."""
        if not self._rows:
            return
        row = max(0, min(len(self._rows) - 1, row))
        column = max(-1, min(len(self._styles) - 1, column))
        self._current = (row, column)
        self._show_cell(row, column)
        self.viewport().update()
        self.cell_chosen.emit(row, column)

    def _forget(self, which: object) -> None:
        self._images = {k: v for k, v in self._images.items() if not which(k)}  # type: ignore[operator]
        self.viewport().update()

    def _moved(self) -> None:
        if not self._sized_by_hand:
            columns = len(self._styles) + 1
            fitting = (self.viewport().width() - GAP) // columns - GAP
            self._set_cell_width(max(_FITTED_LEAST, min(_FITTED_MOST, fitting)))
        self._set_bars()
        self.viewport().update()
        self.sight_changed.emit()

    def _zoom_changed(self) -> None:
        if self._zoom != self._link.viewpoint:
            self._zoom = self._link.viewpoint
            self._images.clear()
            self.viewport().update()

    # -- geometry

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

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        colours = tokens_of(self.palette())
        room = self.viewport().rect()
        painter.fillRect(room, QColor(colours.backdrop))
        if not self._rows or (not self._styles and self.hint):
            painter.setPen(QColor(colours.faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(self._step[0] + 24, 24, -24, -24), flags, self.hint)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        first = self._step[0]
        painter.setClipRect(room.adjusted(first, HEAD, 0, 0))
        for row in self.rows_in_sight():
            for column in self.columns_in_sight():
                self._draw_cell(painter, row, column, colours)
        painter.setClipRect(room.adjusted(0, HEAD, 0, 0))
        for row in self.rows_in_sight():
            self._draw_cell(painter, row, -1, colours)
        painter.setClipRect(room.adjusted(first, 0, 0, 0))
        for column in self.columns_in_sight():
            self._draw_head(painter, column, colours)
        painter.setClipRect(room)
        if self._rows:
            self._draw_text(painter, QRect(GAP, 0, self._cell_width, HEAD), "Render", colours.muted)

    def _draw_cell(self, painter: QPainter, row: int, column: int, colours: Tokens) -> None:
        box = self.cell_rect(row, column)
        known = self._rows[row]
        image = self._image(known, None if column < 0 else self._styles[column].code)
        if image is None:
            painter.fillRect(box, QColor(colours.window))
            if column < 0 and known.note:
                painter.setPen(QColor(colours.warning))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(box.adjusted(6, 6, -6, -6), flags, known.note)
        else:
            painter.drawImage(QRectF(box), image, self._source(image, box))
        if column >= 0:
            self._draw_validity(painter, box, self._validities.get((known.path, self._styles[column].code)), colours)
        else:
            self._draw_caption(painter, box, known.caption)
        if (row, column) == self._current:
            painter.setPen(QPen(QColor(colours.accent if self.hasFocus() else colours.muted), 2))
            painter.drawRect(box.adjusted(-2, -2, 1, 1))

    def _draw_caption(self, painter: QPainter, box: QRect, caption: str) -> None:
        painter.setFont(self._small_font())
        metrics = painter.fontMetrics()
        words = metrics.elidedText(caption, Qt.TextElideMode.ElideMiddle, box.width() - 16)
        place = QRect(box.left() + 4, box.bottom() - 19, metrics.horizontalAdvance(words) + 10, 16)
        painter.fillRect(place, QColor(0, 0, 0, 150))
        painter.setPen(QColor("#d8d8d8"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)

    @staticmethod
    def _draw_validity(painter: QPainter, box: QRect, value: float | None, colours: Tokens) -> None:
        if value is None:
            return
        line = QRect(box.left(), box.bottom() + 2, box.width(), BAR)
        painter.fillRect(line, QColor(colours.line))
        line.setWidth(max(2, round(box.width() * value)))
        painter.fillRect(line, QColor(validity_colour(value, colours)))

    def _draw_head(self, painter: QPainter, column: int, colours: Tokens) -> None:
        style = self._styles[column]
        box = QRect(self.cell_rect(0, column).left(), 0, self._cell_width, HEAD)
        painter.fillRect(box.adjusted(0, 0, GAP, 0), QColor(colours.backdrop))
        value = self.mean_validity(style.code)
        said = "" if value is None else f"{value:.2f}"
        painter.setFont(self._small_font())
        right = painter.fontMetrics().horizontalAdvance("0.00") + 4
        name = box.adjusted(0, 0, -right - 4, 0)
        self._draw_text(painter, name, ("● " if style.pinned else "") + style.name,
                        colours.accent if column == self._current[1] else colours.text)  # fmt: skip
        painter.setPen(QColor(colours.muted if value is None else validity_colour(value, colours)))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)

    def _draw_text(self, painter: QPainter, box: QRect, text: str, colour: str) -> None:
        painter.setFont(self._small_font())
        painter.setPen(QColor(colour))
        words = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(11)
        return font

    def _source(self, image: QImage, box: QRect) -> QRectF:
        """The part of a picture that the zoom shows."""
        place = placement(self._zoom, (box.width(), box.height()), (image.width(), image.height()))
        left, top = place.to_picture(0, 0)
        right, bottom = place.to_picture(box.width(), box.height())
        return QRectF(left, top, right - left, bottom - top)

    def _image(self, row: GridRow, code: Code | None) -> QImage | None:
        """The blended picture of a cell at about the size it is shown, or None while there is nothing to show."""
        cell = None if code is None else self._cells.get(row.path, code)
        if row.layers is None or (code is not None and cell is None):
            return None
        kept = self._images.get((row.path, code))
        if kept is not None and kept[0] is cell:
            return kept[1]
        width = min(row.layers.size[0], round(self._cell_width * self.devicePixelRatioF() * self._zoom.zoom))
        state = scaled_state(row.layers, None if cell is None else cell.image_HW3, width)
        image = qimage(blended(state, replace(self._overlay, shown="translation")))
        self._images[row.path, code] = (cell, image)
        return image

    # -- mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if found is None or event.button() != Qt.MouseButton.LeftButton:
            return
        row, column = found
        if row < 0 <= column:
            self._current = (self._current[0], column)
            self.viewport().update()
            self.column_chosen.emit(column)
        elif row >= 0:
            self.choose(row, column)

    def wheelEvent(self, event: QWheelEvent) -> None:
        found = self._at(event.position())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and found is not None and found[0] >= 0:
            box = self.cell_rect(*found)
            at = event.position() - QPointF(box.topLeft())
            room = (float(box.width()), float(box.height()))
            layers = self._rows[found[0]].layers
            size = (box.width(), box.height()) if layers is None else layers.size
            factor = 1.25 ** (event.angleDelta().y() / 120)
            self._link.set_viewpoint(zoomed(self._link.viewpoint, factor, at=(at.x(), at.y()), room=room, picture=size))
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_PageUp: (-3, 0), Qt.Key.Key_PageDown: (3, 0),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in steps:
            row, column = self._current
            self.choose(max(0, row) + steps[key][0], column + steps[key][1])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_cell_width(round(self._cell_width * 1.2))
        elif key == Qt.Key.Key_Minus:
            self.set_cell_width(round(self._cell_width / 1.2))
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: object) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().viewportEvent(event)  # type: ignore[arg-type]

    def _tip(self, point: QPointF) -> str:
        found = self._at(point)
        if found is None:
            return ""
        row, column = found
        if column < 0:
            return "" if row < 0 else self._rows[row].caption
        style = self._styles[column]
        head = f"{style.name} ({style.origin}{', ' + style.source if style.source else ''})"
        value = None if row < 0 else self._validities.get((self._rows[row].path, style.code))
        return head if value is None else f"{head}\n{self._rows[row].caption}\nvalidity {value:.2f}"

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._moved()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.viewport().update()
        self.sight_changed.emit()
