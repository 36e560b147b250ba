"""Batches prepared ahead by several threads, handed out in the order of their steps, and how long one waited for them.

Decoding, warping and resizing release the interpreter's lock, so threads are enough. What a batch holds depends on its
step alone: the number of threads changes nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields

import torch

from studio.translator.data import Batch, BatchSource
from studio.translator.settings import TrainSettings

_MOST_THREADS = 8
_READY_BYTES = 1 << 30
_FIRST_STEPS = 2
"""A run's first batches are waited for in any case."""


def data_threads(device: torch.device) -> int:
    """On a CPU the steps themselves need the cores; a GPU leaves them to the pictures."""
    return 1 if device.type == "cpu" else min(_MOST_THREADS, os.cpu_count() or 1)


def batches_ready(settings: TrainSettings, threads: int) -> int:
    """How many batches are prepared ahead: enough for all threads, up to a gigabyte, two at least."""
    values = settings.batch * settings.crop_width * settings.crop_height * 2 * (3 + 1)
    return max(2, min(2 * threads + 2, _READY_BYTES // (4 * values)))


@dataclass(slots=True)
class Waiting:
    """Seconds spent waiting for batches, and with what was done between them, from the third batch on."""

    waited: float = 0.0
    passed: float = 0.0
    batches: int = 0

    @property
    def share(self) -> float:
        """0 to 1: the part of the time in which nothing could be computed for want of pictures."""
        return self.waited / self.passed if self.passed else 0.0


@contextmanager
def prefetched(
    source: BatchSource, first_step: int, *, threads: int = 1, ahead: int = 4, pinned: bool = False,
    waiting: Waiting | None = None,
) -> Iterator[Iterator[Batch]]:  # fmt: skip
    """Endless batches from ``first_step`` on, so many ``ahead``; ``pinned`` ones a GPU can fetch by itself.

    An unreadable picture raises InputError at the step that needs it, not before. All threads end with the context.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="training pictures")
    queue: deque[Future[Batch]] = deque()

    def made(step: int) -> Batch:
        batch = source.batch(step)
        return pinned_batch(batch) if pinned else batch

    def batches() -> Iterator[Batch]:
        step = first_step
        while True:
            while len(queue) < ahead:
                queue.append(pool.submit(made, step))
                step += 1
            yield queue.popleft().result()

    try:
        yield batches() if waiting is None else _timed(batches(), waiting)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def training_batches(
    source: BatchSource, first_step: int, device: torch.device, *, waiting: Waiting | None = None
) -> AbstractContextManager[Iterator[Batch]]:
    """``prefetched`` as training on this device takes it, alone or as one of several processes."""
    threads = data_threads(device)
    return prefetched(
        source, first_step, threads=threads, ahead=batches_ready(source.settings, threads),
        pinned=device.type == "cuda", waiting=waiting,
    )  # fmt: skip


def _timed(batches: Iterator[Batch], waiting: Waiting) -> Iterator[Batch]:
    asked = before = time.perf_counter()
    for batch in batches:
        now = time.perf_counter()
        waiting.batches += 1
        if waiting.batches > _FIRST_STEPS:
            waiting.waited += now - asked
            waiting.passed += now - before
        before = now
        yield batch
        asked = time.perf_counter()


def pinned_batch(batch: Batch) -> Batch:
    """The same pictures in page-locked memory, from which copies to a GPU run beside the computation."""
    return Batch(*(getattr(batch, f.name).pin_memory() for f in fields(batch)))
