"""What every format's writer offers, and the steps they share: copying, labels of a frame, poses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from studio.export.classes import ExportClasses
from studio.export.planning import PlannedFrame
from studio.export.values import ExportItem, SceneReading
from studio.files.atomic import hash_bytes, write_bytes
from studio.files.pictures import encode_png, read_rgb, read_size, write_exr
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import Layers


@dataclass(frozen=True)
class FrameOutcome:
    """What writing one frame gave: source hashes, files by style number, pixels by class id, and the format's own."""

    size: tuple[int, int]
    label_hash: str
    image_hashes: Mapping[int, str]
    image_files: Mapping[int, str]
    pixels: Mapping[int, int]
    pose: Mapping[str, Any]
    annotations: tuple[Mapping[str, Any], ...] = ()


class Writer(Protocol):
    """One format. ``write_frame`` may run in any thread and skips files that are there already."""

    def write_frame(self, frame: PlannedFrame, root: Path) -> FrameOutcome:
        """All files of one frame. Raise InputError for sources that cannot be read."""

    def finish(self, root: Path, outcomes: Sequence[FrameOutcome]) -> None:
        """The files that speak about all frames."""

    def reader(self, root: Path) -> Callable[[PlannedFrame], None]:
        """Open the export with the format's own reader; the result checks one frame and raises TrocarError."""

    def layout_lines(self) -> Sequence[str]:
        """The layout in words, for the data card."""


def labels_and_pose(item: ExportItem, reading: SceneReading) -> Layers:
    """A frame's render, labels and poses without decoding its depth and normals."""
    files = replace(item.layers, depth=None, normals=None)
    return reading.load_layers_of(files, layout=item.layout, encoding=item.encoding)


def expected_ids(item: ExportItem, classes: ExportClasses, reading: SceneReading) -> np.ndarray:
    """uint8 HxW merged class ids, straight from the source."""
    layers = labels_and_pose(item, reading)
    if layers.segmentation_HW is None:
        raise InputError("the frame has no label picture", where=item.render, remedy="Leave its scene out.")
    return classes.ids(layers.segmentation_HW)


def pose_json(layers: Layers) -> dict[str, Any]:
    """K, camera_to_world and tools as in ``frames.json``; what is unknown is left out."""
    pose: dict[str, Any] = {}
    if layers.K is not None:
        pose["K"] = np.asarray(layers.K, float).tolist()
    if layers.camera_to_world is not None:
        pose["camera_to_world"] = np.asarray(layers.camera_to_world, float).tolist()
    if layers.tools:
        pose["tools"] = [
            {"name": t.name, "tool_to_world": [list(r) for r in t.tool_to_world], "jaw_angle": t.jaw_angle}
            for t in layers.tools
        ]
    return pose


def pixel_counts(ids_HW: np.ndarray) -> dict[int, int]:
    """Pixels by class id."""
    counts = np.bincount(ids_HW.ravel(), minlength=256)
    return {int(i): int(counts[i]) for i in np.flatnonzero(counts)}


def put_picture(source: Path, dest: Path) -> str:
    """Copy an RGB PNG byte for byte, turn any other picture into one; the hash of the source."""
    data = read_source(source)
    if not dest.is_file():
        write_bytes(dest, data if _is_plain_png(source) else encode_png(read_rgb(source)))
    return hash_bytes(data)


def put_depth(item: ExportItem, dest: Path, reading: SceneReading) -> None:
    """Depth as EXR in mm: copied where it is EXR, else decoded and written."""
    source = item.layers.depth
    if source is None or dest.is_file():
        return
    if source.suffix.lower() == ".exr":
        write_bytes(dest, read_source(source))
        return
    layers = reading.load_layers_of(item.layers, layout=item.layout, encoding=item.encoding)
    if layers.depth_HW is not None:
        write_exr(dest, layers.depth_HW)


def put_normals(item: ExportItem, dest: Path, reading: SceneReading) -> None:
    """Normals as EXR of unit vectors in OpenCV camera axes."""
    source = item.layers.normals
    if source is None or dest.is_file():
        return
    if source.suffix.lower() == ".exr":
        write_bytes(dest, read_source(source))
        return
    layers = reading.load_layers_of(item.layers, layout=item.layout, encoding=item.encoding)
    if layers.normals_HW3 is not None:
        write_exr(dest, layers.normals_HW3)


def read_source(path: Path) -> bytes:
    """A source file's bytes; raise InputError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=path, remedy="Relink the project, or make it again."
        ) from error


def same_labels(found_HW: np.ndarray, expected_HW: np.ndarray, *, where: Path) -> None:
    """Raise TrocarError when what was read back differs in any pixel."""
    if found_HW.shape != expected_HW.shape or not np.array_equal(found_HW, expected_HW):
        raise TrocarError(f"{where}: the labels read back differ from those of the frame; the export was not kept")


def readable_image(path: Path, size: tuple[int, int]) -> None:
    """Raise InputError when a picture cannot be decoded, TrocarError when its size is another."""
    height, width = read_rgb(path).shape[:2]
    if (width, height) != size:
        raise TrocarError(f"{path}: read back at {width}x{height} px instead of {size[0]}x{size[1]}")


def _is_plain_png(path: Path) -> bool:
    read_size(path)  # refuses, in words, what is no picture
    with Image.open(path) as picture:
        return picture.format == "PNG" and picture.mode == "RGB"
