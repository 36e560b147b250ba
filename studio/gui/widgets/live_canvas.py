"""The live picture of a simulated body: drag to turn, wheel to go nearer; each movement emits the view it leads to."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import UNIT, tokens_of
from studio.scenes.simulator.keyframes import Held
from studio.scenes.simulator.live_views import LiveView

_TURN_PER_WIDTH = 60.0
"""Degrees for a drag across the picture."""
_STEP_DEGREES, _STEP_MM = 2.0, 4.0
_MOST_SWING, _LEAST_DEPTH, _MOST_DEPTH = 65.0, 6.0, 320.0
_LEAST_DISTANCE, _MOST_DISTANCE = 20.0, 320.0
_ARROWS = {
    Qt.Key.Key_Left: (1.0, 0.0), Qt.Key.Key_Right: (-1.0, 0.0), Qt.Key.Key_Up: (0.0, 1.0), Qt.Key.Key_Down: (0.0, -1.0)
}  # fmt: skip
_NEARER = {Qt.Key.Key_PageUp: 1.0, Qt.Key.Key_PageDown: -1.0, Qt.Key.Key_Plus: 1.0, Qt.Key.Key_Minus: -1.0}
_TURNS = {Qt.Key.Key_BracketLeft: -1.0, Qt.Key.Key_BracketRight: 1.0}


def swung(view: LiveView, right: float, down: float) -> LiveView:
    """The picture moved by so many degrees, as if it were taken hold of."""
    if view.source == "around":
        above = max(-85.0, min(85.0, view.above + down))
        return replace(view, around=_wrapped(view.around - right), above=above)
    held = view.held
    yaw, pitch = (max(-_MOST_SWING, min(_MOST_SWING, v)) for v in (held.yaw - right, held.pitch - down))
    return replace(view, source="port", held=replace(held, yaw=yaw, pitch=pitch))


def turned(view: LiveView, degrees: float) -> LiveView:
    """The shaft turned about itself, which sweeps the view of 30 degree optics around."""
    if view.source == "around":
        return view
    return replace(view, source="port", held=replace(view.held, turn=_wrapped(view.held.turn + degrees)))


def rolled(view: LiveView, degrees: float) -> LiveView:
    """The horizon tilted."""
    if view.source == "around":
        return view
    return replace(view, source="port", held=replace(view.held, roll=_wrapped(view.held.roll + degrees)))


def nearer(view: LiveView, millimetres: float) -> LiveView:
    """The lens pushed in, or drawn back."""
    if view.source == "around":
        return replace(view, distance=max(_LEAST_DISTANCE, min(_MOST_DISTANCE, view.distance - millimetres)))
    depth = max(_LEAST_DEPTH, min(_MOST_DEPTH, view.held.depth + millimetres))
    return replace(view, source="port", held=replace(view.held, depth=depth))


def _wrapped(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


class LiveCanvas(QWidget):
    """``wanted`` carries a LiveView; ``painted`` comes after each picture has been drawn."""

    wanted = Signal(object)
    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.view = LiveView("port", Held())
        self.image = QImage()
        self._new = False
        self._words = "Building the body…"
        self._warning = ""
        self._last: QPointF | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 135)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName("Live preview")
        self.setToolTip(
            "Drag: swing the laparoscope. Wheel: in and out. Shift and drag: turn the shaft. Ctrl and drag: tilt.\n"
            "Keys: arrows, Page Up and Page Down, [ and ]. Looking around changes nothing in what is simulated."
        )

    def sizeHint(self) -> QSize:
        return QSize(720, 405)

    def show_image(self, image: QImage, warning: str) -> None:
        self.image, self._warning, self._words, self._new = image, warning, "", True
        self.update()

    def show_words(self, words: str) -> None:
        """In the place of a picture, or below the one that is there."""
        self._words = words
        self.update()

    def set_view(self, view: LiveView) -> None:
        """Where movements start from; nothing is emitted."""
        self.view = view

    def _want(self, view: LiveView) -> None:
        if view != self.view:
            self.view = view
            self.wanted.emit(view)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None:
            return
        moved = (event.position() - self._last) * (_TURN_PER_WIDTH / max(1.0, self._place().width()))
        self._last = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._want(rolled(self.view, 2 * moved.x()))
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier or event.buttons() & Qt.MouseButton.RightButton:
            self._want(turned(self.view, 3 * moved.x()))
        else:
            self._want(swung(self.view, moved.x(), moved.y()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._want(nearer(self.view, _STEP_MM * event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _ARROWS and not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            right, down = _ARROWS[key]
            self._want(swung(self.view, _STEP_DEGREES * right, _STEP_DEGREES * down))
        elif key in _NEARER:
            self._want(nearer(self.view, _STEP_MM * _NEARER[key]))
        elif key in _TURNS:
            self._want(turned(self.view, 3 * _STEP_DEGREES * _TURNS[key]))
        else:
            super().keyPressEvent(event)

    def _place(self) -> QRectF:
        """Where the picture lies, its proportions kept."""
        ratio = self.image.height() / self.image.width() if self.image.width() else 9 / 16
        width = min(float(self.width()), self.height() / ratio)
        height = width * ratio
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def picture_width(self) -> int:
        """Device pixels across the picture."""
        return math.ceil(self._place().width() * self.devicePixelRatioF())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        place = self._place()
        if not self.image.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self.image)
        if self._words and self.image.isNull():
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
        elif self._words or self._warning:
            self._paint_line(painter, place, self._words or self._warning, colours.warning)
        if self.hasFocus():
            painter.setPen(QColor(colours.accent))
            painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.end()
        if self._new:
            self._new = False
            self.painted.emit()

    def _paint_line(self, painter: QPainter, place: QRectF, words: str, colour: str) -> None:
        height = painter.fontMetrics().height() + UNIT
        room = QRectF(place.left(), place.bottom() - height, place.width(), height)
        painter.fillRect(room, QColor(0, 0, 0, 170))
        painter.setPen(QColor(colour))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(room.width()) - 2 * UNIT)
        painter.drawText(room.adjusted(UNIT, 0, -UNIT, 0), Qt.AlignmentFlag.AlignVCenter, shown)
