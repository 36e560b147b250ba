"""The form of a new run: a preset, what matters most, and everything else by groups, beside the paper's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, InspectorArea, Section, inspector, label, set_role
from studio.gui.widgets.fields import ChoiceField, NumberField, WholeField, on_change
from studio.translator.settings import PRESETS, FieldHelp, TrainSettings, field_help, preset
from studio.vocabulary.errors import InputError

_PRESET_WORDS = {
    "demo": "Minutes on two CPU cores, for trying things out.",
    "fast": "Half the paper's width and crop; a night on a GPU.",
    "paper": "As published; days on a GPU.",
}
_MAIN = ("iterations", "crop_width", "crop_height", "weight_ms_ssim_ab", "weight_ms_ssim_ba", "learning_rate",
         "sample_every", "seed")  # fmt: skip
_NAMES = {
    "dim": "Channels", "res_blocks": "Residual blocks", "mlp_dim": "Style network", "disc_dim": "Judge's channels",
    "disc_layers": "Judge's layers", "disc_scales": "Judge's scales", "load_width": "Load width",
    "resize_low": "Enlarge, least", "resize_high": "Enlarge, most", "cache_mb": "Picture cache", "beta1": "Adam β₁",
    "beta2": "Adam β₂", "ema": "Weight averaging", "weight_image": "Image", "weight_content": "Content",
    "weight_style": "Style", "weight_cycle": "Cycle", "weight_gan": "Adversarial",
    "weight_ms_ssim_ab": "Keep structure →", "weight_ms_ssim_ba": "Keep structure ←",
    "encoded_style_share": "Footage's style", "reencode_noise": "Re-encode noise", "keep_checkpoints": "Keep last",
    "checkpoint_every": "Checkpoint every", "sample_every": "Samples every", "log_every": "Log every",
}  # fmt: skip
_GROUPS = {"network": "Network", "data": "Data", "schedule": "Schedule", "losses": "Loss weights", "run": "Run"}
_UNITS = {"iterations": "it", "degrees": "°"}
Field = ChoiceField | NumberField | WholeField


class TrainForm(QWidget):
    """``changed`` comes with every edit; ``problem`` is what is wrong with the values, or ""."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._helps = {h.name: h for h in field_help()}
        self._fields: dict[str, Field] = {n: _field(h) for n, h in self._helps.items()}
        self._papers: dict[str, ElidedLabel] = {}
        self._presets = QButtonGroup(self)
        self.name = QLineEdit()
        self.name.setPlaceholderText("name of the run")
        self.name.setAccessibleName("Name of the run")
        self.words = label("", "small", wrap=True)
        self.problem_label = label("", "danger", wrap=True)
        self.more = QPushButton("All settings")
        self.more.setCheckable(True)
        self.more.setToolTip("Show every setting; the paper's value stands out where yours differs")
        self.preset = "demo"
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
            button.setToolTip(_PRESET_WORDS[name])
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
        """Rows of name, field, and the paper's value in grey."""
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT - 2)
        grid.setColumnStretch(0, 1)
        heading = label("paper", "faint")
        heading.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(heading, 0, 2)
        for row, name in enumerate(names, start=1):
            about = self._helps[name]
            words = label(_NAMES.get(name, name.replace("_", " ").capitalize()), "muted")
            tip = f"{about.meaning[:1].upper()}{about.meaning[1:]}  ({name})"
            paper = ElidedLabel(_paper_words(about), "faint")
            self._papers[name] = paper
            paper.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for widget_ in (words, self._fields[name], paper):
                widget_.setToolTip(tip)
            self._fields[name].setFixedWidth(104)
            self._fields[name].setAccessibleName(name)
            paper.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
            paper.setFixedWidth(60)
            grid.addWidget(words, row, 0)
            grid.addWidget(self._fields[name], row, 1)
            grid.addWidget(paper, row, 2)
        return widget

    def choose_preset(self, name: str) -> None:
        """Take a preset's values into all fields."""
        self.preset = name
        self.words.setText(_PRESET_WORDS[name])
        for button in self._presets.buttons():
            button.setChecked(button.text() == name.capitalize())
        values = preset(name)
        for field_name, field in self._fields.items():
            _set(field, getattr(values, field_name))
        self._edited()

    def settings(self) -> TrainSettings:
        """Raise InputError when the values don't go together."""
        return preset(self.preset).with_values(**self._values())

    def overrides(self) -> Mapping[str, Any]:
        """What differs from the preset."""
        base = preset(self.preset)
        return {n: v for n, v in self._values().items() if v != getattr(base, n)}

    @property
    def problem(self) -> str:
        return self.problem_label.text()

    def _values(self) -> dict[str, Any]:
        return {name: field.value() for name, field in self._fields.items()}

    def _edited(self) -> None:
        problem = ""
        try:
            self.settings()
        except InputError as error:
            problem = f"{error.what[:1].upper()}{error.what[1:]}. {error.remedy}".strip()
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        for name, about in self._helps.items():
            set_role(self._papers[name], "strong" if self._fields[name].value() != about.paper else "faint")
        self.changed.emit()


def _paper_words(about: FieldHelp) -> str:
    if isinstance(about.paper, str):
        return about.paper
    return f"{about.paper:,}" if about.whole else f"{about.paper:g}"


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
