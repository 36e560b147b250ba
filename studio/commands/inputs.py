"""Commands that bring scenes and footage into a project."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.jobs.events import Done, Job
from studio.project.project import Project
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

if TYPE_CHECKING:
    from studio.scenes.simulator import CameraKeyframes


def scenes_add(a: argparse.Namespace) -> Job:
    from studio.pipeline.scenes import add_scenes
    from studio.scenes.mapping import read_mapping

    mapping = None if a.mapping is None else read_mapping(a.mapping)
    with Project.open(a.project) as project:
        yield from add_scenes(project, a.path, layout=a.layout, mapping=mapping)


def scenes_list(a: argparse.Namespace) -> Job:
    from studio.pipeline.scenes import scene_sets

    with Project.open(a.project, write=False) as project:
        yield Done({"sets": scene_sets(project)})


def scenes_rename(a: argparse.Namespace) -> Job:
    with Project.open(a.project) as project:
        project.scenes.rename_set(a.set, a.new)
    yield Done({"set": a.new, "before": a.set})


def scenes_measure(a: argparse.Namespace) -> Job:
    from studio.pipeline.contents import measure_scenes

    with Project.open(a.project) as project:
        yield from measure_scenes(project)


def scenes_simulate(a: argparse.Namespace) -> Job:
    from studio.pipeline.scenes import simulate_scenes
    from studio.scenes.simulator import SimulationSettings, part_named, read_keyframes

    keyframes = None if a.path_file is None else read_keyframes(a.path_file)
    settings = SimulationSettings(
        frames=_frames_to_simulate(a, keyframes), patients=a.patients, size=a.size, seed=a.seed, anatomy=a.anatomy,
        meshes=a.meshes, path=a.path is not None or keyframes is not None, breathing=a.breathing, keyframes=keyframes,
        without=tuple(dict.fromkeys(map(part_named, a.without))), first_patient=a.first_patient, round=a.round,
        targets=tuple((STUDIO_CLASSES.by_name(name).id, share) for name, share in a.target),
    )  # fmt: skip
    with Project.open(a.project) as project:
        yield from simulate_scenes(project, settings, name=a.name)


def _frames_to_simulate(a: argparse.Namespace, keyframes: CameraKeyframes | None) -> int:
    """``--frames``, or what so many seconds of path for each patient come to."""
    from studio.scenes.simulator import frames_in

    if keyframes is not None:
        if a.frames or a.path is not None:
            raise InputError("--path-file with --frames or --path", remedy="The file says how long the path is.")
        return frames_in(keyframes.seconds) * int(a.patients)
    if bool(a.frames) == bool(a.path):
        wrong = "--frames and seconds of --path" if a.frames else "neither --frames nor seconds of --path"
        raise InputError(wrong, remedy="Give one: --frames 600, --path 24, or --frames 600 --path.")
    return int(a.frames) if a.frames else frames_in(a.path) * int(a.patients)


def footage_add(a: argparse.Namespace) -> Job:
    from studio.pipeline.footage import add_footage

    with Project.open(a.project) as project:
        yield from add_footage(project, a.paths, every=a.every)


def footage_phantom(a: argparse.Namespace) -> Job:
    from studio.pipeline.footage import add_phantom
    from studio.scenes.simulator import PhantomSettings

    settings = PhantomSettings(
        frames=a.frames, patients=a.patients, size=a.size, seed=a.seed, labelled_patients=a.labelled_patients,
        labelled_frames=a.labelled_frames,
    )  # fmt: skip
    with Project.open(a.project) as project:
        yield from add_phantom(project, settings)


def footage_screen(a: argparse.Namespace) -> Job:
    from studio.pipeline.footage import screen

    with Project.open(a.project) as project:
        yield from screen(project)


def footage_compare(a: argparse.Namespace) -> Job:
    from studio.pipeline.likeness import compare_footage

    with Project.open(a.project) as project:
        yield from compare_footage(project, a.paths, a.report, every=a.every)


def footage_classes(a: argparse.Namespace) -> Job:
    from studio.pipeline.footage_classes import measure_footage_classes

    with Project.open(a.project) as project:
        yield from measure_footage_classes(project, run=a.run, device=a.device)
