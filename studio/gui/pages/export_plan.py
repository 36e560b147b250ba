"""What an export would hold, worked out beside the event loop, and how it is shown before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QGridLayout, QWidget

from studio.export.card import counts_of
from studio.export.planning import bytes_needed, plan_export
from studio.export.values import ExportOptions
from studio.gui import amounts
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import Figures, column, label
from studio.pipeline.exports import export_items
from studio.project.project import Project
from studio.vocabulary.verdicts import VERDICTS, VerdictValue

_PATIENTS_SHOWN = 24


@dataclass(frozen=True)
class ExportPreview:
    """``counts``: frames, images, patients, styles, images_train and so on; ``of_verdict``: images by verdict.

    ``trouble`` says why nothing can be written, "" when it can.
    """

    counts: Mapping[str, int]
    splits: Mapping[str, tuple[str, ...]]
    size_bytes: int
    of_verdict: Mapping[VerdictValue, int]
    trouble: str = ""


def preview_export(project: Project, options: ExportOptions, verdicts: Sequence[VerdictValue]) -> ExportPreview:
    """Plan the export without writing. Raise InputError for options and files that can't be used."""
    of_verdict = {v: project.translations.count(v) for v in VERDICTS}
    if not sum(of_verdict.values()):
        return ExportPreview({}, {}, 0, of_verdict, "There are no translations yet.")
    records = list(project.translations.all(verdicts=verdicts)) if verdicts else []
    if not records:
        chosen = " or ".join(verdicts) or "chosen"
        return ExportPreview({}, {}, 0, of_verdict, f"No translation is {chosen}.")
    plan = plan_export(export_items(project, records), options)
    return ExportPreview(counts_of(plan), plan.splits, bytes_needed(plan, options), of_verdict)


class PlanPanel(QWidget):
    """Counts, size, and which patient lies in which split."""

    def __init__(self) -> None:
        super().__init__()
        self._trouble = label("", "warning", wrap=True)
        self._figures = Figures()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * UNIT)
        self._grid.setVerticalSpacing(UNIT // 2)
        self._grid.setColumnStretch(2, 1)
        self._title = label("Patients by split", "heading")
        layout = column(label("What will be written", "heading"), self._trouble, self._figures)
        layout.addSpacing(UNIT)
        layout.addWidget(self._title)
        layout.addLayout(self._grid)
        self.setLayout(layout)

    def show_preview(self, found: ExportPreview) -> None:
        self._trouble.setText(found.trouble)
        self._trouble.setVisible(bool(found.trouble))
        self._figures.setVisible(not found.trouble)
        counts = found.counts
        size, unit = amounts.size(found.size_bytes).split(" ")
        self._figures.show_rows([
            ("Images", amounts.count(counts.get("images", 0)), ""),
            ("Frames, each with labels, depth and normals", amounts.count(counts.get("frames", 0)), ""),
            ("Patients", amounts.count(counts.get("patients", 0)), ""),
            ("Styles", amounts.count(counts.get("styles", 0)), ""),
            ("Space, about", size, unit),
        ])  # fmt: skip
        self._show_splits(found)

    def show_trouble(self, text: str) -> None:
        self.show_preview(ExportPreview({}, {}, 0, {}, text))

    def _show_splits(self, found: ExportPreview) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self._title.setVisible(bool(found.splits))
        for number, (name, patients) in enumerate(found.splits.items()):
            images = amounts.count(found.counts.get(f"images_{name}", 0), "images")
            shown = ", ".join(patients[:_PATIENTS_SHOWN])
            if len(patients) > _PATIENTS_SHOWN:
                shown += f" and {len(patients) - _PATIENTS_SHOWN} more"
            names = label(shown, "small", wrap=True, selectable=True)
            for place, widget in enumerate((label(name, "strong"), label(images, "muted"), names)):
                self._grid.addWidget(widget, number, place)
