"""One loss of several runs over one another: a colour a run, the loss picked from a box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.gui.models.metrics import Series
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, label
from studio.gui.widgets.fields import ChoiceField
from studio.gui.widgets.loss_panel import PANEL_WIDTH, ColourRow, LossPanel
from studio.gui.widgets.loss_plot import HIDDEN, WORDS, Curve, loss_tip, loss_words, value_at
from studio.gui.widgets.run_list import RUN_COLOURS

_FIRST = "ms_ssim_ab"
_LEAST_WIDTH = 168
_WORDS_RUNS, _WORDS_WIDTH = 2, 600
"""Up to so many runs, and from this width on, there is room for a sentence on the loss."""


@dataclass(frozen=True)
class RunSeries:
    """The losses of one run."""

    name: str
    series: Mapping[str, Series]


class RunCurves(LossPanel):
    """Shows up to four runs; the loss that is picked stays when runs come and go."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[RunSeries, ...] = ()
        self._curves: list[Curve] = []
        self._legend: list[ColourRow] = []
        self.losses = ChoiceField(())
        self.losses.setAccessibleName("Loss that is compared")
        self.losses.setMaxVisibleItems(20)
        self.about = label("", "small", wrap=True)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self._build()
        self.losses.currentIndexChanged.connect(self.draw)

    def _build(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        heading = QHBoxLayout()
        heading.setContentsMargins(0, UNIT // 2, UNIT, 0)
        heading.addWidget(label("Runs", "heading"), 1)
        heading.addWidget(self.where)
        side.addWidget(self.losses)
        side.addWidget(self.about)
        side.addLayout(heading)
        side.addLayout(self._rows)
        side.addStretch(1)
        side.addWidget(self.controls)
        panel = QWidget()
        panel.setLayout(side)
        panel.setMinimumWidth(_LEAST_WIDTH)
        panel.setMaximumWidth(PANEL_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 2)
        layout.addWidget(panel, 1)

    @property
    def loss(self) -> str:
        """The loss that is compared, "" while no run has any."""
        return str(self.losses.currentData() or "")

    def show_runs(self, runs: Sequence[RunSeries], *, reading: bool = False) -> None:
        """Draw these runs; called again as they grow. ``reading``: there are steps that have not been read yet."""
        if [r.name for r in runs] != [r.name for r in self._runs]:
            self._make_rows([r.name for r in runs])
        self._runs = tuple(runs)
        self._list_losses()
        self.draw()
        self.plot.hint = "" if self.loss or reading else "None of these runs has logged a step yet."

    def _make_rows(self, names: Sequence[str]) -> None:
        for curve in self._curves:
            curve.remove()
        for row in self._legend:
            row.hide()
            row.deleteLater()
        places = list(zip(names, RUN_COLOURS, strict=False))
        self._curves = [Curve(self.plot, colour) for _, colour in places]
        self._legend = [_legend_row(*place) for place in places]
        for row in self._legend:
            self._rows.addWidget(row)

    def _list_losses(self) -> None:
        found = {name for run in self._runs for name in run.series} - set(HIDDEN)
        names = [*(n for n in WORDS if n in found), *sorted(found - set(WORDS))]
        if names == [self.losses.itemData(i) for i in range(self.losses.count())]:
            return
        before = self.loss or _FIRST
        self.losses.blockSignals(True)
        self.losses.clear()
        for name in names:
            self.losses.addItem(loss_words(name), name)
            self.losses.setItemData(self.losses.count() - 1, loss_tip(name), Qt.ItemDataRole.ToolTipRole)
        self.losses.setCurrentIndex(max(0, self.losses.findData(before)))
        self.losses.blockSignals(False)

    def draw(self) -> None:
        """Draw the picked loss of every run, with the smoothing that is set."""
        loss = self.loss
        self.losses.setToolTip(f"The loss that is compared. {loss_tip(loss)}" if loss else "")
        self.about.setText(WORDS[loss][1] if loss in WORDS else "")
        self._fit_words()
        for run, curve in zip(self._runs, self._curves, strict=False):
            curve.show_series(run.series.get(loss), self.controls.share, log=self.plot.log)
        self._show_values()

    def _fit_words(self) -> None:
        self.about.setVisible(len(self._runs) <= _WORDS_RUNS and self.width() >= _WORDS_WIDTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_words()

    def _show_row_values(self) -> None:
        for run, row in zip(self._runs, self._legend, strict=False):
            row.value.setText(value_at(run.series.get(self.loss), self._step) or "–")

    def _drawn(self) -> Iterable[tuple[ColourRow, Curve]]:
        return zip(self._legend, self._curves, strict=True)


def _legend_row(name: str, colour: str) -> ColourRow:
    """A run's colour, its name, and the loss at the pointer or at the end."""
    words = ElidedLabel(name, mode=Qt.TextElideMode.ElideMiddle)
    return ColourRow(colour, words, margins=(0, 2, UNIT, 2))
