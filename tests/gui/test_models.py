"""Item models under Qt's own tester, and the arithmetic behind curves, amounts and forms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from studio.gui import amounts
from studio.gui.models.background import Background
from studio.gui.models.groups import Group, GroupList, GroupModel
from studio.gui.models.metrics import RunMetrics, RunningMean, Series, decimated
from studio.gui.models.pictures import PictureEntry, PictureModel
from studio.gui.pages.train_form import TrainForm
from studio.gui.session import merged
from studio.project.records import Changed
from studio.translator.settings import TrainSettings, preset
from studio.vocabulary.labels import STUDIO_CLASSES


def entry(number: int, *, dimmed: bool = False) -> PictureEntry:
    return PictureEntry(
        number, f"{number:03d}", f"key {number}", lambda: np.full((24, 32, 3), 99, np.uint8), dimmed=dimmed
    )


def test_picture_model_obeys_qt_and_keeps_its_place_when_only_marks_change(qtbot: QtBot, tmp_path: Path) -> None:
    model = PictureModel(tmp_path / "thumbs")
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_entries([entry(i) for i in range(50)])
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    with qtbot.waitSignal(model.dataChanged, timeout=2000):
        model.set_entries([entry(i, dimmed=i == 7) for i in range(50)])
    assert resets == []
    assert model.entry(model.row_of(7)).dimmed
    model.set_entries([entry(i) for i in range(0, 50, 2)])
    assert (model.rowCount(), model.row_of(7), model.row_of(8)) == (25, -1, 4)
    assert resets == [True]
    del tester


def test_thumbnails_come_by_themselves_and_are_kept(qtbot: QtBot, tmp_path: Path) -> None:
    model = PictureModel(tmp_path / "thumbs")
    model.set_entries([entry(1)])
    assert model.pixmap(entry(1)) is None
    qtbot.waitUntil(lambda: model.pixmap(entry(1)) is not None, timeout=5000)
    shown = model.pixmap(entry(1))
    assert shown is not None
    assert shown.width() / shown.height() == pytest.approx(32 / 24, rel=0.02)
    assert len(list((tmp_path / "thumbs").glob("*.jpg"))) == 1
    model.close()


def test_a_picture_that_cannot_be_read_is_an_empty_place(qtbot: QtBot, tmp_path: Path) -> None:
    def broken() -> np.ndarray:
        raise OSError("gone")

    bad = PictureEntry(1, "bad", "bad", broken)
    model = PictureModel(tmp_path / "thumbs")
    model.set_entries([bad])
    qtbot.waitUntil(lambda: model.pixmap(bad) is not None, timeout=5000)
    shown = model.pixmap(bad)
    assert shown is not None
    assert shown.isNull()
    model.close()


def test_group_model_obeys_qt_and_keeps_the_choice(qtbot: QtBot) -> None:
    model = GroupModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    view = GroupList(model, "Patients")
    qtbot.addWidget(view)
    model.set_groups([Group(k, k) for k in "abc"])
    view.choose("b")
    model.set_groups([Group(k, k, "5") for k in "abc"])
    assert view.chosen() == "b"
    assert model.data(model.index(1), Qt.ItemDataRole.DisplayRole) == "b"
    view.choose("nothing")
    assert view.chosen() == "a"
    del tester


def test_newest_questions_are_answered_first_and_old_ones_dropped(qtbot: QtBot) -> None:
    import threading

    gate = threading.Event()
    background, answers = Background(threads=1, depth=2), list[object]()
    background.ask("gate", lambda: gate.wait(5), lambda _result: None)
    qtbot.wait(50)
    for number in range(4):
        background.ask(number, lambda n=number: n, answers.append)  # type: ignore[misc]
    gate.set()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=5000)
    qtbot.wait(100)
    assert answers == [3, 2]
    assert not background.is_asked(0)


def write_rows(path: Path, steps: range) -> None:
    with path.open("a", encoding="utf-8") as file:
        for step in steps:
            file.write(json.dumps({"step": step, "image_a": step / 2, "gan_ab": -step}) + "\n")


def test_metrics_are_read_as_they_grow_and_anew_after_a_rollback(tmp_path: Path) -> None:
    metrics = RunMetrics(tmp_path)
    assert not metrics.behind()
    write_rows(metrics.path, range(1, 400))
    with metrics.path.open("a", encoding="utf-8") as file:
        file.write('{"step":400,"image_a":')
    assert metrics.behind()
    assert metrics.take(metrics.next_rows())
    assert metrics.last_step == 399
    assert np.array_equal(metrics.series["image_a"].values, np.arange(1, 400) / 2)
    assert not metrics.take(metrics.next_rows()), "a line cut short is waited for"
    metrics.path.write_text("", encoding="utf-8")
    write_rows(metrics.path, range(1, 11))
    assert metrics.behind()
    metrics.take(metrics.next_rows())
    assert len(metrics.series["gan_ab"]) == 10


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=700), st.integers(1, 60))
def test_thinned_out_curves_keep_every_extreme(values: list[float], bins: int) -> None:
    steps, kept_values = decimated(np.arange(len(values)), np.array(values), bins)
    assert len(steps) <= 2 * bins + 2
    assert kept_values.max() == max(values)
    assert kept_values.min() == min(values)
    assert np.all(np.diff(steps) > 0)
    assert np.array_equal(np.array(values)[steps], kept_values)


def series_of(values: np.ndarray) -> Series:
    series = Series()
    series.extend(np.arange(len(values)), values)
    return series


def test_smoothing_is_the_unbiased_running_mean() -> None:
    values = np.array([1.0, 2.0, 4.0])
    # With share .5: m1 = .5, m2 = 1.25, m3 = 2.625; divided by 1 - .5^t.
    assert RunningMean(series_of(values), 0.5).values() == pytest.approx([1.0, 1.25 / 0.75, 2.625 / 0.875])
    assert np.array_equal(RunningMean(series_of(values), 0.0).values(), values)
    assert RunningMean(series_of(np.full(999, 3.0)), 0.97).values() == pytest.approx(3.0)


def test_smoothing_piece_by_piece_is_smoothing_at_once() -> None:
    values = np.sin(np.arange(1500.0))
    growing = series_of(values[:1])
    mean = RunningMean(growing, 0.9)
    for start, end in ((1, 3), (3, 700), (700, 1500)):
        mean.values()
        growing.extend(np.arange(start, end), values[start:end])
    expected, last = [], 0.0
    for count, value in enumerate(values, start=1):
        last = 0.9 * last + 0.1 * value
        expected.append(last / (1 - 0.9**count))
    assert mean.values() == pytest.approx(expected)


def test_series_grow_without_losing_a_step() -> None:
    series = Series()
    for start in range(0, 3000, 7):
        series.extend(np.arange(start, start + 7), np.arange(start, start + 7) * 2.0)
    assert np.array_equal(series.steps, np.arange(len(series)))
    assert np.array_equal(series.values, series.steps * 2)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (7260, "2 h 01 min"), (180000, "2 d 2 h")]
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert amounts.duration(seconds) == words


def test_amounts_read_well() -> None:
    assert amounts.count(12345, "frames") == "12,345 frames"
    assert amounts.count(1, "frames") == "1 frame"
    assert amounts.rate(12.34, "frames") == "12.3 frames/s"
    assert amounts.rate(0.05, "it") == "3.0 it/min"
    assert amounts.size(999) == "999 B"
    assert amounts.size(1_300_000) == "1.3 MB"


def test_two_changes_are_one() -> None:
    both = merged(Changed(scenes=True, translations=(1, 2)), Changed(runs=True, translations=(2, 3)))
    assert both == Changed(scenes=True, runs=True, translations=(1, 2, 3))


def test_the_form_gives_back_each_preset_and_says_only_what_differs(qtbot: QtBot) -> None:
    form = TrainForm()
    qtbot.addWidget(form)
    for name in ("paper", "fast", "demo"):
        form.choose_preset(name)
        assert form.settings() == preset(name)
        assert form.overrides() == {}
    form.choose_preset("paper")
    assert form.settings() == TrainSettings()
    form._fields["iterations"].setValue(123)  # type: ignore[union-attr, arg-type]
    assert form.overrides() == {"iterations": 123}
    form._fields["crop_width"].setValue(130)  # type: ignore[union-attr, arg-type]
    assert "multiples of 4" in form.problem


def test_class_bars_name_what_they_show(qtbot: QtBot) -> None:
    from studio.gui.widgets.class_bars import ClassBars

    bars = ClassBars()
    qtbot.addWidget(bars)
    bars.show_shares(STUDIO_CLASSES, {1: 0.6, 2: 0.4})
    assert bars.accessibleDescription().startswith("liver 60.0 %, gallbladder 40.0 %")
    bars.resize(240, 200)
    bars.show()
    assert bars.grab().height() == 200
