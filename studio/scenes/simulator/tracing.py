"""Rays against meshes (Embree), and what a camera sees along them.

Every layer comes from the same primary ray, so label, depth and normal agree to the pixel.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studio.scenes.simulator.fields import Mesh, across


@dataclass(frozen=True, eq=False)
class Hits:
    """What N rays met. ``t_N`` in units of each ray's direction; ``face_N`` -1 where nothing was met.

    ``across_N3``: across the faces met, not of unit length.
    """

    t_N: np.ndarray
    face_N: np.ndarray
    u_N: np.ndarray
    v_N: np.ndarray
    across_N3: np.ndarray


class Target:
    """Meshes joined into one that rays can be sent against. Faces know which mesh they came from."""

    def __init__(self, meshes: Sequence[Mesh]) -> None:
        counts = [len(m.vertices_V3) for m in meshes]
        offsets = np.cumsum([0, *counts[:-1]])
        self.vertices_V3 = np.concatenate([m.vertices_V3 for m in meshes]).astype(np.float32)
        self.normals_V3 = np.concatenate([m.normals_V3 for m in meshes]).astype(np.float32)
        self.faces_F3 = np.concatenate([m.faces_F3 + np.int32(o) for m, o in zip(meshes, offsets, strict=True)]).astype(
            np.int32
        )
        self.part_F = np.repeat(np.arange(len(meshes), dtype=np.int32), [len(m.faces_F3) for m in meshes])
        self.corners_3F = np.ascontiguousarray(self.faces_F3.T, np.intp)
        """The faces corner by corner, for ``interpolated``."""
        self._kept_K: np.ndarray | None = None
        self._build(self.vertices_V3, self.faces_F3)

    def _build(self, vertices_V3: np.ndarray, faces_F3: np.ndarray) -> None:
        # Late: the window starts without the ray tracer.
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self._scene = EmbreeScene()
        self._geometry = TriangleMesh(self._scene, vertices_V3, faces_F3)

    def reshaped(
        self, vertices_V3: np.ndarray, normals_V3: np.ndarray | None = None, *, kept_F: np.ndarray | None = None
    ) -> Target:
        """The same faces between vertices that have moved; normals stay where none are given.

        ``kept_F`` (bool): rays can meet these faces only. The tree over them is built from their own vertices, so that
        it costs by their number. Faces keep their numbers in hits.
        """
        other = copy.copy(self)
        other.__dict__.pop("plane_normal_F3", None)
        other.vertices_V3 = np.ascontiguousarray(vertices_V3, np.float32)
        other.normals_V3 = self.normals_V3 if normals_V3 is None else normals_V3
        if kept_F is None:
            other._kept_K = None
            other._build(other.vertices_V3, self.faces_F3)
            return other
        other._kept_K = np.flatnonzero(kept_F).astype(np.int32)
        faces_K3 = self.faces_F3.take(other._kept_K, axis=0)
        used_V = np.zeros(len(other.vertices_V3), bool)
        used_V[faces_K3] = True
        number_V = np.cumsum(used_V, dtype=np.int32) - np.int32(1)
        other._build(other.vertices_V3.take(np.flatnonzero(used_V), axis=0), number_V.take(faces_K3))
        return other

    @cached_property
    def plane_normal_F3(self) -> np.ndarray:
        """Across each face, not of unit length."""
        return np.ascontiguousarray(across(self.vertices_V3, self.corners_3F).T)

    def trace(self, origin_3: np.ndarray, directions_N3: np.ndarray) -> Hits:
        """The first hit of each ray from one point. Directions need not be unit."""
        directions = np.asarray(directions_N3, np.float32)
        origins = np.broadcast_to(np.asarray(origin_3, np.float32), directions.shape)
        found = self._scene.run(origins, directions, output=True)
        face_N = found["primID"]
        if self._kept_K is not None:
            face_N = np.where(face_N >= 0, self._kept_K[face_N], np.int32(-1)) if len(self._kept_K) else face_N
        return Hits(found["tfar"], face_N, found["u"], found["v"], found["Ng"])

    def blocked(self, origins_N3: np.ndarray, directions_N3: np.ndarray, reach_N: np.ndarray) -> np.ndarray:
        """bool: something lies on the ray before ``reach`` (in units of the direction). Origins may be one point."""
        directions = np.asarray(directions_N3, np.float32)
        origins = np.broadcast_to(np.asarray(origins_N3, np.float32), directions.shape)
        reach = np.maximum(np.asarray(reach_N, np.float32), np.float32(0))
        found = self._scene.run(origins, directions, reach, query="OCCLUDED")
        return np.asarray(np.asarray(found) == 0)


def interpolated(
    values_C: Sequence[np.ndarray], corners_3F: np.ndarray, face_N: np.ndarray, u_N: np.ndarray, v_N: np.ndarray
) -> np.ndarray:
    """Values at hit points, float32 (C, N), from each of C values at vertices (V,). ``corners_3F``: see Target."""
    a_N, b_N, c_N = (corner_F.take(face_N) for corner_F in corners_3F)
    w_N = 1 - u_N - v_N
    found_CN = np.empty((len(values_C), len(face_N)), np.float32)
    for found_N, values_V in zip(found_CN, values_C, strict=True):
        np.multiply(values_V.take(a_N), w_N, out=found_N)
        found_N += values_V.take(b_N) * u_N
        found_N += values_V.take(c_N) * v_N
    return found_CN
