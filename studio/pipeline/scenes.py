"""Scenes into a project: read where they lie, or simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio.jobs.events import Done, Job, Note, Progress
from studio.jobs.stages import passed_on
from studio.project.project import Project
from studio.scenes.readers import read_scenes
from studio.scenes.simulator import SimulationSettings, simulate
from studio.vocabulary.frames import SceneFiles


def add_scenes(project: Project, path: Path, *, layout: str = "auto") -> Job:
    """Read the scenes at ``path`` and keep references to them. Done: scenes, frames, layout.

    Raise InputError for what cannot be read; the project is then as before.
    """
    scenes = read_scenes(path, layout)
    yield from _kept(project, scenes)
    frames = sum(len(s.frames) for s in scenes)
    yield Done({"scenes": len(scenes), "frames": frames, "layout": scenes[0].layout, "patients": _patients(scenes)})


def _kept(project: Project, scenes: Sequence[SceneFiles]) -> Job:
    total = sum(len(s.frames) for s in scenes)
    before = 0
    for scene in scenes:
        for note in scene.notes:
            yield Note(f"{scene.name}: {note}")
        for done in project.scenes.add(scene):
            yield Progress(before + done, total, "frames", "adding")
        before += len(scene.frames)


def _patients(scenes: Sequence[SceneFiles]) -> list[str]:
    return sorted({s.patient for s in scenes})


def simulate_scenes(project: Project, settings: SimulationSettings, *, name: str = "") -> Job:
    """Simulate labelled frames into the project's folder and add them. Done: scenes, frames, folder.

    The same call after an interruption goes on where it was.
    """
    kind = "sequence" if settings.path else "simulated"
    dest = project.folder / "scenes" / (name or f"{kind}-{settings.seed}")
    result = yield from passed_on(simulate(dest, settings))
    # Bodies of different seeds are different patients, though each simulation numbers its own from 0.
    scenes = [replace(s, patient=f"{s.patient}.s{settings.seed}") for s in read_scenes(dest, "frames")]
    yield from _kept(project, scenes)
    yield Done({**result, "scenes": len(scenes), "folder": str(dest), "patients": _patients(scenes)})
