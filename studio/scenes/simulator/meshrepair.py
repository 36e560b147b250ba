"""What is wrong with a mesh's surface, mended where that can be done without guessing, and counted.

Torn seams are joined, neighbours are wound alike, holes are closed (``meshholes``), and every piece is turned outwards.
Where the surface crosses itself is counted (``meshcrossings``) and left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.meshholes import areas, closed
from studio.scenes.simulator.meshthinning import distinct
from studio.scenes.simulator.meshwinding import edges_of, wound_alike
from studio.scenes.simulator.tracing import Target

_SEAM = 1e-3
"""Borders are joined over gaps of this share of the mesh's longest side, and of a fifth of its edges at most."""
_SAMPLES, _WAYS = 32, 6
"""Faces of an open piece that are asked which of their sides sees the outside, and rays from either side."""
_SURE = 0.02
_START, _FAR = 1e-4, 10.0


@dataclass(frozen=True)
class Mended:
    """What was done to a surface. ``largest_hole`` in the file's units; ``open_share``: of the area, in open pieces."""

    joined: int = 0
    turned: int = 0
    holes: int = 0
    largest_hole: float = 0.0
    open_share: float = 0.0


def mended(vertices_V3: np.ndarray, faces_F3: np.ndarray, *, sheet: bool) -> tuple[np.ndarray, np.ndarray, Mended]:
    """Vertices, faces turned outwards, and what was done. A ``sheet`` (a wall, a ligament) keeps its large openings."""
    vertices, faces, joined = _seams_joined(vertices_V3, faces_F3)
    flipped, piece_F = wound_alike(faces)
    faces = np.where(flipped[:, None], faces[:, ::-1], faces)
    vertices, faces, piece_F, holes = closed(vertices, faces, piece_F, sheet=sheet)
    inside_out_P = _inside_out(vertices, faces, piece_F)
    turned = int((flipped ^ inside_out_P[piece_F[: len(flipped)]]).sum())
    open_share = _open_share(vertices, faces, piece_F)
    faces = np.where(inside_out_P[piece_F][:, None], faces[:, ::-1], faces)
    return vertices, faces, Mended(joined, turned, len(holes), max(holes, default=0.0), open_share)


def _seams_joined(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Border points that all but touch one another become one: (vertices, faces, how many points went)."""
    edges = edges_of(faces_F3)
    border = np.unique(edges.vertices_E2[edges.count_E == 1])
    if not len(border):
        return vertices_V3, faces_F3, 0
    from scipy.sparse import coo_matrix  # late: the window starts without it
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    starts_E3, ends_E3 = vertices_V3[edges.vertices_E2].transpose(1, 0, 2)
    usual = float(np.median(np.linalg.norm(ends_E3 - starts_E3, axis=1)))
    reach = min(_SEAM * float(np.ptp(vertices_V3, axis=0).max()), 0.2 * usual)
    pairs_K2 = cKDTree(vertices_V3[border]).query_pairs(reach, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs_K2)), pairs_K2.T), (len(border), len(border)))
    group = connected_components(graph, directed=False)[1]
    first = np.unique(group, return_index=True)[1]
    number = np.arange(len(vertices_V3))
    number[border] = border[first[group]]
    return vertices_V3, distinct(number[faces_F3]), len(border) - len(first)


def _open_share(vertices_V3: np.ndarray, faces_F3: np.ndarray, piece_F: np.ndarray) -> float:
    """Of the area: what lies in pieces that still have a border."""
    area_F = areas(vertices_V3, faces_F3)
    open_P = np.bincount(piece_F, edges_of(faces_F3).border_F3.any(axis=1)) > 0
    return float(area_F[open_P[piece_F]].sum() / max(float(area_F.sum()), 1e-300))


def _inside_out(vertices_V3: np.ndarray, faces_F3: np.ndarray, piece_F: np.ndarray) -> np.ndarray:
    """bool (P,): the pieces that are inside out.

    A closed piece by its volume's sign, an open one by which of its sides sees the outside (after Takayama et al. 2014,
    A simple method for correcting facet orientations in polygon meshes based on ray casting).
    """
    count = int(piece_F.max()) + 1
    corners_F33 = vertices_V3[faces_F3] - vertices_V3.mean(axis=0)
    volume_F = np.einsum("ij,ij->i", corners_F33[:, 0], np.cross(corners_F33[:, 1], corners_F33[:, 2]))
    by_volume_P = np.bincount(piece_F, volume_F, count) < 0
    edges = edges_of(faces_F3)
    open_P = np.bincount(piece_F, (edges.count_E[edges.of_face_F3] != 2).any(axis=1), count) > 0
    if not open_P.any():
        return by_volume_P
    vote_P = _outside_in_front(vertices_V3, faces_F3, piece_F, open_P)
    return np.where(open_P & (np.abs(vote_P) > _SURE), vote_P < 0, by_volume_P)


def _outside_in_front(
    vertices_V3: np.ndarray, faces_F3: np.ndarray, piece_F: np.ndarray, open_P: np.ndarray
) -> np.ndarray:
    """By piece: the share of rays that leave its front side unhindered, less that of its back (P,)."""
    faces = _some_of_each(piece_F, open_P)
    extent = float(np.ptp(vertices_V3, axis=0).max())
    points_V3 = ((vertices_V3 - vertices_V3.mean(axis=0)) / extent).astype(np.float32)
    target = Target([Mesh(points_V3, faces_F3.astype(np.int32), np.zeros_like(points_V3))])
    across_N3 = target.plane_normal_F3[faces].astype(float)
    normal_N3 = across_N3 / np.maximum(np.linalg.norm(across_N3, axis=1, keepdims=True), 1e-30)
    centre_N3 = points_V3[faces_F3[faces]].mean(axis=1)
    rng = np.random.default_rng(len(faces))
    vote_N = np.zeros(len(faces))
    for _ in range(_WAYS):
        aside = rng.normal(size=normal_N3.shape)
        # Half as far aside as ahead: each ray stays on its side.
        aside *= 0.5 / np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
        for side in (1.0, -1.0):
            start_N3 = centre_N3 + side * _START * normal_N3
            hindered = target.blocked(start_N3, side * normal_N3 + aside, np.full(len(faces), _FAR))
            vote_N += np.where(hindered, 0.0, side)
    pieces = piece_F[faces]
    asked_P = np.maximum(np.bincount(pieces, minlength=len(open_P)), 1)
    return np.asarray(np.bincount(pieces, vote_N, len(open_P)) / asked_P / _WAYS)


def _some_of_each(piece_F: np.ndarray, open_P: np.ndarray) -> np.ndarray:
    """Numbers of at most _SAMPLES faces of each open piece."""
    faces = np.flatnonzero(open_P[piece_F])
    mixed = np.random.default_rng(len(faces)).permutation(faces)
    order = mixed[np.argsort(piece_F[mixed], kind="stable")]
    _, first, counts = np.unique(piece_F[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, counts)
    return np.asarray(order[rank < _SAMPLES])
