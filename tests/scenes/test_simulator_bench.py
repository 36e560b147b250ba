"""The bench of simulating says all that it should; how fast this machine is, no test judges."""

from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from studio.jobs.events import Progress
from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.bench import bench_simulate, resident_bytes

SIZE = (48, 32)


def test_all_figures_of_simulating_come_from_one_run() -> None:
    figures = result_of(bench_simulate(SIZE, frames=12, compared=4, bodies=2))
    assert figures["size"] == [48, 32] and figures["frames"] == 12
    for rate in ("frames_per_second", "frames_per_second_after_the_first", "one_core_frames_per_second", "speed_up"):
        assert 0 < figures[rate] < 1e5
    assert 0 < figures["first_frame_seconds"] < 12 / figures["frames_per_second"]
    assert figures["expected_by_taken"] > 0
    body = figures["body"]
    assert 0.01 < body["shapes_seconds"] < 20 and 0.01 < body["rays_seconds"] < 20
    assert max(body["shapes_seconds"], body["rays_seconds"]) < body["seconds"] < 40
    writing = figures["writing"]
    assert sum(writing[f"{part}_share"] for part in ("rendering", "encoding", "disk")) == pytest.approx(1)
    assert 0.001 < writing["megabytes_per_frame"] < 0.1
    memory = figures["memory"]
    if memory is not None:
        assert 20 < memory["parent_early_MB"] < 4000 and 20 < memory["parent_late_MB"] < 4000
        assert figures["processes"] == 1 or 20 < memory["worker_late_MB"] < 4000
    by_bodies = figures["memory_by_bodies"]
    assert (by_bodies is None) == (memory is None)
    if by_bodies is not None:
        assert by_bodies["bodies"] == 2
        assert by_bodies["parent_second_MB"] == by_bodies["parent_last_MB"] > 20  # the second is the last
        assert figures["processes"] == 1 or by_bodies["worker_second_MB"] == by_bodies["worker_last_MB"] > 20
    sequences = figures["sequences"]
    for kind in ("path", "breathing"):
        beside = sequences[f"plain_beside_{kind}_milliseconds"]
        assert sequences[f"{kind}_cost"] == pytest.approx(sequences[f"{kind}_milliseconds"] / beside)
        assert sequences[f"{kind}_start_seconds"] > 0


def test_the_first_frame_is_said_by_itself(tmp_path: Path) -> None:
    settings = SimulationSettings(11, 1, size=SIZE, seed=5, processes=1)
    for kind in (settings, dataclasses.replace(settings, path=True)):
        done = [e.done for e in simulate(tmp_path / str(kind.path), kind) if isinstance(e, Progress)]
        assert done[:2] == [0, 1] and done[-1] == 11
        assert list(np.sort(done)) == done


def test_memory_of_this_process_is_what_the_system_says() -> None:
    own, child = resident_bytes()
    if not Path("/proc/self/status").is_file():
        assert (own, child) == (0, 0)
        return
    line = next(t for t in Path("/proc/self/status").read_text().splitlines() if t.startswith("VmRSS"))
    assert own == pytest.approx(int(line.split()[1]) * 1024, rel=0.1)
    assert child == 0 or multiprocessing.active_children()
