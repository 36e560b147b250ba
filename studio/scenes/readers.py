"""Reading simulated scenes of any layout into the studio's values.

``read_scenes`` lists folders and opens a spread sample of frames only; everything else is checked when it is loaded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from studio.files.listing import folders_in, spread
from studio.scenes import geometry_check
from studio.scenes.corrections import as_encoding, camera_encoding, corrected, without_layers
from studio.scenes.layouts import blenderproc, bop, folders, frames, image2image, matching, nerfstudio, solo
from studio.scenes.layouts.decoding import read_flow
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FlowDirection, FrameFiles, Layers, SceneFiles

CHECKED = "geometry"
"""Encoding key of what the geometry check established, in words."""

_FOLDERS_LOOKED_AT = 100
"""Whether the folders in a folder are all of one layout is judged by so many of them."""

_OPENED_FRAMES, _COMPARED = 120, 3
"""Frames that are opened whole when scenes are added, over all of them, and the least of each scene, which are those
whose depth and normals are compared."""


@dataclass(frozen=True)
class Reader:
    """One layout: does a folder have it, which scenes lie in it, and one frame's layers."""

    recognises: Callable[[Path], bool]
    read: Callable[[Path, SceneMapping], list[SceneFiles]]
    load: Callable[[FrameFiles, Mapping[str, str]], Layers]
    example: str
    here: Callable[[Path], bool]
    """Whether the folder itself, not one below it, is of this layout; looks at a few names at most."""
    opened: int = matching.SAMPLED_FRAMES
    """Frames of a scene that are opened whole when it is added; 3 do where the layout looks at a sample itself."""
    masked: bool = False
    """Whether its masks become labels only once a mapping gives their values classes."""


def _declared(read: Callable[[Path], list[SceneFiles]]) -> Callable[[Path, SceneMapping], list[SceneFiles]]:
    """A layout that declares its classes itself, so that a mapping can only speak of geometry and patient."""

    def read_declared(path: Path, mapping: SceneMapping) -> list[SceneFiles]:
        if mapping.classes:
            raise InputError("this layout declares its classes itself", where=path,
                             remedy="Take [classes] out of the mapping.")  # fmt: skip
        scenes = read(path)
        return [replace(s, patient=mapping.patient) for s in scenes] if mapping.patient else scenes

    return read_declared


def _nowhere(path: Path) -> bool:
    return False


LAYOUTS: dict[str, Reader] = {
    solo.NAME: Reader(solo.recognises, solo.read, solo.load, "sequence.N/ with stepN.frame_data.json", solo.here),
    frames.NAME: Reader(
        frames.recognises, _declared(frames.read), frames.load, "scene.json with rgb/ and seg/",
        lambda path: (path / frames.DESCRIPTION).is_file(), opened=_COMPARED,
    ),
    image2image.NAME: Reader(
        image2image.recognises, _declared(image2image.read), image2image.load, "simulated/<patient>/inputs",
        lambda path: (path / "simulated").is_dir(), opened=_COMPARED,
    ),
    blenderproc.NAME: Reader(
        blenderproc.recognises, blenderproc.read, blenderproc.load, "*.hdf5 with colors", blenderproc.here
    ),
    bop.NAME: Reader(
        bop.recognises, bop.read, bop.load, "scene_camera.json with rgb/ and depth/",
        lambda path: (path / bop.CAMERAS).is_file(),
    ),
    nerfstudio.NAME: Reader(
        nerfstudio.recognises, nerfstudio.read, nerfstudio.load, "transforms.json",
        lambda path: (path / nerfstudio.TRANSFORMS).is_file(), masked=True,
    ),
    folders.NAME: Reader(
        folders.recognises, folders.read, folders.load, "any folders, with --mapping FILE", _nowhere
    ),
}  # fmt: skip
"""In the order in which they are looked for: a file at the root tells sooner than thousands of folders below it."""


def detect_layout(path: Path) -> str:
    """The layout that a folder has; raise InputError when it is missing, empty, of none that is known or of two."""
    if not path.exists():
        raise InputError("there is no such folder", where=path, remedy="Check the path.")
    if not path.is_dir():
        raise InputError("not a folder", where=path, remedy="Name the folder that holds the scenes.")
    if not any(path.iterdir()):
        raise InputError("the folder is empty", where=path, remedy="Name the folder that holds the scenes.")
    here = _layouts_of(path)
    found = here or sorted({name for folder in folders_in(path)[:_FOLDERS_LOOKED_AT] for name in _layouts_of(folder)})
    if len(found) > 1:
        words = "it holds two layouts" if here else "its folders are of several layouts"
        remedy = f"Say which is meant with --layout, such as --layout {found[0]}."
        raise InputError(f"{words}: {' and '.join(found)}", where=path,
                         remedy=remedy if here else f"{remedy} Or add the folders one by one.")  # fmt: skip
    for name, reader in LAYOUTS.items():
        if reader.recognises(path):
            return name
    examples = "; ".join(f"{reader.example} ({name})" for name, reader in LAYOUTS.items())
    raise InputError("no scenes of a known layout", where=path, remedy=f"Expected {examples}.")


def _layouts_of(path: Path) -> list[str]:
    return [name for name, reader in LAYOUTS.items() if reader.here(path)]


def read_scenes(
    path: Path, layout: str = "auto", mapping: SceneMapping = NO_MAPPING, *, compared: bool = True
) -> list[SceneFiles]:
    """All scenes under a folder. Raise InputError, naming the file, for anything wrong in them.

    A mapping with folders for layers needs no layout named. Depth and normals of a few frames are compared; where they
    disagree, InputError says which entry of the mapping would mend it. ``compared`` False leaves that out, for what the
    studio has just written itself of scenes that were compared.
    """
    reader = None if layout == "auto" else _reader(layout)
    if reader is None and mapping.layers:
        reader = _reader(folders.NAME)
    if reader is not None and reader is not LAYOUTS[folders.NAME] and mapping.layers:
        raise InputError("[layers] is for plain folders", where=path, remedy="Take it out, or say --layout folders.")
    found = detect_layout(path) if reader is None or not path.is_dir() else layout
    scenes = [_well_named(s) for s in (reader or _reader(found)).read(path, mapping)]
    if mapping.patient and len(scenes) > 1:
        raise InputError(f"{len(scenes)} scenes can't all be the patient '{mapping.patient}'", where=path,
                         remedy="Take patient out of the mapping, or add one scene's folder.")  # fmt: skip
    said = as_encoding(mapping.geometry)
    if found != folders.NAME:
        said |= _camera_said(scenes[0], mapping)
    scenes = [without_layers(replace(s, encoding=s.encoding | said), mapping.geometry) for s in scenes]
    if not compared:
        return scenes
    return [_verified(s, max(_COMPARED, min(_reader(s.layout).opened, _OPENED_FRAMES // len(scenes)))) for s in scenes]


def _well_named(scene: SceneFiles) -> SceneFiles:
    """Name and patient in one line. Raise InputError for names on the disk that are no text: none can keep them."""
    for path in itertools.chain([scene.root], (f.rgb for f in scene.frames)):
        name = str(path)
        if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError("the name is not valid UTF-8", where=path, remedy="Rename it.")
    return replace(scene, name=_in_one_line(scene.name), patient=_in_one_line(scene.patient))


def _in_one_line(name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in name).split()) or "scene"


def _camera_said(scene: SceneFiles, mapping: SceneMapping) -> dict[str, str]:
    """The encoding's entry for a mapping's camera. Raise InputError where the scene has intrinsics of its own."""
    said = camera_encoding(mapping.camera)
    if not said or scene.layout == folders.NAME:  # plain folders have the mapping's camera from their own reader
        return {}
    if mapping.camera.file:
        raise InputError("camera.file is for plain folders", where=scene.root, remedy="Give fx or field_of_view.")
    picture = replace(scene.frames[0], segmentation=None, depth=None, normals=None)
    if load_layers(scene, picture).K is not None:
        raise InputError("the scene has its own intrinsics", where=scene.root,
                         remedy="Take [camera] out of the mapping.")  # fmt: skip
    return said


def _verified(scene: SceneFiles, count: int) -> SceneFiles:
    """Open a spread sample of frames whole and compare their depth with their normals."""
    compared: list[Layers] = []
    sample = spread(scene.frames, count)
    wanted = {frame.index for frame in spread(sample, _COMPARED)}
    for frame in sample:
        layers = load_layers(scene, frame)
        if frame.index in wanted:
            compared.append(layers)
    report = geometry_check.examine(compared, geometry_check.Said.by(scene.encoding))
    if report.faults:
        what = "; ".join(fault.what for fault in report.faults)
        raise InputError(what, where=compared_file(sample[0]), remedy=report.remedy)
    bent = sorted({f"K goes with a {layers.lens.words}" for layers in compared if layers.lens is not None})
    found = "; ".join([*filter(None, [report.found]), *bent])
    return replace(scene, encoding=scene.encoding | ({CHECKED: found} if found else {}))


def compared_file(frame: FrameFiles) -> Path:
    """The file that a disagreement is reported for."""
    return frame.normals or frame.depth or frame.rgb


def load_layers(scene: SceneFiles, frame: FrameFiles) -> Layers:
    """One frame in the studio's conventions, its size checked against the scene's. Raise InputError."""
    layers = load_layers_of(frame, layout=scene.layout, encoding=scene.encoding)
    matching.same_size(frame.rgb, layers.size, scene.size, layer="render", of="its scene")
    return layers


def load_layers_of(files: FrameFiles, *, layout: str, encoding: Mapping[str, str]) -> Layers:
    """Like load_layers, for those who hold a frame's files and its scene's layout and encoding only."""
    layers = corrected(_reader(layout).load(files, encoding), encoding)
    for layer, path, array in (
        ("label picture", files.segmentation, layers.segmentation_HW),
        ("depth picture", files.depth, layers.depth_HW),
        ("normals picture", files.normals, layers.normals_HW3),
    ):
        if path is not None and array is not None:
            matching.same_size(path, (array.shape[1], array.shape[0]), layers.size, layer=layer)
    return layers


def load_flow(files: FrameFiles, direction: FlowDirection, *, size: tuple[int, int]) -> np.ndarray | None:
    """float32 (H, W, 2) px, x right and y down: where each pixel's point is in the next or previous moment.

    NaN where it is not seen there; None where the frame has no flow. Raise InputError for an unreadable file and for
    another size than its scene's (width, height).
    """
    path = files.flow(direction)
    if path is None:
        return None
    flow_HW2 = read_flow(path)
    matching.same_size(path, (flow_HW2.shape[1], flow_HW2.shape[0]), size, layer=f"{direction} flow", of="its scene")
    return flow_HW2


def _reader(layout: str) -> Reader:
    if layout not in LAYOUTS:
        raise InputError(f"the layout '{layout}' is not known", remedy=f"Known layouts: {', '.join(LAYOUTS)}.")
    return LAYOUTS[layout]
