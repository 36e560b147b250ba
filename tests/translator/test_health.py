"""What counts as trouble, from made-up losses; and the whole way: evidence, back once, then stopped."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from studio.files.pictures import read_rgb, read_size
from studio.jobs.events import Metric, Note
from studio.jobs.stages import result_of
from studio.translator import health
from studio.translator.checkpoints import checkpoints_of, read_state
from studio.translator.evidence import curves_picture, evidence_folder
from studio.translator.health import Health, Trouble, examined, longest_notice, window
from studio.translator.journal import read_journal
from studio.translator.learner import Learner
from studio.translator.losses import spread_within
from studio.translator.settings import TrainSettings, preset
from studio.translator.training import train
from studio.vocabulary.errors import TrocarError
from tests.translator.making import pictures, tiny

DEMO = preset("demo")
WELL = {"image_b": 0.1, "cycle_a": 0.2, "gan_ab": 1.2, "gan_ba": 1.1, "disc_a": 1.3, "disc_b": 1.2, "spread_ab": 0.3}


def followed(steps: int, losses: Mapping[str, float], start: Health = Health()) -> tuple[Health, Trouble | None]:  # noqa: B008
    """Health after so many equal steps, and the first trouble."""
    for _ in range(steps):
        start, trouble = examined(start, losses, DEMO)
        if trouble is not None:
            return start, trouble
    return start, None


def test_windows_grow_with_the_run() -> None:
    assert [window(preset(name)) for name in ("demo", "fast", "paper")] == [100, 2000, 2000]


def test_noisy_losses_of_a_run_that_goes_well_are_no_trouble() -> None:
    rng, kept = np.random.default_rng(0), Health()
    for step in range(3000):
        # Single steps as bad as they come, and all losses falling to a tenth.
        noise = rng.lognormal(0, 1.0, len(WELL)) * 10 ** (-step / 3000)
        losses = {name: value * factor for (name, value), factor in zip(WELL.items(), noise, strict=True)}
        losses["spread_ab"] = max(losses["spread_ab"], 0.05)
        kept, trouble = examined(kept, losses, DEMO)
        assert trouble is None, step


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named_at_once(value: float) -> None:
    _, trouble = examined(Health(), WELL | {"gan_ab": value, "image_b": value}, DEMO)
    assert trouble == Trouble("image_b, gan_ab are not a number", 1)


def test_an_explosion_is_found_after_twenty_steps_on_end() -> None:
    kept, _ = followed(300, WELL)
    huge = {name: value * 150 for name, value in WELL.items()}
    assert followed(19, huge, kept)[1] is None
    interrupted, _ = followed(19, huge, kept)
    interrupted, _ = followed(1, WELL, interrupted)
    assert followed(19, huge, interrupted)[1] is None
    exploded, trouble = followed(25, huge, kept)
    assert trouble is not None and "100 times" in trouble.what
    assert exploded.exploded == 20 and trouble.steps == 20
    assert followed(1000, {name: value * 50 for name, value in WELL.items()}, kept)[1] is None


@pytest.mark.parametrize(("judge", "fooling"), [("disc_b", "gan_ab"), ("disc_a", "gan_ba")])
def test_judges_that_have_won_for_long_are_found(judge: str, fooling: str) -> None:
    # Three scales: certain judgements cost nothing, and a picture that is told for certain costs 1 a scale.
    won = WELL | {judge: 0.003, fooling: 2.99}
    kept, _ = followed(500, WELL)
    found, trouble = followed(3000, won, kept)
    assert trouble is not None and "told" in trouble.what
    assert trouble.steps == 400 == longest_notice(DEMO)
    # 1.2 fades to 0.03 by e^-t/100 in about 370 to 380 steps.
    assert 350 < found.seen - 500 < 400
    assert followed(3000, WELL | {judge: 0.003}, kept)[1] is None
    assert followed(3000, WELL | {fooling: 2.99}, kept)[1] is None


def test_flat_translations_are_found_and_short_lapses_are_not() -> None:
    kept, _ = followed(500, WELL)
    found, trouble = followed(3000, WELL | {"spread_ab": 0.0}, kept)
    assert trouble is not None and "plain colour" in trouble.what
    assert found.seen - 500 == math.ceil(math.log(0.02 / 0.3) / math.log(0.99))
    assert followed(150, WELL | {"spread_ab": 0.0}, kept)[1] is None
    assert followed(199, WELL | {"spread_ab": 0.0})[1] is None, "too early in a run to tell"


def test_health_that_was_kept_goes_on_exactly() -> None:
    kept, _ = followed(123, WELL)
    again = Health(**json.loads(json.dumps(asdict(kept))))
    assert followed(50, WELL | {"gan_ab": 2.0}, again) == followed(50, WELL | {"gan_ab": 2.0}, kept)


def test_spread_is_the_deviation_within_the_round_area() -> None:
    image = torch.zeros(2, 3, 4, 4)
    image[0, :, :2] = 0.5
    image[0, :, 2:] = -0.5
    image[1] = torch.tensor([0.2, -0.4, 0.9])[:, None, None]
    inside = torch.ones(2, 1, 4, 4)
    assert float(spread_within(image, inside)) == pytest.approx(0.25)
    image[1, :, 0] = -1.0
    inside[1, :, 0] = 0
    assert float(spread_within(image, inside)) == pytest.approx(0.25)


def drawn_in(picture_HW3: np.ndarray) -> np.ndarray:
    """bool HxW: where a curve (blue, blended at its edges) is, and neither grey nor black."""
    return picture_HW3[..., 2].astype(int) - picture_HW3[..., 0] > 60


def test_curves_show_what_rises_and_break_where_there_is_no_number() -> None:
    rows = [{"step": i, "seconds": 1.0, "a": float(i), "b": math.nan if 10 < i < 30 else 1.0} for i in range(41)]
    picture_HW3 = curves_picture(rows)
    assert picture_HW3.shape == (136, 4 * 276, 3)
    drawn = drawn_in(picture_HW3)
    a, b = drawn[:, :276], drawn[:, 276:552]
    assert a[:60, 200:].any() and a[60:, :80].any() and not a[:60, :80].any()
    assert b[:, 10:75].any() and b[:, 210:260].any() and not b[:, 85:190].any()
    far = curves_picture([{"step": i, "c": 10.0**i} for i in range(9)])
    shown = np.argwhere(drawn_in(far)[:, :276])
    middle = shown[np.abs(shown[:, 1] - 138) <= 2, 0].mean()
    assert 58 < middle < 78, "a power of ten a step is a straight line on a logarithmic scale"


def broken_at(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    step = Learner.step

    def broken(self: Learner, batch: object, number: int, rate: float) -> dict[str, torch.Tensor]:
        losses = step(self, batch, number, rate)  # type: ignore[arg-type]
        change(self, number, losses)  # type: ignore[operator]
        return losses

    monkeypatch.setattr(Learner, "step", broken)


def run_until_given_up(run: Path, images: object, settings: TrainSettings) -> tuple[list[object], str]:
    events: list[object] = []
    with pytest.raises(TrocarError) as given_up:
        for event in train(run, *images, settings, device="cpu"):  # type: ignore[misc]
            events.append(event)
    return events, str(given_up.value)


def test_no_number_rolls_back_once_then_stops_with_the_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_a_number(learner: Learner, number: int, losses: dict[str, torch.Tensor]) -> None:
        if number == 5:
            losses["image_a"] = torch.tensor(float("nan"))

    broken_at(monkeypatch, not_a_number)
    run = tmp_path / "run"
    events, line = run_until_given_up(run, pictures(tmp_path), tiny())
    warnings = [e for e in events if isinstance(e, Note) and e.level == "warning"]
    assert len(warnings) == 1 and "back to step 4 with half the learning rate" in warnings[0].text
    rates = [e.value for e in events if isinstance(e, Metric) and e.name == "learning_rate" and e.step == 5]
    assert rates == [pytest.approx(3e-4), pytest.approx(1.5e-4)]
    state = read_state(checkpoints_of(run)[-1])
    assert (state.step, state.rate_factor, state.rollbacks) == (4, 0.5, 1)
    evidence = run / "evidence" / "step_00000006"
    assert str(evidence) in line and "image_a is not a number" in line and "--set learning_rate=0.00015" in line
    assert "\n" not in line
    assert read_size(evidence / "samples.png") == (56 * 3, 40 * 2)
    assert read_size(evidence / "curves.png")[0] == 4 * 276
    kept = [json.loads(text) for text in (evidence / "losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in kept] == [1, 2, 3, 4, 5, 6] and math.isnan(kept[-1]["image_a"])
    assert [row["step"] for row in read_journal(run / "metrics.jsonl")] == [1, 2, 3, 4]
    monkeypatch.undo()
    result_of(train(run, *pictures(tmp_path), tiny(learning_rate=1e-4), resume=True, device="cpu"))
    assert checkpoints_of(run)[-1].name == "step_00000012"


def test_broken_weights_are_never_kept_and_the_last_good_ones_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_weights(learner: Learner, number: int, losses: dict[str, torch.Tensor]) -> None:
        if number == 7:  # the losses of this step still are numbers, and it is one at which a checkpoint is due
            with torch.no_grad():
                next(learner.gen_b.parameters()).fill_(float("nan"))

    broken_at(monkeypatch, break_weights)
    run = tmp_path / "run"
    _, line = run_until_given_up(run, pictures(tmp_path), tiny(keep_checkpoints=1))
    assert "the weights are no longer numbers" in line and "step 8" in line
    assert "step_00000008" not in [p.name for p in checkpoints_of(run)]
    shown = cv2.absdiff(
        read_rgb(run / "evidence" / "step_00000008" / "samples.png"), read_rgb(run / "samples" / "step_000000.png")
    )
    assert shown[:, :56].max() == 0 and shown[:, 56:].max() > 0


def test_a_run_does_not_end_with_broken_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_weights(learner: Learner, number: int, losses: dict[str, torch.Tensor]) -> None:
        if number == 3:
            with torch.no_grad():
                next(learner.disc_b.parameters())[0, 0, 0, 0] = float("inf")

    broken_at(monkeypatch, break_weights)
    _, line = run_until_given_up(tmp_path / "run", pictures(tmp_path), tiny(iterations=4, checkpoint_every=100))
    assert "at step 4: the weights are no longer numbers" in line
    assert [p.name for p in checkpoints_of(tmp_path / "run")] == ["step_00000000"]


def test_a_collapse_goes_back_to_before_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flatten(learner: Learner, number: int, losses: dict[str, torch.Tensor]) -> None:
        if number >= 12:
            losses["spread_ab"] = torch.tensor(0.0)

    broken_at(monkeypatch, flatten)
    monkeypatch.setattr(health, "window", lambda _settings: 10)
    run = tmp_path / "run"
    settings = tiny(iterations=100, checkpoint_every=5, sample_every=100, keep_checkpoints=1)
    events, line = run_until_given_up(run, pictures(tmp_path), settings)
    notes = [e.text for e in events if isinstance(e, Note) and "plain colour" in e.text]
    assert len(notes) == 1
    words = notes[0].split()
    found, back = int(words[2]), int(words[words.index("back") + 3])
    assert 30 < found < 50 and back in (0, 5, 10)
    assert "plain colour" in line and len(list((run / "evidence").iterdir())) == 2
    steps = [int(folder.name.removeprefix("step_")) for folder in checkpoints_of(run)]
    assert max(steps) <= 20, "what was kept while it collapsed is gone"


def test_a_second_break_at_the_same_step_has_evidence_of_its_own(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        folder = evidence_folder(tmp_path, 41)
        folder.mkdir(parents=True)
        names.append(folder.relative_to(tmp_path).as_posix())
    assert names == ["evidence/step_00000041", "evidence/step_00000041_2", "evidence/step_00000041_3"]


def test_a_kill_after_the_rollback_does_not_bring_the_old_rate_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_a_number(learner: Learner, number: int, losses: dict[str, torch.Tensor]) -> None:
        if number == 5:
            losses["image_a"] = torch.tensor(float("nan"))

    broken_at(monkeypatch, not_a_number)
    job = train(tmp_path / "run", *pictures(tmp_path), tiny(), device="cpu")
    next(e for e in job if isinstance(e, Note) and e.level == "warning")
    # The process may be gone here: nothing more of the job is run.
    state = read_state(checkpoints_of(tmp_path / "run")[-1])
    assert (state.step, state.rate_factor, state.rollbacks) == (4, 0.5, 1)
    job.close()
