"""BlenderProc's HDF5 files: one file a frame, one folder a scene.

Datasets of a file (all but ``colors`` may be missing, in all files alike):

===================== ==============================================================================
colors                uint8 H x W x 3 (4 with a transparent background); of a stereo pair, 2 x H x W x 3 or
                      colors_0 and colors_1 (so with all layers), the left one is read
depth, distance       float H x W in Blender units, planar z or along the ray; 1e10 where nothing is
normals               float H x W x 3, (n + 1) / 2 in Blender's camera axes (x right, y up, z back)
class_segmaps         H x W category ids (``category_id_segmaps`` in later versions); where there are none,
instance_segmaps      H x W instance numbers, whose names in instance_attribute_maps are the classes
camera_pose           JSON: cam_K, cam_R_w2c, cam_t_w2c in OpenCV axes; K has pixel centres at whole numbers
campose               JSON: a list with cam_K and cam2world_matrix in Blender's axes
object_states         JSON: a list of objects with name, matrix_world, category id
instance_attribute_maps, segcolormap
                      JSON: a list of objects with category_id and name
class_segmap_mapping  JSON: category id -> name, or name -> category id
===================== ==============================================================================

A Blender unit is a metre unless the mapping's ``scale`` says otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import containers, listing
from studio.scenes.class_names import SourceClass, ids_by_value, studio_id, studio_ids, table_of
from studio.scenes.corrections import STORED_KIND, mapped_K
from studio.scenes.layouts import axes, json_tables, matching
from studio.scenes.layouts.decoding import depth_in_mm, normals_from_01
from studio.scenes.layouts.listed import notes_on_layers, on_disk
from studio.scenes.layouts.poses import NO_POSE, Pose
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles, ToolPose
from studio.vocabulary.labels import STUDIO_CLASSES, TOOL_CLASSES

NAME = "blenderproc"
_MM_PER_UNIT = 1000.0
_CLASSES = ("class_segmaps", "category_id_segmaps")
_INSTANCES, _ATTRIBUTES = "instance_segmaps", "instance_attribute_maps"
_DEPTHS = {"depth": "planar", "distance": "ray"}
_NAMES = ("class_segmap_mapping", "class_segmap", _ATTRIBUTES, "segcolormap")
_DAMAGED = "(damaged)"
_OLD_LABELS = "segmap"
_COPY = re.compile(r"\.\d{3}$")
"""What Blender appends to the names of copies."""


def recognises(path: Path) -> bool:
    """A damaged file counts: what it was meant to be is said when it is read."""
    return any(map(here, _scene_folders(path)[:3]))


def read(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
    """The scene in this folder, or those up to two levels below it. Raise InputError for what is wrong."""
    folders = _scene_folders(path)
    if not folders:
        raise InputError("no .hdf5 files here or below", where=path, remedy="Name the folder that BlenderProc wrote.")
    return [_read_scene(folder, mapping) for folder in folders]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions. Raise InputError for a missing dataset or a class that is not known."""
    path = files.rgb
    rgb_HW3 = containers.read_picture(path)
    camera = _camera(path)
    if camera.K is None:
        camera = replace(camera, K=mapped_K(encoding, (rgb_HW3.shape[1], rgb_HW3.shape[0])))
    depth = None if files.depth is None else _depth(path, encoding, camera)
    ids = None if files.segmentation is None else _ids(path, encoding)
    normals = None if files.normals is None else _normals(path)
    tools = _tools(path, table_of(encoding))
    return Layers(rgb_HW3, ids, depth, normals, camera.K, camera.camera_to_world, tools)


def _containers(folder: Path) -> Sequence[Path]:
    return listing.files_in(folder, containers.CONTAINER_SUFFIXES)


def _scene_folders(path: Path) -> list[Path]:
    if _has_containers(path):
        return [path]
    children = listing.folders_in(path)
    below = [f for f in children if _has_containers(f)]
    return below or [g for f in children for g in listing.folders_in(f) if _has_containers(g)]


def _has_containers(folder: Path) -> bool:
    return listing.has_files(folder, containers.CONTAINER_SUFFIXES)


def here(path: Path) -> bool:
    """Whether files of this kind lie in the folder itself; weights of networks have the same ending."""
    files = _containers(path) if listing.has_files(path, containers.CONTAINER_SUFFIXES) else []
    return bool(files) and bool(_names(files[0]) & {containers.PICTURE_NAME, _DAMAGED})


def _names(path: Path) -> frozenset[str]:
    try:
        return containers.names_in(path)
    except InputError:
        return frozenset({_DAMAGED})


def _read_scene(root: Path, mapping: SceneMapping) -> SceneFiles:
    paths = _containers(root)
    sample = listing.spread(paths, matching.SAMPLED_FRAMES)
    names = containers.names_in(sample[0])
    if containers.PICTURE_NAME not in names:
        raise InputError(f"has no dataset 'colors' (it holds {', '.join(sorted(names))})", where=sample[0],
                         remedy="Render the picture, too.")  # fmt: skip
    stored = _stored(names)
    encoding = {"classes": json.dumps(dict(mapping.classes)), **stored}
    encoding.setdefault(STORED_KIND, "planar")
    size = _common_size(sample, stored)
    if "labels" in stored:
        seen = {source for path in sample for source in _classes_seen(path, stored["labels"])}
        studio_ids(sorted(seen, key=lambda s: (s.key, s.name)), mapping.classes, where=root)
    frames = on_disk(
        FrameFiles(
            path.stem, index, path, path if "labels" in stored else None, path if "depth" in stored else None,
            path if "normals" in stored else None,
        )
        for index, path in enumerate(paths)
    )  # fmt: skip
    notes = [*notes_on_layers(frames)]
    if not {"camera_pose", "campose", "cam_states"} & names:
        notes.append("no camera_pose or campose: poses are unknown, and intrinsics where no mapping gives them")
    if "labels" not in stored and _OLD_LABELS in names:
        notes.append("'segmap' of BlenderProc 1 is not read: it does not say whether it holds classes or instances")
    return SceneFiles(root.name, mapping.patient or root.name, NAME, root, size, STUDIO_CLASSES, frames, encoding,
                      tuple(notes))  # fmt: skip


def _stored(names: frozenset[str]) -> dict[str, str]:
    """Which dataset holds which layer, and the kind of the depth; planar depth goes before distance."""
    stored: dict[str, str] = {}
    for name, kind in _DEPTHS.items():
        if name in names and "depth" not in stored:
            stored |= {"depth": name, STORED_KIND: kind}
    by_instance = _INSTANCES if {_INSTANCES, _ATTRIBUTES} <= names else ""
    labels = next((name for name in _CLASSES if name in names), by_instance)
    return stored | ({"labels": labels} if labels else {}) | ({"normals": "normals"} if "normals" in names else {})


def _common_size(sample: Sequence[Path], stored: Mapping[str, str]) -> tuple[int, int]:
    size = matching.common_size(sample)
    for path in sample:
        for key in ("labels", "depth", "normals"):
            if key in stored:
                height, width = containers.shape_of(path, stored[key])[:2]
                matching.same_size(path, (width, height), size, layer=f"dataset '{stored[key]}'")
    return size


# -- classes


def _ids(path: Path, encoding: Mapping[str, str]) -> np.ndarray:
    values_HW, table = _class_values(path, encoding["labels"]), table_of(encoding)
    sources = _sources(path, encoding["labels"], [int(v) for v in np.unique(values_HW)])
    studio_ids(sources.values(), table, where=path)
    found = {value: studio_id(source, table) for value, source in sources.items()}
    return ids_by_value(values_HW, {value: target for value, target in found.items() if target is not None})


def _classes_seen(path: Path, name: str) -> set[SourceClass]:
    return set(_sources(path, name, [int(v) for v in np.unique(_class_values(path, name))]).values())


_BACKGROUND = SourceClass("0", "background")
"""0 without a name is what BlenderProc gives to the world and to whatever has no category."""


def _class_values(path: Path, name: str) -> np.ndarray:
    values = containers.read_array(path, name)
    values_HW = values[..., 0] if values.ndim == 3 else values
    if values_HW.ndim != 2 or not np.array_equal(values_HW, np.rint(values_HW)):
        raise InputError(f"'{name}' holds no whole category ids", where=path, remedy="Render it with map_by='class'.")
    return values_HW.astype(np.int64)


def _sources(path: Path, labels: str, values: Sequence[int]) -> dict[int, SourceClass]:
    """The class of each stored value: of a category by its id and name, of an instance by its category and name."""
    if labels == _INSTANCES:
        rows = _named(path, _ATTRIBUTES, by="idx")
        found = {value: SourceClass(str(category), name) for value, category, name in rows}
        return {v: found.get(v, _BACKGROUND if v == 0 else SourceClass(str(v))) for v in values}
    names = _class_names(path)
    return {v: _BACKGROUND if v == 0 and v not in names else SourceClass(str(v), names.get(v, "")) for v in values}


def _class_names(path: Path) -> dict[int, str]:
    """Category id -> name, where all objects of the category share one."""
    found: dict[int, set[str]] = {}
    for key in _NAMES:
        if key in containers.names_in(path):
            for category, _, name in _named(path, key, by="category_id"):
                found.setdefault(category, set()).add(name)
    return {category: next(iter(names)) for category, names in found.items() if len(names) == 1}


def _named(path: Path, key: str, *, by: str) -> list[tuple[int, int, str]]:
    """(value of ``by``, category id, name without what Blender appends to copies) of a JSON dataset's rows."""
    content = containers.read_json_text(path, key)
    try:
        if isinstance(content, dict):
            pairs = [(int(v), str(k)) if isinstance(v, int) else (int(k), str(v)) for k, v in content.items()]
            return [(category, category, name) for category, name in pairs]
        rows = [row for row in content if by in row and "name" in row]
        return [(int(r[by]), int(r.get("category_id", 0)), _COPY.sub("", str(r["name"]))) for r in rows]
    except (TypeError, ValueError) as error:
        raise InputError(f"'{key}' is no list of {by} and name ({error})", where=path,
                         remedy="Write it anew.") from error  # fmt: skip


# -- geometry


def _depth(path: Path, encoding: Mapping[str, str], camera: Pose) -> np.ndarray:
    depth_HW = depth_in_mm(containers.read_array(path, encoding["depth"]), where=path, mm_per_unit=_MM_PER_UNIT)
    if encoding[STORED_KIND] != "ray":
        return depth_HW
    if camera.K is None:
        raise InputError("'distance' runs along the ray, and without cam_K there is no z", where=path,
                         remedy="Save the camera with it (camera_pose), or write camera = {field_of_view = DEGREES}"
                         " into a mapping file and name it with --mapping FILE.")  # fmt: skip
    return axes.planar_from_ray(depth_HW, camera.K)


def _normals(path: Path) -> np.ndarray:
    values = containers.read_array(path, "normals")
    if values.ndim != 3 or values.shape[2] < 3:
        raise InputError("the normals have not three channels", where=path, remedy="Store x, y, z.")
    return axes.normals_from_opengl(normals_from_01(values))


def _camera(path: Path) -> Pose:
    names = containers.names_in(path)
    if "camera_pose" in names:
        row = json_tables.table(containers.read_json_text(path, "camera_pose"), at="camera_pose", where=path)
        return Pose(_K(row, "camera_pose", path), _from_w2c(row, path))
    for key in ("campose", "cam_states"):
        if key in names:
            content = containers.read_json_text(path, key)
            row = json_tables.table(
                content[0] if isinstance(content, list) and content else content, at=key, where=path
            )
            return Pose(_K(row, key, path) if "cam_K" in row else None, _from_blender(row, key, path))
    return NO_POSE


def _K(row: Mapping[str, Any], at: str, path: Path) -> np.ndarray:
    k = json_tables.numbers(row, "cam_K", count=9, at=at, where=path)
    return json_tables.geometric(lambda: axes.intrinsics(k[0], k[4], k[2] + 0.5, k[5] + 0.5), at=at, where=path)


def _from_w2c(row: Mapping[str, Any], path: Path) -> np.ndarray:
    R = json_tables.numbers(row, "cam_R_w2c", count=9, at="camera_pose", where=path)
    t = json_tables.numbers(row, "cam_t_w2c", count=3, at="camera_pose", where=path)
    return json_tables.geometric(
        lambda: axes.inverse(axes.rigid(list(R), list(t), mm_per_unit=_MM_PER_UNIT)), at="camera_pose", where=path
    )


def _from_blender(row: Mapping[str, Any], at: str, path: Path) -> np.ndarray | None:
    if "cam2world_matrix" not in row:
        return None
    matrix = json_tables.numbers(row, "cam2world_matrix", count=16, at=at, where=path).reshape(4, 4)
    return json_tables.geometric(
        lambda: axes.checked_pose(axes.pose_from_opengl(matrix, mm_per_unit=_MM_PER_UNIT)), at=at, where=path
    )


def _tools(path: Path, classes: Mapping[str, str]) -> tuple[ToolPose, ...]:
    """Objects of a tool's class; their pose is the object's own axes in the world."""
    if "object_states" not in containers.names_in(path):
        return ()
    content = containers.read_json_text(path, "object_states")
    rows = content if isinstance(content, list) else [content]
    tools = []
    for number, value in enumerate(rows):
        at = f"object {number} of object_states"
        row = json_tables.table(value, at=at, where=path)
        name = str(row.get("name", ""))
        category = row.get("customprop_category_id", row.get("category_id", ""))
        if (
            studio_id(SourceClass(str(category), _COPY.sub("", name)), classes) in TOOL_CLASSES
            and "matrix_world" in row
        ):
            matrix = json_tables.numbers(row, "matrix_world", count=16, at=at, where=path).reshape(4, 4)
            matrix[:3, 3] *= _MM_PER_UNIT
            tools.append(ToolPose(name, tuple(tuple(float(v) for v in line) for line in matrix)))
    return tuple(tools)
