"""What a mapping says about a scene's geometry, kept in its encoding and applied to each frame as it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from studio.scenes.layouts.axes import planar_from_ray, ray_lengths
from studio.scenes.layouts.listed import on_disk
from studio.scenes.mapping import Geometry
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles, ToolPose

STORED_KIND = "stored_depth_kind"
"""Encoding key of a layout that knows how its depth is stored: "planar" or "ray"."""


def as_encoding(geometry: Geometry) -> dict[str, str]:
    """The entries of a scene's encoding; none for what is not said."""
    entries = {
        "depth_kind": geometry.depth_kind,
        "normals_flip": geometry.normals_flip,
        "scale": "" if geometry.scale is None else repr(geometry.scale),
    }
    return {key: value for key, value in entries.items() if value}


def without_layers(scene: SceneFiles, geometry: Geometry) -> SceneFiles:
    """The scene without the layers that the mapping leaves out, and a note on them."""
    if not geometry.leave_out:
        return scene
    out = geometry.leave_out
    frames = on_disk(
        FrameFiles(
            f.name, f.index, f.rgb, None if "segmentation" in out else f.segmentation,
            None if "depth" in out else f.depth, None if "normals" in out else f.normals,
        )
        for f in scene.frames
    )  # fmt: skip
    return replace(scene, frames=frames, notes=(*scene.notes, f"left out: {', '.join(geometry.leave_out)}"))


def corrected(layers: Layers, encoding: Mapping[str, str]) -> Layers:
    """The frame with depth kind, flips and scale as the mapping has them. Raise InputError where K is needed."""
    if not {"depth_kind", "normals_flip", "scale"} & set(encoding):
        return layers
    layers = replace(layers, depth_HW=_depth(layers, encoding), normals_HW3=_normals(layers, encoding))
    return _scaled(layers, float(encoding.get("scale", "1")))


def _depth(layers: Layers, encoding: Mapping[str, str]) -> np.ndarray | None:
    wanted, taken = encoding.get("depth_kind", ""), encoding.get(STORED_KIND, "planar")
    if layers.depth_HW is None or not wanted or wanted == taken:
        return layers.depth_HW
    if layers.K is None:
        raise InputError("depth along the ray needs the camera's K", where="depth_kind", remedy="Name [camera], too.")
    if wanted == "ray":
        return planar_from_ray(layers.depth_HW, layers.K)
    planar_HW: np.ndarray = (layers.depth_HW * ray_lengths(layers.size, layers.K)).astype(np.float32)
    return planar_HW


def _normals(layers: Layers, encoding: Mapping[str, str]) -> np.ndarray | None:
    flip = encoding.get("normals_flip", "none")
    if layers.normals_HW3 is None or flip == "none":
        return layers.normals_HW3
    return layers.normals_HW3 * np.array([-1 if axis in flip else 1 for axis in "xyz"], np.float32)


def _scaled(layers: Layers, scale: float) -> Layers:
    if scale == 1:
        return layers
    depth_HW = None if layers.depth_HW is None else layers.depth_HW * np.float32(scale)
    pose = layers.camera_to_world
    if pose is not None:
        pose = pose * np.array([1, 1, 1, scale])
        pose[3, 3] = 1
    tools = tuple(ToolPose(t.name, _scaled_rows(t, scale), t.jaw_angle) for t in layers.tools)
    return replace(layers, depth_HW=depth_HW, camera_to_world=pose, tools=tools)


def _scaled_rows(tool: ToolPose, scale: float) -> tuple[tuple[float, ...], ...]:
    rows = [(*row[:3], row[3] * scale) for row in tool.tool_to_world[:3]]
    return (*rows, tool.tool_to_world[3])
