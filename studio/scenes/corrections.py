"""What a mapping says about a scene's geometry, kept in its encoding and applied to each frame as it is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from studio.scenes.layouts.axes import intrinsics, planar_from_ray, ray_lengths
from studio.scenes.layouts.listed import on_disk
from studio.scenes.mapping import Camera, Geometry
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles, ToolPose

STORED_KIND = "stored_depth_kind"
"""Encoding key of a layout that knows how its depth is stored: "planar" or "ray"."""

CAMERA = "camera"
"""Encoding key of the intrinsics that a mapping gives, as JSON."""


def as_encoding(geometry: Geometry) -> dict[str, str]:
    """The entries of a scene's encoding; none for what is not said."""
    entries = {
        "depth_kind": geometry.depth_kind,
        "normals_flip": geometry.normals_flip,
        "normals_space": geometry.normals_space,
        "scale": "" if geometry.scale is None else repr(geometry.scale),
    }
    return {key: value for key, value in entries.items() if value}


def camera_encoding(camera: Camera) -> dict[str, str]:
    """The entry of a scene's encoding; none when nothing is said."""
    return {} if camera == Camera() else {CAMERA: json.dumps(asdict(camera))}


def mapped_K(encoding: Mapping[str, str], size: tuple[int, int]) -> np.ndarray | None:
    """3x3 K in px that a mapping's camera has for pictures of ``size`` (width, height), None where it has none."""
    camera = Camera(**json.loads(encoding.get(CAMERA, "{}")))
    width, height = size
    fx = camera.fx
    if fx is None and camera.field_of_view is not None:
        fx = width / 2 / math.tan(math.radians(camera.field_of_view) / 2)
    if fx is None:
        return None
    cx = width / 2 if camera.cx is None else camera.cx
    cy = height / 2 if camera.cy is None else camera.cy
    return intrinsics(fx, camera.fy or fx, cx, cy)


def without_layers(scene: SceneFiles, geometry: Geometry) -> SceneFiles:
    """The scene without the layers that the mapping leaves out, and a note on them."""
    if not geometry.leave_out:
        return scene
    out = geometry.leave_out
    frames = on_disk(
        FrameFiles(
            f.name, f.index, f.rgb, None if "segmentation" in out else f.segmentation,
            None if "depth" in out else f.depth, None if "normals" in out else f.normals,
            f.flow_forward, f.flow_backward,
        )
        for f in scene.frames
    )  # fmt: skip
    return replace(scene, frames=frames, notes=(*scene.notes, f"left out: {', '.join(geometry.leave_out)}"))


def corrected(layers: Layers, encoding: Mapping[str, str]) -> Layers:
    """The frame with K (where its layout has none), depth kind, flips and scale as the mapping has them.

    Raise InputError where K is needed.
    """
    if layers.K is None:
        layers = replace(layers, K=mapped_K(encoding, layers.size))
    if not {"depth_kind", "normals_flip", "normals_space", "scale"} & set(encoding):
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
        return planar_from_ray(layers.depth_HW, layers.K, layers.lens)
    return along_the_ray(layers.depth_HW, layers)


def along_the_ray(planar_HW: np.ndarray, layers: Layers) -> np.ndarray:
    """float32 distances along the rays of a frame whose K is known, of planar depths; 0 where its lens shows no ray."""
    assert layers.K is not None
    lengths_HW = ray_lengths(layers.size, layers.K, layers.lens)
    distance_HW: np.ndarray = (planar_HW * np.where(np.isfinite(lengths_HW), lengths_HW, 0)).astype(np.float32)
    return distance_HW


def _normals(layers: Layers, encoding: Mapping[str, str]) -> np.ndarray | None:
    flip = encoding.get("normals_flip", "none").replace("none", "")
    if layers.normals_HW3 is None:
        return None
    if encoding.get("normals_space") != "world":
        return _flipped(layers.normals_HW3, flip)
    if layers.camera_to_world is None:
        raise InputError("normals in the world's axes need the camera's pose", where="normals_space",
                         remedy='Leave them out: geometry = {leave_out = ["normals"]}.')  # fmt: skip
    return in_camera_axes(layers, flip).normals_HW3


def _flipped(normals_HW3: np.ndarray, flip: str) -> np.ndarray:
    return normals_HW3 * np.array([-1 if axis in flip else 1 for axis in "xyz"], np.float32) if flip else normals_HW3


def in_camera_axes(layers: Layers, flip: str) -> Layers:
    """A frame whose normals are in the world's axes, but for axes to be flipped first, with them in the camera's."""
    if layers.normals_HW3 is None or layers.camera_to_world is None:
        return layers
    R = layers.camera_to_world[:3, :3].astype(np.float32)
    return replace(layers, normals_HW3=_flipped(layers.normals_HW3, flip) @ R)


def _scaled(layers: Layers, scale: float) -> Layers:
    if scale == 1:
        return layers
    depth_HW = None if layers.depth_HW is None else layers.depth_HW * np.float32(scale)
    pose = layers.camera_to_world
    if pose is not None:
        pose = pose * np.array([1, 1, 1, scale])
        pose[3, 3] = 1
    tools = tuple(
        replace(t, tool_to_world=_scaled_rows(t, scale), tips=tuple(tuple(scale * x for x in p) for p in t.tips))
        for t in layers.tools
    )
    return replace(layers, depth_HW=depth_HW, camera_to_world=pose, tools=tools)


def _scaled_rows(tool: ToolPose, scale: float) -> tuple[tuple[float, ...], ...]:
    rows = [(*row[:3], row[3] * scale) for row in tool.tool_to_world[:3]]
    return (*rows, tool.tool_to_world[3])
