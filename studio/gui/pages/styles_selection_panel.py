"""What is selected on the style map, and what can be done with it: kept, left out, translated and exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QSpinBox, QWidget

from studio.gui import amounts
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import Figures, column, holder, label, row

_MOST_COVERING = 64
_PATIENTS_NAMED = 4


class SelectionPanel(QWidget):
    """Hidden while nothing is selected."""

    cleared = Signal()
    mean_wanted = Signal()
    cover_wanted = Signal(int)
    include_wanted = Signal(bool)
    keep_wanted = Signal()
    pin_wanted = Signal()
    drop_wanted = Signal()
    translate_wanted = Signal()
    export_wanted = Signal()
    renamed = Signal()
    named = Signal()
    """The folder is another one."""

    def __init__(self) -> None:
        super().__init__()
        close = _button("Let go", "Select nothing on the map (Esc there); nothing else changes", self.cleared)
        close.setProperty("role", "quiet")
        self.footage = self._footage_part()
        self.styles = self._styles_part()
        layout = column(spacing=UNIT)
        layout.addLayout(row(label("Selected on the map", "heading"), None, close))
        layout.addWidget(self.footage)
        layout.addWidget(self.styles)
        self.setLayout(layout)
        self.hide()

    def _footage_part(self) -> QWidget:
        self._frames = label("", "strong", wrap=True)
        self._patients = label("", "small", wrap=True)
        mean = _button("Mean style", "Add the mean of these frames' styles to the bench", self.mean_wanted)
        self.count = QSpinBox()
        self.count.setRange(1, _MOST_COVERING)
        self.count.setValue(3)
        self.count.setFixedWidth(7 * UNIT)
        self.count.setAccessibleName("Styles that cover the selected frames")
        self.count.setToolTip("How many of these frames' own styles are added, those that stand best for all of them")
        self.cover = _button(
            "Cover with", "Add styles of these frames that stand best for all of them, and select those", None
        )
        self.cover.clicked.connect(lambda: self.cover_wanted.emit(self.count.value()))
        self.leave_out = _button(
            "Leave out", "Leave these frames out of training and of drawing styles; undo takes them in again", None
        )
        self.leave_out.clicked.connect(lambda: self.include_wanted.emit(False))
        self.take_in = _button("Take in", "Use those of these frames again that had been left out", None)
        self.take_in.clicked.connect(lambda: self.include_wanted.emit(True))
        layout = column(self._frames, self._patients, spacing=UNIT // 2)
        layout.addLayout(row(mean, self.cover, self.count, None, spacing=UNIT // 2))
        layout.addLayout(row(self.leave_out, self.take_in, None, spacing=UNIT // 2))
        return holder(layout)

    def _styles_part(self) -> QWidget:
        self._styles = label("", "strong", wrap=True)
        keep = _button("Keep", "Keep these styles as a palette under the name below", self.keep_wanted)
        self.pin = _button("Pin", "Keep these styles when others are drawn anew", self.pin_wanted)
        drop = _button("Drop", "Take these styles off the bench; kept palettes keep them", self.drop_wanted)
        self.name = QLineEdit()
        self.name.setMaxLength(60)
        self.name.setAccessibleName("Name for the selected styles")
        self.name.setToolTip(
            "The palette that these styles are kept as; their translations lie in a folder of the name"
        )
        self.name.textEdited.connect(lambda _t: self.renamed.emit())
        self.dest = QLineEdit()
        self.dest.setAccessibleName("Folder of the export")
        self.dest.setToolTip("A folder that does not exist yet; it appears only when everything is written and checked")
        self.dest.textEdited.connect(lambda _t: self.named.emit())
        browse = _button("…", "Choose where the folder is made", None)
        browse.setAccessibleName("Choose where the folder is made")
        browse.clicked.connect(self._browse)
        self._how = label("", "small", wrap=True)
        self._how.setToolTip("As the page Export is set; change it there")
        self._cost = Figures()
        self._trouble = label("", "warning", wrap=True)
        self.start = _button("Translate and export", "Keep the styles as a palette, translate every frame of the "
                             "project in them, and export exactly those translations; two jobs, one after the other",
                             self.translate_wanted)  # fmt: skip
        self.start.setProperty("role", "primary")
        self.made = _button("", "Export the translations in these styles that are there already", self.export_wanted)
        layout = column(self._styles, spacing=UNIT // 2)
        layout.addLayout(row(keep, self.pin, drop, None, spacing=UNIT // 2))
        layout.addSpacing(UNIT // 2)
        layout.addLayout(row(label("Name", "muted"), self.name))
        layout.addLayout(row(label("Folder", "muted"), self.dest, browse, spacing=UNIT // 2))
        for each in (self._how, self._cost, self._trouble, self.start, self.made):
            layout.addWidget(each)
        return holder(layout)

    # -- showing

    def show_footage(self, *, frames: int, patients: Sequence[str], left_out: int) -> None:
        """How many frames of which patients are selected, and how many of them are left out by now."""
        self.footage.setVisible(frames > 0)
        said = f"{amounts.count(frames, 'frames')} of {amounts.count(len(patients), 'patients')}"
        self._frames.setText(said + (f", {amounts.count(left_out)} left out" if left_out else ""))
        more = f" and {len(patients) - _PATIENTS_NAMED} more" if len(patients) > _PATIENTS_NAMED else ""
        self._patients.setText(", ".join(patients[:_PATIENTS_NAMED]) + more)
        self.leave_out.setEnabled(left_out < frames)
        self.take_in.setEnabled(left_out > 0)

    def show_styles(self, names: Sequence[str], of: int, *, pinned: bool) -> None:
        self.styles.setVisible(bool(names))
        self._styles.setText(f"{amounts.count(len(names))} of {amounts.count(of, 'drawn styles')}")
        self._styles.setToolTip("\n".join(names[:40]))
        self.pin.setText("Unpin" if pinned else "Pin")

    def show_way(self, words: str) -> None:
        """How exports are written."""
        self._how.setText(words)

    def show_cost(self, rows: Sequence[tuple[str, str, str]], trouble: str, *, made: int) -> None:
        """What translating and exporting take; ``trouble``: why it can't be done; ``made``: images that are there."""
        self._cost.show_rows(rows)
        self._trouble.setText(trouble)
        self._trouble.setVisible(bool(trouble))
        self.start.setEnabled(not trouble)
        self.made.setVisible(made > 0)
        self.made.setEnabled(not trouble)
        self.made.setText(f"Export the {amounts.count(made)} made already")

    @property
    def destination(self) -> Path:
        return Path(self.dest.text().strip()).expanduser()

    def _browse(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "A new folder for the export", self.dest.text())
        if name:
            self.dest.setText(name)
            self.named.emit()


def _button(text: str, tip: str, clicked: object) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    if clicked is not None:
        button.clicked.connect(lambda: clicked.emit())  # type: ignore[attr-defined]
    return button
