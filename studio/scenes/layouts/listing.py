"""Listing folders of many thousand files without opening any, and the checks that every layout shares."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from studio.files.pictures import PICTURE_SUFFIXES, read_size
from studio.vocabulary.errors import InputError

DEPTH_SUFFIXES = frozenset({".exr", ".png"})
SAMPLED_FRAMES = 12
"""How many frames of a scene are opened when it is added; the rest are checked when they are loaded."""

_NUMBERS = re.compile(r"(\d+)")
_NAMED = 3


def natural_key(name: str) -> tuple[object, ...]:
    """Order in which people count: img2 before img10."""
    parts = _NUMBERS.split(name)
    return tuple((int(p), "") if i % 2 else (-1, p.casefold()) for i, p in enumerate(parts)), name


def files_in(folder: Path, suffixes: frozenset[str] = PICTURE_SUFFIXES) -> list[Path]:
    """Files with one of the suffixes, in natural order; hidden ones are left out. An absent folder holds none."""
    try:
        with os.scandir(folder) as entries:
            names = [
                e.name for e in entries if not e.name.startswith(".") and _suffix(e.name) in suffixes and e.is_file()
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise InputError("may not be read", where=folder, remedy="Change its permissions.") from error
    return [folder / name for name in sorted(names, key=natural_key)]


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()


def folders_in(folder: Path) -> list[Path]:
    """Sub-folders in natural order, hidden ones left out. An absent folder holds none."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise InputError("may not be read", where=folder, remedy="Change its permissions.") from error
    return [folder / name for name in sorted(names, key=natural_key)]


def frame_key(path: Path) -> str:
    """What ties the layers of one frame together: the digits at the end of the name, else the whole stem."""
    digits = re.search(r"(\d+)$", path.stem)
    return digits.group(1) if digits else path.stem


def by_key(files: Iterable[Path]) -> dict[str, Path]:
    """Files by frame_key; raise InputError when two claim the same frame."""
    found: dict[str, Path] = {}
    for path in files:
        other = found.setdefault(frame_key(path), path)
        if other is not path:
            raise InputError(f"belongs to the same frame as {other.name}", where=path, remedy="Remove one of the two.")
    return found


def spread(items: Sequence[Path], count: int = SAMPLED_FRAMES) -> list[Path]:
    """Up to ``count`` items, evenly over the whole, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def named(paths: Sequence[Path]) -> str:
    """The first few names and how many more there are."""
    names = ", ".join(p.name for p in paths[:_NAMED])
    return names if len(paths) <= _NAMED else f"{names} and {len(paths) - _NAMED} more"


def common_size(renders: Sequence[Path]) -> tuple[int, int]:
    """(width, height) of a spread sample of renders; raise InputError when they differ."""
    sample = spread(renders)
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
