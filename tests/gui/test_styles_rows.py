"""The rows of the style lab picked one by one, the checkpoint, and the grid as a picture."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.files.pictures import read_rgb
from studio.gui.models.frame_rows import FrameRows, Rows
from studio.gui.pages import styles_sheet
from studio.gui.pages.scenes import ScenesPage
from studio.gui.pages.styles import StylesPage
from studio.gui.widgets.blending import Overlay
from studio.gui.widgets.blink import Blink
from studio.gui.window import Window
from studio.pipeline.views import KeptCheckpoint, choose_checkpoint, chosen_checkpoint, kept_checkpoints
from studio.project.records import Changed
from tests.gui.preview_engine import PATIENCE, ScriptedClient
from tests.gui.test_styles_page import page  # noqa: F401


def frames(page: StylesPage) -> list[int]:  # noqa: F811
    return [page.lab.source(r.path)[0].id for r in page.lab.rows]


def test_pinned_rows_stay_and_every_step_can_be_undone(qapp: QApplication) -> None:
    stack = QUndoStack()
    rows = FrameRows(stack)
    rows.spread([1, 2, 3, 4])
    assert not rows.rows.by_hand
    assert stack.count() == 0  # nobody has chosen anything
    rows.pin(2)
    rows.spread([5, 6, 3])
    assert rows.rows.ids == (3, 5, 6)
    assert rows.rows.pinned == (3,)
    rows.move(0, 2)
    rows.drop(0)
    rows.pick([9, 6])
    assert rows.rows.ids == (9, 6, 3)
    assert rows.rows.pinned == (9, 6, 3)
    seen = []
    while stack.canUndo():
        stack.undo()
        seen.append(rows.rows.ids)
    assert seen == [(6, 3), (5, 6, 3), (3, 5, 6), (1, 2, 3, 4), (1, 2, 3, 4)]


@pytest.mark.parametrize("kept", [None, 3, [[1]], [["x", 0]], {}])
def test_what_is_not_a_list_of_rows_is_none(kept: object) -> None:
    assert Rows.of_kept(kept) == Rows()


def test_rows_are_moved_with_the_mouse_and_the_keys_and_remembered(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    page.grid.resize(900, 700)
    before, grid = frames(page), page.grid.viewport()
    start, end = page.grid.cell_rect(0, -1).center(), page.grid.cell_rect(2, -1).center()
    qtbot.mousePress(grid, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(grid, (start + end) / 2)
    qtbot.mouseMove(grid, QPoint(end.x(), page.grid.cell_rect(2, -1).bottom() - 4))
    qtbot.mouseRelease(grid, Qt.MouseButton.LeftButton, pos=end)
    assert frames(page) == [before[1], before[2], before[0], *before[3:]]
    assert page.grid.current[0] == 2
    qtbot.keyClick(page.grid, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert frames(page) == [before[1], before[0], before[2], *before[3:]]
    page.pin_frame()
    page.grid.choose(0, -1)
    page.drop_frame()
    assert frames(page) == [before[0], before[2], *before[3:]]
    assert [r.pinned for r in page.lab.rows] == [True, False, False, False, False]
    kept = page.session.project.setting("style_lab_rows")
    assert kept == [[before[0], 1], *([i, 0] for i in (before[2], *before[3:]))]
    page.other_frames()
    assert frames(page)[0] == before[0]
    for _ in range(5):
        page.undo()
    assert frames(page) == before
    assert page.session.project.setting("style_lab_rows") == []


def test_kept_rows_are_there_when_the_project_is_opened_again(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    before, window, folder = frames(page), page.window(), page.session.project.folder
    page.grid.choose(1, -1)
    page.drop_frame()
    assert isinstance(window, Window)
    window.session.close()
    window.open_folder(folder)
    again = window.current_page
    assert isinstance(again, StylesPage)
    qtbot.waitUntil(lambda: len(again.lab.rows) == 5, timeout=PATIENCE)
    assert frames(again) == [before[0], *before[2:]]
    assert again.header.frame_count.value() == 5


def test_frames_of_the_page_scenes_come_to_the_top(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    window = page.window()
    assert isinstance(window, Window)
    page.header.frame_count.setValue(1)
    page.pick_frames()
    scenes = window.current_page
    assert isinstance(scenes, ScenesPage)
    qtbot.waitUntil(lambda: scenes.strip.current_id() > 0, timeout=PATIENCE)
    scenes.strip.selectAll()
    picked = scenes.strip.selected_ids()
    assert len(picked) == 3
    scenes.show_in_lab()
    assert window.current_page is page
    assert frames(page)[:3] == picked
    assert [r.pinned for r in page.lab.rows[:3]] == [True] * 3
    assert page.session.selection.lab_frames == ()


def test_rows_that_stay_keep_their_layers(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    qtbot.waitUntil(lambda: page.lab.rows[0].layers is not None, timeout=PATIENCE)
    layers = page.lab.rows[0].layers
    page.rows_desk.frames.move(0, 1)
    assert page.lab.rows[1].layers is layers


def checkpoint(run: Path, step: int, validity: float | None) -> None:
    folder = run / "checkpoints" / f"step_{step:08d}"
    folder.mkdir(parents=True)
    (folder / "generators.safetensors").write_bytes(b"")
    (folder / "state.json").write_text(json.dumps({"step": step, "validity": validity}))


def test_checkpoints_are_listed_without_reading_their_weights(tmp_path: Path) -> None:
    checkpoint(tmp_path, 200, 0.5)
    checkpoint(tmp_path, 1000, None)
    (tmp_path / "checkpoints" / "step_00002000").mkdir()  # half written
    checkpoint(tmp_path, 300, 0.25)
    (tmp_path / "checkpoints" / "step_00000300" / "state.json").write_text("[")
    assert kept_checkpoints(tmp_path) == [
        KeptCheckpoint(1000, None),
        KeptCheckpoint(300, None),
        KeptCheckpoint(200, 0.5),
    ]


def test_the_chosen_checkpoint_previews_encodes_and_translates(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    assert page.lab.run is not None
    checkpoint(page.lab.run.folder, 200, 0.5)
    checkpoint(page.lab.run.folder, 400, 0.25)
    page._open_run("first")
    box = page.header.checkpoint_box
    assert [box.itemText(i) for i in range(box.count())] == [
        "Last, step 400", "Best by validity", "Step 400 (0.25)", "Step 200 (0.50)"
    ]  # fmt: skip
    box.setCurrentIndex(3)
    box.activated.emit(3)
    assert page.lab.checkpoint == "200"
    assert isinstance(page.lab._client, ScriptedClient)
    assert page.lab._client.checkpoint == "200"
    page.encode()
    qtbot.waitUntil(lambda: page.lab.fingerprint == "new", timeout=PATIENCE)
    page.translate()
    for job in page.session.jobs.jobs[-2:]:
        assert job.argv[-2:] == ("--checkpoint", "200")
    assert page.session.project.palettes.all()[-1].recipe == {"method": "by hand", "fingerprint": "new"}


def test_the_chosen_checkpoint_stays_chosen_while_it_is_kept(page: StylesPage) -> None:  # noqa: F811
    run, project = page.lab.run, page.session.project
    assert run is not None
    checkpoint(run.folder, 200, 0.5)
    page._open_run("first")
    box = page.header.checkpoint_box
    box.setCurrentIndex(box.findData("200"))
    box.activated.emit(box.currentIndex())
    assert chosen_checkpoint(project, run) == "200"
    page.lab.open_run(None)  # as after a restart
    page._open_run("first")
    assert (page.lab.checkpoint, box.currentData()) == ("200", "200")
    shutil.rmtree(run.folder / "checkpoints")
    assert chosen_checkpoint(project, run) == "last"
    choose_checkpoint(project, run, "best")
    assert chosen_checkpoint(project, run) == "best"


def test_the_grid_is_copied_whole_in_its_own_pixels(
    page: StylesPage,  # noqa: F811
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(styles_sheet, "PreviewClient", ScriptedClient)
    said: list[str] = []
    page.session.said.connect(lambda text, _level: said.append(text))
    page.copy_sheet()
    qtbot.waitUntil(lambda: any("Copied the grid" in t for t in said), timeout=PATIENCE)
    image = QGuiApplication.clipboard().image()
    columns = len(page.bench.styles) + 1
    assert image.width() == 8 + columns * (64 + 8)  # frames of 64 x 48 px, gaps of 8
    dest = tmp_path / "grid.png"
    page.sheet_desk._start(page.bench.styles, Overlay(), dest)
    qtbot.waitUntil(dest.is_file, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.sheet_desk._order is None, timeout=PATIENCE)
    sheet = read_rgb(dest)
    first = sheet[26 : 26 + 48, 8 : 8 + 64]
    np.testing.assert_array_equal(first, read_rgb(page.lab.rows[0].path))
    code = page.bench.styles[0].code[0]
    level = max(0, min(255, round(128 + 40 * code)))  # what the scripted engine paints
    np.testing.assert_array_equal(sheet[26 : 26 + 48, 80 : 80 + 64], np.full((48, 64, 3), level))


def test_b_blinks_while_it_is_held(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    blink = Blink(widget)
    seen: list[bool] = []
    blink.changed.connect(lambda: seen.append(blink.held))
    for kind, repeated in ((QEvent.Type.KeyPress, False), (QEvent.Type.KeyPress, True), (QEvent.Type.KeyRelease, True)):
        event = QKeyEvent(kind, Qt.Key.Key_B, Qt.KeyboardModifier.NoModifier, "b", repeated)
        QApplication.sendEvent(widget, event)
    assert seen == [True]
    QApplication.sendEvent(widget, QFocusEvent(QEvent.Type.FocusOut))
    assert seen == [True, False]
    qtbot.keyPress(widget, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert seen == [True, False]


def test_a_run_that_is_deleted_while_it_is_shown_ends_its_engine(page: StylesPage) -> None:  # noqa: F811
    styles, run = page.bench.styles, page.lab.run
    assert run is not None
    page.session.project.runs.remove(run)
    page.session.edited(Changed(runs=True))
    assert page.lab.run is None
    assert page.lab._client is None
    assert not page.map.has_footage
    assert page.bench.styles == styles  # what was drawn is not lost
    page.save()
    assert page.session.project.palettes.all() == []
