"""The pages Export and Evaluate: what they say before, what they start, what they read back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from studio.files.pictures import encode_jpeg, write_png
from studio.gui.jobs import WindowJob
from studio.gui.models.report import PatientsTable, Report, read_frames, read_report
from studio.gui.pages.evaluate import EvaluatePage
from studio.gui.pages.export import ExportPage
from studio.gui.pages.export_list import Checklist, EarlierExports
from studio.gui.widgets.box_chart import Box, BoxChart, BoxSeries, box_of
from studio.gui.window import Window
from studio.project.project import Project
from studio.project.records import Changed
from studio.project.translation_table import NewTranslation
from studio.vocabulary.errors import InputError
from tests.gui.preview_engine import PATIENCE
from tests.making import SIZE

# -- export


@pytest.fixture
def export_page(make_window: Callable[[Path | None], Window], project_folder: Path, qtbot: QtBot) -> ExportPage:
    """Six translations, of three frames of each of two patients."""
    with Project.open(project_folder) as project:
        rows = []
        for frame in project.scenes.frames():
            path = project_folder / "translations" / f"{frame.id}.png"
            write_png(path, np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
            rows.append(NewTranslation(frame.id, "first", "warm", "red", (0.0,) * 8, path, "f", 0.9, {}))
        project.translations.put(rows)
    window = make_window(project_folder)
    window.go_to_page("Export")
    page = window.current_page
    assert isinstance(page, ExportPage)
    qtbot.waitUntil(lambda: bool(page.plan_panel._figures._cells), timeout=PATIENCE)
    return page


def test_the_plan_says_counts_splits_and_size(export_page: ExportPage) -> None:
    texts = {name.text(): value.text() for name, value, _ in export_page.plan_panel._figures._cells}
    assert (texts["Images"], texts["Patients"], texts["Styles"]) == ("6", "2", "1")
    assert float(texts["Space, about"]) > 0
    grid = export_page.plan_panel._grid
    rows = [[grid.itemAtPosition(r, c).widget().text() for c in range(3)] for r in range(2)]  # type: ignore[union-attr]
    assert {r[0] for r in rows} == {"train", "test"}
    assert {r[1] for r in rows} == {"3 images"}
    assert {r[2] for r in rows} == {"P1", "P2"}


def test_shares_that_do_not_add_up_are_told_and_nothing_can_start(export_page: ExportPage, qtbot: QtBot) -> None:
    start = export_page.action_table.qaction("export.start")
    assert start.isEnabled()
    export_page.form._shares["train"].setValue(50)
    qtbot.waitUntil(lambda: not start.isEnabled(), timeout=PATIENCE)
    assert "0.8,0.1,0.1" in export_page.plan_panel._trouble.text()


def test_without_a_verdict_there_is_nothing_to_write(export_page: ExportPage, qtbot: QtBot) -> None:
    for box in export_page.form._verdicts.values():
        box.setChecked(False)
    qtbot.waitUntil(lambda: not export_page.action_table.qaction("export.start").isEnabled(), timeout=PATIENCE)
    assert export_page.stack.currentIndex() == 0


def test_the_command_line_says_what_the_form_says(export_page: ExportPage) -> None:
    form = export_page.form
    form.format.setCurrentText("coco")
    form.add_merge("ligament", "fat")
    form.add_merge("ligament", "liver")
    form._verdicts["undecided"].setChecked(False)
    export_page.start_export()
    argv = export_page.session.jobs.jobs[-1].argv
    folder = export_page.session.project.folder
    assert argv[:5] == ("export", str(folder), str(folder / "exports" / "coco"), "--format", "coco")
    assert argv[5:] == (
        "--split", "0.8,0.1,0.1", "--verdicts", "accepted", "--seed", "0", "--merge", "ligament=fat",
    )  # fmt: skip
    assert export_page.checklist.isVisible()


def test_a_folder_that_exists_is_not_written_over(export_page: ExportPage, tmp_path: Path) -> None:
    export_page.form.dest.setText(str(tmp_path))
    export_page.start_export()
    assert export_page.session.jobs.jobs == []


def test_the_checklist_says_what_was_read_back(qtbot: QtBot) -> None:
    checklist = Checklist()
    qtbot.addWidget(checklist)
    job = WindowJob("Export", ("export",), (), Changed(), state="done")
    job.result = {"dest": "/x", "checks": {"labels_compared": 80, "files": 646, "images_decoded": 319},
                  "counts": {"images": 319, "images_train": 159, "images_test": 160}}  # fmt: skip
    checklist.show_result(job)
    lines = " ".join(checklist.lines())
    assert "80 label pictures" in lines
    assert "159 train, 160 test images" in lines
    job.state, job.message = "failed", "the disk is full"
    checklist.show_result(job)
    assert checklist.lines() == ["the disk is full"]


def test_verifying_names_what_has_changed(qtbot: QtBot, tmp_path: Path) -> None:
    earlier = EarlierExports()
    qtbot.addWidget(earlier)
    record = SimpleNamespace(dest=tmp_path, format="coco", counts={"images": 3}, created="2026-01-02T03:04:05+00:00")
    earlier.show_exports([record])  # type: ignore[list-item]
    found = SimpleNamespace(same=False, missing=(), changed=("a.png",), extra=())
    earlier.show_verified(str(tmp_path), found)  # type: ignore[arg-type]
    assert earlier._said[str(tmp_path)].text() == "1 changed: a.png"
    earlier.show_verified(str(tmp_path), InputError("the manifest is gone"))
    assert "manifest" in earlier._said[str(tmp_path)].text()


# -- evaluation

ROWS = {
    "format": "trocar-report", "version": 1, "classes": ["liver"], "trivial": "everything in the circle",
    "regimes": [{"name": "simulated", "network": "small", "appearance": "none", "steps": 5, "pairs": 2, "patients": 1}],
    "patients": [
        {"regime": r, "class": "liver", "patient": p, "dice": d, "iou": d, "hd95": 100 * (1 - d)}
        for r, p, d in (("everything in the circle", "a", 0.5), ("everything in the circle", "b", 0.25),
                        ("simulated", "a", 0.75), ("simulated", "b", 0.125))
    ],
    "means": [{"regime": "everything in the circle", "class": "liver", "dice": 0.375, "iou": None, "hd95": 62.5},
              {"regime": "simulated", "class": "liver", "dice": 0.4375, "iou": None, "hd95": 56.25}],
}  # fmt: skip


@pytest.fixture
def report_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(ROWS), encoding="utf-8")
    picture = base64.b64encode(encode_jpeg(np.full((9, 16, 3), 200, np.uint8))).decode()
    figures = "".join(
        f'<figure><img alt="x" src="data:image/jpeg;base64,{picture}"><figcaption>{words}</figcaption></figure>'
        for words in ("frame", "simulated <b>0.13</b>")
    )
    other = f'<div class="frame"><p>example</p><figure><img src="data:image/jpeg;base64,{picture}"></figure></div>'
    page = f'<div class="frame"><p>worst · a <span>1.png</span></p><div class="strip">{figures}</div></div>{other}'
    (folder / "report.html").write_text(page, encoding="utf-8")
    return folder


def test_a_report_is_read_back(report_folder: Path) -> None:
    report = read_report(report_folder)
    assert report.regimes == ("everything in the circle", "simulated")
    assert report.value("dice", "liver", "simulated", "b") == 0.125
    assert report.mean("iou", "liver", "simulated") is None
    frames = read_frames(report_folder)
    assert [(f.title, [w for _, w in f.pictures]) for f in frames] == [("worst · a 1.png", ["frame", "simulated 0.13"])]


@pytest.mark.parametrize("rest", ["", "[]", "{}", '{"version": 2}', '{"version": 1}'])
def test_a_damaged_report_is_refused(tmp_path: Path, rest: str) -> None:
    text = rest.replace('{"version', '{"format": "trocar-report", "version')
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_report(tmp_path)
    assert read_frames(tmp_path) == []


def test_the_table_right_aligns_and_marks_the_best(report_folder: Path, qtbot: QtBot) -> None:
    table = PatientsTable()
    QAbstractItemModelTester(table, QAbstractItemModelTester.FailureReportingMode.Fatal)
    table.show_report(read_report(report_folder), "dice", "liver")
    texts = [[table.index(r, c).data() for c in range(3)] for r in range(3)]
    assert texts == [["a", "0.50", "0.75"], ["b", "0.25", "0.12"], ["Mean of patients", "0.38", "0.44"]]
    bold = [[bool(f := table.index(r, c).data(Qt.ItemDataRole.FontRole)) and f.bold() for c in (1, 2)] for r in (0, 1)]
    assert bold == [[False, True], [True, False]]
    assert table.index(0, 1).data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    table.show_report(read_report(report_folder), "hd95", "liver")
    assert table.index(0, 2).data() == "25.0"
    table.show_report(None, "dice", "")


def test_boxes_are_quartiles_with_whiskers_after_tukey() -> None:
    # Quartiles by linear interpolation of 1..5 and an outlier: 2.25, 3.5, 4.75; 1.5 times the box reaches to 8.5.
    assert box_of([1, 2, 3, 4, 5, 100]) == Box(1, 2.25, 3.5, 4.75, 5)
    assert box_of([1]) is None


def test_the_chart_places_points_by_value(qtbot: QtBot) -> None:
    chart = BoxChart()
    qtbot.addWidget(chart)
    chart.resize(600, 300)
    chart.show()
    series = [BoxSeries("trivial", (0.2, 0.4), 0.3, faint=True), BoxSeries("trained", (0.6, None), 0.6)]
    chart.show_series(series, ("a", "b"), title="Dice", digits=2, share=True)
    low, high = chart.point(0, 0), chart.point(0, 1)
    assert low is not None
    assert high is not None
    assert low.y() - high.y() == pytest.approx(chart._plot().height() * 0.2)
    assert chart.point(1, 1) is None
    qtbot.mouseMove(chart, low.toPoint())
    assert chart._hovered == 0
    assert not chart.grab().isNull()


@pytest.fixture
def evaluate_page(
    make_window: Callable[[Path | None], Window], project_folder: Path, report_folder: Path
) -> EvaluatePage:
    with Project.open(project_folder) as project:
        for name, state in (("simulated", "done"), ("half", "stopped")):
            run = project.runs.add("segmenter", name, {"data": "simulated"})
            project.runs.update(run, state=state)  # type: ignore[arg-type]
        project.outcomes.add_evaluation(report_folder, {})
    window = make_window(project_folder)
    window.go_to_page("Evaluate")
    page = window.current_page
    assert isinstance(page, EvaluatePage)
    return page


def test_results_are_shown_and_frames_looked_at(evaluate_page: EvaluatePage, qtbot: QtBot) -> None:
    page = evaluate_page
    assert page.results.model.rowCount() == 3
    page.measure.setCurrentIndex(2)
    assert page.results.model.index(0, 2).data() == "25.0"
    qtbot.waitUntil(lambda: page.results._frames.count() == 2, timeout=PATIENCE)
    strip = page.results._frames.itemAt(1).widget()  # type: ignore[union-attr]
    strip.chosen.emit(strip._pictures[1][0], "simulated 0.13")  # type: ignore[attr-defined]
    assert page.picture.state is not None
    assert page.picture.state.size == (16, 9)
    page.close_picture()
    assert not page.picture.isVisible()


def test_only_finished_segmenters_are_compared(evaluate_page: EvaluatePage, tmp_path: Path) -> None:
    page = evaluate_page
    assert page.compare_panel.chosen == ["simulated"]
    run = page.action_table.qaction("evaluate.run")
    assert not run.isEnabled()
    page.compare_panel.labelled.setText(str(tmp_path))
    assert run.isEnabled()
    page.evaluate()
    argv = page.session.jobs.jobs[-1].argv
    assert argv[:2] == ("segmenter", "evaluate")
    assert argv[3:7] == ("--run", "simulated", "--labelled", str(tmp_path))


def test_training_names_its_run_so_that_it_can_be_resumed(evaluate_page: EvaluatePage) -> None:
    page = evaluate_page
    page.train_panel.data.setCurrentIndex(1)
    page.train_panel.steps.setValue(50)
    page.train()
    job = page.session.jobs.jobs[-1]
    assert job.argv[3:] == (
        "--data", "simulated", "--appearance", "none", "--set", "steps=50", "--name", "simulated-2",
    )  # fmt: skip
    assert job.resume_argv == (*job.argv, "--resume")


def test_a_report_that_is_gone_is_told(evaluate_page: EvaluatePage, report_folder: Path) -> None:
    (report_folder / "report.json").unlink()
    evaluate_page._open(str(report_folder))
    assert not evaluate_page.action_table.qaction("evaluate.open").isEnabled()
    assert isinstance(evaluate_page._report, Report | None)
