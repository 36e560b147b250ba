"""The form of an export: format, destination, verdicts, splits and merged classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.export.splits import SPLIT_NAMES
from studio.export.values import ExportOptions
from studio.export.writing import FORMATS
from studio.gui import amounts
from studio.gui.models.export_wishes import ExportWishes, free_folder
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, holder, label, row
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.verdicts import VERDICTS, VerdictValue

_ABOUT = {
    "image2image": "The layout of the public data set of simulated and translated laparoscopic images: loaders written "
    "for that one read it unchanged",
    "coco": "COCO instance annotations: train.json, val.json and test.json beside the images",
}
_TIPS: dict[VerdictValue, str] = {
    "accepted": "Write what you or a rule have accepted",
    "undecided": "Also write what nobody has judged yet",
    "rejected": "Also write what was rejected; rarely wanted",
}


class ExportForm(QWidget):
    """``changed`` after any edit."""

    changed = Signal()

    def __init__(self, button: QWidget, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._merges: list[tuple[str, str]] = []
        self._named = False
        self.format = self._format_box()
        self.dest = QLineEdit()
        self.dest.setAccessibleName("Destination")
        self.dest.setToolTip("A folder that does not exist yet; it appears only when everything is written and checked")
        self.dest.textEdited.connect(lambda _t: self._dest_edited())
        browse = QPushButton("Choose…")
        browse.setToolTip("Choose where the folder is made")
        browse.clicked.connect(self._browse)
        self._verdicts = {v: self._verdict_box(v) for v in VERDICTS}
        self._shares = {name: self._share_box(name) for name in SPLIT_NAMES}
        self.seed = QSpinBox()
        self.seed.setRange(0, 999_999)
        self.seed.setToolTip("Another number deals the patients out differently")
        self.seed.valueChanged.connect(lambda _v: self.changed.emit())
        form = QFormLayout()
        form.setHorizontalSpacing(2 * UNIT)
        form.setVerticalSpacing(UNIT)
        self._about = label("", "small", wrap=True)
        form.addRow("Format", _held(column(self.format, self._about, spacing=UNIT // 2)))
        form.addRow("Folder", _held(row(self.dest, browse)))
        form.addRow("Verdicts", _held(column(*self._verdicts.values(), spacing=UNIT // 2)))
        form.addRow("Split", self._split_row())
        form.addRow("Classes", self._merge_rows())
        layout = column(holder(form), spacing=2 * UNIT)
        layout.addWidget(button)
        layout.addStretch(1)
        self.setLayout(layout)
        self._format_changed()

    # -- building

    def _format_box(self) -> QComboBox:
        box = QComboBox()
        box.addItems(list(FORMATS))
        box.setAccessibleName("Format")
        box.setToolTip("How the data set is laid out on disk")
        box.currentIndexChanged.connect(lambda _i: self._format_changed())
        return box

    def _verdict_box(self, verdict: VerdictValue) -> QCheckBox:
        box = QCheckBox(verdict.capitalize())
        box.setChecked(verdict == "accepted" or verdict == "undecided")
        box.setToolTip(_TIPS[verdict])
        box.toggled.connect(lambda _on: self.changed.emit())
        return box

    def _share_box(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setRange(0, 100)
        box.setSingleStep(5)
        box.setValue({"train": 80, "val": 10, "test": 10}[name])
        box.setSuffix(" %")
        box.setAccessibleName(f"Share of {name}")
        box.setToolTip(f"Share of the patients whose frames go to {name}; no patient is in two splits")
        box.valueChanged.connect(lambda _v: self.changed.emit())
        return box

    def _split_row(self) -> QWidget:
        cells = [holder(column(label(n, "small"), box, spacing=2)) for n, box in self._shares.items()]
        return _held(row(*cells, holder(column(label("deal", "small"), self.seed, spacing=2)), None))

    def _merge_rows(self) -> QWidget:
        self._from, self._into = QComboBox(), QComboBox()
        for box, said, standard in ((self._from, "Class to be merged", "ligament"), (self._into, "Merged into", "fat")):
            box.addItems([c.name for c in STUDIO_CLASSES])
            box.setCurrentText(standard)
            box.setAccessibleName(said)
        add = QPushButton("Merge")
        add.setToolTip("Count the first class as the second one in the exported labels; the scenes stay as they are")
        add.clicked.connect(lambda: self.add_merge(self._from.currentText(), self._into.currentText()))
        self._merge_list = QVBoxLayout()
        self._merge_list.setContentsMargins(0, 0, 0, 0)
        layout = column()
        layout.addLayout(row(self._from, label("as", "muted"), self._into, add, None))
        layout.addLayout(self._merge_list)
        return _held(layout)

    # -- values

    @property
    def options(self) -> ExportOptions:
        """What the form says; shares may not add up to 1, which the plan then says."""
        shares = tuple(box.value() / 100 for box in self._shares.values())
        return ExportOptions(self.format.currentText(), shares, self.seed.value(), tuple(self._merges))

    @property
    def verdicts(self) -> tuple[VerdictValue, ...]:
        return tuple(v for v, box in self._verdicts.items() if box.isChecked())

    @property
    def destination(self) -> Path:
        return Path(self.dest.text().strip()).expanduser()

    def argv(self, project: Path) -> list[str]:
        """The command line of this export."""
        return self.wishes.argv(project, self.destination)

    @property
    def wishes(self) -> ExportWishes:
        return ExportWishes(self.options, self.verdicts)

    def show_verdict_counts(self, counts: Mapping[VerdictValue, int]) -> None:
        for verdict, box in self._verdicts.items():
            box.setText(f"{verdict.capitalize()}   {amounts.count(counts.get(verdict, 0))}")

    def add_merge(self, source: str, target: str) -> None:
        """Count a class as another one, unless it is merged already."""
        if source == target or source in {s for s, _ in self._merges}:
            return
        self._merges.append((source, target))
        button = QPushButton(f"{source} counts as {target}   ×")
        button.setProperty("role", "row")
        button.setToolTip("Take this merge back")
        button.clicked.connect(self._removing((source, target), button))
        self._merge_list.addWidget(button)
        self.changed.emit()

    def _removing(self, merge: tuple[str, str], button: QPushButton) -> Callable[[], None]:
        def remove() -> None:
            self._merges.remove(merge)
            self._merge_list.removeWidget(button)
            button.deleteLater()
            self.changed.emit()

        return remove

    def _format_changed(self) -> None:
        name = self.format.currentText()
        self._about.setText(_ABOUT.get(name, ""))
        self.suggest_destination()
        self.changed.emit()

    def suggest_destination(self) -> None:
        """A folder in the project that is free, unless a person has named one."""
        if self._named and not self.destination.exists():
            return
        self._named = False
        name = self.format.currentText()
        self.dest.setText(str(free_folder(self._folder, name)))

    def _dest_edited(self) -> None:
        self._named = True
        self.changed.emit()

    def _browse(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "A new folder for the export", self.dest.text())
        if name:
            self.dest.setText(name)
            self._dest_edited()


def _held(layout: QLayout) -> QWidget:
    made = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    made.setLayout(layout)
    return made
