"""The Curate page: verdicts by key, undo, rules, filters; the grid and its model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from studio.files.pictures import write_png
from studio.gui.models.translations import PAGE, RECORD_ROLE, TranslationsModel
from studio.gui.pages.curate import CuratePage
from studio.gui.pages.curate_rule import preview_rule
from studio.gui.widgets.histogram import Histogram
from studio.gui.widgets.translation_grid import TranslationGrid
from studio.gui.window import Window
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Palette, Style
from tests.gui.preview_engine import PATIENCE
from tests.making import SIZE

VALIDITIES = (0.1, 0.3, 0.5, 0.7, 0.9, None)


@pytest.fixture
def translated(project_folder: Path) -> Path:
    """One translation of each of the six frames, their validities rising; the last not measured."""
    with Project.open(project_folder) as project:
        styles = (Style("red", (0.0,) * 8, "random"),)
        project.palettes.save(Palette("warm", "first", styles))
        rows = []
        for number, (frame, validity) in enumerate(zip(project.scenes.frames(), VALIDITIES, strict=True)):
            path = project_folder / "translations" / f"{number}.png"
            write_png(path, np.full((SIZE[1], SIZE[0], 3), 40 * number, np.uint8))
            measures = {} if validity is None else {"validity": validity, "validity.liver": validity / 2}
            rows.append(NewTranslation(frame.id, "first", "warm", "red", styles[0].code, path, "f", validity, measures))
        project.translations.put(rows)
    return project_folder


@pytest.fixture
def page(make_window: Callable[[Path | None], Window], translated: Path, qtbot: QtBot) -> CuratePage:
    window = make_window(translated)
    window.go_to_page("Curate")
    shown = window.current_page
    assert isinstance(shown, CuratePage)
    qtbot.waitUntil(lambda: len(shown.model.ids) == 6, timeout=PATIENCE)
    return shown


def verdicts(page: CuratePage) -> str:
    """First letters, in the order of the grid."""
    return "".join(r.verdict.value[0] for r in page.session.project.translations.some(list(page.model.ids)))


def test_model_keeps_the_contract_of_models(translated: Path, qtbot: QtBot) -> None:
    with Project.open(translated) as project:
        model = TranslationsModel(project)
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
        model.set_ids(project.translations.ids())
        model.set_ids(project.translations.ids(order="style"))
        model.changed([model.ids[0]])
        model.set_ids([])
        model.close()


def test_worst_come_first_and_unmeasured_last(page: CuratePage) -> None:
    records = [page.model.record(r) for r in range(6)]
    assert [None if r is None else r.validity for r in records] == list(VALIDITIES)


def test_keys_decide_and_hand_on_to_the_next(page: CuratePage, qtbot: QtBot) -> None:
    page.grid.choose(0)
    page.reject()
    page.reject()
    page.accept()
    assert verdicts(page) == "rrauuu"
    assert page.grid.currentIndex().row() == 3
    page.undo()
    assert verdicts(page) == "rruuuu"
    page.redo()
    assert verdicts(page) == "rrauuu"
    page.grid.choose(1)
    page.undecide()
    assert verdicts(page) == "ruauuu"


def test_a_colour_and_a_verdict_are_undone_in_their_order(page: CuratePage) -> None:
    translation = page.model.ids[0]

    def verdict() -> str:
        return next(iter(page.session.project.translations.some([translation]))).verdict.value

    def liver() -> tuple[int, int, int]:
        return page.session.coloured(STUDIO_CLASSES).by_name("liver").colour

    page.grid.choose(0)
    page.accept()
    page.bar.legend.colour_wanted.emit("liver", (1, 2, 3))
    assert (verdict(), liver()) == ("accepted", (1, 2, 3))
    page.undo()
    assert (verdict(), liver()) == ("accepted", (213, 94, 0))
    page.redo()
    assert (verdict(), liver()) == ("accepted", (1, 2, 3))
    page.undo()
    page.undo()
    assert (verdict(), liver()) == ("undecided", (213, 94, 0))


def test_many_are_one_step(page: CuratePage) -> None:
    page.grid.choose(1)
    page.grid.choose(3, extend=True)
    assert page.grid.selected_count() == 3
    page.accept()
    assert verdicts(page) == "uaaauu"
    page.undo()
    assert verdicts(page) == "uuuuuu"
    page.undo()
    assert verdicts(page) == "uuuuuu"


def test_a_rule_says_before_what_it_does(page: CuratePage, qtbot: QtBot) -> None:
    page.grid.choose(4)
    page.reject()
    found = preview_rule(page.session.project, "validity >= 0.5")
    assert (found.accepted, found.rejected, found.undecided, found.kept, found.changes) == (2, 2, 1, 1, 5)
    assert int(found.counts_B.sum()) == 5
    assert verdicts(page) == "uuuuru"
    page.rule_panel.text.setText("validity >= 0.5")
    page.apply()
    assert verdicts(page) == "rraaru"
    page.undo()
    assert verdicts(page) == "uuuuru"


def test_a_rule_that_cannot_be_read_is_told_in_place(page: CuratePage) -> None:
    page.rule_panel.text.setText("validity >=")
    assert "column" in page.rule_panel._said.text()
    page.rule_panel.text.setText("validity >= 0.5")
    assert page.rule_panel.histogram._cut == 0.5


def test_filters_and_order(page: CuratePage, qtbot: QtBot) -> None:
    page.patient.setCurrentText("P2")
    page.order.setCurrentIndex(1)
    page.reload()
    qtbot.waitUntil(lambda: len(page.model.ids) == 3, timeout=PATIENCE)
    records = [page.model.record(r) for r in range(3)]
    assert [(r.patient, r.validity) for r in records if r is not None] == [("P2", 0.9), ("P2", 0.7), ("P2", None)]
    page.verdict.setCurrentIndex(2)
    page.reload()
    qtbot.waitUntil(lambda: len(page.model.ids) == 0, timeout=PATIENCE)
    assert page.stack.currentIndex() == 0


def test_the_picture_in_hand_comes_with_its_validity(page: CuratePage, qtbot: QtBot) -> None:
    page.grid.choose(2)
    qtbot.waitUntil(
        lambda: page.detail.state is not None and page.detail.state.validity_HW is not None, timeout=PATIENCE
    )
    assert page.detail.state is not None
    assert page.detail.state.size == SIZE
    assert not page.grab().isNull()


def test_a_translation_whose_file_is_gone_says_so(page: CuratePage, qtbot: QtBot) -> None:
    record = page.model.record(5)
    assert record is not None
    record.path.unlink()
    page.grid.choose(5)
    qtbot.waitUntil(lambda: "no such file" in page.detail._hint, timeout=PATIENCE)


def test_half_a_million_are_a_matter_of_arithmetic(translated: Path, qtbot: QtBot) -> None:
    with Project.open(translated) as project:
        model = TranslationsModel(project)
        grid = TranslationGrid()
        qtbot.addWidget(grid)
        grid.setModel(model)
        grid.resize(800, 600)
        grid.show()
        model.set_ids(range(1000, 501_000))
        grid.updateGeometries()
        grid.choose(499_999)
        assert grid.rows_in_sight().stop == 500_000
        assert len(grid.rows_in_sight()) < 80
        grid.select_everything()
        assert grid.selected_count() == 500_000
        assert model.data(model.index(PAGE), RECORD_ROLE) is None
        assert grid.indexAt(grid.visualRect(model.index(499_998)).center()).row() == 499_998
        assert not grid.grab().isNull()
        model.close()


def test_keys_move_through_the_grid(page: CuratePage, qtbot: QtBot) -> None:
    grid = page.grid
    grid.choose(0)
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.currentIndex().row() == 1
    qtbot.keyClick(grid, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    assert grid.selected_count() == 5
    qtbot.keyClick(grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert grid.selected_count() == 6
    qtbot.keyClick(grid, Qt.Key.Key_Home)
    assert grid.currentIndex().row() == 0
    model = grid.selectionModel()
    model.clear()
    model.setCurrentIndex(page.model.index(2), QItemSelectionModel.SelectionFlag.NoUpdate)
    assert grid.selected_count() == 0


def test_the_histogram_writes_the_rule(qtbot: QtBot) -> None:
    histogram = Histogram()
    qtbot.addWidget(histogram)
    histogram.resize(200, 88)
    histogram.show()
    with qtbot.waitSignal(histogram.cut_moved, timeout=PATIENCE) as heard:
        qtbot.mouseClick(histogram, Qt.MouseButton.LeftButton, pos=histogram.rect().center())
    assert heard.args[0] == pytest.approx(0.5, abs=0.02)
