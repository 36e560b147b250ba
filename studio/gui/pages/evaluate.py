"""The page Evaluate: does it help? Segmenters trained on the project's data, beside one another on real labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import QComboBox, QSplitter, QStackedWidget, QWidget

from studio.gui import amounts
from studio.gui.actions import Action, ActionTable
from studio.gui.models.background import Background
from studio.gui.models.report import MEASURES, Report, read_frames, read_report
from studio.gui.opening import reveal
from studio.gui.pages.evaluate_panels import ComparePanel, TrainPanel
from studio.gui.pages.evaluate_results import Results
from studio.gui.pages.export_list import when
from studio.gui.pages.page import Page
from studio.gui.session import Session
from studio.gui.widgets.basics import EmptyState, PageHeader, column, inspector, scrolled
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.picture_view import PictureView
from studio.project.records import Changed
from studio.vocabulary.frames import Layers


class EvaluatePage(Page):
    """Everything is compared on the same labelled frames, beside a predictor that knows nothing."""

    title = "Evaluate"
    icon_name = "evaluate"
    rows = (
        Action("evaluate.train", "Train segmenter", "Train a segmenter as the form says, as a job", "train",
               icon="play", needs="project", page="Evaluate"),
        Action("evaluate.run", "Evaluate the checked ones",
               "Predict every labelled frame with each checked segmenter and write a report", "evaluate",
               shortcut="Ctrl+Return", icon="evaluate", needs="project", page="Evaluate"),
        Action("evaluate.open", "Open report", "Open report.html in the browser: one file, pictures inside, to be sent",
               "open_report", shortcut="Ctrl+Shift+O", icon="open", needs="project", page="Evaluate"),
        Action("evaluate.reveal", "Show report's folder", "The folder with report.html, report.csv and report.json",
               "reveal_report", icon="folder", needs="project", page="Evaluate"),
        Action("evaluate.close", "Close the picture", "Go back to the whole page", "close_picture", shortcut="Escape",
               icon="close", needs="project", page="Evaluate"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self._background = Background(self, threads=1)
        self._report: Report | None = None
        self._folder: Path | None = None
        self._build(actions)

    def _build(self, actions: ActionTable) -> None:
        self.which = QComboBox()
        self.which.setMinimumWidth(180)
        self.which.setToolTip("Which evaluation is shown, the newest first")
        self.which.setAccessibleName("Evaluation")
        self.measure = QComboBox()
        for name, (text, _, _) in MEASURES.items():
            self.measure.addItem(text, name)
        self.measure.setToolTip("Which figure is shown")
        self.measure.setAccessibleName("Measure")
        self.class_box = QComboBox()
        self.class_box.setToolTip("Which class is shown")
        self.class_box.setAccessibleName("Class")
        self.header = PageHeader(
            "Evaluate", self.which, self.class_box, self.measure, actions.tool_button("evaluate.reveal"),
            actions.button("evaluate.open"),
        )  # fmt: skip
        self.results = Results()
        self.picture = PictureView()
        self.picture.hide()
        self.nothing = EmptyState(
            "evaluate", "Does it help?", "Train a segmenter on simulated frames and one on the translations, then "
            "compare them on labelled real frames of patients that neither has seen.",
            actions.button("evaluate.train", role="primary"),
        )  # fmt: skip
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(scrolled(self.results))
        self.split.addWidget(self.picture)
        self.split.setSizes([400, 300])
        self.stack = QStackedWidget()
        self.stack.addWidget(self.split)
        self.stack.addWidget(self.nothing)
        layout = column(self.header, self.stack, spacing=0)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.train_panel = TrainPanel(actions.button("evaluate.train"))
        self.compare_panel = ComparePanel(actions.button("evaluate.run", role="primary"))
        self._inspector = inspector(self.train_panel, self.compare_panel)
        self.which.activated.connect(lambda _i: self._open(self.which.currentData()))
        self.measure.currentIndexChanged.connect(lambda _i: self._show_figures())
        self.class_box.currentIndexChanged.connect(lambda _i: self._show_figures())
        self.compare_panel.changed.connect(self._allow)

    def inspector(self) -> QWidget:
        return self._inspector

    # -- refreshing

    def refresh(self, changed: Changed) -> None:
        project = self.session.project
        if changed.runs:
            runs = project.runs.all("segmenter")
            self.compare_panel.show_runs(runs)
            self.train_panel.set_runs([r.name for r in runs if r.state == "done"])
        if (changed.footage or changed.runs) and not self.compare_panel.labelled.text():
            kept = project.setting("labelled", "")
            self.compare_panel.labelled.setText(str(project.folder / kept) if kept else "")
        if changed.evaluations:
            self._show_evaluations()
        self._allow()

    def activated(self) -> None:
        self.which.setFocus()  # the page's keys work from the start

    def project_closed(self) -> None:
        self._background.forget()

    def _allow(self) -> None:
        ready = bool(self.compare_panel.chosen) and bool(self.compare_panel.labelled.text().strip())
        self.action_table.allow("evaluate.run", ready)
        for name in ("open", "reveal"):
            self.action_table.allow(f"evaluate.{name}", self._folder is not None)

    def _show_evaluations(self) -> None:
        records = self.session.project.outcomes.evaluations()
        before = self.which.itemData(0)
        kept = self.which.currentData()
        self.which.clear()
        for record in records:
            self.which.addItem(f"{record.report.name}   {when(record.created)}", str(record.report))
        for widget in (self.which, self.measure, self.class_box):
            widget.setVisible(bool(records))
        self.stack.setCurrentIndex(0 if records else 1)
        if not records:
            return
        newest = str(records[0].report)
        at = self.which.findData(kept) if before == newest and kept else 0
        self.which.setCurrentIndex(max(0, at))
        self._open(self.which.currentData())

    def _open(self, folder: str) -> None:
        path = Path(folder)
        with self.session.reporting() as outcome:
            report = read_report(path)
        self._folder = path if outcome.well else None
        self._report = report if outcome.well else None
        self._allow()
        if self._report is None:
            return
        self.class_box.blockSignals(True)
        self.class_box.clear()
        self.class_box.addItems(list(self._report.classes))
        self.class_box.blockSignals(False)
        self._show_figures()
        self._background.ask(("frames", folder), lambda: read_frames(path), lambda f: self._show_frames(folder, f))

    def _show_figures(self) -> None:
        report = self._report
        if report is not None:
            self.results.show_report(report, self.measure.currentData(), self.class_box.currentText())
            self.header.set_facts(amounts.count(len(report.patients), "patients"))

    def _show_frames(self, folder: str, frames: Any) -> None:
        if isinstance(frames, list) and self._folder == Path(folder):
            for strip in self.results.show_frames(frames):
                strip.chosen.connect(self._look)

    def _look(self, image: QImage, words: str) -> None:
        """Show a picture of the report large."""
        rgb = image.convertToFormat(QImage.Format.Format_RGB888)
        pixels = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
        rgb_HW3 = pixels[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()
        self.picture.set_state(PictureState(Layers(rgb_HW3), caption=words))
        self.picture.setVisible(True)

    def close_picture(self) -> None:
        self.picture.setVisible(False)

    # -- jobs

    def train(self) -> None:
        """Train a segmenter as a job."""
        labelled = self.compare_panel.labelled.text().strip()
        if self.train_panel.data.currentData() == "real" and not labelled:
            self.session.say("Name the labelled real frames first.", "warning")
            return
        project, data = self.session.project, self.train_panel.data
        name = self.train_panel.name.text().strip() or project.runs.free_name("segmenter", data.currentData())
        argv = [*self.train_panel.argv(project.folder, labelled), "--name", name]
        self.session.start(f"Train the segmenter {name} on {data.currentText().lower()}", argv,
                           touches=Changed(runs=True), resume_argv=[*argv, "--resume"])  # fmt: skip

    def evaluate(self) -> None:
        """Evaluate the checked segmenters as a job; its report lies in the project."""
        project = self.session.project
        runs, labelled = self.compare_panel.chosen, self.compare_panel.labelled.text().strip()
        if not runs or not labelled:
            return
        reports = project.folder / "reports"
        report = next(p for p in (reports / f"evaluation-{k}" for k in range(1, 100_000)) if not p.exists())
        argv = ["segmenter", "evaluate", str(project.folder), "--run", *runs, "--labelled", labelled]
        self.session.start(f"Evaluate {amounts.count(len(runs), 'segmenters')}", [*argv, "--report", str(report)],
                           touches=Changed(evaluations=True))  # fmt: skip

    def open_report(self) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder / "report.html")))

    def reveal_report(self) -> None:
        if self._folder is not None:
            reveal(self._folder)
