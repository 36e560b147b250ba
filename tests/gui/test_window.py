"""The real window, offscreen, on a small project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.gui.actions import MENUS
from studio.gui.widgets.command_palette import match
from studio.gui.window import Window
from studio.project.project import Project
from studio.project.records import Changed

TITLES = ("Scenes", "Footage", "Train", "Styles", "Curate", "Export", "Evaluate")


def test_without_a_project_it_welcomes(make_window: Callable[[Path | None], Window]) -> None:
    window = make_window(None)
    assert window.stack.currentWidget() is window.welcome
    assert not window.actions_table.qaction("go.scenes").isEnabled()
    assert window.actions_table.qaction("project.new").isEnabled()


@pytest.mark.parametrize("title", TITLES)
def test_every_page_opens_with_and_without_content(
    make_window: Callable[[Path | None], Window], project_folder: Path, tmp_path: Path, qtbot: QtBot, title: str
) -> None:
    empty = Project.create(tmp_path / "empty")
    empty.close()
    window = make_window(project_folder)
    window.go_to_page(title)
    qtbot.wait(50)
    window.open_folder(empty.folder)
    window.go_to_page(title)
    qtbot.wait(50)
    assert window.current_page is not None
    assert window.current_page.title == title


def test_keys_switch_pages(window: Window, qtbot: QtBot) -> None:
    for number, title in enumerate(TITLES, start=1):
        window.actions_table.qaction(f"go.{title.lower()}").trigger()
        assert window.current_page is not None
        assert window.current_page.title == title
        assert window.actions_table.qaction(f"go.{title.lower()}").shortcut().toString() == f"Ctrl+{number}"


def test_every_action_has_a_handler_a_tooltip_and_no_key_twice(window: Window) -> None:
    for title in TITLES:
        window.go_to_page(title)
    seen: dict[tuple[str, str], str] = {}
    for row in window.actions_table:
        target = window if not row.page else window._page(row.page)
        assert callable(getattr(target, row.handler)), row.id
        assert row.tooltip, row.id
        assert row.menu in ("", *MENUS)
        for place in {row.page, ""} if row.shortcut else ():
            assert seen.setdefault((place, row.shortcut), row.id) == row.id or (place == "" and row.page), row.shortcut


def test_pages_that_are_not_shown_refresh_when_they_come_to_the_front(window: Window) -> None:
    window.go_to_page("Footage")
    window.go_to_page("Scenes")
    footage = window._pages["Footage"]
    calls: list[Changed] = []
    footage.refresh = calls.append  # type: ignore[method-assign]
    window.session.edited(Changed(footage=True))
    window.session.edited(Changed(runs=True, translations=(3,)))
    assert calls == []
    window.go_to_page("Footage")
    assert calls == [Changed(footage=True, runs=True, translations=(3,))]


def test_a_project_that_cannot_be_opened_is_told_and_the_open_one_stays(window: Window, tmp_path: Path) -> None:
    before = window.session.project.folder
    window.open_folder(tmp_path / "nothing")
    assert window.session.project.folder == before
    assert "no project here" in window.status.text


def test_recent_projects_and_the_page_are_remembered(
    make_window: Callable[[Path | None], Window], project_folder: Path, settings: QSettings
) -> None:
    first = make_window(project_folder)
    first.go_to_page("Train")
    first.close()
    second = make_window(None)
    assert settings.value("recent") in (str(project_folder), [str(project_folder)])
    second.open_folder(project_folder)
    assert second.current_page is not None
    assert second.current_page.title == "Train"


def test_the_theme_switches_everything_and_is_remembered(
    window: Window, qapp: QApplication, settings: QSettings
) -> None:
    dark = qapp.palette().color(QPalette.ColorRole.Window).lightness()
    window.actions_table.qaction("view.theme").trigger()
    light = qapp.palette().color(QPalette.ColorRole.Window).lightness()
    assert dark < 60 < 200 < light
    assert settings.value("window/theme") == "light"
    window.actions_table.qaction("view.theme").trigger()
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() == dark


def test_surfaces_are_neutral_so_that_they_tint_no_picture(qapp: QApplication) -> None:
    from studio.gui.theme import THEMES, tokens

    for name in THEMES:
        look = tokens(name)
        for colour in (look.backdrop, look.window, look.surface, look.raised, look.hover, look.line):
            assert colour[1:3] == colour[3:5] == colour[5:7]


def test_palette_finds_commands_and_runs_them(window: Window, qtbot: QtBot) -> None:
    window.show_palette()
    box = window.palette_box
    assert box.found("simul")[0].id == "scenes.simulate"
    assert box.found("curate")[0].id == "go.curate"
    assert box.found("qqqq") == []
    qtbot.keyClicks(box._field, "curate")
    qtbot.keyClick(box._field, Qt.Key.Key_Return)
    assert window.current_page is not None
    assert window.current_page.title == "Curate"


def test_a_page_action_from_elsewhere_brings_its_page_to_the_front(window: Window) -> None:
    window.go_to_page("Export")
    window.actions_table.qaction("scenes.depth").trigger()
    assert window.current_page is not None
    assert window.current_page.title == "Scenes"


@pytest.mark.parametrize(
    ("pattern", "better", "worse"),
    [
        ("sim", "Simulate Scenes", "Show image areas"),
        ("st", "Start training Train", "Footage test"),
        ("th", "Light theme View", "Path other side"),
    ],
)
def test_whole_words_come_before_scattered_letters(pattern: str, better: str, worse: str) -> None:
    first, second = match(pattern, better), match(pattern, worse)
    assert first is not None
    assert second is None or first < second


def test_help_lists_every_shortcut(window: Window) -> None:
    window.show_shortcuts()
    text = window.help._browser.toPlainText()
    for row in window.actions_table:
        if row.shortcut:
            assert row.tooltip in text, row.id
    window.show_guide()
    assert window.help._browser.toPlainText().strip()
    window.show_about()
    assert "Apache" in window.help._browser.toPlainText()


def test_help_closes_to_where_one_was(make_window: Callable[[Path | None], Window], project_folder: Path) -> None:
    window = make_window(None)
    window.show_guide()
    window.help.closed.emit()
    assert window.stack.currentWidget() is window.welcome
    window.open_folder(project_folder)
    window.go_to_page("Export")
    window.show_shortcuts()
    window.help.closed.emit()
    assert window.current_page is not None
    assert window.current_page.title == "Export"


def test_a_job_shows_in_the_tray_and_closing_asks_first(window: Window, qtbot: QtBot) -> None:
    job = window.session.start("Long one", ["lasts"], touches=Changed(scenes=True))
    qtbot.waitUntil(lambda: job.progress is not None, timeout=10_000)
    qtbot.waitUntil(lambda: window.tray._head is not None and "100,000 frames" in window.tray._head.figures.text())
    assert window.actions_table.qaction("job.stop").isEnabled()
    export = window.session.start("Export what it made", ["lasts"], touches=Changed(), after=job)
    window.close()
    assert window.isVisible()
    assert window.banner.isVisible()
    assert f"started again afterwards: “{export.title}”." in window.banner._text.text()
    answer = next(b for b in window.banner._buttons if b.text() == "Stop and close")
    qtbot.mouseClick(answer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=10_000)
    assert job.state == "stopped"


def test_a_failed_job_is_one_line_and_no_dialog(window: Window, qtbot: QtBot) -> None:
    job = window.session.start("Bad one", ["fails"], touches=Changed())
    qtbot.waitUntil(lambda: job.state == "failed", timeout=10_000)
    assert window.status.text == "Bad one: the disk is full: /x. Make room."
    assert QApplication.activeModalWidget() is None
    window.tray.set_expanded(True)
    assert "the disk is full" in window.tray._log.toPlainText()
    assert window.tray._rows[id(job)].again.isVisible()
    window.tray.set_expanded(False)


def test_another_project_is_not_opened_under_a_running_job(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    other = Project.create(tmp_path / "other")
    other.close()
    before = window.session.project.folder
    window.session.start("Long one", ["lasts"], touches=Changed())
    window.open_folder(other.folder)
    assert window.session.project.folder == before
    assert window.banner.isVisible()


def test_dropping_a_project_opens_it(window: Window, tmp_path: Path) -> None:
    other = Project.create(tmp_path / "other")
    other.close()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(other.folder))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(event)
    assert window.session.project.folder == other.folder
