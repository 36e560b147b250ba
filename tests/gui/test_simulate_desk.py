"""The simulator on the page Scenes: what a person does with the form, the live preview, the parts and the path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QProcess, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from studio.gui.jobs import WindowJob
from studio.gui.models import live_preview
from studio.gui.pages.camera_draft import CameraDraft
from studio.gui.pages.scenes import ScenesPage
from studio.gui.pages.simulate_desk import SimulateDesk
from studio.gui.widgets.live_canvas import nearer, rolled, swung, turned
from studio.gui.window import Window
from studio.project.records import Changed
from studio.scenes.simulator.keyframes import Held, read_keyframes
from studio.scenes.simulator.live_views import LiveView
from tests.gui.live_engine import SCRIPT

PATIENCE = 30_000


@pytest.fixture
def page(window: Window, monkeypatch: pytest.MonkeyPatch) -> ScenesPage:
    monkeypatch.setattr(live_preview, "ENGINE", ("-c", SCRIPT))
    window.go_to_page("Scenes")
    assert isinstance(window.current_page, ScenesPage)
    return window.current_page


@pytest.fixture
def started(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that are started, none of which is run, without the project."""
    calls: list[list[str]] = []

    def start(title: str, argv: list[str], *, touches: Changed, resume_argv: tuple[str, ...] = ()) -> WindowJob:
        calls.append([word for word in argv if word != str(window.session.project.folder)])
        return WindowJob(title, tuple(argv), tuple(resume_argv), touches)

    monkeypatch.setattr(window.session, "start", start)
    return calls


@pytest.fixture
def desk(page: ScenesPage, qtbot: QtBot) -> SimulateDesk:
    """The simulator with its first picture."""
    page.show_simulate()
    found = page.open_simulator()
    qtbot.waitUntil(lambda: not found.canvas.image.isNull(), timeout=PATIENCE)
    return found


def settled(desk: SimulateDesk, qtbot: QtBot) -> None:
    """Until the form's changes are shown and nothing is under way."""
    qtbot.waitUntil(lambda: not desk._settle.isActive() and not desk.live.busy, timeout=PATIENCE)


def test_a_drag_turns_the_picture_and_rest_makes_it_sharp(desk: SimulateDesk, qtbot: QtBot) -> None:
    canvas = desk.canvas
    qtbot.waitUntil(lambda: canvas.image.width() == canvas.picture_width(), timeout=PATIENCE)
    before = canvas.view.held
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 100))
    qtbot.mouseMove(canvas, QPoint(240, 120))
    assert canvas.view.held.yaw < before.yaw and canvas.view.held.pitch < before.pitch
    qtbot.waitUntil(lambda: canvas.image.width() in live_preview.WIDTHS, timeout=PATIENCE)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(240, 120))
    qtbot.waitUntil(lambda: canvas.image.width() == canvas.picture_width(), timeout=PATIENCE)


def test_only_the_newest_view_is_asked_for(desk: SimulateDesk, qtbot: QtBot) -> None:
    settled(desk, qtbot)
    asked = desk.live._generation
    for _ in range(200):
        desk.canvas._want(nearer(desk.canvas.view, 0.1))
    assert desk.live._generation == asked + 1, "one question at a time, however fast the mouse is"
    depth = desk.canvas.view.held.depth
    qtbot.waitUntil(lambda: desk.canvas.image.pixelColor(1, 1).red() == int(depth), timeout=PATIENCE)


def test_views_move_within_what_a_trocar_allows() -> None:
    view = LiveView("port", Held(yaw=60, depth=300, turn=175))
    assert swung(view, -30, 0).held.yaw == 65
    assert nearer(view, 100).held.depth == 320
    assert turned(view, 10).held.turn == -175
    assert rolled(view, -3).held.roll == -3
    around = LiveView("around", around=170, above=80)
    assert swung(around, -20, 20) == LiveView("around", around=-170, above=85)
    assert turned(around, 9) == around


def test_keys_move_the_view(desk: SimulateDesk, qtbot: QtBot) -> None:
    before = desk.canvas.view.held
    for key in (Qt.Key.Key_Left, Qt.Key.Key_PageUp, Qt.Key.Key_BracketRight):
        qtbot.keyClick(desk.canvas, key)
    held = desk.canvas.view.held
    assert held.yaw < before.yaw and held.depth == before.depth + 4 and held.turn > before.turn
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Home)
    assert desk.canvas.view.held == before


def test_a_part_left_out_is_left_out_of_the_simulation_too(
    desk: SimulateDesk, page: ScenesPage, started: list[list[str]], qtbot: QtBot
) -> None:
    desk.parts._boxes["fat"].click()
    desk.parts._boxes["instrument 2"].click()
    assert desk._values()["without"] == ["fat", "instrument 2"]
    page.undo()
    assert desk.parts.left_out() == ("fat",)
    page.redo()
    page.panel.simulate.button.click()
    assert started[0][-4:] == ["--without", "fat", "--without", "instrument 2"]
    settled(desk, qtbot)
    assert not desk.parts._boxes["ligament"].isEnabled(), "this body has none"


def test_a_path_is_scrubbed_and_played(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    page.panel.simulate.kind.set_value("path")
    qtbot.waitUntil(lambda: desk.path.take.isEnabled(), timeout=PATIENCE)
    strip = desk.path.strip
    assert strip.times[0] == 0 and strip.times[-1] == 10
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(strip.width() // 2, 8))
    assert desk.canvas.view.source == "frame" and desk.canvas.view.frame == pytest.approx(125, abs=2)
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: desk.canvas.view.frame > 130, timeout=PATIENCE)
    qtbot.keyClick(strip, Qt.Key.Key_Space)
    assert not desk.path._timer.isActive()


def test_a_breathing_body_that_does_not_keep_up_rests_while_the_view_moves(
    desk: SimulateDesk, page: ScenesPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[bool, bool]] = []
    ask = live_preview.ask

    def noted(process: QProcess, question: dict[str, Any]) -> None:
        if question["ask"] == "look":
            asked.append((question["quick"], question["view"]["still"]))
        ask(process, question)

    monkeypatch.setattr(live_preview, "ask", noted)
    monkeypatch.setattr(live_preview, "_STILL_MS", 0.0)  # no body is that fast
    page.panel.simulate.kind.set_value("path")
    settled(desk, qtbot)
    page.panel.simulate.breathing.setChecked(True)
    qtbot.waitUntil(lambda: asked[-1:] == [(False, False)] and not desk.live.busy, timeout=PATIENCE)
    for frame in (10, 20):  # the first picture builds the body and tells nothing of how fast it is
        desk._at_frame(frame)
        qtbot.waitUntil(lambda: not desk.live._rest.isActive() and not desk.live.busy, timeout=PATIENCE)
    assert asked[-2:] == [(True, True), (False, False)], "coarse ones at rest, the sharp one in breath"
    page.panel.simulate.breathing.setChecked(False)
    settled(desk, qtbot)
    desk._at_frame(30)
    qtbot.waitUntil(lambda: not desk.live._rest.isActive() and not desk.live.busy, timeout=PATIENCE)
    assert asked[-2:] == [(True, False), (False, False)]


def kept(desk: SimulateDesk, *depths: float) -> None:
    for depth in depths:
        desk._at_held(Held(depth=depth))
        desk.path.keep_view()


def test_keyframes_are_kept_moved_removed_and_undone(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    page.panel.simulate.kind.set_value("keyframes")
    assert not page.panel.simulate.button.isEnabled()
    kept(desk, 40, 60, 50)

    def depths() -> list[float]:
        return [h.depth for h in desk.path.draft.views]

    assert depths() == [40, 60, 50]
    strip = desk.path.strip
    qtbot.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert depths() == [40, 50, 60] and strip.current == 1
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert depths() == [40, 60]
    page.undo()
    page.undo()
    assert depths() == [40, 60, 50]
    desk._at_held(Held(depth=70))
    desk.path.replace_view()
    assert 70 in depths() and len(depths()) == 3
    qtbot.waitUntil(lambda: not strip._pictures[2].isNull(), timeout=PATIENCE)


def test_what_is_in_the_way_is_said_before_simulating(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    page.panel.simulate.kind.set_value("keyframes")
    kept(desk, 40, 150)
    qtbot.waitUntil(lambda: desk.path.problem.text() != "", timeout=PATIENCE)
    assert "lies in the liver" in desk.path.problem.text()
    qtbot.waitUntil(lambda: "lies in the liver" in desk.canvas._warning, timeout=PATIENCE)
    page.undo()
    qtbot.waitUntil(lambda: desk.path.problem.text() == "", timeout=PATIENCE)


def test_keyframes_become_a_file_and_a_command_line(
    desk: SimulateDesk, page: ScenesPage, window: Window, started: list[list[str]], qtbot: QtBot
) -> None:
    form = page.panel.simulate
    form.kind.set_value("keyframes")
    desk.patient.setMaximum(9)
    desk.patient.setValue(3)
    kept(desk, 40, 60)
    desk.path.length.setValue(4.0)
    form.breathing.setChecked(True)
    assert form.button.text() == "Simulate 100 frames"
    form.button.click()
    file = window.session.project.folder / "scenes/keyframes-0.json"
    assert started == [[
        "scenes", "simulate", "--patients", "1", "--size", "452x256", "--seed", "0", "--breathing", "--first-patient",
        "2", "--path-file", str(file), "--name", "keyframes-0",
    ]]  # fmt: skip
    assert [k.held.depth for k in read_keyframes(file).keyframes] == [40, 60]
    form.button.click()
    assert started[1][-1] == "keyframes-0-2", "another set of the same body has a folder of its own"


def test_the_seeds_path_can_be_edited_and_paths_go_through_files(
    desk: SimulateDesk, page: ScenesPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    page.panel.simulate.kind.set_value("path")
    qtbot.waitUntil(lambda: desk.path.take.isEnabled(), timeout=PATIENCE)
    slots = len(desk.path.strip.times)
    desk.path.take.click()
    assert page.panel.simulate.kind.value() == "keyframes" and len(desk.path.draft.views) == slots
    file = tmp_path / "path.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(file), ""))
    desk.path.save_file()
    page.undo()
    assert desk.path.draft == CameraDraft()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(file), ""))
    desk.path.open_file()
    assert len(desk.path.draft.views) == slots
    file.write_text(json.dumps({"format": "else"}))
    desk.path.open_file()
    assert len(desk.path.draft.views) == slots, "a wrong file changes nothing"


def test_a_draft_moves_evenly() -> None:
    draft = CameraDraft((Held(depth=40), Held(depth=57), Held(depth=91)), seconds=6.0)
    assert draft.times() == (0.0, 2.0, 6.0), "34 mm take twice as long as 17"
    assert CameraDraft(draft.views).times() == (0.0, 1.0, 3.0), "17 mm a second unless asked otherwise"
    assert CameraDraft((Held(),)).path() is None


def test_targets_become_options_and_their_outcome_is_shown(
    desk: SimulateDesk, page: ScenesPage, window: Window, started: list[list[str]]
) -> None:
    form = page.panel.simulate
    form.targets.add_button.click()
    form.targets.add_button.click()
    assert [name for name, _ in form.targets.targets()] == ["gallbladder", "tool tip"]
    form.targets._rows[0][2].setValue(15)
    form.targets._remove(form.targets._rows[1])
    form.button.click()
    assert started[0][-2:] == ["--target", "gallbladder=0.15"]
    job = WindowJob("", ("scenes", "simulate"), (), Changed())
    job.result = {"targets": {"gallbladder": {"asked": 0.15, "reached": 0.1432, "standard_error": 0.009}}}
    window.session.jobs.ended.emit(job)
    assert "gallbladder 14.3 % of 15 %" in form.targets.outcome.text()


def test_targets_that_cannot_be_are_said_at_once(desk: SimulateDesk, page: ScenesPage) -> None:
    form = page.panel.simulate
    form.targets.set_targets((("liver", 0.7), ("fat", 0.4)))
    assert "more than 100 %" in form.targets.problem.text() and not form.button.isEnabled()
    form.targets.set_targets((("liver", 0.4), ("liver", 0.1)))
    assert "liver has two targets" in form.targets.problem.text()
    form.targets.set_targets((("liver", 0.4),))
    assert form.button.isEnabled()
    desk.parts._boxes["fat"].click()
    assert "don't go together" in form._problem.text() and not form.button.isEnabled()


def test_the_cost_follows_the_way_frames_are_taken(page: ScenesPage) -> None:
    from studio.scenes.simulator.settings import expected_bytes, expected_seconds

    form = page.panel.simulate
    form.frames.setValue(1000)
    single = form.settings()
    form.kind.set_value("path")
    assert form.button.text() == "Simulate 1,000 frames", "four patients, ten seconds each"
    path = form.settings()
    form.breathing.setChecked(True)
    assert expected_seconds(form.settings()) > expected_seconds(path) > expected_seconds(single)
    assert expected_bytes(path) > 1.2 * expected_bytes(single), "flow both ways takes room"
    assert "GB" in form._cost.text()


def test_a_body_that_cannot_be_is_said_in_the_picture(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    page.panel.simulate.seed.setValue(13)
    qtbot.waitUntil(lambda: desk.canvas._words == "no such body", timeout=PATIENCE)


def test_an_engine_that_died_is_started_anew(desk: SimulateDesk, qtbot: QtBot) -> None:
    process = desk.live._process
    assert process is not None
    settled(desk, qtbot)
    process.kill()
    qtbot.waitUntil(lambda: "ended with status" in desk.canvas._words, timeout=PATIENCE)
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: desk.canvas._words == "", timeout=PATIENCE)


def test_escape_leads_back_to_the_frames(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    assert page.stack.currentWidget() is desk and not page.panel.made.isVisible()
    qtbot.keyClick(desk.canvas, Qt.Key.Key_Escape)
    assert page.stack.currentIndex() == 1 and page.panel.made.isVisibleTo(page.panel)


def test_meshes_are_a_folder_or_a_file_that_names_them(page: ScenesPage, started: list[list[str]]) -> None:
    form = page.panel.simulate
    form.meshes.path.setText("/meshes/of a body")
    assert (form.values(0)["meshes"], form.values(0)["anatomy"]) == ("/meshes/of a body", "")
    assert form.arguments()[-2:] == ["--meshes", "/meshes/of a body"]
    form.meshes.path.setText(" /meshes/body.TOML ")
    assert (form.values(0)["meshes"], form.values(0)["anatomy"]) == ("", "/meshes/body.TOML")
    form.button.click()
    assert started[0][-2:] == ["--anatomy", "/meshes/body.TOML"]


def test_the_round_picture_area_is_an_option_and_shown(desk: SimulateDesk, page: ScenesPage, qtbot: QtBot) -> None:
    form = page.panel.simulate
    assert "--round" not in form.arguments()
    form.round.setChecked(True)
    assert "--round" in form.arguments() and form.values(0)["round"] is True
    form.targets.set_targets((("gallbladder", 0.2),))
    assert not form.button.isEnabled() and not form.values(0)["targets"]


def test_what_is_said_of_mesh_files_stands_below_the_parts(desk: SimulateDesk) -> None:
    header = {"held": None, "obstacle": "", "parts": ["liver"], "instruments": 0, "optics": 30.0}
    assert desk.parts._notes.isHidden() and desk.parts._files.isHidden()
    desk._seen(desk.canvas.image, {**header, "notes": ["liver.obj: read as m, 200 mm long", "a.stl: 1 hole closed"]})
    assert desk.parts._notes.text() == "liver.obj: read as m, 200 mm long\n\na.stl: 1 hole closed"
    assert not desk.parts._notes.isHidden() and not desk.parts._files.isHidden()
    desk._seen(desk.canvas.image, header)
    assert desk.parts._notes.isHidden() and desk.parts._files.isHidden()
