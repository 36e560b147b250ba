"""How validity is spread over the translations, with a line that can be dragged to where a rule shall cut."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import tokens_of

_FOOT = 16
BINS = 40


class Histogram(QWidget):
    """Values 0 to 1. ``cut_moved`` carries the line's place."""

    cut_moved = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._counts_B = np.zeros(BINS, np.int64)
        self._cut: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Validity of all translations")
        self.setToolTip(
            "How valid the translations are; drag the line to write a rule that accepts what lies right of it"
        )
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def sizeHint(self) -> QSize:
        return QSize(240, 88)

    def set_counts(self, counts_B: np.ndarray) -> None:
        """int BINS counts over 0 to 1."""
        self._counts_B = counts_B
        self.update()

    def set_cut(self, cut: float | None) -> None:
        self._cut = cut
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        room = QRectF(0, 0, self.width(), self.height() - _FOOT)
        top = max(1, int(self._counts_B.max()))
        step = room.width() / BINS
        for number, count in enumerate(self._counts_B):
            # Square roots, so that a handful of bad ones is seen beside thousands of good ones.
            high = room.height() * (count / top) ** 0.5
            taken = self._cut is None or (number + 0.5) / BINS >= self._cut
            bar = QRectF(number * step + 0.5, room.bottom() - high, max(1.0, step - 1), high)
            painter.fillRect(bar, QColor(colours.good if taken and self._cut is not None else colours.faint))
        painter.fillRect(QRectF(0, room.bottom(), room.width(), 1), QColor(colours.line))
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(colours.faint))
        words = QRectF(0, room.bottom(), room.width(), _FOOT)
        for flag, text in ((Qt.AlignmentFlag.AlignLeft, "0"), (Qt.AlignmentFlag.AlignRight, "1")):
            painter.drawText(words, flag | Qt.AlignmentFlag.AlignVCenter, text)
        if self._cut is not None:
            x = self._cut * room.width()
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.drawLine(QPointF(x, 0), QPointF(x, room.bottom()))
            box = QRectF(min(max(0, x - 20), room.width() - 40), room.bottom(), 40, _FOOT)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{self._cut:.2f}")
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._move(event.position().x() / max(1, self.width()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._move(event.position().x() / max(1, self.width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -0.01, Qt.Key.Key_Right: 0.01}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._move((0.5 if self._cut is None else self._cut) + step)

    def _move(self, to: float) -> None:
        self.set_cut(round(min(1.0, max(0.0, to)), 2))
        assert self._cut is not None
        self.cut_moved.emit(self._cut)
