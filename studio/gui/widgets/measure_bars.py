"""Measures of one picture as small bars: name, bar from 0 to 1, figure."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.picture_marks import validity_colour

_ROW = 20
_FIGURE = 36


class MeasureBars(QWidget):
    """Rows (name, value); the value 0 to 1, higher is better, and coloured so."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[tuple[str, float], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rows(self) -> tuple[tuple[str, float], ...]:
        return self._rows

    def show_rows(self, rows: Sequence[tuple[str, float]]) -> None:
        self._rows = tuple(rows)
        self.setAccessibleDescription(", ".join(f"{name} {value:.2f}" for name, value in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, len(self._rows) * _ROW)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        painter, colours = QPainter(self), tokens_of(self.palette())
        metrics = painter.fontMetrics()
        names = min(self.width() * 0.55, max(metrics.horizontalAdvance(name) for name, _ in self._rows) + UNIT)
        room = self.width() - names - _FIGURE
        for index, (name, value) in enumerate(self._rows):
            top = index * _ROW
            painter.setPen(QColor(colours.muted))
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(names - UNIT / 2))
            painter.drawText(QRectF(0, top, names, _ROW), Qt.AlignmentFlag.AlignVCenter, words)
            bar = QRectF(names, top + 8, room, 4)
            painter.fillRect(bar, QColor(colours.line))
            bar.setWidth(max(2.0, room * min(1.0, max(0.0, value))))
            painter.fillRect(bar, QColor(validity_colour(value, colours)))
            painter.setPen(QColor(colours.text))
            figure = QRectF(self.width() - _FIGURE, top, _FIGURE, _ROW)
            painter.drawText(figure, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{value:.2f}")
