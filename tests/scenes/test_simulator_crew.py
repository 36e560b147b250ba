"""How frames are shared out: all of them once, a patient's by one process, at a memory that knows no frames."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.scenes.simulator import SimulationSettings, crew, simulation
from studio.scenes.simulator.crew import Batch, Waiting, rendered, sweep
from studio.scenes.simulator.kept import kept, let_go


def counted(batch: Batch[str]) -> int:
    return len(batch.frames)


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(1, 9), st.integers(1, 3))
def test_every_frame_is_handed_out_once_and_lanes_stay_with_their_patients(
    counts: list[int], length: int, lanes: int
) -> None:
    waiting = Waiting([Batch(p, range(100 * p, 100 * p + n), "recipe") for p, n in enumerate(counts)], length=length)
    expected = waiting.batches()
    own: list[int | None] = [None] * lanes
    taken: list[Batch[str]] = []
    left = Counter({p: n for p, n in enumerate(counts) if n})
    while waiting:
        lane = len(taken) % lanes
        batch = waiting.next(own[lane], {p for p in own if p is not None})
        if own[lane] in left:
            assert batch.patient == own[lane]
        elif any(p not in own for p in left):
            assert batch.patient not in own
        own[lane] = batch.patient
        left[batch.patient] -= len(batch.frames)
        left = +left
        taken.append(batch)
    assert not left
    assert len(taken) == expected
    frames = [f for b in taken for f in b.frames]
    assert sorted(frames) == [100 * p + i for p, n in enumerate(counts) for i in range(n)]
    assert [len(b.frames) for b in taken[:1]] == [1] * bool(taken)
    assert all(len(b.frames) <= length for b in taken)


def peak_of(work: Callable[[], object]) -> int:
    """Bytes that Python and NumPy held at most beyond what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_waits_costs_no_memory_by_its_number_of_frames() -> None:
    def work() -> None:
        assert sum(rendered([Batch(0, range(200_000), "a"), Batch(1, range(99), "b")], counted, processes=1)) == 200_099

    assert peak_of(work) < 100_000


def test_memory_is_given_back_with_each_other_patient_but_not_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(crew, "let_go", lambda: said.append("let go"))
    monkeypatch.setattr(crew, "give_back_freed_memory", lambda: said.append("given back"))

    def render(batch: Batch[str]) -> int:
        said.append(f"{batch.patient}: {len(batch.frames)}")
        return len(batch.frames)

    assert sum(rendered([Batch(0, range(6), "a"), Batch(1, range(7), "b")], render, processes=1, length=4)) == 13
    assert said == ["0: 1", "0: 4", "0: 1", "let go", "1: 4", "given back", "1: 3"]


def test_what_is_kept_is_made_once_and_anew_after_letting_go() -> None:
    made: list[int] = []

    @kept(2)
    def double(number: int) -> int:
        made.append(number)
        return 2 * number

    assert [double(n) for n in (1, 2, 1, 2, 3, 1)] == [2, 4, 2, 4, 6, 2]
    assert made == [1, 2, 3, 1]
    let_go()
    assert (double(3), made) == (6, [1, 2, 3, 1, 3])


def test_what_was_cut_off_in_writing_is_swept_at_any_depth_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a" / "rgb").mkdir(parents=True)
    for name in ("a/.writing-1.png", "a/rgb/.writing-2.png", "a/rgb/000000.png"):
        (tmp_path / name).write_bytes(b"x")
    sweep([tmp_path / "a", tmp_path / "absent"])
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["000000.png"]


def posed(folder: Path, frames: int) -> simulation._PatientJob:
    """A patient whose frames are rendered and whose scene is not yet finished; as far as poses go."""
    (job,) = simulation._patient_jobs(folder, SimulationSettings(frames, 1, size=(48, 32), seed=1))
    (job.folder / simulation._POSES).mkdir(parents=True)
    for i in range(frames):
        entry = {"frame": f"{i:06d}", "K": [[1.5] * 3] * 3, "tools": [], "class_pixels": {"1": 1000 + i, "3": 536 - i}}
        (job.folder / simulation._POSES / f"{i:06d}.json").write_text(json.dumps(entry))
    return job


def test_finishing_a_scene_costs_hardly_any_memory_by_its_frames(tmp_path: Path) -> None:
    few, many = (posed(tmp_path / str(n), n) for n in (1100, 2200))
    simulation._finish(posed(tmp_path / "before", 1))  # what is made once
    peaks = [peak_of(lambda job=job: simulation._finish(job)) for job in (few, many)]  # type: ignore[misc]
    assert (peaks[1] - peaks[0]) / 1100 < 120  # bytes: nine shares, and a little room
    assert sum(1 for p in many.folder.rglob("*") if p.is_file()) == 2
    names = [entry["frame"] for entry in json.loads((many.folder / "frames.json").read_text())]
    assert names == [f"{i:06d}" for i in range(2200)]
