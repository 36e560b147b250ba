"""The pages Scenes, Footage and Train on a small project, by what a person does with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from studio.files.pictures import write_png
from studio.gui.jobs import WindowJob
from studio.gui.pages.footage import FootagePage
from studio.gui.pages.scenes import ScenesPage
from studio.gui.pages.train import TrainPage
from studio.gui.window import Window
from studio.project.records import Changed
from tests.gui.preview_engine import PATIENCE
from tests.making import sphere_scene


@pytest.fixture
def started(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The command lines that pages start, none of which is run."""
    calls: list[tuple[str, ...]] = []

    def start(title: str, argv: list[str], *, touches: Changed, resume_argv: tuple[str, ...] = ()) -> WindowJob:
        calls.append(tuple(argv))
        return WindowJob(title, tuple(argv), tuple(resume_argv), touches)

    monkeypatch.setattr(window.session, "start", start)
    return calls


def scenes_of(window: Window) -> ScenesPage:
    window.go_to_page("Scenes")
    page = window.current_page
    assert isinstance(page, ScenesPage)
    return page


def footage_of(window: Window) -> FootagePage:
    window.go_to_page("Footage")
    page = window.current_page
    assert isinstance(page, FootagePage)
    return page


def train_of(window: Window) -> TrainPage:
    window.go_to_page("Train")
    page = window.current_page
    assert isinstance(page, TrainPage)
    return page


def test_scenes_show_the_chosen_frame_with_its_layers(window: Window, qtbot: QtBot) -> None:
    page = scenes_of(window)
    assert [page.groups.group(r).name for r in range(page.groups.rowCount())] == ["All patients", "P1", "P2"]
    assert page.patients.chosen() == page.groups.group(1).key
    qtbot.waitUntil(lambda: page.model.rowCount() == 3, timeout=5000)
    qtbot.waitUntil(lambda: page.view.state is not None, timeout=5000)
    state = page.view.state
    assert state is not None
    assert state.layers.size == (64, 48)
    assert state.offers("depth")
    page.show_depth()
    assert page.view.overlay.layer == "depth"
    qtbot.waitUntil(lambda: "liver" in page.panel.bars.accessibleDescription(), timeout=5000)
    qtbot.keyClick(page.strip, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: page.panel.name.text().endswith("000001"), timeout=5000)
    assert window.session.selection.frame_id == page.strip.current_id()


def test_a_moved_scene_says_so_and_can_be_found_again(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenes" / "P1").rename(tmp_path / "moved")
    page = scenes_of(window)
    page.refresh(Changed(scenes=True))
    assert page.groups.group(1).detail == "folder not found"
    assert window.actions_table.qaction("scenes.relink").isEnabled()
    qtbot.waitUntil(lambda: window.status.text != "", timeout=5000)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "moved"))
    page.relink()
    assert page.groups.group(1).detail != "folder not found"
    qtbot.waitUntil(lambda: page.view.state is not None, timeout=5000)


def test_removing_a_scene_asks_in_place(window: Window) -> None:
    page = scenes_of(window)
    page.remove()
    assert window.banner.isVisible()
    assert len(window.session.project.scenes.all()) == 2
    next(b for b in window.banner._buttons if b.text() == "Take it out").click()
    assert [s.patient for s in window.session.project.scenes.all()] == ["P2"]


def test_the_simulator_form_becomes_a_command_line(window: Window, started: list[tuple[str, ...]]) -> None:
    page = scenes_of(window)
    form = page.panel.simulate
    form.frames.setValue(40)
    form.patients.setValue(2)
    form.size_choice.set_value("256x144")
    assert "MB" in form._cost.text()
    form.button.click()
    folder = str(window.session.project.folder)
    assert started == [
        ("scenes", "simulate", folder, "--frames", "40", "--patients", "2", "--size", "256x144", "--seed", "0")
    ]


def test_footage_decisions_are_undone_and_redone(window: Window, qtbot: QtBot) -> None:
    page = footage_of(window)
    assert page.model.rowCount() == 4
    page.grid.setCurrentIndex(page.model.index(1))
    chosen = page.grid.current_id()
    qtbot.keyClick(page.grid, Qt.Key.Key_X)

    def included() -> list[bool]:
        return [r.included for r in window.session.project.footage.all()]

    assert included() == [True, False, True, True]
    assert page.model.entry(page.model.row_of(chosen)).dimmed
    assert page.grid.currentIndex().row() == 2, "the next one is up"
    window.actions_table.qaction("edit.undo").trigger()
    assert included() == [True] * 4
    window.actions_table.qaction("edit.redo").trigger()
    assert included() == [True, False, True, True]


def test_undoing_a_decision_gives_the_frame_back_to_screening(window: Window, qtbot: QtBot) -> None:
    page = footage_of(window)
    record = window.session.project.footage.all()[0]
    window.session.project.footage.set_finding(record.id, reason="blurred", measures={}, area=None)
    page.refresh(Changed(footage=True))
    page.grid.choose(record.id)
    qtbot.keyClick(page.grid, Qt.Key.Key_A)
    assert window.session.project.footage.all()[0].decided_by == "person"
    window.undo()
    after = window.session.project.footage.all()[0]
    assert (after.included, after.decided_by, after.reason) == (False, "screening", "blurred")


def test_a_footage_frame_is_looked_at_large_and_follows_the_choice(window: Window, qtbot: QtBot) -> None:
    page = footage_of(window)
    assert not page.view.isVisible()
    page.grid.setCurrentIndex(page.model.index(0))
    page.look()
    qtbot.waitUntil(lambda: page.view.state is not None, timeout=PATIENCE)
    first = page.view.state
    page.grid.setCurrentIndex(page.model.index(1))
    qtbot.waitUntil(lambda: page.view.state is not first, timeout=PATIENCE)
    assert page.view.state is not None and page.view.state.layers.segmentation_HW is None
    page.close_picture()
    assert not page.view.isVisible()


def test_footage_shows_only_what_is_asked_for(window: Window) -> None:
    page = footage_of(window)
    page.patients.choose("video_b")
    assert page.model.rowCount() == 2
    page.shown._choose("out")
    assert page.model.rowCount() == 0


def test_dropped_videos_and_folders_are_added(window: Window, started: list[tuple[str, ...]], tmp_path: Path) -> None:
    page = footage_of(window)
    page.panel.every.setValue(3.5)
    assert page.dropped([str(tmp_path)])
    assert started[-1][:4] == ("footage", "add", str(window.session.project.folder), str(tmp_path))
    assert started[-1][-2:] == ("--every", "3.5")


def test_training_starts_with_what_differs_from_the_preset(window: Window, started: list[tuple[str, ...]]) -> None:
    page = train_of(window)
    page.form.name.setText("mine")
    page.form._fields["iterations"].setValue(50)  # type: ignore[union-attr, arg-type]
    window.actions_table.qaction("train.start").trigger()
    folder = str(window.session.project.folder)
    assert started == [("translator", "train", folder, "--name", "mine", "--preset", "demo", "--set", "iterations=50")]


def test_training_says_what_is_missing_first(
    make_window: Callable[[Path | None], Window], project_folder: Path
) -> None:
    window = make_window(project_folder)
    window.session.project.footage.set_included([r.id for r in window.session.project.footage.all()], False)
    page = train_of(window)
    assert not window.actions_table.qaction("train.start").isEnabled()
    assert "Footage" in page.header._facts.text()


def test_a_run_shows_all_its_steps_and_its_samples(window: Window, qtbot: QtBot) -> None:
    run = window.session.project.runs.add("translator", "old", {"iterations": 20})
    window.session.project.runs.update(run, state="stopped")
    (run.folder / "samples").mkdir(parents=True)
    with (run.folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for step in range(1, 11):
            file.write(json.dumps({"step": step, "seconds": step, "image_b": 1 / step}) + "\n")
    for step in (0, 10):
        write_png(run.folder / "samples" / f"step_{step:06d}.png", sphere_scene(step).rgb_HW3)
    page = train_of(window)
    page.refresh(Changed(runs=True))
    qtbot.waitUntil(lambda: page.last_step == 10, timeout=5000)
    drawn = page.view.curves._curves["image_b"].mean.getData()[0]
    assert list(drawn) == list(range(1, 11))
    assert page.view.samples.slider.maximum() == 1
    assert page.view.samples.slider.value() == 1, "the newest is shown"
    window.actions_table.qaction("train.previous").trigger()
    assert page.view.samples.words.text() == "step 0"
    assert window.actions_table.qaction("train.resume").isEnabled()


def test_a_run_cut_off_by_a_crash_can_be_resumed(window: Window, started: list[tuple[str, ...]]) -> None:
    run = window.session.project.runs.add("translator", "cut", {"iterations": 20})
    window.session.project.runs.update(run, state="running")
    page = train_of(window)
    page.refresh(Changed(runs=True))
    assert "interrupted" in page.groups.group(0).detail
    window.actions_table.qaction("train.resume").trigger()
    assert started[-1][-3:] == ("--name", "cut", "--resume")


def test_footage_is_compared_with_a_folder_and_the_page_is_offered(
    window: Window, started: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window.go_to_page("Footage")
    page = window.current_page
    assert isinstance(page, FootagePage)
    folder = window.session.project.folder
    (folder / "reports" / "likeness-1").mkdir(parents=True)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    window.actions_table.qaction("footage.compare").trigger()
    assert not started
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    window.actions_table.qaction("footage.compare").trigger()
    report = str(folder / "reports" / "likeness-2")
    assert started[0] == ("footage", "compare", str(folder), str(tmp_path), "--report", report, "--every", "2")
    asked: list[str] = []
    window.session.question.connect(lambda words, _answers: asked.append(words))
    job = WindowJob("", started[0], (), Changed(), state="done")
    job.result = {"report": str(tmp_path / "likeness.html"), "mean": 0.7251}
    window.session.jobs.ended.emit(job)
    assert ["0.73 of 1" in words for words in asked] == [True]
