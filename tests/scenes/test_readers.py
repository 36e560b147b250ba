from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from studio.files.pictures import write_exr, write_png
from studio.scenes.readers import detect_layout, load_layers, load_layers_of, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import LOADER, PUBLISHED, make_frames_scene, make_image2image, pose_K, sphere_scene


@pytest.mark.parametrize(("greys", "name"), [(PUBLISHED, "published"), (LOADER, "loader")])
def test_both_grey_encodings_are_found_and_give_the_same_ids(tmp_path, greys, name):
    scenes = read_scenes(make_image2image(tmp_path, greys=greys))
    assert [s.patient for s in scenes] == ["3Dircadb1.1", "3Dircadb1.2"]
    scene = scenes[0]
    assert scene.encoding["labels"] == name
    assert any(f"'{name}'" in note for note in scene.notes)
    assert any("stylernd" in note for note in scene.notes)
    for i, frame in enumerate(scene.frames):
        layers = load_layers(scene, frame)
        truth = sphere_scene(i)
        np.testing.assert_array_equal(layers.segmentation_HW, truth.ids_HW)
        np.testing.assert_array_equal(layers.rgb_HW3, truth.rgb_HW3)
        np.testing.assert_array_equal(layers.depth_HW, truth.depth_HW)


def test_the_folder_simulated_or_one_patient_may_be_named(tmp_path):
    root = make_image2image(tmp_path / "data set ü", greys=PUBLISHED)
    assert len(read_scenes(root / "simulated")) == 2
    assert [s.patient for s in read_scenes(root / "simulated" / "3Dircadb1.2")] == ["3Dircadb1.2"]


def test_missing_depth_is_tolerated_and_said(tmp_path):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    (root / "depths/simulated/P/depths/depth00001.exr").unlink()
    scene = read_scenes(root)[0]
    assert scene.frames[1].depth is None
    assert any("img00001.png" in note and "no depth" in note for note in scene.notes)
    assert load_layers(scene, scene.frames[1]).depth_HW is None


def test_a_missing_label_is_named(tmp_path):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    (root / "labels/simulated/P/labels/lbl00001.png").unlink()
    with pytest.raises(InputError, match=r"1 of 3 renders have no label picture: img00001\.png"):
        read_scenes(root)


def test_an_unknown_grey_value_is_named_with_its_file(tmp_path):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    write_png(root / "labels/simulated/P/labels/lbl00001.png", np.full((48, 64), 99, np.uint8))
    with pytest.raises(InputError, match=r"lbl00001\.png.*grey value 99"):
        read_scenes(root)


def test_a_mixture_of_encodings_is_refused(tmp_path):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    write_png(root / "labels/simulated/P/labels/lbl00002.png", np.full((48, 64), 89, np.uint8))
    with pytest.raises(InputError, match="89"):
        read_scenes(root)


def test_void_only_labels_are_taken_as_published_and_said(tmp_path):
    root = make_image2image(tmp_path, greys=(0,) * 8, patients=("P",))
    scene = read_scenes(root)[0]
    assert scene.encoding["labels"] == "published"
    assert any("only void" in note for note in scene.notes)


@pytest.mark.parametrize("layout", ["image2image", "frames"])
def test_a_label_of_another_size_is_refused_with_both_sizes(tmp_path, layout):
    if layout == "frames":
        label = make_frames_scene(tmp_path) / "seg/000001.png"
    else:
        root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
        label = root / "labels/simulated/P/labels/lbl00001.png"
    write_png(label, np.zeros((24, 32), np.uint8))
    with pytest.raises(InputError, match=r"32x24 px, its render 64x48 px"):
        read_scenes(tmp_path)


def test_a_label_of_another_size_beyond_the_sample_is_refused_when_loaded(tmp_path):
    root = make_frames_scene(tmp_path, frames=40)
    write_png(root / "seg/000001.png", np.zeros((24, 32), np.uint8))
    scene = read_scenes(root)[0]
    with pytest.raises(InputError, match=r"000001\.png: the label picture has 32x24 px, its render 64x48 px"):
        load_layers(scene, scene.frames[1])


def test_frames_scene_gives_all_layers_in_the_inside_conventions(tmp_path):
    make_frames_scene(tmp_path / "a", patient="A")
    make_frames_scene(tmp_path / "b", patient="B")
    assert detect_layout(tmp_path) == "frames"
    scenes = read_scenes(tmp_path)
    assert [s.patient for s in scenes] == ["A", "B"]
    frame = scenes[0].frames[2]
    layers = load_layers_of(frame, layout="frames", encoding=scenes[0].encoding)
    truth = sphere_scene(2)
    np.testing.assert_array_equal(layers.segmentation_HW, truth.ids_HW)
    np.testing.assert_array_equal(layers.depth_HW, truth.depth_HW)
    np.testing.assert_allclose(layers.normals_HW3, truth.normals_HW3, atol=1e-6)
    np.testing.assert_array_equal(layers.K, pose_K())
    assert layers.camera_to_world is not None
    assert layers.camera_to_world[0, 3] == 2
    assert layers.tools[0].name == "grasper"
    assert layers.tools[0].jaw_angle == 0.5


def _store_as_16_bit(root: Path, scale: float) -> None:
    for i in range(3):
        truth, name = sphere_scene(i), f"{i:06d}"
        (root / f"depth/{name}.exr").unlink()
        (root / f"normals/{name}.exr").unlink()
        cv2.imwrite(str(root / f"depth/{name}.png"), np.rint(truth.depth_HW / scale).astype(np.uint16))
        normals = np.rint((truth.normals_HW3 + 1) / 2 * 65535).astype(np.uint16)
        cv2.imwrite(str(root / f"normals/{name}.png"), normals[..., ::-1])
    description = json.loads((root / "scene.json").read_text())
    description["depth"] = {"encoding": "png16", "scale": scale}
    (root / "scene.json").write_text(json.dumps(description))


def test_16_bit_depth_and_normals_come_back_within_their_steps(tmp_path):
    root = make_frames_scene(tmp_path)
    _store_as_16_bit(root, 0.01)
    scene = read_scenes(root)[0]
    layers = load_layers(scene, scene.frames[0])
    truth = sphere_scene(0)
    assert layers.depth_HW is not None
    assert layers.normals_HW3 is not None
    assert abs(layers.depth_HW - truth.depth_HW).max() <= 0.0051
    assert abs(layers.normals_HW3 - truth.normals_HW3).max() < 1e-4
    assert abs(np.linalg.norm(layers.normals_HW3, axis=2) - 1).max() < 1e-5


def test_16_bit_depth_without_a_scale_is_refused(tmp_path):
    root = make_frames_scene(tmp_path)
    _store_as_16_bit(root, 0.01)
    description = json.loads((root / "scene.json").read_text())
    del description["depth"]["scale"]
    (root / "scene.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="without a scale"):
        read_scenes(root)


def test_normals_in_opengl_axes_are_caught_with_the_flip_that_mends_them(tmp_path):
    root = make_frames_scene(tmp_path)
    for i in range(3):
        write_exr(root / f"normals/{i:06d}.exr", sphere_scene(i).normals_HW3 * np.array([1, -1, -1], np.float32))
    with pytest.raises(InputError, match=r"flipping y and z.*normals_flip = \"yz\""):
        read_scenes(root)


def test_an_id_that_the_class_table_lacks_is_named(tmp_path):
    root = make_frames_scene(tmp_path, frames=30)
    write_png(root / "seg/000001.png", np.full((48, 64), 77, np.uint8))
    scene = read_scenes(root)[0]
    with pytest.raises(InputError, match=r"000001\.png: class id 77"):
        load_layers(scene, scene.frames[1])


def test_a_palette_label_gives_its_indices(tmp_path):
    root = make_frames_scene(tmp_path)
    truth = sphere_scene(0)
    picture = Image.fromarray(truth.ids_HW, mode=None).convert("P")
    picture.putdata(truth.ids_HW.ravel())
    picture.putpalette([200, 10, 10] * 256)
    picture.save(root / "seg/000000.png")
    scene = read_scenes(root)[0]
    np.testing.assert_array_equal(load_layers(scene, scene.frames[0]).segmentation_HW, truth.ids_HW)


def test_jpeg_renders_and_odd_names_are_read(tmp_path):
    root = make_frames_scene(tmp_path / "Szene\nmit Ümlaut", frames=1)
    odd = "frame ä\n 1"
    (root / "rgb/000000.png").unlink()
    Image.fromarray(sphere_scene(0).rgb_HW3).save(root / f"rgb/{odd}.jpg", quality=95)
    for folder, suffix in (("seg", "png"), ("depth", "exr"), ("normals", "exr")):
        (root / folder / f"000000.{suffix}").rename(root / folder / f"{odd}.{suffix}")
    scene = read_scenes(root)[0]
    assert scene.frames[0].name == odd
    assert load_layers(scene, scene.frames[0]).normals_HW3 is not None


def _spoil_16_bit(path: Path) -> None:
    cv2.imwrite(str(path), np.full((48, 64, 3), 30000, np.uint16))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA", "CMYK", "1"])
def test_renders_of_every_common_kind_are_read(tmp_path, mode):
    root = make_frames_scene(tmp_path, frames=1)
    suffix = "tif" if mode == "CMYK" else "png"
    (root / "rgb/000000.png").unlink()
    Image.fromarray(sphere_scene(0).rgb_HW3).convert(mode).save(root / f"rgb/000000.{suffix}")
    scene = read_scenes(root)[0]
    layers = load_layers(scene, scene.frames[0])
    assert layers.rgb_HW3.shape == (48, 64, 3)
    assert layers.rgb_HW3.dtype == np.uint8


def test_a_16_bit_render_is_scaled(tmp_path):
    root = make_frames_scene(tmp_path, frames=1)
    _spoil_16_bit(root / "rgb/000000.png")
    scene = read_scenes(root)[0]
    assert int(load_layers(scene, scene.frames[0]).rgb_HW3[0, 0, 0]) == round(30000 / 257)


@pytest.mark.parametrize("layer", ["rgb", "seg"])
def test_a_truncated_png_is_refused_by_name(tmp_path, layer):
    root = make_frames_scene(tmp_path)
    path = root / layer / "000001.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"000001\.png.*damaged"):
        read_scenes(root)


def test_a_truncated_16_bit_depth_is_refused(tmp_path):
    root = make_frames_scene(tmp_path)
    _store_as_16_bit(root, 0.01)
    path = root / "depth/000001.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"000001\.png.*damaged"):
        read_scenes(root)


@pytest.mark.parametrize("side", [1, 20000])
def test_a_picture_of_an_unusable_size_is_refused(tmp_path, side):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    Image.new("1", (side, side)).save(root / "simulated/P/inputs/img00000.png")
    with pytest.raises(InputError, match=r"img00000\.png.*picture"):
        read_scenes(root)


def test_renders_of_two_sizes_are_refused(tmp_path):
    root = make_image2image(tmp_path, greys=PUBLISHED, patients=("P",))
    write_png(root / "simulated/P/inputs/img00002.png", np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(InputError, match=r"30x20 px, but img00000\.png has 64x48 px"):
        read_scenes(root)


def test_absent_empty_and_unknown_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        detect_layout(tmp_path / "absent")
    with pytest.raises(InputError, match="empty"):
        detect_layout(tmp_path)
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(InputError, match="known layout"):
        detect_layout(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        detect_layout(tmp_path / "readme.txt")
    (tmp_path / "simulated/P/inputs").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no pictures"):
        read_scenes(tmp_path)
    with pytest.raises(InputError, match="'solid' is not known"):
        read_scenes(tmp_path, "solid")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("format", "other", "trocar-frames"),
        ("version", 2, "version 2"),
        ("units", "m", "units 'm'"),
        ("classes", None, "no list of classes"),
        ("size", "big", "no size"),
        ("size", [65, 48], "64x48 px, scene.json 65x48 px"),
        ("depth", "bmp", "'bmp'"),
    ],
)
def test_a_wrong_scene_description_is_refused(tmp_path, key, value, words):
    root = make_frames_scene(tmp_path)
    description = json.loads((root / "scene.json").read_text())
    description[key] = value
    (root / "scene.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match=words):
        read_scenes(root)


def test_wrong_poses_are_refused(tmp_path):
    root = make_frames_scene(tmp_path)
    (root / "frames.json").write_text(json.dumps([{"frame": "000000", "K": [1, 2]}]))
    with pytest.raises(InputError, match=r"frames\.json: entry 0"):
        read_scenes(root)


def test_thousands_of_frames_are_listed_without_being_opened(tmp_path):
    root = make_frames_scene(tmp_path, frames=1)
    for folder, suffix in (("rgb", "png"), ("seg", "png"), ("depth", "exr"), ("normals", "exr")):
        first = root / folder / f"000000.{suffix}"
        for i in range(1, 2500):
            (root / folder / f"{i:06d}.{suffix}").hardlink_to(first)
    started = time.perf_counter()
    scene = read_scenes(root)[0]
    assert len(scene.frames) == 2500
    assert time.perf_counter() - started < 2.5
