"""The colours in which a project shows its classes: the classes' own, or those chosen for the project.

Overlays, exports and reports all take them from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from studio.export.values import ExportItem
from studio.project.project import Project
from studio.vocabulary.colour_vision import LEAST_DIFFERENCE, Colour, alike, colour_of, hex_of
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable, LabelClass, normal_name

_KEPT = "class_colours"


def class_colours(project: Project) -> dict[str, Colour]:
    """Colours (8-bit sRGB) by class name that were chosen for this project, in the place of the classes' own."""
    kept = project.setting(_KEPT, {})
    return {str(name): (int(r), int(g), int(b)) for name, (r, g, b) in kept.items()}


def set_class_colour(project: Project, name: str, colour: Colour | None) -> None:
    """Show a class in this colour from now on, in the window, in exports and in reports; None: in its own again."""
    chosen = {n: c for n, c in class_colours(project).items() if normal_name(n) != normal_name(name)}
    project.set_setting(_KEPT, chosen if colour is None else {**chosen, name: colour})


def project_classes(project: Project) -> ClassTable:
    """The classes of all scenes in their own colours, each name once; the studio's where there are no scenes yet.

    Scenes number their classes as they like: here they are numbered anew where ids collide.
    """
    tables = [scene.classes for scene in project.scenes.all()] or [STUDIO_CLASSES]
    found: dict[str, LabelClass] = {}
    for table in tables:
        for known in table:
            found.setdefault(normal_name(known.name), known)
    taken: set[int] = set()
    classes = []
    for known in found.values():
        free = known.id if known.id not in taken else next(i for i in range(1, 255) if i not in taken)
        taken.add(free)
        classes.append(replace(known, id=free))
    return ClassTable(tuple(sorted(classes, key=lambda c: c.id)))


def coloured_classes(project: Project) -> ClassTable:
    """project_classes in the colours that they are shown in."""
    return project_classes(project).recoloured(class_colours(project))


def change_class_colours(
    project: Project, colours: Iterable[tuple[str, Colour]], *, reset: Iterable[str] | None = ()
) -> None:
    """Give classes other colours, or (``reset``: names, None = all) their own again. Raise InputError for a class that
    no scene has; then nothing is changed."""
    known = project_classes(project)
    wanted = [(known.by_name(name).name, colour) for name, colour in colours]
    own = [c.name for c in known] if reset is None else [known.by_name(name).name for name in reset]
    if reset is None:
        project.set_setting(_KEPT, {})
    for name in own:
        set_class_colour(project, name, None)
    for name, colour in wanted:
        set_class_colour(project, name, colour)


def described(project: Project) -> dict[str, Any]:
    """The classes with their colours, and the pairs that some people can hardly tell apart; JSON-able."""
    own, shown = project_classes(project), coloured_classes(project)
    rows = [
        {"id": c.id, "name": c.name, "colour": hex_of(c.colour), "own": hex_of(o.colour), "chosen": c != o}
        for c, o in zip(shown, own, strict=True)
    ]
    pairs = [
        {"first": p.first, "second": p.second, "viewers": p.viewers, "difference": round(p.difference, 1)}
        for p in alike(shown)
    ]
    return {"classes": rows, "hard_to_tell_apart": pairs, "least_difference": LEAST_DIFFERENCE}


def shown_colours(project: Project, items: Sequence[ExportItem]) -> dict[str, str]:
    """Colour (``#rrggbb``) by name of every class in an export: what its recipe keeps, so that it comes out again."""
    colours: dict[str, str] = {}
    for table in dict.fromkeys(item.classes for item in items):
        for known in table.recoloured(class_colours(project)):
            colours.setdefault(normal_name(known.name), hex_of(known.colour))
    return dict(sorted(colours.items()))


def in_colours(items: Iterable[ExportItem], colours: Mapping[str, str]) -> list[ExportItem]:
    """The items, their classes in the colours of a recipe. Raise InputError for what is no colour."""
    if not isinstance(colours, Mapping):
        raise InputError("class_colours are no pairs of class and colour", where="recipe")
    chosen = {name: colour_of(str(text)) for name, text in colours.items()}
    tables: dict[ClassTable, ClassTable] = {}
    coloured = []
    for item in items:
        if item.classes not in tables:
            tables[item.classes] = item.classes.recoloured(chosen)
        coloured.append(replace(item, classes=tables[item.classes]))
    return coloured
