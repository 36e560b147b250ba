"""Simulating into a project: what a patient is, and that nothing is made twice."""

from dataclasses import replace
from pathlib import Path

from studio.jobs.stages import result_of
from studio.pipeline.scenes import simulate_scenes
from studio.project.project import Project
from studio.scenes.simulator import SimulationSettings


def settings(seed: int) -> SimulationSettings:
    return SimulationSettings(frames=1, patients=1, size=(48, 32), seed=seed, processes=1)


def test_bodies_of_different_seeds_are_different_patients(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for seed in (0, 1, 0):
            result_of(simulate_scenes(project, settings(seed)))
        patients = [s.patient for s in project.scenes.all()]
        assert len(patients) == 2 and len(set(patients)) == 2
        assert project.scenes.frame_count() == 2


def test_sequences_lie_beside_single_frames_of_the_same_patient(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        single = result_of(simulate_scenes(project, settings(0)))
        sequence = result_of(simulate_scenes(project, replace(settings(0), path=True)))
        assert single["folder"] != sequence["folder"]
        assert single["patients"] == sequence["patients"]
        assert project.scenes.frame_count() == 2
