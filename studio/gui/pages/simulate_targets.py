"""Targets for class frequencies in the simulator's form: classes with their shares of the pixels, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QToolButton, QVBoxLayout, QWidget

from studio.gui.icons import icon
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label, row
from studio.gui.widgets.fields import ChoiceField, NumberField
from studio.vocabulary.labels import STUDIO_CLASSES

_FIRST_PERCENT = 10.0
_NAMES = tuple(c.name for c in STUDIO_CLASSES if c.name != "void")


class TargetsField(QWidget):
    """Rows of class and percentage. ``changed`` comes with every edit."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[QWidget, ChoiceField, NumberField]] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(UNIT // 2)
        self.add_button = QPushButton("Add a class target")
        self.add_button.setProperty("role", "quiet")
        self.add_button.setToolTip(
            "Choose views so that a class has this mean share of the pixels of a patient's frames"
        )
        self.add_button.clicked.connect(lambda: self.add())
        self.problem = label("", "warning", wrap=True)
        self.outcome = label("", "small", wrap=True)
        for widget in (self.add_button, self.problem, self.outcome):
            self._layout.addWidget(widget)
        self._show_state()

    def targets(self) -> tuple[tuple[str, float], ...]:
        """(class name, share 0..1) in the order of the rows."""
        return tuple((choice.value(), round(field.value() / 100, 6)) for _, choice, field in self._rows)

    def set_targets(self, targets: tuple[tuple[str, float], ...]) -> None:
        """Replace all rows."""
        for holder, *_ in self._rows:
            holder.deleteLater()
        self._rows = []
        for name, share in targets:
            self._add_row(name, 100 * share)
        self._changed()

    def add(self) -> None:
        """One more row, of the first class that has none."""
        used = {name for name, _ in self.targets()}
        name = next((n for n in ("gallbladder", "tool tip", *_NAMES) if n not in used), "")
        if name:
            choice = self._add_row(name, _FIRST_PERCENT)
            self._changed()
            choice.setFocus()

    def _add_row(self, name: str, percent: float) -> ChoiceField:
        choice = ChoiceField([(n, n) for n in _NAMES], name)
        choice.setAccessibleName("Class")
        choice.setToolTip("The class whose share of the pixels is steered")
        field = NumberField(percent, 0.0, 100.0, unit="%", step=1.0)
        field.setFixedWidth(76)
        field.setAccessibleName("Share of the pixels")
        field.setToolTip("Its mean share of the pixels, over the frames of each patient")
        remove = QToolButton()
        remove.setIcon(icon("close"))
        remove.setToolTip("Take this target away: views are then chosen without regard to the class")
        remove.setAccessibleName("Remove target")
        holder = QWidget()
        inner = row(choice, field, remove, spacing=UNIT // 2)
        inner.setStretch(0, 1)
        holder.setLayout(inner)
        entry = (holder, choice, field)
        remove.clicked.connect(lambda: self._remove(entry))
        choice.currentIndexChanged.connect(lambda _index: self._changed())
        field.valueChanged.connect(lambda _value: self._changed())
        self._layout.insertWidget(len(self._rows), holder)
        self._rows.append(entry)
        return choice

    def _remove(self, entry: tuple[QWidget, ChoiceField, NumberField]) -> None:
        self._rows.remove(entry)
        entry[0].deleteLater()
        self._changed()

    def _changed(self) -> None:
        self._show_state()
        self.changed.emit()

    def _show_state(self) -> None:
        words = wrong_targets(self.targets())
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
        self.outcome.setVisible(bool(self.outcome.text()))
        self.add_button.setEnabled(len(self._rows) < len(_NAMES))

    def show_outcome(self, outcome: Mapping[str, Mapping[str, Any]]) -> None:
        """What the last set reached: a job's ``targets`` (see shares.reached)."""
        rows = (
            f"{name} {100 * r['reached']:.1f} % of {100 * r['asked']:g} %, ± {100 * r['standard_error']:.1f}"
            for name, r in outcome.items()
        )
        self.outcome.setText("Reached last: " + "; ".join(rows))
        self._show_state()


def wrong_targets(targets: tuple[tuple[str, float], ...]) -> str:
    """Why these targets can't be simulated; "" when they can."""
    names = [name for name, _ in targets]
    twice = next((n for n in names if names.count(n) > 1), "")
    if twice:
        return f"{twice} has two targets; give each class one."
    if sum(share for _, share in targets) > 1 + 1e-9:
        return "The shares add up to more than 100 %."
    return ""
