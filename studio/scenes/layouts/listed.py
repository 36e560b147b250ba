"""What every layout does with the frames it has listed: same size, same layers, and notes on what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from studio.files import listing
from studio.files.spilled import Few, SpilledList
from studio.scenes.layouts import matching
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FlowDirection, FrameFiles


def on_disk(frames: Iterable[FrameFiles]) -> Sequence[FrameFiles]:
    """A scene's frames in order, kept on disk; each ``index`` is its place."""
    return SpilledList.of(map(_packed, frames), _unpacked)


def _packed(frame: FrameFiles) -> bytes:
    layers = (frame.rgb, frame.segmentation, frame.depth, frame.normals, frame.flow_forward, frame.flow_backward)
    return b"\0".join([os.fsencode(frame.name), *(b"" if p is None else os.fsencode(p) for p in layers)])


def _unpacked(value: bytes, index: int) -> FrameFiles:
    name, *layers = (os.fsdecode(part) for part in value.split(b"\0"))
    rgb, *others = (Path(part) if part else None for part in layers)
    assert rgb is not None
    return FrameFiles(name, index, rgb, *others)


def required(renders: Iterable[Path], has: Callable[[Path], bool], *, layer: str, where: Path) -> None:
    """Raise InputError, with count and names, when a layer that a scene has is missing for some of its frames."""
    total = 0

    def lacking() -> Iterator[Path]:
        nonlocal total
        for path in renders:
            total += 1
            if not has(path):
                yield path

    without = Few(lacking())
    if without:
        raise InputError(
            f"{len(without)} of {total} renders have no {layer}: {listing.named(without)}", where=where,
            remedy="Add what is missing or remove these renders.",
        )  # fmt: skip


def notes_on_layers(frames: Sequence[FrameFiles]) -> tuple[str, ...]:
    """Which layers the scene or some of its frames lack."""
    notes = []
    for name, words in (("segmentation", "labels"), ("depth", "depth"), ("normals", "normals")):
        without = Few(f.rgb for f in frames if getattr(f, name) is None)
        if len(without) == len(frames):
            notes.append(f"no {words}")
        elif without:
            notes.append(f"{len(without)} frames have no {words}: {listing.named(without)}")
    return tuple(notes)


def with_flow(
    frames: Sequence[FrameFiles], folders: Mapping[FlowDirection, Path], notes: list[str],
    key_of: Callable[[Path], str] = matching.stem,
) -> Sequence[FrameFiles]:  # fmt: skip
    """The frames with the flow that lies in these folders, by the render's key; what is missing there is noted."""
    if not folders:
        return frames
    tables = {
        direction: matching.keyed(listing.files_in(folder, frozenset({".exr"})), key_of, last=True)
        for direction, folder in folders.items()
    }
    for direction, found in tables.items():
        missing = Few(f.rgb for f in frames if key_of(f.rgb) not in found)
        if missing:
            notes.append(f"{len(missing)} frames have no {direction} flow: {listing.named(missing)}")
    nothing: Mapping[str, Path] = {}
    forward, backward = tables.get("forward", nothing), tables.get("backward", nothing)
    return on_disk(
        replace(f, flow_forward=forward.get(key_of(f.rgb)), flow_backward=backward.get(key_of(f.rgb))) for f in frames
    )
