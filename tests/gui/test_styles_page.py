"""The Styles page with an engine that answers by script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from studio.gui.pages import styles_lab
from studio.gui.pages.styles import StylesPage
from studio.gui.theme import tokens_of
from studio.gui.widgets.map_selection import Picked
from studio.gui.widgets.style_map import StyleMap
from studio.gui.window import Window
from studio.pipeline.views import spread_frames
from studio.project.project import Project
from studio.vocabulary.styles import Palette, Style
from tests.gui.preview_engine import PATIENCE, ScriptedClient

PATIENTS = ("video_a", "video_a", "video_b", "video_b")


def codes() -> np.ndarray:
    """Four footage codes along the first axis."""
    made = np.zeros((4, 8))
    made[:, 0] = (-2, -1, 1, 2)
    made[:, 1] = (0.1, -0.1, 0.1, -0.1)
    return made


@pytest.fixture
def page(
    make_window: Callable[[Path | None], Window], project_folder: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> StylesPage:
    monkeypatch.setattr(styles_lab, "PreviewClient", ScriptedClient)
    with Project.open(project_folder) as project:
        run = project.runs.add("translator", "first", {})
        project.runs.update(run, state="done")
        run.folder.mkdir(parents=True)
        ids = [r.id for r in project.footage.all()]
        rows = {
            "fingerprint": "new",
            "ids": ids,
            "patients": PATIENTS,
            "names": list("abcd"),
            "codes": codes().tolist(),
            "brightness": [0.2, 0.4, 0.8, 0.6],
        }
        (run.folder / "footage_codes.json").write_text(json.dumps(rows), encoding="utf-8")
    window = make_window(project_folder)
    window.go_to_page("Styles")
    shown = window.current_page
    assert isinstance(shown, StylesPage)
    qtbot.waitUntil(lambda: len(shown.bench.styles) > 0, timeout=PATIENCE)
    return shown


def sharp(page: StylesPage) -> bool:
    """Whether every cell in sight has come in its sharp form."""
    wanted = [(r.path, s.code) for r in page.lab.rows[:2] for s in page.bench.styles[:2]]
    cells = [page.lab.cells.get(*key) for key in wanted]
    return all(c is not None and c.quality == "sharp" for c in cells)


def test_the_grid_fills_and_is_measured(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page), timeout=PATIENCE)
    style = page.bench.styles[0]
    qtbot.waitUntil(lambda: page.grid.mean_validity(style.code) is not None, timeout=PATIENCE)
    assert len(page.lab.rows) == 6
    assert page.detail.state is not None
    assert not page.grid.grab().isNull()


def test_draw_pin_reroll_drop_undo(page: StylesPage, qtbot: QtBot) -> None:
    page.draw_panel.choose_way("cover")
    page.draw_panel.count.setValue(3)
    qtbot.mouseClick(page.draw_panel.anew, Qt.MouseButton.LeftButton)
    assert [s.origin for s in page.bench.styles] == ["cover"] * 3
    assert {s.code for s in page.bench.styles} <= {tuple(float(np.float32(v)) for v in c) for c in codes()}
    page.grid.choose(0, 1)
    kept = page.bench.styles[1]
    page.pin()
    page.draw_anew()
    assert page.bench.styles[0].name == kept.name
    assert len(page.bench.styles) == 4
    page.grid.choose(0, 2)
    before = page.bench.styles[2]
    page.reroll()
    assert page.bench.styles[2].name == before.name
    assert page.bench.styles[2].code != before.code
    page.drop()
    assert len(page.bench.styles) == 3
    for _ in range(4):
        page.undo()
    assert [s.pinned for s in page.bench.styles] == [False] * 3


def test_the_blend_slider_previews_a_column_and_add_keeps_it(page: StylesPage, qtbot: QtBot) -> None:
    count = len(page.bench.styles)
    page.draw_panel.choose_way("blend")
    page.draw_panel.share.setValue(25)
    assert len(page._shown_styles) == count + 1
    first, second = (np.array(page.bench.styles[i].code) for i in (0, 1))
    assert page._shown_styles[-1].code == pytest.approx(tuple(0.75 * first + 0.25 * second))
    qtbot.mouseClick(page.draw_panel.add, Qt.MouseButton.LeftButton)
    assert len(page.bench.styles) == count + 1
    assert page.bench.styles[-1].origin == "blend"
    page.draw_panel.choose_way("random")
    assert page._shown_styles == page.bench.styles


def test_a_style_is_walked_along_the_widest_axis_of_the_footage(page: StylesPage, qtbot: QtBot) -> None:
    count, base = len(page.bench.styles), np.array(page.bench.styles[0].code)
    page.grid.choose(0, 0)
    page.draw_panel.choose_way("walk")
    assert page._shown_styles == page.bench.styles  # nothing moved yet
    slider = page.draw_panel.axes.sliders[0]
    slider.setValue(slider.value() + 150 if slider.value() < 0 else slider.value() - 150)
    step = np.array(page._shown_styles[-1].code) - base
    centred = codes() - codes().mean(axis=0)
    widest = np.linalg.svd(centred)[2][0]
    assert abs(step @ widest) == pytest.approx(np.linalg.norm(step), rel=1e-3) and np.linalg.norm(step) > 0
    qtbot.mouseClick(page.draw_panel.add, Qt.MouseButton.LeftButton)
    assert len(page.bench.styles) == count + 1
    assert page.bench.styles[-1].source == f"along the axes from {page.bench.styles[0].name}"
    assert page._shown_styles == page.bench.styles
    page.undo()
    assert len(page.bench.styles) == count


def test_a_palette_stays_on_the_map_while_another_is_on_the_bench(page: StylesPage) -> None:
    page.palettes.name.setText("earlier")
    page.save()
    before = [page.map.point_of_style(i) for i in range(len(page.bench.styles))]
    page.palettes.compare.setChecked(True)
    page.draw_panel.choose_way("random")
    page.draw_anew()
    assert page.map.points_of_compared() == before
    assert not page.map.grab().isNull()
    page.palettes.compare.setChecked(False)
    assert page.map.points_of_compared() == []


def test_the_coverage_curve_rises_to_all_of_the_footage(page: StylesPage, qtbot: QtBot) -> None:
    page.draw_panel.choose_way("cover")
    page.draw_panel.count.setValue(4)  # each of the footage's four codes
    page.draw_anew()
    view = page.diversity.curve
    qtbot.waitUntil(lambda: view.isVisibleTo(page.diversity) and len(view._coverage) == 4, timeout=PATIENCE)
    heights = [view.point(n).y() for n in range(5)]
    assert heights == sorted(heights, reverse=True) and heights[-1] < heights[0]
    assert view._coverage[-1] == 1.0
    assert not view.grab().isNull()


def test_the_map_is_coloured_by_patient_or_brightness(page: StylesPage) -> None:
    colours = tokens_of(page.palette())
    by_patient = page.map.dot_colours(colours)
    assert by_patient[0] == by_patient[1] != by_patient[2] == by_patient[3]
    page.map.colouring.setCurrentIndex(page.map.colouring.findData("brightness"))
    dots = page.map.dot_colours(colours)
    levels = [0.2126 * c.redF() + 0.7152 * c.greenF() + 0.0722 * c.blueF() for c in dots]
    assert levels == sorted(levels[:2]) + sorted(levels[2:], reverse=True)  # 0.2 < 0.4, 0.8 > 0.6
    assert not page.map.grab().isNull()
    page.map.colouring.setCurrentIndex(page.map.colouring.findData("validity"))
    assert len({c.name() for c in page.map.dot_colours(colours)}) == 1


def test_worst_first_orders_frames_and_styles_and_is_undone(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page), timeout=PATIENCE)
    page.lab.measures.measured.disconnect()  # from here on the figures are those below
    page.grid.forget_validities()
    paths, styles = [r.path for r in page.lab.rows], page.bench.styles
    for i, path in enumerate(paths[:3]):
        for k, style in enumerate(styles):
            page.grid.set_validity(path, style.code, 0.9 - 0.2 * i - 0.1 * k)
    page.worst_first()
    assert [r.path for r in page.lab.rows] == [paths[2], paths[1], paths[0], *paths[3:]]
    assert page.bench.styles == styles[::-1]
    page.undo()
    assert page.bench.styles == styles


def test_a_palette_is_kept_loaded_and_translated_with(page: StylesPage) -> None:
    styles = page.bench.styles
    page.palettes.name.setText("mine")
    page.save()
    assert page.session.project.palettes.get("mine").palette == Palette("mine", "first", styles)
    page.drop()
    page.palette_desk.load("mine")
    assert page.bench.styles == styles
    page.translate_panel.per_frame.setValue(2)
    page.translate()
    argv = page.session.jobs.jobs[-1].argv
    assert argv[0] == "translate"
    assert argv[2:] == ("--run", "first", "--palette", "mine", "--per-frame", "2")


def test_a_bad_palette_name_is_told_and_nothing_starts(page: StylesPage) -> None:
    page.palettes.name.setText("../mine")
    page.translate()
    assert page.session.project.palettes.all() == []
    assert page.session.jobs.jobs == []


def test_a_dot_of_the_map_becomes_a_style(page: StylesPage, qtbot: QtBot) -> None:
    page.map.footage_chosen.emit(3)
    assert page.draw_panel.chosen_way == "reference"
    qtbot.mouseClick(page.draw_panel.add, Qt.MouseButton.LeftButton)
    assert page.bench.styles[-1].source == "d"
    assert page.bench.styles[-1].code == pytest.approx(tuple(codes()[3]))
    page.map.select(Picked(footage=frozenset({0, 1})))
    page.selection_desk.add_mean()
    assert page.bench.styles[-1].code == pytest.approx(tuple(codes()[:2].mean(axis=0)))


def test_a_picture_from_disk_becomes_a_style(page: StylesPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.lab.code_arrived, timeout=PATIENCE):
        page.lab.ask_code(Path("real.png"))
        page.lab._ask()  # pictures that are still wanted wait for it
    assert page.bench.styles[-1].code == (0.5,) * 8


def test_a_picture_without_a_style_does_not_end_the_previews(page: StylesPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: sharp(page), timeout=PATIENCE)
    client = page.lab._client
    assert client is not None and client.running
    page.lab._code_asked = True  # the engine is on it
    with qtbot.waitSignal(page.session.said, timeout=PATIENCE) as said:
        client.failed.emit("black.png: the picture is black")
    assert said.args == ["black.png: the picture is black", "error"]
    assert page.grid.notice == "" and not page.lab._code_asked
    with qtbot.waitSignal(page.lab.failed, timeout=PATIENCE):
        client.failed.emit("no checkpoint")  # of the previews themselves
    assert "no checkpoint" in page.grid.notice


def test_diversity_follows_the_styles(page: StylesPage, qtbot: QtBot) -> None:
    def said() -> str:
        cells = page.diversity._figures._cells
        return cells[0][1].text() if cells else ""

    page.drop()
    qtbot.waitUntil(lambda: said() == str(len(page.bench.styles)), timeout=PATIENCE)


def test_another_run_size_is_not_asked_for(page: StylesPage) -> None:
    page.lab.want([page.lab.rows[0].path], [(0.0,) * 3])
    assert page.lab._wanted[1] == ()


def test_frames_are_spread_over_scenes(project_folder: Path) -> None:
    with Project.open(project_folder) as project:
        assert [f.patient for f in spread_frames(project, 4)] == ["P1", "P1", "P2", "P2"]
        assert len(spread_frames(project, 100)) == 6
        second = project.scenes.all()[1].id
        assert {f.patient for f in spread_frames(project, 5, scene_id=second)} == {"P2"}
        first, other = (spread_frames(project, 2, turn=t)[0].name for t in (0, 1))
        assert first != other


def test_map_lies_where_codes_lie(qtbot: QtBot) -> None:
    style_map = StyleMap()
    qtbot.addWidget(style_map)
    style_map.resize(400, 300)
    style_map.show()
    style_map.set_footage(codes(), PATIENTS, list("abcd"))
    style_map.set_styles([Style("s", tuple(codes()[0]), "manual"), Style("other run", (1.0, 2.0), "manual")], 0)
    left, right = (style_map.point_of_footage(r).x() for r in (0, 3))
    assert right - left > 250
    with qtbot.waitSignal(style_map.footage_chosen, timeout=PATIENCE) as chosen:
        qtbot.mouseClick(style_map, Qt.MouseButton.LeftButton, pos=style_map.point_of_footage(3).toPoint())
    assert chosen.args == [3]
    with qtbot.waitSignal(style_map.style_chosen, timeout=PATIENCE) as chosen:
        qtbot.mouseClick(style_map, Qt.MouseButton.LeftButton, pos=style_map.point_of_style(0).toPoint())
    assert chosen.args == [0]
    with qtbot.waitSignal(style_map.place_wanted, timeout=PATIENCE) as placed:
        qtbot.mouseDClick(style_map, Qt.MouseButton.LeftButton, pos=QPoint(200, 60))
    assert len(placed.args[0]) == 8
    assert not style_map.grab().isNull()
    assert isinstance(style_map.point_of_footage(1), QPointF)
