"""Jobs of the window: child processes, each read by a QThread, one running at a time, the others waiting."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from studio.jobs.child import ChildJob, ControlWord
from studio.jobs.control import STOPPED_STATUS
from studio.jobs.events import Done, Event, Metric, Note, Progress
from studio.project.records import Changed

JobState = Literal["waiting", "running", "paused", "stopping", "done", "stopped", "failed"]
ALIVE: tuple[JobState, ...] = ("running", "paused", "stopping")
BATCH_MS = 100
TOUCH_SECONDS = 2.0
"""While a job runs, views are told at most this often that it has touched the project."""
_RATE_WINDOW_SECONDS = 20.0
_LOG_LINES = 2000
_TOUCH_COST_FACTOR = 25
"""Views that take long to refresh are told less often: at most a twenty-fifth of the time goes into it."""


class Child(Protocol):
    """What a supervisor needs of a child process; ChildJob is it."""

    def events(self) -> Iterator[Event]: ...
    def tell(self, word: ControlWord) -> None: ...
    def kill(self) -> None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def log(self) -> tuple[str, ...]: ...
    @property
    def message(self) -> str: ...


Launch = Callable[[Sequence[str], Mapping[str, str]], Child]


def launch_child(argv: Sequence[str], environment: Mapping[str, str]) -> Child:
    return ChildJob(argv, environment=environment)


class Supervisor(QThread):
    """Reads one child's events until it ends; the window takes them in batches."""

    def __init__(self, launch: Callable[[], Child]) -> None:
        super().__init__()  # no parent: Python alone owns it, and lets go of it only after its thread has ended
        self._launch = launch
        self._events: deque[Event] = deque()
        self.child: Child | None = None
        self.failure = ""

    def run(self) -> None:
        try:
            self.child = self._launch()
            for event in self.child.events():
                self._events.append(event)
        except Exception as error:  # the window must hear of it, whatever it is
            self.failure = f"The job's process could not be followed: {error}"

    def batch(self) -> list[Event]:
        """Events since the last call."""
        return [self._events.popleft() for _ in range(len(self._events))]


@dataclass(eq=False)
class WindowJob:
    """One job as the tray shows it. Only the queue changes it."""

    title: str
    argv: tuple[str, ...]
    resume_argv: tuple[str, ...]
    touches: Changed
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)
    after: WindowJob | None = field(repr=False, default=None)
    """A job that must be done before this one may run."""
    state: JobState = "waiting"
    progress: Progress | None = None
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))
    result: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    started: float = 0.0
    seconds: float = 0.0
    _marks: deque[tuple[float, float]] = field(default_factory=deque, repr=False)
    _last_step: int = 0

    @property
    def command(self) -> str:
        """The command line that does the same outside of the window."""
        return shlex.join(["trocar", *self.argv])

    @property
    def can_resume(self) -> bool:
        return self.state in ("stopped", "failed")

    @property
    def share(self) -> float | None:
        """Done of the whole, 0 to 1; None while unknown."""
        if self.progress is None or self.progress.total <= 0:
            return None
        return min(1.0, self.progress.done / self.progress.total)

    @property
    def rate(self) -> float | None:
        """Units per second over the last seconds; None while unknown."""
        if len(self._marks) < 2:
            return None
        (t0, d0), (t1, d1) = self._marks[0], self._marks[-1]
        return (d1 - d0) / (t1 - t0) if t1 > t0 and d1 > d0 else None

    @property
    def seconds_left(self) -> float | None:
        if self.progress is None or not self.rate:
            return None
        return max(0.0, (self.progress.total - self.progress.done) / self.rate)

    def take(self, events: Iterable[Event], now: float) -> None:
        for event in events:
            if isinstance(event, Progress):
                self._take_progress(event, now)
            elif isinstance(event, Note):
                self.log.append(event.text if event.level == "info" else f"{event.level}: {event.text}")
            elif isinstance(event, Metric):
                self._last_step = event.step
            elif isinstance(event, Done):
                self.result = event.result

    def _take_progress(self, progress: Progress, now: float) -> None:
        if self.progress is not None and (progress.total, progress.unit) != (self.progress.total, self.progress.unit):
            self._marks.clear()
        if self.progress is None or progress.stage != self.progress.stage:
            self.log.append(progress.stage or "started")
        self.progress = progress
        self._marks.append((now, progress.done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_WINDOW_SECONDS:
            self._marks.popleft()

    def forget_rate(self) -> None:
        """After a pause the old pace says nothing."""
        self._marks.clear()


class JobQueue(QObject):
    """Runs one job at a time in the order of submission.

    ``updated(job)`` at most ten times a second; ``events(job, [Event])`` with each batch; ``ended(job)`` once a run.
    """

    added = Signal(object)
    updated = Signal(object)
    events = Signal(object, object)
    ended = Signal(object)
    removed = Signal(object)
    touched = Signal(object)
    said = Signal(str, str)

    def __init__(self, launch: Launch = launch_child, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launch = launch
        self.jobs: list[WindowJob] = []
        self._supervisor: Supervisor | None = None
        self._next_touch = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(BATCH_MS)
        self._timer.timeout.connect(self._drain)

    @property
    def current(self) -> WindowJob | None:
        """The job that runs, is paused or is stopping."""
        return next((j for j in self.jobs if j.state in ALIVE), None)

    @property
    def waiting(self) -> list[WindowJob]:
        return [j for j in self.jobs if j.state == "waiting"]

    def submit(
        self, title: str, argv: Sequence[str], *, touches: Changed, resume_argv: Sequence[str] = (),
        environment: Mapping[str, str] | None = None, after: WindowJob | None = None,
    ) -> WindowJob:  # fmt: skip
        """``after``: a job that this one goes on from; until that one is done, resumed or not, this one waits."""
        job = WindowJob(title, tuple(argv), tuple(resume_argv) or tuple(argv), touches, dict(environment or {}), after)
        self.jobs.append(job)
        self.added.emit(job)
        self._start_next()
        return job

    def pause_or_resume(self, job: WindowJob) -> None:
        if job.state == "running":
            self._tell("pause")
            self._become(job, "paused")
        elif job.state == "paused":
            self._tell("resume")
            job.forget_rate()
            self._become(job, "running")

    def stop(self, job: WindowJob) -> None:
        """A waiting job leaves the queue; a running one is asked to end at its next event; asked again it is killed."""
        if job.state == "waiting":
            self.remove(job)
        elif job.state in ("running", "paused"):
            self._tell("stop")
            self._become(job, "stopping")
        elif job.state == "stopping":
            self.kill(job)

    def kill(self, job: WindowJob) -> None:
        if job.state in ALIVE and self._supervisor is not None and self._supervisor.child is not None:
            self._supervisor.child.kill()

    def resume(self, job: WindowJob) -> WindowJob:
        """Put a stopped or failed job at the end of the queue, in the place of its old entry."""
        again = WindowJob(job.title, job.resume_argv, job.resume_argv, job.touches, job.environment, job.after)
        for other in self.waiting:
            if other.after is job:
                other.after = again
        self.remove(job)
        self.jobs.append(again)
        self.added.emit(again)
        self._start_next()
        return again

    def remove(self, job: WindowJob) -> None:
        """Take a job that is not running off the list, and with it what waits for it in vain."""
        if job in self.jobs and job.state not in ALIVE:
            self.jobs.remove(job)
            self.removed.emit(job)
            for other in self.waiting if job.state != "done" else ():
                if other.after is job:
                    self.remove(other)

    def shut_down(self, *, patience_seconds: float) -> None:
        """Forget what waits, stop what runs and wait for it; kill what does not end in time."""
        for job in self.waiting:
            self.remove(job)
        supervisor = self._supervisor
        if supervisor is None:
            return
        self._tell("stop")
        if not supervisor.wait(int(patience_seconds * 1000)) and supervisor.child is not None:
            supervisor.child.kill()
            supervisor.wait(5000)
        self._drain()

    def _tell(self, word: ControlWord) -> None:
        if self._supervisor is not None and self._supervisor.child is not None:
            self._supervisor.child.tell(word)

    def _start_next(self) -> None:
        job = next((j for j in self.waiting if j.after is None or j.after.state == "done"), None)
        if self._supervisor is not None or job is None:
            return
        self._supervisor = Supervisor(lambda: self._launch(job.argv, job.environment))
        self._supervisor.finished.connect(self._drain)
        job.started = time.monotonic()
        job.log.append(job.command)
        self._become(job, "running")
        self._supervisor.start()
        self._timer.start()

    def _drain(self) -> None:
        job, supervisor = self.current, self._supervisor
        if job is None or supervisor is None:
            return
        ended = supervisor.isFinished()  # asked before the last batch is taken, so that nothing is missed
        batch = supervisor.batch()
        now = time.monotonic()
        job.take(batch, now)
        job.seconds = now - job.started
        if batch:
            self.events.emit(job, batch)
        if ended:
            self._end(job, supervisor)
            return
        self.updated.emit(job)
        if batch and now >= self._next_touch:
            self.touched.emit(job.touches)
            cost = time.monotonic() - now
            self._next_touch = now + max(TOUCH_SECONDS, _TOUCH_COST_FACTOR * cost)

    def _end(self, job: WindowJob, supervisor: Supervisor) -> None:
        self._timer.stop()
        supervisor.wait()  # it says that it has finished a moment before its thread has ended
        self._supervisor = None
        child = supervisor.child
        status = None if child is None else child.status
        if child is not None:
            job.log.extend(child.log)
        job.message = supervisor.failure or ("" if child is None else child.message)
        asked = job.state == "stopping"
        if status == 0 and not supervisor.failure:
            self._become(job, "done")
        elif status == STOPPED_STATUS or (asked and not supervisor.failure):
            job.message = ""
            self._become(job, "stopped")
        else:
            self._become(job, "failed")
            self.said.emit(f"{job.title}: {job.message}", "error")
        self.touched.emit(job.touches)
        self.ended.emit(job)
        self._start_next()

    def _become(self, job: WindowJob, state: JobState) -> None:
        job.state = state
        self.updated.emit(job)
