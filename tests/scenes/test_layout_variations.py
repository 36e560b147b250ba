"""What the formats' tools write in other ways than the plain case: each comes back as the same truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest

from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import load_layers, read_scenes
from studio.vocabulary.frames import Layers, SceneFiles
from tests.making import pose_K, sphere_scene
from tests.scenes.layout_files import (
    BOP_MAPPING,
    NERFSTUDIO_MAPPING,
    QUARTER_TURN_W2C,
    opengl_01,
    ray_lengths,
    write_blenderproc,
    write_bop,
    write_channels,
    write_nerfstudio,
    write_picture,
    write_solo,
)

BOP = SceneMapping(classes=BOP_MAPPING)
NERF = SceneMapping(classes=NERFSTUDIO_MAPPING)
FIELD_OF_VIEW = 2 * np.degrees(np.arctan(0.5))
"""A focal length as long as the picture is wide."""


def added(root: Path, mapping: SceneMapping = NO_MAPPING) -> tuple[SceneFiles, list[Layers]]:
    (scene,) = read_scenes(root, "auto", mapping)
    return scene, [load_layers(scene, frame) for frame in scene.frames]


def is_truth(layers: Layers, frame: int, *, depth_mm: float, normals: bool = True) -> None:
    truth = sphere_scene(frame)
    np.testing.assert_array_equal(layers.rgb_HW3, truth.rgb_HW3)
    np.testing.assert_array_equal(layers.segmentation_HW, truth.ids_HW)
    assert layers.depth_HW is not None
    assert abs(layers.depth_HW - truth.depth_HW).max() <= depth_mm
    np.testing.assert_allclose(layers.K, pose_K(), atol=1e-6)
    assert (layers.normals_HW3 is not None) == normals
    if layers.normals_HW3 is not None:
        assert (layers.normals_HW3 * truth.normals_HW3).sum(axis=2).min() > np.cos(np.radians(0.1))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# -- BlenderProc


def stereo(root: Path, *, apart: bool) -> Path:
    """Each dataset twice, the right one wrong: as 2 x H x W ..., or as NAME_0 and NAME_1."""
    write_blenderproc(root)
    for path in root.glob("*.hdf5"):
        with h5py.File(path, "a") as file:
            for name in ("colors", "depth", "normals", "class_segmaps"):
                left = file[name][()]
                del file[name]
                if apart:
                    file[f"{name}_0"], file[f"{name}_1"] = left, np.zeros_like(left)
                else:
                    file[name] = np.stack([left, np.zeros_like(left)])
    return root


@pytest.mark.parametrize("apart", [False, True])
def test_blenderproc_stereo_gives_the_left_frame(tmp_path: Path, apart: bool) -> None:
    _, frames = added(stereo(tmp_path / "s", apart=apart))
    is_truth(frames[1], 1, depth_mm=1e-3)


def test_blenderproc_texts_of_any_kind_beside_versions_and_other_passes(tmp_path: Path) -> None:
    """JSON as str and as bytes with closing zeros, versions as scalars, passes that the studio has no use for."""
    root = write_blenderproc(tmp_path / "r", blender_proc_version=b"2.7.1", colors_version=b"2.0.0",
                             diffuse=np.zeros((48, 64, 3), np.uint8), forward_flow=np.zeros((48, 64, 2), np.float32),
                             lightstates=[{"name": "light", "energy": 3.0}])  # fmt: skip
    for path in root.glob("*.hdf5"):
        with h5py.File(path, "a") as file:
            pose, names = bytes(file["camera_pose"][()]), bytes(file["instance_attribute_maps"][()])
            del file["camera_pose"], file["instance_attribute_maps"]
            file["camera_pose"] = pose.decode()
            file.create_dataset("instance_attribute_maps", data=np.bytes_(names), dtype=f"S{len(names) + 5}")
    _, frames = added(root)
    is_truth(frames[2], 2, depth_mm=1e-3)


def test_blenderproc_nothing_hit_is_nothing_there(tmp_path: Path) -> None:
    """Blender writes 1e10 where no surface is; the normals there decode from 0, 0, 0."""
    truth = sphere_scene(0)
    depth_HW, normals_HW3 = truth.depth_HW / 1000, opengl_01(truth)
    depth_HW[:, 40:], normals_HW3[:, 40:] = 1e10, 0
    root = write_blenderproc(tmp_path / "r", frames=1, depth=depth_HW, normals=normals_HW3)
    _, frames = added(root)
    assert frames[0].depth_HW is not None
    assert frames[0].normals_HW3 is not None
    assert not frames[0].depth_HW[:, 40:].any()
    assert not frames[0].normals_HW3[:, 40:].any()
    assert abs(frames[0].depth_HW - truth.depth_HW)[:, :40].max() < 1e-3


def test_blenderproc_without_a_camera_takes_the_mappings(tmp_path: Path) -> None:
    """Files of write_hdf5 hold no camera unless it is asked for; the distance along the ray needs one."""
    root = write_blenderproc(tmp_path / "r", kind="distance", camera_pose=None)
    scene, frames = added(root, SceneMapping.from_toml(f"camera = {{field_of_view = {FIELD_OF_VIEW}}}"))
    is_truth(frames[0], 0, depth_mm=1e-3)
    assert any("poses are unknown" in note for note in scene.notes)


def test_blenderproc_category_ids_and_objects_with_properties(tmp_path: Path) -> None:
    """enable_segmentation_output(map_by=["category_id", "instance", "name"]) and object states with a property."""
    tool = {"name": "hook", "customprop_category_id": 6, "matrix_world": np.eye(4).tolist()}
    root = write_blenderproc(tmp_path / "r", class_segmaps=None, category_id_segmaps=sphere_scene(0).ids_HW, frames=1,
                             object_states=[tool, {"name": "Lamp"}], instance_attribute_maps=None)  # fmt: skip
    mapping = SceneMapping(classes={"1": "liver", "3": "abdominal wall", "6": "tool tip"})
    _, frames = added(root, mapping)
    is_truth(frames[0], 0, depth_mm=1e-3)
    assert [t.name for t in frames[0].tools] == ["hook"]


# -- SOLO


def test_solo_frames_without_captures_and_without_labelled_objects(tmp_path: Path) -> None:
    """The exporter leaves lists out when nothing was added to them."""
    root = write_solo(tmp_path / "solo", frames=4)
    edit(root / "sequence.0/step0.frame_data.json", lambda c: c.pop("captures"))
    write_picture(root / "sequence.1/step1.camera.semantic segmentation.png", np.zeros((48, 64, 4), np.uint8))
    edit(root / "sequence.1/step1.frame_data.json", lambda c: c["captures"][0]["annotations"][0].pop("instances"))
    scene, frames = added(root)
    assert [f.name for f in scene.frames] == ["0.step1.camera", "1.step0.camera", "1.step1.camera"]
    is_truth(frames[1], 2, depth_mm=1e-3)
    assert frames[2].segmentation_HW is not None
    assert not frames[2].segmentation_HW.any()


def test_solo_that_was_cut_off_and_several_below_one_folder(tmp_path: Path) -> None:
    """metadata.json is written when the simulation ends; Unity numbers its data sets solo, solo_1, ..."""
    write_solo(tmp_path / "solo")
    (write_solo(tmp_path / "solo_1") / "metadata.json").unlink()
    assert [s.patient for s in read_scenes(tmp_path)] == ["solo", "solo_1"]
    _, frames = added(tmp_path / "solo_1")
    is_truth(frames[2], 2, depth_mm=1e-3)


def test_solo_instances_stand_in_where_there_are_no_classes(tmp_path: Path) -> None:
    """Two instances of one label; boxes and keypoints are passed over."""
    root = write_solo(tmp_path / "solo", frames=1)

    def by_instance(content: Any) -> None:
        annotations = content["captures"][0]["annotations"]
        labels = annotations[0]
        labels["@type"] = "type.unity.com/unity.solo.InstanceSegmentationAnnotation"
        for number, row in enumerate(labels["instances"]):
            row |= {"instanceId": number, "labelId": number, "color": row.pop("pixelValue")}
        labels["instances"].append({"instanceId": 9, "labelId": 0, "labelName": "Liver", "color": [9, 9, 9, 255]})
        for kind in ("BoundingBox2D", "BoundingBox3D", "Keypoint"):
            annotations.insert(0, {"@type": f"type.unity.com/unity.solo.{kind}Annotation", "id": kind, "values": []})

    edit(root / "sequence.0/step0.frame_data.json", by_instance)
    path = root / "sequence.0/step0.camera.semantic segmentation.png"
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    labels[20:25, 10:20][sphere_scene(0).ids_HW[20:25, 10:20] == 1] = (9, 9, 9, 255)
    cv2.imwrite(str(path), labels)
    _, frames = added(root)
    is_truth(frames[0], 0, depth_mm=1e-3)


def test_solo_two_cameras_are_two_frames_with_their_own_poses(tmp_path: Path) -> None:
    root = write_solo(tmp_path / "solo", frames=1)
    folder = root / "sequence.0"
    for path in folder.glob("step0.camera.*"):
        shutil.copy(path, folder / path.name.replace(".camera.", ".second."))

    def twice(content: Any) -> None:
        second = json.loads(json.dumps(content["captures"][0]).replace("step0.camera.", "step0.second."))
        content["captures"].append(second | {"id": "second", "position": [1.0, 0.0, 0.0]})

    edit(folder / "step0.frame_data.json", twice)
    scene, frames = added(root)
    assert [f.name for f in scene.frames] == ["0.step0.camera", "0.step0.second"]
    for layers, x in zip(frames, (100, 1000), strict=True):
        is_truth(layers, 0, depth_mm=1e-3)
        assert layers.camera_to_world is not None
        assert layers.camera_to_world[0, 3] == pytest.approx(x)


def test_solo_quaternion_of_a_general_turn(tmp_path: Path) -> None:
    """Unity applies z, x, y turns in this order, left-handed: a camera pitched down by 30 degrees looks along
    (0, -sin 30, cos 30) with y up; with the world's y turned over, that is (0, +0.5, 0.866).
    """
    half = np.radians(15)
    root = write_solo(tmp_path / "solo", frames=1, rotation=[np.sin(half), 0, 0, np.cos(half)])
    _, frames = added(root)
    pose = frames[0].camera_to_world
    assert pose is not None
    np.testing.assert_allclose(pose[:3, 2], [0, 0.5, np.sqrt(0.75)], atol=1e-9)
    np.testing.assert_allclose(pose[:3, 0], [1, 0, 0], atol=1e-9)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)


# -- BOP


def as_jpeg(folder: Path) -> None:
    for path in (folder / "rgb").glob("*.png"):
        picture = cv2.imread(str(path))
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".jpg")), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])


def as_grey(folder: Path) -> None:
    (folder / "rgb").rename(folder / "gray")
    for path in (folder / "gray").glob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def depth_as_tiff(folder: Path) -> None:
    for path in (folder / "depth").glob("*.png"):
        values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".tif")), values)


def unseen_object(folder: Path) -> None:
    """A fourth object that nothing is seen of, and no mask of it."""
    edit(folder / "scene_gt.json", lambda c: c["1"].append({**c["1"][0], "obj_id": 10}))
    info = {str(i): [{"px_count_visib": 9}] * 3 for i in range(3)}
    info["1"] = [*info["1"], {"px_count_visib": 0, "visib_fract": 0.0}]
    (folder / "scene_gt_info.json").write_text(json.dumps(info))


@pytest.mark.parametrize("change", [as_jpeg, as_grey, depth_as_tiff, unseen_object])
def test_bop_variations(tmp_path: Path, change: Callable[[Path], None]) -> None:
    root = write_bop(tmp_path / "d")
    change(root / "train/000001")
    _, frames = added(root, BOP)
    truth = sphere_scene(1)
    np.testing.assert_array_equal(frames[1].segmentation_HW, truth.ids_HW)
    assert frames[1].depth_HW is not None
    assert abs(frames[1].depth_HW - truth.depth_HW).max() <= 0.0051
    np.testing.assert_allclose(frames[1].K, pose_K(), atol=1e-9)
    grey = truth.rgb_HW3 @ [0.299, 0.587, 0.114] if change is as_grey else truth.rgb_HW3.mean(axis=2)
    assert abs(frames[1].rgb_HW3.mean(axis=2) - grey).mean() < 2


def test_bop_chunks_of_a_rendered_split_and_images_without_truth(tmp_path: Path) -> None:
    """train_pbr holds chunks; a test split without scene_gt.json has no labels, and none are asked for."""
    for scene in ("000000", "000001"):
        write_bop(tmp_path, scene=scene)
    (tmp_path / "train").rename(tmp_path / "train_pbr")
    assert [s.patient for s in read_scenes(tmp_path, "auto", BOP)] == ["train_pbr-000000", "train_pbr-000001"]
    for scene in ("000000", "000001"):
        (tmp_path / "train_pbr" / scene / "scene_gt.json").unlink()
        shutil.rmtree(tmp_path / "train_pbr" / scene / "mask_visib")
    scenes = read_scenes(tmp_path)
    assert all("no labels" in s.notes for s in scenes)
    assert load_layers(scenes[0], scenes[0].frames[0]).segmentation_HW is None


# -- nerfstudio


def in_frames(content: Any) -> None:
    """Intrinsics in each frame, as from several cameras; the others stand in no one's way."""
    own = {key: content.pop(key) for key in ("fl_x", "fl_y", "cx", "cy", "w", "h")}
    for number, row in enumerate(content["frames"]):
        row |= own | {"colmap_im_id": number}
    content |= {"applied_transform": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0]], "ply_file_path": "points.ply"}


def angle_alone(content: Any) -> None:
    """instant-ngp and the first NeRF: no more than an angle of view."""
    for key in ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_model"):
        del content[key]
    content |= {"camera_angle_x": np.radians(FIELD_OF_VIEW), "aabb_scale": 16, "scale": 0.33, "offset": [0.5, 0.5, 0.5]}


def without_endings(content: Any) -> None:
    for row in content["frames"]:
        row["file_path"] = "./" + row["file_path"].removesuffix(".png")


def windows_paths(content: Any) -> None:
    for row in content["frames"]:
        row |= {key: row[key].replace("/", "\\") for key in ("file_path", "depth_file_path", "mask_path")}


def scaled_world(content: Any) -> None:
    content["applied_scale"] = 0.5
    for row in content["frames"]:
        for line in row["transform_matrix"][:3]:
            line[3] *= 0.5


@pytest.mark.parametrize("change", [in_frames, angle_alone, without_endings, windows_paths, scaled_world])
def test_nerfstudio_variations(tmp_path: Path, change: Callable[[Any], None]) -> None:
    root = write_nerfstudio(tmp_path / "n")
    edit(root / "transforms.json", change)
    _, frames = added(root, NERF)
    for number, layers in enumerate(frames):
        is_truth(layers, number, depth_mm=0.501, normals=False)
        expected = [[0, 0, 1, 100], [-1, 0, 0, 200], [0, -1, 0, 300], [0, 0, 0, 1]]
        np.testing.assert_allclose(layers.camera_to_world, expected, atol=1e-9)


@pytest.mark.parametrize(("ending", "unit"), [(".exr", None), (".exr", 1.0), (".npy", None), (".npy", 1.0),
                                              (".png", 0.0001)])  # fmt: skip
def test_nerfstudio_depth_is_its_values_times_the_unit(tmp_path: Path, ending: str, unit: float | None) -> None:
    """Values in mm where no unit is named; else as many units of a metre."""
    root = write_nerfstudio(tmp_path / "n")
    for i in range(3):
        values, path = sphere_scene(i).depth_HW / (1000 * (unit or 0.001)), root / f"depth/frame_{i:05d}{ending}"
        if ending == ".exr":
            write_channels(path, Y=values)
        elif ending == ".npy":
            np.save(path, values)
        else:
            write_picture(path, np.rint(values).astype(np.uint16))

    def named(content: Any) -> None:
        content |= {} if unit is None else {"depth_unit_scale_factor": unit}
        for row in content["frames"]:
            row["depth_file_path"] = row["depth_file_path"].replace(".png", ending)

    edit(root / "transforms.json", named)
    _, frames = added(root, NERF)
    is_truth(frames[2], 2, depth_mm=0.051, normals=False)


def test_nerfstudio_jpegs_without_endings(tmp_path: Path) -> None:
    root = write_nerfstudio(tmp_path / "n")
    for path in (root / "images").glob("*.png"):
        cv2.imwrite(str(path.with_suffix(".jpg")), cv2.imread(str(path)))
        path.unlink()
    edit(root / "transforms.json", without_endings)
    scene, _ = added(root, NERF)
    assert [f.rgb.name for f in scene.frames] == [f"frame_{i:05d}.jpg" for i in range(3)]


# -- what belongs to every layout


def test_a_camera_of_the_scenes_own_is_not_overruled(tmp_path: Path) -> None:
    from studio.vocabulary.errors import InputError

    mapping = SceneMapping.from_toml("camera = {field_of_view = 60}")
    for root in (write_blenderproc(tmp_path / "b"), write_solo(tmp_path / "s")):
        with pytest.raises(InputError, match="has its own intrinsics"):
            read_scenes(root, "auto", mapping)


def test_distance_and_ray_lengths_of_the_writers() -> None:
    """The writers' own rays: the corner pixel's centre lies 31.5 and 23.5 px off the middle, f = 64."""
    assert ray_lengths()[0, 0] == pytest.approx(np.sqrt(1 + (31.5**2 + 23.5**2) / 64**2))
    assert np.linalg.det(np.reshape(QUARTER_TURN_W2C, (3, 3))) == pytest.approx(1)
