"""Plain folders looked at: a first guess at their mapping, and what a mapping makes of their first frames.

The guess is only ever shown; a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values
from studio.files.pictures import PICTURE_SUFFIXES, read_exr, read_size
from studio.scenes.class_names import IGNORED_WORD, SourceClass, studio_id
from studio.scenes.corrections import as_encoding, corrected, without_layers
from studio.scenes.geometry_check import NOT_EXAMINED, GeometryReport, Said, examine
from studio.scenes.layouts import folders
from studio.scenes.layouts.decoding import read_deep_png
from studio.scenes.mapping import FolderLayer, SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES

FRAMES_SHOWN = 3
_SUFFIXES = PICTURE_SUFFIXES | {".exr", ".npy"}
_DEEPEST = 3
_WORDS: dict[str, tuple[str, ...]] = {
    "rgb": ("rgb", "image", "images", "input", "inputs", "color", "colour", "colors", "render", "renders", "img",
            "frames"),
    "segmentation": ("segmentation", "segmentations", "seg", "label", "labels", "mask", "masks", "semantic", "classes"),
    "depth": ("depth", "depths", "range", "distance", "z"),
    "normals": ("normals", "normal", "nrm"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Understood:
    """What a mapping makes of the first frames: ``values`` are the classes seen, as a mapping writes them, and those
    in ``unknown`` have no studio class yet (they are shown as ignored). ``problems`` are lines for a person.
    ``scenes`` counts those of the folder, of which the first is shown; ``note`` says what may be said and need not.
    ``places``: by value a frame in which it is seen, uint8 HxWx3, all else darkened.
    """

    frames: tuple[Layers, ...] = ()
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    geometry: GeometryReport = NOT_EXAMINED
    scenes: int = 1
    note: str = ""
    places: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the scenes can be added as they are understood."""
        return bool(self.frames) and not (self.unknown or self.problems or self.geometry.faults)


def guess_layers(path: Path) -> dict[str, str]:
    """Layer -> folder, by the folders' names; empty where none is called after pictures."""
    found = _layers_by_name(folder_choices(path))
    return found if "rgb" in found else {}


def folder_choices(path: Path) -> list[str]:
    """Folders that hold pictures, EXR or .npy files, relative to a scene: to ``path`` or to its first patient's."""
    found = _with_files(path, _DEEPEST)
    names = [_relative(f, path) for f in found]
    if not found or "rgb" in _layers_by_name([n for n in names if "/" not in n]):
        return names
    first = path / names[0].split("/")[0]
    of_patient = [_relative(f, first) for f in found if f.is_relative_to(first)]
    return of_patient if "rgb" in _layers_by_name(of_patient) else names


def guess_mapping(path: Path) -> SceneMapping:
    """Which folder is which layer by its name, how it is stored by its first file. Layers not recognised are left out.

    Labels that hold nothing but the studio's own ids or colours are taken as such.
    """
    choices = folder_choices(path)
    layers = {
        name: FolderLayer(folder, guess_encoding(_first_file(path, folder), name))
        for name, folder in _layers_by_name(choices).items()
    }
    labelled = {name: layer for name, layer in layers.items() if name in ("rgb", "segmentation")}
    values = understand(path, SceneMapping(layers=labelled)).values if len(labelled) == 2 else ()
    return SceneMapping(layers=layers, classes=_own_words(values))


def _own_words(values: Sequence[str]) -> dict[str, str]:
    """Classes of the values, where all of them are the studio's own ids or colours; else nothing."""
    known = {str(c.id): c.name for c in STUDIO_CLASSES} | {str(IGNORE): IGNORED_WORD}
    known |= {"#{:02x}{:02x}{:02x}".format(*c.colour): c.name for c in STUDIO_CLASSES}
    return {v: known[v] for v in values} if all(v in known for v in values) else {}


def guess_encoding(file: Path | None, layer: str) -> str:
    """How a layer's file is stored, by looking into it."""
    if file is None or layer == "rgb":
        return "picture" if layer == "rgb" else ""
    try:
        if layer == "segmentation":
            return "grey" if read_label_values(file).ndim == 2 else "colour"
        if file.suffix.lower() == ".exr":
            return "exr01" if layer == "normals" and float(np.nanmin(read_exr(file))) >= 0 else "exr"
        if file.suffix.lower() == ".npy":
            return "npy"
        read_deep_png(file)
        return "png16"
    except InputError:
        return {"segmentation": "colour", "normals": "png8"}.get(layer, "png16")


def understand(path: Path, mapping: SceneMapping) -> Understood:
    """The first frames under a mapping that may be unfinished; nothing is raised for what a person can still mend."""
    try:
        if "rgb" not in mapping.layers:
            raise InputError("no folder is chosen for the pictures", where=path, remedy="Choose one.")
        scene, files = folders.first_frames(path, mapping, FRAMES_SHOWN)
        files = tuple(without_layers(replace(scene, frames=files), mapping.geometry).frames)
        values, unknown, lenient = _classes(scene.encoding, files, mapping)
        encoding = scene.encoding | {"classes": lenient} | as_encoding(mapping.geometry)
        frames = tuple(corrected(folders.load(f, encoding), encoding) for f in files)
        read_size(files[0].rgb)
    except InputError as error:
        return Understood(problems=(str(error),))
    report = examine(frames, Said.by(encoding))
    return Understood(frames, tuple(f.name for f in files), values, unknown, (), report)


def _classes(
    encoding: Mapping[str, str], files: tuple[FrameFiles, ...], mapping: SceneMapping
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(values seen, those without a class, the table as JSON with these ignored)."""
    layer = folders.layers_of(encoding).get("segmentation")
    if layer is None:
        return (), (), encoding["classes"]
    seen = {v for f in files if f.segmentation for v in folders.class_values(f.segmentation, layer.encoding)}
    values = tuple(sorted(seen, key=lambda v: (len(v), v)))
    unknown = tuple(v for v in values if studio_id(SourceClass(v), mapping.classes) is None)
    return values, unknown, json.dumps({**mapping.classes, **dict.fromkeys(unknown, IGNORED_WORD)})


def _layers_by_name(names: list[str]) -> dict[str, str]:
    """Layer -> the first folder whose last part is one of its words."""
    found: dict[str, str] = {}
    for layer, words in _WORDS.items():
        match = [n for n in names if n.rsplit("/", 1)[-1].lower() in words]
        if match:
            found[layer] = match[0]
    return found


def _with_files(path: Path, levels: int) -> list[Path]:
    below = [g for f in listing.folders_in(path) for g in _with_files(f, levels - 1)] if levels else []
    return ([path] if listing.has_files(path, frozenset(_SUFFIXES)) else []) + below


def _relative(folder: Path, base: Path) -> str:
    return folder.relative_to(base).as_posix()


def _first_file(path: Path, folder: str) -> Path | None:
    places = [path / folder, *(f / folder for f in listing.folders_in(path))]
    return next((files[0] for p in places if (files := listing.files_in(p, frozenset(_SUFFIXES)))), None)
