"""BOP data sets: scenes in numbered folders, poses of every object.

::

    NNNNNN/rgb/IIIIII.png (or jpg)                  the pictures; ``gray`` where there is no ``rgb``
    NNNNNN/depth/IIIIII.png (or tif)                16 bit, times depth_scale = planar z in mm
    NNNNNN/mask_visib/IIIIII_JJJJJJ.png             the visible part of the J-th entry of scene_gt.json
    NNNNNN/scene_camera.json                        by image: cam_K (by row), depth_scale, cam_R_w2c, cam_t_w2c (mm)
    NNNNNN/scene_gt_info.json                       by image: a list of px_count_visib; no mask is needed where it is 0
    NNNNNN/scene_gt.json                            by image: a list of obj_id, cam_R_m2c, cam_t_m2c (mm)

Axes are OpenCV's, K has pixel centres at whole numbers. Objects have numbers, not names: a mapping says which class
each is. Where two masks claim a pixel, the later entry has it. Objects of a tool's class give tool poses, in the
object's own axes. Where an image has no cam_R_w2c, its camera is taken as the world.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values
from studio.files.pictures import read_rgb, read_size
from studio.files.spilled import SpilledTable
from studio.scenes.class_names import SourceClass, studio_id, studio_ids, table_of
from studio.scenes.layouts import axes, json_tables, matching
from studio.scenes.layouts.decoding import read_depth
from studio.scenes.layouts.listed import notes_on_layers, on_disk, required
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles, ToolPose
from studio.vocabulary.labels import STUDIO_CLASSES, TOOL_CLASSES

NAME = "bop"
CAMERAS, TRUTH, INFO = "scene_camera.json", "scene_gt.json", "scene_gt_info.json"
_DEPTHS = matching.DEPTH_SUFFIXES | {".tif", ".tiff"}
_PICTURES = ("rgb", "gray")


def recognises(path: Path) -> bool:
    return bool(_scene_folders(path))


def read(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
    """The scene in this folder, or those of a split or a data set above it. Raise InputError for what is wrong."""
    folders = _scene_folders(path)
    if not folders:
        raise InputError(f"no {CAMERAS} here or below", where=path, remedy="Name a scene, a split or the data set.")
    return [_read_scene(folder, mapping) for folder in folders]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions. Raise InputError for objects without a class and masks that are gone."""
    root, rgb_HW3 = files.rgb.parents[1], read_rgb(files.rgb)
    at, camera = _camera_of(files.rgb)
    where = root / CAMERAS
    k = json_tables.numbers(camera, "cam_K", count=9, at=at, where=where)
    K = json_tables.geometric(lambda: axes.intrinsics(k[0], k[4], k[2] + 0.5, k[5] + 0.5), at=at, where=where)
    pose = _camera_to_world(camera, at, where)
    depth = None
    if files.depth is not None:
        scale = json_tables.number(camera, "depth_scale", at=at, where=where)
        depth = read_depth(files.depth, mm_per_step=scale)
    objects = _objects(files.rgb)
    classes = table_of(encoding)
    ids = None if files.segmentation is None else _ids(files.rgb, objects, classes, rgb_HW3.shape[:2])
    return Layers(rgb_HW3, ids, depth, None, K, pose, _tools(objects, classes, pose, root / TRUTH))


def _scene_folders(path: Path) -> list[Path]:
    if (path / CAMERAS).is_file():
        return [path]
    children = listing.folders_in(path)
    below = [f for f in children if (f / CAMERAS).is_file()]
    return below or [g for f in children for g in listing.folders_in(f) if (g / CAMERAS).is_file()]


def _read_scene(root: Path, mapping: SceneMapping) -> SceneFiles:
    folder = next((root / name for name in _PICTURES if (root / name).is_dir()), root / _PICTURES[0])
    renders = listing.files_in(folder)
    if not renders:
        raise InputError("holds no pictures", where=folder, remedy="Add the images or remove the scene.")
    frames = _frames(renders, root)
    sample = listing.spread(frames, matching.SAMPLED_FRAMES)
    objects = {int(o["obj_id"]) for frame in frames for o in _objects(frame.rgb)} if frames[0].segmentation else set()
    studio_ids([SourceClass(str(o)) for o in sorted(objects)], mapping.classes, where=root / TRUTH)
    size = matching.common_size([f.rgb for f in sample])
    notes = [*notes_on_layers(frames)]
    if "cam_R_w2c" not in _camera_of(renders[0])[1]:
        notes.append("no cam_R_w2c: each camera is taken as the world")
    encoding = {"classes": json.dumps(dict(mapping.classes))}
    name = f"{root.parent.name}-{root.name}"
    return SceneFiles(name, mapping.patient or name, NAME, root, size, STUDIO_CLASSES, frames, encoding,
                      tuple(notes))  # fmt: skip


def _frames(renders: Sequence[Path], root: Path) -> Sequence[FrameFiles]:
    """Frames by image id; masks are found by the id, so that the first one stands for all of a frame."""
    depths = matching.keyed(
        (p for p in listing.files_in(root / "depth", frozenset(_DEPTHS)) if p.stem.isdigit()),
        lambda p: str(int(p.stem)), last=True,
    )  # fmt: skip
    masks = matching.keyed(listing.files_in(root / "mask_visib"), lambda p: p.name)
    labelled = bool(masks) and (root / TRUTH).is_file()
    if labelled:

        def has_masks(path: Path) -> bool:
            absent = [j for j, name in enumerate(_mask_names(path)) if name not in masks]
            return not absent or _hidden(root, _image_id(path)).issuperset(absent)

        required(renders, has_masks, layer="mask for each object", where=root / "mask_visib")
    labels_of = partial(_labels, root, masks) if labelled else _unlabelled
    return on_disk(_frame(path, index, labels_of(path), depths) for index, path in enumerate(renders))


def _frame(path: Path, index: int, labels: Path | None, depths: Mapping[str, Path]) -> FrameFiles:
    _camera_of(path)
    return FrameFiles(path.stem, index, path, labels, depths.get(str(_image_id(path))))


def _labels(root: Path, masks: Mapping[str, Path], path: Path) -> Path:
    """The first mask; a frame without any is void all over: its labels follow from scene_gt.json alone."""
    there = next((name for name in _mask_names(path) if name in masks), None)
    return root / TRUTH if there is None else root / "mask_visib" / there


def _unlabelled(path: Path) -> None:
    return None


def _mask_names(path: Path) -> list[str]:
    return [f"{_image_id(path):06d}_{j:06d}.png" for j in range(len(_objects(path)))]


def _hidden(root: Path, image: int) -> frozenset[int]:
    """Which entries of an image's truth are not seen at all, by scene_gt_info.json; none where that is not there."""
    where, at = root / INFO, f"image {image}"
    if not where.is_file():
        return frozenset()
    found = json_tables.rows({at: _by_image(where, image)}, at, at=at, where=where)
    rows = [json_tables.table(row, at=f"{at}, object {j}", where=where) for j, row in enumerate(found)]
    return frozenset(j for j, row in enumerate(rows) if row.get("px_count_visib") == 0)


def _image_id(path: Path) -> int:
    if not path.stem.isdigit():
        raise InputError("the picture's name is no image id", where=path, remedy="BOP names pictures 000000.png.")
    return int(path.stem)


# -- classes


def _ids(
    rgb: Path, objects: Sequence[Mapping[str, Any]], classes: Mapping[str, str], shape: tuple[int, ...]
) -> np.ndarray:
    root, image = rgb.parents[1], _image_id(rgb)
    sources = [SourceClass(str(int(o["obj_id"]))) for o in objects]
    found = studio_ids(sources, classes, where=root / TRUTH)
    ids_HW = np.zeros(shape[:2], np.uint8)
    for number, source in enumerate(sources):
        path = root / "mask_visib" / f"{image:06d}_{number:06d}.png"
        if not path.is_file() and number in _hidden(root, image):
            continue
        mask_HW = read_label_values(path)
        matching.same_size(path, read_size(path), (shape[1], shape[0]), layer="mask")
        ids_HW[mask_HW > 0] = found[source.key]
    return ids_HW


# -- geometry


def _camera_to_world(camera: Mapping[str, Any], at: str, where: Path) -> np.ndarray:
    if "cam_R_w2c" not in camera:
        return np.eye(4)
    R = json_tables.numbers(camera, "cam_R_w2c", count=9, at=at, where=where)
    t = json_tables.numbers(camera, "cam_t_w2c", count=3, at=at, where=where)
    return json_tables.geometric(lambda: axes.inverse(axes.rigid(list(R), list(t))), at=at, where=where)


def _tools(
    objects: Sequence[Mapping[str, Any]], classes: Mapping[str, str], camera_to_world: np.ndarray, where: Path
) -> tuple[ToolPose, ...]:
    tools = []
    for number, row in enumerate(objects):
        name = str(int(row["obj_id"]))
        if studio_id(SourceClass(name), classes) in TOOL_CLASSES:
            pose = camera_to_world @ _model_to_camera(row, f"object {number}", where)
            tools.append(ToolPose(f"object {name}", tuple(tuple(float(v) for v in line) for line in pose)))
    return tuple(tools)


def _model_to_camera(row: Mapping[str, Any], at: str, where: Path) -> np.ndarray:
    R = json_tables.numbers(row, "cam_R_m2c", count=9, at=at, where=where)
    t = json_tables.numbers(row, "cam_t_m2c", count=3, at=at, where=where)
    return json_tables.geometric(lambda: axes.rigid(list(R), list(t)), at=at, where=where)


def _camera_of(rgb: Path) -> tuple[str, Mapping[str, Any]]:
    """(place for messages, entry) of an image in scene_camera.json."""
    where, image = rgb.parents[1] / CAMERAS, _image_id(rgb)
    return f"image {image}", json_tables.table(_by_image(where, image), at=f"image {image}", where=where)


def _objects(rgb: Path) -> Sequence[Mapping[str, Any]]:
    where, image = rgb.parents[1] / TRUTH, _image_id(rgb)
    if not where.is_file():
        return ()
    at = f"image {image}"
    rows = json_tables.rows({at: _by_image(where, image)}, at, at=at, where=where)
    found = [json_tables.table(row, at=f"{at}, object {j}", where=where) for j, row in enumerate(rows)]
    for j, row in enumerate(found):
        json_tables.number(row, "obj_id", at=f"{at}, object {j}", where=where)
    return found


def _by_image(where: Path, image: int) -> Any:
    try:
        return _table(where)[str(image)]
    except KeyError as error:
        raise InputError(f"has no image {image}", where=where,
                         remedy="Write it anew for all pictures of the scene.") from error  # fmt: skip


@json_tables.kept_while_unchanged
def _table(where: Path) -> Mapping[str, Any]:
    def entries() -> Iterator[tuple[str, bytes]]:
        for place, value in json_tables.rows_of(where):
            if not place or not isinstance(place[0], str):
                json_tables.table([], at="the file", where=where)
            yield str(place[0]), json_tables.packed(value)

    return SpilledTable.of(entries(), json.loads, last=True)
