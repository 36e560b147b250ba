"""A grid for any number of translations: where a cell lies is computed, never laid out, so that half a million cost
no more than fifty (a QListView takes seconds to lay out as many).
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygon, QRegion
from PySide6.QtWidgets import QAbstractItemView

from studio.gui.models.translations import TranslationsModel
from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.picture_marks import validity_colour
from studio.project.records import TranslationRecord

Index = QModelIndex | QPersistentModelIndex
_GAP, _FOOT, _CORNER = 6, 18, 22
_LEAST, _MOST = 110, 480


class TranslationGrid(QAbstractItemView):
    """Arrow keys, Page, Home and End move; Shift extends, Ctrl+A takes all; Ctrl and + or - size the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self._width = 176
        self._ratio = 9 / 16
        self._anchor = 0
        self.hint = ""
        self.setProperty("role", "pictures")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAutoScroll(False)  # what is scrolled to is said where a cell is chosen
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setAccessibleName("Translations")

    # -- geometry

    def set_cell_width(self, width: int) -> None:
        """About this many px a picture; columns share the width evenly."""
        self._width = max(_LEAST, min(_MOST, width))
        self._relaid()

    def set_ratio(self, height_by_width: float) -> None:
        if abs(height_by_width - self._ratio) > 0.005:
            self._ratio = min(1.5, max(0.3, height_by_width))
            self._relaid()

    @property
    def _columns(self) -> int:
        return max(1, (self.viewport().width() - _GAP) // (self._width + _GAP))

    def _cell(self) -> QSize:
        """Width and height of a cell without its gap."""
        width = (self.viewport().width() - _GAP) // self._columns - _GAP
        return QSize(max(40, width), round(max(40, width) * self._ratio) + _FOOT)

    def _count(self) -> int:
        model = self.model()
        return 0 if model is None else model.rowCount()

    def _rect(self, row: int) -> QRect:
        cell, columns = self._cell(), self._columns
        x = _GAP + (row % columns) * (cell.width() + _GAP)
        y = _GAP + (row // columns) * (cell.height() + _GAP) - self.verticalOffset()
        return QRect(x, y, cell.width(), cell.height())

    def visualRect(self, index: Index) -> QRect:
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        cell, columns = self._cell(), self._columns
        x, y = point.x() - _GAP, point.y() - _GAP + self.verticalOffset()
        column, line = x // (cell.width() + _GAP), y // (cell.height() + _GAP)
        row = line * columns + column
        if x < 0 or y < 0 or column >= columns or row >= self._count():
            return QModelIndex()
        return self.model().index(row, 0) if self._rect(row).contains(point) else QModelIndex()

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    def updateGeometries(self) -> None:
        cell = self._cell()
        lines = -(-self._count() // self._columns)
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, lines * (cell.height() + _GAP) + _GAP - self.viewport().height()))
        bar.setPageStep(max(1, self.viewport().height()))
        bar.setSingleStep(max(20, (cell.height() + _GAP) // 3))

    def _relaid(self) -> None:
        """Other sizes: what was at the top stays there."""
        top = self.rows_in_sight().start
        self.updateGeometries()
        cell = self._cell()
        self.verticalScrollBar().setValue((top // self._columns) * (cell.height() + _GAP))
        self.viewport().update()

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        if not index.isValid():
            return
        box, room, bar = self._rect(index.row()), self.viewport().rect(), self.verticalScrollBar()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + box.center().y() - room.center().y())
        else:
            bar.setValue(bar.value() + min(0, box.top() - _GAP) + max(0, box.bottom() + _GAP - room.bottom()))

    def rows_in_sight(self) -> range:
        step, columns = self._cell().height() + _GAP, self._columns
        top = self.verticalOffset()
        first = max(0, (top - _GAP) // step) * columns
        last = ((top + self.viewport().height()) // step + 1) * columns
        return range(min(first, self._count()), min(last, self._count()))

    # -- selection

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        return QRegion(self.viewport().rect())

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Only the mouse and the keys below select; there is no rubber band."""

    def selected_rows(self) -> Iterator[int]:
        """Rows that are selected, range by range."""
        for part in self._parts():
            yield from range(part.top(), part.bottom() + 1)

    def selected_count(self) -> int:
        return sum(part.height() for part in self._parts())

    def _parts(self) -> list[QItemSelectionRange]:
        selection = self.selectionModel().selection()
        return [selection.at(i) for i in range(selection.size())]

    def choose(self, row: int, *, extend: bool = False, toggle: bool = False, scroll: bool = True) -> None:
        """Make a row the current one and select it: alone, up to it from the anchor, or with what is selected."""
        model = self.model()
        if model is None or not 0 <= row < self._count():
            return
        flag = QItemSelectionModel.SelectionFlag
        index, chosen = model.index(row, 0), self.selectionModel()
        if extend:
            first, last = sorted((min(self._anchor, self._count() - 1), row))
            chosen.select(QItemSelection(model.index(first, 0), model.index(last, 0)), flag.ClearAndSelect)
        else:
            self._anchor = row
            chosen.select(index, flag.Toggle if toggle else flag.ClearAndSelect)
        chosen.setCurrentIndex(index, flag.NoUpdate)
        if scroll:
            self.scrollTo(index)

    def select_everything(self) -> None:
        if self._count():
            model = self.model()
            everything = QItemSelection(model.index(0, 0), model.index(self._count() - 1, 0))
            self.selectionModel().select(everything, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def selectAll(self) -> None:
        self.select_everything()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            keys = event.modifiers()
            self.choose(
                index.row(),
                extend=bool(keys & Qt.KeyboardModifier.ShiftModifier),
                toggle=bool(keys & Qt.KeyboardModifier.ControlModifier),
            )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.buttons() & Qt.MouseButton.LeftButton and index.isValid() and index != self.currentIndex():
            self.choose(index.row(), extend=True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        return self.currentIndex()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = Qt.Key(event.key()), event.modifiers()
        if keys & Qt.KeyboardModifier.ControlModifier:
            if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
                self.set_cell_width(round(self._width * (1 / 1.2 if key == Qt.Key.Key_Minus else 1.2)))
            elif key == Qt.Key.Key_A:
                self.select_everything()
            else:
                event.ignore()
            return
        columns = self._columns
        page = columns * max(1, self.viewport().height() // (self._cell().height() + _GAP))
        count, row = self._count(), self.currentIndex().row()
        goals = {
            Qt.Key.Key_Left: row - 1, Qt.Key.Key_Right: row + 1, Qt.Key.Key_Up: row - columns,
            Qt.Key.Key_Down: row + columns, Qt.Key.Key_PageUp: row - page, Qt.Key.Key_PageDown: row + page,
            Qt.Key.Key_Home: 0, Qt.Key.Key_End: count - 1,
        }  # fmt: skip
        if key not in goals or not count:
            event.ignore()
            return
        goal = 0 if row < 0 else max(0, min(count - 1, goals[key]))
        self.choose(goal, extend=bool(keys & Qt.KeyboardModifier.ShiftModifier))

    # -- painting

    def dataChanged(self, first: Index, last: Index, roles: object = ()) -> None:
        sight = self.rows_in_sight()
        if first.row() < sight.stop and last.row() >= sight.start:
            if first.row() == last.row():
                self.viewport().update(self._rect(first.row()).adjusted(-3, -3, 3, 3))
            else:
                self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        colours = tokens_of(self.palette())
        painter.fillRect(event.rect(), QColor(colours.backdrop))
        model = self.model()
        if not isinstance(model, TranslationsModel) or not self._count():
            painter.setPen(QColor(colours.faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(24, 24, -24, -24), flags, self.hint)
            return
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        current, chosen = self.currentIndex().row(), self.selectionModel()
        for row in self.rows_in_sight():
            box = self._rect(row)
            if not box.adjusted(-3, -3, 3, 3).intersects(event.rect()):
                continue
            selected = chosen.isSelected(model.index(row))
            record = model.record(row)
            if record is not None:
                self._draw(painter, model, record, box, colours)
            if selected or row == current:
                painter.setPen(QPen(QColor(colours.accent if selected else colours.muted), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(-1, -1, 0, -_FOOT))

    def _draw(
        self, painter: QPainter, model: TranslationsModel, record: TranslationRecord, box: QRect, colours: Tokens
    ) -> None:
        picture = QRect(box.left(), box.top(), box.width(), box.height() - _FOOT)
        pixmap = model.pixmap(record)
        if pixmap is None or pixmap.isNull():
            painter.fillRect(picture, QColor(colours.window))
        else:
            painter.setOpacity(0.35 if record.verdict.value == "rejected" else 1.0)
            painter.drawPixmap(picture, pixmap)
            painter.setOpacity(1.0)
        _draw_verdict(painter, record, picture, colours)
        words = QRect(box.left() + 2, picture.bottom() + 1, box.width() - 4, _FOOT)
        known = record.validity is not None
        said = f"{record.validity:.2f}" if known else "–"
        painter.setPen(QColor(validity_colour(record.validity or 0.0, colours) if known else colours.faint))
        painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)
        painter.setPen(QColor(colours.muted))
        room = words.width() - painter.fontMetrics().horizontalAdvance("0.00") - 8
        text = painter.fontMetrics().elidedText(
            f"{record.patient} {record.frame_name}  {record.style}", Qt.TextElideMode.ElideRight, room
        )
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _draw_verdict(painter: QPainter, record: TranslationRecord, picture: QRect, colours: Tokens) -> None:
    """A coloured corner with a check or a cross; undecided ones have none."""
    if record.verdict.value == "undecided":
        return
    good = record.verdict.value == "accepted"
    corner = picture.topLeft()
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.good if good else colours.danger))
    painter.drawPolygon(QPolygon([corner, corner + QPoint(_CORNER, 0), corner + QPoint(0, _CORNER)]))
    painter.setPen(QPen(QColor(colours.window), 1.6))
    if good:
        painter.drawPolyline(QPolygon([corner + QPoint(3, 7), corner + QPoint(6, 10), corner + QPoint(11, 4)]))
    else:
        painter.drawLine(corner + QPoint(3, 3), corner + QPoint(9, 9))
        painter.drawLine(corner + QPoint(9, 3), corner + QPoint(3, 9))
    painter.restore()
