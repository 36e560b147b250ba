"""The Styles page's finer parts: measures, what lies out of sight, the map under the mouse, palettes and their undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from studio.gui.models.preview_cells import CellKey
from studio.gui.pages import styles_lab
from studio.gui.pages.styles import StylesPage
from studio.gui.window import Window
from studio.quality.validity import Validity
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Palette, Style
from tests.gui.preview_engine import PATIENCE
from tests.gui.test_styles_page import codes, page, sharp

__all__ = ["page"]


def all_measured(page: StylesPage) -> bool:
    wanted = {(r.path, s.code) for r in page.lab.rows for s in page.bench.styles}
    return wanted <= page.lab.measures.found.keys()


def put(page: StylesPage, key: CellKey, validity: Validity) -> None:
    page.lab.measures.found[key] = validity
    page.lab.measures.measured.emit(key)


def test_what_is_out_of_sight_is_measured_too(page: StylesPage, qtbot: QtBot) -> None:
    page.window().resize(1000, 600)
    assert len(page.grid.rows_in_sight()) < len(page.lab.rows) == 6
    qtbot.waitUntil(lambda: all_measured(page), timeout=PATIENCE)
    mean = page.quality.means().get(page.bench.styles[0].code)
    assert mean is not None and mean[1] == 6
    assert "over 6 frames" in page.style_panel._about.text()


def test_nothing_is_computed_ahead_behind_another_page(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: all_measured(page), timeout=PATIENCE)
    window = page.window()
    assert isinstance(window, Window)
    window.go_to_page("Scenes")
    page.lab.measures.found.clear()
    page.lab._sampled.clear()
    assert page.lab._sample_wish() is None
    window.go_to_page("Styles")
    qtbot.waitUntil(lambda: len(page.lab.measures.found) > 0, timeout=PATIENCE)


def test_the_bars_show_the_measure_that_is_chosen(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: all_measured(page), timeout=PATIENCE)
    row, style = page.lab.rows[0], page.bench.styles[0]
    put(page, (row.path, style.code), Validity(0.7, {"ms_ssim": 0.4, "edges": 0.9, "displacement": 1.5}, {2: 0.2}))
    assert page.grid.validity(row.path, style.code) == 0.7
    for name, value in (("ms_ssim", 0.4), ("edges", 0.9), ("validity.gallbladder", 0.2)):
        page.header.measure_box.setCurrentIndex(page.header.measure_box.findData(name))
        page.header.measure_box.activated.emit(page.header.measure_box.currentIndex())
        assert page.grid.validity(row.path, style.code) == value
    page.grid.choose(0, 0)
    assert ("gallbladder", 0.2) in page.cell_panel.bars.rows
    assert page.cell_panel.bars.rows[0] == ("Validity", 0.7)
    assert "outlines 1.5 px away" in page.grid._tip(page.grid.cell_rect(0, 0).center().toPointF())


def test_validity_maps_come_into_the_grid_when_they_are_shown(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page), timeout=PATIENCE)
    assert len(page.lab.measures.maps) == 0
    page.bar.set_layer("validity")
    key = page.lab.rows[0].path, page.bench.styles[0].code
    qtbot.waitUntil(lambda: key in page.lab.measures.maps, timeout=PATIENCE)
    layers = page.lab.layers_of(key[0])
    assert layers is not None
    assert page.lab.measures.maps[key].shape == layers.rgb_HW3.shape[:2]
    assert not page.grid.grab().isNull()


def test_layers_of_frames_looked_at_long_ago_are_let_go(
    page: StylesPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: all_measured(page), timeout=PATIENCE)  # nothing else asks for layers any more
    monkeypatch.setattr(styles_lab, "_ROWS_WITH_LAYERS", 2)
    paths = [r.path for r in page.lab.rows]
    for path in paths:
        page.lab.look_at([path])
        qtbot.waitUntil(lambda path=path: page.lab.layers_of(path) is not None, timeout=PATIENCE)  # type: ignore[misc]
    # The frame in hand stays.
    assert [r.path for r in page.lab.rows if r.layers is not None] == [paths[0], paths[-1]]
    page.lab.look_at([paths[2]])
    qtbot.waitUntil(lambda: page.lab.layers_of(paths[2]) is not None, timeout=PATIENCE)


def test_b_held_shows_the_render_in_every_cell(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page) and page.lab.rows[0].layers is not None, timeout=PATIENCE)
    page.bar.set_layer("none")
    at = page.grid.cell_rect(0, 0).center()
    render = page.grid.cell_rect(0, -1).center()

    def seen(point: QPoint) -> tuple[int, int, int]:
        colour = page.grid.viewport().grab().toImage().pixelColor(point)
        return colour.red(), colour.green(), colour.blue()

    translated = seen(at)
    qtbot.keyPress(page.grid, Qt.Key.Key_B)
    assert seen(at) == seen(render) != translated
    qtbot.keyRelease(page.grid, Qt.Key.Key_B)
    assert seen(at) == translated


def test_the_grid_reads_what_lies_under_the_mouse(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.lab.rows[0].layers is not None, timeout=PATIENCE)
    box = page.grid.cell_rect(0, 0)
    qtbot.mouseMove(page.grid.viewport(), box.center())
    assert page.link.cursor == pytest.approx((0.5, 0.5), abs=0.02)
    layers = page.lab.rows[0].layers
    assert layers is not None
    width, height = layers.size
    words = page.grid._words_under_mouse()
    assert page.lab.rows[0].caption in words
    x, y = (int(v) for v in words.removeprefix(page.lab.rows[0].caption).split("   ")[1].split(","))
    assert abs(x - width / 2) <= 2 and abs(y - height / 2) <= 2


def test_a_frame_that_is_clicked_is_previewed_before_it_is_kept(page: StylesPage) -> None:
    page.bench.load([Style("other", (9.0,) * 8, "manual")])
    count = len(page.bench.styles)
    page.map.footage_chosen.emit(3)
    assert page._shown_styles[-1].code == pytest.approx(tuple(codes()[3]))
    assert len(page.bench.styles) == count
    page.draw_panel.whole_video.setChecked(True)
    assert page._shown_styles[-1].code == pytest.approx(tuple(codes()[2:].mean(axis=0)))
    page.draw("reference", False)
    assert page.bench.styles[-1].source == "video_b"
    assert page._shown_styles == page.bench.styles  # kept: no longer a draft


def test_a_diamond_that_is_dragged_previews_and_adds_a_style(page: StylesPage, qtbot: QtBot) -> None:
    page.bench.load([Style("here", tuple(codes()[1]), "manual")])
    page.map.show_all()
    start = page.map.point_of_style(0).toPoint()
    goal = start + QPoint(40, -30)
    qtbot.mousePress(page.map, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(page.map, goal)
    assert len(page._shown_styles) == 2 and len(page.bench.styles) == 1
    qtbot.mouseRelease(page.map, Qt.MouseButton.LeftButton, pos=goal)
    assert len(page.bench.styles) == 2 and page._shown_styles == page.bench.styles
    assert (page.map.point_of_style(1) - goal.toPointF()).manhattanLength() < 1
    assert page.style_in_hand == page.bench.styles[1]
    page.undo()
    assert len(page.bench.styles) == 1


def test_tsne_is_asked_for_once_and_shown_when_it_is_there(page: StylesPage) -> None:
    box = page.map.layout_box
    for _ in range(2):
        box.setCurrentIndex(box.findData("tsne"))
        box.activated.emit(box.currentIndex())
    argv = [j.argv[:2] for j in page.session.jobs.jobs]
    assert argv == [("styles", "map")]
    assert "of the variation" in page.map.about  # it stays until the other one is there
    known = page.lab.codes
    assert known is not None
    xy = np.array([[0, 0], [1, 0], [0, 1], [5, 5]], float)
    page.map.set_footage(known.codes_NS, known.patients, known.names, known.brightness_N, xy)
    page.map.set_styles([Style("same", tuple(codes()[3]), "manual")], 0)
    assert (page.map.point_of_style(0) - page.map.point_of_footage(3)).manhattanLength() < 1e-6
    assert not page.map.grab().isNull()


def test_every_step_with_palettes_is_undone(page: StylesPage) -> None:
    def kept() -> dict[str, str]:
        return {r.palette.name: r.palette.notes for r in page.session.project.palettes.all()}

    page.palettes.name.setText("mine")
    page.save()
    page.palettes.notes.setText("green")
    page.palettes.notes.editingFinished.emit()
    assert kept() == {"mine": "green"}
    page.palettes.duplicate_wanted.emit("mine")
    assert kept() == {"mine": "green", "mine copy 1": "green"}
    page.palettes.remove_wanted.emit("mine")
    assert kept() == {"mine copy 1": "green"}
    for expected in ({"mine": "green", "mine copy 1": "green"}, {"mine": "green"}, {"mine": ""}, {}):
        page.undo()
        assert kept() == expected
    page.redo()
    assert kept() == {"mine": ""}


def test_a_palette_of_another_style_size_is_refused_in_words(page: StylesPage) -> None:
    said: list[str] = []
    page.session.said.connect(lambda text, level: said.append(f"{level}: {text}"))
    page.session.project.palettes.save(Palette("three", "second", (Style("s", (1.0, 2.0, 3.0), "manual"),)))
    before = page.bench.styles
    page.palette_desk.load("three")
    assert page.bench.styles == before
    assert said[-1].startswith("error") and "3 numbers" in said[-1] and "have 8" in said[-1]


def test_what_translating_costs_is_said_beforehand(page: StylesPage, qtbot: QtBot) -> None:
    def said() -> dict[str, str]:
        return {cells[0].text(): cells[1].text() for cells in page.translate_panel._cost._cells}

    qtbot.waitUntil(lambda: "Time, about" in said(), timeout=PATIENCE)
    assert said()["Images"] == str(6 * len(page.bench.styles))
    page.translate_panel.per_frame.setValue(2)
    assert said()["Images"] == "12"
    assert "Space, about" in said()


def test_ten_thousand_styles_are_shown_without_a_stall(page: StylesPage) -> None:
    rng = np.random.default_rng(0)
    many = [Style(f"s{k}", tuple(map(float, rng.standard_normal(8))), "random") for k in range(10_000)]
    page.bench.load(many)
    page.grid.choose(0, 9_999)
    assert 9_999 in page.grid.columns_in_sight()
    assert len(page.grid.columns_in_sight()) < 20
    assert not page.grid.grab().isNull() and not page.map.grab().isNull()


def test_class_colours_reach_the_grid_and_the_warning(page: StylesPage, qtbot: QtBot) -> None:
    said: list[str] = []
    page.session.said.connect(lambda text, level: said.append(text))
    page.bar.legend.colour_wanted.emit("liver", (0, 158, 115))  # the gallbladder's
    assert all(r.classes.by_name("liver").colour == (0, 158, 115) for r in page.lab.rows)
    assert any("liver and gallbladder can hardly be told apart" in s for s in said)
    page.bar.legend.colour_wanted.emit("liver", None)
    assert all(r.classes.by_name("liver").colour == (213, 94, 0) for r in page.lab.rows)
    page.undo()
    assert all(r.classes.by_name("liver").colour == (0, 158, 115) for r in page.lab.rows)
    page.undo()
    assert all(r.classes.by_name("liver").colour == (213, 94, 0) for r in page.lab.rows)
    page.redo()
    assert page.session.coloured(STUDIO_CLASSES).by_name("liver").colour == (0, 158, 115)
    page.undo()


def test_a_frame_that_is_gone_says_so_in_its_row_and_the_others_come(page: StylesPage, qtbot: QtBot) -> None:
    old, other = page.lab.rows[0], page.lab.rows[1].path
    lost = old.path.with_name("gone.png")
    page.lab._sources[lost] = page.lab._sources[old.path]
    page.lab.rows[0] = replace(old, path=lost)
    page.lab.cells.forget()
    page.lab.rows_changed.emit()

    def sharp_one() -> bool:
        cell = page.lab.cells.get(other, page.bench.styles[0].code)
        return cell is not None and cell.quality == "sharp"

    qtbot.waitUntil(sharp_one, timeout=PATIENCE)
    assert page.lab.rows[0].note == "the picture is gone"
    assert page.lab._lost == {lost}
    assert not page.grid.grab().isNull()


def test_a_run_that_is_deleted_while_shown_leaves_the_window_alive(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page), timeout=PATIENCE)
    run = page.lab.run
    assert run is not None
    for file in run.folder.iterdir():
        file.unlink()
    run.folder.rmdir()
    page._codes_changed()
    assert page.lab.codes is None
    page.draw_panel.choose_way("random")
    page.draw_anew()
    page.lab.failed.emit("the run is gone")  # what the engine says when the run is opened again
    assert "the run is gone" in page.grid.notice
    assert not page.grid.grab().isNull()


def test_a_window_closed_while_previews_come_ends_the_engine(
    make_window: Callable[[Path | None], Window], page: StylesPage
) -> None:
    page.bench.load([replace(s, code=tuple(v + 0.1 for v in s.code)) for s in page.bench.styles])
    client = page.lab._client
    assert client is not None and client.running
    page.window().close()
    page.project_closed()
    assert not client.running


def test_every_control_says_what_it_does(page: StylesPage) -> None:
    controls: list[QWidget] = []
    for root in (page, page.inspector()):
        for kind in (QAbstractButton, QAbstractSpinBox, QComboBox, QSlider, QLineEdit):
            controls += root.findChildren(kind)
    own = [c for c in controls if not c.objectName().startswith("qt_") and c.isVisibleTo(c.parentWidget())]
    # The field inside a spin box or a combo box is part of it.
    whole = [c for c in own if not isinstance(c.parentWidget(), QAbstractSpinBox | QComboBox)]
    assert [c.accessibleName() or c for c in whole if not c.toolTip()] == []
    assert len(whole) > 30
