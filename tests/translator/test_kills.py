"""kill -9 at any moment: a resumed run ends with the very files of one that was never stopped."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from studio.jobs.stages import result_of
from studio.pipeline.footage import add_footage
from studio.pipeline.scenes import add_scenes
from studio.pipeline.summary import project_summary
from studio.project.project import Project
from studio.translator.checkpoints import checkpoints_of
from studio.translator.journal import read_journal
from studio.translator.training import train
from tests.making import make_frames_scene
from tests.translator.kill_child import alike
from tests.translator.making import pictures, tiny

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and fork are POSIX")
TINY = {
    "threads": 1, "precision": "fp32", "dim": 4, "res_blocks": 1, "mlp_dim": 8, "disc_dim": 4, "disc_layers": 3,
    "disc_scales": 2, "load_width": 0, "crop_width": 32, "crop_height": 32, "checkpoint_every": 5, "sample_every": 10,
    "sample_frames": 2, "sample_styles": 2, "keep_checkpoints": 2,
}  # fmt: skip


def contents(run: Path) -> dict[str, object]:
    """All that a run keeps: every tensor's bytes, states and rows without times, pictures, and no leftovers."""
    found: dict[str, object] = {}
    for folder in checkpoints_of(run):
        for path in folder.glob("*.safetensors"):
            tensors = {name: value.numpy().tobytes() for name, value in load_file(path).items()}
            found[f"{folder.name}/{path.name}"] = tensors
        state = json.loads((folder / "state.json").read_text())
        found[f"{folder.name}/state"] = {name: value for name, value in state.items() if name != "seconds"}
    rows = [{n: v for n, v in row.items() if n != "seconds"} for row in read_journal(run / "metrics.jsonl")]
    found["rows"] = rows
    found.update({path.name: path.read_bytes() for path in (run / "samples").iterdir()})
    found["names"] = sorted(p.name for p in [*run.iterdir(), *(run / "checkpoints").iterdir()])
    return found


def check_killed_at_file_operations(folder: Path, count: int, seed: int) -> int:
    command = [sys.executable, "-m", "tests.translator.kill_child", str(folder), str(count), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    straight = contents(folder / "straight")
    names = done.stdout.split()
    for name in names:
        assert contents(folder / name) == straight, name
    return len(names)


@posix
def test_killed_before_file_operations_drawn_at_random(tmp_path: Path) -> None:
    assert check_killed_at_file_operations(tmp_path, 3, seed=1) == 3


@posix
@pytest.mark.long
def test_killed_before_each_file_operation(tmp_path: Path) -> None:
    assert check_killed_at_file_operations(tmp_path, 0, seed=2) > 50


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    make_frames_scene(folder / "scene")
    pictures(folder / "images", size=(64, 48))
    with Project.create(folder / "body") as made:
        result_of(add_scenes(made, folder / "scene"))
        result_of(add_footage(made, [folder / "images" / "footage"]))
        return made.folder


def started(project: Path, iterations: int, *, resume: bool) -> subprocess.Popen[str]:
    words = ["--resume"] if resume else [f"--set={name}={value}" for name, value in TINY.items()]
    more = [] if resume else ["--preset", "demo", "--iterations", str(iterations)]
    command = ["translator", "train", str(project), "--name", "run", "--device", "cpu", *more, *words, "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "studio", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def moments() -> Iterator[str]:
    """Kinds of moments to kill at, endlessly."""
    yield "config"
    while True:
        yield "line"
        yield "checkpoint"


def wait_for(child: subprocess.Popen[str], kind: str, run: Path, chance: random.Random) -> None:
    """Return at such a moment, or when the child has ended."""
    assert child.stdout is not None
    if kind == "config":
        while not (run / "config.json").is_file() and child.poll() is None:
            time.sleep(0.001)
        return
    for _ in range(chance.randint(5, 120)):
        child.stdout.readline()
    if kind == "line":
        time.sleep(chance.random() * 0.05)
        return
    until = time.monotonic() + 2
    while time.monotonic() < until and child.poll() is None:  # one that is being written
        if any(p.name.startswith(".") for p in (run / "checkpoints").iterdir()):
            return


def copied(project: Path, name: str) -> Path:
    """A copy beside the project, from where it finds the scenes and footage that it refers to."""
    return Path(shutil.copytree(project, project.with_name(f"{name}.trocar")))


def check_killed_command(project: Path, kills: int, seed: int) -> None:
    iterations = 20 + 10 * kills
    straight, broken = (copied(project, f"{name}-{kills}-{seed}") for name in ("straight", "broken"))
    child = started(straight, iterations, resume=False)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    run, chance = broken / "runs" / "translator-run", random.Random(seed)
    kinds = moments()
    for kill in range(kills):
        child = started(broken, iterations, resume=kill > 0)
        wait_for(child, next(kinds), run, chance)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=60)
        assert child.returncode in (-signal.SIGKILL, 0)
        if child.returncode:
            with Project.open(broken, write=False) as opened:
                assert project_summary(opened)["runs"] == [
                    {"name": "run", "kind": "translator", "state": "interrupted"}
                ]
    child = started(broken, iterations, resume=True)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    last = json.loads(out.splitlines()[-1])["result"]
    assert last["steps"] == iterations and last["best"]
    assert contents(run) == contents(straight / "runs" / "translator-run")


@posix
def test_killed_commands(project: Path) -> None:
    check_killed_command(project, 2, seed=4)


@posix
@pytest.mark.long
def test_commands_killed_many_times(project: Path) -> None:
    for seed in range(3):
        check_killed_command(project, 12, seed=seed)


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_polite_signal_leaves_a_checkpoint_of_the_step(project: Path, name: str) -> None:
    copy = copied(project, name)
    child = started(copy, 100_000, resume=False)
    assert child.stdout is not None
    while '"done":7,' not in child.stdout.readline():
        assert child.poll() is None
    child.send_signal(getattr(signal, name))
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    steps = [event["done"] for line in out.splitlines() if (event := json.loads(line))["event"] == "progress"]
    newest = checkpoints_of(copy / "runs" / "translator-run")[-1]
    # The step during which the signal came is finished and kept; its progress may not have been said any more.
    assert int(newest.name.removeprefix("step_")) - (steps[-1] if steps else 7) in (0, 1)
    with Project.open(copy, write=False) as opened:
        assert opened.runs.get("translator", "run").state == "stopped"


def test_an_interrupt_while_validity_is_measured_waits_for_it(tmp_path: Path) -> None:
    images, settings, calls = pictures(tmp_path), tiny(iterations=6, checkpoint_every=2), [0]

    def interrupted(place: int, render_HW3: np.ndarray, translation_HW3: np.ndarray) -> float:
        calls[0] += 1
        if calls[0] == 6:  # of four a checkpoint
            signal.raise_signal(signal.SIGINT)
        return alike(place, render_HW3, translation_HW3)

    with pytest.raises(KeyboardInterrupt):
        result_of(train(tmp_path / "run", *images, settings, device="cpu", judge=interrupted))
    assert checkpoints_of(tmp_path / "run")[-1].name == "step_00000004"
    result_of(train(tmp_path / "run", *images, settings, resume=True, device="cpu", judge=alike))
    result_of(train(tmp_path / "straight", *images, settings, device="cpu", judge=alike))
    assert contents(tmp_path / "run") == contents(tmp_path / "straight")


@posix
def test_a_closed_pipe_stops_a_run_as_a_signal_does(project: Path) -> None:
    copy = copied(project, "pipe")
    child = started(copy, 100_000, resume=False)
    assert child.stdout is not None and child.stderr is not None
    while '"done":7,' not in child.stdout.readline():
        assert child.poll() is None
    child.stdout.close()
    err = child.stderr.read()
    assert child.wait(timeout=60) == 130 and err == "trocar: stopped; what was finished is kept\n"
    child.stderr.close()
    assert int(checkpoints_of(copy / "runs" / "translator-run")[-1].name.removeprefix("step_")) >= 7
