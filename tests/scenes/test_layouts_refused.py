"""What is wrong in scenes of other programs: one line that says what, where and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from studio.files.pictures import read_rgb, write_png
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import load_layers, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import sphere_scene
from tests.scenes.layout_files import (
    BOP_MAPPING,
    FOLDERS_TOML,
    write_blenderproc,
    write_bop,
    write_channels,
    write_folders,
    write_nerfstudio,
    write_picture,
    write_solo,
)

BOP = SceneMapping(classes=BOP_MAPPING)


def refused(root: Path, words: str, mapping: SceneMapping = NO_MAPPING, layout: str = "auto") -> InputError:
    with pytest.raises(InputError, match=words) as caught:
        read_scenes(root, layout, mapping)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.remedy
    assert caught.value.where
    return caught.value


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# -- BlenderProc


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"depth": np.full((48, 64), np.nan, np.float32)}, r"0\.hdf5: the depth of 3072 pixels is no number \(NaN\)"),
        ({"depth": np.full((48, 64), -0.1, np.float32)}, r"0\.hdf5: the depth holds negative values"),
        ({"depth": np.ones((24, 32), np.float32)}, r"dataset 'depth' has 32x24 px, its render 64x48 px"),
        (
            {"class_segmaps": np.full((48, 64), 9, np.uint8)},
            r"no studio class for '9'.*classes = \{\"9\" = \"CLASS\"\}",
        ),
        ({"class_segmaps": np.full((48, 64), 0.5)}, "holds no whole category ids"),
        ({"colors": np.zeros((48, 64, 3), np.float32)}, "'colors' is float32"),
        ({"normals": np.zeros((48, 64, 1), np.float32)}, "not three channels"),
        ({"camera_pose": {"K": 1}}, r"camera_pose has no 'cam_K' \(it has 'K'\)"),
        ({"camera_pose": {"cam_K": [1, 2]}}, "'cam_K' in camera_pose is not 9 numbers"),
        ({"object_states": b"{no"}, "'object_states' holds no JSON"),
        (
            {"depth": None, "distance": np.ones((48, 64), np.float32), "camera_pose": None},
            "'distance' runs along the ray",
        ),
    ],
)
def test_wrong_datasets(tmp_path: Path, replaced: dict[str, Any], words: str) -> None:
    refused(write_blenderproc(tmp_path / "r", **replaced), words)


def test_a_dataset_that_one_file_lacks(tmp_path: Path) -> None:
    root = write_blenderproc(tmp_path)
    with h5py.File(root / "1.hdf5", "a") as file:
        del file["depth"]
    refused(root, r"1\.hdf5: has no dataset 'depth' \(it holds camera_pose, class_segmaps, colors")


def test_a_truncated_hdf5_file(tmp_path: Path) -> None:
    root = write_blenderproc(tmp_path)
    path = root / "2.hdf5"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(root, r"2\.hdf5: the HDF5 file is damaged or cut short")
    with pytest.raises(InputError, match="damaged"):
        read_rgb(path)


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    root = write_blenderproc(tmp_path / "r", frames=1)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["colors"] = np.zeros((48, 64, 3), np.uint8)
    with h5py.File(root / "0.hdf5", "a") as file:
        del file["colors"]
        file["colors"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "colors")
    refused(root, "'colors' lies in another file", layout="blenderproc")


def test_a_dataset_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    """Nothing of it is stored: all chunks are empty, and the file has a few kilobytes."""
    root = write_blenderproc(tmp_path, frames=1)
    with h5py.File(root / "0.hdf5", "a") as file:
        del file["depth"]
        file.create_dataset("depth", shape=(60_000, 60_000), dtype="f4", chunks=(1000, 1000), compression="gzip")
    refused(root, r"'depth' is of shape \(60000, 60000\)")


def test_a_stereo_pair_gives_the_left_picture_and_alpha_lies_over_black(tmp_path: Path) -> None:
    left = np.zeros((48, 64, 4), np.uint8)
    left[...] = (200, 100, 50, 255)
    left[0, 0, 3] = 0
    with h5py.File(tmp_path / "0.hdf5", "w") as file:
        file["colors"] = np.stack([left, np.full_like(left, 9)])
    rgb_HW3 = read_rgb(tmp_path / "0.hdf5")
    assert rgb_HW3.shape == (48, 64, 3)
    assert rgb_HW3[0, 0].tolist() == [0, 0, 0]
    assert rgb_HW3[1, 1].tolist() == [200, 100, 50]


def test_millimetres_in_blender_are_proposed_and_then_taken(tmp_path: Path) -> None:
    """A body modelled with a unit of 1 mm arrives a thousand times too large."""
    root = tmp_path / "r"
    write_blenderproc(root, frames=1)
    with h5py.File(root / "0.hdf5", "a") as file:
        file["depth"][...] = sphere_scene(0).depth_HW
    error = refused(root, "looks like micrometres")
    assert "geometry = {scale = 0.001}" in error.remedy
    (scene,) = read_scenes(root, "auto", SceneMapping.from_toml("geometry = {scale = 0.001}"))
    layers = load_layers(scene, scene.frames[0])
    np.testing.assert_allclose(layers.depth_HW, sphere_scene(0).depth_HW, rtol=1e-6)
    # Poses follow: camera at (-20, 10, -30) and tool at (4, 5, 6) as metres, a thousandth of that as millimetres.
    assert layers.camera_to_world is not None
    np.testing.assert_allclose(layers.camera_to_world[:, 3], [-0.020, 0.010, -0.030, 1], atol=1e-9)
    np.testing.assert_allclose([row[3] for row in layers.tools[0].tool_to_world], [0.004, 0.005, 0.006, 1], atol=1e-9)


# -- SOLO


@pytest.mark.parametrize(
    ("capture", "words"),
    [
        ({"filename": "../../secret.png"}, r"step0\.frame_data\.json: names a file outside its folder"),
        ({"filename": "/etc/secret.png"}, "names a file outside its folder"),
        ({"filename": "C:\\secret.png"}, "names a file outside its folder"),
        ({"filename": "picture.png"}, "is not named after its step"),
        ({"matrix": [1, 2, 3]}, "'matrix' in capture 'camera' is not 9 numbers"),
        ({"rotation": [0, 0, 0, 0]}, "quaternion"),
        ({"projection": "Orthographic"}, "projection 'Orthographic'"),
        ({"annotations": "none"}, "'annotations' in capture 0 is no list"),
        ({"annotations": ["none"]}, "an annotation of capture 0 is no object"),
        ({"filename": None}, "the rgb of a capture was not saved"),
    ],
)
def test_wrong_captures(tmp_path: Path, capture: dict[str, Any], words: str) -> None:
    write_png(tmp_path / "secret.png", sphere_scene(0).rgb_HW3)
    refused(write_solo(tmp_path / "solo", **capture), words)


def test_a_solo_colour_without_a_label_is_named(tmp_path: Path) -> None:
    root = write_solo(tmp_path)
    labels = np.full((48, 64, 4), (1, 2, 3, 255), np.uint8)
    write_picture(root / "sequence.0/step1.camera.semantic segmentation.png", labels)
    refused(root, r"colour #010203 belongs to no label of step1\.frame_data\.json")


def test_solo_labels_without_a_class_are_all_named(tmp_path: Path) -> None:
    root = write_solo(tmp_path)
    for path in root.glob("sequence.*/*.json"):
        path.write_text(path.read_text().replace("Liver", "Cube").replace("tool tip", "Lamp"))
    refused(root, r"no studio class for 'Cube', 'Lamp'.*\"Cube\" = \"CLASS\", \"Lamp\" = \"CLASS\"")
    (scene,) = read_scenes(root, "auto", SceneMapping(classes={"cube": "liver", "Lamp": "ignore"}))
    ids_HW = load_layers(scene, scene.frames[0]).segmentation_HW
    truth = sphere_scene(0).ids_HW
    np.testing.assert_array_equal(ids_HW, np.where(truth == 6, 255, truth))


def test_solo_depth_of_both_kinds_is_refused(tmp_path: Path) -> None:
    root = write_solo(tmp_path)
    edit_json(root / "sequence.0/step1.frame_data.json",
              lambda c: c["captures"][0]["annotations"][1].update(measurementStrategy="Range"))  # fmt: skip
    refused(root, "measurementStrategy is Depth and Range")


# -- BOP


def test_bop_objects_without_a_class_are_named_with_the_mapping_to_write(tmp_path: Path) -> None:
    error = refused(write_bop(tmp_path), r"scene_gt\.json: no studio class for '10', '30', '60'")
    assert 'classes = {"10" = "CLASS", "30" = "CLASS", "60" = "CLASS"}' in error.remedy


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("scene_camera.json", lambda c: c.pop("1"), r"scene_camera\.json: has no image 1"),
        ("scene_camera.json", lambda c: c["0"].pop("cam_K"), r"image 0 has no 'cam_K' \(it has 'depth_scale'"),
        ("scene_camera.json", lambda c: c["0"].pop("depth_scale"), "image 0 has no 'depth_scale'"),
        ("scene_camera.json", lambda c: c["2"].update(cam_R_w2c=[2] * 9), "image 2: the 3x3 part is no rotation"),
        ("scene_gt.json", lambda c: c["1"][0].pop("obj_id"), "image 1, object 0 has no 'obj_id'"),
        ("scene_gt.json", lambda c: c.update({"1": 5}), "'image 1' in image 1 is no list"),
    ],
)
def test_wrong_bop_tables(tmp_path: Path, file: str, change: Callable[[Any], None], words: str) -> None:
    root = write_bop(tmp_path)
    edit_json(root / "train/000001" / file, change)
    refused(root, words, BOP)


def test_a_missing_bop_mask_and_depth(tmp_path: Path) -> None:
    root = write_bop(tmp_path)
    (root / "train/000001/depth/000001.png").unlink()
    (scene,) = read_scenes(root, "auto", BOP)
    assert any("1 frames have no depth: 000001.png" in note for note in scene.notes)
    (root / "train/000001/mask_visib/000001_000002.png").unlink()
    refused(root, r"1 of 3 renders have no mask for each object: 000001\.png", BOP)


# -- nerfstudio


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["frames"][1].update(file_path="../../x.png"), "names a file outside its folder"),
        (lambda c: c["frames"][1].update(depth_file_path="/x.png"), "names a file outside its folder"),
        (lambda c: c["frames"][1].pop("transform_matrix"), "frame 1 has no 'transform_matrix'"),
        (lambda c: c["frames"][1].update(file_path="images/gone.png"), r"1 of 3 pictures .* not there: gone\.png"),
        (lambda c: c.pop("frames"), "the file has no 'frames'"),
        (lambda c: c.pop("fl_x"), "has no 'camera_angle_x'"),
        (lambda c: c.update(camera_model="EQUIRECTANGULAR"), "camera_model is 'EQUIRECTANGULAR'"),
        (lambda c: c["frames"][0].update(transform_matrix=[[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
         "no rotation"),
    ],
)  # fmt: skip
def test_wrong_transforms(tmp_path: Path, change: Callable[[Any], None], words: str) -> None:
    root = write_nerfstudio(tmp_path / "n")
    edit_json(root / "transforms.json", change)
    refused(root, words)


def test_nerfstudio_distortion_is_said(tmp_path: Path) -> None:
    (scene,) = read_scenes(write_nerfstudio(tmp_path, k1=0.1))
    assert any("a distorting lens (k1): pictures and labels stay as they are" in note for note in scene.notes)


def test_nerfstudio_coefficients_that_do_not_describe_the_picture_are_said(tmp_path: Path) -> None:
    """The corners' bent radius is 0.62; with k1 = -0.6 no ray is seen beyond 2/3 sqrt(1 / 1.8) = 0.497."""
    (scene,) = read_scenes(write_nerfstudio(tmp_path, k1=-0.6))
    assert any("of each picture lie beyond what k1 describe" in note for note in scene.notes)


def test_nerfstudio_coefficients_are_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"transforms.json: 'k1' in frame 'images/frame_00000.png' is not 1 numbers"):
        read_scenes(write_nerfstudio(tmp_path, k1="wide"))


# -- plain folders


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"#00c800" = "abdominal wall"', "", r"no studio class for '#00c800'.*classes = \{\"#00c800\" = \"CLASS\"\}"),
        ('encoding = "colour"', 'encoding = "grey"', 'coloured.*layers.segmentation.encoding = "colour"'),
        ('folder = "range"', 'folder = "ranges"', "there is no folder 'ranges'.*layers.depth.folder"),
        ('folder = "nrm"', 'folder = "../nrm"', "names a file outside its folder"),
        ("mm_per_unit = 0.01", "", r"needs its scale.*mm_per_unit"),
        ("fx = 64", "", "along the ray needs the camera's K"),
        ("mm_per_unit = 0.01", "mm_per_unit = 0.00001", "looks like metres"),
        ('depth_kind = "ray"', "", r'is the distance along the ray.*depth_kind = "ray"'),
        ('axes = "opengl"', "", r'normals_flip = "yz"'),
        ("fx = 64", 'file = "gone.json"', r"gone\.json: there is no such file"),
        ('rgb = { folder = "images" }', "", "names the pictures' folder"),
    ],
)
def test_wrong_mappings_of_plain_folders(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in FOLDERS_TOML
    refused(write_folders(tmp_path), words, SceneMapping.from_toml(FOLDERS_TOML.replace(old, new)), "folders")


def test_files_of_plain_folders_that_miss_or_are_of_another_kind(tmp_path: Path) -> None:
    root, mapping = write_folders(tmp_path), SceneMapping.from_toml(FOLDERS_TOML)
    (root / "masks/mask_001.png").unlink()
    refused(root, r"1 of 3 renders have no segmentation file \(colour\): img_001\.png", mapping, "folders")
    write_picture(root / "masks/mask_001.png", np.zeros((48, 64, 3), np.uint8) + 7)
    refused(root, "no studio class for '#070707'", mapping, "folders")
    write_folders(tmp_path)
    write_picture(root / "range/img_001_range.png", np.ones((48, 64), np.uint8))
    refused(root, r"img_001_range\.png: not a 16-bit picture", mapping, "folders")


def test_numpy_depth_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    root = write_folders(tmp_path)
    for i in range(3):
        np.save(root / f"range/{i:03d}.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    text = FOLDERS_TOML.replace('encoding = "png16"\nmm_per_unit = 0.01', 'encoding = "npy"')
    refused(root, r"000\.npy: not a readable \.npy array", SceneMapping.from_toml(text), "folders")


def test_a_numpy_header_that_lies_is_refused(tmp_path: Path) -> None:
    root = write_folders(tmp_path)
    for i in range(3):
        np.save(root / f"range/{i:03d}.npy", sphere_scene(i).depth_HW)
    whole = (root / "range/001.npy").read_bytes()
    (root / "range/001.npy").write_bytes(whole.replace(b"(48, 64)", b"(99999, 99999)")[: len(whole)])
    text = FOLDERS_TOML.replace('encoding = "png16"\nmm_per_unit = 0.01', 'encoding = "npy"')
    refused(root, r"001\.npy: not a readable", SceneMapping.from_toml(text.replace('"ray"', '"planar"')), "folders")


def test_nan_in_an_exr_depth_of_our_own_layout_is_refused(tmp_path: Path) -> None:
    from tests.making import make_frames_scene

    root = make_frames_scene(tmp_path)
    depth_HW = sphere_scene(1).depth_HW.copy()
    depth_HW[5, 5] = np.nan
    write_channels(root / "depth/000001.exr", Y=depth_HW)
    refused(root, r"000001\.exr: the depth of 1 pixels is no number")


def test_one_patient_for_several_scenes_is_refused(tmp_path: Path) -> None:
    write_bop(tmp_path, scene="000001")
    write_bop(tmp_path, scene="000002")
    refused(tmp_path, "2 scenes can't all be the patient 'P'", SceneMapping(classes=BOP_MAPPING, patient="P"))
