"""A mapping: what the user says about scenes that their layout leaves open. TOML or JSON, kept with the project.

::

    [layers.rgb]
    folder = "images"
    [layers.segmentation]
    folder = "masks"
    encoding = "grey"            # or colour
    [layers.depth]
    folder = "depth"
    encoding = "png16"           # or exr, npy
    mm_per_unit = 0.1            # what one step (png16) or one unit (exr, npy) is in mm
    [layers.normals]
    folder = "normals"
    encoding = "exr"             # x, y, z; or exr01, png8, png16: (n + 1) / 2
    axes = "opengl"              # or opencv
    [camera]
    fx = 452.0
    [classes]
    "51" = "gallbladder"
    [geometry]
    normals_flip = "yz"

``layers`` are for the layout ``folders``, ``camera`` is for what has no intrinsics of its own; ``classes`` and
``geometry`` are for every layout.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.scenes.class_names import class_id
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import LAYER_NAMES

ENCODINGS: dict[str, tuple[str, ...]] = {
    "rgb": ("picture",),
    "segmentation": ("grey", "colour"),
    "depth": ("exr", "png16", "npy"),
    "normals": ("exr", "exr01", "png8", "png16"),
}
"""How a layer may be stored in plain folders; the first is taken where none is named."""

AXES = ("opencv", "opengl")
DEPTH_KINDS = ("planar", "ray")
FLIPS = ("none", "x", "y", "z", "xy", "xz", "yz", "xyz")
SPACES = ("camera", "world")
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class FolderLayer:
    """One layer of plain folders. ``folder`` is relative to the scene's; ``mm_per_unit`` belongs to depth."""

    folder: str
    encoding: str = ""
    mm_per_unit: float | None = None
    axes: str = "opencv"


@dataclass(frozen=True)
class Camera:
    """Intrinsics in px with the pixel centre at +0.5, or a horizontal ``field_of_view`` in degrees, or ``file``: a
    frames.json in the form of the layout ``frames``, relative to the scene. All empty = unknown.
    """

    fx: float | None = None
    fy: float | None = None
    cx: float | None = None
    cy: float | None = None
    field_of_view: float | None = None
    file: str = ""


@dataclass(frozen=True)
class Geometry:
    """What is said about depth and normals beyond the layout's own rules. Empty or None = nothing is said.

    ``normals_space`` "world": the normals, once flipped, are in the world's axes and are turned by the camera's pose.
    ``scale`` multiplies every length (depth, camera and tool positions) after the layout's own units.
    """

    depth_kind: str = ""
    normals_flip: str = ""
    normals_space: str = ""
    scale: float | None = None
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class SceneMapping:
    """``classes``: stored value or name -> studio class or "ignore". ``patient`` overrides what the layout gives."""

    layers: Mapping[str, FolderLayer] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    camera: Camera = Camera()
    geometry: Geometry = Geometry()
    patient: str = ""

    def to_json(self) -> str:
        """Without what is not said."""
        return json.dumps(_without_empty(asdict(self)))

    @staticmethod
    def from_json(text: str, *, where: object = "mapping") -> SceneMapping:
        """Raise InputError, with line and key, for what is not of the form described."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON ({error})", where=where, remedy="Mend the line named.") from error
        return _Reading(text, where).mapping(values)

    @staticmethod
    def from_toml(text: str, *, where: object = "mapping") -> SceneMapping:
        """Raise InputError, with line and key, for what is not of the form described."""
        try:
            values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(f"not TOML ({error})", where=where, remedy="Mend the line named.") from error
        return _Reading(text, where).mapping(values)


NO_MAPPING = SceneMapping()


def read_mapping(path: Path) -> SceneMapping:
    """A mapping file, JSON by its ending and TOML otherwise. Raise InputError for what is wrong in it."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError("too large for a mapping", where=path, remedy="Name the TOML or JSON file.")
        text = path.read_text(encoding="utf-8-sig")  # editors on Windows put a byte-order mark before it
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the mapping can't be read", where=path, remedy="Name a TOML or JSON file.") from error
    if path.suffix.lower() == ".json":
        return SceneMapping.from_json(text, where=path)
    return SceneMapping.from_toml(text, where=path)


class _Reading:
    """Values of a file into a mapping; what is wrong is said with its key and, where it can be found, its line."""

    def __init__(self, text: str, where: object) -> None:
        self._lines = text.splitlines()
        self._where = where

    def mapping(self, values: object) -> SceneMapping:
        top = self._table(values, "", ("layers", "classes", "camera", "geometry", "patient"))
        layers = self._table(top.get("layers", {}), "layers", LAYER_NAMES)
        classes = top.get("classes", {})
        if not isinstance(classes, dict):
            raise self._wrong("classes", "is no table of value = class")
        for key, word in classes.items():
            self._class(key, word)
        return SceneMapping(
            layers={name: self._layer(name, row) for name, row in layers.items()},
            classes={str(k): str(v) for k, v in classes.items()},
            camera=self._camera(top.get("camera", {})),
            geometry=self._geometry(top.get("geometry", {})),
            patient=self._text(top, "patient", ""),
        )

    def _class(self, key: str, word: object) -> None:
        try:
            class_id(str(word))
        except InputError as error:
            raise self._wrong(f"classes.{key}", error.what, error.remedy) from error

    def _layer(self, name: str, row: object) -> FolderLayer:
        at = f"layers.{name}"
        table = self._table(row, at, ("folder", "encoding", "mm_per_unit", "axes"))
        folder = self._text(table, "folder", at)
        if not folder:
            raise self._wrong(f"{at}.folder", "is missing", "Name the layer's folder.")
        return FolderLayer(
            folder,
            self._choice(table, "encoding", at, ENCODINGS[name]) or ENCODINGS[name][0],
            self._number(table, "mm_per_unit", at),
            self._choice(table, "axes", at, AXES) or AXES[0],
        )

    def _camera(self, row: object) -> Camera:
        names = ("fx", "fy", "cx", "cy", "field_of_view")
        table = self._table(row, "camera", (*names, "file"))
        numbers = {name: self._number(table, name, "camera") for name in names}
        if (angle := numbers["field_of_view"]) is not None and angle >= 180:
            raise self._wrong("camera.field_of_view", f"is {angle:g}", "Give degrees below 180.")
        if numbers["fx"] is None and any(numbers[n] is not None for n in ("fy", "cx", "cy")):
            raise self._wrong("camera.fx", "is missing", "Give fx with fy, cx and cy, or field_of_view.")
        return Camera(**numbers, file=self._text(table, "file", "camera"))

    def _geometry(self, row: object) -> Geometry:
        table = self._table(row, "geometry", ("depth_kind", "normals_flip", "normals_space", "scale", "leave_out"))
        left_out = table.get("leave_out", [])
        if not isinstance(left_out, list) or not set(left_out) <= {"segmentation", "depth", "normals"}:
            raise self._wrong("geometry.leave_out", "names no layers", 'Write for example ["normals"].')
        return Geometry(
            self._choice(table, "depth_kind", "geometry", DEPTH_KINDS),
            self._choice(table, "normals_flip", "geometry", FLIPS),
            self._choice(table, "normals_space", "geometry", SPACES),
            self._number(table, "scale", "geometry"),
            tuple(left_out),
        )

    def _table(self, values: object, at: str, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise self._wrong(at or "mapping", "is no table", f"It takes {', '.join(known)}.")
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                meant = f" (did you mean '{close[0]}'?)" if close else ""
                raise self._wrong(f"{at}.{key}" if at else key, f"is not known{meant}", f"Known: {', '.join(known)}.")
        return values

    def _text(self, table: Mapping[str, Any], key: str, at: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            raise self._wrong(f"{at}.{key}" if at else key, "is no text", "Put it into quotes.")
        return value

    def _choice(self, table: Mapping[str, Any], key: str, at: str, choices: tuple[str, ...]) -> str:
        value = table.get(key, "")
        if value and value not in choices:
            raise self._wrong(f"{at}.{key}", f"is '{value}'", f"Use one of {', '.join(choices)}.")
        return str(value)

    def _number(self, table: Mapping[str, Any], key: str, at: str) -> float | None:
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise self._wrong(f"{at}.{key}", f"is {value!r}", "Give a number above 0.")
        return float(value)

    def _wrong(self, key: str, what: str, remedy: str = "") -> InputError:
        line = self._line(key.rpartition(".")[2])
        return InputError(f"line {line}: '{key}' {what}" if line else f"'{key}' {what}", where=self._where,
                          remedy=remedy)  # fmt: skip

    def _line(self, key: str) -> int:
        """The first line that names the key, from 1; 0 when none does."""
        heads, inside = (key, f'"{key}"', f"'{key}'", f"[{key}"), (f'"{key}"', f".{key}]", f"{{{key}", f", {key}")
        named = (any(w in text for w in inside) or text.strip().startswith(heads) for text in self._lines)
        return next((number for number, found in enumerate(named, 1) if found), 0)


def _without_empty(values: Any) -> Any:
    if isinstance(values, dict):
        kept = {key: _without_empty(value) for key, value in values.items()}
        return {key: value for key, value in kept.items() if value not in (None, "", {}, [], ())}
    return list(values) if isinstance(values, tuple) else values
