"""The inspector of the Curate page: accepting and rejecting by rule, and the figures of the translation in hand."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from studio.curation.rules import parse_rule
from studio.gui import amounts
from studio.gui.widgets.basics import Figures, column, label, set_role
from studio.gui.widgets.histogram import BINS, Histogram
from studio.pipeline.views import apply_rule
from studio.project.project import Project
from studio.project.records import TranslationRecord
from studio.vocabulary.errors import InputError

_WAIT_MS = 250
_PLAIN_CUT = re.compile(r"validity\s*>=?\s*([01]?\.?\d+)")
EXAMPLE = "validity >= 0.5"


@dataclass(frozen=True, eq=False)
class RulePreview:
    """What a rule would do, and how validity is spread. ``accepted`` and so on count translations that it judges."""

    changes: int
    accepted: int
    rejected: int
    undecided: int
    kept: int
    missing: str
    counts_B: np.ndarray


def preview_rule(project: Project, text: str) -> RulePreview:
    """Judge everything without changing anything; a text that is no rule judges nothing."""
    values = [r.validity for r in project.translations.all() if r.validity is not None]
    counts_B, _ = np.histogram(values, bins=BINS, range=(0, 1))
    try:
        outcome = apply_rule(project, text, dry_run=True)
    except InputError:
        return RulePreview(0, 0, 0, 0, 0, "", counts_B)
    missing = ", ".join(f"{n} without {name}" for name, n in outcome.missing.items())
    return RulePreview(
        len(outcome.changes), outcome.accepted, outcome.rejected, outcome.undecided, outcome.kept, missing, counts_B
    )


class RulePanel(QWidget):
    """``preview_wanted(text)`` once the typing has paused."""

    preview_wanted = Signal(str)

    def __init__(self, apply_button: QWidget) -> None:
        super().__init__()
        self.text = QLineEdit()
        self.text.setPlaceholderText(EXAMPLE)
        self.text.setAccessibleName("Rule")
        self.text.setToolTip(
            'Accept what the rule holds for, reject the rest. Measures: validity, validity."abdominal wall", ms_ssim, '
            "displacement, edges, pull, moved, outlines, identity, places, contrast, sides, steepness, substance, "
            "invented (the guide's page Curate says what each asks); join with and, or, not and brackets"
        )
        self._said = label("", "small", wrap=True)
        self._figures = Figures()
        self.histogram = Histogram()
        self._apply = apply_button
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(lambda: self.preview_wanted.emit(self.rule))
        self.setLayout(
            column(label("Rule", "heading"), self.histogram, self.text, self._said, self._figures, apply_button)
        )
        self.text.textChanged.connect(self._typed)
        self.text.returnPressed.connect(lambda: self.preview_wanted.emit(self.rule))
        self.histogram.cut_moved.connect(lambda cut: self.text.setText(f"validity >= {cut:.2f}"))

    @property
    def rule(self) -> str:
        """What is written, or the example."""
        return self.text.text().strip() or EXAMPLE

    def _typed(self) -> None:
        plain = _PLAIN_CUT.fullmatch(self.rule)
        self.histogram.set_cut(min(1.0, float(plain[1])) if plain else None)
        try:
            parse_rule(self.rule)
        except InputError as error:
            self._timer.stop()
            self._say(str(error), "warning")
            self._figures.show_rows(())
            return
        self._timer.start()

    def show_preview(self, found: RulePreview) -> None:
        self.histogram.set_counts(found.counts_B)
        rows = [
            ("Would accept", amounts.count(found.accepted), ""),
            ("Would reject", amounts.count(found.rejected), ""),
        ]
        if found.undecided:
            rows.append(("Can't be judged", amounts.count(found.undecided), ""))
        if found.kept:
            rows.append(("Decided by you, kept", amounts.count(found.kept), ""))
        rows.append(("Verdicts that change", amounts.count(found.changes), ""))
        self._figures.show_rows(rows)
        self._say(found.missing, "small")

    def _say(self, text: str, role: str) -> None:
        self._said.setText(text)
        self._said.setVisible(bool(text))
        set_role(self._said, role)


class RecordPanel(QWidget):
    """The translation in hand: where it comes from, its verdict, and validity by measure and by class."""

    def __init__(self) -> None:
        super().__init__()
        self._name = label("", "strong", wrap=True, selectable=True)
        self._about = label("", "small", wrap=True)
        self._measures = Figures()
        self._classes = Figures()
        self._class_title = label("Validity by class", "heading")
        self.setLayout(
            column(
                label("Translation", "heading"), self._name, self._about, self._measures, self._class_title,
                self._classes,
            )
        )  # fmt: skip

    def show_record(self, record: TranslationRecord | None) -> None:
        self.setVisible(record is not None)
        if record is None:
            return
        self._name.setText(f"{record.patient}  {record.frame_name}")
        verdict = record.verdict
        said = "undecided"
        if verdict.value != "undecided":
            said = f"{verdict.value} by {'you' if verdict.by == 'person' else 'rule'}"
            said += f": {verdict.reason}" if verdict.reason else ""
        self._about.setText(f"{record.style} of {record.palette}, run {record.run}\n{said}")
        plain = {k: v for k, v in record.measures.items() if "." not in k}
        by_class = {k.partition(".")[2]: v for k, v in record.measures.items() if k.startswith("validity.")}
        units = dict.fromkeys(("displacement", "moved"), "px")
        names = {"ms_ssim": "MS-SSIM (brightness)"}
        self._measures.show_rows([
            (names.get(k, k.capitalize()), f"{v:.2f}", units.get(k, "")) for k, v in plain.items()
        ])  # fmt: skip
        ranked = sorted(by_class.items(), key=lambda item: item[1])
        self._classes.show_rows([(k, f"{v:.2f}", "") for k, v in ranked])
        self._class_title.setVisible(bool(ranked))
