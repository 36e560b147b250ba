"""Training in every process but rank 0: take each step that rank 0 announces, say nothing, write nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import torch

from studio.jobs.ranks import Message, Ranks
from studio.translator.data import Batch, BatchSource, TrainingImage
from studio.translator.devices import chosen_device
from studio.translator.distributed import JoinedLearner, joined_learner
from studio.translator.prefetching import training_batches
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import TrocarError


def follow_training(
    ranks: Ranks, orders: Iterator[Message], images: tuple[Sequence[TrainingImage], Sequence[TrainingImage]], *,
    device: str = "auto",
) -> None:  # fmt: skip
    """Follow rank 0 until it ends. ``images``: simulated and footage, in the same order as rank 0's.

    Raise InputError for unreadable pictures, TrocarError when another process has failed.
    """
    first = next(orders, None)
    if first is None:
        return
    settings = TrainSettings.from_json(str(first["settings"]))
    if settings.threads:
        torch.set_num_threads(settings.threads)
    place = chosen_device(ranks.device(device))
    batches = _Batches(BatchSource(*images, settings, ranks.share), place)
    learner = joined_learner(settings, place, ranks)
    with batches.stack:
        for order in orders:
            _taken(learner, batches, order)


def _taken(learner: JoinedLearner, batches: _Batches, order: Message) -> None:
    """One step of the joined batch."""
    batch = batches.of(order["step"])
    try:
        learner.follow_step(batch, order)
    except torch.OutOfMemoryError as error:
        raise TrocarError("the GPU's memory does not hold the batch; lower batch, crop size or dim") from error


class _Batches:
    """Batches by step number, prepared ahead; a step out of order begins the row anew."""

    def __init__(self, source: BatchSource, device: torch.device) -> None:
        self.stack = ExitStack()
        self._source, self._device = source, device
        self._row: Iterator[Batch] = iter(())
        self._next = -1

    def of(self, step: int) -> Batch:
        if step != self._next:
            self.stack.close()
            self._row = self.stack.enter_context(training_batches(self._source, step, self._device))
        self._next = step + 1
        return next(self._row)
