"""The grid of the style lab: frames down, styles across, the render in front.

Ctrl and wheel: zoom into all pictures together; drag: pan them; drag a render up or down, or Alt and arrow keys: move
its row; + and -: larger and smaller cells; arrow keys: move between cells; B (held): every cell shows its render; F:
the whole pictures again. The mouse reads what lies under it; its right button says what can be done there.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip

from studio.gui.models.preview_cells import PreviewCells
from studio.gui.widgets.style_grid_area import HEAD
from studio.gui.widgets.style_grid_painter import StyleGridPainter
from studio.gui.widgets.view_link import FIT, ViewLink, panned, placement, zoomed

_DRAG_PX = 10


class StyleGrid(StyleGridPainter):
    """``column_chosen(column)``; ``row_moved(row, to)``; ``menu_wanted(row, column, place on the screen)``."""

    column_chosen = Signal(int)
    row_moved = Signal(int, int)
    menu_wanted = Signal(int, int, object)

    def __init__(self, cells: PreviewCells, link: ViewLink) -> None:
        super().__init__(cells, link)
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._at(event.position())
        if found is None or event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        row, column = found
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._last = event.position()
            self._dragged = row if column < 0 else -1
        if row < 0 <= column:
            self._current = (self._current[0], column)
            self.viewport().update()
            self.column_chosen.emit(column)
        elif row >= 0:
            self.choose(row, column)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        found = self._at(at)
        if self._pressed is not None and self.viewpoint.zoom > 1 and found is not None and found[0] >= 0:
            step, (room, size) = at - self._last, self._room_of(found)
            self._link.set_viewpoint(panned(self.viewpoint, step.x(), step.y(), room=room, picture=size))
        elif self._pressed is not None and self._dragged >= 0 and self.viewpoint.zoom <= 1:
            self._drag_row(at)
        self._last = at
        self._hover(found if found is not None and found[0] >= 0 else None, at)

    def _drag_row(self, at: QPointF) -> None:
        """A render that is dragged takes its row along."""
        assert self._pressed is not None
        if abs(at.y() - self._pressed.y()) > _DRAG_PX or self._landing >= 0:
            _, down = self._step
            place = (at.y() - HEAD + self.verticalScrollBar().value()) / down
            self._landing = max(0, min(len(self._rows), round(place)))
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        start, landing = self._dragged, self._landing
        self._pressed, self._dragged, self._landing = None, -1, -1
        if landing >= 0:
            self.viewport().update()
            to = landing - (landing > start)
            if to != start:
                self.row_moved.emit(start, to)

    def _hover(self, found: tuple[int, int] | None, at: QPointF) -> None:
        """Point at the same place in every linked picture."""
        share = None
        if found is not None:
            room, size = self._room_of(found)
            place = placement(self.viewpoint, room, size)
            x, y = place.to_picture(*(at - QPointF(self.cell_rect(*found).topLeft())).toTuple())
            if 0 <= x < size[0] and 0 <= y < size[1]:
                share = x / size[0], y / size[1]
        self._hovered = found if share is not None else None
        self._link.set_cursor(share)

    def _room_of(self, cell: tuple[int, int]) -> tuple[tuple[float, float], tuple[int, int]]:
        """The room that a cell's picture has on the screen, and the picture's own size."""
        box, layers = self.cell_rect(*cell), self._rows[cell[0]].layers
        room = float(box.width()), float(box.height())
        return room, (box.width(), box.height()) if layers is None else layers.size

    def leaveEvent(self, event: object) -> None:
        self._hover(None, QPointF())

    def wheelEvent(self, event: QWheelEvent) -> None:
        found = self._at(event.position())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and found is not None and found[0] >= 0:
            at = event.position() - QPointF(self.cell_rect(*found).topLeft())
            room, size = self._room_of(found)
            factor = 1.25 ** (event.angleDelta().y() / 120)
            self._link.set_viewpoint(zoomed(self.viewpoint, factor, at=(at.x(), at.y()), room=room, picture=size))
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_PageUp: (-3, 0), Qt.Key.Key_PageDown: (3, 0),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            row, step = self._current[0], steps[key][0]
            if row >= 0 and 0 <= row + step < len(self._rows):
                self.row_moved.emit(row, row + step)
        elif key in steps:
            row, column = self._current
            self.choose(max(0, row) + steps[key][0], column + steps[key][1])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.set_cell_width(round(self._cell_width * 1.2))
        elif key == Qt.Key.Key_Minus:
            self.set_cell_width(round(self._cell_width / 1.2))
        elif key == Qt.Key.Key_F:
            self._link.set_viewpoint(FIT)
        elif key == Qt.Key.Key_Escape and self._link.kept is not None:
            self._link.keep(None)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        found = self._at(QPointF(self.viewport().mapFromGlobal(event.globalPos())))
        if found is not None:
            self.menu_wanted.emit(*found, event.globalPos())

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
            return "" if row < 0 else "\n".join(filter(None, (self._rows[row].caption, self._rows[row].note)))
        style = self._styles[column]
        head = f"{style.name} ({style.origin}{', ' + style.source if style.source else ''})"
        known = None if row < 0 else self._values.get((self._rows[row].path, style.code))
        if known is None:
            return head
        return "\n".join((head, self._rows[row].caption, known[1] or f"validity {known[0]:.2f}"))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._hover(None, QPointF())  # another picture lies under the mouse now
        super().scrollContentsBy(dx, dy)
