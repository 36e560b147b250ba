"""A mesh as a signed distance field: how far a point lies from its nearest surface, and on which side."""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator.fields import Mesh


class SurfaceField:
    """Signed distance to a mesh that is turned outwards, negative inside; float32, mm.

    The nearest of its vertices and triangle centres stands for the surface there, as a plane when close. (An open mesh
    has an inside only near its surface.)
    """

    _CLOSE_MM = 6.0

    def __init__(self, mesh: Mesh) -> None:
        from scipy.spatial import cKDTree  # late: the window starts without it

        corners = mesh.vertices_V3[mesh.faces_F3].astype(np.float64)
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
        self._points = np.concatenate([mesh.vertices_V3.astype(np.float64), corners.mean(axis=1)])
        self._normals = np.concatenate([mesh.normals_V3.astype(np.float64), across])
        self._tree = cKDTree(self._points)

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        points = np.stack(np.broadcast_arrays(x, y, z), -1).astype(np.float64)
        far, nearest = self._tree.query(points.reshape(-1, 3))
        along = np.einsum("ij,ij->i", points.reshape(-1, 3) - self._points[nearest], self._normals[nearest])
        away = np.where(far < self._CLOSE_MM, along, np.copysign(far, along))
        return np.asarray(away.reshape(points.shape[:-1]), np.float32)

    def share_inside(self, mesh: Mesh) -> float:
        """Share of another mesh's vertices that lie inside."""
        return float((self(*mesh.vertices_V3[:: max(1, len(mesh.vertices_V3) // 1500)].T) < 0).mean())

    def gap(self, mesh: Mesh, *, nearest: float = 0.0) -> float:
        """The distance (mm) that a share ``nearest`` of another mesh's vertices falls below; negative inside."""
        return float(np.quantile(self(*mesh.vertices_V3[:: max(1, len(mesh.vertices_V3) // 1500)].T), nearest))
