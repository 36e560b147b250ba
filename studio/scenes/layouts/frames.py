"""The studio's own layout, one folder per scene, as the simulator writes it.

::

    scene.json            format, version, name, patient, classes, size, units "mm", depth and normals encodings
    frames.json           K, camera and tool poses by frame
    rgb/000000.png        8 bit (or JPEG)
    seg/000000.png        class ids
    depth/000000.exr      planar z in mm (or 16-bit PNG times the scale declared in scene.json)
    normals/000000.exr    unit vectors in camera axes (or 16-bit PNG, (n + 1) / 2)
    flow_forward/000000.exr, flow_backward/000000.exr    of sequences, where scene.json says so: px, R right, G down
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values, values_in
from studio.files.pictures import PICTURE_SUFFIXES, exr_size, read_rgb, read_size
from studio.files.spilled import Few
from studio.scenes.layouts import matching
from studio.scenes.layouts.decoding import read_depth, read_normals
from studio.scenes.layouts.listed import on_disk, with_flow
from studio.scenes.layouts.poses import NO_POSE, poses_of
from studio.scenes.provenance import made_by_encoding
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FLOW_DIRECTIONS, FlowDirection, FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import IGNORE, ClassTable

NAME = "frames"
FORMAT = "trocar-frames"
VERSION = 1
DESCRIPTION = "scene.json"
_CLASS_ROWS = 'Write "classes": [{id, name, colour}].'


def recognises(path: Path) -> bool:
    return bool(_scene_folders(path))


def read(path: Path) -> list[SceneFiles]:
    """The scene in this folder, or all scenes up to two levels below it. Raise InputError for what is wrong."""
    folders = _scene_folders(path)
    if not folders:
        raise InputError(f"no {DESCRIPTION} here or below", where=path, remedy="Name a scene's folder.")
    return [_read_scene(folder) for folder in folders]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions; raise InputError for ids that the scene's class table lacks."""
    rgb_HW3 = read_rgb(files.rgb)
    segmentation = None if files.segmentation is None else _ids(files.segmentation, encoding)
    scale = float(encoding["depth_scale"]) if "depth_scale" in encoding else None
    depth = None if files.depth is None else read_depth(files.depth, mm_per_step=scale)
    normals = None if files.normals is None else read_normals(files.normals)
    pose = poses_of(files.rgb.parents[1] / "frames.json").get(files.rgb.stem, NO_POSE)
    return Layers(rgb_HW3, segmentation, depth, normals, pose.K, pose.camera_to_world, pose.tools, pose.lens)


def _ids(path: Path, encoding: Mapping[str, str]) -> np.ndarray:
    ids_HW = read_label_values(path)
    known = {int(i) for i in encoding["class_ids"].split(",")} | {IGNORE} if "class_ids" in encoding else None
    unknown = [v for v in values_in(ids_HW) if known is not None and v not in known]
    if unknown:
        values = ", ".join(str(v) for v in unknown[:5])
        raise InputError(
            f"class id {values} is not in the scene's class table",
            where=path,
            remedy=f"Name the class in {DESCRIPTION} or mend the label picture.",
        )
    return ids_HW


def _scene_folders(path: Path) -> list[Path]:
    if (path / DESCRIPTION).is_file():
        return [path]
    children = listing.folders_in(path)
    below = [f for f in children if (f / DESCRIPTION).is_file()]
    return below or [g for f in children for g in listing.folders_in(f) if (g / DESCRIPTION).is_file()]


def _read_scene(root: Path) -> SceneFiles:
    description = _description(root / DESCRIPTION)
    encoding, classes, size = _encoding(description, root), _classes(description, root), _size(description, root)
    encoding["class_ids"] = ",".join(str(i) for i in classes.ids)
    encoding |= made_by_encoding(description)
    flow = _flow_folders(description, root)
    if flow:
        encoding["flow"] = "exr, px to the next and previous moment, NaN = not seen there"
    renders = listing.files_in(root / "rgb")
    if not renders:
        raise InputError("holds no pictures", where=root / "rgb", remedy="Write the frames or remove the scene.")
    frames, notes = _frames(renders, root)
    frames = with_flow(frames, flow, notes)
    _check_sample(frames, size)
    if not (root / "frames.json").is_file():
        notes.append("no frames.json: poses and intrinsics are unknown")
    name = str(description.get("name") or root.name)
    patient = str(description.get("patient") or name)
    return SceneFiles(name, patient, NAME, root, size, classes, frames, encoding, tuple(notes))


def _frames(renders: Sequence[Path], root: Path) -> tuple[Sequence[FrameFiles], list[str]]:
    by_stem = {
        layer: matching.keyed(listing.files_in(root / layer, suffixes), matching.stem, last=True)
        for layer, suffixes in (
            ("seg", PICTURE_SUFFIXES), ("depth", matching.DEPTH_SUFFIXES), ("normals", matching.DEPTH_SUFFIXES),
        )
    }  # fmt: skip
    without = Few(p for p in renders if p.stem not in by_stem["seg"])
    if without:
        raise InputError(
            f"{len(without)} of {len(renders)} renders have no label picture: {listing.named(without)}",
            where=root / "seg",
            remedy="Add the missing label pictures or remove these renders.",
        )
    if not matching.differ(renders, matching.stem):
        raise InputError("two renders share a name", where=root / "rgb", remedy="Remove one of the two.")
    notes = []
    for layer in ("depth", "normals"):
        found = by_stem[layer]
        missing = Few(p for p in renders if p.stem not in found)
        if missing:
            notes.append(f"{len(missing)} frames have no {layer}: {listing.named(missing)}" if found else f"no {layer}")
    frames = on_disk(
        FrameFiles(
            p.stem, i, p, by_stem["seg"][p.stem], by_stem["depth"].get(p.stem), by_stem["normals"].get(p.stem)
        )
        for i, p in enumerate(renders)
    )  # fmt: skip
    return frames, notes


def _flow_folders(description: Mapping[str, Any], root: Path) -> dict[FlowDirection, Path]:
    """Folders by direction, as the description has them; raise InputError for what it can't mean."""
    flow = description.get("flow")
    if flow is None:
        return {}
    named = {d: flow.get(d) for d in FLOW_DIRECTIONS if d in flow} if isinstance(flow, dict) else {}
    if not named or not all(isinstance(n, str) and re.fullmatch(r"\w[\w.-]*", n) for n in named.values()):
        raise InputError(
            "names no folders of its flow", where=root / DESCRIPTION,
            remedy='Write "flow": {"forward": "flow_forward", "backward": "flow_backward", "encoding": "exr"}.',
        )  # fmt: skip
    if flow.get("encoding", "exr") != "exr":
        raise InputError(
            f"flow encoding '{flow['encoding']}' is not known", where=root / DESCRIPTION, remedy="Use exr."
        )  # fmt: skip
    return {d: root / str(n) for d, n in named.items()}


def _check_sample(frames: Sequence[FrameFiles], size: tuple[int, int]) -> None:
    """Sizes of a spread sample, from their headers."""
    for frame in listing.spread(frames, matching.SAMPLED_FRAMES):
        matching.same_size(frame.rgb, read_size(frame.rgb), size, layer="render", of=DESCRIPTION)
        if frame.segmentation is not None:
            matching.same_size(frame.segmentation, read_size(frame.segmentation), size, layer="label picture")
        for direction in FLOW_DIRECTIONS:
            flow = frame.flow(direction)
            if flow is not None:
                matching.same_size(flow, exr_size(flow), size, layer=f"{direction} flow")


def _description(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON ({error})", where=path, remedy="Write it again.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f'no "format": "{FORMAT}" in it', where=path, remedy="Is it a scene of another program?")
    version = content.get("version")
    if version != VERSION:
        raise InputError(f"version {version} is not known", where=path, remedy=f"This program reads version {VERSION}.")
    if content.get("units", "mm") != "mm":
        raise InputError(f"units '{content['units']}' are not known", where=path, remedy="Write lengths in mm.")
    return content


def _classes(description: Mapping[str, Any], root: Path) -> ClassTable:
    try:
        table = ClassTable.from_rows(description["classes"])
        if not table.classes:
            raise KeyError("classes")
        return table
    except (KeyError, TypeError, OverflowError) as error:
        raise InputError("no list of classes", where=root / DESCRIPTION, remedy=_CLASS_ROWS) from error
    except InputError as error:
        raise InputError(error.what, where=root / DESCRIPTION, remedy=error.remedy or _CLASS_ROWS) from error


def _size(description: Mapping[str, Any], root: Path) -> tuple[int, int]:
    try:
        width, height = (int(v) for v in description["size"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("no size", where=root / DESCRIPTION, remedy='Add "size": [width, height].') from error
    return width, height


def _encoding(description: Mapping[str, Any], root: Path) -> dict[str, str]:
    """What load needs to know, as text; raise InputError for an undeclared or unknown depth encoding."""
    depth = description.get("depth") or {"encoding": "exr"}
    kind = depth.get("encoding") if isinstance(depth, dict) else depth
    if kind == "exr":
        return {"segmentation": "ids", "depth": "exr, planar z in mm"}
    if kind != "png16":
        raise InputError(f"depth encoding '{kind}' is not known", where=root / DESCRIPTION, remedy="Use exr or png16.")
    try:
        scale = float(depth["scale"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            "depth as 16-bit PNG without a scale", where=root / DESCRIPTION, remedy='Add "scale": mm per step.'
        ) from error
    if not 0 < scale < float("inf"):
        raise InputError(f"a depth scale of {scale}", where=root / DESCRIPTION, remedy="Give mm per step, above 0.")
    return {"segmentation": "ids", "depth": "png16, planar z", "depth_scale": repr(scale)}
