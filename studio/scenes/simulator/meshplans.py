"""Which mesh is which organ of which patient: from a folder's file names, or from an anatomy file (TOML)."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.atomic import hash_bytes, hash_ends, small_text
from studio.files.pictures import read_rgb
from studio.scenes.simulator.anatomy import (
    BOWEL,
    FAT,
    GALLBLADDER,
    LIGAMENT,
    LIVER,
    TOOL_SHAFT,
    TOOL_TIP,
    WALL,
)  # fmt: skip
from studio.scenes.simulator.meshcoordinates import has_coordinates
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
_PICTURES = frozenset({".png", ".jpg", ".jpeg"})
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
    repair: bool = True
    texture: Path | None = field(default=None, repr=False)
    """A picture. (Said by its content in plan_digest.)"""


@dataclass(frozen=True)
class PlannedInstrument:
    """Lies along z, the tip towards positive z; two ``jaws`` hinge about x at the origin. One and no shaft: whole."""

    name: str
    shaft: Path | None
    jaws: tuple[Path, ...]
    mm_per_unit: float | None = None
    repair: bool = True


@dataclass(frozen=True)
class AnatomyPlan:
    """What one patient is made of. ``turn`` maps the files' axes to body axes; None: guessed from the shapes."""

    name: str
    meshes: tuple[PlannedMesh, ...]
    instruments: tuple[PlannedInstrument, ...] = ()
    turn: tuple[tuple[float, ...], ...] | None = None
    fixed: bool = field(default=False)
    """Placed by hand: neither moved nor varied from patient to patient."""


def plan_digest(plan: AnatomyPlan) -> str:
    """What a body from meshes depends on: the plan, and its files' contents by their ends; 32 hexadecimal digits."""
    parts = [replace(m, path=Path(m.path.name)) for m in plan.meshes]
    tools = [(t.name, t.mm_per_unit, t.repair) for t in plan.instruments]
    files = [m.path for m in plan.meshes] + [f for t in plan.instruments for f in (t.shaft, *t.jaws) if f is not None]
    said = [repr(m).replace("PosixPath", "Path").replace("WindowsPath", "Path") for m in parts]
    pictures = [f"texture {i} {hash_bytes(m.texture.read_bytes())}"
                for i, m in enumerate(plan.meshes) if m.texture is not None]  # fmt: skip
    return hash_bytes("\n".join([*said, repr(tools), repr(plan.turn), *map(hash_ends, files), *pictures]).encode())


def plans_in_folder(folder: Path) -> list[AnatomyPlan]:
    """One plan per body found below a folder; instruments serve all. Raise InputError when nothing can be used."""
    if not folder.is_dir():
        what = "a file, and no folder" if folder.exists() else "there is no such folder"
        raise InputError(what, where=folder, remedy="Name a folder with OBJ, STL, PLY or GLB.")
    try:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MESH_SUFFIXES and p.is_file())
    except OSError as error:
        raise InputError(f"cannot be looked through ({error.strerror}: {error.filename})", where=folder,
                         remedy="Name the folder of the meshes alone.") from error  # fmt: skip
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
        colour = [0.5, 0.2, 0.15]            # or "#803028"; or a picture, for meshes with texture coordinates:
        # texture = "liver.png"              # PNG or JPEG, relative to this file
        repair = false                       # leave holes open and faces as they are wound
        [[instrument]]
        name = "grasper"
        shaft = "shaft.stl"
        jaws = ["left.stl", "right.stl"]
        units = "mm"

    Axes that are not given are told by the shapes, unless a part is moved or turned. Raise InputError that names the
    key and its line for anything that is not understood.
    """
    try:
        content = tomllib.loads(small_text(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"not valid TOML ({error})", where=path, remedy="Correct it there.") from error
    top = _Table(content, path)
    top.check({"name", "axes", "part", "instrument"})
    parts, tools = _tables(top, "part"), _tables(top, "instrument")
    if not parts + tools:
        raise InputError("names no parts", where=path, remedy="Add a [[part]] with file and class.")
    _check_one_liver(parts)
    by_hand = any(isinstance(p.values, dict) and {"move", "turn"} & set(p.values) for p in parts)
    axes = str(content.get("axes", "+x +y +z" if by_hand else "auto"))
    name = re.sub(r"[^A-Za-z0-9-]+", "-", _name(top, path.stem)).strip("-").lower()
    plan = AnatomyPlan(
        name or "body", tuple(map(_part, parts)), tuple(map(_instrument, tools)),
        turn=None if axes == "auto" else _axes(axes, top), fixed=any("move" in p.values for p in parts),
    )  # fmt: skip
    _check_files(parts, tools)
    _check_textures(parts)
    return plan


def _tables(top: _Table, header: str) -> list[_Table]:
    found = top.get(header, [])
    if not isinstance(found, list):
        raise top.error(f"'{header}'", header, "is one table or value", remedy=f"Write [[{header}]], once for each.")
    return [_Table(values, top.path, header, i) for i, values in enumerate(found)]


def _name(table: _Table, otherwise: str) -> str:
    name = table.get("name", otherwise)
    if not isinstance(name, str):
        raise table.error(f"name '{name}'", "name", "is no text", remedy='Write it in quotes: name = "case 7".')
    return name


def _check_files(parts: Sequence[_Table], tools: Sequence[_Table]) -> None:
    """Raise InputError for a file that is not there, once all else in the anatomy file is right."""
    named = [(t, "file", t.get("file")) for t in parts]
    named += [(t, "texture", t.get("texture")) for t in parts if "texture" in t.values]
    named += [(t, "shaft", t.get("shaft")) for t in tools if "shaft" in t.values]
    named += [(t, "jaws", jaw) for t in tools for jaw in t.get("jaws")]
    for table, key, name in named:
        path = table.path.parent / name
        if not path.exists():
            there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            near = difflib.get_close_matches(path.name, there, n=1)
            remedy = f"Did you mean '{near[0]}'?" if near else "Name it relative to the anatomy file."
            raise table.error(f"{key} '{name}'", key, "is not there", remedy=remedy)


def _check_textures(parts: Sequence[_Table]) -> None:
    """Raise InputError for a picture that can't be used, and for a mesh that has no coordinates for it."""
    for table in (t for t in parts if "texture" in t.values):
        name, mesh = table.get("texture"), table.path.parent / table.get("file")
        try:
            read_rgb(table.path.parent / name)
        except InputError as error:
            raise table.error(f"texture '{name}'", "texture", f"cannot be used: {error.what}",
                              remedy=error.remedy) from error  # fmt: skip
        if not has_coordinates(mesh):
            raise table.error(
                f"texture '{name}'", "texture", f"on '{mesh.name}': this mesh has no texture coordinates",
                remedy="Give a colour, or an OBJ with vt lines.",
            )  # fmt: skip


def _check_one_liver(tables: Sequence[_Table]) -> None:
    """Raise InputError for a second liver without a place of its own: the first one's is taken."""
    livers = [t for t in tables if isinstance(t.values, dict) and str(t.get("class")).strip().lower() == "liver"]
    for table in livers[1:]:
        if table.get("move") is None:
            raise table.error(
                "a second liver", "class",
                remedy="Write an anatomy file for each body. Parts of one liver are joined in one file, or moved to"
                " their places: move = [0, 0, 0].",
            )  # fmt: skip


@dataclass(frozen=True)
class _Table:
    """A table of an anatomy file: the file itself, or the ``number``-th [[header]] (from 0)."""

    values: Any
    path: Path
    header: str = ""
    number: int = 0

    def check(self, known: set[str]) -> None:
        """Raise InputError for a key that is not known."""
        if not isinstance(self.values, dict):
            raise InputError(f"a {self.header} is not a table", where=self.path, remedy=f"Write [[{self.header}]].")
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                meant = f"Did you mean '{near[0]}'? " if near else ""
                raise self.error(
                    f"key '{key}'", key, "is not known", remedy=f"{meant}Known: {', '.join(sorted(known))}."
                )

    def get(self, key: str, other: Any = None) -> Any:
        return self.values.get(key, other)

    def error(self, what: str, key: str, more: str = "", *, remedy: str) -> InputError:
        """One line that names the key's line, or the table's where it has no such key."""
        line = self._line(key)
        at = f" (line {line})" if line else ""
        return InputError(f"{what}{at}{' ' + more if more else ''}", where=self.path, remedy=remedy)

    def _line(self, key: str) -> int:
        lines = small_text(self.path).splitlines()
        start = 0
        if self.header:
            headers = [i for i, t in enumerate(lines) if re.match(rf"\s*\[\[\s*{self.header}\s*\]\]", t)]
            if self.number >= len(headers):  # tables within a list: told only where a single line has the key
                found = [i for i, t in enumerate(lines, 1) if key and re.search(rf"\b{re.escape(key)}[\"']?\s*=", t)]
                return found[0] if len(found) == 1 else 0
            start = headers[self.number]
        pattern = rf"\s*\[*\s*[\"']?{re.escape(key)}\b"
        return next((i + 1 for i in range(start, len(lines)) if re.match(pattern, lines[i])), start + bool(self.header))


def _part(table: _Table) -> PlannedMesh:
    table.check({"file", "class", "units", "move", "turn", "scale", "colour", "texture", "repair"})
    for key in ("file", "class"):
        if table.get(key) is None:
            raise table.error("a part", "", f"lacks {key}", remedy="Give it both file and class.")
    try:
        class_id = STUDIO_CLASSES.by_name(str(table.get("class"))).id
    except InputError as error:
        raise table.error(error.what, "class", remedy=error.remedy) from error
    if class_id in (TOOL_TIP, TOOL_SHAFT):
        raise table.error(f"class '{table.get('class')}'", "class", "is an instrument's",
                          remedy="Name its files in an [[instrument]].")  # fmt: skip
    turn, move = (_three(table, key) for key in ("turn", "move"))
    return PlannedMesh(
        _mesh_path(table, "file", table.get("file")), class_id, _unit(table), _placed(turn, move, _scale(table)),
        _colour(table), "move" in table.values, _repair(table), _texture(table),
    )  # fmt: skip


def _mesh_path(table: _Table, key: str, name: Any) -> Path:
    """The file that an anatomy file names, relative to itself."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise table.error(f"'{name}'", key, "is no file's name", remedy='Write it in quotes: "liver.stl".')
    return table.path.parent / name


def _instrument(table: _Table) -> PlannedInstrument:
    table.check({"name", "shaft", "jaws", "units", "repair"})
    jaws = table.get("jaws", [])
    if not isinstance(jaws, list):
        raise table.error(f"jaws '{jaws}'", "jaws", "are no list", remedy=f'Write jaws = ["{jaws}"].')
    if not jaws:
        raise table.error("an instrument", "jaws", "has no jaws", remedy='Add jaws = ["tip.stl"].')
    if len(jaws) > 2:
        raise table.error(f"an instrument of {len(jaws)} jaws", "jaws", remedy="Give two, or one file of the whole.")
    shaft = _mesh_path(table, "shaft", table.get("shaft")) if "shaft" in table.values else None
    found = tuple(_mesh_path(table, "jaws", j) for j in jaws)
    return PlannedInstrument(_name(table, "instrument"), shaft, found, _unit(table), _repair(table))


def _repair(table: _Table) -> bool:
    value = table.get("repair", True)
    if not isinstance(value, bool):
        raise table.error(f"repair '{value}'", "repair", "is not understood", remedy="Write true or false.")
    return value


def _unit(table: _Table) -> float | None:
    unit = table.get("units")
    if unit is None:
        return None
    if str(unit) not in UNITS:
        near = difflib.get_close_matches(str(unit), UNITS, n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise table.error(f"units '{unit}'", "units", "are not known", remedy=f"{meant}Use {', '.join(UNITS)}.")
    return UNITS[str(unit)]


def _scale(table: _Table) -> float:
    value = table.get("scale", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e4:
        raise table.error(
            f"scale '{value}'", "scale", "is not understood", remedy="Write a number above 0, such as 1.2."
        )
    return float(value)


def _axes(text: str, table: _Table) -> tuple[tuple[float, ...], ...]:
    words = text.split()
    if len(words) != 3 or any(not re.fullmatch(r"[+-]?[xyz]", w) for w in words):
        raise table.error(f"axes '{text}'", "axes", "are not understood", remedy='Write e.g. "+x -z +y", or "auto".')
    turn = np.zeros((3, 3))
    for row, word in enumerate(words):
        turn[row, "xyz".index(word[-1])] = -1.0 if word[0] == "-" else 1.0
    if abs(np.linalg.det(turn)) < 0.5:
        raise table.error(f"axes '{text}'", "axes", "name one axis twice", remedy="Name each of x, y, z once.")
    return tuple(tuple(float(v) for v in row) for row in turn)


def _three(table: _Table, key: str) -> np.ndarray:
    """The three numbers of a key, 0 where it is not given."""
    found = _numbers(table.get(key, (0, 0, 0)))
    if found is None:
        raise table.error(
            f"{key} '{table.get(key)}'", key, "is not understood", remedy="Write three numbers: [0, 0, 0]."
        )
    return found


def _numbers(value: Any) -> np.ndarray | None:
    """Three finite numbers, or None."""
    if not isinstance(value, list | tuple) or len(value) != 3 or any(isinstance(v, bool | str) for v in value):
        return None
    try:
        array = np.array([float(v) for v in value])
    except (TypeError, ValueError, OverflowError):
        return None
    return array if np.isfinite(array).all() else None


def _placed(turn_degrees: np.ndarray, move: np.ndarray, scale: float) -> tuple[tuple[float, ...], ...]:
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


def _texture(table: _Table) -> Path | None:
    name = table.get("texture")
    if name is None:
        return None
    if table.get("colour") is not None:
        raise table.error("a texture", "texture", "beside a colour", remedy="Keep one of the two.")
    if not isinstance(name, str) or Path(name).suffix.lower() not in _PICTURES or "\0" in name:
        raise table.error(f"texture '{name}'", "texture", "is no picture's name",
                          remedy='Write a PNG or JPEG in quotes: "liver.png".')  # fmt: skip
    return table.path.parent / name


def _colour(table: _Table) -> tuple[float, float, float] | None:
    value = table.get("colour")
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        value = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    found = _numbers(value)
    if found is None or found.min() < 0 or found.max() > 1:
        raise table.error(f"colour '{table.get('colour')}'", "colour", "is not understood",
                          remedy='Write "#rrggbb", or three numbers of 0 to 1.')  # fmt: skip
    red, green, blue = found
    return float(red), float(green), float(blue)
