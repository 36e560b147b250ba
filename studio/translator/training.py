"""Training a translator as a job: load, step, log, show, keep; the same with and without interruptions.

Every random choice of step n follows from the seed and n, the learning rate from n and the training time, and a
checkpoint holds weights and optimiser moments: on a CPU, with the same number of threads, a run that was killed and
resumed ends with the very weights of one that was not. Runs with a time limit go on sensibly instead of exactly.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from studio.files.atomic import write_text
from studio.jobs.events import Done, Event, Job, Note
from studio.jobs.ranks import ALONE, Ranks
from studio.jobs.shares import Share
from studio.translator import memory
from studio.translator.checkpoints import CONFIG, checkpoints_of, read_config
from studio.translator.data import BatchSource, TrainingImage
from studio.translator.devices import chosen_device, uses_bf16
from studio.translator.learner import Learner
from studio.translator.ms_ssim import LEVEL_WEIGHTS, levels_for
from studio.translator.run import Run
from studio.translator.selection import Judge, best_checkpoint
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError, TrocarError

__all__ = ["TrainingImage", "train"]

_MUCH_WAITING = 0.1


def train(
    run_dir: Path, simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage], settings: TrainSettings, *,
    resume: bool = False, device: str = "auto", judge: Judge | None = None, ranks: Ranks = ALONE,
) -> Job:  # fmt: skip
    """Train a run in ``run_dir``. Closing the job at any yield, or Ctrl-C, writes a checkpoint of the step at once.

    With ``resume``, ``settings`` that differ from the run's own are taken up; its networks stay what they are.
    With ``ranks`` this is rank 0 of several processes: the others take each step together with it
    (studio.translator.following), and a step's batch is the joined one (studio.translator.distributed).
    ``judge`` measures the validity of samples, by which the best checkpoint is kept. Done: run, steps, seconds,
    checkpoint, best (with a judge), waiting_share. Raise InputError for unusable pictures or settings or a folder that
    holds a run already, TrocarError when training breaks down twice or does not fit into memory.
    """
    place = chosen_device(ranks.device(device))
    settings = _opened(run_dir, settings, place, resume)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    source = BatchSource(simulated, footage, settings, ranks.share)
    yield from _opening_notes(settings, place, ranks.share)
    try:
        result = yield from _trained(run_dir, source, new_learner(settings, place, ranks), judge)
    except Exception as error:
        if not memory.is_out_of_memory(error):
            raise
        result = None
    if result is None:
        # Not in the except block: there the error still holds on to the tensors of the step that it broke.
        yield Note("The memory is used up; measuring what would fit…", "warning")
        raise TrocarError(_what_fits(settings, place, source))
    yield Done(result)


def _trained(
    run_dir: Path, source: BatchSource, learner: Learner, judge: Judge | None
) -> Generator[Event, None, dict[str, Any]]:
    run = Run(run_dir, source, learner, judge=judge)
    yield from run.begin()
    try:
        while not run.finished:
            yield from run.until_broken_or_finished()
        run.keep()
    except BaseException:
        run.keep()
        raise
    finally:
        run.journal.close()
    if run.waiting.share > _MUCH_WAITING:
        yield Note(f"{run.waiting.share:.0%} of the time went into waiting for pictures; a larger cache_mb, or "
                   "pictures scaled to the width that is used, would help.", "warning")  # fmt: skip
    best = best_checkpoint(run_dir, learner.settings)
    return {
        "run": str(run_dir), "steps": run.state.step, "seconds": round(run.state.seconds, 1),
        "checkpoint": str(checkpoints_of(run_dir)[-1]), "best": str(best) if best else None,
        "waiting_share": round(run.waiting.share, 4),
    }  # fmt: skip


def _what_fits(settings: TrainSettings, device: torch.device, source: BatchSource) -> str:
    height, width = source.simulated.picture(0).shape[:2]
    trial = memory.fits_apart if device.type == "cpu" else memory.fits
    found = memory.largest_fitting(settings, lambda s: trial(s, device, frame=(height, width)))
    place = "the machine's memory" if device.type == "cpu" else "the GPU's memory"
    too_much = f"{place} does not hold {memory.needs_in_words(settings)}"
    if found is None:
        return (f"{too_much}, nor the smallest crops beside what else is in it; end other programs on it, lower dim in "
                "a new run, or use another --device")  # fmt: skip
    size = f"batch {found.batch} with crops of {found.crop_width}x{found.crop_height}"
    return f"{too_much}. Measured: {size} fits. Go on with --resume {memory.as_options(found, settings)}"


def _opened(run_dir: Path, settings: TrainSettings, device: torch.device, resume: bool) -> TrainSettings:
    """The settings that count; config.json is there afterwards, with the precision decided once for all resumes."""
    begun = bool(checkpoints_of(run_dir))
    if begun and not resume:
        raise InputError("holds a training run already", where=run_dir, remedy="Resume it or choose another name.")
    if resume and (run_dir / CONFIG).is_file():
        kept = read_config(run_dir)
        settings = kept.continued(settings) if begun else settings
        if settings in (kept, kept.with_values(precision="auto")):
            return kept
    settings = settings.with_values(precision="bf16" if uses_bf16(settings.precision, device) else "fp32")
    write_text(run_dir / CONFIG, settings.to_json())
    return settings


def new_learner(settings: TrainSettings, device: torch.device, ranks: Ranks) -> Learner:
    """One that learns alone, or rank 0's of several. Only the latter needs Fabric, which takes seconds to import."""
    if ranks.alone:
        return Learner(settings, device)
    from studio.translator.distributed import joined_learner

    return joined_learner(settings, device, ranks)


def _opening_notes(settings: TrainSettings, device: torch.device, share: Share) -> Iterator[Note]:
    short_side = min(settings.crop_width, settings.crop_height)
    levels = levels_for(short_side)
    if levels < len(LEVEL_WEIGHTS):
        yield Note(f"Crops of {short_side} px on the short side: MS-SSIM works with {levels} levels instead of 5.")
    where = f"{device.type}, {torch.get_num_threads()} threads" if device.type == "cpu" else str(device)
    yield Note(f"Training on {where}, {settings.precision}.")
    if share.count > 1:
        yield Note(f"{share.count} processes with a batch of {settings.batch} each: {share.count * settings.batch} "
                   "pictures of each side a step.")  # fmt: skip
