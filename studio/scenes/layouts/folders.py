"""Plain folders: one folder a layer; a mapping says which is which and how each is stored.

A layer's folder is named relative to the scenes' folder and may hold ``{patient}``, which stands for each sub-folder
there; where the folders are found only one level further down, each folder in between is a patient. Files of one frame
have the same name, or the same number at the end of their names, or the same last number anywhere in them.

Never found by itself: the layout is named (``--layout folders --mapping FILE``) or was remembered in the project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values, values_in
from studio.files.pictures import read_exr, read_grey_levels, read_rgb
from studio.scenes.class_names import SourceClass, ids_by_value, studio_ids, table_of
from studio.scenes.corrections import mapped_K
from studio.scenes.layouts import axes, json_tables, matching
from studio.scenes.layouts.decoding import depth_of, normals_from_01, read_deep_png, unit_normals
from studio.scenes.layouts.listed import notes_on_layers, on_disk, required
from studio.scenes.layouts.poses import NO_POSE, Pose, poses_of
from studio.scenes.mapping import Camera, FolderLayer, SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES

NAME = "folders"
PATIENT = "{patient}"
_SUFFIXES = {
    "exr": frozenset({".exr"}), "exr01": frozenset({".exr"}), "npy": frozenset({".npy"}),
    "png16": frozenset({".png"}), "png8": frozenset({".png"}),
}  # fmt: skip
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def recognises(path: Path) -> bool:
    """Never by itself: which folder is which layer would be a guess."""
    return False


def read(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
    """One scene, or one for each patient's folder. Raise InputError for what is wrong."""
    if "rgb" not in mapping.layers:
        raise InputError(
            "plain folders need a mapping that names the pictures' folder", where=path,
            remedy='Write one and name it with --mapping FILE: layers.rgb.folder = "images", and likewise'
            " segmentation, depth and normals.",
        )  # fmt: skip
    if (
        mapping.layers.get("depth", FolderLayer("", "exr")).encoding == "png16"
        and not mapping.layers["depth"].mm_per_unit
    ):
        raise InputError("depth as 16-bit PNG needs its scale", where=path,
                         remedy="Add mm_per_unit = MM to layers.depth: what one step is in mm.")  # fmt: skip
    return [_read_scene(path, patient, own) for patient, own in _patients(path, mapping)]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions. Raise InputError for values or colours that no class has."""
    layers = layers_of(encoding)
    rgb_HW3 = read_rgb(files.rgb)
    pose = _pose(files.rgb, layers["rgb"], encoding, (rgb_HW3.shape[1], rgb_HW3.shape[0]))
    ids = depth = normals = None
    if files.segmentation is not None:
        ids = _ids(files.segmentation, layers["segmentation"].encoding, table_of(encoding))
    if files.depth is not None:
        depth = stored_depth(files.depth, layers["depth"])
    if files.normals is not None:
        normals = stored_normals(files.normals, layers["normals"])
    return Layers(rgb_HW3, ids, depth, normals, pose.K, pose.camera_to_world, pose.tools, pose.lens)


def layers_of(encoding: Mapping[str, str]) -> dict[str, FolderLayer]:
    """The layers as a scene's encoding keeps them."""
    return {name: FolderLayer(**row) for name, row in json.loads(encoding["layers"]).items()}


def class_values(path: Path, encoding: str) -> list[str]:
    """Which classes a label picture holds, as a mapping writes them: "51", or "#ff8000" for colours."""
    if encoding == "grey":
        return [str(v) for v in values_in(_greys(path))]
    return [f"#{v:06x}" for v in np.unique(_colours(path))]


# -- which files belong together


def _patients(path: Path, mapping: SceneMapping) -> list[tuple[str, SceneMapping]]:
    """Each patient with the mapping of its own folders."""
    for layer in mapping.layers.values():
        json_tables.inside(path, layer.folder.replace(PATIENT, "patient") + "/x", where=path)
    pattern, prefix = mapping.layers["rgb"].folder, ""
    if PATIENT not in pattern and not (path / pattern).is_dir():
        pattern, prefix = f"{PATIENT}/{pattern}", f"{PATIENT}/"
    if PATIENT not in pattern:
        return [(mapping.patient or path.name, mapping)]
    before, _, after = pattern.partition(PATIENT)
    found = [f.name for f in listing.folders_in(path / before) if (f / after.lstrip("/")).is_dir()]
    if not found:
        raise InputError(f"there is no folder '{mapping.layers['rgb'].folder}'", where=path,
                         remedy="Mend layers.rgb.folder in the mapping.")  # fmt: skip
    return [(name, _of_patient(mapping, name, prefix)) for name in found]


def _of_patient(mapping: SceneMapping, name: str, prefix: str) -> SceneMapping:
    def own(place: str) -> str:
        return (prefix + place).replace(PATIENT, name) if place else ""

    layers = {key: replace(layer, folder=own(layer.folder)) for key, layer in mapping.layers.items()}
    return replace(mapping, layers=layers, camera=replace(mapping.camera, file=own(mapping.camera.file)))


def first_frames(path: Path, mapping: SceneMapping, count: int) -> tuple[SceneFiles, tuple[FrameFiles, ...]]:
    """The first scene without a look at its classes, and its first frames. Raise InputError for what is wrong."""
    patient, own = _patients(path, mapping)[0]
    frames = _listed(path, own.layers)
    size = matching.common_size([f.rgb for f in frames[:count]])
    return _scene(path, patient, own, frames, size), tuple(frames[:count])


def _read_scene(root: Path, patient: str, mapping: SceneMapping) -> SceneFiles:
    frames = _listed(root, mapping.layers)
    sample = listing.spread(frames, matching.SAMPLED_FRAMES)
    size = matching.common_size([f.rgb for f in sample])
    if "segmentation" in mapping.layers:
        _check_classes(sample, mapping.layers["segmentation"].encoding, mapping, root)
    return _scene(root, patient, mapping, frames, size)


def _listed(root: Path, layers: Mapping[str, FolderLayer]) -> Sequence[FrameFiles]:
    folder = root / layers["rgb"].folder
    renders = listing.files_in(folder)
    if not renders:
        raise InputError("holds no pictures", where=folder, remedy="Mend layers.rgb.folder in the mapping.")
    partners = {name: _partners(renders, root, name, layer) for name, layer in layers.items() if name != "rgb"}
    return on_disk(
        FrameFiles(path.stem, index, path, **{name: partner_of(path) for name, partner_of in partners.items()})
        for index, path in enumerate(renders)
    )


def _scene(
    root: Path, patient: str, mapping: SceneMapping, frames: Sequence[FrameFiles], size: tuple[int, int]
) -> SceneFiles:
    encoding = {
        "classes": json.dumps(dict(mapping.classes)), "camera": json.dumps(asdict(mapping.camera)),
        "layers": json.dumps({name: asdict(layer) for name, layer in mapping.layers.items()}),
    }  # fmt: skip
    return SceneFiles(patient, patient, NAME, root, size, STUDIO_CLASSES, frames, encoding,
                      notes_on_layers(frames))  # fmt: skip


def _partners(renders: Sequence[Path], root: Path, name: str, layer: FolderLayer) -> Callable[[Path], Path | None]:
    """Gives a render's file in another layer's folder."""
    folder = root / layer.folder
    if not folder.is_dir():
        raise InputError(f"there is no folder '{layer.folder}'", where=root,
                         remedy=f"Mend layers.{name}.folder in the mapping, or leave the layer out.")  # fmt: skip
    suffixes = _SUFFIXES.get(layer.encoding)
    files = listing.files_in(folder) if suffixes is None else listing.files_in(folder, suffixes)
    most, best = 0, _none
    for key_of in (matching.stem, matching.frame_key, _last_number):
        if most == len(renders):
            break
        table = matching.keyed(files, key_of)
        if table.repeated is not None or not matching.differ(renders, key_of):
            continue
        found = sum(key_of(path) in table for path in renders)
        if found > most:
            most, best = found, partial(_looked_up, table, key_of)
    required(renders, lambda p: best(p) is not None, layer=f"{name} file ({layer.encoding})", where=folder)
    return best


def _looked_up(table: Mapping[str, Path], key_of: Callable[[Path], str], path: Path) -> Path | None:
    return table.get(key_of(path))


def _none(path: Path) -> Path | None:
    return None


def _last_number(path: Path) -> str:
    number = _LAST_NUMBER.search(path.stem)
    return number[1] if number else path.stem


# -- how layers are stored


def _check_classes(sample: Sequence[FrameFiles], encoding: str, mapping: SceneMapping, root: Path) -> None:
    """All values of the sample at once, so that one message names what the table lacks."""
    seen = {value for f in sample if f.segmentation is not None for value in class_values(f.segmentation, encoding)}
    in_order = sorted(seen, key=lambda value: (len(value), value))
    studio_ids([SourceClass(value) for value in in_order], mapping.classes, where=root)


def _ids(path: Path, encoding: str, classes: Mapping[str, str]) -> np.ndarray:
    values_HW = _greys(path) if encoding == "grey" else _colours(path)
    word: Callable[[int], str] = str if encoding == "grey" else "#{:06x}".format
    stored = {word(int(v)): int(v) for v in np.unique(values_HW)}
    found = studio_ids([SourceClass(key) for key in stored], classes, where=path)
    return ids_by_value(values_HW, {stored[key]: target for key, target in found.items()})


def _greys(path: Path) -> np.ndarray:
    try:
        return read_label_values(path)
    except InputError as error:
        if "coloured" not in error.what:
            raise
        raise InputError(error.what, where=path, remedy='Say layers.segmentation.encoding = "colour".') from error


def _colours(path: Path) -> np.ndarray:
    rgb_HW3 = read_rgb(path).astype(np.int64)
    packed: np.ndarray = (rgb_HW3[..., 0] << 16) | (rgb_HW3[..., 1] << 8) | rgb_HW3[..., 2]
    return packed


def stored_depth(path: Path, layer: FolderLayer) -> np.ndarray:
    """float32 HxW in mm, as stored (planar or along the ray). Raise InputError for files of another kind."""
    return depth_of(path, mm_per_unit=layer.mm_per_unit or 1.0)


def stored_normals(path: Path, layer: FolderLayer) -> np.ndarray:
    """float32 HxWx3 unit normals in OpenCV camera axes."""
    if layer.encoding == "png8":
        values = read_grey_levels(path).astype(np.float32) / np.float32(255)
    elif layer.encoding == "png16":
        values = read_deep_png(path).astype(np.float32) / np.float32(65535)
    else:
        values = read_exr(path)
    if values.ndim != 3:
        raise InputError("the normals have not three channels", where=path, remedy="Store x, y, z.")
    normals_HW3 = unit_normals(values) if layer.encoding == "exr" else normals_from_01(values)
    return axes.normals_from_opengl(normals_HW3) if layer.axes == "opengl" else normals_HW3


def _pose(rgb: Path, layer: FolderLayer, encoding: Mapping[str, str], size: tuple[int, int]) -> Pose:
    camera = Camera(**json.loads(encoding["camera"]))
    pose = NO_POSE
    if camera.file:
        root = rgb.parents[len(PurePosixPath(layer.folder).parts)]
        where = json_tables.inside(root, camera.file, where=root)
        if not where.is_file():
            raise InputError("there is no such file", where=where, remedy="Mend camera.file in the mapping.")
        pose = poses_of(where).get(rgb.stem, NO_POSE)
    return pose if pose.K is not None else replace(pose, K=mapped_K(encoding, size))
