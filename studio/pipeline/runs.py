"""Runs as things to keep order among: what hangs on one, settings taken from one, several laid side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.pipeline.views import latest_metrics
from studio.project.project import Project
from studio.project.records import RunRecord
from studio.translator.health import NO_LOSSES
from studio.translator.settings import TrainSettings, field_help
from studio.vocabulary.errors import InputError

COMPARED_AT_MOST = 4
_LAST = 100
"""Final losses are means over so many logged steps: a single step says little about a GAN."""
VALIDITY = "validity"
"""Metric of a run: validity of its sample translations, at some steps."""


@dataclass(frozen=True, slots=True)
class Hanging:
    """What was made with a run: names of palettes, the number of translations and of exports."""

    palettes: tuple[str, ...]
    translations: int
    exports: int


def hanging_on(project: Project, name: str) -> Hanging:
    """What refers to a translator run."""
    palettes = tuple(r.palette.name for r in project.palettes.all() if r.palette.run == name)
    exports = [
        e for e in project.outcomes.exports() if any(c.get("run") == name for c in e.recipe.get("checkpoints", ()))
    ]
    return Hanging(palettes, project.translations.of_runs().get(name, (0, None))[0], len(exports))


def settings_like(project: Project, name: str, changes: Mapping[str, Any]) -> TrainSettings:
    """A run's settings with changes. Raise InputError when there is no such run or a value does not fit."""
    kept = complete_settings(project.runs.get("translator", name))
    return TrainSettings.from_values(dict(kept) | dict(changes))


def complete_settings(run: RunRecord) -> dict[str, Any]:
    """A run's settings, those that it does not name (it is older than they are) at the paper's value."""
    return {about.name: about.paper for about in field_help()} | dict(run.settings)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting over several runs, in their order."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)


def setting_rows(runs: Sequence[RunRecord]) -> list[SettingRow]:
    """Every setting of some runs, those that differ first, otherwise in the order of the form."""
    settings = [complete_settings(run) for run in runs]
    names = dict.fromkeys(name for each in settings for name in each)
    rows = [SettingRow(name, tuple(each.get(name) for each in settings)) for name in names]
    return sorted(rows, key=lambda row: not row.differs)


def compare_runs(project: Project, names: Sequence[str]) -> dict[str, Any]:
    """What two to four translator runs differ in, JSON-able.

    ``settings``: {setting: {run: value}} of those that differ, and ``settings_equal``, the number of the others;
    ``losses``: {loss: {run: {mean, last, step}}}, unweighted as they are logged, the mean over the last 100 logged
    steps; ``validity``: {run: {last, step, best, best_step}} of its samples, or None where it was not measured;
    ``translations``: {run: {images, validity}} with the mean validity of what was translated, or None.
    Raise InputError for an unknown run, the same run twice, or more than four.
    """
    if len(set(names)) != len(names) or not 2 <= len(names) <= COMPARED_AT_MOST:
        raise InputError(f"{len(names)} runs were named: {', '.join(names)}", where="compare",
                         remedy=f"Name two to {COMPARED_AT_MOST} different runs.")  # fmt: skip
    runs = [project.runs.get("translator", name) for name in names]
    metrics = {run.name: latest_metrics(run.folder) for run in runs}
    rows = setting_rows(runs)
    made = project.translations.of_runs()
    return {
        "runs": [_facts(run, metrics[run.name]) for run in runs],
        "settings": {r.name: dict(zip(names, r.values, strict=True)) for r in rows if r.differs},
        "settings_equal": sum(not r.differs for r in rows),
        "losses": _losses(metrics),
        "validity": {name: _validity(each.get(VALIDITY)) for name, each in metrics.items()},
        "translations": {n: dict(zip(("images", "validity"), made.get(n, (0, None)), strict=True)) for n in names},
    }


Metrics = Mapping[str, tuple[np.ndarray, np.ndarray]]


def _facts(run: RunRecord, metrics: Metrics) -> dict[str, Any]:
    """Name, state, steps and seconds of training so far."""
    steps = max((int(steps[-1]) for steps, _ in metrics.values()), default=0)
    seconds = float(metrics["seconds"][1][-1]) if "seconds" in metrics else 0.0
    return {"name": run.name, "state": run.state, "created": run.created, "steps": steps, "seconds": seconds}


def _losses(metrics: Mapping[str, Metrics]) -> dict[str, dict[str, dict[str, float] | None]]:
    names = dict.fromkeys(name for each in metrics.values() for name in each if name not in NO_LOSSES)
    return {name: {run: _final(each.get(name)) for run, each in metrics.items()} for name in names}


def _final(series: tuple[np.ndarray, np.ndarray] | None) -> dict[str, float] | None:
    if series is None:
        return None
    steps, values = series
    return {"mean": float(np.mean(values[-_LAST:])), "last": float(values[-1]), "step": int(steps[-1])}


def _validity(series: tuple[np.ndarray, np.ndarray] | None) -> dict[str, float] | None:
    if series is None:
        return None
    steps, values = series
    best = int(np.argmax(values))
    return {
        "last": float(values[-1]), "step": int(steps[-1]), "best": float(values[best]), "best_step": int(steps[best]),
    }  # fmt: skip
