"""The inspector of the Evaluate page: train a segmenter, choose what is compared, and on which labelled frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, holder, label, row
from studio.project.records import RunRecord
from studio.segmenter.settings import preset

_DATA = (("Translations", "translated", "On what is not rejected on the page Curate"),
         ("Simulated frames", "simulated", "On the renders as they are: what the translations have to beat"),
         ("Labelled real frames", "real", "On the labelled set named below; evaluate it on another one"))  # fmt: skip
_LOOKS = (("As they are", "none", "Nothing is done to the look of the pictures"),
          ("Strong colour changes", "colour", "Brightness, hue and contrast are varied at random"),
          ("Footage's colours", "reinhard", "Each gets a footage frame's colour statistics (Reinhard)"))  # fmt: skip


class TrainPanel(QWidget):
    """A new segmenter: what it learns from, how pictures are changed, where it starts."""

    def __init__(self, button: QWidget) -> None:
        super().__init__()
        self.data = _choices(_DATA, "What the segmenter learns from")
        self.looks = _choices(_LOOKS, "What is done to the look of its pictures")
        self.start = QComboBox()
        self.start.setToolTip("Start from another segmenter's weights, as in fine-tuning")
        self.steps = QSpinBox()
        self.steps.setRange(1, 1_000_000)
        self.steps.setSingleStep(100)
        self.steps.setValue(preset("demo").steps)
        self.steps.setToolTip("Training steps; segmenters that are compared should have had the same number")
        self.name = QLineEdit()
        self.name.setPlaceholderText("chosen by itself")
        self.name.setMaxLength(60)
        self.name.setToolTip("The name it bears in the report")
        form = QFormLayout()
        form.setVerticalSpacing(UNIT)
        for title, field in (("Learn from", self.data), ("Look", self.looks), ("Start from", self.start),
                             ("Steps", self.steps), ("Name", self.name)):  # fmt: skip
            field.setAccessibleName(title)
            form.addRow(title, field)
        layout = column(label("Train a segmenter", "heading"), holder(form), button)
        self.setLayout(layout)

    def set_runs(self, names: Sequence[str]) -> None:
        """Segmenters to start from."""
        if [self.start.itemText(i) for i in range(1, self.start.count())] == list(names) and self.start.count():
            return
        kept = self.start.currentText()
        self.start.clear()
        self.start.addItem("Random weights", "")
        for name in names:
            self.start.addItem(name, name)
        self.start.setCurrentIndex(max(0, self.start.findText(kept)))

    def argv(self, project: Path, labelled: str) -> list[str]:
        """The command line that trains it, but for its name."""
        argv = ["segmenter", "train", str(project), "--data", self.data.currentData()]
        argv += ["--appearance", self.looks.currentData(), "--set", f"steps={self.steps.value()}"]
        if self.start.currentData():
            argv += ["--init", self.start.currentData()]
        if self.data.currentData() == "real":
            argv += ["--labelled", labelled]
        return argv


class ComparePanel(QWidget):
    """Which segmenters, on which labelled frames. ``changed`` after any edit."""

    changed = Signal()

    def __init__(self, button: QWidget) -> None:
        super().__init__()
        self._boxes: dict[str, QCheckBox] = {}
        self._shown: list[tuple[str, str]] = []
        self._list = column(spacing=UNIT // 2)
        self._none = label("None trained yet.", "faint")
        self.labelled = QLineEdit()
        self.labelled.setPlaceholderText("Folder with frames/ and masks/")
        self.labelled.setAccessibleName("Labelled real frames")
        self.labelled.setToolTip(
            "Real frames with masks by patient, of patients that nothing was trained on: frames/ and masks/ folders, "
            "CholecSeg8k or DSAD"
        )
        self.labelled.textChanged.connect(lambda _t: self.changed.emit())
        browse = QPushButton("Choose…")
        browse.setToolTip("Choose the folder of labelled frames; it is only read")
        browse.clicked.connect(self._browse)
        layout = column(label("Segmenters", "heading"))
        layout.addLayout(self._list)
        layout.addWidget(self._none)
        layout.addSpacing(UNIT)
        layout.addWidget(label("Labelled real frames", "heading"))
        layout.addLayout(row(self.labelled, browse))
        layout.addWidget(button)
        self.setLayout(layout)

    def show_runs(self, runs: Sequence[RunRecord]) -> None:
        """Finished ones are checked at first; what a person has checked stays so."""
        shown = [(run.name, str(run.state)) for run in runs]
        if shown == self._shown:  # a job that runs says often that something has changed
            return
        self._shown = shown
        known = {name: box.isChecked() for name, box in self._boxes.items()}
        known = {name: on for name, on in known.items() if self._boxes[name].isEnabled()}
        for box in self._boxes.values():
            self._list.removeWidget(box)
            box.deleteLater()
        self._boxes = {}
        for run in runs:
            usable = run.state == "done"
            box = QCheckBox(run.name if usable else f"{run.name}   {run.state}")
            box.setEnabled(usable)
            box.setChecked(usable and known.get(run.name, True))
            box.setToolTip(f"Data: {run.settings.get('data')}, look: {run.settings.get('appearance')}, "
                           f"steps: {run.settings.get('steps')}. Checked ones are evaluated together")  # fmt: skip
            box.toggled.connect(lambda _on: self.changed.emit())
            self._boxes[run.name] = box
            self._list.addWidget(box)
        self._none.setVisible(not runs)
        self.changed.emit()

    @property
    def chosen(self) -> list[str]:
        """Names of the segmenters that are checked."""
        return [name for name, box in self._boxes.items() if box.isChecked()]

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Labelled real frames", self.labelled.text())
        if name:
            self.labelled.setText(name)


def _choices(choices: Sequence[tuple[str, str, str]], tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    for text, value, about in choices:
        box.addItem(text, value)
        box.setItemData(box.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
    return box
