"""Which mesh is which organ of which patient: from a folder's file names, or from an anatomy file (TOML)."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from studio.scenes.simulator.anatomy import BOWEL, FAT, GALLBLADDER, LIGAMENT, LIVER, WALL
from studio.scenes.simulator.meshfiles import MESH_SUFFIXES
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

UNNAMED = 0
"""Tissue that the class table has no word for (spleen, kidney): labelled void."""

_WORDS: tuple[tuple[str, int], ...] = (
    ("gallbladder|gall bladder|gall|cystic|vesica", GALLBLADDER),
    ("liver|hepar|hepatic", LIVER),
    ("abdominal wall|abdomen wall|wall|diaphragm|peritoneum", WALL),
    ("omentum|fat|adipose|mesentery", FAT),
    ("falciform|ligament", LIGAMENT),
    ("stomach|duodenum|bowel|intestine|colon|jejunum|ileum|gut|gastro", BOWEL),
    ("spleen|kidney|pancreas|adrenal|bladder", UNNAMED),
)
CLASS_WORDS = {c.id: c.name for c in STUDIO_CLASSES} | {UNNAMED: "spleen, kidney or other organ"}
_INSTRUMENT_WORDS = re.compile(
    r"shaft|jaw|grasper|forceps|scissors|dissector|electrode|hook|instrument|tool|needle|clip|suction|trocar"
)
UNITS = {"mm": 1.0, "cm": 10.0, "dm": 100.0, "m": 1000.0, "in": 25.4, "um": 0.001}
"""mm per unit."""


@dataclass(frozen=True)
class PlannedMesh:
    """One file as one organ. ``mm_per_unit`` None: guessed. ``matrix`` (4x4, mm, body axes) applies after scaling;
    ``moved``: it says where the organ lies, also where the liver's frame is another."""

    path: Path
    class_id: int
    mm_per_unit: float | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    colour: tuple[float, float, float] | None = None
    moved: bool = False


@dataclass(frozen=True)
class PlannedInstrument:
    """Lies along z, the tip towards positive z; two ``jaws`` hinge about x at the origin. One and no shaft: whole."""

    name: str
    shaft: Path | None
    jaws: tuple[Path, ...]
    mm_per_unit: float | None = None


@dataclass(frozen=True)
class AnatomyPlan:
    """What one patient is made of. ``turn`` maps the files' axes to body axes; None: guessed from the shapes."""

    name: str
    meshes: tuple[PlannedMesh, ...]
    instruments: tuple[PlannedInstrument, ...] = ()
    turn: tuple[tuple[float, ...], ...] | None = None
    fixed: bool = field(default=False)
    """Placed by hand: neither moved nor varied from patient to patient."""


def plans_in_folder(folder: Path) -> list[AnatomyPlan]:
    """One plan per body found below a folder; instruments serve all. Raise InputError when nothing can be used."""
    if not folder.is_dir():
        raise InputError("there is no such folder", where=folder, remedy="Name a folder with OBJ, STL, PLY or GLB.")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MESH_SUFFIXES and p.is_file())
    if not files:
        raise InputError("no meshes here or below", where=folder, remedy="Put OBJ, STL, PLY or GLB files there.")
    organs = [(p, c) for p in files if (c := class_in_name(p.stem)) is not None]
    tools = [p for p in files if class_in_name(p.stem) is None and _INSTRUMENT_WORDS.search(plain_words(p.stem))]
    if not organs and not tools:
        raise InputError(
            "no mesh is named after an organ or an instrument", where=folder,
            remedy="Put liver, gallbladder, fat, wall, stomach ... in the names, or write an anatomy file.",
        )  # fmt: skip
    instruments = instruments_among(tools)
    plans = [
        AnatomyPlan(name, tuple(PlannedMesh(p, c) for p, c in members), instruments)
        for name, members in _bodies(organs, folder)
    ]
    return plans or [AnatomyPlan(folder.name, (), instruments)]


def plain_words(stem: str) -> str:
    """A file name's words: camel case cut, separators as blanks, lower case."""
    cut = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    return " ".join(re.split(r"[\W_\d]+", cut)).lower().strip()


def class_in_name(stem: str) -> int | None:
    """The class that a file name speaks of, or None."""
    words = plain_words(stem)
    return next((c for pattern, c in _WORDS if re.search(rf"\b(?:{pattern})", words)), None)


def _bodies(organs: Sequence[tuple[Path, int]], folder: Path) -> list[tuple[str, list[tuple[Path, int]]]]:
    """Files of one folder are one body, unless they hold several livers: then what is left of each name parts them."""
    by_folder: dict[Path, list[tuple[Path, int]]] = {}
    for path, class_id in organs:
        by_folder.setdefault(path.parent, []).append((path, class_id))
    bodies = []
    for parent, members in by_folder.items():
        name = parent.name if parent != folder else folder.name
        if sum(c == LIVER for _, c in members) <= 1:
            bodies.append((name, members))
            continue
        variants: dict[str, list[tuple[Path, int]]] = {}
        for path, class_id in members:
            variants.setdefault(_without_class(path.stem), []).append((path, class_id))
        bodies += [(f"{name}-{key}" if key else name, found) for key, found in sorted(variants.items())]
    return [(re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-").lower() or "body", found) for name, found in bodies]


def _without_class(stem: str) -> str:
    words = plain_words(stem)
    for pattern, _ in _WORDS:
        words = re.sub(rf"\b(?:{pattern})\w*", " ", words)
    return "-".join(words.split())


def instruments_among(paths: Sequence[Path]) -> tuple[PlannedInstrument, ...]:
    """Shafts, pairs of jaws and whole instruments, put together by name."""
    shaft = next((p for p in paths if "shaft" in plain_words(p.stem)), None)
    jaws: dict[str, list[Path]] = {}
    whole = []
    for path in paths:
        words = plain_words(path.stem)
        if "jaw" in words:
            jaws.setdefault(re.sub(r"\b(jaw|left|right|upper|lower)\b", "", words).strip() or "grasper", []).append(
                path
            )
        elif path != shaft and "shaft" not in words and "trocar" not in words:
            whole.append(PlannedInstrument(" ".join(words.split()), None, (path,)))
    pairs = [PlannedInstrument(" ".join(name.split()), shaft, tuple(found)) for name, found in sorted(jaws.items())]
    return (*pairs, *whole)


def plan_from_file(path: Path) -> AnatomyPlan:
    """Read an anatomy file::

        name = "pig 3"                       # optional
        axes = "+x +y +z"                    # which of the files' axes point left, to the head, to the front; or "auto"
        [[part]]
        file = "liver.stl"                   # relative to this file
        class = "liver"
        units = "mm"                         # mm, cm, dm, m, in, um; guessed when absent
        move = [0, 0, 0]                     # mm; without it, what does not fit the liver is placed by class
        turn = [0, 0, 0]                     # degrees about x, y, z, in this order
        scale = 1.0
        colour = [0.5, 0.2, 0.15]            # or "#803028"
        [[instrument]]
        name = "grasper"
        shaft = "shaft.stl"
        jaws = ["left.stl", "right.stl"]
        units = "mm"

    Raise InputError that names the key for anything that is not understood.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("cannot be read", where=path, remedy="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid TOML ({error})", where=path, remedy="Correct it there.") from error
    _known_keys(content, {"name", "axes", "part", "instrument"}, path)
    parts, tools = content.get("part", []), content.get("instrument", [])
    if not isinstance(parts, list) or not isinstance(tools, list) or not parts + tools:
        raise InputError("names no parts", where=path, remedy="Add a [[part]] with file and class.")
    axes = str(content.get("axes", "+x +y +z"))
    name = re.sub(r"[^A-Za-z0-9-]+", "-", str(content.get("name", path.stem))).strip("-").lower()
    return AnatomyPlan(
        name or "body", tuple(_part(p, path) for p in parts), tuple(_instrument(t, path) for t in tools),
        turn=None if axes == "auto" else _axes(axes, path), fixed=any("move" in p for p in parts),
    )  # fmt: skip


def _known_keys(table: Any, known: set[str], path: Path) -> None:
    if not isinstance(table, dict):
        raise InputError("a part is not a table", where=path, remedy="Write it under [[part]].")
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f"Did you mean '{near[0]}'? " if near else ""
            line = _line_of(path, rf"\s*\[*\s*{re.escape(key)}\b")
            raise InputError(
                f"key '{key}'{line} is not known", where=path,
                remedy=f"{meant}Known: {', '.join(sorted(known))}.",
            )  # fmt: skip


def _line_of(path: Path, pattern: str) -> str:
    """`` (line N)`` of the first line that begins so, or nothing."""
    lines = path.read_text(encoding="utf-8").splitlines()
    line = next((i for i, text in enumerate(lines, 1) if re.match(pattern, text)), 0)
    return f" (line {line})" if line else ""


def _part(table: Any, path: Path) -> PlannedMesh:
    _known_keys(table, {"file", "class", "units", "move", "turn", "scale", "colour"}, path)
    if "file" not in table or "class" not in table:
        raise InputError("a part lacks file or class", where=path, remedy="Give both.")
    try:
        class_id = STUDIO_CLASSES.by_name(str(table["class"])).id
    except InputError as error:
        line = _line_of(path, rf"\s*class\s*=\s*.{re.escape(str(table['class']))}")
        raise InputError(f"{error.what}{line}", where=path, remedy=error.remedy) from error
    try:
        scale = float(table.get("scale", 1.0))
        matrix = _placed(_three(table.get("turn", (0, 0, 0))), _three(table.get("move", (0, 0, 0))), scale)
        colour = _colour(table.get("colour"))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"part '{table['file']}': {error}", where=path, remedy="move and turn take three numbers each."
        ) from error
    return PlannedMesh(_mesh_path(table["file"], path), class_id, _unit(table, path), matrix, colour, "move" in table)


def _mesh_path(name: Any, path: Path) -> Path:
    """The file that an anatomy file names, relative to itself."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise InputError(f"'{name}' is no file's name", where=path, remedy='Write it in quotes: "liver.stl".')
    return path.parent / name


def _instrument(table: Any, path: Path) -> PlannedInstrument:
    _known_keys(table, {"name", "shaft", "jaws", "units"}, path)
    jaws = table.get("jaws", [])
    if not isinstance(jaws, list) or not jaws:
        raise InputError("an instrument has no jaws", where=path, remedy='Add jaws = ["tip.stl"].')
    shaft = _mesh_path(table["shaft"], path) if "shaft" in table else None
    found = tuple(_mesh_path(j, path) for j in jaws)
    return PlannedInstrument(str(table.get("name", "instrument")), shaft, found, _unit(table, path))


def _unit(table: Any, path: Path) -> float | None:
    if "units" not in table:
        return None
    if str(table["units"]) not in UNITS:
        raise InputError(f"units '{table['units']}' are not known", where=path, remedy=f"Use {', '.join(UNITS)}.")
    return UNITS[str(table["units"])]


def _axes(text: str, path: Path) -> tuple[tuple[float, ...], ...]:
    words = text.split()
    if len(words) != 3 or any(not re.fullmatch(r"[+-]?[xyz]", w) for w in words):
        raise InputError(f"axes '{text}' are not understood", where=path, remedy='Write e.g. "+x -z +y", or "auto".')
    turn = np.zeros((3, 3))
    for row, word in enumerate(words):
        turn[row, "xyz".index(word[-1])] = -1.0 if word[0] == "-" else 1.0
    if abs(np.linalg.det(turn)) < 0.5:
        raise InputError(f"axes '{text}' name one axis twice", where=path, remedy="Name each of x, y, z once.")
    return tuple(tuple(float(v) for v in row) for row in turn)


def _three(values: Any) -> np.ndarray:
    array = np.array([float(v) for v in values])
    if array.shape != (3,) or not np.isfinite(array).all():
        raise ValueError("three numbers are needed")
    return array


def _placed(turn_degrees: np.ndarray, move: np.ndarray, scale: float) -> tuple[tuple[float, ...], ...]:
    if not 0 < scale < 1e4:
        raise ValueError("scale must lie above 0")
    matrix = np.eye(4)
    for axis, angle in enumerate(np.deg2rad(turn_degrees)):
        c, s = np.cos(angle), np.sin(angle)
        step = np.eye(4)
        a, b = [(1, 2), (2, 0), (0, 1)][axis]
        step[a, a], step[a, b], step[b, a], step[b, b] = c, -s, s, c
        matrix = step @ matrix
    matrix[:3, :3] *= scale
    matrix[:3, 3] = move
    return tuple(tuple(float(v) for v in row) for row in matrix)


def _colour(value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if isinstance(value, str):
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            raise ValueError(f"colour '{value}' is not of the form #rrggbb")
        value = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = _three(value)
    return float(red), float(green), float(blue)
