"""A ball before a slanted plane seen through lenses that bend: rays from OpenCV, depths and normals from formulas."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studio.export.writers import pose_json
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.kept_points import in_camera
from studio.scenes.geometry_check import Said, examine
from studio.scenes.layouts.poses import poses_of
from studio.scenes.mapping import Camera, FolderLayer, Geometry, SceneMapping
from studio.scenes.readers import CHECKED, load_layers, read_scenes
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import Layers
from studio.vocabulary.lenses import Lens
from tests.scenes.ball_and_plane import Seen, met_by
from tests.scenes.layout_files import write_channels, write_picture

WIDTH, HEIGHT = 160, 120
K = np.array([[100.0, 0, 79.2], [0, 104.0, 61.5], [0, 0, 1]])
BARREL = {"k1": -0.2, "k2": 0.03, "p1": 0.004, "p2": -0.003}
FISHEYE = {"k1": 0.05, "k2": -0.02, "k3": 0.004, "k4": -0.001}
PLANE_N, PLANE_D = np.array([0.25, -0.2, -0.95]), -110.0
BALL, RADIUS = np.array([12.0, -8.0, 80.0]), 22.0


def _rays(lens: dict[str, float], *, fisheye: bool) -> np.ndarray:
    """(H, W, 3) at z = 1, from OpenCV, whose pixel centres are whole numbers."""
    K_cv = K - np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    pixels = np.stack(np.meshgrid(np.arange(WIDTH, dtype=float), np.arange(HEIGHT, dtype=float)), axis=-1)
    points = pixels.reshape(-1, 1, 2)
    if fisheye:
        found = cv2.fisheye.undistortPoints(points, K_cv, np.array(list(lens.values())))
    else:
        steps = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12)
        found = cv2.undistortPoints(points, K_cv, np.array([*lens.values()]), None, None, None, steps)
    return np.concatenate([found.reshape(HEIGHT, WIDTH, 2), np.ones((HEIGHT, WIDTH, 1))], axis=2)


def _seen(rays_HW3: np.ndarray) -> Seen:
    return met_by(rays_HW3, np.zeros(3), BALL, RADIUS, PLANE_N / np.linalg.norm(PLANE_N), PLANE_D)


def _write(root: Path, seen: Seen, *, along_the_ray: bool = False, **lens: Any) -> Path:
    """One frame, depth as EXR in metres, masks with ids times 40."""
    write_picture(root / "images/a.png", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    stored = seen.distance_HW if along_the_ray else seen.depth_HW
    write_channels(root / "depth/a.exr", R=stored / 1000)
    write_picture(root / "masks/a.png", seen.ids_HW * np.uint8(40))
    frame = {"file_path": "images/a.png", "depth_file_path": "depth/a.exr", "mask_path": "masks/a.png",
             "transform_matrix": np.eye(4).tolist()}  # fmt: skip
    content = {"fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2], "w": WIDTH, "h": HEIGHT,
               "depth_unit_scale_factor": 1.0, "frames": [frame], **lens}  # fmt: skip
    (root / "transforms.json").write_text(json.dumps(content))
    return root


LENSES: dict[str, tuple[Seen, dict[str, Any]]] = {
    "barrel": (_seen(_rays(BARREL, fisheye=False)), {"camera_model": "OPENCV", **BARREL}),
    "fisheye": (_seen(_rays(FISHEYE, fisheye=True)), {"camera_model": "OPENCV_FISHEYE", **FISHEYE}),
    "instant-ngp's fisheye": (_seen(_rays(FISHEYE, fisheye=True)), {"is_fisheye": True, **FISHEYE}),
}
CLASSES = {"40": "liver", "120": "abdominal wall"}


@pytest.mark.parametrize("name", LENSES)
def test_pictures_labels_and_depth_stay_as_they_are(tmp_path: Path, name: str) -> None:
    seen, lens = LENSES[name]
    (scene,) = read_scenes(_write(tmp_path, seen, **lens), mapping=SceneMapping(classes=CLASSES))
    layers = load_layers(scene, scene.frames[0])
    assert layers.segmentation_HW is not None and layers.depth_HW is not None and layers.lens is not None
    np.testing.assert_array_equal(layers.segmentation_HW, seen.ids_HW)
    np.testing.assert_allclose(layers.depth_HW, seen.depth_HW, rtol=1e-6)
    kind = "distorting lens (k1, k2, p1, p2)" if name == "barrel" else "fisheye lens (k1, k2, k3, k4)"
    assert scene.encoding[CHECKED] == f"the depth is planar z; K goes with a {kind}"
    assert any(f"a {kind}: pictures and labels stay as they are" in note for note in scene.notes)


@pytest.mark.parametrize("name", LENSES)
def test_depth_along_bent_rays_is_told_and_becomes_planar(tmp_path: Path, name: str) -> None:
    seen, lens = LENSES[name]
    folder = _write(tmp_path, seen, along_the_ray=True, **lens)
    with pytest.raises(InputError, match='depth_kind = "ray"'):
        read_scenes(folder)
    (scene,) = read_scenes(folder, mapping=SceneMapping(geometry=Geometry(depth_kind="ray")))
    depth_HW = load_layers(scene, scene.frames[0]).depth_HW
    assert depth_HW is not None
    np.testing.assert_allclose(depth_HW, seen.depth_HW, atol=1e-3)


def test_without_its_lens_nothing_is_flat_in_this_picture(tmp_path: Path) -> None:
    """Shows that the lens, and not luck, lets the plane be found above."""
    seen, _ = LENSES["barrel"]
    (scene,) = read_scenes(_write(tmp_path, seen))
    assert CHECKED not in scene.encoding


def _layers(name: str) -> Layers:
    seen, values = LENSES[name]
    model = "OPENCV" if name == "barrel" else "OPENCV_FISHEYE"
    lens = Lens.from_json({"model": model, **{k: v for k, v in values.items() if k[0] in "kp"}})
    return Layers(np.zeros((HEIGHT, WIDTH, 3), np.uint8), seen.ids_HW, seen.depth_HW.astype(np.float32),
                  seen.normals_HW3.astype(np.float32), K, np.eye(4), lens=lens)  # fmt: skip


@pytest.mark.parametrize("name", ["barrel", "fisheye"])
def test_normals_are_compared_along_bent_rays(name: str) -> None:
    layers = _layers(name)
    report = examine([layers], Said(kind_settled=True))
    assert not report.faults
    assert float(report.found.split("within ")[1].split()[0]) < 0.3
    assert layers.normals_HW3 is not None
    flipped = replace(layers, normals_HW3=layers.normals_HW3 * np.array([1, -1, 1], np.float32))
    assert 'normals_flip = "y"' in examine([flipped]).remedy


def test_points_in_space_lie_on_bent_rays() -> None:
    """The ball's surface points are all as far from its middle as its radius."""
    state = PictureState(_layers("barrel"))
    ys, xs = np.nonzero(LENSES["barrel"][0].ids_HW == 1)
    points = [in_camera(state, int(x), int(y)) for x, y in zip(xs[::97], ys[::97], strict=True)]
    distances = [float(np.linalg.norm(p - BALL)) for p in points if p is not None]
    assert len(distances) == len(points) > 10
    assert distances == pytest.approx([RADIUS] * len(points), abs=1e-3)


@pytest.mark.parametrize("name", ["barrel", "fisheye"])
def test_a_lens_goes_out_with_its_K_and_comes_back(tmp_path: Path, name: str) -> None:
    layers = _layers(name)
    (tmp_path / "frames.json").write_text(json.dumps([{"frame": "img00000", **pose_json(layers)}]))
    assert poses_of(tmp_path / "frames.json")["img00000"].lens == layers.lens


def test_a_lens_of_a_model_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frames.json").write_text(json.dumps([{"frame": "a", "K": K.tolist(), "distortion": {"model": "X"}}]))
    with pytest.raises(InputError, match="the lens model 'X' is not known"):
        poses_of(tmp_path / "frames.json")


def test_plain_folders_have_their_lens_from_a_file_of_poses(tmp_path: Path) -> None:
    """Depth along the bent rays of plain folders becomes planar, too."""
    seen, values = LENSES["barrel"]
    write_picture(tmp_path / "images/a.png", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    write_picture(tmp_path / "masks/a.png", seen.ids_HW)
    write_channels(tmp_path / "depth/a.exr", R=seen.distance_HW)
    lens = {"model": "OPENCV", **{k: v for k, v in values.items() if k[0] in "kp"}}
    (tmp_path / "frames.json").write_text(json.dumps([{"frame": "a", "K": K.tolist(), "distortion": lens}]))
    layers = {"rgb": FolderLayer("images", "picture"), "segmentation": FolderLayer("masks", "grey"),
              "depth": FolderLayer("depth", "exr", 1.0)}  # fmt: skip
    mapping = SceneMapping(layers, {"1": "liver", "3": "abdominal wall"}, Camera(file="frames.json"), Geometry("ray"))
    (scene,) = read_scenes(tmp_path, mapping=mapping)
    depth_HW = load_layers(scene, scene.frames[0]).depth_HW
    assert depth_HW is not None
    np.testing.assert_allclose(depth_HW, seen.depth_HW, atol=1e-3)
