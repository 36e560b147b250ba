"""The page Train: runs, the samples and curves of the chosen one, and the form of a new one."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.gui import amounts
from studio.gui.actions import Action, ActionTable
from studio.gui.jobs import ALIVE, WindowJob
from studio.gui.models.background import Background
from studio.gui.models.groups import Group, GroupList, GroupModel
from studio.gui.models.metrics import Rows, RunMetrics
from studio.gui.pages.page import Page
from studio.gui.pages.train_form import TrainForm
from studio.gui.session import Session
from studio.gui.widgets.basics import EmptyState, PageHeader
from studio.gui.widgets.sample_panel import SamplePanel
from studio.pipeline.views import sample_pictures
from studio.project.project import Project
from studio.project.records import Changed, RunRecord

_TOUCHES = Changed(runs=True)
_POLL_MS = 500
_TONES = {"done": "good", "stopped": "warning", "failed": "danger", "interrupted": "warning"}
_WORDS = {"new": "not started", "running": "running", "stopped": "stopped, can be resumed", "done": "done",
          "failed": "failed, can be resumed", "interrupted": "interrupted, can be resumed"}  # fmt: skip


class TrainPage(Page):
    """Reads the run's own files as they grow, so a run that was started elsewhere is shown like any other."""

    title = "Train"
    icon_name = "train"
    rows = (
        Action("train.start", "Start training", "Train a translator on the scenes and the included footage", "start",
               shortcut="Ctrl+Return", icon="play", needs="project", page="Train"),
        Action("train.resume", "Resume run", "Go on with the chosen run from where it was stopped", "resume",
               shortcut="Ctrl+Shift+Return", icon="resume", needs="project", page="Train"),
        Action("train.previous", "Previous samples", "Go one step of samples back", "previous_sample", shortcut=",",
               icon="left", needs="project", page="Train"),
        Action("train.next", "Next samples", "Go one step of samples on", "next_sample", shortcut=".",
               icon="right", needs="project", page="Train"),
    )  # fmt: skip

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        from studio.gui.widgets.curves import Curves  # the plotting library is not needed for the first paint

        self._metrics: RunMetrics | None = None
        self._missing = ""
        self._background = Background(self)
        self.groups = GroupModel(self)
        self.runs = GroupList(self.groups, "Runs")
        self.samples = SamplePanel()
        self.curves = Curves()
        self.form = TrainForm()
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self.runs.selectionModel().currentChanged.connect(self._chosen)
        self.samples.step_shown.connect(self.curves.mark_step)
        self.form.changed.connect(self._allow)
        session.jobs.updated.connect(self._job_updated)
        session.jobs.ended.connect(self._job_updated)

    def _build(self) -> None:
        button = self.action_table.button
        self._pause = self.action_table.tool_button("job.pause")
        self._stop = self.action_table.tool_button("job.stop")
        self._resume = button("train.resume")
        self.header = PageHeader(
            "Train", self._pause, self._stop, self._resume, button("train.start", role="primary")
        )  # fmt: skip
        self.empty = EmptyState(
            "train", "No run yet",
            "A translator learns to make simulated frames look like the footage while every organ stays in its place."
            " Choose a preset at the right and start; the window stays free while it trains.",
            button("train.start", role="primary"),
        )  # fmt: skip
        middle = QSplitter(Qt.Orientation.Vertical)
        middle.addWidget(self.samples)
        middle.addWidget(self.curves)
        middle.setStretchFactor(0, 3)
        middle.setStretchFactor(1, 2)
        middle.setSizes([400, 240])
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(self.runs)
        body.addWidget(middle)
        body.setStretchFactor(1, 1)
        body.setSizes([200, 900])
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addWidget(self.stack, 1)

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
        self._background.forget()
        self.samples.close_threads()

    # -- showing

    @property
    def last_step(self) -> int:
        """The last step whose losses are shown."""
        return self._metrics.last_step if self._metrics else 0

    def refresh(self, changed: Changed) -> None:
        if changed.scenes or changed.footage:
            self._missing = _missing(self.session.project)
        if changed.runs:
            records = self.session.project.runs.all("translator")
            chosen = self.runs.chosen() or (records[-1].name if records else "")
            self.groups.set_groups([self._group(r) for r in reversed(records)])
            self.stack.setCurrentIndex(1 if records else 0)
            if records:
                self.runs.choose(chosen)
            if not self.form.name.text():
                self.form.name.setText(self.session.project.runs.free_name("translator", "run"))
        self._allow()

    def _group(self, run: RunRecord) -> Group:
        state = self._state(run)
        iterations = run.settings.get("iterations", 0)
        return Group(
            run.name, run.name, f"{iterations:,} it", _WORDS[state], _TONES.get(state, ""), f"Made {run.created}"
        )

    def _state(self, run: RunRecord) -> str:
        """A run that says it runs while no job of this window does was cut off."""
        if run.state == "running" and self._job_of(run.name) is None:
            return "interrupted"
        return run.state

    def _job_of(self, name: str) -> WindowJob | None:
        for job in self.session.jobs.jobs:
            trains = job.argv[:2] == ("translator", "train") or job.argv[:1] == ("demo",)
            if job.state in ALIVE and trains and (name in job.argv or job.argv[0] == "demo"):
                return job
        return None

    def _run(self) -> RunRecord | None:
        name = self.runs.chosen()
        return self.session.project.runs.find("translator", name) if name else None

    def _chosen(self) -> None:
        run = self._run()
        self._metrics = None if run is None else RunMetrics(run.folder)
        self.curves.show_series({})
        self._allow()
        self._poll()

    def _poll(self) -> None:
        run, metrics = self._run(), self._metrics
        if run is None or metrics is None:
            return
        self.samples.show_samples(sample_pictures(run.folder))
        if metrics.behind() and not self._background.is_asked(run.name):
            self._background.ask(run.name, metrics.next_rows, lambda rows: self._arrived(metrics, rows))
        self._show_facts(run)

    def _arrived(self, metrics: RunMetrics, rows: object) -> None:
        if metrics is not self._metrics or not isinstance(rows, Rows):
            return
        if metrics.take(rows):
            self.curves.show_series(metrics.series)
            QTimer.singleShot(0, self._poll)  # a long run's file is read piece by piece

    def _show_facts(self, run: RunRecord) -> None:
        done, total = self.last_step, int(run.settings.get("iterations", 0))
        job = self._job_of(run.name)
        left = ""
        if job is not None and job.argv[0] != "demo":
            if job.seconds_left is not None:
                left = f"{amounts.duration(job.seconds_left)} left"
            if job.rate and job.progress is not None:
                left = f"{amounts.rate(job.rate, 'it')}   ·   {left}"
        words = {"paused": "paused", "stopping": "stopping at the next step"}.get(job.state if job else "", "")
        self.header.set_facts(
            run.name, words or _WORDS[self._state(run)], f"step {done:,} of {total:,}" if done else "", left
        )

    def _job_updated(self, _job: object) -> None:
        if self.isVisible():
            self._allow()

    def _allow(self) -> None:
        run = self._run()
        job = None if run is None else self._job_of(run.name)
        resumable = run is not None and job is None and run.state in ("stopped", "failed", "running", "new")
        self.action_table.allow("train.resume", resumable)
        self._resume.setVisible(resumable)
        self._pause.setVisible(job is not None)
        self._stop.setVisible(job is not None)
        self.action_table.allow("train.start", not self._missing and not self.form.problem)
        if self._missing:
            self.header.set_facts(self._missing)

    # -- doing

    def start(self) -> None:
        project = self.session.project
        name = project.runs.free_name("translator", self.form.name.text().strip() or "run")
        argv = ["translator", "train", str(project.folder), "--name", name, "--preset", self.form.preset]
        for key, value in self.form.overrides().items():
            argv += ["--set", f"{key}={value}"]
        resume = ["translator", "train", str(project.folder), "--name", name, "--resume"]
        self.session.start(f"Train {name}", argv, touches=_TOUCHES, resume_argv=resume)
        self.form.name.clear()
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

    def previous_sample(self) -> None:
        self.samples.slider.setValue(self.samples.slider.value() - 1)

    def next_sample(self) -> None:
        self.samples.slider.setValue(self.samples.slider.value() + 1)


def _missing(project: Project) -> str:
    """What has to be there before anything can be trained, or ""."""
    if project.scenes.frame_count() == 0:
        return "First simulate or add scenes on the page Scenes."
    if not project.footage.all(included_only=True):
        return "First add footage on the page Footage."
    return ""
