"""The form of a new run: a preset or another run's settings, what matters most, and everything else by groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from studio.gui.pages.train_words import PRESET_WORDS, SETTING_WORDS, setting_tips
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, InspectorArea, Section, inspector, label, set_role
from studio.gui.widgets.fields import ChoiceField, NumberField, WholeField, on_change
from studio.project.run_table import checked_name
from studio.translator.settings import PRESETS, FieldHelp, TrainSettings, field_help, preset
from studio.vocabulary.errors import InputError

_MAIN = ("iterations", "crop_width", "crop_height", "weight_ms_ssim_ab", "weight_ms_ssim_ba", "learning_rate",
         "sample_every", "seed")  # fmt: skip
_GROUPS = {"network": "Network", "data": "Data", "schedule": "Schedule", "losses": "Loss weights", "run": "Run"}
_UNITS = {"iterations": "it", "degrees": "°"}
Field = ChoiceField | NumberField | WholeField


class TrainForm(QWidget):
    """``changed`` comes with every edit; ``problem`` is what is wrong with the values, or "".

    Beside each field stands the paper's value, or that of ``original``, the run whose settings were taken, if any. What
    differs from it is bold.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._helps = {h.name: h for h in field_help()}
        self._tips = setting_tips()
        self._fields: dict[str, Field] = {n: _field(h) for n, h in self._helps.items()}
        self._names: dict[str, QLabel] = {}
        self._beside: dict[str, ElidedLabel] = {}
        self._headings: list[QLabel] = []
        self._presets = QButtonGroup(self)
        self.name = QLineEdit()
        self.name.setPlaceholderText("name of the run")
        self.name.setAccessibleName("Name of the run")
        self.words = label("", "small", wrap=True)
        self.problem_label = label("", "danger", wrap=True)
        self.more = QPushButton("All settings")
        self.more.setCheckable(True)
        self.more.setToolTip("Show every setting of a run, by groups")
        self.preset = "demo"
        self.original = ""
        self._base = preset("demo")
        self.area = self._build()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.area)
        on_change([*self._fields.values(), self.name], self._edited)
        self.choose_preset("demo")

    def _build(self) -> InspectorArea:
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        for name in reversed(PRESETS):
            button = QPushButton(name.capitalize())
            button.setCheckable(True)
            button.setChecked(name == self.preset)
            button.setToolTip(PRESET_WORDS[name])
            button.clicked.connect(lambda _checked=False, chosen=name: self.choose_preset(chosen))
            self._presets.addButton(button)
            buttons.addWidget(button)
        chooser = QWidget()
        buttons.setContentsMargins(0, 0, 0, 0)
        chooser.setLayout(buttons)
        main = Section("New run", self.name, chooser, self.words, self._grid(_MAIN), self.problem_label, self.more)
        groups = [
            Section(title, self._grid([h.name for h in self._helps.values() if h.group == g and h.name not in _MAIN]))
            for g, title in _GROUPS.items()
        ]
        for group in groups:
            group.hide()
            self.more.toggled.connect(group.setVisible)
        return inspector(main, *groups)

    def _grid(self, names: Any) -> QWidget:
        """Rows of name, field, and the value it is measured against."""
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT - 2)
        grid.setColumnStretch(0, 1)
        heading = label("paper", "faint")
        heading.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._headings.append(heading)
        grid.addWidget(heading, 0, 2)
        for row, name in enumerate(names, start=1):
            self._names[name] = label(SETTING_WORDS[name], "muted")
            self._names[name].setBuddy(self._fields[name])
            beside = self._beside[name] = ElidedLabel("", "faint")
            beside.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            beside.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
            beside.setFixedWidth(60)
            self._fields[name].setFixedWidth(104)
            self._fields[name].setAccessibleName(SETTING_WORDS[name])
            for column, item in enumerate((self._names[name], self._fields[name], beside)):
                item.setToolTip(self._tips[name])
                grid.addWidget(item, row, column)
        return widget

    def choose_preset(self, name: str) -> None:
        """Take a preset's values into all fields."""
        self.preset, self.original = name, ""
        self._take(preset(name))

    def take_run(self, name: str, settings: TrainSettings) -> None:
        """Take a run's settings into all fields, to be changed for a new run."""
        self.original = name
        self._take(settings)

    def original_moved(self, before: str, after: str) -> None:
        """The run whose settings were taken goes by another name; "" = it is gone, what was taken stays."""
        if before and self.original == before:
            self.original = after
            self._base = self._base if after else preset(self.preset)
            self._show_base()
            self._edited()

    def _take(self, settings: TrainSettings) -> None:
        self._base = settings
        for name, field in self._fields.items():
            _set(field, getattr(settings, name))
        self._show_base()
        self._edited()

    def _show_base(self) -> None:
        self._presets.setExclusive(False)  # else one of them stays pressed
        for button in self._presets.buttons():
            button.setChecked(not self.original and button.text() == self.preset.capitalize())
        self._presets.setExclusive(True)
        for heading in self._headings:
            heading.setText("original" if self.original else "paper")
            heading.setToolTip(self.original)
        for name in self._helps:
            self._beside[name].setText(_words(self._reference(name)))
            self._beside[name].setToolTip(self._tips[name])

    def _reference(self, name: str) -> object:
        """The value that a field is measured against."""
        return getattr(self._base, name) if self.original else self._helps[name].paper

    def take_up_typing(self) -> None:
        """Make a value of what is being typed, when a key starts the run from within a field."""
        for field in self._fields.values():
            if isinstance(field, QAbstractSpinBox):
                field.interpretText()

    def settings(self) -> TrainSettings:
        """Raise InputError when the values don't go together."""
        return self._base.with_values(**self._values())

    def overrides(self) -> Mapping[str, Any]:
        """What differs from the preset, or from the original."""
        return {n: v for n, v in self._values().items() if v != getattr(self._base, n)}

    @property
    def problem(self) -> str:
        return self.problem_label.text()

    def _values(self) -> dict[str, Any]:
        return {name: field.value() for name, field in self._fields.items()}

    def _edited(self) -> None:
        problem = ""
        try:
            self.settings()
            if self.name.text().strip():
                checked_name(self.name.text().strip(), what="run")
        except InputError as error:
            problem = f"{error.what[:1].upper()}{error.what[1:]}. {error.remedy}".strip()
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        for name, field in self._fields.items():
            differs = field.value() != self._reference(name)
            set_role(self._beside[name], "strong" if differs else "faint")
            set_role(self._names[name], "strong" if differs and self.original else "muted")
        self.words.setText(self._about_base())
        self.changed.emit()

    def _about_base(self) -> str:
        if not self.original:
            return PRESET_WORDS[self.preset]
        changed = [SETTING_WORDS[name] for name in self.overrides()]
        said = f"differs in {', '.join(changed)}" if changed else "nothing is changed yet"
        return f"As “{self.original}” was trained; {said}."


def _words(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _field(about: FieldHelp) -> Field:
    unit = _UNITS.get(about.unit, about.unit)
    if about.choices:
        return ChoiceField([(c, c) for c in about.choices], str(about.paper))
    paper = float(about.paper)
    if about.whole:
        return WholeField(int(paper), int(about.low), int(min(about.high, 2**31 - 1)), unit=unit)
    return NumberField(paper, about.low, about.high, unit=unit)


def _set(field: Field, value: Any) -> None:
    field.blockSignals(True)
    if isinstance(field, ChoiceField):
        field.set_value(str(value))
    elif isinstance(field, WholeField):
        field.setValue(int(value))
    else:
        field.setValue(float(value))
    field.blockSignals(False)
