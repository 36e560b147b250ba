"""Triangles of very large files, handed out piece by piece: binary STL, PLY and GLB mapped from the disk, and text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.scenes.simulator.meshglb import glb_triangles
from studio.scenes.simulator.meshtext import is_text_mesh, text_mesh
from studio.vocabulary.errors import InputError

LARGE = 1_000_000
"""Triangles from which a file is thinned while it is read."""
PIECE = 400_000
TEXT_BYTES = 60_000_000
"""Bytes of text from which a file is read and thinned in blocks: about a million triangles."""
_STL_HEAD = 84
_STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_PLY_HEAD_BYTES = 65_536


@dataclass(frozen=True, eq=False)
class Triangles:
    """So many triangles, and ``corners`` (start, stop): float32 or float64 (stop - start, 3, 3)."""

    count: int
    corners: Callable[[int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class LargeMesh:
    """Triangles of a file, of which only pieces lie in memory with their corners."""

    parts: tuple[Triangles, ...]

    def __len__(self) -> int:
        return sum(part.count for part in self.parts)

    def pieces(self) -> Iterator[np.ndarray]:
        """Corners of finite triangles, float32 or float64 (up to PIECE, 3, 3). Raise InputError for corners that the
        file has not."""
        for part in self.parts:
            for start in range(0, part.count, PIECE):
                corners_N33 = part.corners(start, min(start + PIECE, part.count))
                yield corners_N33[np.isfinite(corners_N33).all(axis=(1, 2))]

    def bounds(self) -> tuple[np.ndarray, np.ndarray, int]:
        """(least, greatest coordinates (3,), how many triangles are finite)."""
        low, high, finite = np.full(3, np.inf), np.full(3, -np.inf), 0
        for corners_N33 in self.pieces():
            finite += len(corners_N33)
            if len(corners_N33):
                low = np.minimum(low, corners_N33.min(axis=(0, 1)))
                high = np.maximum(high, corners_N33.max(axis=(0, 1)))
        return low, high, finite


def large_mesh(path: Path) -> LargeMesh | None:
    """The triangles of a file of over a million: STL, PLY, GLB, and text of about as many; None for any other file.

    Raise InputError for text that is no mesh.
    """
    kind = path.suffix.lower()
    if kind == ".glb":
        placed = LargeMesh(tuple(Triangles(p.count, p.corners) for p in glb_triangles(path)))
        # A small mesh may lie beside large textures.
        return placed if len(placed) >= LARGE or (len(placed) and path.stat().st_size >= TEXT_BYTES) else None
    found = _stl(path) if kind == ".stl" else _ply(path) if kind == ".ply" else None
    if found is None and path.stat().st_size >= TEXT_BYTES and is_text_mesh(path):
        points_V3, faces_F3 = text_mesh(path)
        found = LargeMesh((Triangles(len(faces_F3), lambda start, stop: points_V3[faces_F3[start:stop]]),))
    return found


def _stl(path: Path) -> LargeMesh | None:
    count = (path.stat().st_size - _STL_HEAD) // _STL_TRIANGLE.itemsize
    if count < LARGE:
        return None
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(_STL_HEAD)[-4:], "little")
    if declared != count:
        return None
    rows_N = np.memmap(path, _STL_TRIANGLE, "r", _STL_HEAD, (count,))
    return LargeMesh((Triangles(count, lambda start, stop: np.asarray(rows_N[start:stop]["corners"])),))


def _ply(path: Path) -> LargeMesh | None:
    """Vertices before faces, as all programs write them; anything else is left to the library."""
    head = _ply_head(path)
    if head is None or head.faces < LARGE or path.stat().st_size < head.least_bytes:
        return None
    points_V = np.memmap(path, head.point, "r", head.start, (head.points,))
    rows_N = np.memmap(path, head.face, "r", head.start + head.points * head.point.itemsize, (head.faces,))

    def corners(first: int, last: int) -> np.ndarray:
        rows = rows_N[first:last]
        if (rows["count"] != 3).any():
            raise InputError(
                "a mesh of over a million faces, some of them no triangles", where=path,
                remedy="Triangulate it, or reduce it below a million faces.",
            )  # fmt: skip
        places_N3 = rows["places"].astype(np.int64)
        if places_N3.min() < 0 or places_N3.max() >= len(points_V):
            raise InputError("not a readable mesh (a face names corners that are not there)", where=path,
                             remedy="Export it again.")  # fmt: skip
        return np.stack([points_V[axis][places_N3] for axis in "xyz"], axis=-1)

    return LargeMesh((Triangles(head.faces, corners),))


@dataclass(frozen=True)
class _PlyHead:
    """Where the numbers of a binary PLY begin, and rows of points and triangles."""

    start: int
    points: int
    point: np.dtype
    faces: int
    face: np.dtype

    @property
    def least_bytes(self) -> int:
        """So long is the file at least: faces of more than three corners are longer."""
        return self.start + self.points * self.point.itemsize + self.faces * self.face.itemsize


def least_ply_bytes(path: Path) -> int:
    """The least that a binary PLY of what it declares can be long; 0 for other files and where it can't be told."""
    head = _ply_head(path)
    return 0 if head is None else head.least_bytes


def _ply_head(path: Path) -> _PlyHead | None:
    with path.open("rb") as file:
        head, mark, _ = file.read(_PLY_HEAD_BYTES).partition(b"end_header")
    order = re.search(rb"format binary_(little|big)_endian", head)
    elements = re.findall(rb"element (\w+) (\d+)((?:\s+property [^\n]*)*)", head)
    if not (mark and order) or [name for name, _, _ in elements[:2]] != [b"vertex", b"face"]:
        return None
    end = "<" if order.group(1) == b"little" else ">"
    points, faces = (int(count) for _, count, _ in elements[:2])
    point = _point_type(elements[0][2].decode("latin-1"), end)
    face = _face_type(elements[1][2].decode("latin-1"), end)
    if point is None or face is None:
        return None
    start = len(head) + len(mark) + (2 if _text_after(path, len(head) + len(mark)) == b"\r\n" else 1)
    return _PlyHead(start, points, point, faces, face)


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
    """A triangle's row: its list of corners, and numbers such as a colour behind it; None for anything else."""
    lines = [line.strip() for line in properties.split("\n") if line.strip()]
    first = re.fullmatch(r"property list (\w+) (\w+) vertex_ind(?:ex|ices)", lines[0]) if lines else None
    more = [re.fullmatch(r"property (\w+) (\w+)", line) for line in lines[1:]]
    kinds = [] if first is None else [*first.groups(), *(m.group(1) for m in more if m is not None)]
    if len(kinds) != 1 + len(lines) or any(kind not in _PLY_TYPES for kind in kinds):
        return None
    count, place, *others = (end + _PLY_TYPES[kind] for kind in kinds)
    behind = [(f"more_{i}", kind) for i, kind in enumerate(others)]
    return np.dtype([("count", count), ("places", place, 3), *behind])
