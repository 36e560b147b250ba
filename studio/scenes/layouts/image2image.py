"""The layout of the public data set of Pfeiffer et al. (2019), read as scenes: one patient, one scene.

::

    simulated/<patient>/inputs/img00000.png
    labels/simulated/<patient>/labels/lbl00000.png       grey value = class, two encodings exist
    depths/simulated/<patient>/depths/depth00000.exr     planar z in mm, may be missing
    <style set>/<patient>/style_01/img00000.png          translations: named in a note, not read as scenes

Our own exports add ``trocar-layers.json`` where they declare normals, poses and optical flow, which the public set does
not have: ``flow_forward`` and ``flow_backward/simulated/<patient>/flow/flow00000.exr``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.files import listing
from studio.files.labels import read_label_values, values_in
from studio.files.pictures import exr_size, read_rgb, read_size
from studio.files.spilled import Few
from studio.scenes.layouts import matching
from studio.scenes.layouts.decoding import read_depth, read_normals
from studio.scenes.layouts.listed import on_disk, with_flow
from studio.scenes.layouts.poses import NO_POSE, poses_of
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FLOW_DIRECTIONS, FlowDirection, FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES

NAME = "image2image"
DECLARATION = "trocar-layers.json"
_STEPS = 10
_LABELS_SEARCHED = 200


def _published(k: int) -> int:
    return int(255 * k / _STEPS + 0.5)


def _loader(k: int) -> int:
    """The sRGB transfer curve of k/10 (IEC 61966-2-1), as the authors' loader stores it."""
    linear = k / _STEPS
    curve = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return int(255 * curve + 0.5)


ENCODINGS: dict[str, dict[int, int]] = {
    "published": {_published(k): k for k in STUDIO_CLASSES.ids},
    "loader": {_loader(k): k for k in STUDIO_CLASSES.ids},
}
"""Grey value -> class id. Ids 0 to 7 are the public set's; 8 continues the same rule in our own exports."""


@dataclass(frozen=True)
class _Folders:
    """Where one patient's layers lie under ``root``."""

    root: Path
    patient: str

    @property
    def inputs(self) -> Path:
        return self.root / "simulated" / self.patient / "inputs"

    @property
    def labels(self) -> Path:
        return self.root / "labels" / "simulated" / self.patient / "labels"

    @property
    def depths(self) -> Path:
        return self.root / "depths" / "simulated" / self.patient / "depths"

    @property
    def normals(self) -> Path:
        return self.root / "normals" / "simulated" / self.patient / "normals"

    @property
    def flow(self) -> dict[FlowDirection, Path]:
        """Of the directions that this patient has."""
        places = {d: self.root / f"flow_{d}" / "simulated" / self.patient / "flow" for d in FLOW_DIRECTIONS}
        return {d: place for d, place in places.items() if place.is_dir()}

    @property
    def poses(self) -> Path:
        return self.root / "poses" / "simulated" / self.patient / "frames.json"


def recognises(path: Path) -> bool:
    return _found(path) is not None


def read(path: Path) -> list[SceneFiles]:
    """All patients under the data set's root, or the one whose folder was named.

    Raise InputError for missing labels, sizes that differ and grey values of neither encoding.
    """
    found = _found(path)
    if found is None:
        raise InputError("no folder simulated/<patient>/inputs", where=path, remedy="Name the data set's root.")
    root, patients = found
    notes = _notes_on_extras(root)
    return [_read_patient(_Folders(root, patient), () if i else notes) for i, patient in enumerate(patients)]


def load(files: FrameFiles, encoding: Mapping[str, str]) -> Layers:
    """One frame in the studio's conventions. ``encoding`` is that of its scene."""
    rgb_HW3 = read_rgb(files.rgb)
    segmentation = None if files.segmentation is None else ids_of(files.segmentation, encoding.get("labels", ""))
    depth = None if files.depth is None else read_depth(files.depth, mm_per_step=None)
    declared = files.normals is not None and encoding.get("normals") == "exr"
    normals = read_normals(files.normals) if declared and files.normals is not None else None
    pose = NO_POSE
    if "poses" in encoding:
        folders = _Folders(files.rgb.parents[3], files.rgb.parents[1].name)
        pose = poses_of(folders.poses).get(matching.frame_key(files.rgb), NO_POSE)
    return Layers(rgb_HW3, segmentation, depth, normals, pose.K, pose.camera_to_world, pose.tools, pose.lens)


def ids_of(path: Path, encoding: str) -> np.ndarray:
    """uint8 HxW class ids of a label picture; raise InputError, with value and file, for a grey value of no class."""
    grey_HW = read_label_values(path)
    table = ENCODINGS.get(encoding)
    if table is None:
        raise InputError(f"unknown grey encoding '{encoding}'", where=path, remedy="Add the scene again.")
    _refuse_unknown([v for v in values_in(grey_HW) if v not in table], path, encoding)
    lookup = np.zeros(256, np.uint8)
    for grey, class_id in table.items():
        lookup[grey] = class_id
    ids_HW: np.ndarray = lookup[grey_HW]
    return ids_HW


def _refuse_unknown(unknown: Sequence[int], path: Path, encoding: str) -> None:
    if not unknown:
        return
    values = ", ".join(str(v) for v in unknown[:5])
    known = ", ".join(str(v) for v in ENCODINGS[encoding])
    raise InputError(
        f"grey value {values} stands for no class in the encoding '{encoding}'",
        where=path,
        remedy=f"It knows {known}; the label picture may have been smoothed, scaled or saved as JPEG.",
    )


def _found(path: Path) -> tuple[Path, list[str]] | None:
    """(root, patients): the path may be the root, its folder ``simulated``, or one patient in there."""
    patients = [f.name for f in listing.folders_in(path / "simulated") if (f / "inputs").is_dir()]
    if patients:
        return path, patients
    if path.name == "simulated":
        patients = [f.name for f in listing.folders_in(path) if (f / "inputs").is_dir()]
        return (path.parent, patients) if patients else None
    if path.parent.name == "simulated" and (path / "inputs").is_dir():
        return path.parent.parent, [path.name]
    return None


def _read_patient(folders: _Folders, notes: tuple[str, ...]) -> SceneFiles:
    renders = listing.files_in(folders.inputs)
    if not renders:
        raise InputError("holds no pictures", where=folders.inputs, remedy="Add the renders or remove the folder.")
    size = matching.common_size(renders)
    labels = matching.by_key(listing.files_in(folders.labels))
    keys = matching.by_key(renders)
    without = Few(path for key, path in keys.items() if key not in labels)
    if without:
        raise InputError(
            f"{len(without)} of {len(renders)} renders have no label picture: {listing.named(without)}",
            where=folders.labels,
            remedy="Add the missing label pictures or remove these renders.",
        )
    depths = matching.by_key(listing.files_in(folders.depths, frozenset({".exr"})))
    declared = _declared(folders)
    normals = matching.by_key(listing.files_in(folders.normals, frozenset({".exr"}))) if "normals" in declared else {}
    frames = on_disk(
        FrameFiles(path.stem, index, path, labels[key], depths.get(key), normals.get(key))
        for index, (key, path) in enumerate(keys.items())
    )
    missing: list[str] = []
    frames = with_flow(frames, folders.flow if "flow" in declared else {}, missing, matching.frame_key)
    _check_flow(frames, size)
    encoding, note = _label_encoding(frames, size)
    stored = {"labels": encoding, "depth": "exr, planar z in mm"} | declared
    more = (note, *_notes_on_counts(keys, labels, depths), *missing)
    return SceneFiles(
        folders.patient, folders.patient, NAME, folders.root, size, STUDIO_CLASSES, frames, stored, more + notes
    )


def _check_flow(frames: Sequence[FrameFiles], size: tuple[int, int]) -> None:
    """Sizes of a spread sample, from their headers."""
    for frame in listing.spread(frames, matching.SAMPLED_FRAMES):
        for direction in FLOW_DIRECTIONS:
            flow = frame.flow(direction)
            if flow is not None:
                matching.same_size(flow, exr_size(flow), size, layer=f"{direction} flow")


def _label_encoding(frames: Sequence[FrameFiles], size: tuple[int, int]) -> tuple[str, str]:
    """(encoding, note), from a spread sample; from many more when the sample shows void alone."""
    sample = [f.segmentation for f in listing.spread(frames, matching.SAMPLED_FRAMES) if f.segmentation is not None]
    for path in sample:
        matching.same_size(path, read_size(path), size, layer="label picture")
    fitting = set(ENCODINGS)
    more = (f.segmentation for f in listing.spread(frames, _LABELS_SEARCHED + len(sample)))
    rest = [p for p in more if p is not None and p not in set(sample)]
    for count, path in enumerate([*sample, *rest]):
        if len(fitting) < len(ENCODINGS) and count >= len(sample):
            break
        values = values_in(read_label_values(path))
        remaining = {name for name in fitting if all(v in ENCODINGS[name] for v in values)}
        if not remaining:
            likeliest = max(fitting, key=lambda name: sum(v in ENCODINGS[name] for v in values))
            _refuse_unknown([v for v in values if v not in ENCODINGS[likeliest]], path, likeliest)
        fitting = remaining
    if len(fitting) > 1:
        return "published", "labels: only void was seen, taken as grey encoding 'published' (round(255 k / 10))"
    name = fitting.pop()
    rule = "round(255 k / 10)" if name == "published" else "sRGB curve of k / 10, as the authors' loader has it"
    return name, f"labels: grey encoding '{name}' found ({rule})"


def _declared(folders: _Folders) -> dict[str, str]:
    """Encodings of layers that the public layout leaves open, where an export of ours declares them."""
    declaration = folders.root / DECLARATION
    if not declaration.is_file():
        return {}
    try:
        content = json.loads(declaration.read_text(encoding="utf-8"))
        known = {str(name): str(value) for name, value in content["layers"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"not a declaration of layers ({error})", where=declaration, remedy="Export again.") from error
    declared = {}
    if known.get("normals") == "exr":
        declared["normals"] = "exr"
    if known.get("flow") == "exr" and folders.flow:
        declared["flow"] = "exr"
    if known.get("poses") == "frames.json" and folders.poses.is_file():
        declared["poses"] = "frames.json"
    return declared


def _notes_on_counts(
    keys: Mapping[str, Path], labels: Mapping[str, Path], depths: Mapping[str, Path]
) -> tuple[str, ...]:
    notes = []
    extra = Few(path for key, path in labels.items() if key not in keys)
    if extra:
        notes.append(f"{len(extra)} label pictures have no render and were left out: {listing.named(extra)}")
    without = Few(path for key, path in keys.items() if key not in depths)
    if without and depths:
        notes.append(f"{len(without)} frames have no depth: {listing.named(without)}")
    if not depths:
        notes.append("no depth pictures")
    return tuple(notes)


def _notes_on_extras(root: Path) -> tuple[str, ...]:
    """What lies in the data set beside the scenes and is left alone."""
    notes = []
    own = {"simulated", "labels", "depths", "poses"}
    own |= {"normals", *(f"flow_{d}" for d in FLOW_DIRECTIONS)} if (root / DECLARATION).is_file() else set()
    for folder in listing.folders_in(root):
        if folder.name in own:
            continue
        styles = {style.name for p in listing.folders_in(folder) for style in listing.folders_in(p)}
        if any(name.startswith("style") for name in styles):
            notes.append(f"translations in '{folder.name}' ({len(styles)} styles) are not scenes and were left out")
        elif folder.name == "normals":
            notes.append("normals were left out: their encoding is not declared")
    return tuple(notes)
