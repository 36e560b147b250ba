"""Curves of losses over the steps, with the losses to pick, a slider to smooth them, and a mark at one step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from studio.gui.models.metrics import RunningMean, Series, decimated
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import holder, label, scrolled

COLOURS = (
    "#5aa9dd", "#e39a4b", "#6fbf8b", "#d97b93", "#b59be0", "#d6c15a", "#5fc4c0", "#c98a66",
    "#8fa7c9", "#a8bd62", "#d58bd0", "#9c9c9c", "#e0756a", "#7fb0a0",
)  # fmt: skip
"""Of equal lightness, so that none shouts; used in the order in which losses appear."""
WORDS = {
    "image_a": "Image, sim", "image_b": "Image, real", "content_a": "Content, sim", "content_b": "Content, real",
    "style_a": "Style, sim", "style_b": "Style, real", "cycle_a": "Cycle, sim", "cycle_b": "Cycle, real",
    "gan_ab": "Fooling → real", "gan_ba": "Fooling → sim", "ms_ssim_ab": "Structure → real",
    "ms_ssim_ba": "Structure → sim",
    "disc_a": "Judging, sim", "disc_b": "Judging, real",
}  # fmt: skip
SHOWN_FIRST = ("image_b", "gan_ab", "ms_ssim_ab", "disc_b")
_HIDDEN = ("seconds",)
_BINS = 1200


class LossRow(QWidget):
    """One loss: a check box in its colour, its name, and its last value."""

    toggled = Signal()

    def __init__(self, name: str, colour: str, shown: bool) -> None:
        super().__init__()
        self.name, self.colour = name, colour
        self.box = QCheckBox(WORDS.get(name, name.replace("_", " ")))
        self.box.setChecked(shown)
        self.box.setToolTip(f"Show the curve of {name}")
        self.box.toggled.connect(self.toggled)
        swatch = QLabel()
        mark = QPixmap(10, 3)
        mark.fill(QColor(colour))
        swatch.setPixmap(mark)
        self.value = label("", "muted")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 1, 0, 1)
        layout.setSpacing(UNIT)
        layout.addWidget(swatch)
        layout.addWidget(self.box, 1)
        layout.addWidget(self.value)


class _LogAxis(pg.AxisItem):  # type: ignore[misc]
    """On a logarithmic scale only 1, 2 and 5 of each power of ten are named, so that no two names touch."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        names: list[str] = super().tickStrings(values, scale, spacing)
        return [n if not self.logMode or n.strip("0.")[:1] in "125" else "" for n in names]


class Curves(QWidget):
    """Every step is kept in the series; what is drawn is thinned out to the width of the plot."""

    def __init__(self) -> None:
        super().__init__()
        self._series: Mapping[str, Series] = {}
        self._rows: dict[str, LossRow] = {}
        self._means: dict[str, RunningMean] = {}
        self._lines: dict[str, pg.PlotDataItem] = {}
        self.plot = pg.PlotWidget(axisItems={"left": _LogAxis("left")})
        self.plot.setMinimumHeight(140)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getPlotItem().setContentsMargins(0, UNIT, UNIT, 0)
        self._mark = pg.InfiniteLine(angle=90, movable=False)
        self.plot.addItem(self._mark, ignoreBounds=True)
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 99)
        self.smooth.setValue(80)
        self.smooth.setToolTip("How much of the curve is carried over from step to step; the data stay as they are")
        self.smooth.setAccessibleName("Smoothing")
        self.smooth.valueChanged.connect(self.draw)
        self.log = QCheckBox("Log scale")
        self.log.setToolTip("Show values on a logarithmic scale")
        self.log.toggled.connect(self._set_log)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._build()
        self._paint_theme()

    def _build(self) -> None:
        controls = QGridLayout()
        controls.setContentsMargins(0, 0, UNIT, 0)
        controls.addWidget(label("Smoothing", "muted"), 0, 0)
        controls.addWidget(self.smooth, 0, 1)
        controls.addWidget(self.log, 1, 0, 1, 2)
        side = QVBoxLayout()
        side.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        inner = holder(self._list)
        self._list.setContentsMargins(0, 0, UNIT, 0)
        side.addWidget(scrolled(inner), 1)
        side.addLayout(controls)
        panel = QWidget()
        panel.setLayout(side)
        panel.setFixedWidth(248)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(panel)

    def show_series(self, series: Mapping[str, Series]) -> None:
        """Draw these losses; called again as they grow."""
        self._series = series
        for name in series:
            if name not in self._rows and name not in _HIDDEN:
                self._add_row(name)
        for name in [n for n in self._rows if n not in series]:
            row = self._rows.pop(name)
            row.hide()
            row.deleteLater()
            self.plot.removeItem(self._lines.pop(name))
        self.draw()

    def _add_row(self, name: str) -> None:
        used = {row.colour for row in self._rows.values()}
        colour = next((c for c in COLOURS if c not in used), COLOURS[-1])
        row = LossRow(name, colour, name in SHOWN_FIRST)
        row.toggled.connect(self.draw)
        self._rows[name] = row
        self._list.insertWidget(self._list.count() - 1, row)
        self._lines[name] = self.plot.plot(pen=pg.mkPen(colour, width=1.6), antialias=True)

    def draw(self) -> None:
        """Draw what is picked, with the smoothing that is set."""
        share = self.smooth.value() / 100
        for name, row in self._rows.items():
            series = self._series[name]
            row.value.setText(f"{series.values[-1]:.3g}" if len(series) else "")
            line = self._lines[name]
            line.setVisible(row.box.isChecked())
            if row.box.isChecked() and len(series):
                steps, values = decimated(series.steps, self._mean(name, series, share), _BINS)
                line.setData(steps, np.maximum(values, 1e-9) if self.log.isChecked() else values)

    def _mean(self, name: str, series: Series, share: float) -> np.ndarray:
        kept = self._means.get(name)
        if kept is None or kept.series is not series or kept.share != share:
            kept = self._means[name] = RunningMean(series, share)
        return kept.values()

    def mark_step(self, step: int) -> None:
        """Draw the upright line at the step whose samples are shown."""
        self._mark.setPos(step)

    def _set_log(self, on: bool) -> None:
        self.plot.setLogMode(y=on)
        self.draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._paint_theme()

    def _paint_theme(self) -> None:
        colours = tokens_of(self.palette())
        self.plot.setBackground(colours.window)
        self._mark.setPen(pg.mkPen(colours.faint, width=1))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(colours.line))
            axis.setTextPen(pg.mkPen(colours.muted))
            axis.setStyle(tickLength=-4)
        self.plot.showGrid(x=False, y=True, alpha=0.15)
