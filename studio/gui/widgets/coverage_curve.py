"""Coverage against the number of styles, with the knee marked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from studio.gui.theme import tokens_of

_HEIGHT = 72
_FOOT = 15
_HEAD = 6


class CoverageCurveView(QWidget):
    """The best styles first: how much of the footage the first one, two, three … cover together."""

    def __init__(self) -> None:
        super().__init__()
        self._coverage: tuple[float, ...] = ()
        self._knee = 0
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName("Coverage against the number of styles")
        self.setToolTip(
            "How much of the footage the best style covers, the best two, the best three and so on. Behind the knee "
            "further styles of this bench bring little: drop them, or draw others."
        )

    def sizeHint(self) -> QSize:
        return QSize(220, _HEIGHT)

    def show_curve(self, coverage: Sequence[float], knee: int) -> None:
        """``coverage``: 0 to 1 for 1, 2, … styles; ``knee``: a number of styles, 0 for none. Too few, or no coverage at
        all, hide the curve.
        """
        self._coverage, self._knee = tuple(coverage), knee
        self.setVisible(len(self._coverage) > 2 and self._coverage[-1] > 0)
        self.update()

    def point(self, styles: int) -> QPointF:
        """Where the coverage of the first so many styles is drawn."""
        count, top = len(self._coverage), max(self._coverage) or 1.0
        share = 0.0 if styles == 0 else self._coverage[styles - 1]
        height = self.height() - _FOOT - _HEAD
        return QPointF(4 + (self.width() - 8) * styles / count, _HEAD + height * (1 - share / top))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._coverage:
            return
        painter, colours = QPainter(self), tokens_of(self.palette())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        floor = self.height() - _FOOT
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(QPointF(4, floor), QPointF(self.width() - 4, floor))
        painter.setPen(QPen(QColor(colours.text), 1.5))
        painter.drawPolyline(QPolygonF([self.point(n) for n in range(len(self._coverage) + 1)]))
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        if self._knee:
            at = self.point(self._knee)
            painter.setPen(QPen(QColor(colours.accent), 1, Qt.PenStyle.DashLine))
            painter.drawLine(at, QPointF(at.x(), floor))
            painter.setBrush(QColor(colours.accent))
            painter.drawEllipse(at, 3, 3)
            # Beside the last number there is no room for another.
            if at.x() < self.width() - 34:
                box = QRectF(at.x() - 20, floor, 40, _FOOT)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self._knee))
        painter.setPen(QColor(colours.faint))
        box = QRectF(0, floor, self.width() - 4, _FOOT)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(len(self._coverage)))
        painter.drawText(box.adjusted(4, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "0")
