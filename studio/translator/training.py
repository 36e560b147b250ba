"""Training a translator as a job: load, step, log, show, keep; the same with and without interruptions.

Every random choice of step n follows from the seed and n, the learning rate from n and the training time, and a
checkpoint holds weights and optimiser moments: on a CPU, with the same number of threads, a run that was killed and
resumed ends with the very weights of one that was not. Runs with a time limit go on sensibly instead of exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from studio.files.atomic import write_text
from studio.jobs.events import Done, Event, Job, Metric, Note, Picture, Progress
from studio.jobs.ranks import ALONE, Ranks
from studio.jobs.shares import Share
from studio.translator.checkpoints import (
    CONFIG,
    RunState,
    checkpoints_of,
    load_checkpoint,
    read_config,
    save_checkpoint,
)
from studio.translator.data import Batch, BatchSource, TrainingImage, prefetched
from studio.translator.devices import chosen_device, uses_bf16
from studio.translator.inference import Translator
from studio.translator.interrupts import interrupts_deferred
from studio.translator.journal import Journal
from studio.translator.learner import Learner
from studio.translator.ms_ssim import LEVEL_WEIGHTS, levels_for
from studio.translator.panels import SamplePanel
from studio.translator.schedule import learning_rate, share_done
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError, TrocarError

__all__ = ["TrainingImage", "train"]

_ROLLBACKS = 1


def train(
    run_dir: Path, simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage], settings: TrainSettings, *,
    resume: bool = False, device: str = "auto", ranks: Ranks = ALONE,
) -> Job:  # fmt: skip
    """Train a run in ``run_dir``. Closing the job at any yield, or Ctrl-C, writes a checkpoint of the step at once.

    With ``ranks`` this is rank 0 of several processes: the others take each step together with it
    (studio.translator.following), and a step's batch is the joined one (studio.translator.distributed).
    With ``resume`` the run's own config.json counts, not ``settings``. Raise InputError for unusable pictures or a
    folder that holds a run already, TrocarError when training breaks down twice.
    """
    place = chosen_device(ranks.device(device))
    settings = _opened(run_dir, settings, place, resume)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    source = BatchSource(simulated, footage, settings, ranks.share)
    yield from _opening_notes(settings, place, ranks.share)
    run = _Run(run_dir, source, new_learner(settings, place, ranks))
    yield from run.begin()
    try:
        while not run.finished:
            yield from run.until_broken_or_finished()
        run.keep()
    except (GeneratorExit, KeyboardInterrupt):
        run.keep()
        raise
    finally:
        run.journal.close()
    yield Done({"run": str(run_dir), "steps": run.state.step, "seconds": round(run.state.seconds, 1),
                "checkpoint": str(checkpoints_of(run_dir)[-1])})  # fmt: skip


class _Run:
    """One run between its checkpoints."""

    def __init__(self, run_dir: Path, source: BatchSource, learner: Learner) -> None:
        self.run_dir = run_dir
        self.settings = learner.settings
        self.source = source
        self.learner = learner
        self.panel = SamplePanel(source.simulated, source.footage, learner.settings)
        self.journal = Journal(run_dir / "metrics.jsonl")
        self.state = RunState()
        self._kept_step = -1

    @property
    def finished(self) -> bool:
        return share_done(self.settings, self.state.step, self.state.seconds) >= 1.0

    def begin(self) -> Iterator[Event]:
        """Take up the newest checkpoint, or write that of step 0: from then on there is always one to go back to."""
        checkpoints = checkpoints_of(self.run_dir)
        if checkpoints:
            self.state = load_checkpoint(checkpoints[-1], self.learner)
            self._kept_step = self.state.step
            self.journal.cut_after(self.state.step)
            yield Note(f"Continuing from step {self.state.step}.")
        else:
            self.keep()
            yield self._picture()

    def until_broken_or_finished(self) -> Iterator[Event]:
        """Steps until the run is finished, or until one gave no numbers and the last checkpoint was taken up again."""
        with prefetched(self.source, self.state.step) as batches:
            while not self.finished:
                self.learner.check_others()
                started = time.perf_counter()
                batch = next(batches)
                with interrupts_deferred():
                    losses = self._step(batch)
                    broken = [name for name, value in losses.items() if not math.isfinite(value)]
                    note = self._rolled_back(broken) if broken else None
                    if note is None:
                        seconds = self.state.seconds + time.perf_counter() - started
                        self.state = replace(self.state, step=self.state.step + 1, seconds=seconds)
                if note is not None:
                    yield note
                    return
                yield from self._reported(losses)

    def _step(self, batch: Batch) -> dict[str, float]:
        rate = self.state.rate_factor * learning_rate(self.settings, self.state.step, self.state.seconds)
        try:
            losses = self.learner.step(batch, self.state.step, rate)
        except torch.OutOfMemoryError as error:
            s = self.settings
            raise TrocarError(
                f"the GPU's memory does not hold crops of {s.crop_width}x{s.crop_height}, batch {s.batch}, dim {s.dim};"
                " lower one of them and start again"
            ) from error
        values = torch.stack(list(losses.values())).tolist()
        return {**dict(zip(losses, values, strict=True)), "learning_rate": rate}

    def _reported(self, losses: dict[str, float]) -> Iterator[Event]:
        """Log, show and keep what is due after this step."""
        step, s = self.state.step, self.settings
        last = self.finished
        if step % s.log_every == 0 or last:
            self.journal.add(step, self.state.seconds, losses)
            for name, value in losses.items():
                yield Metric(step, name, value)
        if step % s.checkpoint_every == 0:
            self.keep()
        if step % s.sample_every == 0 or last:
            yield self._picture()
        share = share_done(s, step, self.state.seconds)
        yield Progress(round(share * s.iterations) if s.seconds else step, s.iterations, "iterations", "training")

    def keep(self) -> None:
        """Write a checkpoint of this step if there is none yet."""
        if self._kept_step != self.state.step:
            self.journal.flush()
            save_checkpoint(self.run_dir, self.learner, self.state)
            self._kept_step = self.state.step

    def _picture(self) -> Picture:
        path = self.run_dir / "samples" / f"step_{self.state.step:06d}.png"
        learner = self.learner
        self.panel.draw(
            Translator(learner.ema_a, learner.ema_b, device=learner.device, precision=self.settings.precision), path
        )
        return Picture(self.state.step, "samples", str(path))

    def _rolled_back(self, broken: list[str]) -> Note:
        """Go back to the last checkpoint with half the learning rate; give up when that was done before."""
        at_step = self.state.step + 1
        if self.state.rollbacks >= _ROLLBACKS:
            raise TrocarError(
                f"training broke down again at step {at_step}: {', '.join(broken)} is not a number; see "
                f"{self.run_dir / 'samples'} and {self.journal.path}; try a lower learning rate or fp32"
            )
        state = load_checkpoint(checkpoints_of(self.run_dir)[-1], self.learner)
        self.state = replace(state, rate_factor=state.rate_factor / 2, rollbacks=state.rollbacks + 1)
        self.journal.cut_after(self.state.step)
        # Kept at once: a kill from here on must not bring the old learning rate back.
        self._kept_step = -1
        self.keep()
        return Note(
            f"At step {at_step} {', '.join(broken)} was not a number: back to step {self.state.step} with half the "
            "learning rate.", "warning",
        )  # fmt: skip


def _opened(run_dir: Path, settings: TrainSettings, device: torch.device, resume: bool) -> TrainSettings:
    """The settings that count; config.json is there afterwards, with the precision decided once for all resumes."""
    begun = bool(checkpoints_of(run_dir))
    if begun and not resume:
        raise InputError("holds a training run already", where=run_dir, remedy="Resume it or choose another name.")
    if resume and (run_dir / CONFIG).is_file():
        return read_config(run_dir)
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
