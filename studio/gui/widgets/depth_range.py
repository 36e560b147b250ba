"""Which depths the colours of a depth map span: between two percentiles of each frame, or two depths for all."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QDoubleSpinBox, QGridLayout, QRadioButton, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.layer_ink import DEPTH_PERCENTILES

_MOST_MM = 10_000.0


class DepthRange(QWidget):
    """``changed`` when another range is wanted."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._offered = False
        self.by_percentile, self.in_mm = QRadioButton("Percentiles"), QRadioButton("By hand")
        self.by_percentile.setChecked(True)
        self.by_percentile.setToolTip("Each frame's own range: what lies nearer or farther has the ends' colours")
        self.in_mm.setToolTip("The same depths for every frame, so that colours can be compared")
        group = QButtonGroup(self)
        self.low, self.high = _spin(0, 50, DEPTH_PERCENTILES[0], " %"), _spin(50, 100, DEPTH_PERCENTILES[1], " %")
        self.near, self.far = _spin(0, _MOST_MM, 20, " mm"), _spin(0, _MOST_MM, 200, " mm")
        grid = QGridLayout()
        grid.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        grid.setSpacing(UNIT)
        rows = ((self.by_percentile, self.low, self.high), (self.in_mm, self.near, self.far))
        for row, (choice, first, second) in enumerate(rows):
            group.addButton(choice)
            choice.toggled.connect(lambda _on: self._show())
            for column, widget in enumerate((choice, first, second)):
                grid.addWidget(widget, row, column)
            for spin, said in ((first, "Near end"), (second, "Far end")):
                spin.setAccessibleName(f"{said}, {choice.text().lower()}")
                spin.setToolTip(f"{said} of the colours")
                spin.valueChanged.connect(lambda _v: self.changed.emit())
        self.setLayout(grid)
        self._show()

    @property
    def percentiles(self) -> tuple[float, float]:
        return self.low.value(), self.high.value()

    @property
    def by_hand(self) -> tuple[float, float] | None:
        """mm from near to far, or None when percentiles are chosen."""
        if not self.in_mm.isChecked():
            return None
        near, far = sorted((self.near.value(), self.far.value()))
        return near, max(far, near + 0.1)

    def offer(self, range_mm: tuple[float, float] | None) -> None:
        """The first picture with depth proposes its own range."""
        if range_mm is None or self._offered:
            return
        self._offered = True
        for spin, value in zip((self.near, self.far), range_mm, strict=True):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)

    def _show(self) -> None:
        for spin in (self.low, self.high):
            spin.setEnabled(self.by_percentile.isChecked())
        for spin in (self.near, self.far):
            spin.setEnabled(self.in_mm.isChecked())
        self.changed.emit()


def _spin(low: float, high: float, value: float, unit: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(1)
    spin.setValue(value)
    spin.setSuffix(unit)
    return spin
