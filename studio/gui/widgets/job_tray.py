"""The jobs at the bottom: one line for what runs, and behind it the list of all with their logs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui import amounts
from studio.gui.icons import icon
from studio.gui.jobs import ALIVE, JobQueue, WindowJob
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, column, holder, label, row, scrolled, set_role

_STATES = {
    "waiting": ("Waiting", "muted"), "running": ("Running", ""), "paused": ("Paused", "warning"),
    "stopping": ("Stopping at the next step…", "warning"), "done": ("Done", "good"),
    "stopped": ("Stopped", "warning"), "failed": ("Failed", "danger"),
}  # fmt: skip
_PANEL_HEIGHT = 260
_BAR_STEPS = 1000


def progress_words(job: WindowJob) -> str:
    """Done of total, rate and time left, as far as they are known."""
    parts = []
    progress = job.progress
    if progress is not None and progress.total > 0:
        if progress.unit:
            parts.append(f"{amounts.count(progress.done)} / {amounts.count(progress.total, progress.unit)}")
        else:
            parts.append(f"{100 * progress.done / progress.total:.0f} %")
    if job.state == "running":
        if job.rate and progress is not None and progress.unit:
            parts.append(amounts.rate(job.rate, progress.unit))
        if job.seconds_left is not None:
            parts.append(f"{amounts.duration(job.seconds_left)} left")
    elif job.state in ("done", "stopped", "failed"):
        parts.append(f"after {amounts.duration(job.seconds)}")
    return "   ·   ".join(parts)


class JobRow(QWidget):
    """One job: title, stage, bar, figures and the buttons that make sense in its state. A click chooses it."""

    chosen = Signal(object)

    def __init__(self, queue: JobQueue, job: WindowJob) -> None:
        super().__init__()
        self.queue, self.job = queue, job
        self.title = label(job.title, "strong")
        self.stage = ElidedLabel("", "muted")
        self.figures = label("", "muted")
        self.figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(180)
        self.pause = self._button("pause", "Halt at the next step, or go on", self._pause)
        self.stop = self._button("stop", "End at the next step; pressed again: end at once", self._stop)
        self.again = QPushButton("Resume")
        self.again.setToolTip("Go on from where it was")
        self.again.clicked.connect(lambda: self.queue.resume(self.job))
        self.gone = self._button("close", "Take off the list", lambda: self.queue.remove(self.job))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, UNIT // 2, UNIT, UNIT // 2)
        layout.setSpacing(UNIT + 4)
        for widget in (self.title, self.stage, self.figures, self.bar, self.pause, self.stop, self.again, self.gone):
            layout.addWidget(widget, 1 if widget is self.stage else 0)
        self.show_job()

    def _button(self, icon_name: str, tip: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(icon_name))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(act)
        return button

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self.job)

    def mark(self, chosen: bool) -> None:
        """Show that this job's log is the one in sight."""
        set_role(self.title, "accent" if chosen else "strong")

    def _pause(self) -> None:
        self.queue.pause_or_resume(self.job)

    def _stop(self) -> None:
        self.queue.stop(self.job)

    def show_job(self) -> None:
        job = self.job
        state, role = _STATES[job.state]
        stage = job.progress.stage if job.progress is not None else ""
        if job.state == "waiting" and job.after is not None and job.after.state != "done":
            state = f"Waiting for “{job.after.title}”"
        self.stage.setText(job.message or (stage or state if job.state == "running" else state))
        self.stage.setToolTip(job.message or job.command)
        set_role(self.stage, role or "muted")
        self.figures.setText(progress_words(job))
        share = job.share
        self.bar.setVisible(job.state in ALIVE)
        self.bar.setRange(0, _BAR_STEPS)
        self.bar.setValue(round(_BAR_STEPS * (share or 0)))
        self.pause.setVisible(job.state in ("running", "paused"))
        self.pause.setIcon(icon("resume" if job.state == "paused" else "pause"))
        self.stop.setVisible(job.state in (*ALIVE, "waiting"))
        self.stop.setToolTip("End it at once" if job.state == "stopping" else "End at the next step")
        self.again.setVisible(job.can_resume)
        self.again.setText("Resume" if job.state == "stopped" else "Try again")
        self.gone.setVisible(job.state in ("done", "stopped", "failed"))


class JobTray(QWidget):
    """Hidden while there never was a job; expanded it lists all jobs and the log of the chosen one."""

    toggled = Signal(bool)

    def __init__(self, queue: JobQueue) -> None:
        super().__init__()
        self.setProperty("role", "tray")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._queue = queue
        self._rows: dict[int, JobRow] = {}
        self._shown: WindowJob | None = None
        self._log_lines = -1
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._command = ElidedLabel("", "small")
        copy = QPushButton(" Copy command")
        copy.setIcon(icon("copy"))
        copy.setToolTip("The command line that does the same in a terminal")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._command.text()))
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(2000)
        self._log.setAccessibleName("Log of the job")
        self.panel = QWidget()
        self._build(copy)
        queue.added.connect(self._added)
        queue.updated.connect(self._updated)
        queue.ended.connect(self._updated)
        queue.removed.connect(self._removed)
        self.hide()
        self.panel.hide()

    def _build(self, copy: QPushButton) -> None:
        self.expander = QToolButton()
        self.expander.setIcon(icon("up"))
        self.expander.setToolTip("All jobs and their logs  (Ctrl+J)")
        self.expander.setAccessibleName("All jobs and their logs")
        self.expander.clicked.connect(lambda: self.set_expanded(not self.panel.isVisible()))
        self._current_place = QHBoxLayout()
        self._current_place.setContentsMargins(0, 0, UNIT, 0)
        self._heading = holder(row(label("Jobs", "heading"), None))
        self._heading.layout().setContentsMargins(2 * UNIT, 0, 0, 0)  # type: ignore[union-attr]
        self._heading.hide()
        self._current_place.addWidget(self._heading, 1)
        self._current_place.addWidget(self.expander)
        self._head: JobRow | None = None
        jobs = scrolled(holder(self._list))
        command_row = QHBoxLayout()
        command_row.setContentsMargins(0, 0, 0, 0)
        command_row.addWidget(self._command, 1)
        command_row.addWidget(copy)
        details = column(spacing=UNIT)
        details.addLayout(command_row)
        details.addWidget(self._log, 1)
        split = QHBoxLayout(self.panel)
        split.setContentsMargins(0, 0, 2 * UNIT, UNIT)
        split.addWidget(jobs, 3)
        split.addLayout(details, 2)
        self.panel.setFixedHeight(_PANEL_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._current_place)
        layout.addWidget(self.panel)

    def set_expanded(self, expanded: bool) -> None:
        self.panel.setVisible(expanded)
        self.setVisible(expanded or bool(self._queue.jobs))
        self.expander.setIcon(icon("down" if expanded else "up"))
        self._heading.setVisible(expanded)
        if self._head is not None:
            self._head.setVisible(not expanded)
        self._show_log()
        self.toggled.emit(expanded)

    def _added(self, job: WindowJob) -> None:
        shown = JobRow(self._queue, job)
        shown.chosen.connect(self._choose)
        self._rows[id(job)] = shown
        self._list.insertWidget(0, shown)
        self.show()
        self._choose_head()

    def _removed(self, job: WindowJob) -> None:
        gone = self._rows.pop(id(job), None)
        if gone is not None:
            gone.hide()
            gone.deleteLater()
        self._choose_head()
        self.setVisible(bool(self._queue.jobs) or self.panel.isVisible())

    def _updated(self, job: WindowJob) -> None:
        shown = self._rows.get(id(job))
        if shown is not None:
            shown.show_job()
        self._choose_head()
        if self._shown is job and self.panel.isVisible():
            self._show_log()

    def _choose_head(self) -> None:
        """The one line shows what runs, else what ended last."""
        job = self._queue.current or (self._queue.jobs[-1] if self._queue.jobs else None)
        if self._head is not None and self._head.job is job:
            self._head.show_job()
            return
        if self._head is not None:
            self._head.deleteLater()
            self._head = None
        if job is not None:
            self._head = JobRow(self._queue, job)
            self._head.setVisible(not self.panel.isVisible())
            self._current_place.insertWidget(0, self._head, 1)
        self._choose(job)

    def _choose(self, job: WindowJob | None) -> None:
        """Show the log and the command line of a job."""
        self._shown = job
        self._log_lines = -1
        for shown in self._rows.values():
            shown.mark(shown.job is job)
        self._show_log()

    def _show_log(self) -> None:
        job = self._shown
        self._command.setText("" if job is None else job.command)
        lines = [] if job is None else list(job.log)
        if len(lines) != self._log_lines:
            self._log_lines = len(lines)
            self._log.setPlainText("\n".join(lines))
            self._log.verticalScrollBar().setValue(self._log.verticalScrollBar().maximum())
