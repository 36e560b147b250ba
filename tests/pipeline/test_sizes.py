"""A run and frames of a size that it does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.pipeline.sizes import size_remark, trained_scale
from studio.project.project import Project
from studio.project.records import RunRecord, SceneRecord
from studio.scenes.readers import read_scenes
from studio.translator.settings import TrainSettings
from tests.making import make_frames_scene


@pytest.mark.parametrize(
    ("changes", "size", "scale"),
    [
        ({"load_width": 0, "crop_width": 512, "crop_height": 256}, (512, 256), 1.0),
        ({"load_width": 0, "crop_width": 512, "crop_height": 256}, (452, 256), 512 / 452),  # enlarged to the crop
        ({"load_width": 192, "crop_width": 128, "crop_height": 96}, (192, 108), 1.0),
        ({"load_width": 192, "crop_width": 128, "crop_height": 96}, (1920, 1080), 0.1),
        ({"load_width": 192, "crop_width": 128, "crop_height": 120}, (192, 60), 2.0),  # by its height
    ],
)
def test_training_scales_to_the_width_and_up_to_the_crop(
    changes: dict[str, int], size: tuple[int, int], scale: float
) -> None:
    assert trained_scale(TrainSettings().with_values(**changes), size) == pytest.approx(scale)


@pytest.fixture
def made(tmp_path: Path) -> tuple[RunRecord, list[SceneRecord]]:
    with Project.create(tmp_path / "small") as project:
        for scene in read_scenes(make_frames_scene(tmp_path / "P1", frames=1), "frames"):
            list(project.scenes.add(scene))
        run = project.runs.add("translator", "first", {"load_width": 128, "crop_width": 128, "crop_height": 96})
        run.folder.mkdir(parents=True)
        return run, project.scenes.all()


def test_another_scale_is_said_in_one_line(made: tuple[RunRecord, list[SceneRecord]]) -> None:
    run, scenes = made
    assert size_remark(run, scenes) == ""  # it was not trained here: nobody knows
    (run.folder / "metrics.jsonl").write_text("")
    assert size_remark(run, scenes) == (
        "Frames of 64 x 48 px are translated as they are; this run was trained at 2.0 times that scale, "
        "so tissue may look coarse."
    )
    assert size_remark(run, []) == ""


@pytest.mark.parametrize(
    ("size", "asked", "got"),
    [
        ((1920, 1080), 128, 128),
        ((1920, 1080), -1, 1920),
        ((100, 80), 128, 100),
        ((1920, 60), 128, 256),
        ((64, 8), 32, 64),
    ],
)
def test_a_coarse_preview_of_a_wide_frame_is_high_enough(size: tuple[int, int], asked: int, got: int) -> None:
    from studio.translator.preview import _width_for

    assert _width_for(np.zeros((size[1], size[0], 3), np.uint8), asked) == got
