"""Unity Perception's SOLO: one data set is one scene, each RGB capture of each step one frame.

::

    metadata.json                              at the end, so that a run that was cut off has none
    sequence.N/stepM.frame_data.json           (older versions: step.M.frame.json)
    sequence.N/stepM.<sensor>.png              the picture; all files of a step begin with its name
    sequence.N/stepM.<sensor>.<labeler>.png    labels by colour: instances [{labelName, pixelValue RGBA}], black = none;
                                               without them, instances' colours: [{labelName, color RGBA}]
    sequence.N/stepM.<sensor>.Depth.exr        channel R in Unity units (metres), planar or along the ray as
                                               measurementStrategy says ("Depth" or "Range")
    sequence.N/stepM.<sensor>.Normal.exr       (n + 1) / 2, axes x right, y up, z back

``matrix`` of a capture is the upper 3x3 of the projection matrix, not K, column by column. Unity is left-handed;
``rotation`` is written as x, y, z, w (the schema's text says w first, the exporter's code and files do not).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import listing
from studio.files.pictures import read_exr, read_grey_levels, read_rgb
from studio.scenes.class_names import SourceClass, ids_by_value, studio_ids, table_of
from studio.scenes.corrections import STORED_KIND
from studio.scenes.layouts import axes, json_tables, matching
from studio.scenes.layouts.decoding import depth_in_mm, normals_from_01
from studio.scenes.layouts.listed import notes_on_layers, on_disk
from studio.scenes.layouts.poses import Pose
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES

NAME = "solo"
_MM_PER_UNIT = 1000.0
_STEP = re.compile(r"step\.?(\d+)\.")
_FRAME = re.compile(r"step\.?\d+\.(frame_data|frame)\.json")
_KINDS = {"Depth": "planar", "Range": "ray"}
_TYPES = {"segmentation": "SemanticSegmentationAnnotation", "depth": "DepthAnnotation", "normals": "NormalAnnotation"}
_BY_INSTANCE = "InstanceSegmentationAnnotation"
_BLACK = 0


@dataclass(frozen=True)
class _Capture:
    """One RGB capture: its row, its annotations by layer, and the JSON file they stand in."""

    row: Mapping[str, Any]
    layers: Mapping[str, Mapping[str, Any]]
    where: Path

    def file(self, layer: str) -> Path | None:
        row = self.row if layer == "rgb" else self.layers.get(layer)
        if row is None:
            return None
        if row.get("filename", "") is None:
            raise InputError(f"the {layer} of a capture was not saved", where=self.where,
                             remedy="Let the Perception camera save its pictures to disk.")  # fmt: skip
        name = json_tables.text(row, "filename", at=f"the {layer} of a capture", where=self.where)
        return json_tables.inside(self.where.parent, name, where=self.where)


def recognises(path: Path) -> bool:
    return bool(_data_sets(path))


def read(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
    """The captures of the data set, or of each of those in the folders below, as one scene. Raise InputError."""
    found = _data_sets(path)
    if not found:
        raise InputError("no sequence.N with stepN.frame_data.json", where=path, remedy="Name the data set's folder.")
    return [_read_data_set(root, mapping) for root in found]


def _read_data_set(path: Path, mapping: SceneMapping) -> SceneFiles:
    kinds: set[str] = set()
    frames = on_disk(_frames(path, kinds))
    if not frames:
        raise InputError("its frames hold no RGB captures", where=path, remedy="Capture RGB images, too.")
    return _scene(path, frames, _kind(kinds, path), mapping)


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions. Raise InputError for colours that no label has."""
    rgb_HW3 = read_rgb(files.rgb)
    capture = _capture_of(files.rgb)
    pose = _pose(capture, (rgb_HW3.shape[1], rgb_HW3.shape[0]))
    ids = None if files.segmentation is None else _ids(files.segmentation, capture, table_of(encoding))
    depth = None if files.depth is None else _depth(files.depth, encoding, pose)
    normals = None
    if files.normals is not None:
        normals = axes.normals_from_opengl(normals_from_01(read_exr(files.normals)))
    return Layers(rgb_HW3, ids, depth, normals, pose.K, pose.camera_to_world)


def _data_sets(path: Path) -> list[Path]:
    """The folder itself, or those below it, that have a sequence whose first frame is there."""
    return [path] if here(path) else [f for f in listing.folders_in(path) if here(f)]


def here(path: Path) -> bool:
    """Whether the folder itself is a data set."""
    first = next(iter(_sequences(path)), None)
    return first is not None and any(_FRAME.fullmatch(p.name) for p in listing.files_in(first, frozenset({".json"})))


def _sequences(path: Path) -> list[Path]:
    return [f for f in listing.folders_in(path) if f.name.startswith("sequence.")]


def _frame_files(path: Path) -> Iterator[Path]:
    for folder in _sequences(path):
        yield from (p for p in listing.files_in(folder, frozenset({".json"})) if _FRAME.fullmatch(p.name))


def _captures(frame_file: Path) -> list[_Capture]:
    content = json_tables.table(json_tables.read_json(frame_file), at="the frame", where=frame_file)
    found = []
    # A frame in which no camera was due has no captures, and one without labelled objects no instances.
    captures = json_tables.rows({"captures": [], **content}, "captures", at="the frame", where=frame_file)
    for number, value in enumerate(captures):
        row = json_tables.table(value, at=f"capture {number}", where=frame_file)
        if str(row.get("@type", "")).endswith("RGBCamera"):
            found.append(_Capture(row, _annotations(row, number, frame_file), frame_file))
    return found


def _annotations(row: Mapping[str, Any], number: int, where: Path) -> dict[str, Mapping[str, Any]]:
    layers: dict[str, Mapping[str, Any]] = {}
    by_instance = None
    at = f"capture {number}"
    for value in json_tables.rows({"annotations": [], **row}, "annotations", at=at, where=where):
        annotation = json_tables.table(value, at=f"an annotation of {at}", where=where)
        kind = str(annotation.get("@type", "")).rpartition(".")[2]
        for layer, wanted in _TYPES.items():
            if kind == wanted:
                layers.setdefault(layer, annotation)
        by_instance = annotation if kind == _BY_INSTANCE else by_instance
    return layers if by_instance is None else {"segmentation": by_instance} | layers


def _frame(capture: _Capture, index: int) -> FrameFiles:
    rgb = capture.file("rgb")
    assert rgb is not None
    if not _STEP.match(rgb.name):
        raise InputError(f"the picture '{rgb.name}' is not named after its step", where=capture.where,
                         remedy="SOLO writes stepN.<sensor>.png; keep its names.")  # fmt: skip
    sequence = rgb.parent.name.removeprefix("sequence.")
    layers = {name: capture.file(name) for name in _TYPES}
    return FrameFiles(f"{sequence}.{rgb.stem}", index, rgb, layers["segmentation"], layers["depth"], layers["normals"])


def _kind(kinds: set[str], path: Path) -> str:
    unknown = kinds - set(_KINDS)
    if unknown or len(kinds) > 1:
        raise InputError(f"measurementStrategy is {' and '.join(sorted(kinds))}", where=path,
                         remedy="All depth of a data set should be Depth, or all Range.")  # fmt: skip
    return _KINDS[next(iter(kinds))] if kinds else "planar"


def _frames(path: Path, kinds: set[str]) -> Iterator[FrameFiles]:
    """All frames; ``kinds`` gets what their depths are said to be."""
    captures = (c for frame_file in _frame_files(path) for c in _captures(frame_file))
    for index, capture in enumerate(captures):
        if "depth" in capture.layers:
            kinds.add(str(capture.layers["depth"].get("measurementStrategy", "Depth")))
        yield _frame(capture, index)


def _scene(root: Path, frames: Sequence[FrameFiles], kind: str, mapping: SceneMapping) -> SceneFiles:
    sample = listing.spread(frames, matching.SAMPLED_FRAMES)
    for frame in sample:
        studio_ids(sorted(_colours(_capture_of(frame.rgb))[1], key=lambda s: s.key), mapping.classes, where=root)
    size = matching.common_size([f.rgb for f in sample])
    encoding = {"classes": json.dumps(dict(mapping.classes)), STORED_KIND: kind}
    notes = notes_on_layers(frames)
    patient = mapping.patient or root.name
    return SceneFiles(root.name, patient, NAME, root, size, STUDIO_CLASSES, frames, encoding, notes)


def _capture_of(rgb: Path) -> _Capture:
    """The capture that wrote a picture, found in the JSON of its step."""
    step = _STEP.match(rgb.name)
    names = [] if step is None else [f"step{step[1]}.frame_data.json", f"step.{step[1]}.frame.json"]
    for name in names:
        if (rgb.parent / name).is_file():
            for capture in _captures(rgb.parent / name):
                if capture.file("rgb") == rgb:
                    return capture
    raise InputError("no frame file of its step names this picture", where=rgb, remedy="Copy the data set again.")


# -- classes


def _ids(path: Path, capture: _Capture, classes: Mapping[str, str]) -> np.ndarray:
    levels = read_grey_levels(path)
    channels = np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else levels
    colours_HW = _packed(channels)
    colours, sources = _colours(capture)
    ids = studio_ids(sources, classes, where=path)
    lookup = {_BLACK: 0} | {colour: ids[name] for colour, name in colours.items()}
    unknown = [int(v) for v in np.unique(colours_HW) if int(v) not in lookup]
    if unknown:
        words = ", ".join(_hex(v) for v in unknown[:5])
        raise InputError(f"colour {words} belongs to no label of {capture.where.name}", where=path,
                         remedy="The label picture may have been smoothed, scaled or saved as JPEG.")  # fmt: skip
    return ids_by_value(colours_HW, lookup)


def _colours(capture: _Capture) -> tuple[dict[int, str], set[SourceClass]]:
    """Colour -> label name, and the labels as classes to be carried."""
    annotation = capture.layers.get("segmentation")
    if annotation is None:
        return {}, set()
    colours = {}
    key = "color" if str(annotation.get("@type", "")).endswith(_BY_INSTANCE) else "pixelValue"
    instances = json_tables.rows({"instances": [], **annotation}, "instances", at="labels", where=capture.where)
    for number, value in enumerate(instances):
        at = f"instance {number} of the labels"
        row = json_tables.table(value, at=at, where=capture.where)
        pixel = json_tables.numbers(row, key, count=4, at=at, where=capture.where)
        name = json_tables.text(row, "labelName", at=at, where=capture.where)
        colours[int(_packed(pixel[None, None, :3].astype(np.int64))[0, 0])] = name
    return colours, {SourceClass(name, name) for name in colours.values()}


def _packed(channels_HW3: np.ndarray) -> np.ndarray:
    wide = channels_HW3.astype(np.int64)
    packed: np.ndarray = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _hex(colour: int) -> str:
    return f"#{colour:06x}"


# -- geometry


def _depth(path: Path, encoding: Mapping[str, str], pose: Pose) -> np.ndarray:
    depth_HW = depth_in_mm(read_exr(path), where=path, mm_per_unit=_MM_PER_UNIT)
    if encoding.get(STORED_KIND) != "ray":
        return depth_HW
    assert pose.K is not None
    return axes.planar_from_ray(depth_HW, pose.K)


def _pose(capture: _Capture, size: tuple[int, int]) -> Pose:
    row, where, at = capture.row, capture.where, f"capture '{capture.row.get('id', '')}'"
    if str(row.get("projection", "perspective")).lower() != "perspective":
        raise InputError(f"{at} has the projection '{row['projection']}'", where=where,
                         remedy="Only perspective cameras are read.")  # fmt: skip
    m = json_tables.numbers(row, "matrix", count=9, at=at, where=where)
    # The exporter writes columns. Written by rows, these two would stand where columns have 0.
    m02, m12 = m[6] or m[2], m[7] or m[5]
    width, height = size
    K = json_tables.geometric(
        lambda: axes.intrinsics(
            m[0] * width / 2, m[4] * height / 2, (1 - m02) * width / 2, (1 + m12) * height / 2
        ), at=at, where=where,
    )  # fmt: skip
    position = json_tables.numbers(row, "position", count=3, at=at, where=where)
    rotation = json_tables.numbers(row, "rotation", count=4, at=at, where=where)
    pose = json_tables.geometric(
        lambda: axes.pose_from_unity(list(position), list(rotation), mm_per_unit=_MM_PER_UNIT), at=at, where=where
    )
    return Pose(K, pose)
