"""Optical flow as a layer of the layout ``frames``: found, remembered, read when wanted, refused if it does not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_exr, write_exr
from studio.project.project import Project
from studio.scenes.readers import load_flow, load_layers, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import SIZE, add_flow, make_frames_scene


def scene_with_flow(root: Path) -> Path:
    return add_flow(make_frames_scene(root / "scene", frames=3))


def described(root: Path, flow: object) -> None:
    description = json.loads((root / "scene.json").read_text())
    (root / "scene.json").write_text(json.dumps(description | {"flow": flow}))


def test_flow_is_found_and_read_as_it_was_written(tmp_path: Path) -> None:
    root = scene_with_flow(tmp_path)
    scene = read_scenes(root)[0]
    assert scene.notes == () and scene.encoding["flow"].startswith("exr, px")
    for direction in ("forward", "backward"):
        found = load_flow(scene.frames[2], direction, size=scene.size)
        assert found is not None and found.dtype == np.float32
        assert np.array_equal(found, read_exr(root / f"flow_{direction}/000002.exr"), equal_nan=True)
        assert np.isnan(found[:3, :4]).all() and np.isfinite(found[3:]).all()


def test_frames_are_loaded_without_their_flow(tmp_path: Path) -> None:
    root = scene_with_flow(tmp_path)
    scene = read_scenes(root)[0]
    (root / "flow_forward/000001.exr").write_bytes(b"no picture")
    load_layers(scene, scene.frames[1])
    with pytest.raises(InputError, match=r"000001\.exr: not a readable EXR"):
        load_flow(scene.frames[1], "forward", size=scene.size)


def test_scenes_without_flow_have_none(tmp_path: Path) -> None:
    scene = read_scenes(make_frames_scene(tmp_path / "scene"))[0]
    assert "flow" not in scene.encoding
    assert load_flow(scene.frames[0], "forward", size=scene.size) is None


def test_projects_remember_where_flow_lies(tmp_path: Path) -> None:
    root = scene_with_flow(tmp_path)
    (root / "flow_backward/000001.exr").unlink()
    scene = read_scenes(root)[0]
    assert scene.notes == ("1 frames have no backward flow: 000001.png",)
    with Project.create(tmp_path / "p") as project:
        assert list(project.scenes.add(scene)) == [3]
        files = [record.files for record in project.scenes.frames()]
        assert [f.flow_forward for f in files] == [root / f"flow_forward/00000{i}.exr" for i in range(3)]
        assert [f.flow_backward and f.flow_backward.name for f in files] == ["000000.exr", None, "000002.exr"]


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ("flow", "names no folders"), ({}, "names no folders"), ({"forward": "../elsewhere"}, "names no folders"),
        ({"forward": 3}, "names no folders"), ({"forward": "flow_forward", "encoding": "flo"}, "'flo' is not known"),
    ],
)  # fmt: skip
def test_descriptions_that_can_not_be_meant_are_refused(tmp_path: Path, flow: object, words: str) -> None:
    root = scene_with_flow(tmp_path)
    described(root, flow)
    with pytest.raises(InputError, match=words):
        read_scenes(root)


def test_flow_of_another_size_or_kind_is_refused(tmp_path: Path) -> None:
    root = scene_with_flow(tmp_path)
    scene = read_scenes(root)[0]
    path = root / "flow_forward/000000.exr"
    write_exr(path, np.zeros((20, 30, 2)))
    with pytest.raises(InputError, match=f"forward flow has 30x20 px, its render {SIZE[0]}x{SIZE[1]} px"):
        read_scenes(root)
    with pytest.raises(InputError, match="forward flow has 30x20 px"):
        load_flow(scene.frames[0], "forward", size=scene.size)
    write_exr(path, np.zeros((SIZE[1], SIZE[0], 3)))
    with pytest.raises(InputError, match="two channels"):
        load_flow(scene.frames[0], "forward", size=scene.size)
    write_exr(path, np.full((SIZE[1], SIZE[0], 2), np.inf))
    with pytest.raises(InputError, match="infinite"):
        load_flow(scene.frames[0], "forward", size=scene.size)
