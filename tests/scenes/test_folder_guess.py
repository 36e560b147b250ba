"""Plain folders looked at: what is guessed by name and content, and what is said of an unfinished mapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from studio.scenes.folder_guess import folder_choices, guess_mapping, understand
from studio.scenes.mapping import Camera, FolderLayer, Geometry, SceneMapping
from tests.making import make_frames_scene, sphere_scene
from tests.scenes.layout_files import FOLDERS_TOML, write_folders


def test_folders_are_guessed_by_name_and_their_encoding_by_the_first_file(tmp_path: Path) -> None:
    write_folders(tmp_path)
    assert folder_choices(tmp_path) == ["images", "masks", "nrm", "range"]
    layers = guess_mapping(tmp_path).layers
    assert {name: (layer.folder, layer.encoding) for name, layer in layers.items()} == {
        "rgb": ("images", "picture"), "segmentation": ("masks", "colour"), "depth": ("range", "png16"),
        "normals": ("nrm", "png16"),
    }  # fmt: skip


def test_folders_of_patients_are_named_relative_to_each(tmp_path: Path) -> None:
    for name in ("A", "B"):
        write_folders(tmp_path / name)
    assert folder_choices(tmp_path) == ["images", "masks", "nrm", "range"]
    assert guess_mapping(tmp_path).layers["rgb"].folder == "images"


def test_grey_labels_with_studio_ids_get_their_classes(tmp_path: Path) -> None:
    make_frames_scene(tmp_path)
    mapping = guess_mapping(tmp_path)
    assert mapping.classes == {"1": "liver", "3": "abdominal wall", "6": "tool tip"}
    understood = understand(tmp_path, replace(mapping, camera=Camera(fx=64)))
    assert understood.complete
    assert len(understood.frames) == 3
    np.testing.assert_array_equal(understood.frames[2].segmentation_HW, sphere_scene(2).ids_HW)


def test_an_unfinished_mapping_is_shown_with_what_it_lacks(tmp_path: Path) -> None:
    write_folders(tmp_path)
    mapping = SceneMapping.from_toml(FOLDERS_TOML)
    whole = understand(tmp_path, mapping)
    assert whole.complete
    assert whole.values == ("#00c800", "#0a0aff", "#ff000a")
    assert "agree within 0.1 degrees" in whole.geometry.found
    nameless = understand(tmp_path, replace(mapping, classes={"#ff000a": "liver"}))
    assert nameless.unknown == ("#00c800", "#0a0aff")
    assert not nameless.complete
    truth = sphere_scene(0).ids_HW
    np.testing.assert_array_equal(nameless.frames[0].segmentation_HW, np.where(truth == 1, 1, 255))
    planar = understand(tmp_path, replace(mapping, geometry=Geometry()))
    assert [fault.entry for fault in planar.geometry.faults] == ['depth_kind = "ray"']


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    write_folders(tmp_path)
    mapping = SceneMapping(layers={"rgb": FolderLayer("nowhere")})
    assert "there is no folder 'nowhere'" in understand(tmp_path, mapping).problems[0]
    assert "no folder is chosen" in understand(tmp_path, SceneMapping()).problems[0]
    grey = SceneMapping(layers={"rgb": FolderLayer("images"), "segmentation": FolderLayer("masks", "grey")})
    assert "coloured" in understand(tmp_path, grey).problems[0]
