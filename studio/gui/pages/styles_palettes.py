"""The inspector's lower part: diversity, palettes, and translating with one, its cost said beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QPushButton, QSpinBox, QToolButton, QWidget

from studio.gui import amounts
from studio.gui.icons import icon
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import Figures, column, label, row
from studio.gui.widgets.coverage_curve import CoverageCurveView
from studio.pipeline.views import FootageCodes
from studio.project.records import PaletteRecord
from studio.styles.diversity import (
    CoverageCurve,
    coverage_curve,
    covered_share_by_patient,
    density_coverage,
    mean_pairwise_distance,
)
from studio.styles.palette_file import MAX_NOTES
from studio.vocabulary.styles import Palette, Style

_CURVE_STYLES = 64
_MOST = 2000
_LIST_HEIGHT = 132


class DiversityPanel(QWidget):
    """Figures on the styles of the bench; they follow every edit."""

    def __init__(self) -> None:
        super().__init__()
        self._figures = Figures()
        self._note = label("", "small", wrap=True)
        self.setToolTip(
            "Coverage: the share of the footage that a style resembles. Density: how deep the styles lie inside the "
            "footage's, about 1 for the same distribution. Distance: between pairs of styles."
        )
        self.curve = CoverageCurveView()
        self.setLayout(column(label("Diversity", "heading"), self._figures, self.curve, self._note))

    def show_figures(self, rows: Sequence[tuple[str, str, str]], note: str, curve: CoverageCurve | None) -> None:
        self._figures.show_rows(rows)
        self.curve.show_curve(() if curve is None else curve.coverage_M.tolist(), 0 if curve is None else curve.knee)
        self._note.setText(note)
        self._note.setVisible(bool(note))


def diversity_rows(
    codes: FootageCodes | None, styles: Sequence[Style]
) -> tuple[list[tuple[str, str, str]], str, CoverageCurve | None]:
    """(name, value, unit) rows, a remark and the curve. Plain numpy: may run in a thread."""
    rows = [("Styles", amounts.count(len(styles)), "")]
    drawn_MS = _sampled(np.array([s.code for s in styles], np.float32))
    if len(styles) > 1:
        rows.append(("Mean distance", f"{mean_pairwise_distance(drawn_MS):.2f}", ""))
    if codes is None or len(codes.codes_NS) < 2 or not len(styles) or codes.codes_NS.shape[1] != drawn_MS.shape[1]:
        return rows, "", None
    kept_N = _sampled(np.arange(len(codes.codes_NS)))
    footage_NS, patients = codes.codes_NS[kept_N], [codes.patients[i] for i in kept_N]
    spread = density_coverage(footage_NS, drawn_MS)
    rows += [("Coverage", f"{100 * spread.coverage:.0f}", "%"), ("Density", f"{spread.density:.2f}", "")]
    shares = covered_share_by_patient(footage_NS, patients, drawn_MS)
    bare = [p for p, share in shares.items() if share == 0]
    notes = []
    if len(bare) == len(shares):
        notes.append("No style lies within the footage.")
    elif bare:
        notes.append(f"No style resembles {', '.join(bare[:4])}{' …' if len(bare) > 4 else ''}.")
    curve = coverage_curve(footage_NS, drawn_MS) if 2 < len(styles) <= _CURVE_STYLES else None
    if curve is not None and 0 < curve.knee < len(styles):
        best, whole = (100 * float(curve.coverage_M[n - 1]) for n in (curve.knee, len(styles)))
        notes.append(f"The best {curve.knee} of {len(styles)} cover {best:.0f} %, all of them {whole:.0f} %.")
    if len(drawn_MS) < len(styles) or len(footage_NS) < len(codes.codes_NS):
        notes.append(f"Figures are from {amounts.count(len(drawn_MS), 'styles')} and "
                     f"{amounts.count(len(footage_NS), 'footage frames')}, equally spaced.")  # fmt: skip
    return rows, " ".join(notes), curve


def _sampled(rows: np.ndarray) -> np.ndarray:
    """At most _MOST of them, equally spaced: figures that move while one tunes must not take seconds."""
    return rows[:: max(1, -(-len(rows) // _MOST))]


class PalettePanel(QWidget):
    """Kept palettes; the signals carry the name of one."""

    load_wanted = Signal(str)
    save_wanted = Signal(str)
    remove_wanted = Signal(str)
    export_wanted = Signal(str)
    import_wanted = Signal()
    duplicate_wanted = Signal(str)
    compare_wanted = Signal(str)
    """A palette to lay over the map, or "" for none."""

    def __init__(self) -> None:
        super().__init__()
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the palette")
        self.name.setMaxLength(60)
        self.name.setAccessibleName("Name of the palette")
        self.name.returnPressed.connect(lambda: self.save_wanted.emit(self.name.text()))
        self.name.setToolTip("Translations made with the palette lie in a folder of this name")
        self.notes = QLineEdit()
        self.notes.setPlaceholderText("Notes: what it is for")
        self.notes.setMaxLength(MAX_NOTES)
        self.notes.setAccessibleName("Notes on the palette")
        self.notes.setToolTip("Your own words, kept with the palette and in its file; translations are not touched")
        self.save = QPushButton("Save")
        self.save.setToolTip(
            "Keep the styles on the bench under this name, in the place of an older palette of the name"
        )
        self.save.clicked.connect(lambda: self.save_wanted.emit(self.name.text()))
        self._list = QListWidget()
        self._list.setProperty("role", "list")
        self._list.setAccessibleName("Palettes")
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setToolTip("Choose a palette to lay its styles on the bench")
        self._list.itemClicked.connect(lambda item: self.load_wanted.emit(self._name_of(item)))
        self._list.itemActivated.connect(lambda item: self.load_wanted.emit(self._name_of(item)))
        self._none = label("None kept yet.", "faint")
        remove = _tool("trash", "Forget the palette that is chosen; translations made with it stay")
        remove.clicked.connect(lambda: self._with_chosen(self.remove_wanted))
        share = _tool("save", "Write the chosen palette to a small file for others")
        share.clicked.connect(lambda: self._with_chosen(self.export_wanted))
        take = _tool("folder", "Read a palette from a file")
        take.clicked.connect(self.import_wanted)
        self.compare = _tool(
            "layers", "Lay the chosen palette over the map as squares, beside the styles on the bench; nothing changes"
        )
        self.compare.setCheckable(True)
        self.compare.toggled.connect(self._compare)
        double = _tool("copy", "Keep the chosen palette a second time under another name, to change one of the two")
        double.clicked.connect(lambda: self._with_chosen(self.duplicate_wanted))
        self._tools = (remove, share, double, self.compare)
        layout = column()
        layout.addLayout(row(label("Palettes", "heading"), None, self.compare, double, take, share, remove, spacing=2))
        layout.addWidget(self._list)
        layout.addWidget(self._none)
        layout.addLayout(row(self.name, self.save))
        layout.addWidget(self.notes)
        self.setLayout(layout)

    def show_chosen(self, palette: Palette) -> None:
        """The palette in hand: its name and notes in their fields."""
        self.name.setText(palette.name)
        self.notes.setText(palette.notes)
        self.name.setCursorPosition(0)
        self.notes.setCursorPosition(0)
        for row_ in range(self._list.count()):
            if self._name_of(self._list.item(row_)) == palette.name:
                self._list.setCurrentRow(row_)

    def show_palettes(self, records: Sequence[PaletteRecord], chosen: str) -> None:
        self._list.clear()
        for record in records:
            palette = record.palette
            item = QListWidgetItem(f"{amounts.count(len(palette.styles))}   {palette.name}")
            item.setData(Qt.ItemDataRole.UserRole, palette.name)
            said = f"{palette.name}: {amounts.count(len(palette.styles), 'styles')}, run {palette.run}"
            item.setToolTip(f"{said}\n{palette.notes}" if palette.notes else said)
            self._list.addItem(item)
            if palette.name == chosen:
                self._list.setCurrentItem(item)
        self._list.setVisible(bool(records))
        self._none.setVisible(not records)
        self._list.setFixedHeight(min(_LIST_HEIGHT, 30 * len(records) + 4))
        for tool in self._tools:
            tool.setEnabled(bool(records))

    def _compare(self, wanted: bool) -> None:
        item = self._list.currentItem()
        self.compare_wanted.emit(self._name_of(item) if wanted and item is not None else "")

    def _with_chosen(self, signal: object) -> None:
        item = self._list.currentItem()
        if item is not None:
            signal.emit(self._name_of(item))  # type: ignore[attr-defined]

    @staticmethod
    def _name_of(item: QListWidgetItem) -> str:
        return str(item.data(Qt.ItemDataRole.UserRole))


class TranslatePanel(QWidget):
    """How many styles a frame gets, what that costs, and the button."""

    changed = Signal()

    def __init__(self, button: QWidget) -> None:
        super().__init__()
        self.per_frame = QSpinBox()
        self.per_frame.setRange(0, 999)
        self.per_frame.setSpecialValueText("all")
        self.per_frame.setValue(0)
        self.per_frame.setToolTip(
            "Into how many styles of the palette each frame is translated; all styles equally often"
        )
        self.per_frame.setAccessibleName("Styles a frame")
        self.per_frame.valueChanged.connect(lambda _v: self.changed.emit())
        self._cost = Figures()
        self._remark = label("", "warning", wrap=True)
        self._remark.hide()
        layout = column(label("Translate", "heading"))
        layout.addLayout(row(label("Styles a frame"), None, self.per_frame))
        layout.addWidget(self._cost)
        layout.addWidget(self._remark)
        layout.addSpacing(UNIT // 2)
        layout.addWidget(button)
        self.setLayout(layout)

    def show_remark(self, text: str) -> None:
        """What should be known before; "" hides it."""
        self._remark.setText(text)
        self._remark.setVisible(bool(text))

    def show_cost(self, *, frames: int, styles: int, bytes_each: float, seconds_each: float | None) -> int:
        """Show what it would take; return the number of images."""
        wanted = self.per_frame.value()
        images = frames * (styles if wanted == 0 else min(wanted, styles))
        space, unit = amounts.size(images * bytes_each).split(" ")
        rows = [("Images", amounts.count(images), ""), ("Space, about", space, unit)]
        if seconds_each is not None and images:
            rows.append(("Time, about", amounts.duration(images * seconds_each), ""))
        self._cost.show_rows(rows)
        return images


def _tool(icon_name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
