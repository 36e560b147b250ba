"""Rays against triangles in plain float64 NumPy, and outlines of meshes: what the simulator's layers are held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Met:
    """What rays met first: planar depth (infinite: nothing), face (-1: nothing)."""

    depth_N: np.ndarray
    face_N: np.ndarray


def rays_through(K: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 (N, 3) camera directions with z = 1 through picture points."""
    return np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones(np.shape(x))], axis=-1)


def centres(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """x and y (H, W) of the pixels' centres."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    return columns + 0.5, rows + 0.5


def cast(rays_N3: np.ndarray, vertices_V3: np.ndarray, faces_F3: np.ndarray, *, chunk: int = 2_000_000) -> Met:
    """The nearest triangle before the origin along each ray, by the signs of three volumes (no division but for depth).

    A ray d passes inside a triangle a, b, c if d . (a x b), d . (b x c) and d . (c x a) have one sign. Two products of
    matrices, so that nothing is shared with Moeller and Trumbore's or Embree's way.
    """
    a, b, c = (vertices_V3.astype(float)[faces_F3[:, i]] for i in range(3))
    sides = [np.cross(p, q) for p, q in ((a, b), (b, c), (c, a))]
    normal = np.cross(b - a, c - a)
    offset = (normal * a).sum(axis=1)
    depth_N, face_N = np.full(len(rays_N3), np.inf), np.full(len(rays_N3), -1)
    step = max(1, chunk // len(faces_F3))
    for start in range(0, len(rays_N3), step):
        d = rays_N3[start : start + step]
        volumes = [d @ s.T for s in sides]
        inside = np.logical_and.reduce([v >= 0 for v in volumes]) | np.logical_and.reduce([v <= 0 for v in volumes])
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = offset / (d @ normal.T)
        depth = np.where(inside & (depth > 0), depth, np.inf)
        depth_N[start : start + step] = depth.min(axis=1)
        face_N[start : start + step] = np.where(np.isfinite(depth.min(axis=1)), depth.argmin(axis=1), -1)
    return Met(depth_N, face_N)


def projected(K: np.ndarray, points_N3: np.ndarray) -> np.ndarray:
    """float64 (N, 2) pixels of camera points."""
    return np.stack([K[i, i] * points_N3[:, i] / points_N3[:, 2] + K[i, 2] for i in (0, 1)], axis=1)


def distance_to_edges(points_N2: np.ndarray, starts_E2: np.ndarray, ends_E2: np.ndarray) -> np.ndarray:
    """px (N,): from picture points to the nearest of some line segments."""
    along = ends_E2 - starts_E2
    share = ((points_N2[:, None] - starts_E2) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-18)
    nearest = starts_E2 + np.clip(share, 0, 1)[..., None] * along
    return np.asarray(np.linalg.norm(points_N2[:, None] - nearest, axis=2).min(axis=1))
