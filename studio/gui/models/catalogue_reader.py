"""Questions to the catalogue that take long on large projects, answered beside the event loop.

Each question opens the project for reading in its thread; what the window writes meanwhile is not disturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from studio.gui.models.background import Background
from studio.project.project import Project
from studio.project.records import TranslationRecord
from studio.vocabulary.verdicts import VERDICTS, VerdictValue

T = TypeVar("T")


class CatalogueReader(QObject):
    """Only the newest question of a name is answered; an exception is given as the answer."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._background = Background(self, threads=1)
        self._newest: dict[str, int] = {}
        self._count = 0

    def ask(self, name: str, question: Callable[[Project], Any], answer: Callable[[Any], None]) -> None:
        self._count += 1
        number = self._newest[name] = self._count

        def work() -> Any:
            with Project.open(self._folder, write=False, check=False) as project:
                return question(project)

        def take(result: Any) -> None:
            if self._newest.get(name) == number:
                answer(result)

        self._background.ask((name, number), work, take)

    def close(self) -> None:
        self._newest.clear()
        self._background.forget()


def listed_ids(
    project: Project, *, order: str, verdict: VerdictValue | None, palette: str, patient: str
) -> list[int]:  # fmt: skip
    """Ids of translations in an order, filtered."""
    ids = project.translations.ids(order=order, verdict=verdict, palette=palette)
    if not patient:
        return ids
    verdicts = VERDICTS if verdict is None else (verdict,)
    of_patient = {r.id for r in project.translations.all(verdicts=verdicts) if r.patient == patient}
    return [i for i in ids if i in of_patient]


def verdict_counts(project: Project) -> dict[VerdictValue, int]:
    """How many translations have each verdict."""
    return {v: project.translations.count(v) for v in VERDICTS}


def in_words(record: TranslationRecord) -> str:
    """A translation's tooltip."""
    validity = "not measured" if record.validity is None else f"{record.validity:.2f}"
    reason = f" ({record.verdict.by}{': ' + record.verdict.reason if record.verdict.reason else ''})"
    said = record.verdict.value + (reason if record.verdict.value != "undecided" else "")
    return f"{record.patient}  {record.frame_name}\n{record.style} of {record.palette}\nvalidity {validity}\n{said}"
