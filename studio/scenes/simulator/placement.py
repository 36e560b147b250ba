"""Bringing meshes of any origin into body axes and millimetres: which way up, which way round.

What the shapes themselves say: a liver is widest from left to right, bulky on its right, and its concave side looks to
feet and back; the gallbladder lies below it (towards the feet) on the right, its wide end in front. Axes that files
already have are kept unless they contradict.
"""

from __future__ import annotations

import itertools

import numpy as np

from studio.scenes.simulator.fields import Mesh, with_normals

_CONCAVE_3 = np.array([0.49, -0.72, -0.49])
"""Where a liver's concave side looks: about its mean over five livers of four sources."""
FLAT = 1e-3
"""Thickness below which a mesh is a plane: it has no inside, nor a hull."""
_HARDLY_CONCAVE = 0.004
"""Mean depth below the convex hull by the longest side; of those livers 0.009 to 0.027."""


def guessed_turn(liver: Mesh, gallbladder: Mesh | None) -> np.ndarray:
    """3x3 from the files' axes to body axes, a signed permutation; a mirror only when nothing else fits."""
    surface, concave = surface_points(liver), concave_side(liver)
    bladder = None if gallbladder is None else _thinned(gallbladder.vertices_V3.astype(float))
    return max(turns_of_axes(), key=lambda turn: _fit(turn, surface, concave, bladder))


def turns_of_axes() -> list[np.ndarray]:
    """All signed permutations, 24 turns and 24 mirrors (3x3)."""
    turns = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[range(3), order] = signs
            turns.append(turn)
    return turns


def _fit(
    turn: np.ndarray, liver: tuple[np.ndarray, np.ndarray, np.ndarray], concave_3: np.ndarray,
    bladder_V3: np.ndarray | None,
) -> float:  # fmt: skip
    """How well a liver (centres, normals, areas) and gallbladder so turned look like a person's on their back."""
    points, normals, weights = liver
    points = points @ turn.T
    middle = np.average(points, axis=0, weights=weights)
    spread = np.sqrt(np.average((points - middle) ** 2, axis=0, weights=weights))
    skew_3 = np.clip(np.average(((points - middle) / spread) ** 3, axis=0, weights=weights), -1, 1)
    score = 0.8 * float(spread[0] / spread.max()) + 0.7 * float(skew_3[0]) - 0.3 * float(skew_3[2])
    score += float(turn @ concave_3 @ _CONCAVE_3)
    score += 0.35 * float(np.array_equal(turn, np.eye(3))) - 0.45 * float(np.linalg.det(turn) < 0)
    if bladder_V3 is not None:
        bladder = bladder_V3 @ turn.T
        away = (bladder.mean(axis=0) - middle) / spread
        # The surface that it lies on looks towards the feet and the back; it lies right of the liver's middle.
        near = np.argsort(((points - bladder.mean(axis=0)) ** 2).sum(axis=1))[: max(20, len(points) // 25)]
        facing = (normals[near] @ turn.T * weights[near, None]).sum(axis=0)
        score += 1.3 * float(facing @ (0.0, -0.85, -0.5) / max(float(np.linalg.norm(facing)), 1e-9))
        score += 0.4 * float(np.clip(-away[0], -0.7, 0.7)) + 0.6 * _wide_end_forward(bladder)
    return score


def _wide_end_forward(bladder_V3: np.ndarray) -> float:
    """-1..1: how far the gallbladder's wide end lies in front of and below its narrow one."""
    towards = wide_end(bladder_V3)
    return float(np.clip(0.8 * towards[2] - 0.6 * towards[1], -1, 1))


def wide_end(points_V3: np.ndarray) -> np.ndarray:
    """Unit vector along an organ's longest axis, towards its wider end."""
    centred = points_V3 - points_V3.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    along = centred @ axis
    across = np.linalg.norm(centred - along[:, None] * axis, axis=1)
    high, low = across[along > np.percentile(along, 70)].mean(), across[along < np.percentile(along, 30)].mean()
    return np.asarray(axis if high > low else -axis)


def concave_side(mesh: Mesh) -> np.ndarray:
    """Where the parts of the surface look, on average, that lie deep below its convex hull: a unit vector, shorter for
    what is hardly concave, 0 for what is flat."""
    from scipy.spatial import ConvexHull  # late: the window starts without it

    points, normals, weights = surface_points(mesh)
    if thickness(points) < FLAT:
        return np.zeros(3)
    planes = ConvexHull(points).equations
    depth = np.min(-(points @ planes[:, :3].T + planes[:, 3]), axis=1)
    side = (normals * (weights * depth)[:, None]).sum(axis=0)
    least = _HARDLY_CONCAVE * float(weights.sum()) * float(np.ptp(points, axis=0).max())
    return np.asarray(side / max(float(np.linalg.norm(side)), least))


def thickness(points_V3: np.ndarray) -> float:
    """How far points lie from their common plane, by their spread along it: 0 to 1."""
    spread = np.linalg.svd(points_V3 - points_V3.mean(axis=0), compute_uv=False)
    return float(spread[-1] / max(float(spread[0]), 1e-300))


def surface_points(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some triangles' centres, unit normals and areas."""
    corners = mesh.vertices_V3[_thinned(mesh.faces_F3)].astype(float)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled = np.maximum(np.linalg.norm(across, axis=1), 1e-12)
    return corners.mean(axis=1), across / doubled[:, None], doubled


def _thinned(rows: np.ndarray, *, most: int = 4000) -> np.ndarray:
    """Every n-th row, so that few enough are left."""
    return rows[:: max(1, len(rows) // most)]


def transformed(mesh: Mesh, matrix_33: np.ndarray, move_3: np.ndarray) -> Mesh:
    """Any linear map and a shift; a mirror turns the faces over, so that they still point outwards."""
    vertices = (mesh.vertices_V3.astype(float) @ matrix_33.T + move_3).astype(np.float32)
    faces = mesh.faces_F3 if np.linalg.det(matrix_33) > 0 else np.ascontiguousarray(mesh.faces_F3[:, ::-1])
    return with_normals(vertices, faces)
