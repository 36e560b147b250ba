"""One frame of a scene: all layers from the primary rays, colour smoothed at edges by extra rays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from studio.scenes.simulator.buffers import Scene, Surface
from studio.scenes.simulator.views import View
from studio.vocabulary.frames import Layers, ToolPose

Shader = Callable[[Surface], np.ndarray]
_EDGE_SAMPLES = ((0.36, -0.12), (-0.28, -0.3), (-0.08, 0.4))
"""Offsets (px) of the extra samples: a triangle about the pixel's centre, which counts too."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """A view's exact layers. ``surface`` is flat, a row per pixel in reading order."""

    scene: Scene
    surface: Surface
    class_HW: np.ndarray
    depth_HW: np.ndarray
    normal_HW3: np.ndarray
    """In camera axes."""


def see(scene: Scene) -> Geometry:
    """Trace one ray through each pixel's centre."""
    width, height = scene.view.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5)
    surface = scene.surface_at(x, y)
    nx, ny, nz = surface.normal_N3.T
    normal_3N = np.stack([nx * a + ny * b + nz * c for a, b, c in scene.turn_33.T])
    return Geometry(
        scene, surface, surface.class_N.reshape(height, width), surface.depth_N.reshape(height, width),
        picture(normal_3N, height),
    )  # fmt: skip


def picture(values_3N: np.ndarray, height: int) -> np.ndarray:
    """float32 (H, W, 3) of three values for each pixel in reading order."""
    return np.asarray(cv2.merge([np.ascontiguousarray(v).reshape(height, -1) for v in values_3N]))


def coloured(geometry: Geometry, shade: Shader) -> np.ndarray:
    """float32 (H, W, 3) colours 0..1; extra samples only where label, depth or normal jump."""
    height, width = geometry.class_HW.shape
    colour = shade(geometry.surface)
    y, x = np.nonzero(_edges(geometry))
    if len(x):
        offsets = np.array(_EDGE_SAMPLES, np.float32)
        xs = (x[None, :] + 0.5 + offsets[:, :1]).astype(np.float32)
        ys = (y[None, :] + 0.5 + offsets[:, 1:]).astype(np.float32)
        extra = shade(geometry.scene.surface_at(xs, ys)).reshape(len(offsets), len(x), 3)
        pixels = y * width + x
        colour[pixels] = (colour[pixels] + extra.sum(axis=0)) / (1 + len(offsets))
    return picture(colour.T, height)


def _edges(geometry: Geometry) -> np.ndarray:
    """bool (H, W): pixels that differ from a neighbour to the right or below, both sides marked."""
    depth, normal, part = (
        geometry.depth_HW,
        geometry.normal_HW3,
        geometry.surface.part_N.reshape(geometry.class_HW.shape),
    )
    marked = np.zeros(part.shape, bool)
    for axis in (0, 1):
        a = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        b = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
        jump = part[a] != part[b]
        jump |= np.abs(depth[a] - depth[b]) > 0.04 * np.minimum(depth[a], depth[b]) + 0.5
        na, nb = normal[a], normal[b]
        jump |= na[..., 0] * nb[..., 0] + na[..., 1] * nb[..., 1] + na[..., 2] * nb[..., 2] < 0.8
        marked[a] |= jump
        marked[b] |= jump
    return marked


def to_layers(geometry: Geometry, rgb_HW3: np.ndarray) -> Layers:
    """The frame as the studio's layers; colours 0..1 become 8 bit."""
    view = geometry.scene.view
    return Layers(
        rgb_HW3=as_bytes(rgb_HW3),
        segmentation_HW=geometry.class_HW,
        depth_HW=geometry.depth_HW,
        normals_HW3=geometry.normal_HW3,
        K=view.K,
        camera_to_world=view.camera_to_world,
        tools=tool_poses(view),
    )


def as_bytes(rgb_HW3: np.ndarray) -> np.ndarray:
    """0..1 to uint8, rounded."""
    return np.clip(rgb_HW3 * 255.0 + 0.5, 0, 255).astype(np.uint8)


def tool_poses(view: View) -> tuple[ToolPose, ...]:
    """The view's instruments as vocabulary values."""
    return tuple(
        ToolPose(t.instrument.name, _rows(t.tool_to_world), t.instrument.jaw_angle, _rows(t.ends_E3))
        for t in view.tools
    )


def _rows(values_NM: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in row) for row in values_NM)
