"""Optical flow from geometry: where each pixel's surface point is in another moment's picture.

Nothing is estimated. A pixel's ray gives its surface point; the point's motion follows from the camera's and the tool's
poses, from its place in a jaw's triangle, or from the body's own motion; the other camera projects it; and what that
camera's rays meet says whether it is seen there.

Most points need no ray of their own for that: where the other picture is whole round the place (one part, no jump or
crease of depth for two pixels about), and its depth there is the point's, the point is what that picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.scenes.simulator.buffers import Scene, Surface, turned
from studio.scenes.simulator.frames import Geometry
from studio.scenes.simulator.tracing import Target

_HIDDEN_MM, _HIDDEN_SHARE = 0.02, 2e-4
"""How much nearer something must be to hide a point: float32 rays are exact to about a tenth of this."""
_CREASE_MM, _BENT_SHARE, _BEHIND_MM = 0.12, 1 / 3, 0.08
"""Second differences of depth above the first are looked into by rays, and points further before what is shown; between
pixels the surface may be nearer than what is shown by a share of them (a quarter where it is smooth)."""


@dataclass(frozen=True, eq=False)
class Sight:
    """A moment as its neighbours' flow needs it.

    ``least_HW``: float32 planar depth that nothing is nearer than, between pixels too; NaN near any edge or crease.
    """

    scene: Scene
    least_HW: np.ndarray


def sight_of(geometry: Geometry) -> Sight:
    """What of a picture can be told without further rays."""
    depth_HW = geometry.depth_HW
    part_HW = geometry.surface.part_N.reshape(depth_HW.shape).astype(np.float32)
    bent_HW = np.abs(cv2.filter2D(depth_HW, -1, np.array([[1, -2, 1]], np.float32)))
    bent_HW = np.maximum(bent_HW, np.abs(cv2.filter2D(depth_HW, -1, np.array([[1], [-2], [1]], np.float32))))
    around = np.ones((3, 3), np.uint8)
    one_part_HW = cv2.dilate(part_HW, around) == cv2.erode(part_HW, around)
    bent_HW = cv2.dilate(bent_HW, around)
    whole_HW = one_part_HW & (part_HW >= 0) & (bent_HW < _CREASE_MM)
    least_HW = np.where(whole_HW, depth_HW - np.float32(_BENT_SHARE) * bent_HW, np.float32(np.nan))
    # Of what lies beyond the border nothing is known.
    least_HW[[0, -1], :] = np.nan
    least_HW[:, [0, -1]] = np.nan
    return Sight(geometry.scene, np.asarray(least_HW, np.float32))


def flow_between(geometry: Geometry, other: Scene | Sight) -> np.ndarray:
    """float32 (H, W, 2) in px, x right and y down: a pixel's centre plus its flow is the same point in ``other``.

    NaN where there is no surface, and where the point is out of view or hidden in the other picture. A Sight gives the
    same as its Scene, sooner.
    """
    width, height = geometry.scene.view.size
    x_1W, y_H1 = np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5
    flow_HW2 = np.empty((height, width, 2), np.float32)
    if isinstance(other, Sight):
        return _flow(geometry.scene, other.scene, geometry.surface, x_1W, y_H1, out=flow_HW2, sight=other)
    return _flow(geometry.scene, other, geometry.surface, x_1W, y_H1, out=flow_HW2)


def flow_at(scene: Scene, other: Scene, surface: Surface, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """flow_between at any picture points: float64 (N, 2). ``surface`` is what ``scene`` shows there."""
    return _flow(scene, other, surface, x_N, y_N, out=np.empty((len(x_N), 2)))


def _flow(
    scene: Scene, other: Scene, surface: Surface, x: np.ndarray, y: np.ndarray, *, out: np.ndarray,
    sight: Sight | None = None,
) -> np.ndarray:  # fmt: skip
    """Fill ``out`` (..., 2), whose leading shape is that to which x and y broadcast, row by row of ``surface``."""
    points = _in_other_camera(scene, other, surface, x, y, shape=out.shape[:-1])
    K, (width, height) = other.view.K, other.view.size
    depth = np.maximum(points[2], 1e-6)
    there_x = points[0] / depth * K[0, 0] + K[0, 2]
    there_y = points[1] / depth * K[1, 1] + K[1, 2]
    seen = (surface.part_N >= 0).reshape(depth.shape) & (points[2] > 1e-3)
    seen &= (there_x >= 0) & (there_y >= 0) & (there_x < width) & (there_y < height)
    doubt = seen if sight is None else seen & ~_plainly_seen(sight, there_x, there_y, depth)
    rows = np.flatnonzero(doubt)
    if len(rows):
        deep_N = depth.ravel().take(rows)
        rays = np.stack([p.ravel().take(rows) / deep_N for p in points], axis=1).astype(np.float32)
        hidden_N = other.hides(turned(rays, other.turn_33), deep_N * (1 - _HIDDEN_SHARE) - _HIDDEN_MM)
        seen.ravel()[rows] = ~hidden_N
    out[..., 0] = np.where(seen, there_x - x, np.nan)
    out[..., 1] = np.where(seen, there_y - y, np.nan)
    return out


def _plainly_seen(sight: Sight, x: np.ndarray, y: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """bool: points at picture points of the other moment that are what its picture shows, as far as it is whole."""
    least = cv2.remap(
        sight.least_HW, x.astype(np.float32) - np.float32(0.5), y.astype(np.float32) - np.float32(0.5),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan"),
    )  # fmt: skip
    # A little less than what would hide a point, by which rays err.
    nearer = depth * (0.9 * _HIDDEN_SHARE) + 0.9 * _HIDDEN_MM
    return np.asarray((depth - least < nearer) & (least - depth < _BEHIND_MM))


def _in_other_camera(
    scene: Scene, other: Scene, surface: Surface, x: np.ndarray, y: np.ndarray, *, shape: tuple[int, ...]
) -> list[np.ndarray]:
    """x, y and z (float64) of the surface points as they are in the other moment, in its camera's axes."""
    K, pose, other_pose = scene.view.K, scene.view.camera_to_world, other.view.camera_to_world
    turn = other_pose[:3, :3].T @ pose[:3, :3]
    shift = other_pose[:3, :3].T @ (pose[:3, 3] - other_pose[:3, 3])
    depth = surface.depth_N.reshape(shape).astype(float)
    ray_x, ray_y = (x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1]
    points = [depth * (turn[i, 0] * ray_x + (turn[i, 1] * ray_y + turn[i, 2])) + shift[i] for i in range(3)]
    share = other.body.share - scene.body.share
    if share and surface.motion_N3 is not None:
        x_N, y_N, z_N = surface.motion_N3.T
        for point, (a, b, c) in zip(points, other_pose[:3, :3].T.astype(np.float32) * np.float32(share), strict=True):
            point += (a * x_N + b * y_N + c * z_N).reshape(shape)
    rows = np.flatnonzero(surface.part_N >= len(scene.body.class_P))
    if len(rows):
        assert scene.tools is not None and other.tools is not None
        moved = _displacement(scene.tools, other.tools, surface, rows) @ other_pose[:3, :3]
        for i in range(3):
            points[i].ravel()[rows] += moved[:, i]
    return points


def _displacement(now: Target, other: Target, surface: Surface, rows: np.ndarray) -> np.ndarray:
    """Motion of the hit points of some rows, from that of their faces' corners: float64, body axes."""
    face_N = surface.face_N[rows]
    moved_V3 = other.vertices_V3.astype(float) - now.vertices_V3
    u, v = surface.u_N[rows, None].astype(float), surface.v_N[rows, None].astype(float)
    a, b, c = (moved_V3.take(corner_F.take(face_N), axis=0) for corner_F in now.corners_3F)
    return np.asarray(a * (1 - u - v) + b * u + c * v)
