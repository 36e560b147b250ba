"""One run between its checkpoints: a step, what is reported and kept after it, and the way back when it broke down."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from studio.jobs.events import Event, Metric, Note, Picture, Progress
from studio.translator import evidence
from studio.translator.checkpoints import (
    RunState,
    checkpoints_of,
    discard,
    load_checkpoint,
    load_newest,
    save_checkpoint,
    step_of,
    tidy,
    write_state,
)
from studio.translator.data import Batch, BatchSource
from studio.translator.health import Health, Trouble, examined
from studio.translator.inference import Translator
from studio.translator.interrupts import interrupts_deferred
from studio.translator.journal import Journal, read_journal
from studio.translator.learner import Learner
from studio.translator.panels import SamplePanel
from studio.translator.prefetching import Waiting, training_batches
from studio.translator.schedule import learning_rate, share_done
from studio.translator.selection import Judge, surplus
from studio.vocabulary.errors import TrocarError

_ROLLBACKS = 1


class Run:
    """Networks, losses and state of a run. ``whole`` is False while networks are between two steps."""

    def __init__(self, run_dir: Path, source: BatchSource, learner: Learner, *, judge: Judge | None = None) -> None:
        self.run_dir = run_dir
        self.settings = learner.settings
        self.source = source
        self.learner = learner
        self.panel = SamplePanel(source.simulated, source.footage, learner.settings)
        self.journal = Journal(run_dir / "metrics.jsonl")
        self.state = RunState()
        self.waiting = Waiting()
        self.whole = True
        self._judge = judge
        self._losses: Mapping[str, float] = {}
        self._kept_step = -1

    @property
    def finished(self) -> bool:
        return share_done(self.settings, self.state.step, self.state.seconds) >= 1.0

    def begin(self) -> Iterator[Event]:
        """Take up the newest checkpoint, or write that of step 0: from then on there is always one to go back to."""
        tidy(self.run_dir)
        if checkpoints_of(self.run_dir):
            self.state, problems = load_newest(self.run_dir, self.learner)
            self._kept_step = self.state.step
            self.journal.cut_after(self.state.step)
            self._drop_surplus()
            yield from (Note(f"{problem} An older checkpoint is taken.", "warning") for problem in problems)
            yield Note(f"Continuing from step {self.state.step}.")
        else:
            self.keep()
        # A kill may have come between a checkpoint and the picture of the same step.
        if self._shows_samples() and not self._samples_path().is_file():
            yield self._picture()

    def until_broken_or_finished(self) -> Iterator[Event]:
        """Steps until the run is finished, or until it broke down and an earlier checkpoint was taken up again."""
        with training_batches(self.source, self.state.step, self.learner.device, waiting=self.waiting) as batches:
            while not self.finished:
                self.learner.check_others()
                started = time.perf_counter()
                batch = next(batches)
                figures: Mapping[str, float] = {}
                with interrupts_deferred():
                    trouble = self._stepped(batch, started)
                    note = self._rolled_back(trouble) if trouble else None
                    if note is None:
                        figures = self._recorded()
                if note is not None:
                    yield note
                    return
                yield from self._reported(figures)

    def _stepped(self, batch: Batch, started: float) -> Trouble | None:
        """Take a step; what is wrong afterwards, if anything is. The state moves on only when nothing is."""
        self.whole = False
        rate = self.state.rate_factor * learning_rate(self.settings, self.state.step, self.state.seconds)
        values = self.learner.step(batch, self.state.step, rate)
        numbers = torch.stack(list(values.values())).tolist()
        self._losses = {**dict(zip(values, numbers, strict=True)), "learning_rate": rate}
        health, trouble = examined(self.state.health, self._losses, self.settings)
        if trouble is not None:
            return trouble
        before = self.state
        seconds = before.seconds + time.perf_counter() - started
        self.state = RunState(before.step + 1, seconds, before.rate_factor, before.rollbacks, health)
        if self._is_due(self.settings.checkpoint_every) and not self.learner.is_finite():
            self.state = before
            return Trouble("the weights are no longer numbers", 1)
        self.whole = True
        return None

    def _recorded(self) -> Mapping[str, float]:
        """Measure, log and keep what is due after this step; the figures that were logged, by name."""
        step, s = self.state.step, self.settings
        figures = dict(self._losses)
        kept = self._is_due(s.checkpoint_every)
        if kept and self._judge is not None:
            validity, change = self.panel.judged(self._translator(), self._judge)
            self.state = replace(self.state, validity=validity, change=change)
            figures["validity"] = validity
        if not kept and not self._is_due(s.log_every):
            return {}
        self.journal.add(step, self.state.seconds, figures)
        if kept:
            self.keep()
        return figures

    def _reported(self, figures: Mapping[str, float]) -> Iterator[Event]:
        """Say and show what is due after this step."""
        step, s = self.state.step, self.settings
        yield from (Metric(step, name, value) for name, value in figures.items())
        if self._shows_samples():
            yield self._picture()
        share = share_done(s, step, self.state.seconds)
        yield Progress(round(share * s.iterations) if s.seconds else step, s.iterations, "iterations", "training")

    def keep(self) -> None:
        """Write a checkpoint of this step if there is none yet; weights that are no numbers are never kept."""
        with interrupts_deferred():
            if self.whole and self._kept_step != self.state.step and self.learner.is_finite():
                self.journal.flush()
                save_checkpoint(self.run_dir, self.learner, self.state)
                self._kept_step = self.state.step
                self._drop_surplus()

    def _drop_surplus(self) -> None:
        for folder in surplus(self.run_dir, self.settings):
            discard(folder)

    def _is_due(self, every: int) -> bool:
        """Whether this step is one of ``every`` so many, or the last."""
        return self.state.step % every == 0 or self.finished

    def _shows_samples(self) -> bool:
        return self._is_due(self.settings.sample_every)

    def _samples_path(self) -> Path:
        return self.run_dir / "samples" / f"step_{self.state.step:06d}.png"

    def _translator(self) -> Translator:
        learner = self.learner
        return Translator(learner.ema_a, learner.ema_b, device=learner.device, precision=self.settings.precision)

    def _picture(self) -> Picture:
        path = self._samples_path()
        self.panel.draw(self._translator(), path)
        return Picture(self.state.step, "samples", str(path))

    def _rolled_back(self, trouble: Trouble) -> Note:
        """Keep the evidence and go back to before the trouble, with half the learning rate.

        Raise TrocarError, the run being back there all the same, when that was done before.
        """
        at_step, rollbacks = self.state.step + 1, self.state.rollbacks
        folder = evidence.evidence_folder(self.run_dir, at_step)
        evidence.keep_losses(folder, self._rows(), {"step": at_step, **self._losses})
        drawable = self.learner.is_finite()
        if drawable:
            self.panel.draw(self._translator(), folder / evidence.SAMPLES)
        target = self._good_checkpoint(at_step - trouble.steps)
        self.state = load_checkpoint(target, self.learner)
        if not drawable:
            self.panel.draw(self._translator(), folder / evidence.SAMPLES)
        self.journal.cut_after(self.state.step)
        self._kept_step = self.state.step
        if rollbacks >= _ROLLBACKS:
            raise TrocarError(self._given_up(trouble, at_step, folder))
        # Kept at once: a kill from here on must not bring the old learning rate back.
        self.state = replace(
            self.state, rate_factor=self.state.rate_factor / 2, rollbacks=rollbacks + 1, health=Health()
        )
        write_state(target, self.state)
        self.whole = True
        return Note(
            f"At step {at_step} {trouble.what}: back to step {self.state.step} with half the learning rate. What it "
            f"looked like: {folder}", "warning",
        )  # fmt: skip

    def _good_checkpoint(self, before: int) -> Path:
        """The newest checkpoint from before the trouble, else the oldest; newer ones are removed, the newest first."""
        found = checkpoints_of(self.run_dir)
        target = next((f for f in reversed(found) if step_of(f) <= before), found[0])
        for folder in reversed(found[found.index(target) + 1 :]):
            discard(folder)
        return target

    def _given_up(self, trouble: Trouble, at_step: int, folder: Path) -> str:
        slower = f"{self.settings.learning_rate / 2:.3g}"
        exact = " --set precision=fp32" if self.settings.precision == "bf16" else ""
        return (
            f"training broke down again at step {at_step}: {trouble.what}. {folder} shows it (samples.png, curves.png);"
            f" the run is back at step {self.state.step}. Go on with --resume --set learning_rate={slower}{exact}, or "
            "start anew with other weights of the losses"
        )

    def _rows(self) -> Iterator[dict[str, object]]:
        self.journal.close()
        return read_journal(self.journal.path) if self.journal.path.is_file() else iter(())
