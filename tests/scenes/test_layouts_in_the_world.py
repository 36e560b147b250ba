"""A ball over a slanted plane, known in the world: what any layout gives, put back there, lies on them.

Depth, K and pose are so checked together, with a principal point beside the middle and a camera turned about all axes,
where a wrong half pixel, axis, handedness or unit can't hide. Each writer follows the format's own documentation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from studio.scenes.mapping import SceneMapping
from studio.scenes.readers import load_layers, read_scenes
from studio.vocabulary.frames import Layers
from tests.scenes.ball_and_plane import LIVER, WALL, Seen, met_by
from tests.scenes.layout_files import write_channels, write_picture

WIDTH, HEIGHT = 128, 96
FX, FY, CX, CY = 90.0, 95.0, 70.3, 42.6
"""Pixel centres at +0.5."""
R_C2W = Rotation.from_euler("xyz", [25.0, -40.0, 130.0], degrees=True).as_matrix()
EYE = np.array([35.0, -60.0, 20.0])
"""mm, OpenCV axes."""
PLANE_N = R_C2W @ (np.array([0.3, 0.15, -0.9]) / np.linalg.norm([0.3, 0.15, -0.9]))
PLANE_D = float(PLANE_N @ (EYE + R_C2W @ np.array([0.0, 0.0, 120.0])))
BALL, RADIUS = EYE + R_C2W @ np.array([-8.0, 6.0, 85.0]), 20.0


def _seen() -> Seen:
    """Normals in OpenCV camera axes."""
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(columns - CX) / FX, (rows - CY) / FY, np.ones_like(rows)], axis=-1) @ R_C2W.T
    found = met_by(rays, EYE, BALL, RADIUS, PLANE_N, PLANE_D)
    return replace(found, normals_HW3=found.normals_HW3 @ R_C2W)


SEEN = _seen()
PICTURE = np.repeat(SEEN.ids_HW[..., None] * np.uint8(60), 3, axis=2)


def _blenderproc(root: Path, *, distance: bool = False) -> Mapping[str, str]:
    """Metres; K counts centres from 0; normals are (n + 1) / 2 in Blender's axes; objects carry the names."""
    camera = {"cam_K": [FX, 0, CX - 0.5, 0, FY, CY - 0.5, 0, 0, 1], "cam_R_w2c": R_C2W.T.ravel().tolist(),
              "cam_t_w2c": (-R_C2W.T @ EYE / 1000).tolist()}  # fmt: skip
    named = [{"name": "Liver", "category_id": LIVER}, {"name": "abdominal wall", "category_id": WALL}]
    depth = SEEN.distance_HW if distance else SEEN.depth_HW
    with h5py.File(root / "0.hdf5", "w") as file:
        file.create_dataset("colors", data=PICTURE)
        file.create_dataset("distance" if distance else "depth", data=(depth / 1000).astype(np.float32))
        file.create_dataset("normals", data=((SEEN.normals_HW3 * [1, -1, -1] + 1) / 2).astype(np.float32))
        file.create_dataset("class_segmaps", data=SEEN.ids_HW)
        file.create_dataset("camera_pose", data=np.bytes_(json.dumps(camera)))
        file.create_dataset("instance_attribute_maps", data=np.bytes_(json.dumps(named)))
    return {}


def _solo(root: Path, *, strategy: str = "Depth") -> Mapping[str, str]:
    """Unity's camera and world have y up and are left-handed; the projection matrix is written by columns."""
    over = np.diag([1.0, -1.0, 1.0])
    colours = {LIVER: (200, 10, 10, 255), WALL: (10, 200, 10, 255)}
    labels = np.stack([np.where(SEEN.ids_HW == LIVER, colours[LIVER][k], colours[WALL][k]) for k in range(4)], axis=-1)
    folder, metres = root / "sequence.0", (SEEN.distance_HW if strategy == "Range" else SEEN.depth_HW) / 1000
    encoded = (SEEN.normals_HW3 * [1, -1, -1] + 1) / 2
    write_picture(folder / "step0.camera.png", PICTURE)
    write_picture(folder / "step0.camera.labels.png", labels.astype(np.uint8))
    write_channels(folder / "step0.camera.Depth.exr", R=metres)
    write_channels(folder / "step0.camera.Normal.exr", R=encoded[..., 0], G=encoded[..., 1], B=encoded[..., 2])
    projection = np.array([[2 * FX / WIDTH, 0, 1 - 2 * CX / WIDTH], [0, 2 * FY / HEIGHT, 2 * CY / HEIGHT - 1],
                           [0, 0, -1]])  # fmt: skip
    kind = "type.unity.com/unity.solo."
    named = [{"labelName": n, "pixelValue": list(colours[k])} for k, n in ((LIVER, "liver"), (WALL, "abdominal wall"))]
    annotations = [
        {"@type": kind + "SemanticSegmentationAnnotation", "id": "s", "filename": "step0.camera.labels.png",
         "instances": named},
        {"@type": kind + "DepthAnnotation", "id": "d", "filename": "step0.camera.Depth.exr",
         "measurementStrategy": strategy},
        {"@type": kind + "NormalAnnotation", "id": "n", "filename": "step0.camera.Normal.exr"},
    ]  # fmt: skip
    capture = {
        "@type": kind + "RGBCamera", "id": "camera", "position": (over @ EYE / 1000).tolist(),
        "rotation": Rotation.from_matrix(over @ R_C2W @ over).as_quat().tolist(), "filename": "step0.camera.png",
        "imageFormat": "Png", "dimension": [WIDTH, HEIGHT], "projection": "Perspective",
        "matrix": projection.T.ravel().tolist(), "annotations": annotations,
    }  # fmt: skip
    frame = {"frame": 0, "sequence": 0, "step": 0, "captures": [capture]}
    (folder / "step0.frame_data.json").write_text(json.dumps(frame))
    (root / "metadata.json").write_text(json.dumps({"totalFrames": 1}))
    return {}


def _bop(root: Path) -> Mapping[str, str]:
    """Depth in steps of depth_scale mm; K counts centres from 0; an object's mask is where it is seen."""
    folder = root / "000007"
    write_picture(folder / "rgb/000000.png", PICTURE)
    write_picture(folder / "depth/000000.png", np.rint(SEEN.depth_HW / 0.01).astype(np.uint16))
    for number, k in enumerate((LIVER, WALL)):
        write_picture(
            folder / f"mask_visib/000000_{number:06d}.png", np.where(SEEN.ids_HW == k, 255, 0).astype(np.uint8)
        )
    camera = {"cam_K": [FX, 0, CX - 0.5, 0, FY, CY - 0.5, 0, 0, 1], "depth_scale": 0.01,
              "cam_R_w2c": R_C2W.T.ravel().tolist(), "cam_t_w2c": (-R_C2W.T @ EYE).tolist()}  # fmt: skip
    still = {"cam_R_m2c": np.eye(3).ravel().tolist(), "cam_t_m2c": [0, 0, 100]}
    (folder / "scene_camera.json").write_text(json.dumps({"0": camera}))
    (folder / "scene_gt.json").write_text(json.dumps({"0": [{"obj_id": 4, **still}, {"obj_id": 9, **still}]}))
    return {"4": "liver", "9": "abdominal wall"}


def _nerfstudio(root: Path) -> Mapping[str, str]:
    """OpenGL axes; K counts centres from +0.5; depth in metres as EXR."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = R_C2W @ np.diag([1.0, -1.0, -1.0]), EYE / 1000
    write_picture(root / "images/a.png", PICTURE)
    write_channels(root / "depth/a.exr", R=SEEN.depth_HW / 1000)
    write_picture(root / "masks/a.png", SEEN.ids_HW)
    frame = {"file_path": "images/a.png", "depth_file_path": "depth/a.exr", "mask_path": "masks/a.png",
             "transform_matrix": pose.tolist()}  # fmt: skip
    content = {"camera_model": "OPENCV", "fl_x": FX, "fl_y": FY, "cx": CX, "cy": CY, "w": WIDTH, "h": HEIGHT,
               "depth_unit_scale_factor": 1.0, "frames": [frame]}  # fmt: skip
    (root / "transforms.json").write_text(json.dumps(content))
    return {"1": "liver", "3": "abdominal wall"}


WRITERS: dict[str, Callable[[Path], Mapping[str, str]]] = {
    "BlenderProc": _blenderproc,
    "BlenderProc, distance": lambda root: _blenderproc(root, distance=True),
    "SOLO": _solo,
    "SOLO, range": lambda root: _solo(root, strategy="Range"),
    "BOP": _bop,
    "nerfstudio": _nerfstudio,
}


def _loaded(root: Path, name: str) -> Layers:
    (scene,) = read_scenes(root, mapping=SceneMapping(classes=WRITERS[name](root)))
    return load_layers(scene, scene.frames[0])


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_seen_lies_in_the_world_where_it_is(tmp_path: Path, name: str) -> None:
    layers = _loaded(tmp_path, name)
    assert layers.depth_HW is not None and layers.K is not None and layers.camera_to_world is not None
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    rays = np.linalg.solve(layers.K, np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1))
    points = (layers.camera_to_world[:3, :3] @ (rays * layers.depth_HW.ravel())).T + layers.camera_to_world[:3, 3]
    ball = SEEN.ids_HW.ravel() == LIVER
    within = 0.02  # mm; BOP's steps are 0.01
    assert np.abs(points[~ball] @ PLANE_N - PLANE_D).max() < within
    assert np.abs(np.linalg.norm(points[ball] - BALL, axis=1) - RADIUS).max() < within
    assert np.array_equal(layers.segmentation_HW, SEEN.ids_HW)


@pytest.mark.parametrize("name", ["BlenderProc", "SOLO"])
def test_normals_point_into_the_world_as_they_do(tmp_path: Path, name: str) -> None:
    layers = _loaded(tmp_path, name)
    assert layers.normals_HW3 is not None and layers.camera_to_world is not None
    found = layers.normals_HW3 @ layers.camera_to_world[:3, :3].T
    np.testing.assert_allclose(found, SEEN.normals_HW3 @ R_C2W.T, atol=1e-5)
