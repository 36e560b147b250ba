"""Sets: scenes that came in together, their names, what they were made of, and what stays of one that can't be made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.jobs.stages import result_of
from studio.pipeline.scenes import add_scenes, scene_sets, simulate_scenes
from studio.project.project import Project
from studio.scenes.provenance import MADE_BY, made_of
from studio.scenes.simulator import SimulationSettings, simulation
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.views import View
from studio.vocabulary.errors import InputError
from tests.making import make_frames_scene


def settings(seed: int) -> SimulationSettings:
    return SimulationSettings(frames=1, patients=1, size=(48, 32), seed=seed, processes=1)


def test_what_comes_in_together_is_a_set_with_a_name_of_its_own(tmp_path: Path) -> None:
    """Folders of the same name in two places are two sets; the same folder again is the set that it was."""
    for place in ("one", "two"):
        for patient in ("A", "B"):
            make_frames_scene(tmp_path / place / "renders" / patient, patient=patient)
    with Project.create(tmp_path / "p") as project:
        found = [result_of(add_scenes(project, tmp_path / place / "renders"))["set"] for place in ("one", "two")]
        assert found == ["renders", "renders-2"]
        project.scenes.rename_set("renders", "  the first  ones ")
        make_frames_scene(tmp_path / "one/renders/C", patient="C")
        assert result_of(add_scenes(project, tmp_path / "one/renders"))["set"] == "the first ones"
        rows = scene_sets(project)
        assert [(r["set"], r["patients"], r["frames"]) for r in rows] == [
            ("the first ones", ["A", "B", "C"], 9), ("renders-2", ["A", "B"], 6)
        ]  # fmt: skip
        assert Path(rows[1]["folder"]) == tmp_path / "two/renders"
        for name, to, match in (
            ("renders", "x", "no set 'renders'"),
            ("renders-2", "the first ones", "another set"),
            ("renders-2", " ", "a name in one line"),
        ):
            with pytest.raises(InputError, match=match):
                project.scenes.rename_set(name, to)
        assert project.scenes.set_names() == ["the first ones", "renders-2"]


def test_a_set_says_what_it_was_made_of(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        result_of(simulate_scenes(project, replace(settings(3), without=("ligament",), round=True)))
        result_of(simulate_scenes(project, replace(settings(3), path=True, breathing=True)))
        single, sequence = (dict(made_of(s.encoding)) for s in sorted(project.scenes.all(), key=lambda s: s.id))
        assert [r["made"] for r in scene_sets(project)] == ["seed 3, one by one", "seed 3, along a path, breathing"]
    assert single == {
        "Frames taken": "one by one", "Seed": "3", "Body": "number 1", "Made from": "built-in anatomy",
        "Left out": "ligament", "Picture area": "round",
    }  # fmt: skip
    assert sequence["Frames taken"] == "along a path, breathing" and "Left out" not in sequence


@pytest.mark.parametrize(
    "recipe", ["[]", '{"seed": "x"}', '{"seed": 1}', '{"seed": 1, "number": 0, "targets": [[99, 1]]}', "{"]
)
def test_a_recipe_of_another_hand_says_nothing(recipe: str) -> None:
    assert made_of({MADE_BY: recipe}) == []


def test_of_bodies_of_which_one_cannot_be_made_the_whole_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second body is refused at its second frame: the first is in the project, of the second nothing is left."""
    made = simulation.frame_view

    def refused(source: PatientSource, size: tuple[int, int], index: int, **more: Any) -> View:
        if (source.number, index) == (1, 1):
            raise InputError("the mesh is folded", where="liver.stl", remedy="Mend it.")
        return made(source, size, index, **more)

    two_bodies = replace(settings(0), frames=4, patients=2)
    with Project.create(tmp_path / "p") as project:
        monkeypatch.setattr(simulation, "frame_view", refused)
        with pytest.raises(InputError) as caught:
            result_of(simulate_scenes(project, two_bodies))
        assert str(caught.value) == (
            "liver.stl: the mesh is folded (1 of 2 patients were whole and are kept; the others are taken away)."
            " Mend it."
        )
        assert [(s.patient, s.frame_count) for s in project.scenes.all()] == [("patient_000.s0", 2)]
        assert [f.name for f in (project.folder / "scenes/simulated-0").iterdir()] == ["patient_000"]
        monkeypatch.setattr(simulation, "frame_view", made)
        result_of(simulate_scenes(project, two_bodies))
        assert [s.frame_count for s in project.scenes.all()] == [2, 2]
        assert project.scenes.set_names() == ["simulated-0"]


def test_where_no_body_is_whole_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_more: object) -> View:
        raise InputError("the mesh is folded")

    monkeypatch.setattr(simulation, "frame_view", refused)
    with Project.create(tmp_path / "p") as project:
        with pytest.raises(InputError, match=r"the mesh is folded$"):
            result_of(simulate_scenes(project, settings(0)))
        assert project.scenes.all() == [] and not (project.folder / "scenes/simulated-0").exists()
