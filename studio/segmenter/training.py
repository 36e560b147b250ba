"""Training a segmenter: read, step, save. Every regime gets the same number of steps, geometry and seed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from studio.files.atomic import disk_errors_named, write_text
from studio.jobs.events import Done, Event, Job, Metric, Note, Progress
from studio.segmenter.appearance import ColourStatistics, exposed, moved, recoloured, with_circle
from studio.segmenter.checkpoints import (
    METRICS,
    RESUME,
    WEIGHTS,
    RunFacts,
    load_initial,
    load_network,
    load_resume,
    save_resume,
    save_weights,
)
from studio.segmenter.data import MaskReader, Pairs, PairStore, TrainingPair, batch_indices, read_id_mask
from studio.segmenter.devices import autocast, chosen_device
from studio.segmenter.networks import build_network
from studio.segmenter.seen import write_seen
from studio.segmenter.settings import APPEARANCES, Appearance, SegmenterSettings
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.labels import IGNORE
from studio.vocabulary.seeds import stream

_WARM_UP = 0.15
_STEPS_PER_PROGRESS = 5


def train_segmenter(
    run_dir: Path,
    pairs: Sequence[TrainingPair],
    settings: SegmenterSettings,
    *,
    appearance: Appearance = "none",
    footage_images: Sequence[Path] = (),
    init: Path | None = None,
    device: str = "auto",
    resume: bool = False,
    read_mask: MaskReader = read_id_mask,
) -> Job:
    """Train for ``settings.steps`` steps; Done: ``{run, weights, fingerprint, steps, pairs, patients, appearance}``.

    ``init`` is an earlier run to fine-tune; ``footage_images`` give their colours to appearance "reinhard". Closed at
    any yield it leaves a resume state. A folder that holds a run already is only continued, with ``resume``, never
    overwritten. Raise InputError for unusable pairs, TrocarError when the loss stops being a number.
    """
    if appearance not in APPEARANCES:
        raise InputError(f"no appearance is called '{appearance}'", remedy=f"Known: {', '.join(APPEARANCES)}.")
    _checked_folder(run_dir, resume)
    if (run_dir / WEIGHTS).is_file():
        yield Note(f"{run_dir.name} is trained already")
        yield Done(_result(run_dir))
        return
    store = PairStore(pairs, settings, read_mask)
    try:
        yield from store.load()
        footage = ColourStatistics.of_footage(footage_images, settings.size) if appearance == "reinhard" else None
        patients = len({p.patient for p in pairs})
        start = RunFacts(settings, appearance, 0, len(pairs), patients)
        learner = Learner.started(start, store, footage, init=init, device=device)
        with disk_errors_named(run_dir):
            run_dir.mkdir(parents=True, exist_ok=True)
        write_text(run_dir / "settings.json", settings.to_json() + "\n")
        write_seen(run_dir, pairs, init)
        yield from _steps(run_dir, learner)
    finally:
        store.close()
    yield Done(_result(run_dir))


@dataclass
class Learner:
    """Network, optimiser and data of one run; ``facts.step`` counts finished steps."""

    facts: RunFacts
    network: torch.nn.Module
    optimiser: torch.optim.Optimizer
    store: Pairs
    footage: ColourStatistics | None
    device: torch.device

    @staticmethod
    def started(
        facts: RunFacts, store: Pairs, footage: ColourStatistics | None, *, init: Path | None, device: str
    ) -> Learner:
        """At step 0, on its device, from ``init``'s weights where given."""
        settings = facts.settings
        network = build_network(settings)
        if init is not None:
            facts = replace(facts, init=load_initial(init, network, settings))
        place = chosen_device(device)
        network = network.to(place, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        optimiser = torch.optim.AdamW(network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        return Learner(facts, network, optimiser, store, footage, place)

    def step(self) -> float:
        """One optimiser step; gives its loss."""
        settings, step = self.facts.settings, self.facts.step
        image_BCHW, target_BHW = self._batch(step)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.lr * one_cycle(step, settings.steps)
        with autocast(self.device, settings):
            logits_BKHW = self.network(image_BCHW)
        loss = segmentation_loss(logits_BKHW.float(), target_BHW)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrocarError(f"the segmenter's loss is no number at step {step}; try a lower lr or precision fp32")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.facts = replace(self.facts, step=step + 1)
        return value

    def _batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Augmented image_BCHW in [0, 1] and target_BHW (output numbers, IGNORE) of one step."""
        settings = self.facts.settings
        indices = batch_indices(len(self.store), settings.batch, step, seed=settings.seed)
        images_BHW3, targets_BHW = self.store.batch(indices)
        if self.footage is not None:
            draw = stream(settings.seed, "segmenter reinhard", step)
            images_BHW3 = np.stack([self.footage.transferred(image_HW3, draw) for image_HW3 in images_BHW3])
        image_BCHW = torch.from_numpy(images_BHW3).to(self.device).permute(0, 3, 1, 2).float() / 255
        target_BHW = torch.from_numpy(targets_BHW).to(self.device)
        image_BCHW, target_BHW = moved(image_BCHW, target_BHW, settings, step)
        if self.facts.appearance == "colour":
            image_BCHW = recoloured(image_BCHW, seed=settings.seed, step=step)
        else:
            image_BCHW = exposed(image_BCHW, seed=settings.seed, step=step)
        image_BCHW, target_BHW = with_circle(image_BCHW, target_BHW, settings, step)
        return image_BCHW.contiguous(memory_format=torch.channels_last), target_BHW


def segmentation_loss(logits_BKHW: torch.Tensor, target_BHW: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus 1 - soft Dice (over the batch, mean of the named classes); IGNORE counts in neither."""
    counted_BHW = target_BHW != IGNORE
    if not bool(counted_BHW.any()):
        return logits_BKHW.sum() * 0.0
    entropy = F.cross_entropy(logits_BKHW, target_BHW, ignore_index=IGNORE)
    share_BKHW = logits_BKHW.softmax(1)[:, 1:] * counted_BHW[:, None]
    classes = torch.arange(1, logits_BKHW.shape[1], device=target_BHW.device)
    truth_BKHW = (target_BHW[:, None] == classes[None, :, None, None]).float()
    overlap_K = (share_BKHW * truth_BKHW).sum((0, 2, 3))
    sizes_K = share_BKHW.sum((0, 2, 3)) + truth_BKHW.sum((0, 2, 3))
    return entropy + (1 - (2 * overlap_K + 1.0) / (sizes_K + 1.0)).mean()


def one_cycle(step: int, steps: int) -> float:
    """Share of the highest rate: rising over the first 15 %, then a half cosine down to 0 (Smith 2018)."""
    position = (step + 0.5) / steps
    if position < _WARM_UP:
        return 0.1 + 0.9 * position / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (position - _WARM_UP) / (1 - _WARM_UP)))


def _steps(run_dir: Path, learner: Learner) -> Job:
    settings = learner.facts.settings
    resume_file = run_dir / RESUME
    if resume_file.is_file():
        _resumed(learner, resume_file)
        yield Note(f"{run_dir.name} goes on at step {learner.facts.step}")
    _shorten_metrics(run_dir / METRICS, learner.facts.step)
    try:
        with (run_dir / METRICS).open("a", encoding="utf-8") as metrics:
            while learner.facts.step < settings.steps:
                step = learner.facts.step
                value = learner.step()
                metrics.write(json.dumps({"step": step, "name": "loss", "value": value}) + "\n")
                if learner.facts.step % settings.checkpoint_every == 0:
                    metrics.flush()
                    save_resume(resume_file, learner.network, learner.optimiser, learner.facts)
                yield from _said(step, value, settings)
    except GeneratorExit:
        # Closed at a yield: all steps are whole here. (An error inside a step falls back to the last saved state.)
        if learner.facts.step:
            save_resume(resume_file, learner.network, learner.optimiser, learner.facts)
        raise
    save_weights(run_dir / WEIGHTS, learner.network, learner.facts)
    resume_file.unlink(missing_ok=True)


def _said(step: int, loss: float, settings: SegmenterSettings) -> Sequence[Event]:
    said: list[Event] = [Metric(step, "loss", loss)]
    if (step + 1) % _STEPS_PER_PROGRESS == 0 or step + 1 == settings.steps:
        said.append(Progress(step + 1, settings.steps, "steps", "train"))
    return said


def _resumed(learner: Learner, file: Path) -> None:
    wanted = learner.facts
    found = load_resume(file, learner.network, learner.optimiser)
    if replace(found, step=0, init=wanted.init) != wanted:
        raise InputError(
            "was begun with other settings or other data", where=file.parent, remedy="Resume it with the same ones."
        )
    learner.facts = found


def _checked_folder(run_dir: Path, resume: bool) -> None:
    if not resume and any((run_dir / name).exists() for name in (WEIGHTS, RESUME, METRICS)):
        raise InputError("holds a run already", where=run_dir, remedy="Resume it or choose another name.")


def _shorten_metrics(file: Path, step: int) -> None:
    """Drop rows of steps that are about to be made again."""
    if file.is_file():
        rows = [r for r in file.read_text(encoding="utf-8").splitlines() if _step_of(r) < step]
        write_text(file, "".join(f"{r}\n" for r in rows))


def _step_of(row: str) -> float:
    try:
        return float(json.loads(row)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf  # a line cut short by a kill


def _result(run_dir: Path) -> dict[str, object]:
    _, facts, mark = load_network(run_dir)
    return {
        "run": str(run_dir), "weights": str(run_dir / WEIGHTS), "fingerprint": mark, "steps": facts.step,
        "pairs": facts.pairs, "patients": facts.patients, "appearance": facts.appearance,
    }  # fmt: skip
