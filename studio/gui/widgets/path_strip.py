"""The strip below the live preview: small pictures along a path, a playhead to scrub with, and keyframes to arrange."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import UNIT, tokens_of

THUMB_WIDTH = 112
_AXIS, _HEAD = 22, 5


class PathStrip(QWidget):
    """Slots of equal width, each at its time. Drag on it: ``scrubbed`` (seconds). A click on a slot: ``chosen``.

    Keys: Left and Right choose, Alt with them moves a keyframe, Delete removes it.
    """

    scrubbed = Signal(float)
    chosen = Signal(int)
    move_wanted = Signal(int, int)
    removed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._times: tuple[float, ...] = ()
        self._pictures: list[QImage] = []
        self._editable = False
        self._current = -1
        self._seconds = 0.0
        self._words = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Camera path")

    def sizeHint(self) -> QSize:
        return QSize(400, _AXIS + 70)

    @property
    def times(self) -> tuple[float, ...]:
        return self._times

    @property
    def current(self) -> int:
        """The chosen slot, -1 for none."""
        return self._current

    def set_slots(self, times: Sequence[float], *, editable: bool, words: str = "") -> None:
        """Other slots, without pictures yet; ``words`` are shown where there is none."""
        self._times, self._editable, self._words = tuple(times), editable, words
        self._pictures = [QImage() for _ in times]
        self._current = min(self._current, len(times) - 1)
        self.setToolTip(
            "Drag to look along the path. Click a keyframe to see its view, Alt and arrows move it, Delete removes it;"
            " frames are simulated through them in this order."
            if editable
            else "Drag to see the frames that will be simulated. The path follows from the seed."
        )
        self._say()

    def set_picture(self, index: int, picture: QImage) -> None:
        if 0 <= index < len(self._pictures):
            self._pictures[index] = picture
            self.update()

    def choose(self, index: int) -> None:
        """Mark a slot; nothing is emitted."""
        self._current = index if 0 <= index < len(self._times) else -1
        if self._current >= 0:
            self._seconds = self._times[self._current]
        self._say()

    def set_seconds(self, seconds: float) -> None:
        """Put the playhead somewhere."""
        self._seconds, self._current = seconds, -1
        self._say()

    def _say(self) -> None:
        kind = "keyframes" if self._editable else "views along the path"
        self.setAccessibleDescription(f"{len(self._times)} {kind}, at {self._seconds:.1f} s")
        self.update()

    def _slot_width(self) -> float:
        return self.width() / max(1, len(self._times)) if len(self._times) > 1 else min(self.width(), THUMB_WIDTH + 8.0)

    def _middles(self) -> np.ndarray:
        return (np.arange(len(self._times)) + 0.5) * self._slot_width()

    def seconds_at(self, x: float) -> float:
        return float(np.interp(x, self._middles(), self._times)) if self._times else 0.0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._times:
            return
        slot = min(len(self._times) - 1, int(event.position().x() / self._slot_width()))
        if event.position().y() > _AXIS:
            self.choose(slot)
            self.chosen.emit(slot)
        else:
            self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._times and event.buttons() & Qt.MouseButton.LeftButton:
            self._scrub(event.position().x())

    def _scrub(self, x: float) -> None:
        seconds = self.seconds_at(x)
        if seconds != self._seconds or self._current >= 0:
            self.set_seconds(seconds)
            self.scrubbed.emit(seconds)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            if self._editable and self._current >= 0 and 0 <= self._current + step < len(self._times):
                self.move_wanted.emit(self._current, self._current + step)
        elif step and self._times:
            slot = max(0, min(len(self._times) - 1, self._current + step))
            self.choose(slot)
            self.chosen.emit(slot)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._editable and self._current >= 0:
            self.removed.emit(self._current)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        if not self._times:
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._words)
            return
        for index in range(len(self._times)):
            self._paint_slot(painter, index)
        x = float(np.interp(self._seconds, self._times, self._middles()))
        painter.setPen(QPen(QColor(colours.accent), 1.5))
        painter.drawLine(QRectF(x, 0, 0, 0).topLeft(), QRectF(x, self.height(), 0, 0).topLeft())
        painter.setBrush(QColor(colours.accent))
        painter.drawPolygon(QPolygonF([QRectF(x + dx, dy, 0, 0).topLeft() for dx, dy in
                                       ((-_HEAD, 0), (_HEAD, 0), (0, 1.6 * _HEAD))]))  # fmt: skip

    def _paint_slot(self, painter: QPainter, index: int) -> None:
        colours = tokens_of(self.palette())
        room = QRectF(index * self._slot_width(), _AXIS, self._slot_width(), self.height() - _AXIS)
        painter.setPen(QColor(colours.text if index == self._current else colours.muted))
        words = f"{self._times[index]:.1f} s"
        painter.drawText(QRectF(room.left(), 0, room.width(), _AXIS), Qt.AlignmentFlag.AlignCenter, words)
        inner = room.adjusted(3, 2, -3, -4)
        picture = self._pictures[index]
        ratio = picture.height() / picture.width() if not picture.isNull() else 9 / 16
        width = min(inner.width(), inner.height() / ratio, float(THUMB_WIDTH))
        place = QRectF(0, 0, width, width * ratio)
        place.moveCenter(inner.center())
        if picture.isNull():
            painter.fillRect(place, QColor(colours.surface))
        else:
            painter.drawImage(place, picture)
        if index == self._current:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(-1, -1, 1, 1))
        if self._editable:
            painter.setPen(QColor(colours.text))
            painter.fillRect(QRectF(place.left(), place.top(), 18, 16), QColor(0, 0, 0, 150))
            painter.drawText(QRectF(place.left(), place.top(), 18, 16), Qt.AlignmentFlag.AlignCenter, str(index + 1))


def spaced(seconds: float, width: int) -> tuple[float, ...]:
    """Times of as many pictures as fit side by side, from 0 to ``seconds``."""
    count = max(2, min(12, width // (THUMB_WIDTH + UNIT)))
    return tuple(float(t) for t in np.linspace(0.0, seconds, count))
