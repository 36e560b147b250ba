"""Meshes of very many triangles made small: points that share a cell of a grid become one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_FINEST = 900
"""Cells along the longest side that thinning begins with."""
_STREAM_CELLS = 520
_FOLDED, _AGREED = 0.1, 0.3
"""Cosine against the surface around beyond which a face is folded over; length of the mean of unit normals there."""


def merged(
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
    return vertices, distinct(index[faces_F3])


def distinct(faces_F3: np.ndarray) -> np.ndarray:
    """The faces that have three corners and repeat no earlier one, in their order."""
    a, b, c = faces_F3.T
    faces = faces_F3[(a != b) & (b != c) & (a != c)]
    least, middle, most = np.sort(faces, axis=1).T
    count = int(most.max(initial=0)) + 1
    first = np.unique((least * count + middle) * count + most, return_index=True)[1]
    return np.asarray(faces[np.sort(first)])


def thinned(vertices_V3: np.ndarray, faces_F3: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """At most so many faces, on as fine a grid as that takes."""
    vertices, faces = vertices_V3, faces_F3
    grain = float(np.ptp(vertices, axis=0).max()) / _FINEST
    while len(faces) > most:
        vertices, faces = merged(vertices_V3, faces_F3, grain)
        # Faces go with the square of the grain.
        grain *= max(1.1, 0.97 * float(np.sqrt(len(faces) / most)))
    return vertices, faces


def facing_alike(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
    """The faces (F, 3), those turned over that look the other way than the surface around them.

    Points that become one fold small faces over, which would be seen from behind, dark. Where a surface's two sides
    have become one there is no way to look, and faces stay as they are.
    """
    corners_F33 = vertices_V3[faces_F3].astype(np.float64)
    across_F3 = np.cross(corners_F33[:, 1] - corners_F33[:, 0], corners_F33[:, 2] - corners_F33[:, 0])
    area_F = np.linalg.norm(across_F3, axis=1)
    at, count = faces_F3.ravel(), len(vertices_V3)
    sums_V3 = np.stack([np.bincount(at, np.repeat(across_F3[:, a], 3), count) for a in range(3)], axis=1)
    areas_V1 = np.maximum(np.bincount(at, np.repeat(area_F, 3), count), 1e-300)[:, None]
    around_F3 = (sums_V3 / areas_V1)[faces_F3].mean(axis=1)
    agreed_F = np.linalg.norm(around_F3, axis=1)
    back_F = np.einsum("ij,ij->i", around_F3, across_F3) < -_FOLDED * area_F * agreed_F
    return np.where((back_F & (agreed_F > _AGREED))[:, None], faces_F3[:, ::-1], faces_F3)


def thinned_in_pieces(
    pieces: Iterator[np.ndarray], low_3: np.ndarray, high_3: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces from triangles' corners that come piece by piece (N, 3, 3): the whole never lies in memory."""
    grain = max(float((high_3 - low_3).max()), 1e-30) / _STREAM_CELLS
    vertices, faces, before = [], [], 0
    for corners_N33 in pieces:
        corners_V3 = corners_N33.reshape(-1, 3).astype(np.float64)
        own_V3, own_F3 = merged(corners_V3, np.arange(len(corners_V3)).reshape(-1, 3), grain, low=low_3)
        vertices.append(own_V3)
        faces.append(own_F3 + before)
        before += len(own_V3)
    return merged(np.concatenate(vertices), np.concatenate(faces), grain, low=low_3)
