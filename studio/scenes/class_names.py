"""Classes of other programs into the studio's: by the user's table, by name, and else not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES, normal_name

IGNORED_WORD = "ignore"
"""What a mapping writes for pixels that count neither for nor against any class."""

SYNONYMS = {
    "background": "void",
    "gall bladder": "gallbladder",
    "gi tract": "gastrointestinal tract",
    "falciform ligament": "ligament",
    "liver ligament": "ligament",
    "instrument shaft": "tool shaft",
    "instrument tip": "tool tip",
}
"""Other names of a studio class that leave no doubt."""

_NAMED = 8


@dataclass(frozen=True, slots=True)
class SourceClass:
    """A class as a scene stores it: ``key`` is the value in the label layer as text, ``name`` what it is called."""

    key: str
    name: str = ""

    @property
    def words(self) -> str:
        return f"'{self.name}' ({self.key})" if self.name and self.name != self.key else f"'{self.key}'"

    @property
    def entry(self) -> str:
        """What a mapping's table calls it."""
        return self.name or self.key


class UnknownClasses(InputError):
    """Classes that neither have a studio class' name nor stand in the mapping: ``sources``."""

    def __init__(self, what: str, *, where: object, remedy: str, sources: Sequence[SourceClass]) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.sources = tuple(sources)


def studio_id(source: SourceClass, table: Mapping[str, str]) -> int | None:
    """The studio class id, by the table's word on its key or its name, else by its own name; None = unknown.

    Raise InputError when the table names a class that the studio has not.
    """
    words = {normal_name(key): value for key, value in table.items()}
    for key in (source.key, source.name):
        if key and normal_name(key) in words:
            return class_id(words[normal_name(key)])
    return _by_own_name(source.name)


def class_id(word: str) -> int:
    """Id of a studio class or IGNORE by what a mapping says. Raise InputError for other words."""
    if normal_name(word) == IGNORED_WORD:
        return IGNORE
    try:
        return STUDIO_CLASSES.by_name(SYNONYMS.get(normal_name(word), word)).id
    except InputError as error:
        known = ", ".join([*(c.name for c in STUDIO_CLASSES), IGNORED_WORD])
        raise InputError(
            f"no class is called '{word}'", where="[classes] of the mapping", remedy=f"Known classes: {known}."
        ) from error


def studio_ids(sources: Iterable[SourceClass], table: Mapping[str, str], *, where: Path) -> dict[str, int]:
    """Studio class id by key. Raise UnknownClasses that names all of them and shows the mapping to write."""
    found = {source: studio_id(source, table) for source in sources}
    unknown = [source for source, target in found.items() if target is None]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        entries = ", ".join(f'"{s.entry}" = "CLASS"' for s in unknown[:_NAMED])
        known = ", ".join([*(c.name for c in STUDIO_CLASSES), IGNORED_WORD])
        raise UnknownClasses(
            f"no studio class for {', '.join(s.words for s in unknown[:_NAMED])}{more}",
            where=where,
            remedy=f"Write them into a mapping file, classes = {{{entries}}}, and name it with --mapping FILE;"
            f" CLASS is one of {known}.",
            sources=unknown,
        )
    return {source.key: target for source, target in found.items() if target is not None}


def table_of(encoding: Mapping[str, str]) -> dict[str, str]:
    """The user's table as a scene's encoding keeps it."""
    return dict(json.loads(encoding.get("classes", "{}")))


def ids_by_value(values_HW: np.ndarray, ids: Mapping[int, int]) -> np.ndarray:
    """uint8 HxW: each stored value replaced by its id; every value that occurs must have one."""
    stored = np.array(sorted(ids), np.int64)
    targets = np.array([ids[int(v)] for v in stored], np.uint8)
    found: np.ndarray = targets[np.searchsorted(stored, values_HW)]
    return found


def _by_own_name(name: str) -> int | None:
    wanted = SYNONYMS.get(normal_name(name), normal_name(name))
    return next((c.id for c in STUDIO_CLASSES if c.name == wanted), None)
