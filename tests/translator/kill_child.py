"""Runs that are killed (SIGKILL) right before one of their file operations, each in a forked child.

    python -m tests.translator.kill_child FOLDER COUNT SEED

FOLDER/straight is trained without a stop; COUNT more runs (0: one for each of its file operations) are killed, most
of them twice, and resumed to the end. Prints their names.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import numpy as np

from studio.jobs.stages import result_of
from studio.translator.training import TrainingImage, train
from tests.translator.making import pictures, tiny

SETTINGS = tiny(iterations=8, checkpoint_every=2, sample_every=4, keep_checkpoints=1)
_CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate")


def alike(_place: int, render_HW3: np.ndarray, translation_HW3: np.ndarray) -> float:
    """A stand-in for validity."""
    return 1.0 - float(np.abs(render_HW3.astype(int) - translation_HW3.astype(int)).mean()) / 255


def is_change(event: str, arguments: tuple[object, ...], run: Path) -> bool:
    """Whether an audited event is about to change a file of the run (names alone are relative to a folder of it)."""
    if event == "open":
        return str(arguments[0]).startswith(str(run)) and arguments[1] not in ("r", "rb")
    return event in _CHANGES and (str(arguments[0]).startswith(str(run)) or "/" not in str(arguments[0]))


def trained(images: tuple[list[TrainingImage], ...], run: Path, kill_before: int) -> int:
    """Train in a forked child that dies before an operation (0: never); how many operations it had, or -signal."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            if is_change(event, arguments, run):
                count += 1
                if count == kill_before:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        result_of(train(run, *images, SETTINGS, resume=True, device="cpu", judge=alike))
        os.write(writing, str(count).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        text = answer.read()
    return int(text) if text else -os.WTERMSIG(status)


def main(folder: Path, count: int, seed: int) -> None:
    images = pictures(folder / "images")
    chance = random.Random(seed)
    operations = trained(images, folder / "straight", 0)
    moments = range(1, operations + 1)
    for moment in chance.sample(moments, count) if count else moments:
        run = folder / f"before_{moment}"
        assert trained(images, run, moment) == -signal.SIGKILL, f"{run.name} was not killed"
        trained(images, run, chance.randint(0, 20))
        assert trained(images, run, 0) >= 0, f"{run.name} was not resumed"
        print(run.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
