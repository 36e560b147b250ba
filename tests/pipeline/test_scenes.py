"""Scenes into a project: what a patient is, that nothing is made twice or left half-added, mappings remembered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_rgb, read_size
from studio.jobs.events import Done, Note
from studio.jobs.stages import result_of
from studio.pipeline.scenes import add_scenes, remember_mapping, remembered_mapping, simulate_scenes
from studio.pipeline.views import frame_layers
from studio.project.project import Project
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.simulator import SimulationSettings
from studio.vocabulary.errors import InputError
from tests.making import sphere_scene
from tests.scenes.layout_files import BOP_MAPPING, write_blenderproc, write_bop, write_nerfstudio, write_solo


def settings(seed: int) -> SimulationSettings:
    return SimulationSettings(frames=1, patients=1, size=(48, 32), seed=seed, processes=1)


def test_bodies_of_different_seeds_are_different_patients(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        for seed in (0, 1, 0):
            result_of(simulate_scenes(project, settings(seed)))
        patients = [s.patient for s in project.scenes.all()]
        assert len(patients) == 2 and len(set(patients)) == 2
        assert project.scenes.frame_count() == 2


def test_a_mapping_is_remembered_for_the_folder_it_was_said_of(tmp_path: Path) -> None:
    root = write_bop(tmp_path / "data")
    mapping = SceneMapping(classes=BOP_MAPPING)
    with Project.create(tmp_path / "p") as project:
        with pytest.raises(InputError, match="no studio class for '10'"):
            list(add_scenes(project, root))
        assert project.scenes.all() == []
        assert remembered_mapping(project, root) == NO_MAPPING
        list(add_scenes(project, root, mapping=mapping))
        assert remembered_mapping(project, root) == mapping
        events = list(add_scenes(project, root))
    assert isinstance(events[-1], Done)
    assert events[-1].result["layout"] == "bop"
    with Project.open(tmp_path / "p") as project:
        assert remembered_mapping(project, root) == mapping
        assert remembered_mapping(project, tmp_path) == NO_MAPPING


def test_what_was_said_of_plain_folders_is_not_said_of_another_layout(tmp_path: Path) -> None:
    root = write_solo(tmp_path / "solo")
    plain = SceneMapping.from_toml("layers.rgb.folder = 'sequence.0'")
    with Project.create(tmp_path / "p") as project:
        remember_mapping(project, root, plain)
        assert result_of(add_scenes(project, root, layout="solo"))["layout"] == "solo"


def test_what_the_geometry_check_found_is_said(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        events = list(add_scenes(project, write_solo(tmp_path / "solo")))
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes == ["solo: the depth is planar z; normals and depth agree within 0.0 degrees (median)"]


def test_frames_in_containers_are_read_back_from_the_catalogue(tmp_path: Path) -> None:
    """One file holds all layers of a frame; whoever reads pictures by their path reads these, too."""
    with Project.create(tmp_path / "p") as project:
        list(add_scenes(project, write_blenderproc(tmp_path / "renders")))
        frame = project.scenes.frames()[2]
        np.testing.assert_array_equal(frame_layers(project, frame).segmentation_HW, sphere_scene(2).ids_HW)
        np.testing.assert_array_equal(read_rgb(frame.files.rgb), sphere_scene(2).rgb_HW3)
        assert read_size(frame.files.rgb) == (64, 48)


def test_a_moved_container_is_known_again_and_another_one_is_not(tmp_path: Path) -> None:
    root = write_blenderproc(tmp_path / "renders")
    other = write_blenderproc(tmp_path / "others", colors=sphere_scene(7).rgb_HW3)
    with Project.create(tmp_path / "p") as project:
        list(add_scenes(project, root))
        scene = project.scenes.all()[0]
        root.rename(tmp_path / "moved")
        with pytest.raises(InputError, match="not the scene's folder"):
            project.scenes.relink(scene.id, other)
        project.scenes.relink(scene.id, tmp_path / "moved")
        assert project.scenes.get(scene.id).root == (tmp_path / "moved").resolve()


def test_scenes_behind_links_are_found_again(tmp_path: Path) -> None:
    """The pictures' folder may be a link to another disk; the tables beside it are still its own."""
    root = write_nerfstudio(tmp_path / "n")
    (root / "images").rename(tmp_path / "elsewhere")
    (root / "images").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with Project.create(tmp_path / "p") as project:
        list(add_scenes(project, root))
        frame = project.scenes.frames()[1]
        assert frame.files.rgb.parent == (root / "images").absolute()
        assert frame_layers(project, frame).camera_to_world is not None


def test_nothing_stays_of_scenes_that_could_not_be_added_whole(tmp_path: Path) -> None:
    """The second scene's picture vanishes after it was listed: the first one is not left behind alone."""
    for scene in ("000001", "000002"):
        write_bop(tmp_path / "data", scene=scene)
    gone = tmp_path / "data/train/000002/rgb/000001.png"
    with Project.create(tmp_path / "p") as project:
        job = add_scenes(project, tmp_path / "data", mapping=SceneMapping(classes=BOP_MAPPING))
        next(job)
        gone.unlink()
        with pytest.raises(InputError, match=r"000001\.png: .*vanished"):
            list(job)
        assert project.scenes.all() == []


def test_sequences_lie_beside_single_frames_of_the_same_patient(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        single = result_of(simulate_scenes(project, settings(0)))
        sequence = result_of(simulate_scenes(project, replace(settings(0), path=True)))
        assert single["folder"] != sequence["folder"]
        assert single["patients"] == sequence["patients"]
        assert project.scenes.frame_count() == 2


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a\\b", ".hidden", "c:x"])
def test_simulated_scenes_stay_in_the_project(tmp_path: Path, name: str) -> None:
    with Project.create(tmp_path / "body") as project:
        with pytest.raises(InputError, match="no name for a folder"):
            result_of(simulate_scenes(project, SimulationSettings(1, 1, size=(64, 36)), name=name))
        assert not list((project.folder / "scenes").iterdir())
