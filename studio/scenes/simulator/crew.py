"""Rendering on all cores: spawned processes that keep a patient each, handed small batches of frames.

What a batch yields depends on its own seed only, so the number of processes changes nothing but the time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Generic, TypeVar

from studio.vocabulary.errors import TrocarError

Recipe = TypeVar("Recipe")
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Batch(Generic[Recipe]):
    """Frames of one patient to be rendered by one process. ``recipe`` must pickle."""

    patient: int
    frames: tuple[int, ...]
    recipe: Recipe


def batches_of(patient: int, frames: Sequence[int], recipe: Recipe, *, length: int = 8) -> list[Batch[Recipe]]:
    """Cut a patient's frames into batches."""
    return [Batch(patient, tuple(frames[i : i + length]), recipe) for i in range(0, len(frames), length)]


def first_alone(batches: Sequence[Batch[Recipe]]) -> list[Batch[Recipe]]:
    """The same with the very first frame as a batch of its own, so that it is there as soon as can be."""
    if not batches or len(batches[0].frames) == 1:
        return list(batches)
    first = batches[0]
    return [
        replace(first, frames=first.frames[:1]), replace(first, frames=first.frames[1:]), *batches[1:]
    ]  # fmt: skip


def rendered(
    batches: Sequence[Batch[Recipe]], render: Callable[[Batch[Recipe]], int], *, processes: int
) -> Generator[int, None, None]:
    """Render batches and yield how many frames each held, as they finish. Closing the iterator ends the processes.

    ``render`` must be importable by name. Raise TrocarError when a process dies, and what ``render`` raises.
    """
    if processes <= 1 or len(batches) <= 1:
        for batch in batches:
            yield render(batch)
        return
    lanes = [_Lane() for _ in range(min(processes, len(batches)))]
    try:
        yield from _shared_out(list(batches), render, lanes)
    except BrokenProcessPool as error:
        raise TrocarError("a rendering process was ended from outside (out of memory?); run the same again") from error
    finally:
        for lane in lanes:
            lane.close()


def sweep(folders: Iterable[Path]) -> None:
    """Remove what processes ended in the middle of a write have left in folders of ours."""
    for folder in folders:
        for left in folder.rglob(".writing-*"):
            left.unlink(missing_ok=True)


class _Lane:
    """One process and the patient whose body it holds."""

    def __init__(self) -> None:
        self.patient: int | None = None
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_settle_in)

    def close(self) -> None:
        """End the process at once: every file it writes is put in place whole or not at all (see sweep)."""
        running = list((self.pool._processes or {}).values())
        self.pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            with contextlib.suppress(OSError, ValueError):
                process.terminate()
        for process in running:
            with contextlib.suppress(OSError, ValueError, AssertionError):
                process.join(5)
                if process.is_alive():  # a busy machine, or the pool's own thread was about to collect it
                    process.kill()
                    process.join(5)


def _settle_in() -> None:
    """In a rendering process: leave Ctrl-C to the parent, end when the parent is gone, one thread for pictures."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _shared_out(
    waiting: list[Batch[Recipe]], render: Callable[[Batch[Recipe]], int], lanes: Sequence[_Lane]
) -> Iterator[int]:
    running: dict[Future[int], _Lane] = {}
    for lane in lanes:
        _hand_over(waiting, render, lane, lanes, running)
    while running:
        finished, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in finished:
            lane = running.pop(future)
            count = future.result()
            _hand_over(waiting, render, lane, lanes, running)
            yield count


def _hand_over(
    waiting: list[Batch[Recipe]], render: Callable[[Batch[Recipe]], int], lane: _Lane, lanes: Sequence[_Lane],
    running: dict[Future[int], _Lane],
) -> None:  # fmt: skip
    """Give a lane its next batch: its own patient first, then one that no lane holds, then any."""
    if not waiting:
        return
    held = {other.patient for other in lanes if other is not lane}

    def rank(batch: Batch[Recipe]) -> int:
        return 0 if batch.patient == lane.patient else 1 if batch.patient not in held else 2

    batch = min(waiting, key=rank)
    waiting.remove(batch)
    lane.patient = batch.patient
    running[lane.pool.submit(render, batch)] = lane
