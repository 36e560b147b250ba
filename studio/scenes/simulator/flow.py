"""Optical flow from geometry: where each pixel's surface point is in another moment's picture.

Nothing is estimated. A pixel's ray gives its surface point and its place in a triangle; the triangle's corners in the
other moment give the point's motion, whether the camera, a tool, its jaws or the body moved; the other camera projects
it; and a ray of that camera to the point says whether it is seen there.
"""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator.buffers import Scene, Surface, turned
from studio.scenes.simulator.frames import Geometry
from studio.scenes.simulator.tracing import Target

_HIDDEN_MM, _HIDDEN_SHARE = 0.02, 2e-4
"""How much nearer something must be to hide a point: float32 rays are exact to about a tenth of this."""


def flow_between(geometry: Geometry, other: Scene) -> np.ndarray:
    """float32 (H, W, 2) in px, x right and y down: a pixel's centre plus its flow is the same point in ``other``.

    NaN where there is no surface, and where the point is out of view or hidden in the other picture.
    """
    width, height = geometry.scene.view.size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    flow_N2 = flow_at(geometry.scene, other, geometry.surface, x.ravel(), y.ravel())
    return flow_N2.astype(np.float32).reshape(height, width, 2)


def flow_at(scene: Scene, other: Scene, surface: Surface, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """flow_between at any picture points: float64 (N, 2). ``surface`` is what ``scene`` shows there."""
    found = np.flatnonzero(surface.part_N >= 0)
    points = _in_camera(other, _moved(scene, other, surface, x_N, y_N)[found])
    depth = np.maximum(points[:, 2], 1e-6)
    K, (width, height) = other.view.K, other.view.size
    there = np.stack([K[0, 0] * points[:, 0] / depth + K[0, 2], K[1, 1] * points[:, 1] / depth + K[1, 2]], axis=1)
    seen = (points[:, 2] > 1e-3) & (there >= 0).all(axis=1) & (there[:, 0] < width) & (there[:, 1] < height)
    rows = np.flatnonzero(seen)
    rays = turned((points[rows] / depth[rows, None]).astype(np.float32), other.turn_33)
    seen[rows] = other.nearest(rays) >= depth[rows] * (1 - _HIDDEN_SHARE) - _HIDDEN_MM
    flow_N2 = np.full((len(surface.part_N), 2), np.nan)
    flow_N2[found[seen]] = (there - np.stack([x_N, y_N], axis=1)[found])[seen]
    return flow_N2


def _moved(scene: Scene, other: Scene, surface: Surface, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """float64 (N, 3), body axes: the surface points as they are in the other moment."""
    K = scene.view.K
    rays = np.stack([(x_N - K[0, 2]) / K[0, 0], (y_N - K[1, 2]) / K[1, 1], np.ones_like(x_N)], axis=1)
    pose = scene.view.camera_to_world
    points = pose[:3, 3] + (rays * surface.depth_N[:, None].astype(float)) @ pose[:3, :3].T
    of_tool = surface.part_N >= len(scene.body.class_P)
    if other.body is not scene.body:
        rows = np.flatnonzero((surface.part_N >= 0) & ~of_tool)
        points[rows] += _displacement(scene.body.target, other.body.target, surface, rows)
    rows = np.flatnonzero(of_tool)
    if len(rows):
        assert scene.tools is not None and other.tools is not None
        points[rows] += _displacement(scene.tools, other.tools, surface, rows)
    return np.asarray(points)


def _displacement(now: Target, other: Target, surface: Surface, rows: np.ndarray) -> np.ndarray:
    """Motion of the hit points of some rows, from that of their faces' corners."""
    corners = now.faces_F3[surface.face_N[rows]]
    moved = other.vertices_V3[corners].astype(float) - now.vertices_V3[corners]
    u, v = surface.u_N[rows].astype(float), surface.v_N[rows].astype(float)
    weight = np.stack([1 - u - v, u, v], axis=1)
    return np.asarray((moved * weight[..., None]).sum(axis=1))


def _in_camera(scene: Scene, points_N3: np.ndarray) -> np.ndarray:
    pose = scene.view.camera_to_world
    return np.asarray((points_N3 - pose[:3, 3]) @ pose[:3, :3])
