"""What ties the files of a frame together, and the checks of sizes that every layout shares."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from studio.files.listing import spread
from studio.files.pictures import read_size
from studio.files.spilled import SpilledTable
from studio.vocabulary.errors import InputError

DEPTH_SUFFIXES = frozenset({".exr", ".png"})
SAMPLED_FRAMES = 12
"""How many frames of a scene are opened when it is added; the rest are checked when they are loaded."""


def frame_key(path: Path) -> str:
    """What ties the layers of one frame together: the digits at the end of the name, else the whole stem."""
    digits = re.search(r"(\d+)$", path.stem)
    return digits.group(1) if digits else path.stem


def by_key(files: Sequence[Path], key_of: Callable[[Path], str] = frame_key) -> Mapping[str, Path]:
    """Files by frame_key or another key, on disk; raise InputError when two claim the same frame."""
    table = keyed(files, key_of)
    if table.repeated is not None:
        other = table[table.repeated]
        path = next(p for p in files if key_of(p) == table.repeated and p != other)
        raise InputError(f"belongs to the same frame as {other.name}", where=path, remedy="Remove one of the two.")
    return table


def keyed(files: Iterable[Path], key_of: Callable[[Path], str], *, last: bool = False) -> SpilledTable[Path]:
    """Files by a key, on disk, up to the first key that comes twice; with ``last``, each key's last file."""
    pairs = ((key_of(p), os.fsencode(p)) for p in files)
    return SpilledTable.of(pairs, lambda value: Path(os.fsdecode(value)), last=last)


def differ(files: Iterable[Path], key_of: Callable[[Path], str]) -> bool:
    """Whether no two files have the same key."""
    return SpilledTable.of(((key_of(p), b"") for p in files), bytes).repeated is None


def stem(path: Path) -> str:
    return path.stem


def common_size(renders: Sequence[Path]) -> tuple[int, int]:
    """(width, height) of a spread sample of renders; raise InputError when they differ."""
    sample = spread(renders, SAMPLED_FRAMES)
    size = read_size(sample[0])
    for path in sample[1:]:
        other = read_size(path)
        if other != size:
            raise InputError(
                f"the render has {_by(other)} px, but {sample[0].name} has {_by(size)} px",
                where=path,
                remedy="All frames of a scene need one size.",
            )
    return size


def same_size(
    path: Path, size: tuple[int, int], wanted: tuple[int, int], *, layer: str, of: str = "its render"
) -> None:
    """Raise InputError, naming both sizes, when a layer does not fit its render or a render its scene."""
    if size != wanted:
        raise InputError(
            f"the {layer} has {_by(size)} px, {of} {_by(wanted)} px", where=path, remedy="Write both at the same size."
        )


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
