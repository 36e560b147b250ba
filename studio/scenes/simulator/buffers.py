"""What each ray of a view meets: class, planar depth, normal and what shading needs. One body, traced many times."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import cv2
import numpy as np

from studio.scenes.simulator.anatomy import TOOL_SHAFT, TOOL_TIP, Anatomy
from studio.scenes.simulator.fields import Waves
from studio.scenes.simulator.tracing import Target, interpolated
from studio.scenes.simulator.views import View, pixel_rays
from studio.vocabulary.seeds import stream

_OCCLUSION_RAYS = 14
_OCCLUSION_REACH_MM = 30.0


class Body:
    """An anatomy ready for rays, with each vertex's ambient occlusion (1 open, 0 closed in) where it is asked for."""

    def __init__(self, anatomy: Anatomy, *, occlusion: bool = False) -> None:
        self.anatomy = anatomy
        self.target = Target([p.mesh for p in anatomy.parts])
        self.class_P = np.array([p.class_id for p in anatomy.parts], np.uint8)
        self.openness_V = self._openness() if occlusion else None
        self.uv_F32 = _coordinates(anatomy)
        """By face and corner; None where no part has a texture."""
        self.attributes_C: tuple[np.ndarray, ...] = (*np.ascontiguousarray(self.target.normals_V3.T), *self._noise())
        """By vertex: the normal's axes, the noise, and if the body is able to move the axes of that."""
        self.motion_V3: np.ndarray | None = None
        self._gradient_3V = np.zeros((3, 1), np.float32)
        self.share = 0.0

    def moving(self, motion_V3: np.ndarray, gradient_V3: np.ndarray) -> Body:
        """The same body, able to move: see ``at``.

        ``motion_V3``: mm by which vertices move in full; ``gradient_V3``: diagonal of that motion's Jacobian there.
        """
        other = copy.copy(self)
        other.motion_V3 = np.asarray(motion_V3, np.float32)
        other.attributes_C = (*self.attributes_C, *np.ascontiguousarray(motion_V3.T, np.float32))
        other._gradient_3V = np.ascontiguousarray(gradient_V3.T, np.float32)
        return other

    def at(self, share: float, view: View) -> Body:
        """A moving body at a share of its motion, for rays within a view: only faces that reach into it are kept.

        What belongs to the tissue (noise, openness) goes with it. Raise ValueError for a body that cannot move.
        """
        if self.motion_V3 is None:
            raise ValueError("the body has no motion")
        other = copy.copy(self)
        vertices_V3 = self.target.vertices_V3 + np.float32(share) * self.motion_V3
        reaching_F = faces_in_view(vertices_V3, self.target.corners_3F, view)
        other.target = self.target.reshaped(vertices_V3, kept_F=reaching_F)
        # Normals go by the inverse transpose of the deformation's Jacobian, which is diagonal.
        stretch_3V = 1 + np.float32(share) * self._gradient_3V
        normal_3V = (n / s for n, s in zip(self.attributes_C[:3], stretch_3V, strict=True))
        other.attributes_C = (*normal_3V, *self.attributes_C[3:])
        other.share = share
        return other

    def _noise(self) -> np.ndarray:
        """float32 (3, V): smooth solid noise of about unit deviation, fixed to the body (see Surface.noise_N3)."""
        rng = stream(len(self.target.vertices_V3), "noise", self.anatomy.name)
        x, y, z = self.target.vertices_V3.T
        tone = Waves(rng, 42.0)(x, y, z) * 0.6 + Waves(rng, 15.0)(x, y, z) * 0.45 + Waves(rng, 7.0)(x, y, z) * 0.35
        return np.stack([tone, Waves(rng, 38.0)(x, y, z), Waves(rng, 16.0)(x, y, z)]).astype(np.float32)

    def _openness(self) -> np.ndarray:
        """Share of the half-space over each vertex that is free within reach, by fixed cosine-weighted rays."""
        vertices, normals = self.target.vertices_V3, self.target.normals_V3
        index = np.arange(_OCCLUSION_RAYS)
        height = np.sqrt((index + 0.5) / _OCCLUSION_RAYS)
        turn = index * np.pi * (3 - np.sqrt(5))
        flat = np.sqrt(1 - height**2)
        side = np.cross(normals, np.where(np.abs(normals[:, :1]) < 0.8, (1.0, 0, 0), (0, 1.0, 0))).astype(np.float32)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
        other = np.cross(normals, side)
        free = np.zeros(len(vertices), np.float32)
        reach = np.full(len(vertices), _OCCLUSION_REACH_MM, np.float32)
        start = vertices + normals * np.float32(0.8)
        for h, f, a in zip(height, flat, turn, strict=True):
            rays = normals * h + side * (f * np.cos(a)) + other * (f * np.sin(a))
            free += ~self.target.blocked(start, rays.astype(np.float32), reach)
        return free / _OCCLUSION_RAYS


@dataclass(frozen=True, eq=False)
class Surface:
    """N rays' hits. Rays that met nothing have class 0, depth 0, normals and positions 0.

    ``part_N``: index into the anatomy's parts, then tip and shaft of each tool. ``depth_N`` planar mm. ``position_N3``
    in body axes, ``normal_N3`` unit in body axes and towards the camera. ``ray_N3`` in body axes with camera z = 1.
    ``openness_N`` 0..1 ambient light. ``noise_N3``: noise of mixed, of broad (38 mm) and of fine (16 mm) wavelength.
    ``face_N`` and the place in it (``u_N``, ``v_N``): a face of the body's target, or of the tools' where the part is a
    tool's.
    """

    class_N: np.ndarray
    part_N: np.ndarray
    depth_N: np.ndarray
    position_N3: np.ndarray
    normal_N3: np.ndarray
    openness_N: np.ndarray
    noise_N3: np.ndarray
    ray_N3: np.ndarray
    face_N: np.ndarray
    u_N: np.ndarray
    v_N: np.ndarray
    motion_N3: np.ndarray | None = None
    """Of a moving body: mm by which the point moves in full. 0 on tools."""
    uv_N2: np.ndarray | None = None
    """Texture coordinates, of a body that has any; 0 on what has none."""


class Scene:
    """A body with a view's instruments in place."""

    def __init__(self, body: Body, view: View) -> None:
        self.body, self.view = body, view
        self.turn_33 = view.camera_to_world[:3, :3].astype(np.float32)
        self.origin_3 = view.position.astype(np.float32)
        meshes = [m.moved(t.tool_to_world) for t in view.tools for m in (t.instrument.tip, t.instrument.shaft)]
        self.tools = Target(meshes) if meshes else None
        if self.tools is not None:
            self._tool_normals_3 = tuple(np.ascontiguousarray(self.tools.normals_V3.T))
        self.class_P = np.concatenate(
            [body.class_P, np.tile(np.array([TOOL_TIP, TOOL_SHAFT], np.uint8), len(view.tools))]
        )
        self._class_or_void_P = np.append(self.class_P, np.uint8(0))  # where part -1 finds void

    def surface_at(self, x: np.ndarray, y: np.ndarray) -> Surface:
        """Trace rays through picture points (pixel centres lie at +0.5)."""
        rays = by_axis(turned(pixel_rays(self.view.K, x, y), self.turn_33))
        target = self.body.target
        hits = target.trace(self.origin_3, rays)
        met = hits.face_N >= 0
        face = np.maximum(hits.face_N, 0).astype(np.intp)
        u, v = np.where(met, hits.u_N, np.float32(0)), np.where(met, hits.v_N, np.float32(0))
        values_CN = interpolated(self.body.attributes_C, target.corners_3F, face, u, v)
        depth = np.where(met, hits.t_N, np.float32(0))
        part = np.where(met, target.part_F.take(face), -1)
        back = dot(hits.across_N3, rays) > 0
        if self.tools is not None:
            self._put_tools(rays, depth, part, values_CN, back, (face, u, v))
        found = part >= 0
        motion = None if self.body.motion_V3 is None else values_CN[6:].T
        normal_3N = _towards(values_CN[:3], back, rays)
        position_3N = self.origin_3[:, None] + rays.T * depth
        if not found.all():
            normal_3N[:, ~found] = 0
            position_3N[:, ~found] = 0
        classes = self._class_or_void_P.take(part)
        return Surface(
            classes, part, depth, position_3N.T, normal_3N.T, self._openness_at(part, face, u, v), values_CN[3:6].T,
            rays, face, u, v, motion, self._coordinates_at(part, face, u, v),
        )  # fmt: skip

    def _openness_at(self, part: np.ndarray, face: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        openness_N = np.ones(len(part), np.float32)
        if self.body.openness_V is not None:
            rows = np.flatnonzero(part < len(self.body.class_P))
            corners_3F = self.body.target.corners_3F
            openness_N[rows] = interpolated((self.body.openness_V,), corners_3F, face[rows], u[rows], v[rows])[0]
        return openness_N

    def _coordinates_at(self, part: np.ndarray, face: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray | None:
        if self.body.uv_F32 is None:
            return None
        uv_N2 = np.zeros((len(part), 2), np.float32)
        rows = np.flatnonzero((part >= 0) & (part < len(self.body.class_P)))
        weight_R3 = np.stack([1 - u[rows] - v[rows], u[rows], v[rows]], axis=1)
        uv_N2[rows] = np.einsum("rk,rkc->rc", weight_R3, self.body.uv_F32[face[rows]])
        return uv_N2

    def _put_tools(
        self, rays: np.ndarray, depth: np.ndarray, part: np.ndarray, values_CN: np.ndarray, back: np.ndarray,
        place: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:  # fmt: skip
        """Let tools hide what lies behind them, in place."""
        assert self.tools is not None
        near = self._near_tools(rays)
        hits = self.tools.trace(self.origin_3, rays[near])
        front = np.flatnonzero((hits.face_N >= 0) & ((hits.t_N < depth[near]) | (part[near] < 0)))
        rows, face, u, v = near[front], hits.face_N[front], hits.u_N[front], hits.v_N[front]
        depth[rows] = hits.t_N[front]
        part[rows] = self.tools.part_F[face] + len(self.body.class_P)
        values_CN[:3, rows] = interpolated(self._tool_normals_3, self.tools.corners_3F, face, u, v)
        values_CN[3:, rows] = 0.0
        back[rows] = dot(hits.across_N3[front], rays[rows]) > 0
        for kept, found in zip(place, (face, u, v), strict=True):
            kept[rows] = found

    def hides(self, rays_N3: np.ndarray, reach_N: np.ndarray) -> np.ndarray:
        """bool: rays from the lens that meet something before ``reach`` (in units of each ray)."""
        hidden = self.body.target.blocked(self.origin_3, rays_N3, reach_N)
        if self.tools is not None:
            near = self._near_tools(rays_N3)
            hidden[near] |= self.tools.blocked(self.origin_3, rays_N3[near], reach_N[near])
        return hidden

    def _near_tools(self, rays: np.ndarray) -> np.ndarray:
        """Rows of the rays that pass a tool's axis (as an endless line) within the tool's width."""
        near = np.zeros(len(rays), bool)
        length2 = dot(rays, rays)
        for tool in self.view.tools:
            axis = tool.tool_to_world[:3, 2]
            # Lines o + d t and tip + axis s lie |d . (axis x (tip - o))| / |d x axis| apart.
            across = np.cross(axis, tool.tool_to_world[:3, 3] - self.view.position).astype(np.float32)
            sine2 = np.maximum(length2 - dot(rays, axis.astype(np.float32)) ** 2, 0)
            near |= dot(rays, across) ** 2 <= np.float32((tool.instrument.reach + 0.1) ** 2) * sine2
        return np.flatnonzero(near)


def _coordinates(anatomy: Anatomy) -> np.ndarray | None:
    """float32 (F, 3, 2) of all parts' faces, 0 where a part has no texture; None where none has."""
    if all(p.texture is None for p in anatomy.parts):
        return None
    none = [np.zeros((len(p.mesh.faces_F3), 3, 2), np.float32) for p in anatomy.parts]
    return np.concatenate(
        [z if p.texture is None else p.texture.uv_F32 for z, p in zip(none, anatomy.parts, strict=True)]
    )


def faces_in_view(vertices_V3: np.ndarray, corners_3F: np.ndarray, view: View) -> np.ndarray:
    """bool (F,): faces that a ray through the picture could meet: not wholly beyond one of the view's five planes.

    ``corners_3F``: the faces, corner by corner.
    """
    K, (width, height) = view.K, view.size
    pose = view.camera_to_world
    points_V3 = turned(vertices_V3 - view.position.astype(np.float32), np.ascontiguousarray(pose[:3, :3].T, np.float32))
    x_V, y_V, z_V = np.ascontiguousarray(points_V3.T)
    beyond_V = (z_V < 0).astype(np.uint8)
    # A pixel's width of room all round, far above what rounding takes.
    for bit, (value_V, focal, middle, side) in enumerate(
        ((x_V, K[0, 0], K[0, 2], width), (y_V, K[1, 1], K[1, 2], height)), start=1
    ):
        low, high = np.float32((-1 - middle) / focal), np.float32((side + 1 - middle) / focal)
        beyond_V |= (value_V < low * z_V).astype(np.uint8) << (2 * bit - 1)
        beyond_V |= (value_V > high * z_V).astype(np.uint8) << (2 * bit)
    a_F, b_F, c_F = (beyond_V.take(corner_F) for corner_F in corners_3F)
    return np.asarray((a_F & b_F & c_F) == 0)


def turned(vectors_N3: np.ndarray, turn_33: np.ndarray) -> np.ndarray:
    """Each vector turned by a matrix, on one thread (a product of such thin matrices would start them all)."""
    return np.asarray(cv2.transform(vectors_N3[None], turn_33)[0])


def dot(a_N3: np.ndarray, b_N3: np.ndarray) -> np.ndarray:
    """Row by row; ``b`` may be one vector."""
    return np.asarray(a_N3[:, 0] * b_N3[..., 0] + a_N3[:, 1] * b_N3[..., 1] + a_N3[:, 2] * b_N3[..., 2])


def by_axis(vectors_N3: np.ndarray) -> np.ndarray:
    """The same vectors, each axis's values side by side in memory, where arithmetic on them is several times faster."""
    return np.ascontiguousarray(vectors_N3.T).T


def _towards(normal_3N: np.ndarray, back_N: np.ndarray, rays_N3: np.ndarray) -> np.ndarray:
    """Unit shading normals on the camera's side of the surface, and never turned away from the camera."""
    normal = np.where(back_N, -normal_3N, normal_3N)
    normal /= np.maximum(np.sqrt(dot(normal.T, normal.T)), 1e-9)
    length = np.sqrt(dot(rays_N3, rays_N3))
    facing = dot(normal.T, rays_N3) / length
    # Interpolated normals may tip over at silhouettes; bring them back to 1 degree before grazing.
    over = np.flatnonzero(facing > -0.0175)
    if len(over):
        direction = rays_N3[over].T / length[over]
        bent = normal[:, over] - direction * (facing[over] + 0.0175)
        normal[:, over] = bent / np.linalg.norm(bent, axis=0)
    return np.asarray(normal)
