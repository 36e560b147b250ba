"""Reading simulated scenes of any layout into the studio's values.

``read_scenes`` lists folders and opens a spread sample of frames only; everything else is checked when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio.scenes.layouts import frames, image2image, matching
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles


@dataclass(frozen=True)
class Reader:
    """One layout: does a folder have it, which scenes lie in it, and one frame's layers."""

    recognises: Callable[[Path], bool]
    read: Callable[[Path], list[SceneFiles]]
    load: Callable[[FrameFiles, Mapping[str, str]], Layers]


LAYOUTS: dict[str, Reader] = {
    frames.NAME: Reader(frames.recognises, frames.read, frames.load),
    image2image.NAME: Reader(image2image.recognises, image2image.read, image2image.load),
}


def detect_layout(path: Path) -> str:
    """The layout that a folder has; raise InputError when it is missing, empty or of none that is known."""
    if not path.exists():
        raise InputError("there is no such folder", where=path, remedy="Check the path.")
    if not path.is_dir():
        raise InputError("not a folder", where=path, remedy="Name the folder that holds the scenes.")
    if not any(path.iterdir()):
        raise InputError("the folder is empty", where=path, remedy="Name the folder that holds the scenes.")
    for name, reader in LAYOUTS.items():
        if reader.recognises(path):
            return name
    raise InputError(
        "no scenes of a known layout",
        where=path,
        remedy="Expected scene.json with rgb/ and seg/ (frames), or simulated/<patient>/inputs (image2image).",
    )


def read_scenes(path: Path, layout: str = "auto") -> list[SceneFiles]:
    """All scenes under a folder. Raise InputError, naming the file, for anything wrong in them."""
    reader = None if layout == "auto" else _reader(layout)
    found = detect_layout(path)
    return (reader or _reader(found)).read(path)


def load_layers(scene: SceneFiles, frame: FrameFiles) -> Layers:
    """One frame in the studio's conventions, its size checked against the scene's. Raise InputError."""
    layers = load_layers_of(frame, layout=scene.layout, encoding=scene.encoding)
    matching.same_size(frame.rgb, layers.size, scene.size, layer="render", of="its scene")
    return layers


def load_layers_of(files: FrameFiles, *, layout: str, encoding: Mapping[str, str]) -> Layers:
    """Like load_layers, for those who hold a frame's files and its scene's layout and encoding only."""
    layers = _reader(layout).load(files, encoding)
    for layer, path, array in (
        ("label picture", files.segmentation, layers.segmentation_HW),
        ("depth picture", files.depth, layers.depth_HW),
        ("normals picture", files.normals, layers.normals_HW3),
    ):
        if path is not None and array is not None:
            matching.same_size(path, (array.shape[1], array.shape[0]), layers.size, layer=layer)
    return layers


def _reader(layout: str) -> Reader:
    if layout not in LAYOUTS:
        raise InputError(f"the layout '{layout}' is not known", remedy=f"Known layouts: {', '.join(LAYOUTS)}.")
    return LAYOUTS[layout]
