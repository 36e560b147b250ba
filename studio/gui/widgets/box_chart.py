"""Regimes side by side: a box and whiskers over the patients, and every patient as a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.style_map_painter import PATIENT_COLOURS

_LEFT, _RIGHT, _TOP, _FOOT = 44, 12, 12, 40
_REACH_PX = 8


@dataclass(frozen=True)
class BoxSeries:
    """One regime: its figure by patient (None = none), and the mean of them."""

    name: str
    values: tuple[float | None, ...]
    mean: float | None
    faint: bool = False
    """The trivial predictor: a yardstick, no regime."""


@dataclass(frozen=True, slots=True)
class Box:
    """Quartiles, and whiskers at the farthest values within 1.5 times the middle half (Tukey 1977)."""

    low: float
    first: float
    median: float
    third: float
    high: float


def box_of(values: Sequence[float]) -> Box | None:
    """The box of some values; None for fewer than two."""
    if len(values) < 2:
        return None
    array = np.array(values, np.float64)
    first, median, third = (float(v) for v in np.percentile(array, (25, 50, 75)))
    reach = 1.5 * (third - first)
    inside = array[(array >= first - reach) & (array <= third + reach)]
    return Box(float(inside.min()), first, median, third, float(inside.max()))


class BoxChart(QWidget):
    """The patient under the mouse is followed through all regimes."""

    def __init__(self) -> None:
        super().__init__()
        self._series: tuple[BoxSeries, ...] = ()
        self._patients: tuple[str, ...] = ()
        self._top = 1.0
        self._digits = 2
        self._title = ""
        self._hovered = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Figures by patient")

    def sizeHint(self) -> QSize:
        return QSize(640, 300)

    def show_series(
        self, series: Sequence[BoxSeries], patients: Sequence[str], *, title: str, digits: int, share: bool
    ) -> None:
        """``share``: figures lie in 0 to 1 and the axis shows all of it."""
        self._series, self._patients = tuple(series), tuple(patients)
        self._title, self._digits, self._hovered = title, digits, -1
        known = [v for s in series for v in s.values if v is not None]
        self._top = 1.0 if share or not known else max(1.0, float(max(known)) * 1.05)
        self.update()

    # -- geometry

    def _plot(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(1, self.width() - _LEFT - _RIGHT), max(1, self.height() - _TOP - _FOOT))

    def _y(self, value: float) -> float:
        plot = self._plot()
        return plot.bottom() - plot.height() * value / self._top

    def _x(self, column: int) -> float:
        plot = self._plot()
        return plot.left() + plot.width() * (column + 0.5) / max(1, len(self._series))

    def point(self, column: int, patient: int) -> QPointF | None:
        """Where a patient's figure lies; points of a column are spread so that equal ones are told apart."""
        value = self._series[column].values[patient]
        if value is None:
            return None
        room = min(28.0, self._plot().width() / max(1, len(self._series)) * 0.22)
        share = (patient + 0.5) / len(self._patients) - 0.5
        return QPointF(self._x(column) + 2 * room * share, self._y(value))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        best, nearest = -1, float(_REACH_PX)
        for column in range(len(self._series)):
            for patient in range(len(self._patients)):
                at = self.point(column, patient)
                if at is not None and (distance := (at - event.position()).manhattanLength()) < nearest:
                    best, nearest = patient, distance
        if best != self._hovered:
            self._hovered = best
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = -1
        self.update()

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = tokens_of(self.palette())
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        self._draw_axis(painter, colours)
        for column, series in enumerate(self._series):
            self._draw_box(painter, column, series, colours)
            self._draw_name(painter, column, series, colours)
        for column in range(len(self._series)):
            for patient in range(len(self._patients)):
                self._draw_point(painter, column, patient, colours)
        if self._hovered >= 0:
            self._draw_patient(painter, colours)

    def _draw_axis(self, painter: QPainter, colours: Tokens) -> None:
        plot = self._plot()
        steps = 5
        for k in range(steps + 1):
            value = self._top * k / steps
            y = self._y(value)
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(QColor(colours.faint))
            digits = 1 if self._top <= 1 else 0
            painter.drawText(
                QRectF(0, y - 8, _LEFT - 8, 16), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                f"{value:.{digits}f}",
            )  # fmt: skip

    def _draw_box(self, painter: QPainter, column: int, series: BoxSeries, colours: Tokens) -> None:
        box = box_of([v for v in series.values if v is not None])
        x, half = self._x(column), min(40.0, self._plot().width() / max(1, len(self._series)) * 0.3)
        line = QColor(colours.faint if series.faint else colours.muted)
        painter.setPen(QPen(line, 1.2, Qt.PenStyle.DashLine if series.faint else Qt.PenStyle.SolidLine))
        if box is not None:
            painter.drawLine(QPointF(x, self._y(box.low)), QPointF(x, self._y(box.first)))
            painter.drawLine(QPointF(x, self._y(box.third)), QPointF(x, self._y(box.high)))
            fill = QColor(colours.raised)
            fill.setAlpha(170)
            painter.setBrush(fill)
            frame = QRectF(QPointF(x - half, self._y(box.third)), QPointF(x + half, self._y(box.first)))
            painter.drawRoundedRect(frame, 2, 2)
            painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawLine(QPointF(x - half, self._y(box.median)), QPointF(x + half, self._y(box.median)))
        if series.mean is not None:
            at = QPointF(x + half + 8, self._y(series.mean))
            mark = QPolygonF([at, at + QPointF(6, -4), at + QPointF(6, 4)])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawPolygon(mark)
            painter.setPen(QColor(colours.text))
            painter.drawText(at + QPointF(9, 4), f"{series.mean:.{self._digits}f}")

    def _draw_name(self, painter: QPainter, column: int, series: BoxSeries, colours: Tokens) -> None:
        plot = self._plot()
        width = plot.width() / len(self._series) - 8
        box = QRectF(self._x(column) - width / 2, plot.bottom() + 6, width, _FOOT - 8)
        painter.setPen(QColor(colours.muted if series.faint else colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, series.name)

    def _draw_point(self, painter: QPainter, column: int, patient: int, colours: Tokens) -> None:
        at = self.point(column, patient)
        if at is None:
            return
        colour = QColor(PATIENT_COLOURS[patient % len(PATIENT_COLOURS)])
        if self._hovered >= 0 and patient != self._hovered:
            colour.setAlpha(60)
        painter.setPen(QPen(QColor(colours.window), 1))
        painter.setBrush(colour)
        size = 5.0 if patient == self._hovered else 3.8
        painter.drawEllipse(at, size, size)

    def _draw_patient(self, painter: QPainter, colours: Tokens) -> None:
        points = [p for c in range(len(self._series)) if (p := self.point(c, self._hovered)) is not None]
        painter.setPen(QPen(QColor(PATIENT_COLOURS[self._hovered % len(PATIENT_COLOURS)]), 1.2))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(QColor(colours.text))
        for column, series in enumerate(self._series):
            at, value = self.point(column, self._hovered), series.values[self._hovered]
            if at is not None and value is not None:
                painter.drawText(at + QPointF(8, -6), f"{value:.{self._digits}f}")
        name = QRectF(_LEFT + 6, 0, self._plot().width() - 12, _TOP + 14)
        painter.drawText(name, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self._patients[self._hovered])
