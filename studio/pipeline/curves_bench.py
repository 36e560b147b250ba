"""The demo's kind of data for the comparison of the fast with the plain training path."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from studio.jobs.events import Done, Job, Note
from studio.jobs.stages import passed_on
from studio.pipeline import footage, scenes
from studio.pipeline.demo_settings import FULL
from studio.pipeline.translators import picture_file
from studio.project.project import Project

_ITERATIONS = 300
_SMALL = replace(
    FULL, frames=120, patients=4, footage_frames=80, footage_patients=4, labelled_frames=1, labelled_patients=1
)


def bench_curves_on_demo_data(*, iterations: int = _ITERATIONS, seeds: int = 3, out: Path | None = None) -> Job:
    """Simulate a small demo and train both paths on it with the demo's settings. Done: as ``bench_curves``."""
    from studio.translator.bench_curves import bench_curves
    from studio.translator.data import TrainingImage

    settings = _SMALL.training().with_values(iterations=iterations)
    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "curves.trocar") as project:
        yield Note("simulating frames and stand-in footage as in the demo")
        yield from passed_on(scenes.simulate_scenes(project, _SMALL.simulation(None)))
        yield from passed_on(footage.add_phantom(project, _SMALL.phantom()))
        yield from passed_on(footage.screen(project))
        simulated = [TrainingImage(frame.files.rgb) for frame in project.scenes.frames()]
        included = project.footage.all(included_only=True)
        real = [TrainingImage(picture_file(project, record), area=record.area) for record in included]
        yield Note(f"training {seeds} seeds of each path for {iterations} iterations")
        figures = yield from passed_on(
            bench_curves(simulated, real, settings, work=Path(folder) / "runs", seeds=seeds, out=out)
        )
    yield Done(figures)
