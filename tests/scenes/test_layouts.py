"""Each layout comes back as the truth it was written from: labels exactly, depth, normals, K and poses by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import detect_layout, load_layers, read_scenes
from studio.vocabulary.frames import Layers
from tests.making import pose_K, sphere_scene
from tests.scenes.layout_files import (
    BOP_MAPPING,
    FOLDERS_TOML,
    NAMES,
    NERFSTUDIO_MAPPING,
    write_blenderproc,
    write_bop,
    write_folders,
    write_nerfstudio,
    write_solo,
)


def loaded(root: Path, mapping: SceneMapping = NO_MAPPING, layout: str = "auto") -> list[Layers]:
    (scene,) = read_scenes(root, layout, mapping)
    assert scene.size == (64, 48)
    return [load_layers(scene, frame) for frame in scene.frames]


def same_as_truth(frames: list[Layers], *, depth_mm: float, normals: bool = True) -> None:
    """Pictures and labels exactly, depth within ``depth_mm``, normals within 0.1 degree, K with centres at +0.5."""
    assert len(frames) == 3
    for i, layers in enumerate(frames):
        truth = sphere_scene(i)
        np.testing.assert_array_equal(layers.rgb_HW3, truth.rgb_HW3)
        np.testing.assert_array_equal(layers.segmentation_HW, truth.ids_HW)
        assert layers.depth_HW is not None
        assert layers.depth_HW.dtype == np.float32
        assert abs(layers.depth_HW - truth.depth_HW).max() <= depth_mm
        np.testing.assert_allclose(layers.K, pose_K(), atol=1e-6)
        if normals:
            assert layers.normals_HW3 is not None
            sines = np.linalg.norm(np.cross(layers.normals_HW3, truth.normals_HW3), axis=2)
            assert np.degrees(np.arcsin(sines.max())) < 0.1
            assert ((layers.normals_HW3 * truth.normals_HW3).sum(axis=2) > 0).all()
            assert abs(np.linalg.norm(layers.normals_HW3, axis=2) - 1).max() < 1e-5


QUARTER_TURN_C2W = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("kind", ["depth", "distance"])
def test_blenderproc(tmp_path: Path, kind: str) -> None:
    root = write_blenderproc(tmp_path / "renders", kind=kind)
    assert detect_layout(tmp_path) == "blenderproc"
    frames = loaded(root)
    same_as_truth(frames, depth_mm=1e-3)
    pose = frames[0].camera_to_world
    assert pose is not None
    np.testing.assert_allclose(pose[:3, :3], QUARTER_TURN_C2W, atol=1e-9)
    # -R^T t of t = (10, 20, 30) mm.
    np.testing.assert_allclose(pose[:3, 3], [-20, 10, -30], atol=1e-9)
    (tool,) = frames[0].tools
    assert tool.name == "tool tip.001"
    np.testing.assert_allclose(tool.tool_to_world, [[0, 0, 1, 4], [0, 1, 0, 5], [-1, 0, 0, 6], [0, 0, 0, 1]])


def test_blenderproc_camera_states_in_blender_axes(tmp_path: Path) -> None:
    """A Blender camera that is not turned looks down: its x stays, its down is -y of the world, its forward -z."""
    states = [{"cam_K": [[64, 0, 31.5], [0, 64, 23.5], [0, 0, 1]],
               "cam2world_matrix": [[1, 0, 0, 0.1], [0, 1, 0, 0.2], [0, 0, 1, 0.3], [0, 0, 0, 1]]}]  # fmt: skip
    root = write_blenderproc(tmp_path / "renders", camera_pose=None, campose=states)
    pose = loaded(root)[0].camera_to_world
    np.testing.assert_allclose(pose, [[1, 0, 0, 100], [0, -1, 0, 200], [0, 0, -1, 300], [0, 0, 0, 1]])


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("strategy", ["Depth", "Range"])
def test_solo(tmp_path: Path, strategy: str, older: bool) -> None:
    root = write_solo(tmp_path / "solo", strategy=strategy, older=older)
    assert detect_layout(root) == "solo"
    frames = loaded(root)
    same_as_truth(frames, depth_mm=1e-3)
    # Unity: a quarter turn about y (up), clockwise from above, looks along +x; its right is -z, its up y. With the
    # world's y turned over, the position is (100, -200, 300).
    expected = [[0, 0, 1, 100], [0, 1, 0, -200], [-1, 0, 0, 300], [0, 0, 0, 1]]
    np.testing.assert_allclose(frames[0].camera_to_world, expected, atol=1e-9)


def test_solo_projection_off_the_middle(tmp_path: Path) -> None:
    """An OpenGL projection maps the axis' point (0, 0, -1) to x = -m02 and y = -m12 of the -1 ... 1 square, y up.

    Unity Perception writes the matrix column by column: m00 m10 m20, m01 m11 m21, m02 m12 m22.
    """
    matrix = [2.0, 0, 0, 0, 64 / 24, 0, 0.25, -0.5, -1.0]
    root = write_solo(tmp_path / "solo", matrix=matrix)
    (scene,) = read_scenes(root, "auto", SceneMapping.from_toml('geometry = {leave_out = ["normals"]}'))
    K = load_layers(scene, scene.frames[0]).K
    # x = -0.25 is pixel 64 (1 - 0.25) / 2 = 24; y = +0.5 is a quarter from the top, pixel 12.
    np.testing.assert_allclose(K, [[64, 0, 24], [0, 64, 12], [0, 0, 1]])


def test_bop(tmp_path: Path) -> None:
    root = write_bop(tmp_path / "data set")
    assert detect_layout(root) == "bop"
    frames = loaded(root, SceneMapping(classes=BOP_MAPPING))
    same_as_truth(frames, depth_mm=0.0051, normals=False)
    pose = frames[0].camera_to_world
    assert pose is not None
    np.testing.assert_allclose(pose[:3, :3], QUARTER_TURN_C2W, atol=1e-9)
    np.testing.assert_allclose(pose[:3, 3], [-20, 10, -30], atol=1e-9)
    (tool,) = frames[0].tools
    # Rows of R_m2c are (0 0 1), (0 1 0), (-1 0 0), t = (1, 2, 100): turned by the camera's quarter turn and moved.
    expected = [[0, 1, 0, 2 - 20], [0, 0, -1, -1 + 10], [-1, 0, 0, 100 - 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(tool.tool_to_world, expected, atol=1e-9)


def test_bop_splits_and_data_sets_give_a_scene_for_each_folder(tmp_path: Path) -> None:
    write_bop(tmp_path, scene="000001")
    write_bop(tmp_path, scene="000004")
    mapping = SceneMapping(classes=BOP_MAPPING)
    assert [s.patient for s in read_scenes(tmp_path, "auto", mapping)] == ["train-000001", "train-000004"]
    assert [s.patient for s in read_scenes(tmp_path / "train/000004", "bop", mapping)] == ["train-000004"]


def test_nerfstudio(tmp_path: Path) -> None:
    root = write_nerfstudio(tmp_path / "capture")
    assert detect_layout(root) == "nerfstudio"
    frames = loaded(root, SceneMapping(classes=NERFSTUDIO_MAPPING))
    same_as_truth(frames, depth_mm=0.501, normals=False)
    # OpenCV: x is the OpenGL camera's right (-y of the world), y its down (-z), z its front (+x).
    expected = [[0, 0, 1, 100], [-1, 0, 0, 200], [0, -1, 0, 300], [0, 0, 0, 1]]
    np.testing.assert_allclose(frames[0].camera_to_world, expected, atol=1e-9)


def test_nerfstudio_intrinsics_follow_the_pictures_size_and_the_angle(tmp_path: Path) -> None:
    """An angle of 2 atan(1/2) is a focal length of the width; w and h are those of pictures twice as large."""
    top = {"camera_angle_x": 2 * np.arctan(0.5), "w": 128, "h": 96, "fl_x": None, "fl_y": None, "cx": 64, "cy": 48}
    root = write_nerfstudio(tmp_path, **top)
    text = (root / "transforms.json").read_text().replace('"fl_x": null, "fl_y": null, ', "")
    (root / "transforms.json").write_text(text)
    (scene,) = read_scenes(root)
    np.testing.assert_allclose(load_layers(scene, scene.frames[0]).K, pose_K(), atol=1e-9)
    assert any("masks were left out" in note for note in scene.notes)


def test_plain_folders(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "renders")
    (scene,) = read_scenes(root, "folders", SceneMapping.from_toml(FOLDERS_TOML))
    assert scene.patient == "P7"
    same_as_truth([load_layers(scene, frame) for frame in scene.frames], depth_mm=0.0051)


def test_plain_folders_of_several_patients(tmp_path: Path) -> None:
    for name in ("A", "B"):
        write_folders(tmp_path / "in between" / name)
        write_folders(tmp_path / "turned" / name)
    toml = FOLDERS_TOML.replace('patient = "P7"', "")
    mapping = SceneMapping.from_toml(toml)
    scenes = read_scenes(tmp_path / "in between", "folders", mapping)
    assert [s.patient for s in scenes] == ["A", "B"]
    same_as_truth([load_layers(scenes[1], frame) for frame in scenes[1].frames], depth_mm=0.0051)
    rows = [{"frame": f"img_{i:03d}", "K": pose_K().tolist(), "camera_to_world": np.eye(4).tolist()} for i in range(3)]
    for name in ("A", "B"):
        (tmp_path / "in between" / name / "frames.json").write_text(json.dumps(rows))
    posed = read_scenes(
        tmp_path / "in between", "folders", SceneMapping.from_toml(toml.replace("fx = 64", 'file = "frames.json"'))
    )
    same_as_truth([load_layers(posed[1], frame) for frame in posed[1].frames], depth_mm=0.0051)
    np.testing.assert_array_equal(load_layers(posed[1], posed[1].frames[0]).camera_to_world, np.eye(4))
    for folder in ("images", "masks", "range", "nrm"):
        toml = toml.replace(f'"{folder}"', f'"turned/{{patient}}/{folder}"')
    by_name = SceneMapping.from_toml(toml)
    assert [s.patient for s in read_scenes(tmp_path, "folders", by_name)] == ["A", "B"]


def test_blenderproc_instances_by_the_names_of_their_objects(tmp_path: Path) -> None:
    """Instances 1 to 3 are liver, wall and tool, all of category 1; 0 is the background."""
    number = {1: 1, 3: 2, 6: 3}
    rows = [{"idx": n, "category_id": 1, "name": f"{name}.00{n}"} for n, name in enumerate(NAMES.values(), 1)]
    instances_HW = np.vectorize(number.get)(sphere_scene(0).ids_HW).astype(np.uint8)
    root = write_blenderproc(tmp_path / "r", frames=1, class_segmaps=None, instance_attribute_maps=rows,
                             instance_segmaps=instances_HW)  # fmt: skip
    np.testing.assert_array_equal(loaded(root)[0].segmentation_HW, sphere_scene(0).ids_HW)


def test_a_category_0_that_has_a_name_is_no_background(tmp_path: Path) -> None:
    truth = sphere_scene(0).ids_HW
    root = write_blenderproc(tmp_path / "r", frames=1, instance_attribute_maps=None,
                             class_segmap_mapping={"liver": 0, "fat": 1},
                             class_segmaps=np.where(truth == 1, 0, 1).astype(np.uint8))  # fmt: skip
    np.testing.assert_array_equal(loaded(root)[0].segmentation_HW, np.where(truth == 1, 1, 4))
