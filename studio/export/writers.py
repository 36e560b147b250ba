"""What every format's writer offers, and the steps they share: reading a frame once, copying, comparing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from studio.export.classes import ExportClasses, refuse_unknown
from studio.export.planning import PlannedFrame
from studio.export.values import ExportItem, SceneReading
from studio.files.atomic import hash_bytes, write_bytes
from studio.files.containers import is_container
from studio.files.pictures import encode_png, exr_size, read_exr, read_rgb, read_size, write_exr
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import Layers

_OWN_LAYOUTS = frozenset({"frames", "image2image"})
_CORRECTED = frozenset({"depth_kind", "normals_flip", "normals_space", "scale"})
"""Entries of a scene's encoding under which its layers are not what their files hold."""


@dataclass(frozen=True)
class FrameOutcome:
    """What writing one frame gave: source hashes, files by style number, pixels by class id, and the format's own.

    ``kept_hash`` is that of the label picture as reading the export back has to give it.
    """

    size: tuple[int, int]
    label_hash: str
    image_hashes: Mapping[int, str]
    image_files: Mapping[int, str]
    pixels: Mapping[int, int]
    pose: Mapping[str, Any]
    kept_hash: str
    annotations: tuple[Mapping[str, Any], ...] = ()


LAYERS_COMPARED_EVERY = 16
"""Depth and normals are decoded again for one frame in so many; labels for all."""


class Writer(Protocol):
    """One format. ``write_frame`` may run in any thread and skips files that are there already."""

    def write_frame(self, frame: PlannedFrame, root: Path) -> FrameOutcome:
        """All files of one frame. Raise InputError for sources that cannot be read."""

    def finish(self, root: Path, outcomes: Sequence[FrameOutcome]) -> None:
        """The files that speak about all frames."""

    def reader(self, root: Path) -> Callable[[PlannedFrame, FrameOutcome], None]:
        """Open the export with the format's own reader; the result checks one frame and raises TrocarError."""

    def layout_lines(self) -> Sequence[str]:
        """The layout in words, for the data card."""


@dataclass(frozen=True, eq=False)
class FrameSource:
    """A frame as it is to be written: merged ids, and those layers that cannot be copied as they are."""

    layers: Layers
    ids_HW: np.ndarray
    label_path: Path


def read_frame(
    frame: PlannedFrame, classes: ExportClasses, reading: SceneReading, *, geometry: bool, ignored: bool
) -> FrameSource:
    """Read what a writer needs of a frame, each file once: depth and normals only where they are no EXR yet.

    Raise InputError for unreadable sources, ids without a class and translations of another size. ``ignored``: the
    format can leave IGNORE pixels out.
    """
    item = frame.source
    depth, normals = item.layers.depth, item.layers.normals
    files = replace(
        item.layers,
        depth=depth if geometry and depth is not None and not _copied(item, depth) else None,
        normals=normals if geometry and normals is not None and not _copied(item, normals) else None,
    )
    layers = reading.load_layers_of(files, layout=item.layout, encoding=item.encoding)
    if layers.segmentation_HW is None or files.segmentation is None:
        raise InputError("the frame has no label picture", where=item.render, remedy="Leave its scene out.")
    ids_HW = classes.ids(layers.segmentation_HW)
    refuse_unknown(ids_HW, classes, where=files.segmentation, ignored=ignored)
    for _, translated in frame.images:
        _same_size(translated.image, layers.size)
    return FrameSource(layers, ids_HW, files.segmentation)


def _same_size(image: Path, size: tuple[int, int]) -> None:
    found = read_size(image)
    if found != size:
        raise InputError(
            f"the translation has {found[0]}x{found[1]} px, its render {size[0]}x{size[1]} px",
            where=image,
            remedy="Translate this frame again.",
        )


def outcome_of(
    source: FrameSource,
    *,
    hashes: Mapping[int, str],
    files: Mapping[int, str],
    kept_HW: np.ndarray,
    annotations: tuple[Mapping[str, Any], ...] = (),
) -> FrameOutcome:
    """``kept_HW``: uint8 ids as the format's own reader has to give them back."""
    return FrameOutcome(
        size=source.layers.size,
        label_hash=hash_bytes(read_source(source.label_path)),
        image_hashes=hashes,
        image_files=files,
        pixels=pixel_counts(source.ids_HW),
        pose=pose_json(source.layers),
        kept_hash=ids_hash(kept_HW),
        annotations=annotations,
    )


def ids_hash(ids_HW: np.ndarray) -> str:
    """Hash of a label picture's shape and pixels."""
    return hash_bytes(repr(ids_HW.shape).encode() + np.ascontiguousarray(ids_HW, np.uint8).tobytes())


def pose_json(layers: Layers) -> dict[str, Any]:
    """K, distortion, camera_to_world and tools as in ``frames.json``; what is unknown is left out."""
    pose: dict[str, Any] = {}
    if layers.K is not None:
        pose["K"] = np.asarray(layers.K, float).tolist()
    if layers.lens is not None:
        pose["distortion"] = layers.lens.to_json()
    if layers.camera_to_world is not None:
        pose["camera_to_world"] = np.asarray(layers.camera_to_world, float).tolist()
    if layers.tools:
        pose["tools"] = [t.to_json() for t in layers.tools]
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


def put_layer(stored: Path | None, decoded: np.ndarray | None, dest: Path) -> None:
    """Depth or normals as EXR: written from what was decoded, and copied where read_frame left them for that."""
    if stored is None or dest.is_file():
        return
    if decoded is not None:
        write_exr(dest, decoded)
    elif _is_exr(stored):
        write_bytes(dest, read_source(stored))


def put_flow(stored: Path | None, dest: Path, size: tuple[int, int]) -> None:
    """A copy of a frame's flow, byte for byte. Raise InputError when it has another size than the frame."""
    if stored is None or dest.is_file():
        return
    found = exr_size(stored)
    if found != size:
        raise InputError(
            f"the flow has {found[0]}x{found[1]} px, its render {size[0]}x{size[1]} px", where=stored,
            remedy="Simulate this sequence again, or leave it out.",
        )  # fmt: skip
    write_bytes(dest, read_source(stored))


def same_flow(stored: Path | None, dest: Path) -> None:
    """Raise TrocarError when flow that was written reads back differently from the frame's own."""
    if stored is not None and not np.array_equal(read_exr(dest), read_exr(stored), equal_nan=True):
        raise TrocarError(f"{dest}: read back differently from the frame's own; the export was not kept")


FLOW_WORDS = (
    "px, R to the right and G downwards, NaN where not seen there; forward is to the sequence's next frame, backward "
    "to the one before, also where the manifest's `frame` says that this one is not in the export"
)
"""What a data card says of flow. Translations keep the geometry, so flow holds for each style of a frame."""


def same_layers(item: ExportItem, depth: Path, normals: Path, reading: SceneReading) -> None:
    """Raise TrocarError when depth or normals that were written differ from those of the frame."""
    source = reading.load_layers_of(item.layers, layout=item.layout, encoding=item.encoding)
    for wanted, path in ((source.depth_HW, depth), (source.normals_HW3, normals)):
        if wanted is None:
            continue
        found = read_exr(path)
        shown = np.isfinite(found) & (wanted != 0)
        if found.shape != wanted.shape or not np.allclose(found[shown], wanted[shown], rtol=1e-4, atol=1e-4):
            raise TrocarError(f"{path}: read back differently from the frame's own; the export was not kept")


def read_source(path: Path) -> bytes:
    """A source file's bytes; raise InputError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror})", where=path, remedy="Relink the project, or make it again."
        ) from error


def same_labels(found_HW: np.ndarray, outcome: FrameOutcome, *, where: Path) -> None:
    """Raise TrocarError when labels that were read back differ in any pixel from the frame's."""
    if ids_hash(found_HW) != outcome.kept_hash:
        raise TrocarError(f"{where}: the labels read back differ from those of the frame; the export was not kept")


def readable_image(path: Path, size: tuple[int, int]) -> None:
    """Raise InputError when a picture cannot be decoded, TrocarError when its size is another."""
    height, width = read_rgb(path).shape[:2]
    if (width, height) != size:
        raise TrocarError(f"{path}: read back at {width}x{height} px instead of {size[0]}x{size[1]}")


def _is_plain_png(path: Path) -> bool:
    read_size(path)  # refuses, in words, what is no picture
    if is_container(path):
        return False
    with Image.open(path) as picture:
        return picture.format == "PNG" and picture.mode == "RGB"


def _copied(item: ExportItem, path: Path) -> bool:
    """Whether a layer's file is as the studio would write it. EXR of other programs has their units and axes."""
    return _is_exr(path) and item.layout in _OWN_LAYOUTS and not _CORRECTED & set(item.encoding)


def _is_exr(path: Path) -> bool:
    return path.suffix.lower() == ".exr"
