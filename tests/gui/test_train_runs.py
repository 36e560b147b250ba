"""Runs on the page Train: renamed, deleted, cloned and compared as a person does it; losses and samples as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QImage, QPixmap
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from studio.files.pictures import write_png
from studio.gui.jobs import WindowJob
from studio.gui.models.groups import Group
from studio.gui.models.metrics import RunMetrics
from studio.gui.models.run_settings import RunSettingsModel
from studio.gui.pages.train import TrainPage
from studio.gui.widgets.curves import Curves
from studio.gui.widgets.loss_plot import WORDS
from studio.gui.widgets.run_list import RunList, RunModel
from studio.gui.widgets.sample_panel import RunSamples, _Canvas, _Cell
from studio.gui.window import Window
from studio.pipeline.runs import SettingRow
from studio.project.records import Changed
from studio.translator.settings import preset
from studio.vocabulary.styles import Palette, Style

OFFSCREEN_MENUS = pytest.mark.qt_log_ignore("This plugin does not support")


def add_run(
    window: Window, name: str, losses: list[float], *, samples: tuple[int, ...] = (), **changes: object
) -> None:
    """A run that is done, with one loss a step."""
    project = window.session.project
    run = project.runs.add("translator", name, json.loads(preset("demo").with_values(**changes).to_json()))
    project.runs.update(run, state="done")
    run.folder.mkdir()
    rows = [{"step": s, "seconds": s / 2, "ms_ssim_ab": v, "disc_b": v / 2} for s, v in enumerate(losses, start=1)]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    for step in samples:
        write_png(run.folder / "samples" / f"step_{step:06d}.png", np.full((8, 16, 3), step, np.uint8))


@pytest.fixture
def page(window: Window, qtbot: QtBot) -> TrainPage:
    """The page with the runs "first" and "second", the older one chosen; "first" has a palette."""
    add_run(window, "first", [0.5, 0.25, 0.125], samples=(0, 3))
    add_run(window, "second", [0.4, 0.3, 0.2, 0.1], samples=(0, 2, 4), seed=7, weight_gan=0.5)
    window.session.project.palettes.save(Palette("five", "first", (Style("s", (0.0,), "random"),)))
    window.go_to_page("Train")
    shown = window.current_page
    assert isinstance(shown, TrainPage)
    shown.runs.choose("first")
    qtbot.waitUntil(lambda: shown.last_step == 3, timeout=5000)
    return shown


def names(page: TrainPage) -> list[str]:
    return [r.name for r in page.session.project.runs.all("translator")]


def editors(page: TrainPage) -> list[QLineEdit]:
    return [e for e in page.runs.viewport().findChildren(QLineEdit) if e.isVisible()]


def renamed(page: TrainPage, qtbot: QtBot, text: str) -> None:
    qtbot.keyClick(page.runs, Qt.Key.Key_F2)
    (editor,) = editors(page)
    editor.setText(text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not editors(page), timeout=5000)


def test_f2_renames_in_place_and_undo_takes_it_back(page: TrainPage, window: Window, qtbot: QtBot) -> None:
    renamed(page, qtbot, "  base line ")
    assert names(page) == ["base line", "second"]
    assert page.runs.selected() == ["base line"] and page.header._facts.text().startswith("base line")
    assert page.session.project.palettes.get("five").palette.run == "base line"
    qtbot.waitUntil(lambda: page.last_step == 3, timeout=5000)
    window.undo()
    assert names(page) == ["first", "second"] and page.runs.selected() == ["first"]
    window.redo()
    assert names(page) == ["base line", "second"] and page.runs.selected() == ["base line"]


@pytest.mark.parametrize(("text", "said"), [("second", "already"), ("a/b", "cannot name a run")])
def test_a_refused_name_is_said_and_changes_nothing(
    page: TrainPage, window: Window, qtbot: QtBot, text: str, said: str
) -> None:
    renamed(page, qtbot, text)
    assert said in window.status.text
    assert names(page) == ["first", "second"]
    assert not page.session.undo_stack.canUndo()


def test_what_is_typed_over_a_name_outlives_a_refresh(page: TrainPage, qtbot: QtBot) -> None:
    """A job that runs says every few seconds that runs have changed."""
    qtbot.keyClick(page.runs, Qt.Key.Key_F2)
    editors(page)[0].setText("half ty")
    page.refresh(Changed(runs=True))
    assert [e.text() for e in editors(page)] == ["half ty"]
    page.session.close()  # what is half typed is not taken for a wish


@pytest.mark.parametrize("option", ["--name", "--run", "--like"])
def test_a_run_that_a_job_works_with_is_left_alone(page: TrainPage, window: Window, option: str) -> None:
    argv = ("translator", "train", "x.trocar", option, "first")
    window.session.jobs.jobs.append(WindowJob("Train it", argv, argv, Changed(), state="waiting"))
    window.actions_table.qaction("train.rename").trigger()
    assert "works with the run “first”" in window.status.text
    assert not editors(page)
    window.actions_table.qaction("train.delete").trigger()
    assert not window.banner.isVisible()
    window.session.jobs.jobs.clear()


def test_a_run_is_not_taken_for_its_clone_that_trains(page: TrainPage, window: Window) -> None:
    argv = ("translator", "train", "x.trocar", "--name", "second", "--like", "first")
    window.session.jobs.jobs.append(WindowJob("Train second", argv, argv, Changed(), state="running"))
    page.runs.choose("first")
    assert not page._pause.isVisible() and "done" in page.header._facts.text()
    page.runs.choose("second")
    assert page._pause.isVisible()
    window.session.jobs.jobs.clear()


def test_a_name_that_no_run_can_have_is_said_before_training(page: TrainPage, window: Window) -> None:
    page.form.name.setText("half, or less")
    assert "cannot name a run" in page.form.problem
    assert not window.actions_table.qaction("train.start").isEnabled()
    page.form.name.setText("half or less")
    assert page.form.problem == "" and window.actions_table.qaction("train.start").isEnabled()


def answer(window: Window, words: str) -> None:
    next(b for b in window.banner._buttons if b.text() == words).click()


def test_deleting_names_what_hangs_on_a_run_and_is_undone(page: TrainPage, window: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(page.runs, Qt.Key.Key_Delete)
    assert window.banner.isVisible()
    assert "“first”" in window.banner._text.text() and "1 palette (five)" in window.banner._text.text()
    answer(window, "Keep it")
    assert names(page) == ["first", "second"]
    qtbot.keyClick(page.runs, Qt.Key.Key_Delete)
    answer(window, "Delete")
    assert names(page) == ["second"] and page.runs.selected() == ["second"]
    assert (window.session.project.folder / "trash").is_dir()
    window.undo()
    assert names(page) == ["first", "second"] and page.runs.selected() == ["first"]
    qtbot.waitUntil(lambda: page.last_step == 3, timeout=5000)
    window.redo()
    assert names(page) == ["second"]


@OFFSCREEN_MENUS
def test_a_deleted_run_is_put_back_from_the_trash_without_undo(page: TrainPage, window: Window, qtbot: QtBot) -> None:
    for _ in range(2):
        qtbot.keyClick(page.runs, Qt.Key.Key_Delete)
        answer(window, "Delete")
    assert names(page) == [] and page.stack.currentIndex() == 0
    assert page._restore_here.isVisible()
    window.actions_table.qaction("train.restore").trigger()
    entries = {a.text(): a for a in page.trash_menu.actions()}
    assert set(entries) == {"Put back", "first", "second"}
    entries["second"].trigger()
    page.trash_menu.close()
    assert names(page) == ["second"] and page.runs.selected() == ["second"]


@pytest.fixture
def started(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The command lines that the page starts, none of which is run."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(window.session, "start", lambda _title, argv, **_more: calls.append(tuple(argv)))
    return calls


def test_a_clone_is_trained_like_its_original_but_for_what_is_bold(
    page: TrainPage, window: Window, qtbot: QtBot, started: list[tuple[str, ...]]
) -> None:
    page.runs.choose("second")
    window.actions_table.qaction("train.clone").trigger()
    form = page.form
    assert form.settings() == preset("demo").with_values(seed=7, weight_gan=0.5)
    assert form.name.text() == "second-2" and "nothing is changed" in form.words.text()
    assert not any(b.isChecked() for b in form._presets.buttons())
    assert form._beside["seed"].text() == "7"
    form._fields["seed"].setValue(8)  # type: ignore[union-attr, arg-type]
    assert {n for n, label in form._names.items() if label.property("role") == "strong"} == {"seed"}
    assert form._beside["seed"].property("role") == "strong"
    assert "differs in Seed" in form.words.text()
    window.actions_table.qaction("train.start").trigger()
    folder = str(window.session.project.folder)
    assert started == [("translator", "train", folder, "--name", "second-2", "--like", "second", "--set", "seed=8")]


def test_a_preset_ends_cloning(page: TrainPage, window: Window) -> None:
    window.actions_table.qaction("train.clone").trigger()
    page.form.choose_preset("fast")
    assert page.form.original == "" and page.form.settings() == preset("fast")
    assert [b.text() for b in page.form._presets.buttons() if b.isChecked()] == ["Fast"]


def test_the_form_follows_its_original(
    page: TrainPage, window: Window, qtbot: QtBot, started: list[tuple[str, ...]]
) -> None:
    page.runs.choose("second")
    window.actions_table.qaction("train.clone").trigger()
    page.runs.setFocus()
    renamed(page, qtbot, "other")
    assert page.form.original == "other"
    qtbot.keyClick(page.runs, Qt.Key.Key_Delete)
    answer(window, "Delete")
    assert page.form.original == "" and page.form.overrides() == {"seed": 7, "weight_gan": 0.5}
    page.form.name.setText("new")
    page.start()
    assert started[-1][5:] == ("--preset", "demo", "--set", "weight_gan=0.5", "--set", "seed=7")


def test_a_value_that_is_being_typed_counts_when_the_run_is_started(
    page: TrainPage, window: Window, qtbot: QtBot, started: list[tuple[str, ...]]
) -> None:
    field = page.form._fields["iterations"]
    field.setFocus()
    field.selectAll()  # type: ignore[union-attr]
    qtbot.keyClicks(field, "42")
    window.actions_table.qaction("train.start").trigger()
    assert "iterations=42" in started[-1]


def test_compared_runs_lie_over_one_another(page: TrainPage, qtbot: QtBot) -> None:
    page.runs.select(["first", "second"], "first")
    compared = page.view.compared
    assert page.view.comparing and page.view.below.currentIndex() == 1
    qtbot.waitUntil(lambda: all(len(r.series) == 3 for r in compared._runs), timeout=5000)
    assert compared.loss == "ms_ssim_ab"
    drawn = [list(curve.raw.getData()[1]) for curve in compared._curves]
    assert drawn == [[0.5, 0.25, 0.125], [0.4, 0.3, 0.2, 0.1]]
    assert [row.value.text() for row in compared._legend] == ["0.125", "0.1"]
    compared.losses.setCurrentIndex(compared.losses.findData("disc_b"))
    assert [list(c.raw.getData()[1]) for c in compared._curves] == [[0.25, 0.125, 0.0625], [0.2, 0.15, 0.1, 0.05]]
    assert [c.colour for c in compared._curves] == [page.groups.group(row).colour for row in (1, 0)]


def test_compared_samples_share_one_slider(page: TrainPage, qtbot: QtBot) -> None:
    page.runs.select(["first", "second"], "first")
    samples = page.view.samples
    assert samples._steps == [0, 2, 3, 4]
    assert samples.step == 4
    assert [c.caption for c in samples.canvas._cells] == ["first   ·   step 3", "second"]
    page.previous_sample()
    page.previous_sample()
    assert samples.words.text() == "step 2"
    assert [c.caption for c in samples.canvas._cells] == ["first   ·   step 0", "second"]

    def greys() -> list[int]:
        return [c.picture.toImage().pixelColor(3, 3).red() for c in samples.canvas._cells]

    qtbot.waitUntil(lambda: greys() == [0, 2], timeout=5000)  # each its newest picture at or before that step


def test_settings_that_differ_come_first_and_bold(page: TrainPage, qtbot: QtBot) -> None:
    page.runs.select(["first", "second"], "first")
    qtbot.waitUntil(lambda: [page.view.last_step(n) for n in ("first", "second")] == [3, 4], timeout=5000)
    model = page.view.settings
    texts = [[str(model.index(r, c).data()) for c in range(3)] for r in range(model.rowCount())]
    assert texts[:2] == [["Adversarial", "0.25", "0.5"], ["Seed", "0", "7"]]
    assert ["Steps done", "3", "4"] in texts[2:8]
    bold = [isinstance(f := model.index(r, 0).data(Qt.ItemDataRole.FontRole), QFont) and f.bold() for r in range(9)]
    assert bold == [True, True, *[False] * 7]


@OFFSCREEN_MENUS
def test_the_menu_adds_runs_up_to_four_and_ends_comparing(page: TrainPage, window: Window) -> None:
    for name in ("third", "fourth", "fifth"):
        add_run(window, name, [0.1])
    page.refresh(Changed(runs=True))
    page.runs.choose("first")
    for name in ("second", "third", "fourth"):
        window.actions_table.qaction("train.compare").trigger()
        next(a for a in page.compare_menu.actions() if a.text() == name).trigger()
        page.compare_menu.close()
    assert page.runs.selected() == ["first", "second", "third", "fourth"] and page.runs.chosen() == "first"
    assert len({page.groups.group(page.runs.names().index(n)).colour for n in page.runs.selected()}) == 4
    window.actions_table.qaction("train.compare").trigger()
    entries = {a.text(): a for a in page.compare_menu.actions()}
    assert not entries["fifth"].isEnabled() and entries["second"].isChecked()
    entries["Stop comparing"].trigger()
    page.compare_menu.close()
    assert page.runs.selected() == ["first"] and not page.view.comparing


def test_a_selection_outlives_a_refresh(page: TrainPage, window: Window) -> None:
    page.runs.select(["first", "second"], "second")
    add_run(window, "third", [0.1])
    page.refresh(Changed(runs=True))
    assert page.runs.selected() == ["first", "second"] and page.runs.chosen() == "second"


def test_each_action_of_the_page_says_what_it_does(page: TrainPage) -> None:
    for button in page.findChildren(QPushButton):
        assert button.toolTip(), button.text()
    assert page.view.samples.canvas.toolTip() and page.view.samples.slider.toolTip()


def test_models_obey_qt(qtbot: QtBot) -> None:
    fatal = QAbstractItemModelTester.FailureReportingMode.Fatal
    runs = RunModel()
    settings = RunSettingsModel({"seed": "Seed"}, {"seed": "what it is"})
    testers = [QAbstractItemModelTester(model, fatal) for model in (runs, settings)]
    view = RunList(runs)
    qtbot.addWidget(view)
    runs.set_groups([Group(k, k) for k in "abc"])
    view.select(["a", "b"], "a")
    assert view.selected() == ["b", "a"], "the oldest first: the list has the newest at the top"
    rows = [SettingRow("seed", (1, 2)), SettingRow("dim", (4, 4))]
    settings.show_rows(["x", "y"], rows, [SettingRow("Steps", ("1", "1"))])
    settings.show_rows(["x", "y"], rows, [SettingRow("Steps", ("1", "2"))])
    assert [settings.index(r, 2).data() for r in range(3)] == ["2", "2", "4"]
    settings.show_rows(["x"], rows[:1], [])
    assert (settings.rowCount(), settings.columnCount()) == (1, 2)
    del testers


METHODS_LOSSES = ("image_a", "image_b", "content_a", "content_b", "style_a", "style_b", "cycle_a", "cycle_b", "gan_ab",
                  "gan_ba", "disc_a", "disc_b", "ms_ssim_ab", "ms_ssim_ba")  # fmt: skip


def curves_of(tmp_path: Path, rows: list[dict[str, float]]) -> tuple[Curves, RunMetrics]:
    metrics = RunMetrics(tmp_path)
    metrics.path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert metrics.behind() and metrics.take(metrics.next_rows())
    return Curves(), metrics


def test_every_loss_has_its_own_words_colour_and_explanation(qtbot: QtBot, tmp_path: Path) -> None:
    curves, metrics = curves_of(tmp_path, [{"step": 1, **dict.fromkeys(METHODS_LOSSES, 1.0), "new_metric": 2.0}])
    qtbot.addWidget(curves)
    curves.show_series(metrics.series)
    assert set(curves._rows) == {*METHODS_LOSSES, "new_metric"}
    assert len({curves._rows[n].box.text() for n in METHODS_LOSSES}) == len(METHODS_LOSSES)
    assert len({row.colour for row in curves._rows.values()}) == len(curves._rows)
    for name in METHODS_LOSSES:
        assert curves._rows[name].toolTip() == f"{WORDS[name][1]}  ({name})"
    assert curves._rows["new_metric"].box.text() == "New metric"


def test_smoothing_leaves_the_logged_steps_in_sight(qtbot: QtBot, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.random(500).tolist()
    curves, metrics = curves_of(tmp_path, [{"step": s, "disc_b": v} for s, v in enumerate(values, start=1)])
    qtbot.addWidget(curves)
    curves.controls.smooth.setValue(95)
    curves.show_series(metrics.series)
    curve = curves._curves["disc_b"]
    assert curve.raw.isVisible() and list(curve.raw.getData()[1]) == values
    assert np.ptp(curve.mean.getData()[1][100:]) < 0.5 * np.ptp(values)
    curves.controls.smooth.setValue(0)
    assert not curve.raw.isVisible() and list(curve.mean.getData()[1]) == values


def test_a_logarithmic_scale_shows_zero_as_very_small(qtbot: QtBot, tmp_path: Path) -> None:
    curves, metrics = curves_of(tmp_path, [{"step": 1, "disc_b": 0.0}, {"step": 2, "disc_b": 100.0}])
    qtbot.addWidget(curves)
    curves.controls.smooth.setValue(0)
    curves.controls.log.setChecked(True)
    curves.show_series(metrics.series)
    assert curves._curves["disc_b"].mean.getData()[1] == pytest.approx([-9, 2]), "in powers of ten"


def test_the_legend_reads_the_step_under_the_pointer(qtbot: QtBot, tmp_path: Path) -> None:
    curves, metrics = curves_of(tmp_path, [{"step": s, "disc_b": s / 4} for s in (10, 20, 30)])
    qtbot.addWidget(curves)
    curves.show_series(metrics.series)
    assert curves._rows["disc_b"].value.text() == "7.5" and curves.where.text() == "last step"
    curves.plot.pointed.emit(25.7)
    assert curves._rows["disc_b"].value.text() == "5" and curves.where.text() == "step 25"
    curves.plot.pointed.emit(3.0)
    assert curves._rows["disc_b"].value.text() == ""
    curves.plot.pointed.emit(None)
    assert curves._rows["disc_b"].value.text() == "7.5"


def test_losses_that_were_picked_stay_so_from_run_to_run(page: TrainPage, qtbot: QtBot) -> None:
    rows = page.view.curves._rows
    assert rows["disc_b"].box.isChecked()
    rows["disc_b"].box.setChecked(False)
    page.runs.choose("second")
    qtbot.waitUntil(lambda: page.last_step == 4, timeout=5000)
    assert not page.view.curves._rows["disc_b"].box.isChecked()
    assert page.view.curves._rows["ms_ssim_ab"].box.isChecked()


def test_a_resumed_run_that_has_overtaken_what_was_read_is_read_anew(tmp_path: Path) -> None:
    """A resume cuts the file by putting another in its place; it may be longer again before it is looked at."""
    metrics = RunMetrics(tmp_path)
    metrics.path.write_text('{"step": 1, "x": 1.0}\n{"step": 2, "x": 2.0}\n', encoding="utf-8")
    assert metrics.behind() and metrics.take(metrics.next_rows())
    late = metrics.next_rows
    other = tmp_path / "other"
    other.write_text("".join(f'{{"step": {s}, "x": {s}.5}}\n' for s in range(1, 6)), encoding="utf-8")
    rows = late()
    other.replace(metrics.path)
    assert metrics.behind()
    assert not metrics.take(rows), "what was asked of the old file does not count"
    assert metrics.take(metrics.next_rows())
    assert list(metrics.series["x"].values) == [1.5, 2.5, 3.5, 4.5, 5.5]


def test_the_newest_sample_at_or_before_a_step_is_taken(tmp_path: Path) -> None:
    run = RunSamples("a", "#fff", ((10, tmp_path / "x"), (30, tmp_path / "y")))
    assert [run.at(s) for s in (9, 10, 29, 30, 99)] == [None, *[run.samples[0]] * 2, *[run.samples[1]] * 2]


@pytest.mark.parametrize(
    ("size", "count", "columns"), [((800, 300), 2, 2), ((300, 800), 2, 1), ((800, 320), 4, 2), ((2000, 250), 4, 4)]
)
def test_panels_are_laid_out_as_large_as_they_can_be(
    qtbot: QtBot, size: tuple[int, int], count: int, columns: int
) -> None:
    canvas = _Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(QSize(*size))
    canvas.show_cells([_Cell("run", "#fff", QPixmap.fromImage(QImage(200, 100, QImage.Format.Format_RGB32)))] * count)
    rooms = canvas._rooms()
    assert len({r.left() for r in rooms}) == columns
    assert all(canvas.rect().contains(r) for r in rooms)
    assert not any(a.intersects(b) for i, a in enumerate(rooms) for b in rooms[:i])


def test_zoom_moves_all_panels_together(qtbot: QtBot, make_wheel: Callable[[_Canvas, int, int], None]) -> None:
    canvas = _Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(800, 300)
    canvas.show_cells([_Cell("run", "#fff", QPixmap.fromImage(QImage(200, 100, QImage.Format.Format_RGB32)))] * 2)
    left, right = canvas._rooms()
    before = [canvas._place(QSize(200, 100), r) for r in (left, right)]
    make_wheel(canvas, left.center().x() + 50, left.center().y())
    after = [canvas._place(QSize(200, 100), r) for r in (left, right)]
    assert after[0].width() > before[0].width()
    assert after[1].topLeft() - before[1].topLeft() == after[0].topLeft() - before[0].topLeft()


@pytest.fixture
def make_wheel() -> Callable[[_Canvas, int, int], None]:
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent

    def turn(canvas: _Canvas, x: int, y: int) -> None:
        place = QPointF(x, y)
        canvas.wheelEvent(
            QWheelEvent(place, canvas.mapToGlobal(place), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
        )  # fmt: skip

    return turn
