"""Texture coordinates of OBJ and GLB files, and how they come to the mended surface that is rendered.

Mending joins points, closes holes and may thin a mesh out, while coordinates differ between the two sides of a seam.
So the mended faces take theirs, corner by corner, from the nearest places of the surface as it stands in the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.scenes.simulator.fields import Mesh, across
from studio.scenes.simulator.meshglb import glb_triangles
from studio.scenes.simulator.tracing import Target
from studio.vocabulary.errors import InputError

_PULLED = 0.1
"""Corners are looked up so far towards their face's middle: within the face, on its side of a seam."""
_APART = 0.2
"""Of a face's spread of coordinates: further from the middle's than that their mean lies only across a seam."""
_REACH = 1e-3
"""Of the mesh's longest side: from so far in front of a point and behind it rays look for the file's surface."""
_CENTRES = 6
_FURTHEST = 1e5
"""Coordinates beyond are damage: single precision no longer tells pixels apart there."""


@dataclass(frozen=True, eq=False)
class FileSurface:
    """A file's triangles that have texture coordinates: corners (F, 3, 3), coordinates (F, 3, 2) with v upwards."""

    corners_F33: np.ndarray
    uv_F32: np.ndarray


def has_coordinates(path: Path) -> bool:
    """Whether a mesh file holds texture coordinates that can be used. Raise OSError where it can't be read."""
    kind = path.suffix.lower()
    if kind == ".glb":
        return any(p.uv_V2 is not None for p in glb_triangles(path))
    if kind != ".obj":
        return False
    with path.open("rb") as file:
        return any(line.lstrip()[:3] in (b"vt ", b"vt\t") for line in file)


def file_surface(path: Path) -> FileSurface:
    """The triangles of an OBJ or GLB that have texture coordinates. Raise InputError where there are none."""
    try:
        corners_F33, uv_F32 = _obj(path) if path.suffix.lower() == ".obj" else _glb(path)
    except (ValueError, IndexError, OSError) as error:
        raise InputError("its texture coordinates cannot be read", where=path, remedy="Export it again.") from error
    finite_F = np.isfinite(corners_F33).all(axis=(1, 2)) & (np.abs(uv_F32) < _FURTHEST).all(axis=(1, 2))
    if not finite_F.any():
        raise InputError("this mesh has no texture coordinates", where=path,
                         remedy="Give a colour, or an OBJ with vt lines.")  # fmt: skip
    return FileSurface(corners_F33[finite_F], uv_F32[finite_F])


def _glb(path: Path) -> tuple[np.ndarray, np.ndarray]:
    corners, uvs = [np.zeros((0, 3, 3))], [np.zeros((0, 3, 2))]
    for part in glb_triangles(path):
        found = part.coordinates()
        if found is not None:
            corners.append(part.corners(0, part.count))
            uvs.append(found)
    return np.concatenate(corners), np.concatenate(uvs)


def _obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Polygons as fans of triangles; faces with a corner that lacks coordinates are left out."""
    points, coordinates = array("d"), array("d")
    places: tuple[array[int], array[int]] = (array("q"), array("q"))
    for line in _lines(path):
        word, *numbers = line.partition(b"#")[0].split() or [b""]
        if word == b"v":
            points.extend(map(float, numbers[:3]))
        elif word == b"vt":
            coordinates.extend((float(numbers[0]), float(numbers[1]) if len(numbers) > 1 else 0.0))
        elif word == b"f":
            fields = [corner.split(b"/") for corner in numbers]
            if any(len(f) < 2 or not f[1] for f in fields):
                continue
            for kept, at, count in ((places[0], 0, len(points) // 3), (places[1], 1, len(coordinates) // 2)):
                ring = [int(f[at]) for f in fields]
                ring = [i - 1 if i > 0 else count + i for i in ring]
                for second in range(1, len(ring) - 1):
                    kept.extend((ring[0], ring[second], ring[second + 1]))
    at_F3, uv_at_F3 = (np.frombuffer(p, np.int64).reshape(-1, 3) if len(p) else np.zeros((0, 3), int) for p in places)
    if min(at_F3.min(initial=0), uv_at_F3.min(initial=0)) < 0:
        raise IndexError("corners that are not there")
    return np.array(points).reshape(-1, 3)[at_F3], np.array(coordinates).reshape(-1, 2)[uv_at_F3]


def _lines(path: Path) -> Iterator[bytes]:
    """Lines, those that go on in the next ones put together."""
    begun = b""
    with path.open("rb") as file:
        for line in file:
            text = line.rstrip()
            if text.endswith(b"\\"):
                begun += text[:-1] + b" "
                continue
            yield begun + text
            begun = b""
    yield begun


def carried_over(surface: FileSurface, mesh: Mesh) -> np.ndarray:
    """Coordinates of a mesh's corners, float32 (F, 3, 2), from the nearest places of the file's surface.

    A face of the file keeps its own exactly; a face made to close a hole takes those of the surface around it.
    """
    low_3, high_3 = surface.corners_F33.min(axis=(0, 1)), surface.corners_F33.max(axis=(0, 1))
    extent = max(float((high_3 - low_3).max()), 1e-30)
    file_F33 = (surface.corners_F33 - low_3) / extent
    corners_F33 = (mesh.vertices_V3[mesh.faces_F3].astype(np.float64) - low_3) / extent
    middle_F3 = corners_F33.mean(axis=1)
    asked_M3 = np.concatenate([(corners_F33 + _PULLED * (middle_F3[:, None] - corners_F33)).reshape(-1, 3), middle_F3])
    across_F3 = across((mesh.vertices_V3 / np.float32(extent)).astype(np.float64), mesh.faces_F3.T.astype(np.intp)).T
    across_F3 /= np.maximum(np.linalg.norm(across_F3, axis=1, keepdims=True), 1e-30)
    face_M, weight_M3 = _nearest(file_F33, asked_M3, np.concatenate([np.repeat(across_F3, 3, axis=0), across_F3]))
    uv_M2 = np.einsum("mk,mkc->mc", weight_M3, surface.uv_F32[face_M])
    count = len(middle_F3)
    middle_F2 = uv_M2[3 * count :]
    uv_F32 = middle_F2[:, None] + (uv_M2[: 3 * count].reshape(-1, 3, 2) - middle_F2[:, None]) / (1 - _PULLED)
    spread_F = np.ptp(uv_F32, axis=1).max(axis=1)
    torn_F = np.flatnonzero(np.abs(uv_F32.mean(axis=1) - middle_F2).max(axis=1) > _APART * spread_F)
    if len(torn_F):  # a face that lies across a seam goes on as its middle does
        own = face_M[3 * count :][torn_F]
        for corner in range(3):
            weight_T3 = _weights(corners_F33[torn_F, corner], file_F33[own])
            uv_F32[torn_F, corner] = np.einsum("tk,tkc->tc", weight_T3, surface.uv_F32[own])
    return np.asarray(uv_F32, np.float32)


def _nearest(file_F33: np.ndarray, points_M3: np.ndarray, normals_M3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By point the file's nearest triangle and the weights of its corners at the place nearest to it.

    Asked are the triangles that rays from both sides meet, and those whose centres are nearest.
    """
    from scipy.spatial import cKDTree  # late: the window starts without it

    flat_V3 = file_F33.reshape(-1, 3).astype(np.float32)
    target = Target([Mesh(flat_V3, np.arange(len(flat_V3), dtype=np.int32).reshape(-1, 3), np.zeros_like(flat_V3))])
    count = min(_CENTRES, len(file_F33))
    _, near_MK = cKDTree(file_F33.mean(axis=1)).query(points_M3, count)
    candidates = list(np.asarray(near_MK).reshape(len(points_M3), count).T)
    for side in (1.0, -1.0):
        hit_M = target.trace(points_M3 + side * _REACH * normals_M3, -side * normals_M3).face_N
        candidates.append(np.where(hit_M >= 0, hit_M, candidates[0]))
    best_M, away_M, weight_M3 = candidates[0].copy(), np.full(len(points_M3), np.inf), np.zeros((len(points_M3), 3))
    for face_M in candidates:
        weights = _clamped(points_M3, file_F33[face_M])
        step_M3 = np.einsum("mk,mkc->mc", weights, file_F33[face_M]) - points_M3
        distance_M = np.einsum("mc,mc->m", step_M3, step_M3)
        closer = distance_M < away_M
        best_M[closer], away_M[closer], weight_M3[closer] = face_M[closer], distance_M[closer], weights[closer]
    return best_M, weight_M3


def _weights(points_N3: np.ndarray, corners_N33: np.ndarray) -> np.ndarray:
    """Barycentric weights (N, 3) of points' feet on the triangles' planes."""
    a, b, c = corners_N33.transpose(1, 0, 2)
    u, v, w = b - a, c - a, points_N3 - a
    uu, uv, vv, wu, wv = (np.einsum("nc,nc->n", p, q) for p, q in ((u, u), (u, v), (v, v), (w, u), (w, v)))
    size = np.maximum(uu * vv - uv * uv, 1e-300)
    second, third = (vv * wu - uv * wv) / size, (uu * wv - uv * wu) / size
    return np.stack([1 - second - third, second, third], axis=1)


def _clamped(points_N3: np.ndarray, corners_N33: np.ndarray) -> np.ndarray:
    """Weights (N, 3) of the triangles' places nearest to points: within them, or on the nearest edge."""
    weight_N3 = _weights(points_N3, corners_N33)
    rows = np.flatnonzero(~((weight_N3 >= 0) & (weight_N3 <= 1)).all(axis=1))
    least_R = np.full(len(rows), np.inf)
    for first in range(3):
        second = (first + 1) % 3
        start, edge = corners_N33[rows, first], corners_N33[rows, second] - corners_N33[rows, first]
        along = np.einsum("nc,nc->n", points_N3[rows] - start, edge)
        share = np.clip(along / np.maximum(np.einsum("nc,nc->n", edge, edge), 1e-300), 0, 1)
        step = start + share[:, None] * edge - points_N3[rows]
        distance = np.einsum("nc,nc->n", step, step)
        closer = np.flatnonzero(distance < least_R)
        least_R[closer] = distance[closer]
        weight_N3[rows[closer]] = 0.0
        weight_N3[rows[closer], first], weight_N3[rows[closer], second] = 1 - share[closer], share[closer]
    return weight_N3
