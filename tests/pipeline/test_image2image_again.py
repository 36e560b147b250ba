"""What is exported in the layout image2image and added again holds the same layers, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.export.values import ExportItem, ExportOptions, SceneReading
from studio.export.writing import write_export
from studio.files.pictures import write_exr
from studio.jobs.stages import result_of
from studio.pipeline.scenes import add_scenes
from studio.project.project import Project
from studio.scenes.readers import load_flow, load_layers, load_layers_of, read_scenes
from studio.scenes.simulator import SimulationSettings, simulate
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FLOW_DIRECTIONS, Layers, SceneFiles


@pytest.fixture
def sequence(tmp_path: Path) -> SceneFiles:
    settings = SimulationSettings(frames=3, patients=1, size=(96, 54), seed=2, path=True, breathing=True, processes=1)
    result_of(simulate(tmp_path / "made", settings))
    return read_scenes(tmp_path / "made", "frames")[0]


@pytest.fixture
def exported(sequence: SceneFiles, tmp_path: Path) -> Path:
    items = [
        ExportItem(
            "A", f.name, "plain", f.rgb, f.rgb, f, sequence.layout, sequence.encoding, translation_id=f.index,
            style_code=(0.0,), validity=1.0, classes=sequence.classes,
        )
        for f in sequence.frames
    ]  # fmt: skip
    reading = SceneReading(load_layers_of, read_scenes)
    result_of(write_export(tmp_path / "out", items, ExportOptions(format="image2image"), recipe={}, reading=reading))
    return tmp_path / "out"


def same(found: Layers, truth: Layers) -> None:
    for name in ("rgb_HW3", "segmentation_HW", "depth_HW", "normals_HW3", "K", "camera_to_world"):
        one, other = getattr(found, name), getattr(truth, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert found.tools == truth.tools


def test_every_layer_comes_back_to_the_bit(sequence: SceneFiles, exported: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        result_of(add_scenes(project, exported))
        scene, frames = project.scenes.all()[0], project.scenes.frames()
    assert not any("flow" in note or "normals" in note for note in scene.notes)
    for record, frame in zip(frames, sequence.frames, strict=True):
        truth = load_layers(sequence, frame)
        same(load_layers_of(record.files, layout=scene.layout, encoding=scene.encoding), truth)
        for direction in FLOW_DIRECTIONS:
            one = load_flow(record.files, direction, size=scene.size)
            other = load_flow(frame, direction, size=sequence.size)
            assert one is not None and other is not None and np.isfinite(other).any()
            np.testing.assert_array_equal(one, other)


def test_flow_that_is_not_declared_is_left_alone_and_missing_flow_is_noted(exported: Path) -> None:
    (exported / "flow_backward/simulated/A/flow/flow00001.exr").unlink()
    scene = read_scenes(exported)[0]
    assert "1 frames have no backward flow: img00001.png" in scene.notes
    (exported / "trocar-layers.json").unlink()
    assert all(f.flow_forward is None for f in read_scenes(exported)[0].frames)


def test_flow_of_another_size_is_refused(exported: Path) -> None:
    write_exr(exported / "flow_forward/simulated/A/flow/flow00000.exr", np.zeros((20, 30, 2)))
    with pytest.raises(InputError, match="forward flow has 30x20 px"):
        read_scenes(exported)
