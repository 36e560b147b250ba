"""When a training step does not fit into memory: what would, found by taking real steps rather than by reckoning."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

import numpy as np
import torch

from studio.jobs.memory import give_back_freed_memory
from studio.translator.data import Batch
from studio.translator.inference import Translator
from studio.translator.learner import Learner
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError, TrocarError

_STEPS = 2
"""The optimisers' moments are there from the first step on, so that the second one needs the most."""
_WAITING = 4
"""Batches that lie ready beside the one in use."""
_BALLAST = 256 << 20
"""Bytes left free for what else comes and goes in a run: copies for a checkpoint, measures, a fragmented heap."""
_GRID = 32
_CPU_WORDS = (
    "can't allocate memory", "not enough memory",
    "could not create a primitive", "could not create a memory",  # how oneDNN says it
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's or the machine's memory is used up."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _CPU_WORDS)


def free_memory() -> None:
    """Give back what nothing refers to any more, to the device and to the system."""
    gc.collect()
    give_back_freed_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def fits(
    settings: TrainSettings, device: torch.device, *, make: Callable[[TrainSettings, torch.device], Learner] = Learner,
    frame: tuple[int, int] = (0, 0),
) -> bool:  # fmt: skip
    """Whether training steps with these settings, and a translation of a frame of that height and width, fit."""
    free_memory()
    try:
        learner = make(settings, device)
        waiting = [_some_batch(settings) for _ in range(_WAITING if device.type == "cpu" else 1)]
        batch = waiting[0]
        _ballast = torch.empty(_BALLAST, dtype=torch.uint8, device=device)
        for step in range(_STEPS):
            losses = learner.step(batch, step, settings.learning_rate)
            torch.stack(list(losses.values())).tolist()  # waits for the device
        if min(frame) > 0:
            translator = Translator(learner.ema_a, learner.ema_b, device=device, precision=settings.precision)
            translator.translate(np.zeros((*frame, 3), np.uint8), np.zeros((1, settings.style_size), np.float32))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def fits_apart(settings: TrainSettings, device: torch.device, *, frame: tuple[int, int] = (0, 0)) -> bool:
    """``fits`` in a fresh process: on a CPU, what this one has freed is still in pieces, and a system that is out of
    memory ends a process rather than telling it."""
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, settings, device, frame), daemon=True)
    process.start()
    sending.close()
    try:
        answer = receiving.recv()
    except EOFError:
        return False
    finally:
        process.kill()  # has answered, or is not waited for any longer
        process.join()
        receiving.close()
    if isinstance(answer, Exception):
        raise answer
    return bool(answer)


def _answer(sending: Connection, settings: TrainSettings, device: torch.device, frame: tuple[int, int]) -> None:
    try:
        sending.send(fits(settings, device, frame=frame))
    except Exception as error:
        sending.send(TrocarError(f"a trial of what fits failed: {error}"))


def largest_fitting(settings: TrainSettings, fitting: Callable[[TrainSettings], bool]) -> TrainSettings | None:
    """The largest batch of the same crops that fits, else the largest crop of about the same form with batch 1.

    Halves the range with every trial. None when not even the smallest crop fits.
    """
    batches = [settings.with_values(batch=count) for count in range(1, settings.batch)]
    by_batch = _last_that(fitting, batches)
    return by_batch if by_batch is not None else _last_that(fitting, list(_smaller_crops(settings)))


def _last_that(fitting: Callable[[TrainSettings], bool], candidates: list[TrainSettings]) -> TrainSettings | None:
    """The last that fits of candidates that need more and more."""
    fit, too_much = -1, len(candidates)
    while too_much - fit > 1:
        middle = (fit + too_much) // 2
        if fitting(candidates[middle]):
            fit = middle
        else:
            too_much = middle
    return candidates[fit] if fit >= 0 else None


def _smaller_crops(settings: TrainSettings) -> Iterator[TrainSettings]:
    """Crops of whole multiples of 32 px of about the same form, the smallest first, with batch 1."""
    width, height = settings.crop_width, settings.crop_height
    short = min(width, height)
    seen = set()
    for side in range(_GRID, short + 1, _GRID):
        size = tuple(max(_GRID, round(length * side / short / _GRID) * _GRID) for length in (width, height))
        if size in seen or size[0] * size[1] >= width * height or size[0] > width or size[1] > height:
            continue
        seen.add(size)
        try:
            yield settings.with_values(batch=1, crop_width=size[0], crop_height=size[1])
        except InputError:  # too small to be judged at that many scales
            continue


def needs_in_words(settings: TrainSettings) -> str:
    return f"crops of {settings.crop_width}x{settings.crop_height}, batch {settings.batch}, dim {settings.dim}"


def as_options(changed: TrainSettings, before: TrainSettings) -> str:
    """The differences as words to type: ``--set batch=3``."""
    names = ("batch", "crop_width", "crop_height")
    changes = {name: getattr(changed, name) for name in names if getattr(changed, name) != getattr(before, name)}
    return " ".join(f"--set {name}={value}" for name, value in changes.items())


def _some_batch(settings: TrainSettings) -> Batch:
    size = (settings.batch, settings.crop_height, settings.crop_width)
    images = [torch.rand(*size, 3).mul_(2).sub_(1).permute(0, 3, 1, 2) for _ in range(2)]
    inside = torch.ones(size)[:, None]
    return Batch(images[0], images[1], inside, inside)
