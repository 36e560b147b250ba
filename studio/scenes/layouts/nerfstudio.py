"""nerfstudio and instant-ngp: one transforms.json is one scene.

::

    transforms.json   fl_x fl_y cx cy w h (or camera_angle_x), for all frames or in each;
                      frames: [{file_path, transform_matrix, depth_file_path, mask_path}];
                      camera_model, k1 k2 k3 k4 p1 p2, for all frames or in each

``transform_matrix`` is camera-to-world in OpenGL axes, its position times ``applied_scale`` where that is there; K has
pixel centres at +0.5. Depth is planar z, 16-bit PNG, EXR or .npy times ``depth_unit_scale_factor`` (0.001 where none
stands there: mm in a world of metres), 0 = unknown. Masks say which pixels nerfstudio trains on; they are labels only
where a mapping gives their values classes.

A lens that bends (``k1`` to ``k4``, ``p1``, ``p2``; OPENCV, or OPENCV_FISHEYE, which instant-ngp calls ``is_fisheye``)
goes with K as the frame's ``lens``. Pictures, labels and depth stay as they are: to the pixel they belong together, and
real laparoscopes bend, too.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values, values_in
from studio.files.pictures import PICTURE_SUFFIXES, read_rgb, read_size
from studio.files.spilled import Few, SpilledTable
from studio.scenes.class_names import SourceClass, ids_by_value, studio_ids, table_of
from studio.scenes.layouts import axes, json_tables, matching
from studio.scenes.layouts.decoding import depth_of
from studio.scenes.layouts.listed import notes_on_layers, on_disk, required
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.lenses import COEFFICIENTS, Lens, slopes

NAME = "nerfstudio"
TRANSFORMS = "transforms.json"
_MM_PER_UNIT = 1000.0
_DEPTH_UNIT = 0.001
_ENDINGS = (".png", ".jpg", ".jpeg")
_FISHEYE = "OPENCV_FISHEYE"
_MODELS = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "RADIAL", "SIMPLE_RADIAL", "PERSPECTIVE", _FISHEYE)
_BEYOND = 0.001
"""Share of a picture that may lie beyond what its lens's coefficients describe before that is said."""


@dataclass(frozen=True)
class _Transforms:
    """A transforms.json: what holds for all frames, and the frames by their picture's file."""

    common: Mapping[str, Any]
    frames: Mapping[str, Mapping[str, Any]]
    where: Path

    def key(self, rgb: Path) -> str:
        """By which a picture's row is found: its place below the scene's folder."""
        return rgb.relative_to(self.where.parent).as_posix()

    def at(self, rgb: Path) -> tuple[str, Mapping[str, Any]]:
        """(place for messages, what holds for one frame). Raise InputError when the file does not name it."""
        row = self.frames.get(self.key(rgb))
        if row is None:
            raise InputError(f"names no picture {rgb.name}", where=self.where, remedy="Add the scene again.")
        return f"frame '{row['file_path']}'", {**self.common, **row}

    def file(self, rgb: Path, key: str) -> Path | None:
        row = self.frames[self.key(rgb)]
        if not row.get(key):
            return None
        name = json_tables.text(row, key, at=f"frame '{row['file_path']}'", where=self.where)
        return json_tables.inside(self.where.parent, name, where=self.where)


def recognises(path: Path) -> bool:
    return bool(_scene_folders(path))


def read(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
    """The scene in this folder, or those in the folders below. Raise InputError for what is wrong."""
    folders = _scene_folders(path)
    if not folders:
        raise InputError(f"no {TRANSFORMS} here or below", where=path, remedy="Name the folder that holds it.")
    return [_read_scene(folder, mapping) for folder in folders]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions."""
    transforms = _transforms_of(files.rgb)
    at, row = transforms.at(files.rgb)
    rgb_HW3 = read_rgb(files.rgb)
    K = _K(row, (rgb_HW3.shape[1], rgb_HW3.shape[0]), at, transforms.where)
    matrix = json_tables.numbers(row, "transform_matrix", count=16, at=at, where=transforms.where).reshape(4, 4)
    scale = _above_0(row, "applied_scale", 1.0, at, transforms.where)
    pose = json_tables.geometric(
        lambda: axes.checked_pose(axes.pose_from_opengl(matrix, mm_per_unit=_MM_PER_UNIT / scale)), at=at,
        where=transforms.where,
    )  # fmt: skip
    depth = None
    if files.depth is not None:
        unit = _above_0(row, "depth_unit_scale_factor", _DEPTH_UNIT, at, transforms.where)
        depth = depth_of(files.depth, mm_per_unit=unit * _MM_PER_UNIT)
    ids = None if files.segmentation is None else _ids(files.segmentation, table_of(encoding))
    return Layers(rgb_HW3, ids, depth, None, K, pose, lens=_lens(row, at, transforms.where))


def _scene_folders(path: Path) -> list[Path]:
    if (path / TRANSFORMS).is_file():
        return [path]
    return [f for f in listing.folders_in(path) if (f / TRANSFORMS).is_file()]


def _read_scene(root: Path, mapping: SceneMapping) -> SceneFiles:
    transforms = _read(root / TRANSFORMS)
    renders = listing.in_order(transforms.frames, root)
    masks = (transforms.file(p, "mask_path") for p in renders)
    depths = (transforms.file(p, "depth_file_path") for p in renders)
    for words, named in (("pictures", renders), ("masks", masks), ("depth files", depths)):
        absent = Few(p for p in named if p is not None and not p.is_file())
        if absent:
            raise InputError(f"{len(absent)} of {len(renders)} {words} that it names are not there: "
                             f"{listing.named(absent)}", where=root / TRANSFORMS, remedy="Add them.")  # fmt: skip
    masked = any(transforms.file(p, "mask_path") is not None for p in renders)
    labelled = bool(mapping.classes) and masked
    if labelled:
        required(renders, lambda p: transforms.file(p, "mask_path") is not None, layer="mask_path",
                 where=root / TRANSFORMS)  # fmt: skip
    name_of = _frame_names(renders, root)
    frames = on_disk(
        FrameFiles(
            name_of(p), i, p, transforms.file(p, "mask_path") if labelled else None,
            transforms.file(p, "depth_file_path"),
        )
        for i, p in enumerate(renders)
    )  # fmt: skip
    sample = listing.spread(frames, matching.SAMPLED_FRAMES)
    notes = [*notes_on_layers(frames), *_lens_notes(transforms, renders[0])]
    if masked and not labelled:
        notes.append(
            'masks were left out: a mapping makes them labels, such as classes = {"255" = "liver", "0" = "void"}'
        )
    size = matching.common_size([f.rgb for f in sample])
    encoding = {"classes": json.dumps(dict(mapping.classes))}
    return SceneFiles(root.name, mapping.patient or root.name, NAME, root, size, STUDIO_CLASSES, frames,
                      encoding, tuple(notes))  # fmt: skip


def _frame_names(renders: Sequence[Path], root: Path) -> Callable[[Path], str]:
    """The stem where stems differ, else the path below the scene's folder."""
    if matching.differ(renders, matching.stem):
        return matching.stem
    return lambda p: p.relative_to(root).with_suffix("").as_posix()


def _lens_notes(transforms: _Transforms, first: Path) -> list[str]:
    """What is said of lenses that bend; of how much lies beyond their coefficients, the first frame speaks for all."""
    rows = itertools.chain([transforms.common], transforms.frames.values())
    named = sorted({key for row in rows for key in COEFFICIENTS if row.get(key)})
    at, row = transforms.at(first)
    lens = _lens(row, at, transforms.where)
    if lens is None and not named:
        return []
    what = f"distorting lens ({', '.join(named)})" if lens is None else lens.words
    notes = [f"a {what}: pictures and labels stay as they are, and K is exported with its distortion"]
    size = read_size(first)
    rays_HW = slopes(size, _K(row, size, at, transforms.where), lens)[0]
    beyond = float(np.isnan(rays_HW).mean())
    if beyond > _BEYOND:
        notes.append(f"{beyond:.1%} of each picture lie beyond what {', '.join(named) or 'the lens'} describe:"
                     " there, depth cannot be compared")  # fmt: skip
    return notes


def _lens(row: Mapping[str, Any], at: str, where: Path) -> Lens | None:
    fisheye = str(row.get("camera_model", "")).upper() == _FISHEYE or row.get("is_fisheye") is True
    given = {key: json_tables.number(row, key, at=at, where=where) for key in COEFFICIENTS if row.get(key) is not None}
    return Lens.from_json({"model": _FISHEYE if fisheye else "OPENCV", **given})


@json_tables.kept_while_unchanged
def _read(where: Path) -> _Transforms:
    common: dict[str, Any] = {}
    frames = SpilledTable.of(_rows(where, common), json.loads)
    model = str(common.get("camera_model", _MODELS[0])).upper()
    if model not in _MODELS:
        raise InputError(f"camera_model is '{model}'", where=where, remedy=f"Only {', '.join(_MODELS)} are read.")
    if frames.repeated is not None:
        raise InputError(f"frame {len(frames)} names '{frames.repeated}' again", where=where,
                         remedy="Name each picture once.")  # fmt: skip
    if "frames" in common and common["frames"] != []:
        json_tables.rows(common, "frames", at="the file", where=where)
    if not frames:
        json_tables.entry(common, "frames", at="the file", where=where)
        raise InputError("names no frames", where=where, remedy="Write it anew.")
    return _Transforms(common, frames, where)


def _rows(where: Path, common: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Each frame's row by its picture's place; ``common`` gets what stands beside the frames."""
    for place, value in json_tables.rows_of(where, inside="frames"):
        if len(place) != 2:
            common |= {str(place[0]): value} if place and isinstance(place[0], str) else {}
            if not common:
                json_tables.table(value if not place else [], at="the file", where=where)
            continue
        at = f"frame {place[1]}"
        row = json_tables.table(value, at=at, where=where)
        path = _picture(json_tables.text(row, "file_path", at=at, where=where), where)
        json_tables.numbers(row, "transform_matrix", count=16, at=at, where=where)
        yield path.relative_to(where.parent).as_posix(), json_tables.packed(row)


def _picture(name: str, where: Path) -> Path:
    """Synthetic scenes of the first NeRF leave the ending away, and mean .png; instant-ngp takes .jpg, too."""
    path = json_tables.inside(where.parent, name, where=where)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return path
    meant = [path.with_name(path.name + ending) for ending in _ENDINGS]
    return next((p for p in meant if p.is_file()), meant[0])


def _transforms_of(rgb: Path) -> _Transforms:
    """Of the nearest folder above that has one which names the picture."""
    for folder in rgb.parents:
        if (folder / TRANSFORMS).is_file():
            found = _read(folder / TRANSFORMS)
            if found.key(rgb) in found.frames:
                return found
    raise InputError(f"no {TRANSFORMS} above names this picture", where=rgb, remedy="Add the scene again.")


def _K(row: Mapping[str, Any], size: tuple[int, int], at: str, where: Path) -> np.ndarray:
    """At the picture's size, whatever size w and h say."""
    width, height = size
    of_width, of_height = _above_0(row, "w", width, at, where), _above_0(row, "h", height, at, where)
    if "fl_x" in row:
        fx = json_tables.number(row, "fl_x", at=at, where=where)
    else:
        angle = json_tables.number(row, "camera_angle_x", at=at, where=where)
        fx = of_width / 2 / math.tan(angle / 2)
    fy = json_tables.number(row, "fl_y", at=at, where=where) if "fl_y" in row else fx
    cx = json_tables.number(row, "cx", at=at, where=where) if "cx" in row else of_width / 2
    cy = json_tables.number(row, "cy", at=at, where=where) if "cy" in row else of_height / 2
    by_x, by_y = width / of_width, height / of_height
    return json_tables.geometric(
        lambda: axes.intrinsics(fx * by_x, fy * by_y, cx * by_x, cy * by_y), at=at, where=where
    )


def _above_0(row: Mapping[str, Any], key: str, otherwise: float, at: str, where: Path) -> float:
    if key not in row:
        return otherwise
    value = json_tables.number(row, key, at=at, where=where)
    if value <= 0:
        raise InputError(f"'{key}' in {at} is {value:g}", where=where, remedy="Give a number above 0.")
    return value


def _ids(path: Path, classes: Mapping[str, str]) -> np.ndarray:
    values_HW = read_label_values(path)
    found = studio_ids([SourceClass(str(v)) for v in values_in(values_HW)], classes, where=path)
    return ids_by_value(values_HW, {int(key): target for key, target in found.items()})
