"""Batches come in the order of their steps whatever the threads do, and waiting for them is measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import pytest
import torch

from studio.translator import prefetching
from studio.translator import waiting as measuring
from studio.translator.data import Batch, BatchSource
from studio.translator.prefetching import Waiting, _timed, batches_ready, prefetched
from studio.translator.settings import preset
from studio.translator.waiting import waiting_share
from studio.vocabulary.errors import InputError
from tests.translator.making import pictures, tiny


class Slow:
    """Batches that are their step, the odd ones made slowly; step 30 cannot be made."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.threads: set[str] = set()

    def batch(self, step: int) -> Batch:
        self.threads.add(threading.current_thread().name)
        if step == 30:
            raise InputError("a picture is gone")
        time.sleep(self.seconds * (step % 2))
        return cast(Batch, step)


def test_several_threads_hand_out_steps_in_order_and_errors_at_their_step() -> None:
    source = Slow(0.004)
    seen: list[object] = []
    with prefetched(cast(BatchSource, source), 7, threads=4, ahead=8) as batches:
        for batch in islice(batches, 23):
            seen.append(batch)
        with pytest.raises(InputError, match="gone"):
            next(batches)
    assert seen == list(range(7, 30)) and len(source.threads) == 4
    assert not [t for t in threading.enumerate() if t.name.startswith("training pictures")]


@pytest.mark.parametrize("threads", [1, 5])
def test_threads_change_nothing(tmp_path: Path, threads: int) -> None:
    source = BatchSource(*pictures(tmp_path), tiny(batch=2))
    with prefetched(source, 3, threads=threads) as batches:
        for step, batch in enumerate(islice(batches, 6), start=3):
            expected = source.batch(step)
            assert torch.equal(batch.image_a, expected.image_a) and torch.equal(batch.image_b, expected.image_b)
            assert torch.equal(batch.inside_b, expected.inside_b)


def test_what_lies_ready_is_bounded() -> None:
    paper = preset("paper")
    assert batches_ready(paper, 8) == 18
    # 64 pairs of 512x256 in three channels and their areas are 268 MB.
    assert batches_ready(paper.with_values(batch=64), 8) == 4
    assert batches_ready(paper.with_values(batch=1024), 8) == 2
    assert batches_ready(tiny(), 1) == 4


def test_waiting_is_the_share_of_time_without_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(prefetching.time, "perf_counter", lambda: clock[0])

    def batches() -> Iterator[Batch]:
        for step in range(5):
            clock[0] += 1.0 if step < 2 else 3.0  # the first two are waited for in any case
            yield cast(Batch, step)

    waiting = Waiting()
    for _ in _timed(batches(), waiting):
        clock[0] += 9.0  # the step
    assert waiting.batches == 5
    assert waiting.share == pytest.approx(3 / 12)
    assert Waiting().share == 0.0


def test_figures_of_a_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_SIZE", (320, 180))
    monkeypatch.setattr(measuring, "_PICTURES", 3)
    monkeypatch.setattr(measuring, "_BATCHES", 4)
    figures = waiting_share(tiny(load_width=64), device="cpu", steps=3)
    assert figures.threads == 1 and figures.pictures == "320x180 PNG"
    assert figures.decoded_batch_ms > 0 and figures.cached_batch_ms > 0
    assert 0 < figures.waiting_share < 1
