"""Triangles of very large binary files, mapped from the disk and handed out piece by piece: STL and PLY."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.vocabulary.errors import InputError

LARGE = 1_000_000
"""Triangles from which a file is thinned while it is read."""
PIECE = 400_000
_STL_HEAD = 84
_STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_PLY_HEAD_BYTES = 65_536


@dataclass(frozen=True, eq=False)
class LargeMesh:
    """Triangles on the disk: corners, or places of corners among ``points_V3``."""

    path: Path
    rows_N: np.ndarray
    points_V3: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows_N)

    def pieces(self) -> Iterator[np.ndarray]:
        """Corners of finite triangles, float32 or float64 (up to PIECE, 3, 3). Raise InputError for corners that the
        file has not."""
        for start in range(0, len(self), PIECE):
            corners_N33 = self._corners(self.rows_N[start : start + PIECE])
            yield corners_N33[np.isfinite(corners_N33).all(axis=(1, 2))]

    def _corners(self, rows: np.ndarray) -> np.ndarray:
        if self.points_V3 is None:
            return np.asarray(rows["corners"])
        if (rows["count"] != 3).any():
            raise InputError(
                "a mesh of over a million faces, some of them no triangles", where=self.path,
                remedy="Triangulate it, or reduce it below a million faces.",
            )  # fmt: skip
        places_N3 = rows["places"].astype(np.int64)
        if places_N3.min() < 0 or places_N3.max() >= len(self.points_V3):
            raise InputError("not a readable mesh (a face names corners that are not there)", where=self.path,
                             remedy="Export it again.")  # fmt: skip
        return np.stack([self.points_V3[axis][places_N3] for axis in "xyz"], axis=-1)

    def bounds(self) -> tuple[np.ndarray, np.ndarray, int]:
        """(least, greatest coordinates (3,), how many triangles are finite)."""
        low, high, finite = np.full(3, np.inf), np.full(3, -np.inf), 0
        for corners_N33 in self.pieces():
            finite += len(corners_N33)
            if len(corners_N33):
                low = np.minimum(low, corners_N33.min(axis=(0, 1)))
                high = np.maximum(high, corners_N33.max(axis=(0, 1)))
        return low, high, finite


def check_whole_stl(path: Path) -> None:
    """Raise InputError for a binary STL that ends before the triangles that it declares."""
    with path.open("rb") as file:
        head = file.read(_STL_HEAD)
    if len(head) < _STL_HEAD or head.lstrip().lower().startswith(b"solid"):
        return  # text, or nothing at all
    declared = int.from_bytes(head[-4:], "little")
    there = (path.stat().st_size - _STL_HEAD) // _STL_TRIANGLE.itemsize
    if there < declared:
        raise InputError(
            f"not a readable mesh (it declares {declared:,} triangles and ends after {there:,})", where=path,
            remedy="Export or copy it again.",
        )  # fmt: skip


def large_mesh(path: Path) -> LargeMesh | None:
    """The triangles of a binary file of more than a million; None for any other file."""
    kind = path.suffix.lower()
    return _stl(path) if kind == ".stl" else _ply(path) if kind == ".ply" else None


def _stl(path: Path) -> LargeMesh | None:
    count = (path.stat().st_size - _STL_HEAD) // _STL_TRIANGLE.itemsize
    if count < LARGE:
        return None
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(_STL_HEAD)[-4:], "little")
    return LargeMesh(path, np.memmap(path, _STL_TRIANGLE, "r", _STL_HEAD, (count,))) if declared == count else None


def _ply(path: Path) -> LargeMesh | None:
    """Vertices before faces, as all programs write them; anything else is left to the library."""
    with path.open("rb") as file:
        head, mark, _ = file.read(_PLY_HEAD_BYTES).partition(b"end_header")
    order = re.search(rb"format binary_(little|big)_endian", head)
    elements = re.findall(rb"element (\w+) (\d+)((?:\s+property [^\n]*)*)", head)
    if not (mark and order) or [name for name, _, _ in elements[:2]] != [b"vertex", b"face"]:
        return None
    end = "<" if order.group(1) == b"little" else ">"
    counts = [int(count) for _, count, _ in elements[:2]]
    point, face = _point_type(elements[0][2].decode(), end), _face_type(elements[1][2].decode(), end)
    if counts[1] < LARGE or point is None or face is None:
        return None
    start = len(head) + len(mark) + (2 if _text_after(path, len(head) + len(mark)) == b"\r\n" else 1)
    between = start + counts[0] * point.itemsize
    if path.stat().st_size < between + counts[1] * face.itemsize:
        return None
    points = np.memmap(path, point, "r", start, (counts[0],))
    return LargeMesh(path, np.memmap(path, face, "r", between, (counts[1],)), points)


def _text_after(path: Path, place: int) -> bytes:
    with path.open("rb") as file:
        file.seek(place)
        return file.read(2)


def _point_type(properties: str, end: str) -> np.dtype | None:
    """A vertex's row; None where it has a list or no x, y, z."""
    found = re.findall(r"property (\w+) (\w+)", properties)
    if any(kind not in _PLY_TYPES for kind, _ in found) or not {"x", "y", "z"} <= {name for _, name in found}:
        return None
    return np.dtype([(name, end + _PLY_TYPES[kind]) for kind, name in found])


def _face_type(properties: str, end: str) -> np.dtype | None:
    """A triangle's row; None where there is more than its list of corners."""
    lines = properties.split("\n")
    found = [re.fullmatch(r"property list (\w+) (\w+) vertex_ind(?:ex|ices)", t.strip()) for t in lines if t.strip()]
    if len(found) != 1 or found[0] is None or any(kind not in _PLY_TYPES for kind in found[0].groups()):
        return None
    count, place = (_PLY_TYPES[kind] for kind in found[0].groups())
    return np.dtype([("count", end + count), ("places", end + place, 3)])
