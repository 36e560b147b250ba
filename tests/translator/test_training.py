"""Training: what it says, what it keeps, and that interruptions change nothing."""

from __future__ import annotations

import math
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from studio.files.pictures import read_size
from studio.jobs.events import Done, Metric, Note, Picture, Progress
from studio.jobs.stages import result_of
from studio.translator.checkpoints import checkpoints_of
from studio.translator.journal import Journal, read_journal
from studio.translator.learner import Learner
from studio.translator.schedule import learning_rate
from studio.translator.settings import TrainSettings
from studio.translator.training import train
from studio.vocabulary.errors import InputError
from tests.translator.making import pictures, tiny


def weights(run: Path) -> Mapping[str, bytes]:
    """Every tensor of the newest checkpoint, as bytes."""
    newest = checkpoints_of(run)[-1]
    tensors = {**load_file(newest / "generators.safetensors"), **load_file(newest / "training.safetensors")}
    return {name: value.numpy().tobytes() for name, value in tensors.items()}


def test_a_run_says_and_keeps_what_it_promises(tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = list(train(run, *pictures(tmp_path), tiny(), device="cpu"))
    steps = [e.step for e in events if isinstance(e, Metric) and e.name == "cycle_a"]
    assert steps == list(range(1, 13))
    names = {e.name for e in events if isinstance(e, Metric)}
    assert {"image_a", "style_b", "gan_ab", "disc_b", "ms_ssim_ba", "learning_rate"} <= names
    shown = [e for e in events if isinstance(e, Picture)]
    assert [p.step for p in shown] == [0, 6, 12]
    assert read_size(Path(shown[-1].path)) == (56 * 3, 40 * 2)
    progress = [e for e in events if isinstance(e, Progress)]
    assert [(p.done, p.total) for p in progress] == [(i, 12) for i in range(1, 13)]
    assert any("MS-SSIM works with 2 levels" in e.text for e in events if isinstance(e, Note))
    assert isinstance(events[-1], Done)
    assert events[-1].result["steps"] == 12
    assert [row["step"] for row in read_journal(run / "metrics.jsonl")] == list(range(1, 13))
    assert [p.name for p in checkpoints_of(run)] == ["step_00000008", "step_00000012"]
    assert TrainSettings.from_json((run / "config.json").read_text()) == tiny()


def test_closing_at_any_step_and_resuming_gives_the_same_weights(tmp_path: Path) -> None:
    images = pictures(tmp_path)
    result_of(train(tmp_path / "straight", *images, tiny(), device="cpu"))
    broken = tmp_path / "broken"
    for stop in (3, 7, 12):
        job = train(broken, *images, tiny(), resume=True, device="cpu")
        for event in job:
            if isinstance(event, Progress) and event.done == stop and stop < 12:
                break
        job.close()
        assert checkpoints_of(broken)[-1].name == f"step_{stop:08d}"
    assert weights(broken) == weights(tmp_path / "straight")
    rows = [row["step"] for row in read_journal(broken / "metrics.jsonl")]
    assert rows == list(range(1, 13))


def test_an_interrupt_waits_for_the_step_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Learner.step

    def interrupted(self: Learner, batch: object, number: int, rate: float) -> dict[str, torch.Tensor]:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, number, rate)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result_of(train(tmp_path / "run", *pictures(tmp_path), tiny(), device="cpu"))
    assert checkpoints_of(tmp_path / "run")[-1].name == "step_00000003"
    monkeypatch.undo()
    result_of(train(tmp_path / "run", *pictures(tmp_path), tiny(), resume=True, device="cpu"))
    result_of(train(tmp_path / "straight", *pictures(tmp_path), tiny(), device="cpu"))
    assert weights(tmp_path / "run") == weights(tmp_path / "straight")


def test_symmetric_batches_noise_and_paper_masks_train_too(tmp_path: Path) -> None:
    settings = tiny(variant="symmetric", batch=2, reencode_noise=0.1, mask="paper", content_channels=4, iterations=2)
    events = list(train(tmp_path / "run", *pictures(tmp_path), settings, device="cpu"))
    losses = {e.name: e.value for e in events if isinstance(e, Metric)}
    assert "style_a" in losses
    assert all(math.isfinite(value) for value in losses.values())


def test_one_way_runs_learn_and_resume_too(tmp_path: Path) -> None:
    images, settings = pictures(tmp_path), tiny(directions="ab", iterations=4, checkpoint_every=2)
    events = list(train(tmp_path / "run", *images, settings, device="cpu"))
    names = {e.name for e in events if isinstance(e, Metric)}
    assert names == {"image_b", "content_a", "style_b", "ms_ssim_ab", "gan_ab", "disc_b", "spread_ab", "learning_rate"}
    job = train(tmp_path / "twice", *images, settings, device="cpu")
    next(e for e in job if isinstance(e, Progress) and e.done == 3)
    job.close()
    result_of(train(tmp_path / "twice", *images, settings, resume=True, device="cpu"))
    assert weights(tmp_path / "twice") == weights(tmp_path / "run")


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    images = pictures(tmp_path)
    result_of(train(tmp_path / "run", *images, tiny(iterations=1), device="cpu"))
    with pytest.raises(InputError, match="holds a training run already"):
        result_of(train(tmp_path / "run", *images, tiny(iterations=1), device="cpu"))


def test_time_limit_ends_a_run(tmp_path: Path) -> None:
    events = list(train(tmp_path / "run", *pictures(tmp_path), tiny(iterations=10**6, seconds=0.3), device="cpu"))
    assert isinstance(events[-1], Done)
    assert 0 < events[-1].result["steps"] < 10**6
    last = [e for e in events if isinstance(e, Progress)][-1]
    assert last.done == last.total


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    simulated, footage = pictures(tmp_path)
    with pytest.raises(InputError, match="footage"):
        result_of(train(tmp_path / "one", simulated, [], tiny(), device="cpu"))
    footage[2].path.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"2\.png"):
        result_of(train(tmp_path / "two", simulated, footage, tiny(), device="cpu"))


def test_a_torn_journal_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step":1,"x":0.5}\n{"step":2,"x":0.4}\n{"step":3,"x"')
    journal = Journal(path)
    journal.cut_after(1)
    journal.add(2, 1.0, {"x": 0.3})
    journal.close()
    assert [(row["step"], row["x"]) for row in read_journal(path)] == [(1, 0.5), (2, 0.3)]


def test_learning_rate_halves_and_decays() -> None:
    paper = TrainSettings()
    assert learning_rate(paper, 99_999, 0.0) == 1e-4
    assert learning_rate(paper, 100_000, 0.0) == 0.5e-4
    assert learning_rate(paper, 450_000, 0.0) == pytest.approx(1e-4 / 16)
    decaying = tiny(iterations=100, decay_share=0.5, learning_rate=1e-3)
    assert learning_rate(decaying, 50, 0.0) == pytest.approx(1e-3)
    assert learning_rate(decaying, 75, 0.0) == pytest.approx(0.5e-3)
    assert learning_rate(decaying.with_values(seconds=10.0), 10, 9.0) == pytest.approx(0.2e-3)


@pytest.mark.parametrize("variant", ["asymmetric", "symmetric"])
def test_generators_that_start_alike_read_and_paint_alike(variant: str) -> None:
    """The same code for the same picture; side b's weights are those of generators that start apart."""
    image_B3HW = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
    alike, apart = (Learner(tiny(variant=variant, start=start), torch.device("cpu")) for start in ("alike", "apart"))
    with torch.no_grad():
        codes = [g.encode(image_B3HW) for g in (alike.gen_a, alike.gen_b, alike.ema_a, apart.gen_a, apart.gen_b)]
    assert torch.equal(codes[0], codes[1]) and torch.equal(codes[2], codes[1])
    assert not torch.allclose(codes[3], codes[4], atol=0.01)
    assert torch.equal(codes[4], codes[1])
    if variant == "symmetric":
        style = torch.ones(1, alike.settings.style_size)
        with torch.no_grad():
            painted = [g.decode(codes[1], style) for g in (alike.gen_a, alike.gen_b)]
        assert torch.equal(*painted)
    assert not {p.data_ptr() for p in alike.gen_a.parameters()} & {p.data_ptr() for p in alike.gen_b.parameters()}
