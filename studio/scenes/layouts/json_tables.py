"""JSON files of other programs: read once while unchanged, wrong keys named, paths kept inside the scene's folder."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, TypeVar

import numpy as np

from studio.files import json_rows
from studio.vocabulary.errors import InputError

T = TypeVar("T")
_LARGEST_BYTES = 1 << 30
LARGEST_NUMBER = 1e12
"""Lengths, angles and pixels beyond this are mistakes, and would overflow where they are multiplied."""
_LONGEST_NAME = 255


def read_json(path: Path) -> Any:
    """Raise InputError when it is missing, too large or no JSON."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError("is larger than 1 GB", where=path, remedy="Split the scene.")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=path, remedy="Write it, or name the scene's folder.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON ({error})", where=path, remedy="Write it again.") from error


def rows_of(path: Path, *, inside: str | None = None) -> Iterator[tuple[json_rows.Place, Any]]:
    """The file's entries one by one (see json_rows.rows_in). Raise InputError when it is missing or no JSON."""
    try:
        yield from json_rows.rows_in(path, inside=inside)
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=path, remedy="Write it, or name the scene's folder.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON ({error})", where=path, remedy="Write it again.") from error


def packed(value: Any) -> bytes:
    """A value for a SpilledTable."""
    return json.dumps(value).encode()


def kept_while_unchanged(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """A reader that keeps the last few files' answers until they change on disk."""

    @lru_cache(maxsize=8)
    def kept(path: Path, _modified_ns: int, _size: int) -> T:
        return read(path)

    def reader(path: Path) -> T:
        try:
            stat = path.stat()
        except OSError:
            return read(path)  # says what is wrong
        return kept(path, stat.st_mtime_ns, stat.st_size)

    return reader


def table(value: object, *, at: str, where: Path) -> Mapping[str, Any]:
    """The value as an object. Raise InputError that names the place."""
    if not isinstance(value, dict):
        raise InputError(f"{at} is no object", where=where, remedy="Write it as the layout's documentation shows.")
    return value


def rows(value: Mapping[str, Any], key: str, *, at: str, where: Path) -> Sequence[Any]:
    """A list under a key. Raise InputError that names key and place."""
    found = entry(value, key, at=at, where=where)
    if not isinstance(found, list):
        raise InputError(f"'{key}' in {at} is no list", where=where, remedy="Is it of another version?")
    return found


def entry(value: Mapping[str, Any], key: str, *, at: str, where: Path) -> Any:
    """What stands under a key. Raise InputError that names the key, the place and the keys that are there."""
    if key not in value:
        there = ", ".join(f"'{k}'" for k in list(value)[:8]) or "nothing"
        raise InputError(f"{at} has no '{key}' (it has {there})", where=where, remedy="Is it of another version?")
    return value[key]


def numbers(value: Mapping[str, Any], key: str, *, count: int, at: str, where: Path) -> np.ndarray:
    """float64 of so many numbers below 1e12 under a key, lists of lists flattened. Raise InputError."""
    found = entry(value, key, at=at, where=where)
    try:
        array = np.asarray(found, np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        array = np.zeros(0)
    if array.size != count or not (abs(array) < LARGEST_NUMBER).all():
        raise InputError(f"'{key}' in {at} is not {count} numbers", where=where, remedy="Write it again.")
    return array


def number(value: Mapping[str, Any], key: str, *, at: str, where: Path) -> float:
    return float(numbers(value, key, count=1, at=at, where=where)[0])


def text(value: Mapping[str, Any], key: str, *, at: str, where: Path) -> str:
    found = entry(value, key, at=at, where=where)
    if not isinstance(found, str) or not found:
        raise InputError(f"'{key}' in {at} is no text", where=where, remedy="Write it again.")
    return found


def inside(folder: Path, name: str, *, where: Path) -> Path:
    """The file of a name in a folder. Raise InputError for one that is absolute or leads out of it."""
    slashed = posixpath.normpath(name.replace("\\", "/"))
    if PureWindowsPath(name).anchor or slashed.startswith(("/", "../")) or slashed in ("..", ".") or _unusable(name):
        raise InputError(
            f"names a file outside its folder ('{name}')", where=where, remedy="Paths are relative and lead downwards."
        )
    return folder / slashed


def _unusable(name: str) -> bool:
    try:
        return "\0" in name or any(len(os.fsencode(part)) > _LONGEST_NAME for part in name.split("/"))
    except UnicodeEncodeError:
        return True


def geometric(make: Callable[[], np.ndarray], *, at: str, where: Path) -> np.ndarray:
    """A matrix; what it lacks to be one (ValueError) is said as InputError."""
    try:
        matrix = make()
    except ValueError as error:
        raise InputError(f"{at}: {error}", where=where, remedy="Write it again.") from error
    matrix.flags.writeable = False
    return matrix
