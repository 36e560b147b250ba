"""Scenes into a project: read where they lie, or simulated."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio.jobs.events import Done, Job, Note, Progress
from studio.jobs.stages import passed_on
from studio.project.project import Project
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import CHECKED, read_scenes
from studio.scenes.simulator import SimulationSettings, simulate
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import SceneFiles

_MAPPINGS = "scene_mappings"
"""Setting of a project: mapping as JSON by the folder that was added, relative to the project where it can be."""


def add_scenes(project: Project, path: Path, *, layout: str = "auto", mapping: SceneMapping | None = None) -> Job:
    """Read the scenes at ``path`` and keep references to them. Done: scenes, frames, layout.

    A mapping is remembered in the project, and taken again when the same folder is added without one.
    Raise InputError for what cannot be read; the project is then as before.
    """
    said = remembered_mapping(project, path) if mapping is None else mapping
    if mapping is None and said.layers and layout not in ("auto", "folders"):
        said = NO_MAPPING  # what was said of plain folders says nothing of another layout
    scenes = read_scenes(path, layout, said)
    yield from _kept(project, scenes)
    if mapping is not None:
        remember_mapping(project, path, mapping)
    frames = sum(len(s.frames) for s in scenes)
    yield Done({"scenes": len(scenes), "frames": frames, "layout": scenes[0].layout, "patients": _patients(scenes)})


def _kept(project: Project, scenes: Sequence[SceneFiles]) -> Job:
    """Scenes that were not there before are taken out again when one of them cannot be added."""
    known = project.scenes.ids()
    try:
        yield from _added(project, scenes)
    except (TrocarError, sqlite3.Error):
        for scene_id in project.scenes.ids() - known:
            project.scenes.remove(scene_id)
        raise


def _added(project: Project, scenes: Sequence[SceneFiles]) -> Job:
    total = sum(len(s.frames) for s in scenes)
    before = 0
    for scene in scenes:
        for note in (*scene.notes, *filter(None, [scene.encoding.get(CHECKED)])):
            yield Note(f"{scene.name}: {note}")
        for done in project.scenes.add(scene):
            yield Progress(before + done, total, "frames", "adding")
        before += len(scene.frames)


def remembered_mapping(project: Project, path: Path) -> SceneMapping:
    """What was said about a folder when it was added last; nothing where nothing was."""
    kept = project.setting(_MAPPINGS, {}).get(_key(project, path))
    return NO_MAPPING if kept is None else SceneMapping.from_json(kept, where=project.folder)


def remember_mapping(project: Project, path: Path, mapping: SceneMapping) -> None:
    project.set_setting(_MAPPINGS, {**project.setting(_MAPPINGS, {}), _key(project, path): mapping.to_json()})


def _key(project: Project, path: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), project.folder)).as_posix()
    except ValueError:  # another drive on Windows
        return path.resolve().as_posix()


def _patients(scenes: Sequence[SceneFiles]) -> list[str]:
    return sorted({s.patient for s in scenes})


def simulate_scenes(project: Project, settings: SimulationSettings, *, name: str = "") -> Job:
    """Simulate labelled frames into the project's folder and add them. Done: scenes, frames, folder.

    The same call after an interruption goes on where it was.
    """
    if name and (name.startswith(".") or set(name) & set("/\\:\0")):
        raise InputError(f"'{name}' is no name for a folder", where="--name", remedy="Use letters, digits and dashes.")
    dest = project.folder / "scenes" / (name or default_name(settings))
    result = yield from passed_on(simulate(dest, settings))
    # Bodies of different seeds are different patients, though each simulation numbers its own from 0.
    scenes = [replace(s, patient=f"{s.patient}.s{settings.seed}") for s in read_scenes(dest, "frames", compared=False)]
    yield from _kept(project, scenes)
    yield Done({**result, "scenes": len(scenes), "folder": str(dest), "patients": _patients(scenes)})


def default_name(settings: SimulationSettings) -> str:
    """The folder of a simulation in the project that is given no name."""
    kind = "keyframes" if settings.keyframes is not None else "sequence" if settings.path else "simulated"
    return f"{kind}-{settings.seed}"
