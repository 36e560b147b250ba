"""The classes of an export: merged by name, and the lookup from stored ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE, ClassTable, LabelClass, normal_name

VOID = "void"


@dataclass(frozen=True, eq=False)
class ExportClasses:
    """``table`` holds the classes that remain; ``lookup_256`` uint8 maps a scene's id to one of theirs."""

    table: ClassTable
    lookup_256: np.ndarray

    def ids(self, segmentation_HW: np.ndarray) -> np.ndarray:
        """uint8 HxW of merged ids."""
        merged: np.ndarray = self.lookup_256[segmentation_HW]
        return merged

    @property
    def regions(self) -> tuple[LabelClass, ...]:
        """All classes but void."""
        return tuple(c for c in self.table if normal_name(c.name) != VOID)


def export_classes(tables: Iterable[ClassTable], merges: Sequence[tuple[str, str]]) -> ExportClasses:
    """One table for all scenes, after merging. Raise InputError where scenes disagree or a merge makes no sense."""
    table = _one_table(tables)
    target = {table.by_name(a).id: table.by_name(b).id for a, b in merges}
    lookup = np.arange(256, dtype=np.uint8)
    for class_id in target:
        lookup[class_id] = _followed(class_id, target, table)
    remaining = ClassTable(tuple(c for c in table if c.id not in target))
    return ExportClasses(remaining, lookup)


def _one_table(tables: Iterable[ClassTable]) -> ClassTable:
    merged: dict[int, LabelClass] = {}
    for table in dict.fromkeys(tables):
        for c in table:
            other = merged.setdefault(c.id, c)
            if normal_name(other.name) != normal_name(c.name):
                raise InputError(
                    f"id {c.id} is '{other.name}' in one scene and '{c.name}' in another",
                    where="classes of the scenes",
                    remedy="Export them apart, or give both scenes one class table.",
                )
    return ClassTable(tuple(merged[i] for i in sorted(merged)))


def _followed(class_id: int, target: dict[int, int], table: ClassTable) -> int:
    """The end of a chain of merges."""
    seen = [class_id]
    while seen[-1] in target:
        seen.append(target[seen[-1]])
        if seen[-1] in seen[:-1]:
            names = " = ".join(table.by_id(i).name for i in seen)
            raise InputError(f"merges go in a circle: {names}", where="--merge", remedy="Name one class to keep.")
    return seen[-1]


def refuse_unknown(ids_HW: np.ndarray, classes: ExportClasses, *, where: object, ignored: bool) -> None:
    """Raise InputError for ids without a class; IGNORE passes where the format can say it (``ignored``)."""
    known = {*classes.table.ids, *([IGNORE] if ignored else [])}
    found = np.flatnonzero(np.bincount(ids_HW.ravel(), minlength=256))
    unknown = [int(v) for v in found if int(v) not in known]
    if unknown:
        raise InputError(
            f"label id {unknown[0]} has no place in this format", where=where, remedy="Mend the label picture."
        )
