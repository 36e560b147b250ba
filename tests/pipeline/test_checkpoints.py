"""Checkpoints through the command line: last, best by validity, of a step; exports made with an earlier one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.cli import main
from studio.files.pictures import read_rgb, write_png
from studio.jobs.stages import result_of
from studio.pipeline.footage import add_footage
from studio.pipeline.judging import sample_judge
from studio.pipeline.scenes import add_scenes
from studio.pipeline.summary import project_summary
from studio.pipeline.views import frame_layers
from studio.project.lock import is_written_to
from studio.project.project import Project
from studio.quality.validity import measure_validity
from tests.making import make_frames_scene
from tests.translator.making import pictures, tiny

SIZE = (128, 96)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_frames_scene(tmp_path / "scene", size=SIZE)
    pictures(tmp_path / "images", size=(64, 48))
    with Project.create(tmp_path / "body") as made:
        result_of(add_scenes(made, tmp_path / "scene"))
        result_of(add_footage(made, [tmp_path / "images" / "footage"]))
        return made.folder


def called(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, object]:
    """The result of a command that ends well."""
    capsys.readouterr()
    status = main([*map(str, argv), "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    result = json.loads(out.splitlines()[-1])["result"]
    assert isinstance(result, dict)
    notes = [json.loads(line) for line in out.splitlines() if '"event":"note"' in line]
    return {**result, "warnings": [n["text"] for n in notes if n["level"] == "warning"]}


def train_words(iterations: int) -> list[str]:
    values = {
        name: getattr(tiny(), name)
        for name in (
            "dim", "res_blocks", "mlp_dim", "disc_dim", "disc_scales", "disc_layers", "load_width", "crop_width",
            "crop_height", "sample_frames", "sample_styles", "threads", "precision", "content_channels",
        )
    }  # fmt: skip
    values |= {"iterations": iterations, "checkpoint_every": 2, "sample_every": 100, "keep_checkpoints": 2}
    return [f"--set={name}={value}" for name, value in values.items()]


def test_the_judge_measures_validity_with_the_frame_s_labels(project: Path) -> None:
    with Project.open(project) as opened:
        frames = opened.scenes.frames()
        judge = sample_judge(opened, frames)
        layers = frame_layers(opened, frames[1])
        half_HW3 = np.asarray(cv2.resize(layers.rgb_HW3, (64, 48), interpolation=cv2.INTER_AREA))
        labels_HW = layers.segmentation_HW
        assert labels_HW is not None
        # Every second row and column is what nearest-neighbour halving keeps.
        expected = measure_validity(half_HW3, half_HW3, labels_HW[::2, ::2]).value
        assert judge(1, half_HW3, half_HW3) == pytest.approx(expected)
        assert judge(1, layers.rgb_HW3, layers.rgb_HW3) > judge(1, layers.rgb_HW3, np.full_like(layers.rgb_HW3, 128))


def test_commands_take_the_last_the_best_or_a_step(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = called(capsys, "translator", "train", project, "--name", "r", "--preset", "demo", *train_words(4))
    assert str(trained["best"]).rpartition("_")[2] in ("00000002", "00000004")
    run = project / "runs" / "translator-r"
    found = {
        which: called(capsys, "translator", "apply", run, tmp_path / "images" / "simulated" / "0.png", "--out",
                      tmp_path / "out.png", "--checkpoint", which)["fingerprint"]
        for which in ("last", "best", "2", "4")
    }  # fmt: skip
    assert found["last"] == found["4"] != found["2"]
    assert found["best"] == found[str(int(str(trained["best"]).rpartition("_")[2]))]
    encoded = called(capsys, "styles", "encode", project, "--run", "r", "--checkpoint", "2")
    assert encoded["fingerprint"] == found["2"]
    sample = ["styles", "sample", project, "--run", "r", "--count", 2, "--method", "random", "--palette"]
    called(capsys, *sample, "early", "--checkpoint", "2")
    assert called(capsys, "translate", project, "--run", "r", "--palette", "early", "--checkpoint", "2")["made"] == 6
    again = called(capsys, "translate", project, "--run", "r", "--palette", "early")
    assert again["made"] == 6 and "another checkpoint" in str(again["warnings"])
    capsys.readouterr()
    assert main(["translate", str(project), "--run", "r", "--palette", "early", "--checkpoint", "3"]) == 2
    assert "Give last, best or a step: 2, 4" in capsys.readouterr().err
    assert main(["translate", str(project), "--run", "r", "--palette", "early", "--checkpoint", "newest"]) == 2
    assert "'newest' is no checkpoint" in capsys.readouterr().err


def test_an_export_is_reproduced_with_the_checkpoint_that_made_it(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(capsys, "translator", "train", project, "--name", "r", "--preset", "demo", *train_words(2))
    called(capsys, "styles", "sample", project, "--run", "r", "--count", 1, "--method", "random", "--palette", "p")
    called(capsys, "translate", project, "--run", "r", "--palette", "p")
    called(capsys, "export", project, tmp_path / "out", "--format", "coco")
    with Project.open(project) as opened:
        picture = next(iter(opened.translations.all())).path
    kept = read_rgb(picture)
    picture.unlink()
    called(capsys, "translator", "train", project, "--name", "r", "--resume", "--set=iterations=3")
    manifest = tmp_path / "out" / "manifest.json"
    result = called(capsys, "reproduce", manifest, tmp_path / "again", "--project", project)
    assert result["same"] is True
    shutil.rmtree(project / "runs" / "translator-r" / "checkpoints" / "step_00000002")
    capsys.readouterr()
    assert main(["reproduce", str(manifest), str(tmp_path / "once more"), "--project", str(project)]) == 2
    assert "no longer has the checkpoint" in capsys.readouterr().err
    write_png(picture, kept)


def test_a_resume_that_is_refused_leaves_the_run_as_it_was(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, "translator", "train", project, "--name", "r", "--preset", "demo", *train_words(2))
    capsys.readouterr()
    assert main(["translator", "train", str(project), "--name", "r", "--resume", "--set=dim=8"]) == 2
    assert "dim is 4 in this run and cannot become 8" in capsys.readouterr().err
    result = called(capsys, "translator", "train", project, "--name", "r", "--resume", "--set=iterations=3")
    assert result["steps"] == 3


def test_a_run_that_nobody_trains_any_more_is_interrupted(project: Path) -> None:
    with Project.open(project) as opened:
        opened.runs.update(opened.runs.add("translator", "r", {}), state="running")
        assert is_written_to(project)
        assert project_summary(opened)["runs"][0]["state"] == "running"
    assert not is_written_to(project)
    with Project.open(project, write=False) as opened:
        assert not is_written_to(project), "looking is not writing"
        assert project_summary(opened)["runs"][0]["state"] == "interrupted"
