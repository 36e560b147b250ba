"""Triangles of a GLB file mapped from the disk, as the default scene of glTF 2.0 places them."""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_HEAD = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_INDEX_TYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4"}
_FLOAT, _TRIANGLES, _DEEPEST = 5126, 4, 100
_UV_TYPES = {_FLOAT: "<f4", 5121: "<u1", 5123: "<u2"}


@dataclass(frozen=True, eq=False)
class GlbTriangles:
    """One mesh of a scene where a node places it. ``corners``: (start, stop) -> float64 (N, 3, 3)."""

    count: int
    points_V3: np.ndarray
    index_N: np.ndarray | None
    matrix_44: np.ndarray
    uv_V2: np.ndarray | None = None
    """Texture coordinates as stored: v downwards, whole numbers from 0 to their type's greatest."""

    def corners(self, start: int, stop: int) -> np.ndarray:
        """Raise IndexError for corners that are not there."""
        places = slice(3 * start, 3 * stop)
        points_N3 = self.points_V3[places] if self.index_N is None else self.points_V3[self.index_N[places]]
        moved_N3 = points_N3.astype(np.float64) @ self.matrix_44[:3, :3].T + self.matrix_44[:3, 3]
        return np.asarray(moved_N3.reshape(-1, 3, 3))

    def coordinates(self) -> np.ndarray | None:
        """Texture coordinates of all corners, float64 (count, 3, 2) with v upwards; None where there are none."""
        if self.uv_V2 is None:
            return None
        uv_N2 = (self.uv_V2 if self.index_N is None else self.uv_V2[self.index_N])[: 3 * self.count].astype(np.float64)
        if self.uv_V2.dtype.kind == "u":
            uv_N2 /= np.iinfo(self.uv_V2.dtype).max
        return np.asarray(np.stack([uv_N2[:, 0], 1 - uv_N2[:, 1]], axis=-1).reshape(-1, 3, 2))


def glb_chunks(path: Path) -> tuple[Mapping[str, Any], int, int] | None:
    """(the JSON part, where the binary part begins, its length); None for what is no whole GLB of version 2."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD.size + _CHUNK.size)
        if len(head) < _HEAD.size + _CHUNK.size:
            return None
        mark, version, length = _HEAD.unpack_from(head)
        described, kind = _CHUNK.unpack_from(head, _HEAD.size)
        if mark != b"glTF" or version != 2 or kind != b"JSON" or max(length, described) > size:
            return None
        try:
            content = json.loads(file.read(described))
        except (ValueError, RecursionError):
            return None
        follows = file.read(_CHUNK.size)
    if not isinstance(content, dict):
        return None
    start = len(head) + described + _CHUNK.size
    binary = _CHUNK.unpack(follows)[0] if len(follows) == _CHUNK.size else 0
    return content, start, min(binary, max(size - start, 0))


def glb_triangles(path: Path) -> list[GlbTriangles]:
    """All of them; none where the file is of a kind that is left to the library, such as strips or packed numbers."""
    found = glb_chunks(path)
    if found is None:
        return []
    content, start, length = found
    if not length:
        return []
    data = np.memmap(path, np.uint8, "r", start, (length,))
    try:
        return [_primitive(content, data, p, matrix) for p, matrix in _placed(content)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return []


def _placed(content: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], np.ndarray]]:
    """Each primitive with its node's matrix."""
    waiting = [(n, np.eye(4), 0) for n in content["scenes"][content.get("scene", 0)]["nodes"]]
    while waiting:
        number, above, depth = waiting.pop()
        node = content["nodes"][number]
        matrix = above @ _matrix(node)
        if depth > _DEEPEST:
            raise ValueError("nodes in a circle")
        waiting += [(child, matrix, depth + 1) for child in node.get("children", ())]
        if "mesh" in node:
            for primitive in content["meshes"][node["mesh"]]["primitives"]:
                yield primitive, matrix


def _matrix(node: Mapping[str, Any]) -> np.ndarray:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale", (1.0, 1.0, 1.0)), np.float64)
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _primitive(
    content: Mapping[str, Any], data: np.ndarray, primitive: Mapping[str, Any], matrix_44: np.ndarray
) -> GlbTriangles:
    """Raise ValueError for what is not plain triangles."""
    if primitive.get("mode", _TRIANGLES) != _TRIANGLES or primitive.get("extensions"):
        raise ValueError("no plain triangles")
    accessor = functools.partial(_accessor, content, data)
    points_V3 = accessor(primitive["attributes"]["POSITION"], {_FLOAT: "<f4"}, "VEC3", 3)
    index_N = accessor(primitive["indices"], _INDEX_TYPES, "SCALAR", 1)[:, 0] if "indices" in primitive else None
    if index_N is not None and len(index_N) and int(index_N.max()) >= len(points_V3):
        raise ValueError("corners that are not there")
    count = (len(points_V3) if index_N is None else len(index_N)) // 3
    return GlbTriangles(count, points_V3, index_N, matrix_44, _coordinates(content, data, primitive, len(points_V3)))


def _coordinates(
    content: Mapping[str, Any], data: np.ndarray, primitive: Mapping[str, Any], count: int
) -> np.ndarray | None:
    """None also where they can't be read: the mesh itself can be used all the same."""
    try:
        uv_V2 = _accessor(content, data, primitive["attributes"]["TEXCOORD_0"], _UV_TYPES, "VEC2", 2)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    return uv_V2 if len(uv_V2) == count else None


def _accessor(
    content: Mapping[str, Any], data: np.ndarray, number: int, types: Mapping[int, str], kind: str, width: int
) -> np.ndarray:
    """(count, width) of the file's own numbers, not read yet."""
    row = content["accessors"][number]
    view = content["bufferViews"][row["bufferView"]]
    if row["type"] != kind or "sparse" in row or view.get("extensions") or view.get("buffer", 0) != 0:
        raise ValueError("stored in another way")
    dtype = np.dtype(types[row["componentType"]])
    stride = view.get("byteStride", dtype.itemsize * width)
    place = view.get("byteOffset", 0) + row.get("byteOffset", 0)
    shape = (row["count"], width)
    return np.ndarray(shape, dtype, data.data, place, (stride, dtype.itemsize))
