"""The losses of the fast path laid over those of the plain one: whether speed has cost anything.

Both train from the same weights on the same crops with the same draws. Rounding sets two adversarial runs apart
within some dozen steps, so that their curves cannot be compared step by step. The yardstick is how far plain runs of
different seeds lie apart: a fast path that lost something would differ by more.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.files.atomic import write_bytes, write_json
from studio.files.pictures import write_png
from studio.jobs.events import Done, Event, Job, Progress
from studio.translator.curve_chart import Curve, draw_charts
from studio.translator.data import Batch, BatchSource, TrainingImage
from studio.translator.devices import chosen_device, has_bf16
from studio.translator.journal import Journal, read_journal
from studio.translator.learner import Learner, draws_of
from studio.translator.losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from studio.translator.plain import made_plain, plain_step
from studio.translator.schedule import learning_rate
from studio.translator.settings import TrainSettings
from studio.translator.training import train

PLAIN = "plain"
_COLOURS = {PLAIN: (40, 40, 40), "fp32": (0, 114, 178), "bf16": (213, 94, 0)}
_OTHER_SEEDS = (200, 200, 200)
_JOURNAL = "metrics.jsonl"

Runs = Mapping[tuple[str, int], Mapping[str, Sequence[float]]]
"""Of each path and seed, every loss step by step."""


@dataclass(frozen=True, slots=True)
class LossGap:
    """One loss, averaged over the last third of the steps and over the seeds.

    ``spread`` is the sample deviation between the plain runs' means, ``gap`` how far each fast path's mean lies above
    the plain one's; both as shares of the plain mean.
    """

    plain: float
    spread: float
    fast: Mapping[str, float]
    gap: Mapping[str, float]


def bench_curves(
    simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage], settings: TrainSettings, *, work: Path,
    seeds: int = 3, device: str = "auto", out: Path | None = None,
) -> Job:  # fmt: skip
    """Train plainly, in fp32 and, where the device computes in it, in bf16, each from ``seeds`` seeds, batch 1.

    Journals are written below ``work``; ``out`` gets curves.png, curves.json and a copy of each journal.
    Done: settings in short, seconds a step and losses by path, gaps (LossGap by name), gaps_in_spreads.
    """
    place = chosen_device(device)
    settings = _comparable(settings)
    paths = [PLAIN, "fp32", *(["bf16"] if has_bf16(place) else [])]
    runs: dict[tuple[str, int], dict[str, list[float]]] = {}
    seconds: dict[str, float] = {}
    jobs = [(path, seed) for seed in range(seeds) for path in paths]
    for done, (path, seed) in enumerate(jobs):
        started = time.perf_counter()
        run_dir = work / f"{path}-{seed}"
        job = _training(path, run_dir, simulated, footage, settings.with_values(seed=settings.seed + seed), device)
        yield from _told(job, f"{path}, seed {seed}", done * settings.iterations, len(jobs) * settings.iterations)
        runs[path, seed] = _losses(run_dir / _JOURNAL)
        seconds[path] = seconds.get(path, 0.0) + (time.perf_counter() - started) / seeds / settings.iterations
    figures = {
        "device": place.type, "iterations": settings.iterations, "seeds": seeds, "dim": settings.dim,
        "width": settings.crop_width, "height": settings.crop_height, "seconds_a_step": seconds, **compared(runs),
    }  # fmt: skip
    if out is not None:
        _kept(out, figures, runs, work)
        figures["picture"] = str(out / "curves.png")
    yield Done(figures)


def _comparable(settings: TrainSettings) -> TrainSettings:
    """What both paths can do, and nothing written on the way that the comparison has no use for."""
    return settings.with_values(
        batch=1, directions="both", reencode_noise=0.0, seconds=0.0, log_every=1, sample_every=10**9,
        checkpoint_every=10**9, keep_checkpoints=1,
    )  # fmt: skip


def _training(
    path: str, run_dir: Path, simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage],
    settings: TrainSettings, device: str,
) -> Job:  # fmt: skip
    if path == PLAIN:
        return train_plainly(run_dir, simulated, footage, settings, device=device)
    return train(run_dir, simulated, footage, settings.with_values(precision=path), device=device)


def train_plainly(
    run_dir: Path, simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage], settings: TrainSettings, *,
    device: str = "auto",
) -> Job:  # fmt: skip
    """``train`` with plain steps, which keeps a journal and nothing else. Done: steps."""
    place = chosen_device(device)
    learner = made_plain(Learner(settings.with_values(precision="fp32"), place))
    source = BatchSource(simulated, footage, settings)
    journal = Journal(run_dir / _JOURNAL)
    started = time.perf_counter()
    try:
        for step in range(settings.iterations):
            rate = learning_rate(settings, step, 0.0)
            learner.gen_optimiser.param_groups[0]["lr"] = rate
            learner.disc_optimiser.param_groups[0]["lr"] = rate * settings.disc_rate
            b = source.batch(step)
            batch = Batch(b.image_a.to(place), b.image_b.to(place), b.inside_a.to(place), b.inside_b.to(place))
            losses = plain_step(learner, batch, draws_of(step, settings, place))
            journal.add(step + 1, time.perf_counter() - started, {name: float(v) for name, v in losses.items()})
            yield Progress(step + 1, settings.iterations, "iterations", "training")
    finally:
        journal.close()
    yield Done({"steps": settings.iterations})


def _told(job: Job, stage: str, before: int, total: int) -> Iterator[Event]:
    """Of a training only how far it is."""
    try:
        for event in job:
            if isinstance(event, Progress):
                yield Progress(before + event.done, total, "iterations", stage)
    finally:
        job.close()


def _losses(path: Path) -> dict[str, list[float]]:
    rows = list(read_journal(path))
    return {n: [row[n] for row in rows] for n in (*GENERATOR_LOSSES, *DISCRIMINATOR_LOSSES) if n in rows[0]}


def compared(runs: Runs) -> dict[str, Any]:
    """``gaps`` by loss, and for each fast path the median and the largest gap as multiples of the spread."""
    names = next(iter(runs.values()))
    gaps = {name: _gap(name, runs) for name in names}
    multiples = {
        path: sorted(abs(gap.gap[path]) / gap.spread for gap in gaps.values() if gap.spread)
        for path in next(iter(gaps.values())).gap
    }
    return {
        "gaps": {name: asdict(gap) for name, gap in gaps.items()},
        "gaps_in_spreads": {
            path: {"median": statistics.median(found), "largest": found[-1]}
            for path, found in multiples.items() if found
        },
    }  # fmt: skip


def _gap(name: str, runs: Runs) -> LossGap:
    """Each fast path against the plain runs of its own seeds: they saw the same crops."""
    means: dict[str, dict[int, float]] = {}
    for (path, seed), losses in runs.items():
        values = losses[name]
        means.setdefault(path, {})[seed] = statistics.fmean(values[2 * len(values) // 3 :])
    plain = statistics.fmean(means[PLAIN].values())
    spread = statistics.stdev(means[PLAIN].values()) / plain if len(means[PLAIN]) > 1 else 0.0
    fast = {path: statistics.fmean(found.values()) for path, found in means.items() if path != PLAIN}
    same_seeds = {path: statistics.fmean(means[PLAIN][seed] for seed in means[path]) for path in fast}
    return LossGap(plain, spread, fast, {path: fast[path] / same_seeds[path] - 1.0 for path in fast})


def _kept(out: Path, figures: Mapping[str, Any], runs: Runs, work: Path) -> None:
    for path, seed in runs:
        journal = work / f"{path}-{seed}" / _JOURNAL
        write_bytes(out / f"{path}-{seed}.jsonl", journal.read_bytes())
    charts = {name: _curves_of(name, runs) for name in next(iter(runs.values()))}
    legend = [("plain fp32", _COLOURS[PLAIN]), ("plain, other seeds", _OTHER_SEEDS)]
    legend += [(f"fast {path}", colour) for path, colour in _COLOURS.items() if (path, 0) in runs and path != PLAIN]
    write_png(out / "curves.png", draw_charts(charts, legend))
    write_json(out / "curves.json", figures)


def _curves_of(name: str, runs: Runs) -> list[Curve]:
    """Other seeds of the plain path first, so that they lie under the three of the first seed."""
    others = [Curve(losses[name], _OTHER_SEEDS) for (path, seed), losses in runs.items() if path == PLAIN and seed]
    return others + [Curve(runs[path, 0][name], colour) for path, colour in _COLOURS.items() if (path, 0) in runs]
