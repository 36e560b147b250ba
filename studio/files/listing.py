"""Listing folders of many thousand files without opening any, and drawing a spread sample of them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from studio.files.pictures import PICTURE_SUFFIXES
from studio.vocabulary.errors import InputError

_NUMBERS = re.compile(r"(\d+)")
_NAMED = 3
T = TypeVar("T")


def natural_key(name: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Order in which people count: img2 before img10."""
    parts = _NUMBERS.split(name)
    return tuple((int(p), "") if i % 2 else (-1, p.casefold()) for i, p in enumerate(parts)), name


def files_in(folder: Path, suffixes: frozenset[str] = PICTURE_SUFFIXES) -> list[Path]:
    """Files with one of the suffixes, in natural order; hidden ones are left out. An absent folder holds none."""
    try:
        with os.scandir(folder) as entries:
            names = [
                e.name
                for e in entries
                if not e.name.startswith(".") and _suffix(e.name) in suffixes and _leads(e.is_file)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise InputError("may not be read", where=folder, remedy="Change its permissions.") from error
    return [folder / name for name in sorted(names, key=natural_key)]


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
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and _leads(e.is_dir)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise InputError("may not be read", where=folder, remedy="Change its permissions.") from error
    return [folder / name for name in sorted(names, key=natural_key)]


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


def named(paths: Sequence[Path]) -> str:
    """The first few names and how many more there are, for a message."""
    names = ", ".join(p.name for p in paths[:_NAMED])
    return names if len(paths) <= _NAMED else f"{names} and {len(paths) - _NAMED} more"


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()
