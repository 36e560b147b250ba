"""Which checkpoints stay and which one is taken; what a kill, a full disk or a damaged file leave behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from studio.jobs.events import Metric, Note, Progress
from studio.jobs.stages import result_of
from studio.translator.checkpoints import CONFIG, checkpoints_of, read_config, read_state
from studio.translator.inference import load_translator
from studio.translator.journal import read_journal
from studio.translator.selection import best_checkpoint, checkpoint_named, surplus
from studio.translator.settings import TrainSettings
from studio.translator.training import train
from studio.vocabulary.errors import DiskFull, InputError
from tests.translator.making import pictures, tiny

SETTINGS = tiny(iterations=100, checkpoint_every=10, keep_checkpoints=2)


def judged_run(run: Path, found: dict[int, tuple[float | None, float]], settings: TrainSettings = SETTINGS) -> Path:
    """Folders as of checkpoints with (validity, change) by step; weights are not looked at."""
    for step, (validity, change) in found.items():
        folder = run / "checkpoints" / f"step_{step:08d}"
        folder.mkdir(parents=True)
        (folder / "generators.safetensors").touch()
        (folder / "state.json").write_text(json.dumps({"step": step, "validity": validity, "change": change}))
    (run / CONFIG).write_text(settings.to_json())
    return run


def step_of(folder: Path | None) -> int | None:
    return None if folder is None else int(folder.name.removeprefix("step_"))


def test_the_best_comes_from_the_second_half(tmp_path: Path) -> None:
    run = judged_run(tmp_path, {10: (0.99, 5), 50: (0.7, 30), 70: (0.8, 30), 80: (0.8, 31), 90: (None, 0)})
    assert step_of(best_checkpoint(run, SETTINGS)) == 80, "the later one of equals"
    assert step_of(best_checkpoint(run, SETTINGS.with_values(iterations=1000))) is None


def test_a_translator_that_changes_next_to_nothing_is_not_the_best(tmp_path: Path) -> None:
    run = judged_run(tmp_path, {50: (0.7, 30), 60: (0.75, 25), 70: (1.0, 2), 80: (0.6, 35)})
    # The middle one changes the render by 27.5 grey levels; 2 are fewer than half of that.
    assert step_of(best_checkpoint(run, SETTINGS)) == 60


def test_the_last_the_best_and_one_to_go_back_to_are_kept(tmp_path: Path) -> None:
    long = SETTINGS.with_values(iterations=4000)  # trouble is noticed within 4 x 200 steps
    steps = (1000, 1100, *range(1800, 3100, 100))
    run = judged_run(tmp_path, {step: (0.9 if step == 2000 else 0.5, 30) for step in steps}, long)
    kept = {step_of(f) for f in checkpoints_of(run)} - {step_of(f) for f in surplus(run, long)}
    assert kept == {3000, 2900, 2000, 2200, 2300}
    finished = SETTINGS.with_values(iterations=3000)
    kept = {step_of(f) for f in checkpoints_of(run)} - {step_of(f) for f in surplus(run, finished)}
    assert kept == {3000, 2900, 2000}


def test_checkpoints_are_taken_by_name(tmp_path: Path) -> None:
    run = judged_run(tmp_path, {10: (0.9, 30), 60: (0.8, 30), 70: (0.7, 30)})
    assert [step_of(checkpoint_named(run, which)) for which in ("last", "best", "10")] == [70, 60, 10]
    with pytest.raises(InputError, match=r"no checkpoint '20'.*10, 60, 70"):
        checkpoint_named(run, "20")
    early = judged_run(tmp_path / "early", {10: (0.9, 30)})
    with pytest.raises(InputError, match="second half"):
        checkpoint_named(early, "best")


def likeness_until(step: int) -> Callable[[int, np.ndarray, np.ndarray], float]:
    """A judge that is called for 2 frames x 2 styles a checkpoint, and thinks nothing of later ones."""
    calls = [0]

    def judge(place: int, render_HW3: np.ndarray, translation_HW3: np.ndarray) -> float:
        assert place in (0, 4) and render_HW3.shape == translation_HW3.shape == (40, 56, 3)
        calls[0] += 1
        return 0.8 if (calls[0] + 3) // 4 * 2 <= step else 0.4

    return judge


def test_a_run_measures_keeps_and_names_its_best(tmp_path: Path) -> None:
    settings = tiny(checkpoint_every=2, keep_checkpoints=1, log_every=5)
    events = list(train(tmp_path / "run", *pictures(tmp_path), settings, device="cpu", judge=likeness_until(8)))
    said = {e.step: e.value for e in events if isinstance(e, Metric) and e.name == "validity"}
    assert said == {2: 0.8, 4: 0.8, 6: 0.8, 8: 0.8, 10: 0.4, 12: 0.4}
    rows = {row["step"]: row.get("validity") for row in read_journal(tmp_path / "run" / "metrics.jsonl")}
    assert rows == {**said, 5: None}
    assert [step_of(f) for f in checkpoints_of(tmp_path / "run")] == [8, 12]
    assert events[-1].result["best"].endswith("step_00000008")  # type: ignore[union-attr]
    state = read_state(checkpoint_named(tmp_path / "run", "best"))
    assert (state.step, state.validity) == (8, 0.8) and state.change is not None and 0 < state.change < 255
    best, last = (load_translator(tmp_path / "run", checkpoint=c, device="cpu") for c in ("best", "last"))
    assert best.fingerprint != last.fingerprint == load_translator(tmp_path / "run", device="cpu").fingerprint
    assert best.fingerprint == load_translator(checkpoints_of(tmp_path / "run")[0], device="cpu").fingerprint


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = train(tmp_path / "run", *pictures(tmp_path), tiny(), device="cpu")
    next(e for e in job if isinstance(e, Progress) and e.done == 5)
    before = sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(DiskFull, match="Free some space"):
        list(job)
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir()) == before == [
        "step_00000000", "step_00000004"
    ]  # fmt: skip
    monkeypatch.undo()
    result_of(train(tmp_path / "run", *pictures(tmp_path), tiny(), resume=True, device="cpu"))
    assert step_of(checkpoints_of(tmp_path / "run")[-1]) == 12


@pytest.mark.parametrize("part", ["training.safetensors", "generators.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_set_aside_and_an_older_one_taken(tmp_path: Path, part: str) -> None:
    run, images, settings = tmp_path / "run", pictures(tmp_path), tiny(iterations=8, keep_checkpoints=2)
    result_of(train(run, *images, settings, device="cpu"))
    whole = load_translator(run, device="cpu").fingerprint
    damaged = checkpoints_of(run)[-1] / part
    damaged.write_bytes(damaged.read_bytes()[:40])
    events = list(train(run, *images, settings, resume=True, device="cpu"))
    warnings = [e.text for e in events if isinstance(e, Note) and e.level == "warning"]
    assert len(warnings) == 1 and part in warnings[0] and "older checkpoint" in warnings[0]
    assert any("step 4" in e.text for e in events if isinstance(e, Note))
    assert (run / "checkpoints" / "step_00000008.damaged").is_dir()
    assert load_translator(run, device="cpu").fingerprint == whole


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    run, images = tmp_path / "run", pictures(tmp_path)
    result_of(train(run, *images, tiny(iterations=2), device="cpu"))
    for name in ("checkpoints/.step_00000002-abc/x", "checkpoints/.step_00000001-gone/x", ".writing-a.json",
                 "samples/.writing-b.png", "evidence/step_00000002/.writing-c.png"):  # fmt: skip
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    result_of(train(run, *images, tiny(iterations=2), resume=True, device="cpu"))
    assert not [p for p in run.rglob("*") if p.name.startswith(".")]


def test_pictures_missing_after_a_kill_are_drawn(tmp_path: Path) -> None:
    run, images = tmp_path / "run", pictures(tmp_path)
    result_of(train(run, *images, tiny(), device="cpu"))
    last = run / "samples" / "step_000012.png"
    data = last.read_bytes()
    last.unlink()
    result_of(train(run, *images, tiny(), resume=True, device="cpu"))
    assert last.read_bytes() == data


def test_settings_change_on_the_way_but_networks_do_not(tmp_path: Path) -> None:
    run, images = tmp_path / "run", pictures(tmp_path)
    result_of(train(run, *images, tiny(iterations=4), device="cpu"))
    with pytest.raises(InputError, match=r"dim is 4 in this run and cannot become 8"):
        result_of(train(run, *images, tiny(iterations=6, dim=8), resume=True, device="cpu"))
    assert read_config(run) == tiny(iterations=4)
    events = list(train(run, *images, tiny(iterations=6, learning_rate=1e-5, precision="auto"), resume=True))
    assert read_config(run) == tiny(iterations=6, learning_rate=1e-5), "the precision stays as it was decided"
    rates = {e.step: e.value for e in events if isinstance(e, Metric) and e.name == "learning_rate"}
    assert set(rates) == {5, 6} and all(rate <= 1e-5 for rate in rates.values())


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux tells which files a process looks at")
def test_a_resumed_run_does_not_hold_on_to_the_files_that_it_read(tmp_path: Path) -> None:
    run, images = tmp_path / "run", pictures(tmp_path)
    result_of(train(run, *images, tiny(iterations=4), device="cpu"))
    job = train(run, *images, tiny(iterations=8), resume=True, device="cpu")
    next(e for e in job if isinstance(e, Progress))
    assert str(run) not in Path("/proc/self/maps").read_text()
    job.close()
