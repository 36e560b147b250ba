"""Commands in two processes: what one process makes, one voice, one catalogue, and no process that is left over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from studio.cli import main
from studio.commands.actions import ACTIONS
from studio.commands.parser import build_parser
from studio.export.sharing import from_values, to_values
from studio.export.writers import FrameOutcome
from studio.jobs.events import Job, Progress
from studio.jobs.ranks import launched_rank, launcher
from studio.jobs.siblings import Siblings, rank_variables
from studio.project.project import Project
from studio.translator.checkpoints import checkpoints_of
from studio.translator.data import drawn_index
from studio.translator.journal import read_journal
from studio.vocabulary.errors import InputError, TrocarError
from tests.making import make_frames_scene
from tests.translator.joined import ROOT, child_rank, slurm_variables
from tests.translator.making import pictures

TINY = {
    "dim": 4, "res_blocks": 1, "mlp_dim": 8, "disc_dim": 4, "disc_scales": 2, "disc_layers": 3, "load_width": 0,
    "crop_width": 32, "crop_height": 32, "sample_every": 50, "checkpoint_every": 50, "threads": 1, "precision": "fp32",
}  # fmt: skip


def training(project: Path, name: str, *more: str) -> list[str]:
    sets = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    return ["translator", "train", str(project), "--name", name, "--preset", "demo", "--device", "cpu", *sets, *more]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two patients, footage, a run ``one`` of joined batch 2, and a palette of two styles."""
    base = tmp_path_factory.mktemp("ranks")
    project = base / "body.trocar"
    for patient in ("P1", "P2"):
        make_frames_scene(base / "scenes" / patient, patient=patient, frames=4)
    pictures(base / "pictures", count=4)
    assert main(["new", str(project)]) == 0
    for patient in ("P1", "P2"):
        assert main(["scenes", "add", str(project), str(base / "scenes" / patient)]) == 0
    assert main(["footage", "add", str(project), str(base / "pictures" / "footage")]) == 0
    assert main(training(project, "one", "--iterations", "3", "--set", "batch=2")) == 0
    sample = ["styles", "sample", str(project), "--run", "one", "--count", "2", "--method", "random"]
    assert main([*sample, "--palette", "two"]) == 0
    return project


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy to work in, beside it: what a project refers to stays where it is."""
    here = made.with_name(f"{tmp_path.name}.trocar")
    shutil.copytree(made, here)
    return here


def rows(project: Path) -> list[tuple[object, ...]]:
    return sqlite3.connect(project / "catalogue.sqlite").execute("SELECT * FROM translations ORDER BY id").fetchall()


def files(folder: Path) -> dict[Path, bytes]:
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def siblings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Siblings]]:
    """The groups of processes that are started; afterwards none of them may be left."""
    started: list[Siblings] = []

    class Known(Siblings):
        def __init__(self, *args: object, **named: object) -> None:
            super().__init__(*args, **named)  # type: ignore[arg-type]
            started.append(self)

    monkeypatch.setattr("studio.translator.ranks.Siblings", Known)
    yield started
    assert started
    assert all(group.gone() == {1} for group in started)


def job_of(words: list[str]) -> Job:
    arguments = build_parser().parse_args(words)
    arguments.words = tuple(words)
    return ACTIONS[arguments.action](arguments)


def until(job: Job, done: int) -> None:
    next(e for e in job if isinstance(e, Progress) and e.done >= done)


def test_two_processes_train_and_a_stopped_one_is_gone_on_with(
    project: Path, siblings: list[Siblings], capsys: pytest.CaptureFixture[str]
) -> None:
    """Asking any process to stop ends all, with one checkpoint; going on has the losses of the joined batch."""
    job = job_of(training(project, "two", "--iterations", "3", "--devices", "2"))
    until(job, 2)
    (process,) = siblings[0]._processes
    process.send_signal(signal.SIGTERM)
    time.sleep(1.5)  # for it to pass the wish on
    with pytest.raises(KeyboardInterrupt):
        list(job)
    assert process.returncode == 130
    with Project.open(project) as opened:
        run, one = opened.runs.get("translator", "two"), opened.runs.get("translator", "one")
        assert run.state == "stopped"
    assert [folder.name for folder in checkpoints_of(run.folder)] == ["step_00000000", "step_00000002"]
    capsys.readouterr()
    again = ["translator", "train", str(project), "--name", "two", "--resume", "--device", "cpu", "--devices", "2"]
    assert main([*again, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["result"]["steps"] == 3 and not err.strip()
    assert any("2 processes with a batch of 1 each: 2 pictures" in line for line in out.splitlines())
    found, wanted = (list(read_journal(r.folder / "metrics.jsonl")) for r in (run, one))
    assert [row["step"] for row in found] == [1, 2, 3]
    for row, expected in zip(found, wanted, strict=True):
        assert {k: v for k, v in row.items() if k != "seconds"} == pytest.approx(
            {k: v for k, v in expected.items() if k != "seconds"}, rel=1e-3, abs=1e-4
        )


def test_a_process_that_dies_ends_the_job_in_one_line(project: Path, siblings: list[Siblings]) -> None:
    job = job_of(training(project, "two", "--iterations", "100000", "--devices", "2"))
    until(job, 1)
    siblings[0]._processes[0].kill()
    with pytest.raises(TrocarError, match=r"^process 2 of 2 was ended by signal 9; what was finished is kept$"):
        list(job)
    with Project.open(project) as opened:
        assert opened.runs.get("translator", "two").state == "failed"


def test_what_only_another_process_meets_is_said_as_it_would_say_it(project: Path, siblings: list[Siblings]) -> None:
    """The picture of place 1 falls to rank 1 in the first step."""
    with Project.open(project) as opened:
        footage = opened.footage.all(included_only=True)
    path = footage[drawn_index(0, "order b", 1, len(footage))].path
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    try:
        with pytest.raises(InputError, match=rf"^process 2 of 2: .*{path.name}: "):
            list(job_of(training(project, "two", "--devices", "2", "--set", "sample_styles=1")))
    finally:
        path.write_bytes(whole)


def test_two_processes_translate_as_one(project: Path, made: Path, siblings: list[Siblings], tmp_path: Path) -> None:
    alone = made.with_name(f"{tmp_path.name}-alone.trocar")
    shutil.copytree(made, alone)
    words = ["--run", "one", "--palette", "two", "--device", "cpu", "--json"]
    assert main(["translate", str(alone), *words]) == 0
    assert main(["translate", str(project), *words, "--devices", "2"]) == 0
    assert len(rows(alone)) == 16
    assert rows(project) == rows(alone)
    assert files(project / "translations") == files(alone / "translations")
    assert not list((project / "cache").rglob("*.sqlite"))
    assert main(["translate", str(project), *words, "--devices", "2"]) == 0, "nothing to do is no failure"


def test_what_any_process_has_finished_is_kept_at_a_stop(project: Path, siblings: list[Siblings]) -> None:
    words = ["translate", str(project), "--run", "one", "--palette", "two", "--device", "cpu"]
    job = job_of([*words, "--devices", "2"])
    until(job, 2)
    job.close()
    assert siblings[0]._processes[0].returncode == 130
    kept = {path for (path,) in sqlite3.connect(project / "catalogue.sqlite").execute("SELECT path FROM translations")}
    assert kept == {p.relative_to(project).as_posix() for p in (project / "translations").rglob("*.png")}
    list(job_of(words))
    assert len(rows(project)) == 16


@pytest.mark.parametrize(("name", "variables"), [("image2image", rank_variables), ("coco", slurm_variables)])
def test_processes_started_by_a_launcher_export_the_same_bytes(
    name: str, variables: Callable[[int, int], dict[str, str]], project: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main(["translate", str(project), "--run", "one", "--palette", "two", "--device", "cpu"]) == 0
    assert main(["export", str(project), str(tmp_path / "alone"), "--format", name]) == 0
    capsys.readouterr()
    words = ["export", str(project), str(tmp_path / "shared"), "--format", name]
    with child_rank(["studio", *words], monkeypatch.setenv, variables) as child:
        assert main([*words, "--json"]) == 0
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out, err.strip()) == (0, "", "")
    assert files(tmp_path / "shared") == files(tmp_path / "alone")
    progress = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"progress"' in line]
    assert progress[-1]["done"] == progress[-1]["total"] == 32


def test_outcomes_survive_the_way_to_rank_0() -> None:
    outcome = FrameOutcome(
        (64, 48), "aa", {0: "b", 3: "c"}, {0: "x.png", 3: "y.png"}, {1: 5, 255: 9}, {"K": [[1.5, 0.1], [0.0, 1 / 3]]},
        "dd", ({"category_id": 1, "bbox": [0.1, 2.0], "segmentation": {"size": [48, 64], "counts": "a\\0é"}},),
    )  # fmt: skip
    assert from_values(json.loads(json.dumps(to_values(outcome)))) == outcome


def test_a_snapshot_shows_the_project_as_it_was(project: Path) -> None:
    with Project.open(project) as opened:
        with opened.snapshot() as name:
            opened.set_setting("later", 1)
            with Project.open_snapshot(project, name) as seen:
                assert [run.name for run in seen.runs.all()] == ["one"]
                assert seen.setting("later") is None
                with pytest.raises(sqlite3.OperationalError, match="readonly"):
                    seen.set_setting("mine", 2)
        with pytest.raises(InputError, match="under the same path"):
            Project.open_snapshot(project, name)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ("", 0)),
        ({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "node1"}, ("torchrun", 3)),
        ({"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "node1"}, ("", 0)),
        ({"SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_STEP_ID": "0"}, ("slurm", 5)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, ("", 0)),  # a batch script itself, before srun
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_STEP_ID": "0"}, ("", 0)),
    ],
)
def test_who_started_a_process_is_told_from_its_environment(
    environment: dict[str, str], expected: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("SLURM_")] + ["RANK", "WORLD_SIZE", "LOCAL_RANK"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (launcher(), launched_rank()) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "2"], "no usable GPU for 2 processes. Add --device cpu"),
        (["--devices", "0"], "'0' is no positive whole number"),
    ],
)
def test_devices_that_are_not_there_are_one_line(
    words: list[str], said: str, made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    before = rows(made), sorted(p.name for p in (made / "runs").iterdir())
    assert main(["translator", "train", str(made), "--name", "none", *words]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1 and said in err
    assert (rows(made), sorted(p.name for p in (made / "runs").iterdir())) == before


def test_a_launcher_decides_how_many_processes_there_are(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"RANK": "0", "WORLD_SIZE": "8", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "127.0.0.1",
                 "MASTER_PORT": "1"}  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["translator", "train", str(made), "--name", "none", "--devices", "2", "--device", "cpu"]) == 2
    assert "started as 4 processes a machine, not 2" in capsys.readouterr().err


def test_a_launchers_variable_without_sense_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "two", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert main(["new", str(tmp_path / "body")]) == 2
    assert "environment variable WORLD_SIZE: it is 'two'" in capsys.readouterr().err


@pytest.mark.long
def test_two_processes_killed_and_resumed_end_with_the_same_weights(project: Path) -> None:
    """kill -9 of rank 0, then of rank 1, at any moment; bit for bit the run that went through."""
    two = ["--device", "cpu", "--devices", "2", "--json"]
    length = ["--iterations", "14", "--set", "checkpoint_every=4"]
    assert main(training(project, "straight", *length, *two[2:])) == 0
    command = training(project, "broken", *length, *two[2:])
    for kill_at, whom in ((6, "rank 0"), (10, "rank 1"), (0, "nobody")):
        argv = [sys.executable, "-m", "studio", *command]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as rank_0:
            assert rank_0.stdout is not None
            next((line for line in rank_0.stdout if f'"done":{kill_at},' in line), None)
            if whom != "nobody":
                (rank_1,) = children(rank_0.pid)
                os.kill(rank_0.pid if whom == "rank 0" else rank_1, signal.SIGKILL)
            _, err = rank_0.communicate(timeout=120)
        assert rank_0.returncode == {"rank 0": -signal.SIGKILL, "rank 1": 1, "nobody": 0}[whom], err
        if whom == "rank 1":
            assert err.strip() == "trocar: process 2 of 2 was ended by signal 9; what was finished is kept"
        command = ["translator", "train", str(project), "--name", "broken", "--resume", *two]
    with Project.open(project) as opened:
        ends = [checkpoints_of(opened.runs.get("translator", n).folder)[-1] for n in ("straight", "broken")]
    assert [end.name for end in ends] == ["step_00000014"] * 2
    for name in ("training.safetensors", "generators.safetensors"):
        straight, broken = (load_file(end / name) for end in ends)
        assert straight.keys() == broken.keys()
        assert all(torch.equal(value, broken[key]) for key, value in straight.items())


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_command_without_shares_is_rank_0s_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    assert main(["new", str(tmp_path / "body")]) == 0
    assert not (tmp_path / "body.trocar").exists() and capsys.readouterr() == ("", "")
