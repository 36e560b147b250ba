"""One job in several processes, on one machine or many: who they are, and what rank 0 says to the others.

Rank 0 runs the job: it alone opens the project for writing, speaks, draws panels and keeps checkpoints. The others do
their share of the computing and hand back what came out. torchrun and SLURM start all of them with the same command
line; ``--devices N`` starts the others from rank 0, with the environment variables that torchrun sets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from studio.jobs.shares import WHOLE, Share
from studio.vocabulary.errors import InputError, TrocarError

Message = Mapping[str, Any]
Launcher = Literal["", "torchrun", "slurm"]
Ending = Literal["done", "stopped", "failed"]


class OtherFailed(TrocarError):
    """Another process of the job failed or is gone, so this one can't go on."""


class Ranks:
    """The processes of a job. As it stands here there is one, which does everything and talks to nobody.

    Rank 0 calls begin, announce, reports and stop; the others orders and report. Messages are JSON-able.
    """

    share: Share = WHOLE
    ending: Ending | None = None
    """Other ranks: how rank 0 ended the job; None while it goes on."""

    @property
    def alone(self) -> bool:
        return self.share.count == 1

    def device(self, name: str) -> str:
        """The device of this process, when ``name`` is what the call asked for."""
        return name

    def begin(self, task: Message) -> None:
        """Rank 0: start the other processes if need be, and tell them what is to be done.

        Raise TrocarError when they can't be reached.
        """

    def meet(self, word: str) -> None:
        """All ranks, each with the same word, used once: rank 0 goes on when every process has come here. So none is
        missing in an operation that can't be interrupted, and nothing is removed that one still reads."""

    def announce(self, order: Message) -> None:
        """Rank 0: the next order for all others."""

    def reports(self) -> Sequence[Message]:
        """Rank 0: what has come from the others since it was last asked, without waiting.

        Raise TrocarError (or InputError, as it was there) when another process has failed or gone, KeyboardInterrupt
        when one was asked to stop.
        """
        return ()

    def last_reports(self) -> Iterator[Message]:
        """Rank 0: stop the others after what they are at, and yield what they still report until they have ended."""
        yield from ()

    def orders(self) -> Iterator[Message]:
        """Other ranks: the task, then each order, until the job ends. Raise TrocarError when rank 0 has gone."""
        yield from ()

    def report(self, message: Message) -> None:
        """Other ranks: hand something to rank 0; wait while it leaves many earlier ones untaken, as in a pause."""

    def report_end(self) -> None:
        """Other ranks: nothing more will be reported."""

    @property
    def stopping(self) -> bool:
        """Other ranks: whether to stop after what is at hand."""
        return False


ALONE = Ranks()


def launcher() -> Launcher:
    """Who started this process as one of several, or ""."""
    if {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"} <= set(os.environ):
        return "torchrun" if number_of("WORLD_SIZE") > 1 else ""
    # A batch script has SLURM_NTASKS, too; only what srun starts belongs to a step.
    if {"SLURM_PROCID", "SLURM_STEP_ID", "SLURM_NTASKS"} <= set(os.environ):
        return "slurm" if number_of("SLURM_NTASKS") > 1 else ""
    return ""


def launched_rank() -> int:
    """This process's rank; 0 also where it is the only one."""
    started = launcher()
    return number_of("RANK" if started == "torchrun" else "SLURM_PROCID") if started else 0


def number_of(variable: str) -> int:
    """An environment variable that a launcher sets; raise InputError when it holds no number."""
    text = os.environ.get(variable, "")
    if not text.isdigit():
        raise InputError(f"it is '{text}', which is no number", where=f"environment variable {variable}",
                         remedy="torchrun and srun set it; unset it to run alone.")  # fmt: skip
    return int(text)
