"""Rays against meshes (Embree), and what a camera sees along them.

Every layer comes from the same primary ray, so label, depth and normal agree to the pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.fields import Mesh


@dataclass(frozen=True, eq=False)
class Hits:
    """What N rays met. ``t_N`` in units of each ray's direction; ``face_N`` -1 where nothing was met."""

    t_N: np.ndarray
    face_N: np.ndarray
    u_N: np.ndarray
    v_N: np.ndarray


class Target:
    """Meshes joined into one that rays can be sent against. Faces know which mesh they came from."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        # Late: the window starts without the ray tracer.
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        counts = [len(m.vertices_V3) for m in meshes]
        offsets = np.cumsum([0, *counts[:-1]])
        self.vertices_V3 = np.concatenate([m.vertices_V3 for m in meshes]).astype(np.float32)
        self.normals_V3 = np.concatenate([m.normals_V3 for m in meshes]).astype(np.float32)
        self.faces_F3 = np.concatenate([m.faces_F3 + np.int32(o) for m, o in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        )
        self.part_F = np.repeat(np.arange(len(meshes), dtype=np.int32), [len(m.faces_F3) for m in meshes])
        corners = self.vertices_V3[self.faces_F3]
        self.plane_normal_F3 = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self._scene = EmbreeScene()
        self._geometry = TriangleMesh(self._scene, self.vertices_V3, self.faces_F3)

    def reshaped(self, vertices_V3: np.ndarray, normals_V3: np.ndarray) -> Target:
        """The same faces between vertices that have moved."""
        other = Target([Mesh(vertices_V3, self.faces_F3, normals_V3)])
        other.part_F = self.part_F
        return other

    def trace(self, origin_3: np.ndarray, directions_N3: np.ndarray) -> Hits:
        """The first hit of each ray from one point. Directions need not be unit."""
        directions = np.ascontiguousarray(directions_N3, np.float32)
        origins = np.empty_like(directions)
        origins[:] = origin_3
        found = self._scene.run(origins, directions, output=True)
        return Hits(found["tfar"], found["primID"], found["u"], found["v"])

    def blocked(self, origins_N3: np.ndarray, directions_N3: np.ndarray, reach_N: np.ndarray) -> np.ndarray:
        """bool: something lies on the ray before ``reach`` (in units of the direction)."""
        found = self._scene.run(
            np.ascontiguousarray(origins_N3, np.float32),
            np.ascontiguousarray(directions_N3, np.float32),
            np.ascontiguousarray(reach_N, np.float32),
            query="OCCLUDED",
        )
        return np.asarray(np.asarray(found) == 0)

    def corner_values(self, values_VC: np.ndarray) -> np.ndarray:
        """Vertex values laid out by face, float32 (F, 3, C): one lookup per hit instead of three."""
        return np.ascontiguousarray(values_VC[self.faces_F3], np.float32)


def interpolated(corners_F3C: np.ndarray, face_N: np.ndarray, u_N: np.ndarray, v_N: np.ndarray) -> np.ndarray:
    """Values at hit points from those at the faces' corners, float32 (N, C)."""
    weight_N13 = np.empty((len(face_N), 1, 3), np.float32)
    weight_N13[:, 0, 0] = 1 - u_N - v_N
    weight_N13[:, 0, 1] = u_N
    weight_N13[:, 0, 2] = v_N
    return np.asarray(np.matmul(weight_N13, corners_F3C[face_N])[:, 0])
