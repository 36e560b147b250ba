"""Scenes into a project: read where they lie, or simulated."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.jobs.events import Done, Event, Job, Note, Progress
from studio.jobs.stages import passed_on
from studio.project.project import Project
from studio.project.records import SceneRecord
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.provenance import made_in_short
from studio.scenes.readers import CHECKED, read_scenes
from studio.scenes.simulator import PartlySimulated, SimulationSettings, simulate
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import SceneFiles

_MAPPINGS = "scene_mappings"
"""Setting of a project: mapping as JSON by the folder that was added, relative to the project where it can be."""


def add_scenes(project: Project, path: Path, *, layout: str = "auto", mapping: SceneMapping | None = None) -> Job:
    """Read the scenes at ``path`` and keep references to them, as one set. Done: scenes, frames, layout, set.

    A mapping is remembered in the project, and taken again when the same folder is added without one.
    Raise InputError for what cannot be read; the project is then as before.
    """
    said = remembered_mapping(project, path) if mapping is None else mapping
    if mapping is None and said.layers and layout not in ("auto", "folders"):
        said = NO_MAPPING  # what was said of plain folders says nothing of another layout
    scenes = read_scenes(path, layout, said)
    name = yield from _kept(project, scenes, set_name=path.resolve().name)
    if mapping is not None:
        remember_mapping(project, path, mapping)
    frames = sum(len(s.frames) for s in scenes)
    yield Done({"scenes": len(scenes), "frames": frames, "layout": scenes[0].layout, "set": name,
                "patients": _patients(scenes)})  # fmt: skip


def _kept(
    project: Project, scenes: Sequence[SceneFiles], *, set_name: str
) -> Generator[Event, None, str]:  # fmt: skip
    """Add scenes as a set and return its name, which is another one where there is a set of that name.

    Scenes that were not there before are taken out again when one of them cannot be added.
    """
    known = project.scenes.ids()
    name = project.scenes.set_of(s.root for s in scenes) or _free(project, set_name)
    try:
        yield from _added(project, scenes, set_name=name)
    except (TrocarError, sqlite3.Error):
        for scene_id in project.scenes.ids() - known:
            project.scenes.remove(scene_id)
        raise
    return name


def _free(project: Project, name: str) -> str:
    """The name, with a number where a set has it already."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split()) or "scenes"
    taken = set(project.scenes.set_names())
    return next(n for k in itertools.count(1) if (n := plain if k == 1 else f"{plain}-{k}") not in taken)


def _added(project: Project, scenes: Sequence[SceneFiles], *, set_name: str) -> Job:
    total = sum(len(s.frames) for s in scenes)
    before = 0
    for scene in scenes:
        for note in (*scene.notes, *filter(None, [scene.encoding.get(CHECKED)])):
            yield Note(f"{scene.name}: {note}")
        for done in project.scenes.add(scene, set_name=set_name):
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

    The same call after an interruption goes on where it was. Raise InputError for bodies that cannot be made; those
    that can, and were whole by then, are in the project.
    """
    if name and (name.startswith(".") or set(name) & set("/\\:\0")):
        raise InputError(f"'{name}' is no name for a folder", where="--name", remedy="Use letters, digits and dashes.")
    dest = project.folder / "scenes" / (name or default_name(settings))
    try:
        result = yield from passed_on(simulate(dest, settings))
    except PartlySimulated:
        yield from _kept(project, _simulated(dest, settings), set_name=dest.name)
        raise
    scenes = _simulated(dest, settings)
    set_name = yield from _kept(project, scenes, set_name=dest.name)
    yield Done({**result, "scenes": len(scenes), "folder": str(dest), "set": set_name, "patients": _patients(scenes)})


def _simulated(dest: Path, settings: SimulationSettings) -> list[SceneFiles]:
    """Bodies of different seeds are different patients, though each simulation numbers its own from 0."""
    scenes = read_scenes(dest, "frames", compared=False)
    return [replace(s, patient=f"{s.patient}.s{settings.seed}") for s in scenes]


def scene_sets(project: Project) -> list[dict[str, Any]]:
    """The sets of scenes in the order in which they came: what they hold, when they came, and from where."""
    by_name: dict[str, list[SceneRecord]] = {name: [] for name in project.scenes.set_names()}
    for scene in project.scenes.all():
        by_name[scene.set_name].append(scene)
    return [
        {
            "set": name, "scenes": len(of_set), "frames": sum(s.frame_count for s in of_set),
            "patients": [s.patient for s in of_set], "layout": of_set[0].layout,
            "made": made_in_short(of_set[0].encoding), "added": min(s.added for s in of_set),
            "folder": str(_above([s.root for s in of_set])),
        }
        for name, of_set in by_name.items()
    ]  # fmt: skip


def _above(roots: Sequence[Path]) -> Path:
    """The folder that holds all of them; the first where they lie on several drives."""
    try:
        return Path(os.path.commonpath(roots))
    except ValueError:
        return roots[0]


def default_name(settings: SimulationSettings) -> str:
    """The folder of a simulation in the project that is given no name."""
    kind = "keyframes" if settings.keyframes is not None else "sequence" if settings.path else "simulated"
    return f"{kind}-{settings.seed}"
