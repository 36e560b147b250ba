"""Sets in the list of the page Scenes: told apart, renamed in place and back, and what they were made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from studio.gui.pages.scene_sets import in_sets
from studio.gui.pages.scenes import ScenesPage
from studio.gui.pages.scenes_made import facts
from studio.gui.window import Window
from studio.jobs.stages import result_of
from studio.pipeline.contents import measure_scenes
from studio.pipeline.scenes import simulate_scenes
from studio.project.project import Project
from studio.project.records import Changed
from studio.scenes.simulator import SimulationSettings


@pytest.fixture
def page(make_window: Callable[[Path | None], Window], tmp_path: Path) -> ScenesPage:
    """Two sets of one seed, made in the reverse of the alphabet: the same two patients of two frames in both."""
    with Project.create(tmp_path / "sets") as project:
        for name in ("second", "first"):
            settings = SimulationSettings(frames=4, patients=2, size=(48, 32), seed=0, processes=1)
            result_of(simulate_scenes(project, settings, name=name))
        result_of(measure_scenes(project))
    window = make_window(project.folder)
    window.go_to_page("Scenes")
    assert isinstance(window.current_page, ScenesPage)
    return window.current_page


def rows(page: ScenesPage) -> list[str]:
    return [page.groups.group(r).name for r in range(page.groups.rowCount())]


PATIENTS = ["patient_000.s0", "patient_001.s0"]


def test_sets_of_one_seed_are_told_apart(page: ScenesPage, qtbot: QtBot) -> None:
    assert rows(page) == ["All patients", "second", *PATIENTS, "first", *PATIENTS]
    assert page.groups.group(1).detail.startswith("seed 0, one by one")
    assert page.patients.chosen() == "set:second"
    qtbot.waitUntil(lambda: page.model.rowCount() == 4, timeout=5000)
    qtbot.waitUntil(lambda: page.panel.name.text() == "second / patient_000.s0 / 000000", timeout=5000)
    qtbot.waitUntil(lambda: "liver" in page.panel.bars.accessibleDescription(), timeout=5000)
    page.patients.choose(page.groups.group(6).key)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=5000)
    assert page.model.entry(0).tip == "first / patient_001.s0: 000000"
    page.patients.choose("all")
    qtbot.waitUntil(lambda: page.model.rowCount() == 8, timeout=5000)
    assert [page.model.entry(r).tip.split(" ")[0] for r in range(8)] == ["second"] * 4 + ["first"] * 4


def test_the_inspector_says_what_a_set_was_made_of(page: ScenesPage) -> None:
    made = page.panel.made
    assert made.name.text() == "second"
    shown = {cells[0].text(): cells[1].text() for cells in made.figures._cells if cells[0].text()}
    assert shown["Frames"] == "4" and shown["Patients"] == "2" and shown["Seed"] == "0"
    assert shown["Made from"] == "built-in anatomy" and "Body" not in shown
    page.patients.choose(page.groups.group(3).key)
    shown = {cells[0].text(): cells[1].text() for cells in made.figures._cells if cells[0].text()}
    assert shown["Body"] == "number 2" and shown["Patient"] == "patient_001.s0"
    page.patients.choose("all")
    assert made.isHidden()


def test_two_scenes_of_one_patient_are_one_patient(page: ScenesPage) -> None:
    scenes = [replace(s, patient="p") for s in page.session.project.scenes.all() if s.set_name == "first"]
    shown = dict(facts(scenes))
    assert len(scenes) == 2 and shown["Patient"] == "p" and shown["Scenes"] == "2" and shown["Frames"] == "4"


def test_a_set_is_renamed_in_place_and_back(page: ScenesPage, qtbot: QtBot) -> None:
    page.patients.choose(page.groups.group(6).key)  # a patient: F2 means its set
    page.rename()
    field = page.patients.findChild(QLineEdit)
    assert field is not None and field.text() == "first"
    field.setText("second")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not page.patients.findChildren(QLineEdit), timeout=5000)
    assert rows(page)[4] == "first" and page.session.undo_stack.count() == 0, "there is another set of that name"
    page.rename()
    field = page.patients.findChild(QLineEdit)
    assert field is not None
    field.setText("validation")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: rows(page)[4] == "validation", timeout=5000)
    assert page.patients.chosen() == "set:validation"
    page.session.undo_stack.undo()
    assert rows(page)[4] == "first" and page.patients.chosen() == "set:first"
    page.session.undo_stack.redo()
    assert page.session.project.scenes.set_names() == ["second", "validation"]


def test_a_whole_set_leaves_the_project(page: ScenesPage, tmp_path: Path) -> None:
    asked: list[tuple[str, object]] = []
    page.session.question.connect(lambda text, answers: asked.append((text, answers)))
    page.patients.choose("all")
    page.remove()
    assert not asked
    page.patients.choose("set:second")
    page.remove()
    (text, answers), *_ = asked
    assert "Take second (4 frames)" in text
    answers[1][2]()  # type: ignore[index]
    page.refresh(Changed(scenes=True))
    assert rows(page)[:2] == ["All patients", "first"]
    assert (tmp_path / "sets.trocar/scenes/second/patient_000/rgb/000000.png").is_file()


def test_sets_stand_in_the_order_in_which_they_came(page: ScenesPage) -> None:
    assert [s.set_name for s in in_sets(page.session.project.scenes.all())] == ["second"] * 2 + ["first"] * 2
