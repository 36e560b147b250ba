"""Signed distance fields on grids, and meshes from them.

Fields are float32, in mm, negative inside. Coordinates come as three arrays that broadcast to the grid.
Body axes: x to the patient's left, y towards the head, z to the front (up, as the patient lies).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Field = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Mesh:
    """float32 vertices (V, 3) in mm, int32 faces (F, 3) turned outwards, float32 unit normals (V, 3)."""

    vertices_V3: np.ndarray
    faces_F3: np.ndarray
    normals_V3: np.ndarray

    def moved(self, matrix_44: np.ndarray) -> Mesh:
        """The mesh after a rigid motion."""
        turn = matrix_44[:3, :3].astype(np.float32)
        vertices = self.vertices_V3 @ turn.T + matrix_44[:3, 3].astype(np.float32)
        return Mesh(vertices, self.faces_F3, self.normals_V3 @ turn.T)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """All meshes as one."""
    offsets = np.cumsum([0, *(len(m.vertices_V3) for m in meshes[:-1])])
    return Mesh(
        np.concatenate([m.vertices_V3 for m in meshes]),
        np.concatenate([m.faces_F3 + np.int32(o) for m, o in zip(meshes, offsets, strict=True)]).astype(np.int32),
        np.concatenate([m.normals_V3 for m in meshes]),
    )


class Waves:
    """Smooth solid noise: a few plane waves of random direction around one wavelength, standard deviation about 1."""

    def __init__(self, rng: np.random.Generator, period_mm: float, count: int = 10) -> None:
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = 2 * np.pi / (period_mm * rng.uniform(0.7, 1.5, size=(count, 1)))
        self._k_C3 = (directions * lengths).astype(np.float32)
        self._phase_C = rng.uniform(0, 2 * np.pi, size=count).astype(np.float32)

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
        """float32 values at points; plane waves separate by axis, so a grid costs little."""
        total: np.ndarray | None = None
        if x.ndim == 1:
            k_C3 = self._k_C3
            phases = (k[0] * x + k[1] * y + k[2] * z + p for k, p in zip(k_C3, self._phase_C, strict=True))
            return np.asarray(sum(np.sin(p) for p in phases) * np.float32(np.sqrt(2 / len(k_C3))))
        for (kx, ky, kz), phase in zip(self._k_C3, self._phase_C, strict=True):
            wave = np.exp(1j * (kx * x + phase)).astype(np.complex64) * np.exp(1j * ky * y).astype(np.complex64)
            part = (wave * np.exp(1j * kz * np.asarray(z)).astype(np.complex64)).imag
            total = part if total is None else total + part
        assert total is not None
        return np.asarray(total * np.float32(np.sqrt(2 / len(self._k_C3))))


def ellipsoid(x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Approximate distance to an ellipsoid (exact on its surface; gradient near 1 around it)."""
    ux, uy, uz = ((c - m) / r for c, m, r in zip((x, y, z), centre, radii, strict=True))
    k0 = np.sqrt(ux * ux + uy * uy + uz * uz)
    k1 = np.sqrt((ux / radii[0]) ** 2 + (uy / radii[1]) ** 2 + (uz / radii[2]) ** 2)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-6))


def tube(x: np.ndarray, y: np.ndarray, z: np.ndarray, points_N3: np.ndarray, radii_N: np.ndarray) -> np.ndarray:
    """Union of round cones along a smooth line through points."""
    line_M3, radii_M = smooth_line(points_N3, radii_N)
    total: np.ndarray | None = None
    for a, b, ra, rb in zip(line_M3[:-1], line_M3[1:], radii_M[:-1], radii_M[1:], strict=True):
        axis = b - a
        share = ((x - a[0]) * axis[0] + (y - a[1]) * axis[1] + (z - a[2]) * axis[2]) / np.float32(axis @ axis)
        share = np.clip(share, 0.0, 1.0)
        dx, dy, dz = x - (a[0] + share * axis[0]), y - (a[1] + share * axis[1]), z - (a[2] + share * axis[2])
        part = np.sqrt(dx * dx + dy * dy + dz * dz) - (ra + (rb - ra) * share)
        total = part if total is None else np.minimum(total, part)
    assert total is not None
    return total


def smooth_line(points_N3: np.ndarray, radii_N: np.ndarray, *, parts: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """The same line with ``parts`` times as many points: joints of round cones then do not show."""
    if len(points_N3) < 3:
        return points_N3.astype(np.float32), radii_N.astype(np.float32)
    from scipy.interpolate import CubicSpline, PchipInterpolator  # late: the window starts without it

    at = np.arange(len(points_N3))
    fine = np.linspace(0, len(points_N3) - 1, parts * (len(points_N3) - 1) + 1)
    line = CubicSpline(at, points_N3)(fine)
    radii = np.maximum(PchipInterpolator(at, radii_N)(fine), 0.3)
    return line.astype(np.float32), radii.astype(np.float32)


def smooth_union(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Polynomial smooth minimum."""
    h = np.maximum(blend - np.abs(a - b), 0.0) / blend
    return np.asarray(np.minimum(a, b) - h * h * (blend * 0.25))


def smooth_intersection(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Polynomial smooth maximum."""
    return -smooth_union(-a, -b, blend)


def mesh_of(field: Field, low: Sequence[float], high: Sequence[float], step: float) -> Mesh:
    """Mesh the zero surface of a field inside a box, closed at the box's faces.

    Vertices are brought onto the surface and take their normals from the field, so that no facets show.
    Raise ValueError when nothing of it lies inside.
    """
    from skimage.measure import marching_cubes  # late: the window starts without it

    axes = [np.arange(lo, hi + step, step, dtype=np.float32) for lo, hi in zip(low, high, strict=True)]
    values = field(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])
    shape = tuple(len(a) for a in axes)
    values = np.ascontiguousarray(np.broadcast_to(values, shape), np.float32).copy()
    for axis in range(3):
        for end in (0, -1):
            edge = np.moveaxis(values, axis, 0)
            edge[end] = np.maximum(edge[end], step * 0.25)
    if values.min() >= 0:
        raise ValueError("the field has no surface inside the box")
    vertices, faces, _, _ = marching_cubes(values, 0.0, spacing=(step, step, step), gradient_direction="descent")
    vertices = vertices.astype(np.float32) + np.array([a[0] for a in axes], np.float32)
    return _on_surface(field, with_normals(vertices, faces.astype(np.int32)), 0.4 * step)


def _on_surface(field: Field, mesh: Mesh, reach: float) -> Mesh:
    """One Newton step of at most ``reach`` mm for each vertex; those on the box's faces stay as they are."""
    vertices = mesh.vertices_V3
    slope = differences(field, vertices)
    steepness2 = np.maximum(np.einsum("ij,ij->i", slope, slope), 1e-6)
    away = np.asarray(field(*vertices.T)) / np.sqrt(steepness2)
    near = (np.abs(away) < reach)[:, None]
    moved = vertices - slope * (away / np.sqrt(steepness2))[:, None]
    normals = slope / np.sqrt(steepness2)[:, None]
    return Mesh(
        np.where(near, moved, vertices).astype(np.float32), mesh.faces_F3,
        np.where(near, normals, mesh.normals_V3).astype(np.float32),
    )  # fmt: skip


def differences(field: Field, points_N3: np.ndarray) -> np.ndarray:
    """A field's gradient (N, 3) at points, by central differences over 1 mm."""
    half = np.float32(0.5)
    columns = []
    for axis in range(3):
        ahead, behind = [c.copy() for c in points_N3.T], [c.copy() for c in points_N3.T]
        ahead[axis] += half
        behind[axis] -= half
        columns.append(np.asarray(field(*ahead)) - np.asarray(field(*behind)))
    return np.stack(columns, axis=1)


def with_normals(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> Mesh:
    """A mesh with area-weighted vertex normals after its faces' winding."""
    corners = vertices_V3[faces_F3]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices_V3, np.float64)
    flat = faces_F3.ravel()
    for axis in range(3):
        normals[:, axis] = np.bincount(flat, np.repeat(face_normals[:, axis], 3), minlength=len(vertices_V3))
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 1e-12, normals / np.maximum(lengths, 1e-12), (0.0, 0.0, 1.0))
    return Mesh(vertices_V3.astype(np.float32), faces_F3.astype(np.int32), normals.astype(np.float32))


def grid_mesh(points_NM3: np.ndarray, *, closed_columns: bool = False) -> Mesh:
    """A sheet from a grid of points; with closed columns the last column joins the first."""
    rows, columns = points_NM3.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if closed_columns:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return with_normals(points_NM3.reshape(-1, 3).astype(np.float32), faces)
