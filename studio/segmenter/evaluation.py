"""Segmenters beside one another, and beside a trivial predictor, on labelled frames that none of them saw."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.jobs.events import Done, Event, Job, Note, Progress
from studio.segmenter.data import MaskReader, OutputTable, lit_area, read_id_mask, read_pair
from studio.segmenter.metrics import FrameScore, over_patients, per_patient, score_class
from studio.segmenter.prediction import Segmenter, load_segmenter
from studio.segmenter.report.story import TRIVIAL, Evaluation, Regime, Story
from studio.segmenter.report.writing import write_report
from studio.segmenter.seen import refuse_seen
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A trained segmenter under the name that it bears in the report."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A labelled frame (mask: studio class ids, 255 = ignore).

    ``group``: what its patient is also to be reported by, such as a phantom palette; the same for all of its frames.
    """

    image: Path
    mask: Path
    patient: str
    group: str = ""

    @property
    def frame(self) -> str:
        return self.image.name


@dataclass
class _Tally:
    """Scores as they come in."""

    class_names: tuple[str, ...]
    frames: list[FrameScore] = field(default_factory=list)

    def add(self, regime: str, pair: LabelledPair, prediction_HW: np.ndarray, truth_HW: np.ndarray) -> None:
        for name in self.class_names:
            scores = score_class(prediction_HW, truth_HW, STUDIO_CLASSES.by_name(name).id)
            self.frames.append(FrameScore(regime, pair.patient, pair.group, str(pair.image), name, scores))


def evaluate(
    runs: Sequence[Evaluated],
    labelled: Sequence[LabelledPair],
    report_dir: Path,
    *,
    trivial: bool = True,
    classes: Sequence[str] | None = None,
    story: Story | None = None,
    device: str = "auto",
    read_mask: MaskReader = read_id_mask,
) -> Job:
    """Score all runs on all frames, write report.html, report.csv and report.json; Done: paths and means.

    Done's result: ``{report, csv, json, frames, patients, class, dice: {regime: {mean, patients: {name: Dice}}},
    means: {regime: {class: {dice, iou, hd95}}}, groups: {group: {regime: Dice}}}`` (nan as None; Dice of the first
    class). Predictions are compared at the label's own size. Without ``classes`` those that all runs learnt and that
    occur in the labels are scored. The trivial predictor calls everything inside the round image the class in question.
    Raise InputError for unusable runs or frames.
    """
    _checked(runs, labelled)
    cautions = _cautions(runs, labelled)
    for caution in cautions:
        yield Note(caution, "warning")
    segmenters = [(run.name, load_segmenter(run.path, device=device)) for run in runs]
    table = _common_table(segmenters)
    names = _learnt_by_all(segmenters, classes)
    present = yield from _classes_present(names, labelled, table, read_mask)
    tally = _Tally(present)
    for i, pair in enumerate(labelled):
        image_HW3, ids_HW = read_pair(pair.image, pair.mask, read_mask)
        truth_HW = table.merged(ids_HW)
        if trivial:
            _add_trivial(tally, pair, image_HW3, truth_HW)
        for name, segmenter in segmenters:
            tally.add(name, pair, segmenter.predict(image_HW3), truth_HW)
        yield Progress(i + 1, len(labelled), "frames", "evaluate")
    regimes = tuple(_regime(name, segmenter) for name, segmenter in segmenters)
    evaluation = Evaluation(tuple(tally.frames), regimes, present, trivial)
    predictors = {name: segmenter.predict for name, segmenter in segmenters}
    yield Note("writing the report")
    masks = {str(pair.image): pair.mask for pair in labelled}

    def truth(image: str) -> np.ndarray:
        return table.merged(read_mask(masks[image]))

    told = story or Story()
    told = replace(told, cautions=(*told.cautions, *cautions))
    files = write_report(report_dir, evaluation, told, predictors=predictors, truth=truth)
    yield Done({**{kind: str(path) for kind, path in files.items()}, **summary(evaluation)})


def summary(evaluation: Evaluation) -> Mapping[str, Any]:
    """The figures of an evaluation as plain values, nan as None."""
    first = evaluation.class_names[0]
    patients = per_patient(evaluation.frames)
    means = over_patients(evaluation.frames)
    dice = {
        name: {
            "mean": _number(means[name, first].scores.dice),
            "patients": {p: _number(m.scores.dice) for (r, c, p), m in patients.items() if (r, c) == (name, first)},
        }
        for name in evaluation.regime_names
    }
    groups = {
        group: {n: _number(over_patients(evaluation.frames, group=group)[n, first].scores.dice)
                for n in evaluation.regime_names}
        for group in evaluation.groups
    }  # fmt: skip
    every = {
        name: {
            c: {m: _number(means[name, c].scores.value(m)) for m in ("dice", "iou", "hd95")}
            for c in evaluation.class_names
        }
        for name in evaluation.regime_names
    }
    return {
        "frames": len({f.frame for f in evaluation.frames}), "patients": len(evaluation.patients), "class": first,
        "dice": dice, "means": every, "groups": groups,
    }  # fmt: skip


def _add_trivial(tally: _Tally, pair: LabelledPair, image_HW3: np.ndarray, truth_HW: np.ndarray) -> None:
    area_HW = lit_area(image_HW3)
    for name in tally.class_names:
        class_id = STUDIO_CLASSES.by_name(name).id
        everything_HW = np.where(area_HW, class_id, 0).astype(np.uint8)
        scores = score_class(everything_HW, truth_HW, class_id)
        tally.frames.append(FrameScore(TRIVIAL, pair.patient, pair.group, str(pair.image), name, scores))


def _checked(runs: Sequence[Evaluated], labelled: Sequence[LabelledPair]) -> None:
    if not runs:
        raise InputError("no segmenter is named", where="evaluation", remedy="Train one or name its run.")
    if not labelled:
        raise InputError("no labelled frames", where="evaluation", remedy="Give a folder with frames and masks.")
    names = [run.name for run in runs]
    if len({*names, TRIVIAL}) != len(names) + 1:
        raise InputError("two segmenters bear the same name", where="evaluation", remedy="Give each its own.")
    if len({pair.image for pair in labelled}) != len(labelled):
        raise InputError("a labelled frame is listed twice", where="evaluation")
    groups: dict[str, str] = {}
    for pair in labelled:
        if groups.setdefault(pair.patient, pair.group) != pair.group:
            raise InputError(f"patient '{pair.patient}' is in two groups", where="evaluation")


def _cautions(runs: Sequence[Evaluated], labelled: Sequence[LabelledPair]) -> list[str]:
    """Sentences on patients that runs have seen; a frame that one has seen is refused."""
    cautions = []
    for run in runs:
        known = refuse_seen(run.name, run.path, [p.image for p in labelled], {p.patient for p in labelled})
        if known:
            cautions.append(
                f"“{run.name}” was trained on patients of the same name as these: {', '.join(known)}. "
                "If they are the same people, its figures are too good."
            )
    return cautions


def _common_table(segmenters: Sequence[tuple[str, Segmenter]]) -> OutputTable:
    """Runs that merge classes differently have no common truth."""
    if len({s.facts.settings.merges for _, s in segmenters}) > 1:
        raise InputError(
            "the segmenters merge classes differently", where="evaluation", remedy="Compare those trained alike."
        )
    return segmenters[0][1].table


def _learnt_by_all(segmenters: Sequence[tuple[str, Segmenter]], classes: Sequence[str] | None) -> tuple[str, ...]:
    common = [c for c in segmenters[0][1].class_names if all(c in s.class_names for _, s in segmenters)]
    wanted = tuple(classes) if classes is not None else tuple(common)
    missing = [c for c in wanted if c not in common]
    if missing or not wanted:
        raise InputError(
            f"not learnt by all segmenters: {', '.join(missing) or 'any class'}",
            where="evaluation",
            remedy=f"Common to all: {', '.join(common) or 'none'}.",
        )
    return wanted


def _classes_present(
    names: tuple[str, ...], labelled: Sequence[LabelledPair], table: OutputTable, read_mask: MaskReader
) -> Generator[Event, None, tuple[str, ...]]:
    """Those of the classes that occur in the labels: a class that a set does not label cannot be judged by it."""
    seen: set[int] = set()
    for i, pair in enumerate(labelled):
        seen |= {int(v) for v in np.unique(table.merged(read_mask(pair.mask)))}
        if i % 50 == 0:
            yield Progress(0, len(labelled), "frames", "read labels")
    present = tuple(n for n in names if STUDIO_CLASSES.by_name(n).id in seen - {IGNORE})
    if not present:
        raise InputError(f"the labels hold none of: {', '.join(names)}", where=labelled[0].mask.parent)
    absent = [n for n in names if n not in present]
    if absent:
        yield Note(f"not in these labels, so not scored: {', '.join(absent)}", "warning")
    return present


def _regime(name: str, segmenter: Segmenter) -> Regime:
    facts = segmenter.facts
    return Regime(
        name=name, network=facts.settings.network, appearance=facts.appearance, steps=facts.step, pairs=facts.pairs,
        patients=facts.patients, seed=facts.settings.seed,
        fine_tuned=bool(facts.init), fingerprint=segmenter.fingerprint,
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
