"""The sphere scene in the layouts of other programs, written with the formats' own libraries or by their documentation.

Every writer takes the truth in the studio's conventions and turns it into the other program's by hand: nothing of the
readers is used here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import OpenEXR

from tests.making import SIZE, Truth, pose_K, sphere_scene

NAMES = {1: "Liver", 3: "abdominal_wall", 6: "tool tip"}
"""What the other programs call the classes of the sphere scene."""

WIDTH, HEIGHT = SIZE


def ray_lengths() -> np.ndarray:
    """Length of each pixel's ray at z = 1: focal length 64 px, principal point (32, 24), pixel centres at +0.5."""
    x = (np.arange(64) + 0.5 - 32) / 64
    y = (np.arange(48) + 0.5 - 24) / 64
    return np.sqrt(1 + x[None, :] ** 2 + y[:, None] ** 2)


def opengl_01(truth: Truth) -> np.ndarray:
    """float32 (n + 1) / 2 in axes x right, y up, z back."""
    return ((truth.normals_HW3 * np.array([1, -1, -1]) + 1) / 2).astype(np.float32)


def write_channels(path: Path, **channels: np.ndarray) -> None:
    """An OpenEXR file of float channels by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {k: np.ascontiguousarray(v, np.float32) for k, v in channels.items()}).write(str(path))


def write_picture(path: Path, values: np.ndarray) -> None:
    """8 or 16 bit; colour is RGB or RGBA."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]]
    assert cv2.imwrite(str(path), np.ascontiguousarray(order))


# -- BlenderProc

QUARTER_TURN_W2C = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
"""World to camera: a quarter turn about z."""
W2C_T_METRES = [0.01, 0.02, 0.03]


def write_blenderproc(root: Path, *, frames: int = 3, kind: str = "depth", **replaced: Any) -> Path:
    """Metres, K with pixel centres at whole numbers: (31.5, 23.5). ``replaced`` datasets; None leaves one out."""
    root.mkdir(parents=True, exist_ok=True)
    for i in range(frames):
        truth = sphere_scene(i)
        metres = truth.depth_HW / 1000.0
        content: dict[str, Any] = {
            "colors": truth.rgb_HW3,
            kind: (metres * ray_lengths() if kind == "distance" else metres).astype(np.float32),
            "normals": opengl_01(truth),
            "class_segmaps": truth.ids_HW,
            "instance_attribute_maps": [
                {"idx": n, "category_id": k, "name": f"{name}.00{n}"} for n, (k, name) in enumerate(NAMES.items(), 1)
            ],
            "camera_pose": {
                "cam_K": [64, 0, 31.5, 0, 64, 23.5, 0, 0, 1], "cam_R_w2c": QUARTER_TURN_W2C, "cam_t_w2c": W2C_T_METRES,
            },
            "object_states": [
                {"name": "tool tip.001", "category_id": 6,
                 "matrix_world": [[0, 0, 1, 0.004], [0, 1, 0, 0.005], [-1, 0, 0, 0.006], [0, 0, 0, 1]]},
                {"name": "Liver.001", "category_id": 1, "matrix_world": np.eye(4).tolist()},
            ],
        } | replaced  # fmt: skip
        with h5py.File(root / f"{i}.hdf5", "w") as file:
            for key, value in content.items():
                if value is None:
                    continue
                if isinstance(value, bytes):
                    file.create_dataset(key, data=np.bytes_(value))
                elif isinstance(value, np.ndarray):
                    file.create_dataset(key, data=value, compression="gzip")
                else:
                    file.create_dataset(key, data=np.bytes_(json.dumps(value)))
    return root


# -- Unity SOLO

COLOURS = {1: (255, 0, 10), 3: (0, 200, 0), 6: (10, 10, 255)}
PROJECTION = [2 * 64 / 64, 0, 0.0, 0, 2 * 64 / 48, 0.0, 0, 0, -1.0006]
"""Focal length 64 px at 64 x 48: 2 f / w and 2 f / h."""


def write_solo(root: Path, *, frames: int = 3, strategy: str = "Depth", older: bool = False, **capture: Any) -> Path:
    """Unity writes metres, quaternions as x y z w. ``capture`` replaces keys of each capture."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "metadata.json").write_text(json.dumps({"totalFrames": frames}))
    for i in range(frames):
        folder, step = root / f"sequence.{i // 2}", ("step.{}" if older else "step{}").format(i % 2)
        truth = sphere_scene(i)
        labels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        for k, colour in COLOURS.items():
            labels[truth.ids_HW == k] = (*colour, 255)
        metres = truth.depth_HW / 1000.0
        write_picture(folder / f"{step}.camera.png", truth.rgb_HW3)
        write_picture(folder / f"{step}.camera.semantic segmentation.png", labels)
        write_channels(folder / f"{step}.camera.Depth.exr", R=metres * ray_lengths() if strategy == "Range" else metres,
                       G=metres * 0, B=metres * 0, A=metres * 0 + 1)  # fmt: skip
        encoded = opengl_01(truth)
        write_channels(folder / f"{step}.camera.Normal.exr", R=encoded[..., 0], G=encoded[..., 1], B=encoded[..., 2],
                       A=encoded[..., 0] * 0 + 1)  # fmt: skip
        row = {
            "@type": "type.unity.com/unity.solo.RGBCamera", "id": "camera", "description": None,
            "position": [0.1, 0.2, 0.3], "rotation": [0.0, 0.7071067811865476, 0.0, 0.7071067811865476],
            "velocity": [0, 0, 0], "acceleration": [0, 0, 0], "filename": f"{step}.camera.png", "imageFormat": "Png",
            "dimension": [64.0, 48.0], "projection": "Perspective", "matrix": PROJECTION,
            "annotations": [_solo_labels(step), _solo_depth(step, strategy), _solo_normals(step)],
        } | capture  # fmt: skip
        name = f"{step}.frame.json" if older else f"{step}.frame_data.json"
        (folder / name).write_text(json.dumps({"frame": i, "sequence": i // 2, "step": i % 2, "captures": [row]}))
    return root


def _solo_labels(step: str) -> dict[str, Any]:
    instances = [{"labelName": NAMES[k], "pixelValue": [*colour, 255]} for k, colour in COLOURS.items()]
    return {"@type": "type.unity.com/unity.solo.SemanticSegmentationAnnotation", "id": "semantic segmentation",
            "sensorId": "camera", "imageFormat": "Png", "dimension": [64.0, 48.0],
            "filename": f"{step}.camera.semantic segmentation.png", "instances": instances}  # fmt: skip


def _solo_depth(step: str, strategy: str) -> dict[str, Any]:
    return {"@type": "type.unity.com/unity.solo.DepthAnnotation", "id": "Depth", "sensorId": "camera",
            "measurementStrategy": strategy, "imageFormat": "Exr", "filename": f"{step}.camera.Depth.exr"}  # fmt: skip


def _solo_normals(step: str) -> dict[str, Any]:
    return {"@type": "type.unity.com/unity.solo.NormalAnnotation", "id": "Normal", "sensorId": "camera",
            "imageFormat": "Exr", "filename": f"{step}.camera.Normal.exr"}  # fmt: skip


# -- BOP


def write_bop(root: Path, *, scene: str = "000001", frames: int = 3, depth_scale: float = 0.01) -> Path:
    """One scene of a split; objects 10 (sphere), 30 (wall) and 60 (tool)."""
    folder = root / "train" / scene
    cameras, truths = {}, {}
    for i in range(frames):
        truth = sphere_scene(i)
        write_picture(folder / f"rgb/{i:06d}.png", truth.rgb_HW3)
        write_picture(folder / f"depth/{i:06d}.png", np.rint(truth.depth_HW / depth_scale).astype(np.uint16))
        rows = []
        for number, k in enumerate(NAMES):
            mask = np.where(truth.ids_HW == k, 255, 0).astype(np.uint8)
            write_picture(folder / f"mask_visib/{i:06d}_{number:06d}.png", mask)
            rows.append({"obj_id": 10 * k, "cam_R_m2c": [0, 0, 1, 0, 1, 0, -1, 0, 0], "cam_t_m2c": [1.0, 2.0, 100.0]})
        cameras[str(i)] = {
            "cam_K": [64, 0, 31.5, 0, 64, 23.5, 0, 0, 1], "depth_scale": depth_scale,
            "cam_R_w2c": QUARTER_TURN_W2C, "cam_t_w2c": [10.0, 20.0, 30.0],
        }  # fmt: skip
        truths[str(i)] = rows
    (folder / "scene_camera.json").write_text(json.dumps(cameras))
    (folder / "scene_gt.json").write_text(json.dumps(truths))
    return root


BOP_MAPPING = {"10": "liver", "30": "abdominal wall", "60": "tool tip"}


# -- nerfstudio


def write_nerfstudio(root: Path, *, frames: int = 3, **top: Any) -> Path:
    """Depth in whole mm; masks hold the ids times 40."""
    rows = []
    for i in range(frames):
        truth = sphere_scene(i)
        write_picture(root / f"images/frame_{i:05d}.png", truth.rgb_HW3)
        write_picture(root / f"depth/frame_{i:05d}.png", np.rint(truth.depth_HW).astype(np.uint16))
        write_picture(root / f"masks/frame_{i:05d}.png", truth.ids_HW * np.uint8(40))
        # Looking along the world's +x with z up: the camera's back is -x, its up is z, its right is -y.
        pose = [[0, 0, -1, 0.1], [-1, 0, 0, 0.2], [0, 1, 0, 0.3], [0, 0, 0, 1]]
        name = f"frame_{i:05d}.png"
        rows.append({"file_path": f"images/{name}", "transform_matrix": pose, "depth_file_path": f"depth/{name}",
                     "mask_path": f"masks/{name}"})  # fmt: skip
    content = {"camera_model": "OPENCV", "fl_x": 64.0, "fl_y": 64.0, "cx": 32.0, "cy": 24.0, "w": 64, "h": 48,
               "frames": rows} | top  # fmt: skip
    (root / "transforms.json").write_text(json.dumps(content))
    return root


NERFSTUDIO_MAPPING = {"40": "liver", "120": "abdominal wall", "240": "tool tip"}


# -- plain folders


def write_folders(root: Path, *, frames: int = 3) -> Path:
    """Pictures img_000.png, coloured masks, depth in 0.1 mm steps along the ray, normals in 8 bits and OpenGL axes."""
    for i in range(frames):
        truth = sphere_scene(i)
        coloured = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for k, colour in COLOURS.items():
            coloured[truth.ids_HW == k] = colour
        write_picture(root / f"images/img_{i:03d}.png", truth.rgb_HW3)
        write_picture(root / f"masks/mask_{i:03d}.png", coloured)
        distance = truth.depth_HW * ray_lengths()
        write_picture(root / f"range/img_{i:03d}_range.png", np.rint(distance / 0.01).astype(np.uint16))
        write_picture(root / f"nrm/img_{i:03d}.png", np.rint(opengl_01(truth) * 65535).astype(np.uint16))
    return root


FOLDERS_TOML = """
patient = "P7"
[layers]
rgb = { folder = "images" }
segmentation = { folder = "masks", encoding = "colour" }
[layers.depth]
folder = "range"
encoding = "png16"
mm_per_unit = 0.01
[layers.normals]
folder = "nrm"
encoding = "png16"
axes = "opengl"
[camera]
fx = 64
[classes]
"#ff000a" = "liver"
"#00c800" = "abdominal wall"
"#0a0aff" = "tool tip"
[geometry]
depth_kind = "ray"
"""
K = pose_K()
