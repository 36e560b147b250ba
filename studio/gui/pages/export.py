"""The page Export: a data set by a button, its counts and size before, and what was checked after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedWidget, QWidget

from studio.export.manifest import verify_manifest
from studio.gui import amounts
from studio.gui.actions import Action, ActionTable
from studio.gui.jobs import WindowJob
from studio.gui.models.background import Background
from studio.gui.models.catalogue_reader import CatalogueReader
from studio.gui.opening import reveal
from studio.gui.pages.export_form import ExportForm
from studio.gui.pages.export_list import Checklist, EarlierExports
from studio.gui.pages.export_plan import ExportPreview, PlanPanel, preview_export
from studio.gui.pages.page import Page
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import EmptyState, PageHeader, column, holder, row, scrolled
from studio.project.records import Changed

_WAIT_MS = 200
_FORM_WIDTH = 520


class ExportPage(Page):
    """Nothing is written before the button; a folder appears only when all of it is written and read back."""

    title = "Export"
    icon_name = "export"
    rows = (
        Action("export.start", "Export", "Write the data set, read it back, and only then put the folder in its place",
               "start_export", shortcut="Ctrl+Return", icon="export", needs="project", page="Export"),
        Action("export.curate", "Go to Curate", "Look the translations through first", "go_to_curate", icon="curate",
               needs="project", page="Export"),
        Action("export.styles", "Go to Styles", "Make translations first", "go_to_styles", icon="styles",
               needs="project", page="Export"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self.reader = CatalogueReader(session.project.folder, self)
        self._background = Background(self, threads=1)
        self._job: WindowJob | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._plan)
        self._build(actions)
        session.jobs.ended.connect(self._job_ended)

    def _build(self, actions: ActionTable) -> None:
        self.header = PageHeader("Export", actions.button("export.curate", role="quiet"))
        self.form = ExportForm(actions.button("export.start", role="primary"), self.session.project.folder / "exports")
        self.form.changed.connect(self._timer.start)
        self.plan_panel = PlanPanel()
        self.checklist = Checklist()
        self.earlier = EarlierExports()
        self.earlier.open_wanted.connect(lambda dest: reveal(Path(dest)))
        self.earlier.verify_wanted.connect(self._verify)
        left = scrolled(holder(column(self.form), margin=2 * UNIT))
        left.setFixedWidth(_FORM_WIDTH)
        cards = column(_card(self.plan_panel), self.checklist, _card(self.earlier), spacing=2 * UNIT)
        cards.addStretch(1)
        sides = row(left, scrolled(holder(cards, margin=2 * UNIT)), spacing=0)
        sides.setStretch(1, 1)
        body = holder(sides)
        self.nothing = EmptyState(
            "export", "Nothing to export yet", "Translate the frames in a palette first; what is not rejected can then "
            "be written as a labelled data set.", actions.button("export.styles", role="primary"),
        )  # fmt: skip
        self.stack = QStackedWidget()
        self.stack.addWidget(body)
        self.stack.addWidget(self.nothing)
        whole = column(self.header, self.stack, spacing=0)
        whole.setStretch(1, 1)
        self.setLayout(whole)

    # -- refreshing

    def refresh(self, changed: Changed) -> None:
        if changed.exports:
            self.earlier.show_exports(self.session.project.outcomes.exports())
            self.form.suggest_destination()
        if changed.exports or changed.translations or changed.scenes or changed.palettes:
            self._timer.start()

    def activated(self) -> None:
        self.form.format.setFocus()  # the page's keys work from the start

    def project_closed(self) -> None:
        self.session.jobs.ended.disconnect(self._job_ended)
        self._timer.stop()
        self.reader.close()
        self._background.forget()

    def _plan(self) -> None:
        options, verdicts = self.form.options, self.form.verdicts
        self.session.export_wishes = self.form.wishes
        self.reader.ask("plan", lambda p: preview_export(p, options, verdicts), self._planned)

    def _planned(self, found: Any) -> None:
        if not isinstance(found, ExportPreview):
            self.plan_panel.show_trouble(str(found))
            self.action_table.allow("export.start", False)
            return
        self.stack.setCurrentIndex(0 if sum(found.of_verdict.values()) or self.earlier.count else 1)
        self.form.show_verdict_counts(found.of_verdict)
        self.plan_panel.show_preview(found)
        self.action_table.allow("export.start", not found.trouble)
        self.header.set_facts(amounts.count(found.counts.get("images", 0), "images") if not found.trouble else "")

    # -- exporting

    def start_export(self) -> None:
        """Queue the export as a job."""
        dest = self.form.destination
        if dest.exists():
            self.session.say(f"{dest} exists already: choose another folder.", "warning")
            return
        argv = self.form.argv(self.session.project.folder)
        self._job = self.session.start(
            f"Export to {dest.name}", argv, touches=Changed(exports=True), resume_argv=[*argv, "--resume"]
        )
        self.checklist.show_running(dest)

    def _job_ended(self, job: WindowJob) -> None:
        if job.argv[:1] == ("export",):
            self.checklist.show_result(job)

    def _verify(self, dest: str) -> None:
        """Compare every file of an export with its manifest."""
        self.session.say(f"Comparing {dest} with its manifest…")
        folder = Path(dest)
        self._background.ask(
            ("verify", dest), lambda: verify_manifest(folder), lambda found: self._verified(dest, found)
        )

    def _verified(self, dest: str, found: Any) -> None:
        self.earlier.show_verified(dest, found)
        if isinstance(found, Exception):
            self.session.say(str(found), "error")

    def go_to_curate(self) -> None:
        self.session.asked_for_page.emit("Curate")

    def go_to_styles(self) -> None:
        self.session.asked_for_page.emit("Styles")


def _card(widget: QWidget) -> QWidget:
    return holder(column(widget), "card", margin=2 * UNIT)
