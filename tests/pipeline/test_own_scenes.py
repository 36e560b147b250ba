"""Scenes of other programs all the way to a data set: what is exported is in the studio's conventions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.export.values import ExportOptions
from studio.files.pictures import read_exr, read_rgb, write_png
from studio.jobs.stages import result_of
from studio.pipeline.exports import export
from studio.pipeline.scenes import add_scenes
from studio.pipeline.segmenters import frame_mask
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import load_layers, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import make_frames_scene, sphere_scene
from tests.scenes.layout_files import FOLDERS_TOML, write_blenderproc, write_folders, write_solo

SOURCES: dict[str, tuple[Callable[[Path], Path], SceneMapping]] = {
    "blenderproc": (write_blenderproc, NO_MAPPING),
    "solo": (write_solo, NO_MAPPING),
    "folders": (write_folders, SceneMapping.from_toml(FOLDERS_TOML)),
}


@pytest.mark.parametrize("layout", list(SOURCES))
@pytest.mark.parametrize("form", ["image2image", "coco"])
def test_exports_hold_the_studios_units_and_axes(tmp_path: Path, layout: str, form: str) -> None:
    write, mapping = SOURCES[layout]
    with Project.create(tmp_path / "p") as project:
        list(add_scenes(project, write(tmp_path / "scene"), mapping=mapping))
        rows = []
        for frame in project.scenes.frames():
            path = project.folder / "translations" / f"{frame.id}.png"
            write_png(path, 255 - sphere_scene(frame.files.index).rgb_HW3)
            rows.append(NewTranslation(frame.id, "r", "p", "s", (0.0,), path, "f", 0.9, {}))
            np.testing.assert_array_equal(
                read_rgb(frame_mask(project, frame))[..., 0], sphere_scene(frame.files.index).ids_HW
            )
        project.translations.put(rows)
        result_of(export(project, tmp_path / "out", ExportOptions(form, split=(1.0, 0.0, 0.0))))
    depths, normals = (sorted(p for p in (tmp_path / "out").rglob("*.exr") if w in str(p)) for w in ("depth", "normal"))
    assert len(depths) == len(normals) == 3
    for i, (depth, normal) in enumerate(zip(depths, normals, strict=True)):
        truth = sphere_scene(i)
        np.testing.assert_allclose(read_exr(depth), truth.depth_HW, atol=0.006)
        np.testing.assert_allclose(read_exr(normal), truth.normals_HW3, atol=1e-3)
    if form == "image2image":
        (scene,) = read_scenes(tmp_path / "out")
        np.testing.assert_array_equal(load_layers(scene, scene.frames[1]).rgb_HW3, sphere_scene(1).rgb_HW3)


def test_what_a_person_has_settled_is_not_questioned_when_it_is_read_back(tmp_path: Path) -> None:
    """A room of 12 to 20 m, and no laparoscopic view: settled by the mapping, and so the export stands."""
    mapping = SceneMapping.from_toml(FOLDERS_TOML + "scale = 100")
    with Project.create(tmp_path / "p") as project:
        list(add_scenes(project, write_folders(tmp_path / "scene"), mapping=mapping))
        frame = project.scenes.frames()[0]
        path = project.folder / "translations" / "1.png"
        write_png(path, sphere_scene(0).rgb_HW3)
        project.translations.put([NewTranslation(frame.id, "r", "p", "s", (0.0,), path, "f", 0.9, {})])
        result_of(export(project, tmp_path / "out", ExportOptions("image2image", split=(1.0, 0.0, 0.0))))
    (depth,) = (tmp_path / "out").rglob("depth*.exr")
    np.testing.assert_allclose(read_exr(depth), 100 * sphere_scene(0).depth_HW, atol=0.6)
    with pytest.raises(InputError, match="median depth"):
        read_scenes(tmp_path / "out")


def test_a_layer_that_is_left_out_is_nowhere(tmp_path: Path) -> None:
    """Normals of another scene can't be mended; without them the scene is added, and says so."""
    root = make_frames_scene(tmp_path / "scene")
    for path in (root / "normals").iterdir():
        path.write_bytes(b"broken")
    with Project.create(tmp_path / "p") as project:
        with pytest.raises(InputError, match="not a readable EXR"):
            list(add_scenes(project, root))
        events = list(add_scenes(project, root, mapping=SceneMapping.from_toml('geometry.leave_out = ["normals"]')))
        assert any("left out: normals" in str(e) for e in events)
        assert all(f.files.normals is None for f in project.scenes.frames())
        stored = json.loads(project.setting("scene_mappings").popitem()[1])
    assert stored == {"geometry": {"leave_out": ["normals"]}}
