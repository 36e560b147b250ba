"""Sliders along the axes of the style code, the widest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label

REACH = 3.0
"""Standard deviations to either side; further out lie few styles of any footage."""
_STEPS = 100
_ROWS = 8


class AxisSliders(QWidget):
    """Up to eight coordinates, in standard deviations. ``moved``: a person has moved one.

    ``moved_to`` holds only what was moved, so that a coordinate beyond the sliders' reach stays where it is.
    """

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.moved_to: dict[int, float] = {}
        self.place: object = None
        """What the sliders stand at."""
        self.sliders: list[QSlider] = []
        self._names, self._values = [], []
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        for axis in range(_ROWS):
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setRange(-round(REACH * _STEPS), round(REACH * _STEPS))
            slider.setAccessibleName(f"Axis {axis + 1}")
            slider.setToolTip(
                "Moves the style in hand along this axis, in standard deviations of the footage's styles; the grid's "
                "last column follows, and Add keeps it"
            )
            slider.valueChanged.connect(lambda value, a=axis: self._moved(a, value))
            name, value = label("", "small"), label("", "small")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setMinimumWidth(4 * UNIT)
            for column, widget in enumerate((name, slider, value)):
                grid.addWidget(widget, axis, column)
            self.sliders.append(slider)
            self._names.append(name)
            self._values.append(value)
        grid.setColumnStretch(1, 1)
        self.setLayout(grid)
        self.show_axes((), ())

    def show_axes(self, coordinates: Sequence[float], shares: Sequence[float]) -> None:
        """Stand at a style: its coordinates, and each axis' share of the footage's variance, 0 to 1 (may be empty)."""
        self.moved_to = {}
        for axis, slider in enumerate(self.sliders):
            known = axis < len(coordinates)
            slider.blockSignals(True)
            slider.setValue(round(_STEPS * coordinates[axis]) if known else 0)
            slider.blockSignals(False)
            for widget in (slider, self._names[axis], self._values[axis]):
                widget.setVisible(known)
            if known:
                share = f"  {100 * shares[axis]:.0f} %" if axis < len(shares) else ""
                self._names[axis].setText(f"{axis + 1}{share}")
                self._values[axis].setText(_said(coordinates[axis]))

    def _moved(self, axis: int, value: int) -> None:
        self.moved_to[axis] = value / _STEPS
        self._values[axis].setText(_said(value / _STEPS))
        self.moved.emit()


def _said(deviations: float) -> str:
    return f"{round(deviations, 1) + 0.0:+.1f}"  # a rounded -0.0 becomes 0.0
