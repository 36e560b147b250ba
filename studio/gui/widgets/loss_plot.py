"""The plot of losses over the steps: every logged step in a faint line, its running mean above it, a readout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QSlider, QWidget

from studio.gui.models.metrics import RunningMean, Series, decimated
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import is_dark, label

WORDS: Mapping[str, tuple[str, str]] = {
    "image_a": ("Image, sim", "A render encoded and decoded again: L1 distance to itself"),
    "image_b": ("Image, real", "A footage frame encoded and decoded again: L1 distance to itself"),
    "content_a": ("Content, sim", "Content code of a render, kept through its translation: L1 distance"),
    "content_b": ("Content, real", "Content code of footage, kept through its simulated look: L1 distance"),
    "style_a": ("Style, sim", "A simulated style found again in the picture made with it: L1 distance"),
    "style_b": ("Style, real", "A style found again in the translation made with it: L1 distance"),
    "cycle_a": ("Cycle, sim", "A render translated there and back again: L1 distance to itself"),
    "cycle_b": ("Cycle, real", "Footage translated there and back again: L1 distance to itself"),
    "gan_ab": ("Fooling → real", "How far translations are from passing for footage: squared, summed over scales"),
    "gan_ba": ("Fooling → sim", "How far the footage's simulated looks are from passing for renders"),
    "ms_ssim_ab": ("Structure → real", "1 - MS-SSIM of brightness, render to translation; low: organs stay in place"),
    "ms_ssim_ba": ("Structure → sim", "1 - MS-SSIM of brightness, footage to its simulated look"),
    "disc_a": ("Judging, sim", "The discriminator of renders; near 0 it wins, and the generator learns nothing more"),
    "disc_b": ("Judging, real", "The discriminator of footage; near 0 it wins, and the generator learns nothing more"),
    "learning_rate": ("Learning rate", "Adam's step size at each iteration"),
    "spread_ab": ("Spread → real", "How far a translation's values deviate; near 0 it is one plain colour"),
    "validity": ("Validity", "How far the labels of sample translations can be trusted, 0 to 1; high is good"),
}  # fmt: skip
"""Metric -> (its words, what it is). Losses are unweighted, low is good unless it says otherwise."""
HIDDEN = ("seconds",)
_BINS, _SMOOTH_BINS = 800, 300
"""Columns that a curve is thinned out to, each with its least and its largest value; a mean has less to show."""
_FLOOR = 1e-9
"""What a logarithmic scale shows for zero and below."""


def loss_words(name: str) -> str:
    return WORDS[name][0] if name in WORDS else name.replace("_", " ").capitalize()


def loss_tip(name: str) -> str:
    return f"{WORDS[name][1]}  ({name})" if name in WORDS else f"The metric {name} of the run"


def in_theme(colour: str, widget: QWidget) -> QColor:
    """A curve's colour, darker on the light theme's grey."""
    return QColor(colour) if is_dark(widget) else QColor(colour).darker(140)


def swatch(colour: QColor) -> QPixmap:
    """A short stroke of a colour, for legends."""
    mark = QPixmap(32, 5)
    mark.setDevicePixelRatio(2)
    mark.fill(colour)
    return mark


class Curve:
    """One loss of one run on a plot. The mean is kept from call to call.

    A wide, smooth pen along one path of a thousand noisy points takes Qt seconds; the same path as single lines, or
    with a pen of one pixel, takes milliseconds.
    """

    def __init__(self, plot: LossPlot, colour: str) -> None:
        self.colour = colour
        self._plot = plot
        self.raw = plot.plot()
        self.mean = plot.plot(antialias=True)
        self.mean.curve.setSegmentedLineMode("on")
        self._kept: RunningMean | None = None
        self.paint_theme()

    def paint_theme(self) -> None:
        colour, ratio = in_theme(self.colour, self._plot), self._plot.devicePixelRatioF()
        self.mean.setPen(pg.mkPen(colour, width=1.8 * ratio))
        colour.setAlpha(85)
        self.raw.setPen(pg.mkPen(colour, width=1))

    def show_series(self, series: Series | None, share: float, *, log: bool) -> None:
        """Draw a series, thinned out to the plot's width but for its extremes; None hides the curve."""
        shown = series is not None and len(series) > 0
        self.mean.setVisible(shown)
        self.raw.setVisible(shown and share > 0)
        if series is None or not shown:
            return
        if share > 0:
            self._draw(self.raw, series.steps, series.values, bins=_BINS, log=log)
        bins = _SMOOTH_BINS if share > 0 else _BINS
        self._draw(self.mean, series.steps, self._mean(series, share), bins=bins, log=log)

    def _mean(self, series: Series, share: float) -> np.ndarray:
        if self._kept is None or self._kept.series is not series or self._kept.share != share:
            self._kept = RunningMean(series, share)
        return self._kept.values()

    @staticmethod
    def _draw(line: pg.PlotDataItem, steps: np.ndarray, values: np.ndarray, *, bins: int, log: bool) -> None:
        drawn_steps, drawn = decimated(steps, values, bins)
        line.setData(drawn_steps, np.maximum(drawn, _FLOOR) if log else drawn)

    def remove(self) -> None:
        for line in (self.raw, self.mean):
            self._plot.removeItem(line)


class _LogAxis(pg.AxisItem):  # type: ignore[misc]
    """On a logarithmic scale only 1, 2 and 5 of each power of ten are named, so that no two names touch."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        names: list[str] = super().tickStrings(values, scale, spacing)
        return [n if not self.logMode or n.strip("0.")[:1] in "125" else "" for n in names]


class LossPlot(pg.PlotWidget):  # type: ignore[misc]
    """Emits the step under the pointer, None when it leaves. An upright line marks the step whose samples are shown."""

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__(axisItems={"left": _LogAxis("left")})
        self.log = False
        self._hint = label("", "faint")
        self._hint.setParent(self)
        self.setMinimumHeight(140)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getPlotItem().setContentsMargins(0, UNIT, UNIT, 0)
        self._mark, self._pointer = (pg.InfiniteLine(angle=90, movable=False) for _ in range(2))
        self._pointer.hide()
        for line in (self._mark, self._pointer):
            self.addItem(line, ignoreBounds=True)
        self.scene().sigMouseMoved.connect(self._moved)
        self.paint_theme()

    @property
    def hint(self) -> str:
        return self._hint.text()

    @hint.setter
    def hint(self, text: str) -> None:
        """One line in the middle of an empty plot."""
        self._hint.setText(text)
        self._place_hint()

    def mark_step(self, step: int) -> None:
        self._mark.setPos(step)

    def set_log(self, on: bool) -> None:
        self.log = on
        self.setLogMode(y=on)

    def _moved(self, place: QPointF) -> None:
        inside = self.getPlotItem().vb.sceneBoundingRect().contains(place) and not self._hint.text()
        step = self.getPlotItem().vb.mapSceneToView(place).x() if inside else None
        self._pointer.setVisible(inside)
        if step is not None:
            self._pointer.setPos(step)
        self.pointed.emit(step)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer.hide()
        self.pointed.emit(None)

    def mouseDoubleClickEvent(self, event: QEvent) -> None:
        self.getPlotItem().enableAutoRange()

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_hint"):  # the base class resizes while it is being made
            self._place_hint()

    def _place_hint(self) -> None:
        self._hint.adjustSize()
        self._hint.move((self.width() - self._hint.width()) // 2, (self.height() - self._hint.height()) // 2)

    def paint_theme(self) -> None:
        """Take the colours of the theme."""
        colours = tokens_of(self.palette())
        self.setBackground(colours.window)
        self._mark.setPen(pg.mkPen(colours.muted, width=1))
        self._pointer.setPen(pg.mkPen(colours.faint, width=1, style=Qt.PenStyle.DotLine))
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.line))
            axis.setTextPen(pg.mkPen(colours.muted))
            axis.setStyle(tickLength=-4)
        self.showGrid(x=False, y=True, alpha=0.15)


class CurveControls(QWidget):
    """Smoothing and scale."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 99)
        self.smooth.setValue(80)
        self.smooth.setToolTip(
            "How much of the running mean is carried over from step to step. The faint line is every logged step as it"
            " is; at the far left it is all that is shown"
        )
        self.smooth.setAccessibleName("Smoothing")
        self.log = QCheckBox("Log scale")
        self.log.setToolTip("Show values on a logarithmic scale, so that small losses are told apart")
        self.smooth.valueChanged.connect(self.changed)
        self.log.toggled.connect(self.changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, UNIT, 0)
        grid.addWidget(label("Smoothing", "muted"), 0, 0)
        grid.addWidget(self.smooth, 0, 1)
        grid.addWidget(self.log, 1, 0, 1, 2)

    @property
    def share(self) -> float:
        """Of the running mean, from 0 to 0.99."""
        return self.smooth.value() / 100


def value_label() -> QLabel:
    """A figure at the right of a legend's row."""
    made = label("", "muted")
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return made


def value_at(series: Series | None, step: float | None) -> str:
    """A loss at a step, or the last one; "" where there is none."""
    at = -1 if series is None else len(series) - 1 if step is None else series.at(step)
    return "" if series is None or at < 0 else f"{series.values[at]:.3g}"
