"""A lasso on the style map, what it selects, and the way from there to an export."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.export.values import ExportOptions
from studio.files.pictures import write_png
from studio.gui.models.export_wishes import ExportWishes
from studio.gui.models.selection_cost import selection_cost
from studio.gui.pages.styles import StylesPage
from studio.gui.widgets.map_selection import Picked
from studio.pipeline.choosing import Only
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.vocabulary.styles import Style
from tests.gui.preview_engine import PATIENCE
from tests.gui.test_styles_page import page  # noqa: F401
from tests.making import sphere_scene

NONE, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def lasso(page: StylesPage, around: list[QPointF], keys: Qt.KeyboardModifier) -> None:  # noqa: F811
    """Drag the mouse over the map, back to where it began."""
    left = Qt.MouseButton.LeftButton
    for kind, places, buttons in (
        (QMouseEvent.Type.MouseButtonPress, around[:1], left),
        (QMouseEvent.Type.MouseMove, [*around, around[0]], left),
        (QMouseEvent.Type.MouseButtonRelease, around[:1], Qt.MouseButton.NoButton),
    ):
        for at in places:
            button = Qt.MouseButton.NoButton if kind == QMouseEvent.Type.MouseMove else left
            event = QMouseEvent(kind, at, page.map.mapToGlobal(at), button, buttons, keys)
            QApplication.sendEvent(page.map, event)


def box(page: StylesPage, rows: list[int], reach: float = 6) -> list[QPointF]:  # noqa: F811
    """A line around some dots of the footage."""
    points = [page.map.point_of_footage(r) for r in rows]
    left, right = min(p.x() for p in points) - reach, max(p.x() for p in points) + reach
    top, bottom = min(p.y() for p in points) - reach, max(p.y() for p in points) + reach
    return [QPointF(left, top), QPointF(right, top), QPointF(right, bottom), QPointF(left, bottom)]


def laid_out(page: StylesPage) -> None:  # noqa: F811
    """One style far from the four dots of the footage, which lie in a row."""
    page.bench.load([Style("far", (0.0, 9.0, *(0.0,) * 6), "random")])
    page.map.resize(500, 300)
    page.map.show_all()


def test_shift_adds_alt_takes_away_and_escape_lets_go(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    laid_out(page)
    lasso(page, box(page, [0, 1]), SHIFT)
    assert page.map.picked == Picked(footage=frozenset({0, 1}))
    assert page.selection_panel.isVisible()
    assert page.selection_panel._frames.text() == "2 frames of 1 patient"
    lasso(page, box(page, [2]), SHIFT)
    assert page.map.picked.footage == {0, 1, 2}
    assert page.selection_panel._frames.text() == "3 frames of 2 patients"
    lasso(page, box(page, [1]), ALT)
    assert page.map.picked.footage == {0, 2}
    page.map.setFocus()
    qtbot.keyClick(page.map, Qt.Key.Key_Escape)
    assert page.map.picked == Picked()
    assert not page.selection_panel.isVisible()


def test_the_lasso_tool_selects_drawn_styles_too_and_begins_anew(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    laid_out(page)
    lasso(page, box(page, [0, 1]), NONE)  # without the tool a drag moves the map
    assert page.map.picked == Picked()
    laid_out(page)
    page.map.lasso_tool.setChecked(True)
    lasso(page, box(page, [0, 3], reach=260), NONE)
    assert page.map.picked == Picked(frozenset(range(4)), frozenset({page.bench.styles[0].code}))
    lasso(page, box(page, [3]), NONE)
    assert page.map.picked == Picked(footage=frozenset({3}))
    at = page.map.point_of_style(0).toPoint()
    qtbot.mouseClick(page.map, Qt.MouseButton.LeftButton, SHIFT, QPoint(at.x(), at.y()))
    assert page.map.picked == Picked(frozenset({3}), frozenset({page.bench.styles[0].code}))


def test_a_dropped_style_is_no_longer_selected_and_undo_brings_back_the_style(page: StylesPage) -> None:  # noqa: F811
    page.map.select(Picked(styles=frozenset(s.code for s in page.bench.styles[:2])))
    before = page.bench.styles
    page.selection_desk.pin()
    assert [s.pinned for s in page.bench.styles][:3] == [True, True, False]
    page.selection_desk.drop()
    assert page.bench.styles == before[2:]
    assert not page.selection_panel.isVisible()
    page.undo()
    page.undo()
    assert page.bench.styles == before


def test_footage_is_left_out_and_taken_in_again(page: StylesPage) -> None:  # noqa: F811
    footage = page.session.project.footage
    ids = page.lab.all_codes.ids if page.lab.all_codes is not None else ()
    page.map.select(Picked(footage=frozenset({1, 2})))
    page.selection_desk.include(False)
    assert footage.left_out() == {ids[1], ids[2]}
    assert page.lab.codes is not None
    assert page.lab.codes.ids == (ids[0], ids[3])  # styles are no longer drawn from the others
    assert page.selection_panel._frames.text() == "2 frames of 2 patients, 2 left out"
    page.undo()
    assert footage.left_out() == frozenset()
    assert page.lab.codes.ids == ids


def test_covering_what_is_selected_selects_the_new_styles(page: StylesPage) -> None:  # noqa: F811
    page.bench.load([Style("far", (0.0, 9.0, *(0.0,) * 6), "random")])
    page.map.select(Picked(footage=frozenset({2, 3})))
    page.selection_desk.add_cover(2)
    assert {s.source for s in page.bench.styles[1:]} == {"c", "d"}
    assert page.selection_desk.styles == list(page.bench.styles[1:])
    page.selection_desk.add_cover(1)
    assert len(page.bench.styles) == 3  # what is on the bench already is only selected


def test_translating_is_chained_to_an_export_of_exactly_that(page: StylesPage, qtbot: QtBot) -> None:  # noqa: F811
    session, desk = page.session, page.selection_desk
    session.export_wishes = ExportWishes(ExportOptions("coco", (0.5, 0.5, 0.0), 7, (("ligament", "fat"),)))
    page.translate_panel.per_frame.setValue(1)
    names = [s.name for s in page.bench.styles[:2]]
    page.map.select(Picked(styles=frozenset(s.code for s in page.bench.styles[:2])))
    qtbot.waitUntil(lambda: desk._cost is not None, timeout=PATIENCE)
    assert page.selection_panel._cost._cells[0][1].text() == "6"  # six frames, one style each
    page.selection_panel.name.clear()
    qtbot.keyClicks(page.selection_panel.name, "mine")
    assert page.selection_panel.destination == session.project.folder / "exports" / "mine"
    qtbot.mouseClick(page.selection_panel.start, Qt.MouseButton.LeftButton)
    assert [s.name for s in session.project.palettes.get("mine").palette.styles] == names
    first, second = session.jobs.jobs
    folder = str(session.project.folder)
    assert first.argv == ("translate", folder, "--run", "first", "--palette", "mine", "--per-frame", "1")
    assert second.after is first
    assert second.argv[:2] == ("export", folder)
    assert second.argv[3:] == (
        "--format", "coco", "--split", "0.5,0.5,0", "--verdicts", "accepted,undecided", "--seed", "7",
        "--merge", "ligament=fat", "--run", "first", "--palette", "mine", "--style", names[0], "--style", names[1],
    )  # fmt: skip


def test_what_would_not_be_exported_is_not_translated(page: StylesPage) -> None:  # noqa: F811
    page.session.export_wishes = ExportWishes(verdicts=("accepted",))
    page.map.select(Picked(styles=frozenset({page.bench.styles[0].code})))
    assert "undecided" in page.selection_panel._trouble.text()
    assert not page.selection_panel.start.isEnabled()
    page.session.export_wishes = ExportWishes()
    page.selection_panel.dest.setText(str(page.session.project.folder))
    page.selection_panel.named.emit()
    assert "exists already" in page.selection_panel._trouble.text()
    page.selection_desk.translate_and_export()
    assert page.session.jobs.jobs == []


@pytest.mark.parametrize(("verdicts", "made"), [(("accepted", "undecided"), 3), (("accepted",), 0)])
def test_what_is_made_already_is_found_by_its_code(project_folder: Path, verdicts: tuple[str, ...], made: int) -> None:
    code, other = (1.0,) * 8, (2.0,) * 8
    with Project.open(project_folder) as project:
        frames = project.scenes.frames()
        path = project.folder / "translations" / "one.png"
        write_png(path, sphere_scene(0).rgb_HW3)
        rows = [
            NewTranslation(f.id, run, palette, style, c, path, "f", 0.5, {})
            for f, run, palette, style, c in (
                (frames[0], "first", "big", "a", code), (frames[1], "first", "big", "a", code),
                (frames[2], "first", "big", "also a", code), (frames[0], "first", "big", "b", other),
                (frames[0], "first", "small", "a", code), (frames[0], "second", "big", "a", code),
            )
        ]  # fmt: skip
        project.translations.put(rows)
        cost = selection_cost(project, "first", {code}, verdicts)  # type: ignore[arg-type]
    assert (cost.frames, cost.pixels, cost.made) == (6, 64 * 48, made)
    assert cost.only == (Only(("first",), ("big",), ("a", "also a")) if made else Only())
    assert cost.layer_bytes > 1000
    # 2.2 bytes a pixel, once as a translation and once in the export, and the layers of six frames.
    assert cost.bytes_of(10) == round(2 * 10 * 2.2 * 64 * 48 + 6 * cost.layer_bytes)
