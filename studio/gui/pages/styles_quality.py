"""The part of the Styles page that is about validity: bars of the cells, means of the styles, the worst first."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from studio.curation.measures import named_measures
from studio.gui.models.preview_cells import CellKey, Code
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_lab import StyleLab, unmeasured_last
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, label, row
from studio.gui.widgets.blending import Overlay
from studio.gui.widgets.measure_bars import MeasureBars
from studio.gui.widgets.style_grid import StyleGrid
from studio.quality.validity import Validity
from studio.vocabulary.labels import ClassTable

_SHOWN = (("validity", "Validity"), ("ms_ssim", "MS-SSIM, brightness"), ("edges", "Label edges"))
"""Measures of 0 to 1, the higher the better; those of single classes follow."""
_OF_CLASS = "validity."


class CellPanel(QWidget):
    """The picture in hand: how far its labels can be trusted, on the whole and for each class."""

    def __init__(self, *buttons: QWidget) -> None:
        super().__init__()
        self._about = label("", "small", wrap=True)
        self.bars = MeasureBars()
        self.setToolTip(
            "Validity: how far the labels can still be trusted. MS-SSIM: how alike the brightness of render and "
            "translation is. Label edges: how well the translation shows the labels' outlines. Then validity by class."
        )
        layout = column()
        layout.addLayout(row(label("Picture in hand", "heading"), None, *buttons, spacing=UNIT // 2))
        layout.addWidget(self._about)
        layout.addWidget(self.bars)
        self.setLayout(layout)

    def show_cell(self, caption: str, found: dict[str, float] | None) -> None:
        """``found``: measures by name, None while they are not known yet."""
        self._about.setText(caption if found is not None else f"{caption}\nnot measured yet")
        rows = [] if found is None else [(said, found[name]) for name, said in _SHOWN if name in found]
        classes = [] if found is None else [(n, v) for n, v in found.items() if n.startswith(_OF_CLASS)]
        self.bars.show_rows(rows + [(n.removeprefix(_OF_CLASS), v) for n, v in sorted(classes, key=lambda c: c[1])])


class QualityDesk(QObject):
    """``changed``: means or bars are others now."""

    changed = Signal()

    def __init__(
        self, lab: StyleLab, bench: StyleBench, grid: StyleGrid, panel: CellPanel, box: QComboBox, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._lab, self._bench, self._grid, self._panel, self._box = lab, bench, grid, panel, box
        self._in_hand: tuple[CellKey, str] | None = None
        for name, said in _SHOWN:
            box.addItem(said, name)
        box.activated.connect(lambda _i: self.show_all())
        lab.measures.measured.connect(self._measured)
        grid.set_maps(lab.measures.maps)

    @property
    def measure(self) -> str:
        """The name of the measure that the bars show and by which is sorted."""
        return str(self._box.currentData())

    def show_all(self) -> None:
        """The bars of every cell, of the measure that is chosen."""
        self._grid.forget_validities()
        for key in list(self._lab.measures.found):
            self._show(key)
        self.changed.emit()

    def _measured(self, key: CellKey) -> None:
        self._offer_classes(key)
        self._show(key)
        if self._in_hand is not None and self._in_hand[0] == key:
            self.show_cell(key, self._in_hand[1])
        self.changed.emit()

    def _offer_classes(self, key: CellKey) -> None:
        for name in self._named(key):
            if name.startswith(_OF_CLASS) and self._box.findData(name) < 0:
                self._box.addItem(f"Validity of {name.removeprefix(_OF_CLASS)}", name)

    def _show(self, key: CellKey) -> None:
        found = self._named(key)
        if self.measure in found:
            self._grid.set_validity(*key, found[self.measure], _words(found))

    def _named(self, key: CellKey) -> dict[str, float]:
        validity: Validity | None = self._lab.measures.found.get(key)
        classes = next((r.classes for r in self._lab.rows if r.path == key[0]), None)
        if validity is None or not isinstance(classes, ClassTable):
            return {}
        return named_measures(validity.value, validity.measures, validity.per_class, classes=classes)

    def means(self) -> dict[Code, tuple[float, int]]:
        """Mean validity of the styles that were measured, and over how many of the frames, whatever the bars show."""
        shown = {r.path for r in self._lab.rows}
        values: dict[Code, list[float]] = {}
        for (path, code), validity in self._lab.measures.found.items():
            if path in shown:
                values.setdefault(code, []).append(validity.value)
        return {code: (float(np.mean(known)), len(known)) for code, known in values.items()}

    def show_cell(self, key: CellKey | None, caption: str = "") -> None:
        """The measures of the cell in hand."""
        self._in_hand = None if key is None else (key, caption)
        self._panel.setVisible(key is not None)
        if key is not None:
            self._panel.show_cell(caption, self._named(key) or None)

    def overlay_changed(self, overlay: Overlay) -> None:
        self._lab.want_maps(overlay.layer == "validity")

    def worst_styles_first(self) -> None:
        """Styles from the left, by the chosen measure's mean; unmeasured ones come last."""
        known = sorted(self._bench.styles, key=lambda s: unmeasured_last(self._grid.mean_validity(s.code)))
        self._bench.edit("worst first", tuple(known))


def _words(found: dict[str, float]) -> str:
    """``validity 0.87, MS-SSIM 0.52, displacement 0.8 px; worst: gallbladder 0.61``"""
    parts = [f"validity {found['validity']:.2f}"]
    if "ms_ssim" in found:
        parts.append(f"MS-SSIM {found['ms_ssim']:.2f}")
    if "displacement" in found:
        parts.append(f"outlines {found['displacement']:.1f} px away")
    classes = {n.removeprefix(_OF_CLASS): v for n, v in found.items() if n.startswith(_OF_CLASS)}
    worst = min(classes, key=lambda n: classes[n], default="")
    return ", ".join(parts) + (f"\nworst: {worst} {classes[worst]:.2f}" if worst else "")
