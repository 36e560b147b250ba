"""Rendering on all cores: spawned processes that keep a patient each, handed small batches of frames.

What a batch yields depends on its own seed only, so the number of processes changes nothing but the time. Batches are
cut as they are handed out: what waits costs the same memory however many frames it is.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Generic, TypeVar

from studio.jobs.memory import give_back_freed_memory
from studio.scenes.simulator.kept import let_go
from studio.vocabulary.errors import TrocarError

Recipe = TypeVar("Recipe")
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Batch(Generic[Recipe]):
    """Frames of one patient, to be rendered with one recipe, which must pickle."""

    patient: int
    frames: Sequence[int]
    recipe: Recipe


class Waiting(Generic[Recipe]):
    """What is left to render, handed out in batches of at most ``length`` frames.

    The very first frame is a batch of its own, so that it is there as soon as can be.
    """

    def __init__(self, work: Iterable[Batch[Recipe]], *, length: int) -> None:
        self._work = [batch for batch in work if len(batch.frames)]
        self._begun = [0] * len(self._work)
        self._length = length
        self._alone = True

    def __bool__(self) -> bool:
        return bool(self._work)

    def batches(self) -> int:
        """How many batches there are; to be asked before the first is taken."""
        left = [len(b.frames) for b in self._work]
        if left:
            left[0] -= 1
        return bool(left) + sum(-(-frames // self._length) for frames in left)

    def next(self, own: int | None, held: Collection[int]) -> Batch[Recipe]:
        """The next batch of one's own patient, else of one that nobody holds, else of any. Something must be left."""

        def rank(place: int) -> int:
            patient = self._work[place].patient
            return 0 if patient == own else 1 if patient not in held else 2

        place = min(range(len(self._work)), key=rank)
        work, begun = self._work[place], self._begun[place]
        end = begun + (1 if self._alone else self._length)
        self._alone = False
        self._begun[place] = end
        if end >= len(work.frames):
            del self._work[place], self._begun[place]
        return replace(work, frames=tuple(work.frames[begun:end]))


def rendered(
    work: Iterable[Batch[Recipe]], render: Callable[[Batch[Recipe]], int], *, processes: int, length: int = 8
) -> Generator[int, None, None]:
    """Render patients' frames in batches of ``length`` and yield how many frames each held, as they finish.

    Closing the iterator ends the processes. ``render`` must be importable by name. Raise TrocarError when a process
    dies, and what ``render`` raises.
    """
    waiting = Waiting(work, length=length)
    if processes <= 1 or waiting.batches() <= 1:
        patient: int | None = None
        while waiting:
            batch = waiting.next(patient, ())
            yield _rendered(render, batch, another=patient not in (None, batch.patient))
            patient = batch.patient
        return
    lanes = [_Lane() for _ in range(min(processes, waiting.batches()))]
    try:
        yield from _shared_out(waiting, render, lanes)
    except BrokenProcessPool as error:
        raise TrocarError("a rendering process was ended from outside (out of memory?); run the same again") from error
    finally:
        for lane in lanes:
            lane.close()


def _rendered(render: Callable[[Batch[Recipe]], int], batch: Batch[Recipe], *, another: bool) -> int:
    """Render a batch in this process; ``another``: of another patient than the one before."""
    if another:
        let_go()
    count = render(batch)
    if another:
        give_back_freed_memory()  # what building the body needed for a moment
    return count


def sweep(folders: Iterable[Path]) -> None:
    """Remove what processes ended in the middle of a write have left in folders of ours."""
    for folder in folders:
        below = [str(folder)]
        while below:
            with (
                contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError),
                os.scandir(below.pop()) as entries,
            ):
                for entry in entries:  # one by one: a folder may hold a million frames
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.path)
                    elif entry.name.startswith(".writing-"):
                        Path(entry.path).unlink(missing_ok=True)


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
    waiting: Waiting[Recipe], render: Callable[[Batch[Recipe]], int], lanes: Sequence[_Lane]
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
    waiting: Waiting[Recipe], render: Callable[[Batch[Recipe]], int], lane: _Lane, lanes: Sequence[_Lane],
    running: dict[Future[int], _Lane],
) -> None:  # fmt: skip
    if not waiting:
        return
    held = {other.patient for other in lanes if other is not lane and other.patient is not None}
    batch = waiting.next(lane.patient, held)
    another, lane.patient = lane.patient not in (None, batch.patient), batch.patient
    running[lane.pool.submit(_rendered, render, batch, another=another)] = lane
