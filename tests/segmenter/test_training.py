"""Training learns, is repeatable, and goes on exactly where it was closed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from studio.files.atomic import hash_file
from studio.jobs.events import Done, Metric, Progress
from studio.jobs.stages import result_of
from studio.segmenter.checkpoints import METRICS, RESUME, WEIGHTS
from studio.segmenter.data import TrainingPair
from studio.segmenter.measure import steps_within
from studio.segmenter.metrics import dice
from studio.segmenter.prediction import load_segmenter
from studio.segmenter.seen import SEEN
from studio.segmenter.settings import Appearance
from studio.segmenter.training import Learner, one_cycle, segmentation_loss, train_segmenter
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.labels import IGNORE
from tests.segmenter.toy import TINY, picture, toy_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingPair]:
    return toy_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def whole(pairs: list[TrainingPair], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    result_of(train_segmenter(run, pairs, TINY))
    return run


def rows(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def test_a_learnt_disc_is_found_in_pictures_never_seen(tmp_path: Path) -> None:
    settings = replace(TINY, steps=50, batch=6)
    result_of(train_segmenter(tmp_path / "run", toy_pairs(tmp_path / "pairs", count=24), settings))
    segmenter = load_segmenter(tmp_path / "run")
    found = []
    for seed in range(100, 106):
        image_HW3, ids_HW = picture(np.random.default_rng(seed))
        found.append(dice(segmenter.predict(image_HW3) == 1, ids_HW == 1))
    assert np.mean(found) > 0.85


def test_every_step_is_told_and_kept(pairs: list[TrainingPair], tmp_path: Path) -> None:
    events = list(train_segmenter(tmp_path / "run", pairs, TINY))
    told = [e for e in events if isinstance(e, Metric)]
    assert [e.step for e in told] == list(range(12))
    assert [(r["step"], r["value"]) for r in rows(tmp_path / "run")] == [(e.step, e.value) for e in told]
    assert [e for e in events if isinstance(e, Progress)][-1].done == 12
    assert isinstance(events[-1], Done)
    assert {p.name for p in (tmp_path / "run").iterdir()} == {WEIGHTS, METRICS, SEEN, "settings.json"}


def test_the_result_names_weights_and_budget(pairs: list[TrainingPair], whole: Path) -> None:
    result = result_of(train_segmenter(whole, pairs, TINY, resume=True))
    assert (result["steps"], result["pairs"], result["patients"], result["appearance"]) == (12, 8, 2, "none")
    assert result["fingerprint"] == load_segmenter(whole).fingerprint


def test_same_seed_same_bytes(pairs: list[TrainingPair], whole: Path, tmp_path: Path) -> None:
    result_of(train_segmenter(tmp_path / "again", pairs, TINY))
    assert hash_file(tmp_path / "again" / WEIGHTS) == hash_file(whole / WEIGHTS)
    result_of(train_segmenter(tmp_path / "other", pairs, replace(TINY, seed=4)))
    assert hash_file(tmp_path / "other" / WEIGHTS) != hash_file(whole / WEIGHTS)


@pytest.mark.parametrize("closed_after", [1, 7, 12])
def test_closed_and_resumed_is_the_same_as_never_closed(
    pairs: list[TrainingPair], whole: Path, tmp_path: Path, closed_after: int
) -> None:
    job = train_segmenter(tmp_path / "run", pairs, TINY)
    for event in job:
        if isinstance(event, Metric) and event.step + 1 == closed_after:
            job.close()
    assert not (tmp_path / "run" / WEIGHTS).exists()
    result_of(train_segmenter(tmp_path / "run", pairs, TINY, resume=True))
    assert hash_file(tmp_path / "run" / WEIGHTS) == hash_file(whole / WEIGHTS)
    assert rows(tmp_path / "run") == rows(whole)
    assert not (tmp_path / "run" / RESUME).exists()


def test_after_a_crash_training_goes_on_from_the_last_saved_step(
    pairs: list[TrainingPair], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Learner.step

    def crashing(learner: Learner) -> float:
        if learner.facts.step == 8:
            raise MemoryError
        return step(learner)

    monkeypatch.setattr(Learner, "step", crashing)
    with pytest.raises(MemoryError):
        result_of(train_segmenter(tmp_path / "run", pairs, TINY))
    monkeypatch.undo()
    with (tmp_path / "run" / METRICS).open("a") as metrics:
        metrics.write('{"step": 9, "na')
    first = next(e for e in train_segmenter(tmp_path / "run", pairs, TINY, resume=True) if isinstance(e, Metric))
    assert first.step == 5


def test_a_run_is_not_overwritten(pairs: list[TrainingPair], whole: Path) -> None:
    before = hash_file(whole / WEIGHTS)
    with pytest.raises(InputError, match="holds a run already"):
        result_of(train_segmenter(whole, pairs, TINY))
    assert hash_file(whole / WEIGHTS) == before


def test_a_run_is_resumed_only_as_it_was_begun(pairs: list[TrainingPair], tmp_path: Path) -> None:
    job = train_segmenter(tmp_path / "run", pairs, TINY)
    for event in job:
        if isinstance(event, Metric) and event.step == 2:
            job.close()
    with pytest.raises(InputError, match="other settings"):
        result_of(train_segmenter(tmp_path / "run", pairs, replace(TINY, lr=1e-3), resume=True))


@pytest.mark.parametrize("appearance", ["colour", "reinhard"])
def test_appearances_train_for_the_same_steps_and_resume_exactly(
    pairs: list[TrainingPair], whole: Path, tmp_path: Path, appearance: Appearance
) -> None:
    footage = [pair.image for pair in pairs[:3]]
    settings = replace(TINY, steps=4)

    def run(name: str) -> Path:
        return tmp_path / name

    whole_job = train_segmenter(run("a"), pairs, settings, appearance=appearance, footage_images=footage)
    assert sum(isinstance(e, Metric) for e in whole_job) == 4
    job = train_segmenter(run("b"), pairs, settings, appearance=appearance, footage_images=footage)
    for event in job:
        if isinstance(event, Metric) and event.step == 1:
            job.close()
    result_of(train_segmenter(run("b"), pairs, settings, appearance=appearance, footage_images=footage, resume=True))
    assert hash_file(run("a") / WEIGHTS) == hash_file(run("b") / WEIGHTS)
    assert rows(run("a")) != rows(whole)[:4]


def test_refusals(pairs: list[TrainingPair], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no footage"):
        result_of(train_segmenter(tmp_path / "a", pairs, TINY, appearance="reinhard"))
    with pytest.raises(InputError, match="no appearance"):
        result_of(train_segmenter(tmp_path / "a", pairs, TINY, appearance="bright"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no labelled pictures"):
        result_of(train_segmenter(tmp_path / "a", [], TINY))
    with pytest.raises(InputError, match="no device"):
        result_of(train_segmenter(tmp_path / "a", pairs, TINY, device="toaster"))
    assert not (tmp_path / "a").exists()


def test_a_loss_that_is_no_number_ends_the_run_in_words(pairs: list[TrainingPair], tmp_path: Path) -> None:
    with pytest.raises(TrocarError, match="no number"):
        result_of(train_segmenter(tmp_path / "run", pairs, replace(TINY, lr=1e35)))


def test_fine_tuning_starts_from_the_earlier_run(pairs: list[TrainingPair], whole: Path, tmp_path: Path) -> None:
    def first_loss(**more: Path) -> float:
        run = tmp_path / ("tuned" if more else "fresh")
        events = list(train_segmenter(run, pairs, replace(TINY, steps=1), **more))  # type: ignore[arg-type]
        return next(e.value for e in events if isinstance(e, Metric))

    assert first_loss(init=whole) < 0.8 * first_loss()
    assert load_segmenter(tmp_path / "tuned").facts.init == load_segmenter(whole).fingerprint


def test_fine_tuning_needs_the_same_network(pairs: list[TrainingPair], whole: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="width 8 for liver, not as small of width 12"):
        result_of(train_segmenter(tmp_path / "run", pairs, replace(TINY, width=12), init=whole))


def test_checkpoints_that_are_none(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("not one")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "newer.safetensors", {"trocar-segmenter": '{"version": 9}'})
    data = (whole / WEIGHTS).read_bytes()
    (tmp_path / "short.safetensors").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty").mkdir()
    for name, said in {
        "text.safetensors": "not a segmenter",
        "other.safetensors": "no segmenter",
        "newer.safetensors": "another version",
        "short.safetensors": "not a segmenter",
        "empty": "no trained segmenter",
        "absent": "no such segmenter",
    }.items():
        with pytest.raises(InputError, match=said):
            load_segmenter(tmp_path / name)


def test_prediction_has_the_pictures_size_and_known_ids(whole: Path) -> None:
    segmenter = load_segmenter(whole)
    ids_HW = segmenter.predict(picture(np.random.default_rng(0), (101, 77))[0])
    assert ids_HW.shape == (77, 101)
    assert ids_HW.dtype == np.uint8
    assert set(np.unique(ids_HW)) <= {0, 1}


def test_perfect_logits_cost_nothing_and_ignored_pixels_never() -> None:
    target_BHW = torch.tensor([[[0, 1, 1, IGNORE]]])
    logits_BKHW = torch.tensor([[[[20.0, -20.0, -20.0, 9.0]], [[-20.0, 20.0, 20.0, 0.0]]]])
    assert float(segmentation_loss(logits_BKHW, target_BHW)) == pytest.approx(0, abs=1e-4)
    assert float(segmentation_loss(-logits_BKHW, target_BHW)) > 20
    logits_BKHW.requires_grad_()
    segmentation_loss(logits_BKHW, torch.full_like(target_BHW, IGNORE)).backward()  # type: ignore[no-untyped-call]
    assert logits_BKHW.grad is not None
    assert float(logits_BKHW.grad.abs().sum()) == 0


def test_the_rate_rises_and_falls() -> None:
    rates = [one_cycle(step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1, abs=0.05)
    assert rates.index(max(rates)) == pytest.approx(15, abs=2)
    assert rates[-1] < 0.001


def test_more_time_holds_more_steps() -> None:
    assert steps_within(TINY, 0.0, trial=0.01) == 20
    assert steps_within(TINY, 1000.0, trial=0.01) > 20
