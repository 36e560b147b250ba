"""Mesh files of any common kind, read and mended: OBJ, STL, PLY, GLB, GLTF, OFF.

The libraries for that are imported late: the window starts without them.
"""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import numpy as np

from studio.scenes.simulator.fields import Mesh, with_normals
from studio.vocabulary.errors import InputError

MESH_SUFFIXES = frozenset({".obj", ".stl", ".ply", ".glb", ".gltf", ".off"})
MAX_FACES = 60_000
_MAX_BYTES = 2_000_000_000
_LARGE, _PIECE = 1_000_000, 400_000
"""Triangles from which a binary STL is thinned while it is read, and those read at a time."""
_STL_HEAD = 84
_STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def load_mesh(path: Path) -> Mesh:
    """The file's surfaces as one mesh in the file's own units, turned outwards, at most about MAX_FACES faces.

    Raise InputError when the file is missing, unreadable, empty or holds coordinates that are not finite.
    """
    vertices, faces = _read(path)
    if not len(faces):
        raise InputError("the mesh holds no triangles", where=path, remedy="Export it again as a triangle mesh.")
    if not np.isfinite(vertices).all():
        raise InputError("the mesh holds coordinates that are not finite", where=path, remedy="Export it again.")
    extent = float(np.ptp(vertices, axis=0).max())
    if extent <= 0:
        raise InputError("all points of the mesh lie in one place", where=path, remedy="Export it again.")
    vertices, faces = _merged(vertices, faces, extent * 1e-6)
    grain = extent / 260
    while len(faces) > MAX_FACES:
        vertices, faces = _merged(vertices, faces, grain)
        grain *= 1.3
    return _outwards(vertices, faces)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise InputError(
            f"meshes of the kind '{path.suffix}' cannot be read", where=path, remedy="Use OBJ, STL, PLY or GLB."
        )
    if path.stat().st_size > _MAX_BYTES:
        raise InputError("the mesh file is larger than 2 GB", where=path, remedy="Reduce it first.")
    triangles_N = _large_stl(path)
    if triangles_N is not None:
        return _thinned_while_read(triangles_N, path)
    try:
        with warnings.catch_warnings():
            # Readers warn about materials that are of no concern here.
            warnings.simplefilter("ignore")
            # Materials and their files are not wanted: geometry alone, never anything beside the file.
            loaded = trimesh.load(path, force="mesh", process=False, skip_materials=True)
        return np.asarray(loaded.vertices, np.float64), np.asarray(loaded.faces, np.int64)
    except Exception as error:  # any reader may fail in its own way on a damaged file
        reason = type(error).__name__
        raise InputError(f"not a readable mesh ({reason})", where=path, remedy="Export it again.") from error


def _large_stl(path: Path) -> np.ndarray | None:
    """The triangles of a binary STL of more than a million, mapped from disk; None for any other file."""
    if path.suffix.lower() != ".stl":
        return None
    count = (path.stat().st_size - _STL_HEAD) // _STL_TRIANGLE.itemsize
    if count < _LARGE:
        return None
    with path.open("rb") as file:
        declared = int.from_bytes(file.read(_STL_HEAD)[-4:], "little")
    return np.memmap(path, _STL_TRIANGLE, "r", _STL_HEAD, (count,)) if declared == count else None


def _thinned_while_read(triangles_N: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces thinned piece by piece on one grid, so that the whole never lies in memory."""
    starts = range(0, len(triangles_N), _PIECE)
    ends = [
        np.array([f(triangles_N["corners"][i : i + _PIECE], axis=(0, 1)) for i in starts]) for f in (np.min, np.max)
    ]
    low, high = ends[0].min(axis=0).astype(np.float64), ends[1].max(axis=0).astype(np.float64)
    if not np.isfinite([low, high]).all():
        raise InputError("the mesh holds coordinates that are not finite", where=path, remedy="Export it again.")
    grain = max(float((high - low).max()), 1e-30) / 520
    vertices, faces, before = [], [], 0
    for i in starts:
        corners_V3 = triangles_N["corners"][i : i + _PIECE].reshape(-1, 3).astype(np.float64)
        own_V3, own_F3 = _merged(corners_V3, np.arange(len(corners_V3)).reshape(-1, 3), grain, low=low)
        vertices.append(own_V3)
        faces.append(own_F3 + before)
        before += len(own_V3)
    return _merged(np.concatenate(vertices), np.concatenate(faces), grain, low=low)


def _merged(
    vertices_V3: np.ndarray, faces_F3: np.ndarray, grain: float, *, low: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that share a cell of a grid become one, at their mean; faces that collapse or repeat go.

    The grid begins at ``low``, else at the least coordinates.
    """
    cells = np.floor((vertices_V3 - (vertices_V3.min(axis=0) if low is None else low)) / grain).astype(np.int64)
    # One number per cell; 2^20 cells a side are enough, since the grain is at least a millionth of the extent.
    _, index = np.unique((cells[:, 0] << 42) + (cells[:, 1] << 21) + cells[:, 2], return_inverse=True)
    index = index.ravel()
    counts = np.bincount(index)
    vertices = np.stack([np.bincount(index, vertices_V3[:, a]) / counts for a in range(3)], axis=1)
    faces = index[faces_F3]
    good = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    faces = faces[good]
    low, middle, high = np.sort(faces, axis=1).T
    count = len(vertices)
    _, first = np.unique((low * count + middle) * count + high, return_index=True)
    return vertices, faces[np.sort(first)]


def _outwards(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> Mesh:
    """Neighbouring faces wound alike, and each connected part so that it encloses a positive volume."""
    import trimesh

    mesh = trimesh.Trimesh(vertices_V3, faces_F3, process=False)
    pairs = np.asarray(mesh.face_adjacency).reshape(-1, 2)
    edges = np.asarray(mesh.face_adjacency_edges).reshape(-1, 2)
    alike = _runs_along(faces_F3[pairs[:, 0]], edges) == _runs_along(faces_F3[pairs[:, 1]], edges)
    flipped, part_F = _flips(len(faces_F3), pairs, alike)
    faces = np.where(flipped[:, None], faces_F3[:, ::-1], faces_F3)
    corners = vertices_V3[faces] - vertices_V3.mean(axis=0)
    volumes = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum(axis=1)
    inside_out = np.bincount(part_F, volumes) < 0
    faces = np.where(inside_out[part_F][:, None], faces[:, ::-1], faces)
    return with_normals(vertices_V3.astype(np.float32), np.ascontiguousarray(faces, np.int32))


def _runs_along(faces_N3: np.ndarray, edges_N2: np.ndarray) -> np.ndarray:
    """bool: the face passes the edge from its first vertex to its second."""
    follows = [(faces_N3[:, k] == edges_N2[:, 0]) & (faces_N3[:, (k + 1) % 3] == edges_N2[:, 1]) for k in range(3)]
    return np.asarray(follows[0] | follows[1] | follows[2])


def _flips(count: int, pairs_E2: np.ndarray, alike_E: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(which faces to turn over, connected part of each): parity of the disagreements on the way to a part's root."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    graph = coo_matrix((np.ones(len(pairs_E2)), (pairs_E2[:, 0], pairs_E2[:, 1])), shape=(count + 1, count + 1))
    _, part = connected_components(graph, directed=False)
    _, roots = np.unique(part[:count], return_index=True)
    # One more node, tied to every root, makes a single tree of all parts.
    rows = np.concatenate([pairs_E2[:, 0], np.full(len(roots), count)])
    columns = np.concatenate([pairs_E2[:, 1], roots])
    joined = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count + 1, count + 1)).tocsr()
    _, parent = breadth_first_order(joined, count, directed=False)
    key = np.minimum(pairs_E2[:, 0], pairs_E2[:, 1]) * (count + 1) + np.maximum(pairs_E2[:, 0], pairs_E2[:, 1])
    odd = dict(zip(key[alike_E].tolist(), itertools.repeat(True)))
    parent[count] = count
    node = np.arange(count + 1)
    own = np.minimum(node, parent).astype(np.int64) * (count + 1) + np.maximum(node, parent)
    parity = np.array([odd.get(k, False) for k in own.tolist()])
    # Pointer doubling: after k rounds each node knows the parity of its 2^k nearest ancestors.
    while (parent != count).any():
        parity = parity ^ parity[parent]
        parent = parent[parent]
    return parity[:count], part[:count]
