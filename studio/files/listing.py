"""Listing folders of many thousand files without opening any, and drawing a spread sample of them."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from studio.files.pictures import PICTURE_SUFFIXES
from studio.files.spilled import Few, SpilledList
from studio.vocabulary.errors import InputError

_NUMBERS = re.compile(r"(\d+)")
_NAMED = 3
_IN_MEMORY = 1000
"""Names of a folder up to which they are sorted in memory."""
T = TypeVar("T")


def natural_key(name: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Order in which people count: img2 before img10."""
    parts = _NUMBERS.split(name)
    return tuple((int(p), "") if i % 2 else (-1, p.casefold()) for i, p in enumerate(parts)), name


def files_in(folder: Path, suffixes: frozenset[str] = PICTURE_SUFFIXES) -> Sequence[Path]:
    """Files with one of the suffixes, in natural order; hidden ones are left out. An absent folder holds none.

    The names of a large folder lie on disk, not in memory.
    """
    return in_order(_names(folder, lambda e: _suffix(e.name) in suffixes and _leads(e.is_file)), folder)


def _names(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (e.name for e in entries if not e.name.startswith(".") and wanted(e))
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise InputError("may not be read", where=folder, remedy="Change its permissions.") from error


def in_order(names: Iterable[str], folder: Path) -> Sequence[Path]:
    """Files of a folder by their names or places below it, in natural order."""
    names = iter(names)
    few = list(itertools.islice(names, _IN_MEMORY))
    if len(few) < _IN_MEMORY:
        return [folder / name for name in sorted(few, key=natural_key)]
    pairs = ((_sorting_bytes(name), os.fsencode(name)) for name in itertools.chain(few, names))
    return SpilledList.sorted_by(pairs, lambda name, _: folder / os.fsdecode(name))


def _sorting_bytes(name: str) -> bytes:
    """Bytes in the order of natural_key: words end with 0, numbers begin with how many digits they have."""
    parts = _NUMBERS.split(name)
    words = [p.casefold().encode("utf-8", "surrogateescape") + b"\0" for p in parts[::2]]
    counts = [len(n).to_bytes(2, "big") + n.encode() for n in (str(int(p)) for p in parts[1::2])]
    woven = b"".join(w + n for w, n in itertools.zip_longest(words, counts, fillvalue=b""))
    return woven + b"\0\0" + name.encode("utf-8", "surrogateescape")


def has_files(folder: Path, suffixes: frozenset[str] = PICTURE_SUFFIXES) -> bool:
    """Whether files_in would find any, without listing all of them."""
    try:
        with os.scandir(folder) as entries:
            return any(
                not e.name.startswith(".") and _suffix(e.name) in suffixes and _leads(e.is_file) for e in entries
            )
    except OSError:
        return False


def folders_in(folder: Path) -> list[Path]:
    """Sub-folders in natural order, hidden ones left out. An absent folder holds none."""
    return [folder / name for name in sorted(_names(folder, lambda e: _leads(e.is_dir)), key=natural_key)]


def _leads(there: Callable[[], bool]) -> bool:
    """Whether an entry is there; a link that leads round in a circle is not."""
    try:
        return there()
    except OSError:
        return False


def spread(items: Sequence[T], count: int) -> list[T]:
    """Up to ``count`` (2 or more) items, evenly over the whole, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def named(paths: Sequence[Path] | Few[Path]) -> str:
    """The first few names and how many more there are, for a message."""
    first = paths.first if isinstance(paths, Few) else paths
    names = ", ".join(p.name for p in first[:_NAMED])
    return names if len(paths) <= _NAMED else f"{names} and {len(paths) - _NAMED} more"


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()
