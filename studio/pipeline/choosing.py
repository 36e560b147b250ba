"""Which of a project's translations an export takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.project.project import Project
from studio.project.records import TranslationRecord
from studio.vocabulary.errors import InputError
from studio.vocabulary.verdicts import VERDICTS, VerdictValue


@dataclass(frozen=True, slots=True)
class Only:
    """Only translations made with one of these runs, palettes and styles, by name; an empty one asks for nothing."""

    runs: tuple[str, ...] = ()
    palettes: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    def holds(self, record: TranslationRecord) -> bool:
        return (
            (not self.runs or record.run in self.runs)
            and (not self.palettes or record.palette in self.palettes)
            and (not self.styles or record.style in self.styles)
        )

    def stated(self) -> Mapping[str, list[str]]:
        """What is asked for, as it stands in a recipe; empty when nothing is."""
        return {name: sorted(wanted) for name, wanted in asdict(self).items() if wanted}


ALL = Only()


def chosen_records(project: Project, verdicts: Sequence[VerdictValue], only: Only = ALL) -> list[TranslationRecord]:
    """Translations of these verdicts that ``only`` holds for.

    Raise InputError when there is none, for an unknown verdict, and for a name that none of them has.
    """
    unknown = [v for v in verdicts if v not in VERDICTS]
    if unknown:
        raise InputError(f"'{unknown[0]}' is no verdict", where="--verdicts", remedy=f"Known: {', '.join(VERDICTS)}.")
    judged = list(project.translations.all(verdicts=verdicts))
    if not judged:
        raise InputError(
            f"there are no translations that are {' or '.join(verdicts)}",
            where=project.folder,
            remedy="Make some (trocar translate) or accept some (trocar curate).",
        )
    for only_so_far, wanted, what in (
        (ALL, only.runs, "run"),
        (Only(only.runs), only.palettes, "palette"),
        (Only(only.runs, only.palettes), only.styles, "style"),
    ):
        _check(wanted, {str(getattr(r, what)) for r in judged if only_so_far.holds(r)}, what)
    return [r for r in judged if only.holds(r)]


def _check(wanted: Sequence[str], known: set[str], what: str) -> None:
    """A name that asks for nothing is more likely a slip than a wish."""
    missing = [name for name in wanted if name not in known]
    if missing:
        shown = ", ".join(sorted(known)[:8]) + (" …" if len(known) > 8 else "")
        raise InputError(
            f"no translation that may be exported has the {what} '{missing[0]}'", where=f"--{what}",
            remedy=f"There are: {shown}.",
        )  # fmt: skip
