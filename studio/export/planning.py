"""From a list of translations to frames with numbers, styles with folders and patients with splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.export.classes import ExportClasses, export_classes
from studio.export.splits import split_by_patient
from studio.export.values import ExportItem, ExportOptions
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FLOW_DIRECTIONS

_LABEL_BYTES = 30_000
_IN_NAMES = frozenset(" ._-+()")


@dataclass(frozen=True, slots=True)
class PlannedStyle:
    """A style of this export: its number from 0, name and code."""

    number: int
    name: str
    code: tuple[float, ...]

    @property
    def folder(self) -> str:
        return f"style_{self.number:02d}"


@dataclass(frozen=True)
class PlannedFrame:
    """One frame with all its translations; ``number`` counts from 0 within its patient."""

    patient: str
    folder: str
    split: str
    number: int
    images: tuple[tuple[PlannedStyle, ExportItem], ...]

    @property
    def source(self) -> ExportItem:
        """Any of its items: they share render and layers."""
        return self.images[0][1]


@dataclass(frozen=True)
class Plan:
    """Everything that is to be written, in a fixed order."""

    frames: tuple[PlannedFrame, ...]
    styles: tuple[PlannedStyle, ...]
    splits: Mapping[str, tuple[str, ...]]
    classes: ExportClasses
    folders: Mapping[str, str]
    """Folder name by patient."""

    @property
    def image_count(self) -> int:
        return sum(len(f.images) for f in self.frames)

    @property
    def has_flow(self) -> bool:
        """Whether any frame comes from a sequence with optical flow."""
        return any(f.source.layers.flow(d) is not None for f in self.frames for d in FLOW_DIRECTIONS)


def plan_export(items: Sequence[ExportItem], options: ExportOptions) -> Plan:
    """The plan of an export. Raise InputError when there is nothing to write or a source file is missing."""
    if not items:
        raise InputError("there is nothing to export", where="translations", remedy="Make or accept some first.")
    ordered = sorted(items, key=lambda i: (i.patient, i.frame_name, str(i.render), i.style_name, i.style_code))
    classes = export_classes((i.classes for i in ordered), options.merges)
    splits = split_by_patient((i.patient for i in ordered), options.split, options.seed)
    split_of = {patient: split for split, patients in splits.items() for patient in patients}
    folders = _folder_names(sorted(split_of))
    styles, keys = _styles(ordered)
    by_frame: dict[tuple[str, Path], list[tuple[PlannedStyle, ExportItem]]] = {}
    for item, key in zip(ordered, keys, strict=True):
        by_frame.setdefault((item.patient, item.render), []).append((styles[key], item))
    numbers: Counter[str] = Counter()
    frames = []
    for (patient, _), images in by_frame.items():
        frames.append(PlannedFrame(patient, folders[patient], split_of[patient], numbers[patient], tuple(images)))
        numbers[patient] += 1
    return Plan(tuple(frames), tuple(styles.values()), splits, classes, folders)


def bytes_needed(plan: Plan, options: ExportOptions) -> int:
    """An estimate for the whole export, from the sizes of its sources. Raise InputError for one that is missing."""
    total = 0
    for frame in plan.frames:
        layers = frame.source.layers
        if layers.segmentation is None:
            raise InputError("the frame has no label picture", where=layers.rgb, remedy="Leave its scene out.")
        flow = [layers.flow(direction) for direction in FLOW_DIRECTIONS]
        geometry = [layers.depth, layers.normals, *flow] if options.geometry else []
        for path in (frame.source.render, *geometry, *(item.image for _, item in frame.images)):
            total += 0 if path is None else _size_of(path)
        total += _size_of(layers.segmentation) + _LABEL_BYTES
    return total


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError("there is no such file", where=path, remedy="Relink the project, or make it again.") from error


_StyleKey = tuple[str, tuple[float, ...], int]


def _styles(items: Sequence[ExportItem]) -> tuple[dict[_StyleKey, PlannedStyle], list[_StyleKey]]:
    """Styles by key, and each item's key; the same frame twice in one style (of two runs) makes it two styles."""
    seen: Counter[tuple[str, Path, str, tuple[float, ...]]] = Counter()
    keys: list[_StyleKey] = []
    for item in items:
        place = item.patient, item.render, item.style_name, item.style_code
        keys.append((item.style_name, item.style_code, seen[place]))
        seen[place] += 1
    return {key: PlannedStyle(n, key[0], key[1]) for n, key in enumerate(sorted(set(keys)))}, keys


def _folder_names(patients: Sequence[str]) -> dict[str, str]:
    """A name for each patient that every file system takes, no two alike even where case does not count."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for patient in patients:
        clean = "".join(c if c.isalnum() or c in _IN_NAMES else "_" for c in patient).strip(" .")[:80] or "patient"
        name, number = clean, 2
        while name.casefold() in taken:
            name, number = f"{clean}_{number}", number + 1
        taken.add(name.casefold())
        names[patient] = name
    return names
