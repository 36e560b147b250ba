"""What every layout does with the frames it has listed: same size, same layers, and notes on what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.files import listing
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles


def required(renders: Sequence[Path], found: Mapping[Path, Path | None], *, layer: str, where: Path) -> None:
    """Raise InputError, with count and names, when a layer that a scene has is missing for some of its frames."""
    without = [path for path in renders if found.get(path) is None]
    if without:
        raise InputError(
            f"{len(without)} of {len(renders)} renders have no {layer}: {listing.named(without)}", where=where,
            remedy="Add what is missing or remove these renders.",
        )  # fmt: skip


def notes_on_layers(frames: Sequence[FrameFiles]) -> tuple[str, ...]:
    """Which layers the scene or some of its frames lack."""
    notes = []
    for name, words in (("segmentation", "labels"), ("depth", "depth"), ("normals", "normals")):
        without = [f.rgb for f in frames if getattr(f, name) is None]
        if len(without) == len(frames):
            notes.append(f"no {words}")
        elif without:
            notes.append(f"{len(without)} frames have no {words}: {listing.named(without)}")
    return tuple(notes)
