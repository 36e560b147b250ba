"""What the two views of losses share: the plot, its controls, the step under the pointer, and rows that read values."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label
from studio.gui.widgets.loss_plot import Curve, CurveControls, LossPlot, in_theme, swatch, value_label

PANEL_WIDTH = 248


class ColourRow(QWidget):
    """A line of the legend: a colour, what it stands for, and the value at the pointer or at the end."""

    def __init__(self, colour: str, words: QWidget, *, margins: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.colour = colour
        self.swatch = QLabel()
        self.value = value_label()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(*margins)
        layout.setSpacing(UNIT)
        layout.addWidget(self.swatch)
        layout.addWidget(words, 1)
        layout.addWidget(self.value)
        self.paint_theme()

    def paint_theme(self) -> None:
        self.swatch.setPixmap(swatch(in_theme(self.colour, self)))


class LossPanel(QWidget):
    """A plot of losses beside its legend; the one who makes it says what is drawn and what the rows read."""

    def __init__(self) -> None:
        super().__init__()
        self._step: float | None = None
        self.plot = LossPlot()
        self.controls = CurveControls()
        self.where = label("last step", "faint")
        self.plot.pointed.connect(self._pointed)
        self.controls.changed.connect(self._changed)

    def draw(self) -> None:
        """Draw the curves, with the smoothing that is set."""
        raise NotImplementedError

    def _show_row_values(self) -> None:
        """Write each row's value at the step under the pointer."""
        raise NotImplementedError

    def _drawn(self) -> Iterable[tuple[ColourRow, Curve]]:
        """Each row with its curve."""
        raise NotImplementedError

    def mark_step(self, step: int) -> None:
        """Draw the upright line at the step whose samples are shown."""
        self.plot.mark_step(step)

    def _changed(self) -> None:
        self.plot.set_log(self.controls.log.isChecked())
        self.draw()

    def _pointed(self, step: float | None) -> None:
        self._step = step
        self._show_values()

    def _show_values(self) -> None:
        self.where.setText("last step" if self._step is None else f"step {max(0, int(self._step)):,}")
        self._show_row_values()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.plot.paint_theme()
            for row, curve in self._drawn():
                row.paint_theme()
                curve.paint_theme()
