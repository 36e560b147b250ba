"""Signed distance fields on grids, and meshes from them.

Fields are float32, in mm, negative inside. Coordinates come as three arrays that broadcast to the grid.
Body axes: x to the patient's left, y towards the head, z to the front (up, as the patient lies).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.splines import cubic, monotone

Field = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Bounded:
    """A field with a cheap test which all that lies inside passes (bool), so that the rest need not be worked out."""

    field: Field
    may_hold: Field

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.field(x, y, z)


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
        self._unit = np.float32(np.sqrt(2 / count))

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
        """float32 values at points. On a grid (three axes that broadcast) plane waves separate, so it costs little."""
        if x.ndim == 3 and x.size + y.size + np.size(z) < np.broadcast(x, y, z).size:
            return self._on_grid(x, y, z)
        total = np.zeros(np.broadcast(x, y, z).shape, np.float32)
        for (kx, ky, kz), phase in zip(self._k_C3, self._phase_C, strict=True):
            total += np.sin(kx * x + ky * y + kz * z + phase)
        return np.asarray(total * self._unit)

    def _on_grid(self, x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
        """sin(a + b) = sin a cos b + cos a sin b, with a over x and y and b over z."""
        total = np.zeros(np.broadcast(x, y, z).shape, np.float32)
        for (kx, ky, kz), phase in zip(self._k_C3, self._phase_C, strict=True):
            plane, line = kx * x + ky * y + phase, kz * z
            total += np.sin(plane) * np.cos(line)
            total += np.cos(plane) * np.sin(line)
        return np.asarray(total * self._unit)


def ellipsoid(x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Approximate distance to an ellipsoid (exact on its surface; gradient near 1 around it)."""
    middle, size = np.asarray(centre, np.float32), np.asarray(radii, np.float32)
    ux, uy, uz = ((c - m) / r for c, m, r in zip((x, y, z), middle, size, strict=True))
    vx, vy, vz = ux / size[0], uy / size[1], uz / size[2]
    k0 = np.sqrt(ux * ux + uy * uy + uz * uz)
    k1 = np.sqrt(vx * vx + vy * vy + vz * vz)
    return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-6))


def tube(x: np.ndarray, y: np.ndarray, z: np.ndarray, line_M3: np.ndarray, radii_M: np.ndarray) -> np.ndarray:
    """Union of round cones along a line, which smooth_line has smoothed."""
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


def around(line_M3: np.ndarray, radii_M: np.ndarray) -> Field:
    """The test of Bounded for a tube: whether points lie in its box."""
    low, high = (line_M3 - radii_M[:, None]).min(axis=0), (line_M3 + radii_M[:, None]).max(axis=0)

    def may_hold(*point: np.ndarray) -> np.ndarray:
        inside = [(lo <= c) & (c <= hi) for c, lo, hi in zip(point, low, high, strict=True)]
        return np.asarray(inside[0] & inside[1] & inside[2])

    return may_hold


def smooth_line(points_N3: np.ndarray, radii_N: np.ndarray, *, parts: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """The same line with ``parts`` times as many points: joints of round cones then do not show."""
    if len(points_N3) < 3:
        return points_N3.astype(np.float32), radii_N.astype(np.float32)
    fine = np.linspace(0, len(points_N3) - 1, parts * (len(points_N3) - 1) + 1)
    line = cubic(np.asarray(points_N3, float), fine)
    radii = np.maximum(monotone(np.asarray(radii_N, float), fine), 0.3)
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
    corners_3F = faces_F3.T.astype(np.intp)
    across_3F = across(vertices_V3, corners_3F)
    normals = np.zeros((3, len(vertices_V3)))
    for total, weights in zip(normals, across_3F, strict=True):
        for corner in corners_3F:
            total += np.bincount(corner, weights, minlength=len(vertices_V3))
    lengths = np.sqrt(normals[0] ** 2 + normals[1] ** 2 + normals[2] ** 2)
    normals /= np.maximum(lengths, 1e-12)
    normals[:, lengths <= 1e-12] = np.array([[0.0], [0.0], [1.0]])
    normals_V3 = np.ascontiguousarray(normals.T, np.float32)
    return Mesh(vertices_V3.astype(np.float32), faces_F3.astype(np.int32), normals_V3)


def across(vertices_V3: np.ndarray, corners_3F: np.ndarray) -> np.ndarray:
    """Across each face, twice its area long: (3, F), of the vertices' type. ``corners_3F``: faces by corner, intp."""
    # Taking axis by axis costs a fraction of gathering rows and numpy's cross product.
    axes = [np.ascontiguousarray(axis) for axis in vertices_V3.T]
    a, b, c = ([axis.take(corner) for axis in axes] for corner in corners_3F)
    (ux, uy, uz), (vx, vy, vz) = ([q - p for p, q in zip(a, other, strict=True)] for other in (b, c))
    return np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx])


def grid_mesh(points_NM3: np.ndarray, *, closed_columns: bool = False) -> Mesh:
    """A sheet from a grid of points; with closed columns the last column joins the first."""
    rows, columns = points_NM3.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if closed_columns:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return with_normals(points_NM3.reshape(-1, 3).astype(np.float32), faces)
