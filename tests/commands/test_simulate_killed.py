"""A simulation that is stopped or killed at any moment and run again ends in the bytes of one that ran through."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from studio.project.project import Project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def command(project: Path, frames: int) -> list[str]:
    return [sys.executable, "-m", "studio", "scenes", "simulate", str(project), "--frames", str(frames),
            "--patients", "3", "--size", "64x36", "--seed", "4"]  # fmt: skip


def digests(project: Path) -> dict[str, str]:
    root = project / "scenes"
    files = (p for p in root.rglob("*") if p.is_file())
    return {str(p.relative_to(root)): hashlib.blake2b(p.read_bytes()).hexdigest() for p in files}


def stopped_often(project: Path, frames: int, *, stops: int, seconds: tuple[float, float]) -> None:
    rng = random.Random(frames)
    for i in range(stops):
        with subprocess.Popen(command(project, frames), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as job:
            try:
                job.wait(timeout=rng.uniform(*seconds))
            except subprocess.TimeoutExpired:
                job.send_signal(signal.SIGKILL if i % 2 else signal.SIGINT)


@pytest.mark.parametrize(
    ("frames", "stops", "seconds"),
    [(36, 3, (1.0, 2.5)), pytest.param(20_000, 12, (5.0, 40.0), marks=pytest.mark.long)],
)
def test_a_simulation_killed_again_and_again(
    tmp_path: Path, frames: int, stops: int, seconds: tuple[float, float]
) -> None:
    through, killed = tmp_path / "through.trocar", tmp_path / "killed.trocar"
    for project in (through, killed):
        Project.create(project).close()
    subprocess.run(command(through, frames), check=True, capture_output=True)
    stopped_often(killed, frames, stops=stops, seconds=seconds)
    subprocess.run(command(killed, frames), check=True, capture_output=True)
    assert digests(killed) == digests(through)
    with Project.open(killed) as opened:
        assert (len(opened.scenes.all()), opened.scenes.frame_count()) == (3, frames)
