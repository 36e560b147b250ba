"""How the style grid looks: pictures, captions, bars of validity, heads. Paints only what is in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen

from studio.gui.models.preview_cells import Code, PreviewCells
from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.blending import Overlay, PictureState, Shown
from studio.gui.widgets.blink import Blink
from studio.gui.widgets.picture_marks import arrow_step, draw_lines, draw_point, draw_words, validity_colour
from studio.gui.widgets.readout import read_at
from studio.gui.widgets.style_grid_area import BAR, GAP, HEAD, StyleGridArea
from studio.gui.widgets.style_grid_cells import CellImages, GridRow
from studio.gui.widgets.view_link import FIT, NEAREST_FROM, ViewLink, Viewpoint, placement
from studio.vocabulary.styles import Style


class StyleGridPainter(StyleGridArea):
    """Rows, columns, pictures and values, and how they look. ``cell_chosen(row, column)``, column -1 = the render."""

    cell_chosen = Signal(int, int)

    def __init__(self, cells: PreviewCells, link: ViewLink) -> None:
        super().__init__()
        self._cells = cells
        self._link = link
        self._overlay = Overlay()
        self._values: dict[tuple[Path, Code], tuple[float, str]] = {}
        self._maps: Mapping[tuple[Path, Code], np.ndarray] = {}
        self._images = CellImages()
        self._hovered: tuple[int, int] | None = None
        self._landing = -1
        """Before which row the one that is dragged would come to lie; -1: none is dragged."""
        self._blink = Blink(self)
        self._blink.changed.connect(self.viewport().update)
        self._current = (-1, -1)
        self.hint = ""
        """What is said while there are no pictures."""
        self.notice = ""
        """Why pictures do not come; said over the grid until the mouse reads something."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Frames in styles")
        self.viewport().setMouseTracking(True)
        link.changed.connect(self.viewport().update)

    # -- what is shown

    @property
    def rows(self) -> tuple[GridRow, ...]:
        return self._rows

    @property
    def current(self) -> tuple[int, int]:
        """(row, column); column -1 is the render, row -1 nothing."""
        return self._current

    @property
    def viewpoint(self) -> Viewpoint:
        """What the cells show: they stay filled, also where the large picture is smaller than it could be."""
        return self._link.viewpoint if self._link.viewpoint.zoom > 1 else FIT

    def set_rows(self, rows: Sequence[GridRow]) -> None:
        self._rows = tuple(rows)
        self._current = (min(self._current[0], len(rows) - 1), self._current[1])
        self._moved()

    def set_row(self, index: int, row: GridRow) -> None:
        """A row's layers have come."""
        self._rows = (*self._rows[:index], row, *self._rows[index + 1 :])
        self.viewport().update()

    def set_styles(self, styles: Sequence[Style], column: int) -> None:
        """The columns, and which of them is chosen (-1 = none)."""
        self._styles = tuple(styles)
        self._current = (self._current[0], min(column, len(styles) - 1))
        self._moved()

    def set_overlay(self, overlay: Overlay) -> None:
        if overlay != self._overlay:
            self._overlay = overlay
            self.viewport().update()

    def set_maps(self, maps: Mapping[tuple[Path, Code], np.ndarray]) -> None:
        """Validity maps (float32 HxW, 0 to 1) by cell, looked up when they are painted."""
        self._maps = maps

    def set_validity(self, frame: Path, code: Code, value: float, words: str = "") -> None:
        """What a cell's bar shows, 0 to 1, and what its tooltip says besides."""
        self._values[frame, code] = value, words
        self.viewport().update()

    def validity(self, frame: Path, code: Code) -> float | None:
        known = self._values.get((frame, code))
        return None if known is None else known[0]

    def mean_validity(self, code: Code) -> float | None:
        """Of a style, over the rows where it was measured."""
        known = [v for row in self._rows if (v := self.validity(row.path, code)) is not None]
        return float(np.mean(known)) if known else None

    def frame_validity(self, frame: Path) -> float | None:
        """Of a frame, over the styles where it was measured."""
        known = [v for s in self._styles if (v := self.validity(frame, s.code)) is not None]
        return float(np.mean(known)) if known else None

    def forget_validities(self) -> None:
        self._values.clear()
        self.viewport().update()

    def cell_arrived(self) -> None:
        self.viewport().update()

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
        if self._landing >= 0:
            y = self.cell_rect(self._landing, -1).top() - GAP // 2 - 2
            painter.fillRect(QRect(GAP, y, self._cell_width, 3), QColor(colours.accent))
        words = self._words_under_mouse() or self.notice
        if words:
            draw_words(painter, words, QRectF(room))

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
            self._draw_picture(painter, box, image, colours)
            if self._overlay.arrows:
                self._draw_arrows(painter, box, known)
        if column >= 0:
            self._draw_validity(painter, box, self.validity(known.path, self._styles[column].code), colours)
        else:
            self._draw_caption(painter, box, ("● " if known.pinned else "") + known.caption)
            if image is not None and known.note:
                self._draw_caption(painter, box.translated(0, 22 - box.height()), known.note)
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

    def _draw_picture(self, painter: QPainter, box: QRect, image: QImage, colours: Tokens) -> None:
        """The part of a picture that the zoom shows, its pixels as they are when it is large, and the linked points."""
        place = placement(self.viewpoint, (box.width(), box.height()), (image.width(), image.height()))
        left, top = place.to_picture(0, 0)
        right, bottom = place.to_picture(box.width(), box.height())
        magnified = self.viewpoint.zoom > 1 and place.scale * self.devicePixelRatioF() >= NEAREST_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not magnified)
        painter.drawImage(QRectF(box), image, QRectF(left, top, right - left, bottom - top))
        cursor = () if self._link.cursor is None else (self._link.cursor,)
        for kept, points in ((True, self._link.kept_points), (False, cursor)):
            for x, y in points:
                at = QPointF(*place.to_view(x * image.width(), y * image.height())) + QPointF(box.topLeft())
                if QRectF(box).contains(at):
                    draw_point(painter, at, kept=kept, colours=colours)

    def _draw_arrows(self, painter: QPainter, box: QRect, row: GridRow) -> None:
        if row.layers is not None:
            place = placement(self.viewpoint, (box.width(), box.height()), row.layers.size)
            moved = replace(place, left=place.left + box.left(), top=place.top + box.top())
            state = PictureState(row.layers, flow_HW2=row.flow_HW2)
            lines_N52 = state.arrows(self._overlay.layer, arrow_step(moved))
            if lines_N52 is not None:
                draw_lines(painter, lines_N52, moved, QRectF(box))

    def _image(self, row: GridRow, code: Code | None) -> QImage | None:
        """The blended picture of a cell at about the size it is shown, or None while there is nothing to show."""
        cell = None if code is None else self._cells.get(row.path, code)
        if row.layers is None or (code is not None and cell is None):
            return None
        shown: Shown = "render" if self._blink.held else "translation"
        width = round(self._cell_width * self.devicePixelRatioF() * self.viewpoint.zoom)
        validity_HW = None
        if code is not None and self._overlay.layer == "validity":
            validity_HW = self._maps.get((row.path, code))
        return self._images.image(
            row, code, cell, overlay=replace(self._overlay, shown=shown, wipe=0.5, arrows=False), width=width,
            validity_HW=validity_HW,
        )  # fmt: skip

    def _words_under_mouse(self) -> str:
        if self._hovered is None or self._link.cursor is None or self._hovered[0] >= len(self._rows):
            return ""
        row = self._rows[self._hovered[0]]
        if row.layers is None:
            return ""
        width, height = row.layers.size
        state = PictureState(row.layers, classes=row.classes)
        read = read_at(state, int(self._link.cursor[0] * width), int(self._link.cursor[1] * height))
        return "" if read is None else f"{row.caption}   {read.words()}"
