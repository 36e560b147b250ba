"""Fields of forms: names at the left, values at the right in one column, units in the field, help in the tooltip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label

FIELD_WIDTH = 108
_LARGEST = 2_147_483_647


class WholeField(QSpinBox):
    """A whole number with its unit. The wheel scrolls the form, not the value, unless the field has the focus."""

    def __init__(self, value: int, low: int, high: int, *, unit: str = "") -> None:
        super().__init__()
        self.setRange(max(-_LARGEST, low), min(_LARGEST, high))
        self.setGroupSeparatorShown(True)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        if unit:
            self.setSuffix(f" {unit}")
        self.setValue(value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class NumberField(QDoubleSpinBox):
    """A number with as many decimals as it needs, from 1e-8 up."""

    def __init__(self, value: float, low: float, high: float, *, unit: str = "", step: float = 0.0) -> None:
        super().__init__()
        self.setDecimals(8)
        self.setRange(low, min(high, 1e9))
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        if step:
            self.setSingleStep(step)
        else:
            self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        if unit:
            self.setSuffix(f" {unit}")
        self.setValue(value)

    def textFromValue(self, value: float) -> str:
        return f"{value:.8f}".rstrip("0").rstrip(".") or "0"

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceField(QComboBox):
    """One of a few values: (value, words)."""

    def __init__(self, choices: Sequence[tuple[str, str]], value: str = "") -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        for data, words in choices:
            self.addItem(words, data)
        self.set_value(value)

    def value(self) -> str:
        return str(self.currentData() or "")

    def set_value(self, value: str) -> None:
        index = self.findData(value)
        if index >= 0:
            self.setCurrentIndex(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Form(QWidget):
    """Rows of a name and a field, aligned over the whole form."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(UNIT - 2)
        self._grid.setColumnStretch(0, 1)
        self._words: dict[QWidget, QWidget] = {}

    def add(self, name: str, field: QWidget, tip: str, *, wide: bool = False) -> None:
        """Add a row; ``tip`` says what the value does to the data. ``wide`` puts the field below its name."""
        words = label(name, "muted")
        words.setToolTip(tip)
        words.setBuddy(field)
        field.setToolTip(tip)
        field.setAccessibleName(name)
        self._words[field] = words
        at = self._grid.rowCount()
        if wide:
            self._grid.addWidget(words, at, 0, 1, 2)
            self._grid.addWidget(field, at + 1, 0, 1, 2)
        else:
            field.setFixedWidth(FIELD_WIDTH)
            self._grid.addWidget(words, at, 0)
            self._grid.addWidget(field, at, 1)

    def show_row(self, field: QWidget, *, shown: bool) -> None:
        """Show or hide a field with its name."""
        self._words[field].setVisible(shown)
        field.setVisible(shown)

    def add_wide(self, widget: QWidget) -> None:
        self._grid.addWidget(widget, self._grid.rowCount(), 0, 1, 2)


def on_change(fields: Sequence[QWidget], act: Callable[[], None]) -> None:
    """Call ``act`` when any of the fields gets another value."""
    for field in fields:
        if isinstance(field, QSpinBox | QDoubleSpinBox):
            field.valueChanged.connect(lambda _value: act())
        elif isinstance(field, QComboBox):
            field.currentIndexChanged.connect(lambda _index: act())
        elif isinstance(field, QLineEdit):
            field.textChanged.connect(lambda _text: act())
