"""The page Train: runs, the samples and curves of those that are chosen, and the form of a new one."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.gui.actions import Action, ActionTable
from studio.gui.jobs import ALIVE, WindowJob
from studio.gui.models.catalogue_reader import CatalogueReader
from studio.gui.models.groups import Group
from studio.gui.pages.page import Page
from studio.gui.pages.train_edits import DeleteRun, RenameRun, deletion_question
from studio.gui.pages.train_form import TrainForm
from studio.gui.pages.train_jobs import missing, names_run, pace
from studio.gui.pages.train_menus import open_comparison, open_trash
from studio.gui.pages.train_view import RunView
from studio.gui.session import Session
from studio.gui.widgets.basics import EmptyState, PageHeader, column, holder, row
from studio.gui.widgets.run_list import RUN_COLOURS, RunList, RunModel
from studio.pipeline.runs import complete_settings, hanging_on
from studio.project.records import Changed, RunRecord
from studio.translator.settings import TrainSettings

_TOUCHES = Changed(runs=True)
_POLL_MS = 500
_TONES = {"done": "good", "stopped": "warning", "failed": "danger", "interrupted": "warning"}
_WORDS = {"new": "not started", "running": "running", "stopped": "stopped, can be resumed", "done": "done",
          "failed": "failed, can be resumed", "interrupted": "interrupted, can be resumed"}  # fmt: skip
_FROM_THE_FORM = ("train.start", "train.resume", "train.clone", "train.compare")
"""Their keys work while the focus is in the form, too; those of the others mean something else there."""
_OF_A_RUN = ("train.resume", "train.clone", "train.compare", "train.rename", "train.delete")


class TrainPage(Page):
    """One run is looked at, several are compared. A run that was started elsewhere is shown like any other."""

    title = "Train"
    icon_name = "train"
    rows = (
        Action("train.start", "Start training", "Train a new translator on the scenes and the included footage, with "
               "the settings at the right", "start", shortcut="Ctrl+Return", icon="play", needs="project",
               page="Train"),
        Action("train.resume", "Resume run", "Go on with the chosen run from where it was stopped", "resume",
               shortcut="Ctrl+Shift+Return", icon="resume", needs="project", page="Train"),
        Action("train.clone", "Clone with changes", "Take the chosen run's settings into the form at the right, to "
               "train a new run with your changes. The chosen run stays as it is", "clone", shortcut="Ctrl+D",
               icon="copy", needs="project", page="Train"),
        Action("train.compare", "Compare runs", "Lay up to four runs side by side: samples at the same step, losses "
               "over one another, settings that differ", "compare", shortcut="Ctrl+Shift+C", icon="difference",
               needs="project", page="Train"),
        Action("train.rename", "Rename run", "Give the chosen run another name; its palettes and translations follow",
               "rename", shortcut="F2", icon="edit", needs="project", page="Train"),
        Action("train.delete", "Delete run", "Move the chosen run to the project's trash; what was made with it stays",
               "delete", shortcut="Delete", icon="trash", needs="project", page="Train"),
        Action("train.restore", "Put back a deleted run", "Take a run out of the project's trash, with all its files",
               "restore", icon="undo", needs="project", page="Train"),
        Action("train.previous", "Previous samples", "Go one step of samples back", "previous_sample", shortcut=",",
               icon="left", needs="project", page="Train"),
        Action("train.next", "Next samples", "Go one step of samples on", "next_sample", shortcut=".",
               icon="right", needs="project", page="Train"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self._missing = ""
        self._moved: dict[str, str] = {}
        self._returned = ""
        self.groups = RunModel(self)
        self.runs = RunList(self.groups)
        self.view = RunView()
        self._reader = CatalogueReader(session.project.folder, self)
        self.form = TrainForm()
        for name in _FROM_THE_FORM:
            self.form.addAction(actions.qaction(name))
        self.compare_menu, self.trash_menu = QMenu(self), QMenu(self)
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self.runs.selection_changed.connect(self._selected)
        self.groups.rename_wanted.connect(self._rename)
        self.view.grown.connect(self._show_facts)
        self.form.changed.connect(self._allow)
        session.jobs.updated.connect(self._job_updated)
        session.jobs.ended.connect(self._job_updated)

    def _build(self) -> None:
        button = self.action_table.button
        self._pause = self.action_table.tool_button("job.pause")
        self._stop = self.action_table.tool_button("job.stop")
        self._resume = button("train.resume")
        self._restore, self._restore_here = self.action_table.tool_button("train.restore"), button("train.restore")
        self.header = PageHeader(
            "Train", self._pause, self._stop, self._resume, button("train.start", role="primary")
        )  # fmt: skip
        self.empty = EmptyState(
            "train", "No run yet",
            "A translator learns to make simulated frames look like the footage while every organ stays in its place."
            " Choose a preset at the right and start; the window stays free while it trains.",
            button("train.start", role="primary"), self._restore_here,
        )  # fmt: skip
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(self._side())
        body.addWidget(self.view)
        body.setStretchFactor(1, 1)
        body.setSizes([208, 900])
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addWidget(self.stack, 1)

    def _side(self) -> QWidget:
        """The list of runs, and below it what can be done with the chosen one."""
        names = ("train.compare", "train.clone", "train.rename", "train.delete")
        bar = row(*(self.action_table.tool_button(name) for name in names), None, self._restore, spacing=4)
        for name in ("train.resume", *names, "train.restore"):
            self.runs.menu.addAction(self.action_table.qaction(name))
        side = holder(column(self.runs, holder(bar, margin=4), spacing=0))
        side.setMinimumWidth(160)
        return side

    def inspector(self) -> QWidget:
        return self.form

    def activated(self) -> None:
        self.runs.setFocus()
        self._timer.start()
        self._poll()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    def project_closed(self) -> None:
        self._timer.stop()
        self._reader.close()
        self.view.close_threads()

    # -- showing

    @property
    def last_step(self) -> int:
        """The last step of the chosen run whose losses are shown."""
        return self.view.last_step(self.runs.chosen())

    def refresh(self, changed: Changed) -> None:
        if changed.scenes or changed.footage:
            self._missing = missing(self.session.project)
        if changed.runs:
            self._list_runs()
            if not self.form.name.text():
                self.form.name.setText(self.session.project.runs.free_name("translator", self.form.original or "run"))
        self._allow()

    def _list_runs(self) -> None:
        """Show the runs there are; those that were selected stay so, also under another name."""
        records = self.session.project.runs.all("translator")
        selected = [self._moved.get(name, name) for name in self.runs.selected()]
        chosen = self.runs.chosen() or (records[-1].name if records else "")
        chosen = self._moved.get(chosen, chosen)
        if self._returned:
            selected, chosen = [], self._returned
        self._moved, self._returned = {}, ""
        trashed = bool(self.session.project.run_moves.trashed())
        self.action_table.allow("train.restore", trashed)
        for widget in (self._restore, self._restore_here):
            widget.setVisible(trashed)
        self.groups.set_groups([self._group(r, selected) for r in reversed(records)])
        self.stack.setCurrentIndex(1 if records else 0)
        if records:
            self.runs.select(selected, chosen)
        else:
            self.view.show_runs(())

    def _group(self, run: RunRecord, selected: list[str]) -> Group:
        state = self._state(run)
        iterations = run.settings.get("iterations", 0)
        compared = dict(zip(selected, RUN_COLOURS, strict=False)) if len(selected) > 1 else {}
        return Group(
            run.name, run.name, f"{iterations:,} it", _WORDS[state], _TONES.get(state, ""),
            f"{run.name}\nmade {run.created}\n{_WORDS[state]}", compared.get(run.name, ""),
        )  # fmt: skip

    def _state(self, run: RunRecord) -> str:
        """A run that says it runs while no job of this window does was cut off."""
        if run.state == "running" and self._job_of(run.name) is None:
            return "interrupted"
        return run.state

    def _job_of(self, name: str) -> WindowJob | None:
        """The job that trains a run now."""
        for job in self.session.jobs.jobs:
            trains = job.argv[:2] == ("translator", "train") or job.argv[:1] == ("demo",)
            if job.state in ALIVE and trains and names_run(job, name, ("--name",)):
                return job
        return None

    def _run(self) -> RunRecord | None:
        name = self.runs.chosen()
        return self.session.project.runs.find("translator", name) if name else None

    def _selected(self) -> None:
        """The selection has changed, or the list was filled anew."""
        names = self.runs.selected()
        found = [self.session.project.runs.find("translator", name) for name in names]
        self.view.show_runs([run for run in found if run is not None])
        records = self.session.project.runs.all("translator")
        self.groups.set_groups([self._group(r, names) for r in reversed(records)])
        if len(names) > len(RUN_COLOURS):
            self.session.say(f"At most {len(RUN_COLOURS)} runs are compared: the oldest of those that are selected.")
        if self.view.comparing:
            self._reader.ask("made", lambda p: p.translations.of_runs(), self._translated)
        self._allow()
        self._show_facts()

    def _translated(self, made: object) -> None:
        if isinstance(made, dict):
            self.view.show_translated(made)

    def _poll(self) -> None:
        self.view.poll()
        self._show_facts()

    def _show_facts(self) -> None:
        run = self._run()
        if run is None or self._missing:
            self.header.set_facts(self._missing)
            return
        names = self.runs.selected()[: len(RUN_COLOURS)]
        if len(names) > 1:
            others = ", ".join(n for n in names if n != run.name)
            self.header.set_facts(f"{run.name} compared with {others}")
            return
        done, total = self.view.last_step(run.name), int(run.settings.get("iterations", 0))
        job = self._job_of(run.name)
        words = {"paused": "paused", "stopping": "stopping at the next step"}.get(job.state if job else "", "")
        self.header.set_facts(
            run.name, words or _WORDS[self._state(run)], f"step {done:,} of {total:,}" if done else "", pace(job)
        )

    def _job_updated(self, _job: object) -> None:
        if self.isVisible():
            self._allow()

    def _allow(self) -> None:
        run = self._run()
        job = None if run is None else self._job_of(run.name)
        resumable = run is not None and job is None and run.state in ("stopped", "failed", "running", "new")
        for name in _OF_A_RUN:
            self.action_table.allow(name, run is not None)
        self.action_table.allow("train.resume", resumable)
        self.action_table.allow("train.compare", self.groups.rowCount() > 1)
        self._resume.setVisible(resumable)
        self._pause.setVisible(job is not None)
        self._stop.setVisible(job is not None)
        self.action_table.allow("train.start", not self._missing and not self.form.problem)
        if self._missing:
            self.header.set_facts(self._missing)

    # -- doing

    def start(self) -> None:
        project, form = self.session.project, self.form
        form.take_up_typing()
        if form.problem:
            return
        name = project.runs.free_name("translator", form.name.text().strip() or "run")
        base = ["--like", form.original] if form.original else ["--preset", form.preset]
        argv = ["translator", "train", str(project.folder), "--name", name, *base]
        for key, value in form.overrides().items():
            argv += ["--set", f"{key}={value}"]
        resume = ["translator", "train", str(project.folder), "--name", name, "--resume"]
        self.session.start(f"Train {name}", argv, touches=_TOUCHES, resume_argv=resume)
        form.name.clear()
        self._wait_for(name)

    def _wait_for(self, name: str) -> None:
        """Choose the new run as soon as the child has made it."""

        def look(changed: Changed) -> None:
            if changed.runs and self.session.is_open and self.session.project.runs.find("translator", name):
                self.session.changed.disconnect(look)
                self.runs.choose(name)

        self.session.changed.connect(look)

    def resume(self) -> None:
        run = self._run()
        if run is not None:
            argv = ["translator", "train", str(self.session.project.folder), "--name", run.name, "--resume"]
            self.session.start(f"Train {run.name}", argv, touches=_TOUCHES)

    def clone(self) -> None:
        run = self._run()
        if run is None:
            return
        with self.session.reporting():
            self.form.take_run(run.name, TrainSettings.from_values(complete_settings(run)))
            self.form.name.setText(self.session.project.runs.free_name("translator", run.name))
            self.session.inspector_wanted.emit()
            self.form.name.setFocus()
            self.form.name.selectAll()

    def compare(self) -> None:
        """Offer the other runs beside the list; they can be ticked by mouse and keyboard."""
        chosen = self.runs.chosen()
        beside = self.runs.visualRect(self.runs.currentIndex()).topRight()
        open_comparison(
            self.compare_menu, self.runs.viewport().mapToGlobal(beside), names=self.runs.names(), chosen=chosen,
            selected=self.runs.selected(), toggle=self._toggle_compared, stop=lambda: self.runs.choose(chosen),
        )  # fmt: skip

    def _toggle_compared(self, name: str) -> None:
        selected = self.runs.selected()
        kept = [n for n in selected if n != name] if name in selected else [*selected, name]
        self.runs.select(kept, self.runs.chosen())

    def rename(self) -> None:
        if self._run() is not None and self._is_free(self.runs.chosen()):
            self.runs.setFocus()
            self.runs.rename()

    def _rename(self, name: str, new: str) -> None:
        if self.session.is_open and self._is_free(name):  # the field may outlive the project by a moment
            self.session.undo_stack.push(RenameRun(self.session, name, new, self._follow))

    def delete(self) -> None:
        """Ask in place, and say what was made with the run."""
        run = self._run()
        if run is not None and self._is_free(run.name):
            question = deletion_question(run.name, hanging_on(self.session.project, run.name))
            keep = ("Keep it", "", self.runs.setFocus)
            self.session.ask(question, [keep, ("Delete", "primary", lambda: self._delete(run.name))])

    def _delete(self, name: str) -> None:
        if self.session.is_open and self._is_free(name):
            self.session.undo_stack.push(DeleteRun(self.session, name, self._follow))
            self.runs.setFocus()

    def restore(self) -> None:
        """Offer the runs in the trash."""
        beside = self._restore if self._restore.isVisible() else self._restore_here
        place = beside.mapToGlobal(beside.rect().topRight())
        open_trash(self.trash_menu, place, names=self.session.project.run_moves.trashed(), put_back=self._put_back)

    def _put_back(self, name: str) -> None:
        with self.session.reporting():
            self._follow("", self.session.project.run_moves.restore(name).name)
            self.session.edited(Changed(runs=True))
            self.session.say(f"The run “{name}” is back.")

    def _is_free(self, name: str) -> bool:
        """Whether no job works with a run, or waits to; else say so."""
        jobs = [j for j in self.session.jobs.jobs if j.state in (*ALIVE, "waiting") and names_run(j, name)]
        if jobs:
            self.session.say(f"“{jobs[0].title}” works with the run “{name}”: stop it first, or wait.", "warning")
        return not jobs

    def _follow(self, before: str, after: str) -> None:
        """A run goes by another name, is gone, or is back: selection and form go along."""
        if before and after:
            self._moved[before] = after
        elif after:
            self._returned = after
        self.form.original_moved(before, after)

    def previous_sample(self) -> None:
        self.view.samples.slider.setValue(self.view.samples.slider.value() - 1)

    def next_sample(self) -> None:
        self.view.samples.slider.setValue(self.view.samples.slider.value() + 1)
