"""Small scenes of known geometry on disk, for tests: a sphere (liver) before a slanted wall, in closed form."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_exr, write_png
from studio.vocabulary.labels import STUDIO_CLASSES

SIZE = (64, 48)
PUBLISHED = (0, 26, 51, 77, 102, 128, 153, 179)
LOADER = (0, 89, 124, 149, 170, 188, 203, 218)
"""Grey values of classes 0 to 7 in the two encodings of the public data set, as its users have tabulated them."""


def testdata() -> Path:
    """The folder of real test material; skips the test where it is absent."""
    places = [Path(p) for p in [os.environ.get("TROCAR_TESTDATA", "")] if p]
    checkout = Path(__file__).resolve().parents[1]
    places += [checkout / "shared" / "testdata", checkout.parent / "shared" / "testdata"]
    for place in places:
        if place.is_dir():
            return place
    pytest.skip("the real test material is not here")


def pose_K(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Focal length = width, principal point in the middle."""
    width, height = size
    return np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)


@dataclass(frozen=True, eq=False)
class Truth:
    """What the sphere scene looks like: uint8 rgb and ids, float32 z in mm and unit normals (OpenCV camera axes)."""

    rgb_HW3: np.ndarray
    ids_HW: np.ndarray
    depth_HW: np.ndarray
    normals_HW3: np.ndarray


def sphere_scene(index: int = 0, size: tuple[int, int] = SIZE) -> Truth:
    """Frame ``index``: a sphere of 30 mm radius at z = 120 mm moving right, before the wall z = 180 + .3 y."""
    width, height = size
    K = pose_K(size)
    rays_x = np.broadcast_to((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (height, width))
    rays_y = np.broadcast_to(((np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])[:, None], (height, width))
    rays = np.stack([rays_x, rays_y, np.ones((height, width))], axis=2)
    centre = np.array([-15.0 + 3 * index, 0, 120])
    a, b = (rays**2).sum(axis=2), rays @ centre
    inside = b * b - a * (centre @ centre - 900)
    hit = inside > 0
    depth = np.where(hit, (b - np.sqrt(np.maximum(inside, 0))) / a, 180 / (1 - 0.3 * rays_y))
    wall = np.array([0, 0.3, -1]) / np.hypot(0.3, 1)
    normals = np.where(hit[..., None], (depth[..., None] * rays - centre) / 30, wall)
    ids = np.where(hit, 1, 3).astype(np.uint8)
    ids[: height // 4, : width // 4] = 6
    shade = np.clip(-normals[..., 2], 0, 1)[..., None] * np.array([200, 90 + 10 * (index % 5), 70])
    return Truth(shade.astype(np.uint8), ids, depth.astype(np.float32), normals.astype(np.float32))


def make_frames_scene(root: Path, *, patient: str = "P1", frames: int = 3, size: tuple[int, int] = SIZE) -> Path:
    """A scene in the layout ``frames``."""
    rows = []
    for i in range(frames):
        truth, name = sphere_scene(i, size), f"{i:06d}"
        write_png(root / "rgb" / f"{name}.png", truth.rgb_HW3)
        write_png(root / "seg" / f"{name}.png", truth.ids_HW)
        write_exr(root / "depth" / f"{name}.exr", truth.depth_HW)
        write_exr(root / "normals" / f"{name}.exr", truth.normals_HW3)
        pose = np.eye(4)
        pose[0, 3] = i
        tool = {"name": "grasper", "tool_to_world": np.eye(4).tolist(), "jaw_angle": 0.5}
        rows.append({"frame": name, "K": pose_K(size).tolist(), "camera_to_world": pose.tolist(), "tools": [tool]})
    description = {
        "format": "trocar-frames", "version": 1, "name": patient, "patient": patient, "size": list(size), "units": "mm",
        "classes": json.loads(STUDIO_CLASSES.to_json()),
    }  # fmt: skip
    (root / "frames.json").write_text(json.dumps(rows), encoding="utf-8")
    (root / "scene.json").write_text(json.dumps(description), encoding="utf-8")
    return root


def add_flow(root: Path, *, size: tuple[int, int] = SIZE) -> Path:
    """Flow both ways beside a scene in the layout ``frames``, a corner of it unseen."""
    description = json.loads((root / "scene.json").read_text(encoding="utf-8"))
    description["flow"] = {"forward": "flow_forward", "backward": "flow_backward", "encoding": "exr", "units": "px"}
    (root / "scene.json").write_text(json.dumps(description), encoding="utf-8")
    for i, picture in enumerate(sorted((root / "rgb").iterdir())):
        flow = np.random.default_rng(i).normal(size=(size[1], size[0], 2)).astype(np.float32)
        flow[:3, :4] = np.nan
        write_exr(root / "flow_forward" / f"{picture.stem}.exr", flow)
        write_exr(root / "flow_backward" / f"{picture.stem}.exr", -flow)
    return root


def make_image2image(
    root: Path, *, patients: tuple[str, ...] = ("3Dircadb1.1", "3Dircadb1.2"), frames: int = 3, greys: tuple[int, ...]
) -> Path:
    """The public data set's layout, labels in three equal channels of the grey values given."""
    lookup = np.array([*greys, *([0] * (256 - len(greys)))], np.uint8)
    for patient in patients:
        for i in range(frames):
            truth = sphere_scene(i)
            write_png(root / f"simulated/{patient}/inputs/img{i:05d}.png", truth.rgb_HW3)
            label = np.repeat(lookup[truth.ids_HW][..., None], 3, axis=2)
            write_png(root / f"labels/simulated/{patient}/labels/lbl{i:05d}.png", label)
            write_exr(root / f"depths/simulated/{patient}/depths/depth{i:05d}.exr", truth.depth_HW)
            write_png(root / f"stylernd/{patient}/style_01/img{i:05d}.png", truth.rgb_HW3)
    return root
