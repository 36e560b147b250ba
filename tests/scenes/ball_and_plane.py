"""A ball before a plane, as rays meet them by closed formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIVER, WALL = 1, 3
"""Ids of the ball and of the plane."""


@dataclass(frozen=True)
class Seen:
    """z and distance along the ray in mm, unit normals in the rays' axes, ids."""

    depth_HW: np.ndarray
    distance_HW: np.ndarray
    normals_HW3: np.ndarray
    ids_HW: np.ndarray


def met_by(
    rays_HW3: np.ndarray, eye: np.ndarray, ball: np.ndarray, radius: float, plane_n: np.ndarray, plane_d: float
) -> Seen:
    """What rays from ``eye`` meet; they are at z = 1 of the camera. The plane: ``plane_n`` @ x = ``plane_d``, mm."""
    plane_z = (plane_d - plane_n @ eye) / (rays_HW3 @ plane_n)
    a, b = (rays_HW3**2).sum(axis=-1), rays_HW3 @ (ball - eye)
    under = b * b - a * ((ball - eye) @ (ball - eye) - radius**2)
    near = (b - np.sqrt(np.maximum(under, 0))) / a
    hit = under > 0
    outwards = (eye + rays_HW3 * near[..., None] - ball) / radius
    depth = np.where(hit, near, plane_z)
    normals = np.where(hit[..., None], outwards, plane_n)
    return Seen(depth, depth * np.sqrt(a), normals, np.where(hit, LIVER, WALL).astype(np.uint8))
