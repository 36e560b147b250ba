"""The style map: the footage's styles as dots, the drawn styles as diamonds, in the plane of most variance (principal
components of the footage's codes) or as t-SNE laid them.

Click: choose. Wheel: zoom. Drag: pan, or lasso with the lasso in hand; from a diamond: a new style where it is let go.
Shift and drag: lasso more; Alt (or Ctrl) and drag: lasso away; the same with a click on one point. Esc: select nothing.
Double click on a free place: a new style.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPolygonF, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QToolButton, QWidget

from studio.gui.icons import icon
from studio.gui.widgets.map_selection import Mode, Picked, mode_of, rows_inside
from studio.gui.widgets.style_map_painter import StyleMapPainter


class StyleMap(StyleMapPainter):
    """``footage_hovered`` carries a row or -1; the other signals rows of the footage, or of the styles."""

    footage_hovered = Signal(int)
    footage_chosen = Signal(int)
    style_chosen = Signal(int)
    place_wanted = Signal(object)
    """The code at the point that was double clicked, or where a diamond was let go."""
    place_moved = Signal(object)
    """The code under a diamond while it is dragged; None when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self._dragged = -1
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._mode: Mode = "replace"
        self._repairs: tuple[QWidget, ...] = ()
        self.lasso_tool = QToolButton(self)
        self.lasso_tool.setIcon(icon("lasso"))
        self.lasso_tool.setCheckable(True)
        self.lasso_tool.setAccessibleName("Lasso")
        self.lasso_tool.setToolTip(
            "Lasso: drag around footage and drawn styles to select them, then keep, leave out, translate and export "
            "them. Shift and drag adds, Alt (or Ctrl) and drag takes away, also without this button; Esc lets go"
        )
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = self._last = event.position()
        self._mode = mode_of(event.modifiers())
        if self.lasso_tool.isChecked() or self._mode != "replace":
            self._lasso = [event.position()]
        else:
            self._dragged = self._nearest(self._style_xy, event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._lasso:
            self._lasso.append(at)
            self.update()
        elif self._pressed is not None and self._dragged >= 0:
            if (at - self._pressed).manhattanLength() > 4:
                self.place_moved.emit(self._code_at(at))
        elif self._pressed is not None and (at - self._pressed).manhattanLength() > 4:
            step = at - self._last
            self._fitted = False
            self._middle = self._middle - np.array([step.x(), -step.y()]) / self._px_per_unit
            self._last = at
            self._changed()
        else:
            self._hover(self._nearest(self._footage_xy, at))

    def set_repair(self, button: QWidget) -> None:
        """A button on the map that does something about its warning; there while it warns."""
        button.setParent(self)
        button.hide()
        self._repairs = (button,)

    def set_warning(self, text: str) -> None:
        super().set_warning(text)
        for button in self._repairs:
            button.setVisible(bool(text))

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self._picture = None
            self.footage_hovered.emit(row)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, pressed, dragged = event.position(), self._pressed, self._dragged
        far = pressed is not None and (at - pressed).manhattanLength() > 4
        if far and dragged >= 0 and not self._lasso:
            code = self._code_at(at)
            self._pressed, self._dragged = None, -1
            self.place_moved.emit(None)
            self.place_wanted.emit(code)
            return
        self._pressed, self._dragged = None, -1
        if self._lasso:
            lasso, self._lasso = self._lasso, []
            self.update()
            around = any((p - lasso[0]).manhattanLength() > 4 for p in lasso)  # it may end where it began
            if around or self._mode != "replace":
                self.select(self.picked.changed(self._inside(lasso) if around else self._under(at), self._mode))
            else:
                self._click(at)
        elif pressed is not None and not far:
            self._click(at)

    def _code_at(self, at: QPointF) -> tuple[float, ...]:
        """The code at a point of the map; beside the map's plane that of the diamond that is dragged."""
        assert self._plane is not None  # a diamond lies on it
        like = self._styles[self._dragged].code if 0 <= self._dragged < len(self._styles) else None
        like_S = np.array(like) if like is not None and len(like) == self._plane.size else None
        return tuple(float(v) for v in self._plane.place(self._to_map(at), like_S=like_S))

    def _click(self, at: QPointF) -> None:
        style = self._nearest(self._style_xy, at)
        footage = self._nearest(self._footage_xy, at)
        if style >= 0:
            self.style_chosen.emit(style)
        elif footage >= 0:
            self.footage_chosen.emit(footage)

    def _inside(self, lasso: list[QPointF]) -> Picked:
        """What a lasso surrounds."""
        line = QPolygonF(lasso)
        styles = rows_inside(self._to_view(self._style_xy), line)
        footage = rows_inside(self._to_view(self._footage_xy), line)
        return Picked(frozenset(footage), frozenset(self._styles[r].code for r in styles))

    def _under(self, at: QPointF) -> Picked:
        """The one point under the mouse."""
        style, row = self._nearest(self._style_xy, at), self._nearest(self._footage_xy, at)
        if style >= 0:
            return Picked(styles=frozenset({self._styles[style].code}))
        return Picked(footage=frozenset({row} if row >= 0 else ()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and (self.picked or self._lasso):
            self._lasso = []
            self.select(Picked())
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self.lasso_tool.isChecked():
            return
        free = self._nearest(self._style_xy, at) < 0 and self._nearest(self._footage_xy, at) < 0
        if free and self._plane is not None:
            self.place_wanted.emit(self._code_at(at))

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self._to_map(event.position())
        self._fitted = False
        self._px_per_unit *= 1.2 ** (event.angleDelta().y() / 120)
        self._middle = self._middle + before - self._to_map(event.position())
        self._changed()
        event.accept()

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        right = self.width() - 6
        for box in (self.colouring, self.layout_box, self.lasso_tool, *self._repairs):
            size = box.sizeHint()
            right -= size.width()
            box.setGeometry(right, 6, size.width(), size.height())
            right -= 4
        if self._fitted:
            self.show_all()
        self._changed()
