"""The page Footage: real frames by patient, what screening found, and a person's word on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.footage.readers import load_footage_image
from studio.gui import amounts
from studio.gui.actions import Action, ActionTable
from studio.gui.jobs import WindowJob
from studio.gui.models.background import Background
from studio.gui.models.groups import Group, GroupList, GroupModel
from studio.gui.models.pictures import PictureEntry, PictureModel
from studio.gui.pages.footage_panel import FootagePanel
from studio.gui.pages.inclusion import Inclusion
from studio.gui.pages.page import Page
from studio.gui.session import Session
from studio.gui.widgets.basics import EmptyState, PageHeader
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.picture_list import PictureList
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.show_bar import ShowBar
from studio.pipeline.views import footage_cache, footage_file
from studio.project.records import Changed, FootageRecord
from studio.vocabulary.frames import Layers

_TOUCHES = Changed(footage=True)
_VIDEOS = "Videos (*.mp4 *.avi *.mkv *.mov *.mpg *.mpeg *.m4v)"
_ALL = ""


class FootagePage(Page):
    """Left: patients; middle: their frames; right: the chosen frame and what can be done."""

    title = "Footage"
    icon_name = "footage"
    rows = (
        Action("footage.add_folder", "Add folder…", "Add the pictures and videos of a folder; they stay where they lie",
               "add_folder", shortcut="Ctrl+Shift+O", icon="folder", needs="project", page="Footage"),
        Action("footage.add_videos", "Add videos…", "Add videos, one frame every few seconds; they stay where they lie",
               "add_videos", icon="video", needs="project", page="Footage"),
        Action("footage.screen", "Screen", "Find blank, blurred, duplicate and out-of-body frames and leave them out;"
               " your own decisions stay", "screen_footage", shortcut="Ctrl+R", icon="filter", needs="project",
               page="Footage"),
        Action("footage.phantom", "Stand-in footage…", "Render stand-in footage (a phantom, not real) for trying things"
               " out, with labelled test patients", "show_phantom", icon="cube", needs="project", page="Footage"),
        Action("footage.compare", "Compare with other footage…", "Lay brightness, colour, gradients and noise of the"
               " project's footage beside those of a folder of frames or videos, on a page", "compare_footage",
               icon="chart", needs="project", page="Footage"),
        Action("footage.include", "Include", "The selected frames take part in training", "include", shortcut="A",
               icon="check", needs="project", page="Footage"),
        Action("footage.exclude", "Leave out", "The selected frames take no part in training; no file is touched",
               "exclude", shortcut="X", icon="cross", needs="project", page="Footage"),
        Action("footage.areas", "Show image areas", "Draw the ring of the endoscope's round image on each frame",
               "toggle_areas", shortcut="R", icon="outline", needs="project", page="Footage", checkable=True),
        Action("footage.look", "Look at the frame", "Show the chosen frame large, to zoom in and read its pixels",
               "look", shortcut="Space", icon="zoom", needs="project", page="Footage"),
        Action("footage.close", "Close the picture", "Give the grid the whole page again", "close_picture",
               shortcut="Escape", icon="close", needs="project", page="Footage"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self._records: dict[int, FootageRecord] = {}
        self.groups = GroupModel(self)
        self.patients = GroupList(self.groups, "Patients")
        self.model = PictureModel(session.project.cache / "thumbnails", self)
        self.grid = PictureList()
        self.grid.setModel(self.model)
        self.grid.setAccessibleName("Footage frames")
        self.view = PictureView()
        self.view.hide()
        self._background = Background(self, threads=1, depth=1)
        self.shown = ShowBar(
            [("all", "All"), ("in", "Included"), ("out", "Left out")], self.grid, actions.button("footage.areas")
        )
        self.panel = FootagePanel(session, actions)
        self._build()
        session.jobs.ended.connect(self._job_ended)
        self.patients.selectionModel().currentChanged.connect(self._fill)
        self.shown.changed.connect(self._fill)
        self.grid.selectionModel().selectionChanged.connect(self._selected)
        self.grid.activated.connect(lambda _index: self.look())
        actions.qaction("footage.areas").setChecked(True)

    def _build(self) -> None:
        button = self.action_table.button
        self.header = PageHeader(
            "Footage", button("footage.add_folder"), button("footage.add_videos"),
            button("footage.screen", role="primary"),
        )  # fmt: skip
        empty = EmptyState(
            "footage", "No footage yet",
            "Footage is what the translator learns the look of real surgery from. Add folders of frames or videos"
            " without labels; or drop them here. Without any at hand, render a stand-in to try things out.",
            button("footage.add_folder", role="primary"), button("footage.add_videos"), button("footage.phantom"),
        )  # fmt: skip
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        pictures = QSplitter(Qt.Orientation.Vertical)
        pictures.addWidget(self.view)
        pictures.addWidget(self.grid)
        pictures.setSizes([500, 300])
        pictures.setChildrenCollapsible(False)
        layout.addWidget(pictures, 1)
        layout.addWidget(self.shown)
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(self.patients)
        body.addWidget(middle)
        body.setStretchFactor(1, 1)
        body.setSizes([208, 900])
        self.stack = QStackedWidget()
        self.stack.addWidget(empty)
        self.stack.addWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addWidget(self.stack, 1)

    def activated(self) -> None:
        self.grid.setFocus()

    # -- showing

    def refresh(self, changed: Changed) -> None:
        if not changed.footage:
            return
        records = self.session.project.footage.all()
        self._records = {r.id: r for r in records}
        self.stack.setCurrentIndex(1 if records else 0)
        for action_id in ("footage.screen", "footage.compare", "footage.include", "footage.exclude"):
            self.action_table.allow(action_id, bool(records))
        included = sum(r.included for r in records)
        stand_in = "contains stand-in footage (not real)" if self.session.project.setting("stand_in", False) else ""
        self.header.set_facts(
            amounts.count(len(records), "frames"), f"{included:,} included", f"{len(records) - included:,} left out",
            stand_in,
        )  # fmt: skip
        chosen = self.patients.chosen()
        self.groups.set_groups(_groups(records))
        self.patients.choose(chosen)
        self._fill()

    def _fill(self) -> None:
        patient, state = self.patients.chosen(), self.shown.chosen
        rings = self.action_table.qaction("footage.areas").isChecked()
        cache = footage_cache(self.session.project)
        shown = [
            _entry(r, cache, rings=rings)
            for r in self._records.values()
            if patient in (_ALL, r.patient) and state in ("all", "in" if r.included else "out")
        ]
        self.model.set_entries(shown)
        self.shown.set_count(amounts.count(len(shown), "frames"))
        self._selected()

    def _selected(self) -> None:
        ids = self.grid.selected_ids()
        records = [self._records[i] for i in ids if i in self._records]
        self.panel.show_records(records, footage_cache(self.session.project))
        if self.view.isVisible():
            self._show_large(records)

    def look(self) -> None:
        """Show the chosen frame large; it follows the choice until it is closed."""
        self.view.setVisible(True)
        self._selected()

    def close_picture(self) -> None:
        self.view.setVisible(False)
        self.grid.setFocus()

    def _show_large(self, records: Sequence[FootageRecord]) -> None:
        if not records:
            self.view.set_state(None, "Choose a frame")
            return
        record, cache = records[0], footage_cache(self.session.project)
        self._background.ask(
            record.id, lambda: load_footage_image(footage_file(record), cache), lambda f: self._arrived(record.id, f)
        )

    def _arrived(self, record_id: int, found: object) -> None:
        if self.grid.selected_ids()[:1] != [record_id]:
            return
        if isinstance(found, np.ndarray):
            self.view.set_state(PictureState(Layers(found)))
        else:
            self.view.set_state(None, str(found))

    def inspector(self) -> QWidget:
        return self.panel

    def project_closed(self) -> None:
        self.model.close()
        self._background.forget()
        self.session.jobs.ended.disconnect(self._job_ended)
        self.panel.close_threads()

    # -- doing

    def add_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add footage from a folder", str(Path.home()))
        if name:
            self.add_paths([name])

    def add_videos(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Add videos", str(Path.home()), _VIDEOS)
        if names:
            self.add_paths(names)

    def add_paths(self, paths: list[str]) -> None:
        every = self.panel.every.value()
        argv = ["footage", "add", str(self.session.project.folder), *paths, "--every", f"{every:g}"]
        self.session.start(f"Add footage: {Path(paths[0]).name}", argv, touches=_TOUCHES)

    def dropped(self, paths: list[str]) -> bool:
        self.add_paths(paths)
        return True

    def screen_footage(self) -> None:
        self.session.start("Screen footage", ["footage", "screen", str(self.session.project.folder)], touches=_TOUCHES)

    def compare_footage(self) -> None:
        """Compare with a folder of other footage as a job; its page lies in the project."""
        name = QFileDialog.getExistingDirectory(self, "Compare with the footage in a folder", str(Path.home()))
        if not name:
            return
        folder = self.session.project.folder
        report = next(p for k in range(1, 2**20) if not (p := folder / "reports" / f"likeness-{k}").exists())
        argv = ["footage", "compare", str(folder), name, "--report", str(report)]
        argv += ["--every", f"{self.panel.every.value():g}"]
        self.session.start(f"Compare with footage: {Path(name).name}", argv, touches=Changed())

    def _job_ended(self, job: WindowJob) -> None:
        if job.argv[:2] != ("footage", "compare") or job.state != "done":
            return
        page = QUrl.fromLocalFile(str(job.result["report"]))
        words = f"Mean overlap of the distributions: {job.result['mean']:.2f} of 1. The page shows each of them."
        self.session.ask(words, [("Open page", "primary", lambda: _open(page)), ("Later", "", None)])

    def show_phantom(self) -> None:
        self.session.inspector_wanted.emit()
        self.panel.show_phantom_form()

    def include(self) -> None:
        self._decide(True)

    def exclude(self) -> None:
        self._decide(False)

    def _decide(self, included: bool) -> None:
        chosen = [self._records[i] for i in self.grid.selected_ids() if self._records[i].included != included]
        if chosen:
            self.session.undo_stack.push(Inclusion(self.session, chosen, included))
        row = self.grid.currentIndex().row()
        if len(self.grid.selected_ids()) == 1 and row + 1 < self.model.rowCount():
            self.grid.setCurrentIndex(self.model.index(row + 1))

    def toggle_areas(self) -> None:
        self._fill()


def _open(page: QUrl) -> None:
    QDesktopServices.openUrl(page)


def _groups(records: list[FootageRecord]) -> list[Group]:
    total, included = Counter(r.patient for r in records), Counter(r.patient for r in records if r.included)
    everyone = Group(_ALL, "All patients", f"{len(records):,}", f"{sum(included.values()):,} included")
    return [everyone] + [
        Group(
            p,
            p,
            f"{n:,}",
            f"{included[p]:,} included" if included[p] else "none included",
            "" if included[p] else "warning",
        )
        for p, n in sorted(total.items())
    ]


def _entry(record: FootageRecord, cache: Path, *, rings: bool) -> PictureEntry:
    from studio.footage.readers import load_footage_image

    file = footage_file(record)
    time = f" at {amounts.duration(record.seconds)}" if record.seconds is not None else ""
    why = record.reason or "by you"
    return PictureEntry(
        id=record.id, caption=record.name, key=f"footage {record.path} {record.seconds}",
        load=lambda: load_footage_image(file, cache), tip=f"{record.patient}: {record.name}{time}",
        note="" if record.included else why, dimmed=not record.included, marked=record.decided_by == "person",
        area=record.area if rings else None,
    )  # fmt: skip
