"""Several processes as one: the gradients, weights and draws of one process with the joined batch."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.jobs.shares import Share
from studio.translator.checkpoints import RunState, load_checkpoint, save_checkpoint
from studio.translator.data import BatchSource
from studio.translator.distributed import Desertion, joined_learner
from studio.translator.learner import Learner, draws_of
from studio.translator.places import Place, device_of
from studio.translator.ranks import JoinedRanks, joined_ranks
from studio.vocabulary.errors import InputError
from tests.translator.joined import POISON, child_rank, fingerprint, gentle, gradients, weights
from tests.translator.making import pictures, tiny

CPU = torch.device("cpu")
SETTINGS = tiny(variant="symmetric", reencode_noise=0.1, mask="footage", encoded_style_share=0.5, batch=1)
STEPS, RATE = 4, 1e-3


def test_two_processes_learn_as_one_with_the_joined_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(tmp_path)
    joined = SETTINGS.with_values(batch=2)
    one, source = gentle(Learner(joined, CPU)), BatchSource(*images, joined)
    with (
        child_rank(["tests.translator.joined", str(tmp_path)], monkeypatch.setenv) as child,
        joined_ranks((), devices=None, device="cpu") as ranks,
    ):
        ranks.begin({})
        two, share = gentle(joined_learner(SETTINGS, CPU, ranks)), BatchSource(*images, SETTINGS, ranks.share)
        with torch.no_grad():  # the first step has to bring rank 1 to these
            for learner in (one, two):
                learner.gen_b.mlp.model[0].fc.bias.fill_(0.25)
        start = save_checkpoint(tmp_path / "run", two, RunState())
        losses, prints = [], []
        for step in range(STEPS):
            # Each step begins at the same weights and moments: otherwise rounding would turn the sign of an L1
            # gradient at a pixel here and there, and the two would part for a reason that is not what is tested.
            load_checkpoint(save_checkpoint(tmp_path / f"before {step}", two, RunState(step)), one)
            begun = weights(one)
            losses.append({k: float(v) for k, v in two.step(share.batch(step), step, RATE).items()})
            prints.append(fingerprint(two))
            expected = {k: float(v) for k, v in one.step(source.batch(step), step, RATE).items()}
            assert losses[-1] == pytest.approx(expected, rel=1e-5, abs=1e-6)
            assert _apart(gradients(two), gradients(one)) < 1e-4
            assert _apart(_moved(two, begun), _moved(one, begun)) < 1e-4
        load_checkpoint(start, two)
        for step in range(STEPS):
            again = {k: float(v) for k, v in two.step(share.batch(step), step, RATE).items()}
            assert again == losses[step], "going back to a checkpoint must bring all processes back, moments too"
        assert fingerprint(two) == prints[-1]
        told = []
        while len(told) < 2 * STEPS:
            told += [message["weights"] for message in ranks.reports()]
        assert told == prints * 2, "both processes have the same weights, bit for bit"
        poisoned = two.step(share.batch(STEPS), STEPS, POISON)
        assert poisoned["image_a"].isnan() and poisoned["image_b"].isfinite(), "what is no number anywhere is none here"
    assert child.wait(timeout=60) == 0


def _apart(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """Length of the difference over that of what is wanted, all tensors taken together."""
    assert found.keys() == wanted.keys()
    differences = torch.cat([(found[name] - value).flatten() for name, value in wanted.items()])
    return float(differences.norm() / torch.cat([value.flatten() for value in wanted.values()]).norm())


def _moved(learner: Learner, start: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value - start[name] for name, value in weights(learner).items()}


def test_who_waits_for_a_process_that_is_gone_leaves_and_says_why() -> None:
    left: list[str] = []
    gone = Desertion(lambda: "process 3 of 4 was ended by signal 9", leave=left.append, patience_seconds=0.01)
    with gone.watched():
        deadline = time.monotonic() + 10
        while not left and time.monotonic() < deadline:
            time.sleep(0.01)
    assert left == ["process 3 of 4 was ended by signal 9"]
    all_there = Desertion(lambda: "", leave=left.append, patience_seconds=0.001)
    with all_there.watched():
        time.sleep(0.05)
    assert len(left) == 1


def test_an_error_of_ones_own_is_not_taken_for_another_processs() -> None:
    own = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert JoinedRanks(Place(0, 2, 0, 2), argv=()).explained(own) is own


def test_shares_of_a_joined_batch_are_its_pictures_in_order(tmp_path: Path) -> None:
    images = pictures(tmp_path)
    whole = BatchSource(*images, SETTINGS.with_values(batch=6)).batch(5)
    parts = [BatchSource(*images, SETTINGS.with_values(batch=2), Share(rank, 3)).batch(5) for rank in range(3)]
    for name in ("image_a", "image_b", "inside_a", "inside_b"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))


def test_draws_of_the_shares_are_those_of_the_joined_batch() -> None:
    whole = draws_of(7, SETTINGS.with_values(batch=6), CPU)
    parts = [draws_of(7, SETTINGS.with_values(batch=2), CPU, Share(rank, 3)) for rank in range(3)]
    assert torch.equal(torch.cat([part.style_a for part in parts]), whole.style_a)
    assert torch.equal(torch.cat([part.style_b for part in parts]), whole.style_b)
    assert sum((part.noise_seeds for part in parts), ()) == whole.noise_seeds
    assert len(set(whole.noise_seeds)) == 6
    for step in range(20):
        decisions = {draws_of(step, SETTINGS, CPU, Share(rank, 3)).take_encoded for rank in range(3)}
        assert decisions == {draws_of(step, SETTINGS.with_values(batch=3), CPU).take_encoded}


def test_places_of_all_shares_are_a_row_without_gaps() -> None:
    places = [place for step in range(3) for rank in range(4) for place in Share(rank, 4).places(step, 2)]
    assert places == list(range(24))
    holders = np.array([[Share(rank, 4).holds(place) for place in range(8)] for rank in range(4)])
    assert holders.sum(axis=0).tolist() == [1] * 8


@pytest.mark.parametrize(
    ("name", "gpus", "words"),
    [("auto", 0, "no usable GPU for 4 processes"), ("cuda", 2, "has 2 GPUs, not 4"), ("auto", 3, "Give at most 3")],
)
def test_more_devices_than_there_are_is_one_line(
    name: str, gpus: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(InputError, match=words):
        device_of(name, Place(0, 4, 0, 4))
    assert device_of("cpu", Place(0, 4, 0, 4)) == "cpu"


def test_each_process_of_a_machine_has_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [device_of("auto", Place(4 + k, 8, k, 4)) for k in range(4)] == ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # a cluster that shows each process one GPU
    monkeypatch.setenv("SLURM_PROCID", "6")
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    assert device_of("auto", Place(6, 8, 2, 4)) == "cuda:0"
