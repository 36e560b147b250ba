"""Large meshes that are stored as text (OBJ, STL, PLY), read in blocks of lines: points and triangles in arrays."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studio.vocabulary.errors import InputError

BLOCK = 16_000_000
_HEAD_BYTES = 65_536


def is_text_mesh(path: Path) -> bool:
    """Whether a file's lines can be read here: OBJ, text STL, and PLY of points and then faces."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = path.suffix.lower()
    if b"\n" not in head:
        return False
    if kind == ".obj":
        return b"\\\n" not in head  # lines that go on in the next are left to the library
    if kind == ".stl":
        return head.lstrip().lower().startswith(b"solid") and b"vertex" in head.lower()
    return kind == ".ply" and _ply_head(head) is not None


def text_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points float64 (of STL float32) (V, 3), triangles int32 (F, 3).

    Raise InputError for numbers that are none, and for faces whose corners are not there.
    """
    read = {".obj": _obj, ".stl": _stl, ".ply": _ply}[path.suffix.lower()]
    try:
        points_V3, faces_F3 = read(path)
    except ValueError as error:
        raise InputError(f"not a readable mesh ({error})", where=path, remedy="Export it again.") from error
    if len(faces_F3) and (faces_F3.min() < 0 or faces_F3.max() >= len(points_V3)):
        raise InputError("not a readable mesh (a face names corners that are not there)", where=path,
                         remedy="Export it again.")  # fmt: skip
    return points_V3, faces_F3


def unnamed_points(path: Path) -> tuple[int, int]:
    """(points of an OBJ, how many of them no face names); 0, 0 for other files, and where it can't be told."""
    if path.suffix.lower() != ".obj" or not is_text_mesh(path):
        return 0, 0
    try:
        points_V3, faces_F3 = text_mesh(path)
    except InputError:  # the library reads more kinds of lines
        return 0, 0
    return len(points_V3), len(points_V3) - len(np.unique(faces_F3))


def _blocks(path: Path, start: int = 0) -> Iterator[bytes]:
    """The file from a place on, in blocks that end with a line."""
    rest = b""
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(BLOCK):
            whole, mark, rest = (rest + block).rpartition(b"\n")
            if mark:
                yield whole + mark
    if rest.strip():
        yield rest + b"\n"


def _numbers(text: bytes) -> np.ndarray:
    """float64 of all numbers. Raise ValueError where something is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise ValueError("something that is no number stands among the numbers") from error


def _rows(lines: list[bytes]) -> np.ndarray:
    """float64 (lines, numbers in each). Raise ValueError where lines differ in how many they hold."""
    values = _numbers(b"\n".join(lines))
    if len(lines) and len(values) % len(lines):
        raise ValueError("points of different numbers of coordinates")
    return values.reshape(len(lines), -1)


def _fans(corners_N: np.ndarray, counts_L: np.ndarray) -> np.ndarray:
    """int64 (F, 3): polygons, whose corners follow one another, each as a fan of triangles."""
    starts_L = np.cumsum(counts_L) - counts_L
    fans = [np.zeros((0, 3), np.int64)]
    for sides in np.unique(counts_L):
        polygons = corners_N[starts_L[counts_L == sides][:, None] + np.arange(sides)]
        for i in range(1, int(sides) - 1):
            fans.append(polygons[:, [0, i, i + 1]])
    return np.concatenate(fans)


def _joined(parts: list[np.ndarray], dtype: type[np.generic]) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros((0, 3), dtype)


# -- OBJ


def _obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    points: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    before = 0
    for block in _blocks(path):
        found = re.findall(rb"^[ \t]*v[ \t]+([^\r\n#]*)", block, re.MULTILINE)
        if found:
            rows = _rows(found)
            if rows.shape[1] < 3:
                raise ValueError("a point of fewer than three coordinates")
            points.append(rows[:, :3].copy())
        lines = re.findall(rb"^[ \t]*f[ \t]+([^\r\n#]*)", block, re.MULTILINE)
        if lines:
            corners_N, counts_L = _obj_corners(lines)
            if (corners_N < 0).any():
                corners_N = np.where(
                    corners_N < 0, corners_N + 1 + np.repeat(_seen(block, before), counts_L), corners_N
                )
            faces.append(_fans(corners_N - 1, counts_L).astype(np.int32))
        before += len(found)
    return _joined(points, np.float64), _joined(faces, np.int32)


def _obj_corners(lines: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of points, as they stand there, of all corners; how many corners each line has)."""
    counts_L = np.fromiter((len(line.split()) for line in lines), np.int64, len(lines))
    if counts_L.min() < 3:
        raise ValueError("a face of fewer than three corners")
    text = b"\n".join(lines)
    first = lines[0].split()[0]
    slashes_L = np.fromiter((line.count(b"/") for line in lines), np.int64, len(lines))
    each, values = 1 + first.replace(b"//", b"/").count(b"/"), np.zeros(0)
    if (slashes_L == first.count(b"/") * counts_L).all():  # the usual case, and far faster
        values = _numbers(text.replace(b"//", b" ").replace(b"/", b" "))
    if len(values) != each * counts_L.sum():  # corners of several kinds
        values, each = _numbers(re.sub(rb"/[^\s]*", b"", text)), 1
    if len(values) != each * counts_L.sum():
        raise ValueError("a face that is no list of corners")
    return values[::each].astype(np.int64), counts_L


def _seen(block: bytes, before: int) -> np.ndarray:
    """By face of a block how many points stand before it, those of earlier blocks included: what negative numbers
    count back from."""
    points = [m.start() for m in re.finditer(rb"^[ \t]*v[ \t]", block, re.MULTILINE)]
    faces = [m.start() for m in re.finditer(rb"^[ \t]*f[ \t]", block, re.MULTILINE)]
    return before + np.searchsorted(points, faces)


# -- STL


def _stl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = (re.findall(rb"vertex[ \t]+([^\r\n]*)", block, re.IGNORECASE) for block in _blocks(path))
    # In single precision, as in binary files: each triangle has points of its own, six times as many as there are.
    points = [_rows(lines).astype(np.float32) for lines in found if lines]
    if any(rows.shape[1] != 3 for rows in points):
        raise ValueError("a point that has not three coordinates")
    points_V3 = _joined(points, np.float32)
    if len(points_V3) % 3:
        raise ValueError("a triangle that has not three corners")
    return points_V3, np.arange(len(points_V3), dtype=np.int32).reshape(-1, 3)


# -- PLY


def _ply_head(head: bytes) -> tuple[int, int, tuple[int, int, int], int, int] | None:
    """(points, numbers in each, places of x, y, z, faces, where the numbers begin); None for another kind."""
    text, mark, after = head.partition(b"end_header")
    elements = re.findall(rb"element (\w+) (\d+)((?:\s+property [^\n]*)*)", text)
    if not mark or b"format ascii" not in text or [name for name, _, _ in elements[:2]] != [b"vertex", b"face"]:
        return None
    names = re.findall(rb"property \w+ (\w+)[ \t]*\r?\n", elements[0][2] + b"\n")
    faces = elements[1][2].split()
    if b"list" in elements[0][2] or not {b"x", b"y", b"z"} <= set(names) or faces[1:2] != [b"list"]:
        return None
    x, y, z = (names.index(axis) for axis in (b"x", b"y", b"z"))
    start = len(text) + len(mark) + len(after) - len(after.lstrip(b" \t\r").removeprefix(b"\n"))
    return int(elements[0][1]), len(names), (x, y, z), int(elements[1][1]), start


def _ply(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file:
        head = _ply_head(file.read(_HEAD_BYTES))
    assert head is not None
    left, width, axes, faces_left, start = head
    points: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    for block in _blocks(path, start):
        lines = block.split(b"\n")[:-1]
        if left:
            rows = _rows(lines[:left])
            if rows.shape[1] != width:
                raise ValueError(f"a point that has not {width} numbers")
            points.append(rows[:, axes])
        taken = min(left, len(lines))
        left -= taken
        lines = lines[taken : taken + faces_left]
        faces_left -= len(lines)
        if lines:
            faces.append(_ply_faces(lines))
    if left or faces_left:
        raise ValueError(f"it ends {left + faces_left:,} lines before what it declares")
    return _joined(points, np.float64), _joined(faces, np.int32)


def _ply_faces(lines: list[bytes]) -> np.ndarray:
    """int32 (F, 3); what stands behind a face's corners is left out."""
    held_L = np.fromiter((len(line.split()) for line in lines), np.int64, len(lines))
    values = _numbers(b"\n".join(lines))
    starts_L = np.cumsum(held_L) - held_L
    if held_L.min() < 4 or len(values) != held_L.sum():
        raise ValueError("a face of fewer than three corners")
    counts_L = values[starts_L].astype(np.int64)
    if (counts_L < 3).any() or (counts_L >= held_L).any():
        raise ValueError("a face that has not the corners that it declares")
    within = np.arange(len(values)) - np.repeat(starts_L, held_L)
    corner = (within >= 1) & (within <= np.repeat(counts_L, held_L))
    return _fans(values[corner].astype(np.int64), counts_L).astype(np.int32)
