"""The losses of one run, to pick and to read, with a slider to smooth them and a mark at one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from studio.gui.models.metrics import Series
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import holder, label, scrolled
from studio.gui.widgets.loss_panel import PANEL_WIDTH, ColourRow, LossPanel
from studio.gui.widgets.loss_plot import HIDDEN, WORDS, Curve, loss_tip, loss_words, value_at

COLOURS = (
    "#5aa9dd", "#e39a4b", "#6fbf8b", "#d97b93", "#b59be0", "#d6c15a", "#5fc4c0", "#c98a66",
    "#8fa7c9", "#a8bd62", "#d58bd0", "#9c9c9c", "#e0756a", "#7fb0a0", "#a9866f", "#7f8ee0",
)  # fmt: skip
"""Of equal lightness, so that none shouts; each loss keeps its own from run to run, the first are the clearest."""
SHOWN_FIRST = ("validity", "ms_ssim_ab", "image_b", "gan_ab", "disc_b")


def colour_of(name: str, used: Sequence[str]) -> str:
    """A loss's own colour; a metric that is not known gets one that is free."""
    known = [*SHOWN_FIRST, *(n for n in WORDS if n not in SHOWN_FIRST)]
    if name in known:
        return COLOURS[known.index(name) % len(COLOURS)]
    return next((c for c in reversed(COLOURS) if c not in used), COLOURS[-1])


def _rank(name: str) -> int:
    """What is shown first stands first; the others follow as they come."""
    return SHOWN_FIRST.index(name) if name in SHOWN_FIRST else len(SHOWN_FIRST)


class LossRow(ColourRow):
    """One loss: a check box, its colour, its name, and its value at the pointer or at the end."""

    toggled = Signal()

    def __init__(self, name: str, colour: str, shown: bool) -> None:
        self.box = QCheckBox(loss_words(name))
        super().__init__(colour, self.box, margins=(0, 1, 0, 1))
        self.name = name
        self.box.setChecked(shown)
        self.setToolTip(loss_tip(name))
        self.box.toggled.connect(self.toggled)


class Curves(LossPanel):
    """Every step is kept in the series; what is drawn is thinned out to the width of the plot."""

    def __init__(self) -> None:
        super().__init__()
        self._series: Mapping[str, Series] = {}
        self._rows: dict[str, LossRow] = {}
        self._curves: dict[str, Curve] = {}
        self._picked: dict[str, bool] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._build()
        self.plot.hint = "No step is logged yet."

    def _build(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        heading = QHBoxLayout()
        heading.setContentsMargins(0, 0, 2 * UNIT, 0)
        heading.addWidget(label("Losses", "heading"), 1)
        heading.addWidget(self.where)
        side.addLayout(heading)
        side.addWidget(scrolled(holder(self._list)), 1)
        side.addWidget(self.controls)
        self._list.setContentsMargins(0, 0, UNIT, 0)
        panel = QWidget()
        panel.setLayout(side)
        panel.setFixedWidth(PANEL_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(panel)

    def show_series(self, series: Mapping[str, Series], *, reading: bool = False) -> None:
        """Draw these losses; called again as they grow. ``reading``: there are steps that have not been read yet."""
        self._series = series
        for name in series:
            if name not in self._rows and name not in HIDDEN:
                self._add_row(name)
        for name in [n for n in self._rows if n not in series and not reading]:
            row = self._rows.pop(name)
            self._picked[name] = row.box.isChecked()
            row.hide()
            row.deleteLater()
            self._curves.pop(name).remove()
        self.plot.hint = "" if series or reading else "No step is logged yet."
        self.draw()

    def _add_row(self, name: str) -> None:
        colour = colour_of(name, [row.colour for row in self._rows.values()])
        row = LossRow(name, colour, self._picked.get(name, name in SHOWN_FIRST))
        row.toggled.connect(self.draw)
        self._rows[name] = row
        self._list.insertWidget(sum(_rank(n) <= _rank(name) for n in self._rows) - 1, row)
        self._curves[name] = Curve(self.plot, colour)

    def draw(self) -> None:
        """Draw what is picked, with the smoothing that is set."""
        for name, row in self._rows.items():
            picked = self._series.get(name) if row.box.isChecked() else None
            self._curves[name].show_series(picked, self.controls.share, log=self.plot.log)
        self._show_values()

    def _show_row_values(self) -> None:
        for name, row in self._rows.items():
            row.value.setText(value_at(self._series.get(name), self._step))

    def _drawn(self) -> Iterable[tuple[ColourRow, Curve]]:
        return ((row, self._curves[name]) for name, row in self._rows.items())
