"""The whole way on one page: from simulated scenes and footage to the proof on labels that nobody trained on."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.export.values import ExportOptions
from studio.jobs.events import Done, Event, Job, Note
from studio.jobs.stages import as_part, passed_on
from studio.pipeline import exports, footage, scenes, segmenters, styles, translate, translators, views
from studio.pipeline.demo_settings import REGIMES, DemoSettings, Regime
from studio.pipeline.summary import short_table
from studio.project.project import Project
from studio.vocabulary.errors import InputError

Part = Generator[Event, None, Mapping[str, Any]]


def demo(
    folder: Path, settings: DemoSettings, *, footage_path: Path | None = None, labelled: Path | None = None,
    meshes: Path | None = None, device: str = "auto",
) -> Job:  # fmt: skip
    """Run the whole flow in a new project; go on with it where an earlier, stopped one of the same folder left off.

    Without ``footage_path`` a rendered stand-in takes the footage's place and labelled patients of it the test set's.
    Done: project, table (rows of regimes, Dice per patient), report, export, seconds.
    """
    if (footage_path is None) != (labelled is None):
        raise InputError("real footage and a labelled test set go together", where="--footage, --labelled",
                         remedy="Give both, or neither for the built-in stand-in.")  # fmt: skip
    started = time.monotonic()
    with _project(folder) as project:
        clock = _Clock(settings)
        yield from clock.part("simulating", scenes.simulate_scenes(project, settings.simulation(meshes)))
        if footage_path is None:
            yield from clock.part("rendering stand-in footage", footage.add_phantom(project, settings.phantom()))
            labelled = project.folder / project.setting("labelled")
        else:
            yield from clock.part("adding footage", footage.add_footage(project, [footage_path]))
        assert labelled is not None
        yield from clock.part("screening", footage.screen(project))
        yield from clock.part("training the translator", _trained(project, settings, device))
        yield from clock.part("drawing styles", _palette(project, settings))
        yield from clock.part(
            "translating",
            translate.translate(
                project, "demo", "footage", per_frame=settings.per_frame, seed=settings.seed, device=device
            ),
        )
        yield _curated(project, settings)
        exported = yield from clock.part("exporting", _exported(project, settings))
        for regime in REGIMES:
            yield from clock.part(f"training: {regime.title}", _segmenter(project, regime, settings, device))
        report = project.folder / "reports" / "demo"
        figures = yield from clock.part(
            "evaluating",
            segmenters.evaluate(
                project, runs=[r.name for r in REGIMES], labelled=labelled, report_dir=report, device=device
            ),
        )
        yield Done(
            {
                "project": str(project.folder), "table": short_table(figures), "report": str(report / "report.html"),
                "export": exported.get("dest", ""), "stand_in": footage_path is None,
                "seconds": round(time.monotonic() - started, 1),
            }
        )  # fmt: skip


class _Clock:
    """Maps each part's progress into the whole's, by the seconds that parts are expected to take."""

    def __init__(self, settings: DemoSettings) -> None:
        self._expected = settings.expected_seconds()
        self._total = sum(self._expected.values())
        self._start = 0.0

    def part(self, title: str, job: Job) -> Part:
        share = self._expected[title] / self._total
        start, self._start = self._start, self._start + share
        return (yield from as_part(job, stage=title, start=start, share=share))


def _project(folder: Path) -> Project:
    try:
        return Project.open(folder)
    except InputError:
        return Project.create(folder)


def _trained(project: Project, settings: DemoSettings, device: str) -> Job:
    run = project.runs.find("translator", "demo")
    if run is not None and run.state == "done":
        yield Done(run.result)
        return
    yield from translators.train_translator(
        project, name="demo", settings=None if run else settings.training(), resume=run is not None, device=device
    )  # fmt: skip


def _palette(project: Project, settings: DemoSettings) -> Job:
    included = len(project.footage.all(included_only=True))
    yield from styles.sample_styles(
        project, "demo", count=min(settings.styles, included), method="cover", palette="footage", seed=settings.seed
    )


def rule_against_worst(validities: Sequence[float], share: float) -> str:
    """A rule that the worst share of these does not meet. Significant digits: no limit near 0 becomes 0."""
    limit = float(np.quantile(validities, share))
    return f"validity >= {np.format_float_positional(limit, 4, fractional=False, trim='-')}"


def _curated(project: Project, settings: DemoSettings) -> Note:
    """Reject the worst share by a rule, so that what was thrown out, and why, stands in the project."""
    validities = [r.validity for r in project.translations.all() if r.validity is not None]
    rule = rule_against_worst(validities, settings.reject_share)
    outcome = views.apply_rule(project, rule, dry_run=False)
    project.set_setting("rule", rule)
    return Note(f"rule {rule}, the worst {settings.reject_share:.0%}: {outcome.summary()}")


def _exported(project: Project, settings: DemoSettings) -> Job:
    dest = project.folder / "exports" / "image2image"
    if (dest / "manifest.json").is_file():
        yield Done({"dest": str(dest)})
        return
    options = ExportOptions(format="image2image", split=(0.8, 0.1, 0.1), seed=settings.seed)
    result = yield from passed_on(exports.export(project, dest, options))
    yield Done({**result, "dest": str(dest)})


def _segmenter(project: Project, regime: Regime, settings: DemoSettings, device: str) -> Job:
    run = project.runs.find("segmenter", regime.name)
    if run is not None and run.state == "done":
        yield Done(run.result)
        return
    yield from segmenters.train_segmenter(
        project, data=regime.data, appearance=regime.appearance, name=regime.name, settings=settings.segmenter(),
        device=device, resume=run is not None,
    )  # fmt: skip
