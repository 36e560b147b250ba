"""Classes of the segmentation layer: ids, names, colours, and tables that carry names between data sets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from studio.vocabulary.errors import InputError

IGNORE = 255
"""Label id of pixels that count neither for nor against anyone."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class. ``colour`` is 8-bit sRGB."""

    id: int
    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class ClassTable:
    """An ordered set of classes with unique ids (0 to 254) and unique names."""

    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        names = [c.name for c in self.classes]
        if len(set(ids)) != len(ids) or len(set(names)) != len(names):
            raise InputError("two classes share an id or a name", where="class table", remedy="Give each its own.")
        if any(not 0 <= i < IGNORE for i in ids):
            raise InputError("a class id lies outside 0 to 254", where="class table", remedy="Use 0 to 254.")

    def __iter__(self) -> Iterator[LabelClass]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(c.id for c in self.classes)

    def by_id(self, class_id: int) -> LabelClass:
        """Raise InputError when there is no such class."""
        for c in self.classes:
            if c.id == class_id:
                return c
        raise InputError(f"no class has the id {class_id}", where="class table")

    def by_name(self, name: str) -> LabelClass:
        """Find by name, ignoring case and ``_-`` against blanks; raise InputError when there is none."""
        wanted = normal_name(name)
        for c in self.classes:
            if normal_name(c.name) == wanted:
                return c
        known = ", ".join(c.name for c in self.classes)
        near = difflib.get_close_matches(wanted, [normal_name(c.name) for c in self.classes], n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(f"no class is called '{name}'", where="class table", remedy=f"{meant}Known classes: {known}.")

    def palette_256x3(self) -> np.ndarray:
        """uint8 colours by id; ids without a class are mid-grey, IGNORE is black."""
        colours = np.full((256, 3), 128, np.uint8)
        for c in self.classes:
            colours[c.id] = c.colour
        colours[IGNORE] = 0
        return colours

    def recoloured(self, colours: Mapping[str, tuple[int, int, int]]) -> ClassTable:
        """The same classes, those named (as by_name compares) in another colour."""
        wanted = {normal_name(name): colour for name, colour in colours.items()}
        return ClassTable(tuple(replace(c, colour=wanted.get(normal_name(c.name), c.colour)) for c in self.classes))

    def to_json(self) -> str:
        return json.dumps([{"id": c.id, "name": c.name, "colour": list(c.colour)} for c in self.classes])

    @staticmethod
    def from_json(text: str) -> ClassTable:
        return ClassTable.from_rows(json.loads(text))

    @staticmethod
    def from_rows(rows: Iterable[Mapping[str, object]]) -> ClassTable:
        """Read rows ``{id, name, colour}``; raise InputError for a row of another form."""
        classes = []
        for row in rows:
            try:
                red, green, blue = (int(v) for v in row["colour"])  # type: ignore[attr-defined]
                classes.append(LabelClass(int(str(row["id"])), str(row["name"]), (red, green, blue)))
            except (KeyError, TypeError, ValueError) as error:
                raise InputError(
                    f"a class is not of the form id, name, colour ({error})", where="class table"
                ) from error
        return ClassTable(tuple(classes))


def normal_name(name: str) -> str:
    """The form in which class names are compared."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


STUDIO_CLASSES = ClassTable(
    (
        LabelClass(0, "void", (0, 0, 0)),
        LabelClass(1, "liver", (213, 94, 0)),
        LabelClass(2, "gallbladder", (0, 158, 115)),
        LabelClass(3, "abdominal wall", (204, 121, 167)),
        LabelClass(4, "fat", (240, 228, 66)),
        LabelClass(5, "ligament", (230, 159, 0)),
        LabelClass(6, "tool tip", (86, 180, 233)),
        LabelClass(7, "tool shaft", (0, 114, 178)),
        LabelClass(8, "gastrointestinal tract", (150, 110, 220)),
    )
)
"""Ids 0 to 7 are the public data set's; 8 is ours. Colours after Okabe and Ito (2008), safe for the colour-blind."""

TOOL_CLASSES = frozenset({6, 7})
LIVER = 1
