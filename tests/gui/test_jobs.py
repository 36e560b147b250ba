"""The job queue against real child processes that speak the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from studio.gui.jobs import JobQueue, WindowJob
from studio.gui.widgets.job_tray import JobTray
from studio.jobs.events import Progress
from studio.project.records import Changed
from tests.gui.script_child import ScriptChild

TOUCHES = Changed(scenes=True)


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    queue = JobQueue(ScriptChild)
    yield queue
    queue.shut_down(patience_seconds=3)


def test_a_job_runs_to_its_end_and_says_what_it_touched(qtbot: QtBot, queue: JobQueue) -> None:
    touched: list[Changed] = []
    queue.touched.connect(touched.append)
    with qtbot.waitSignal(queue.ended, timeout=10_000):
        job = queue.submit("Count", ["counts"], touches=TOUCHES)
    assert (job.state, job.result, job.message) == ("done", {"frames": 5}, "")
    assert job.share == 1.0
    assert touched[-1] == TOUCHES
    assert job.command == "trocar counts"
    assert "testing" in job.log


def test_jobs_wait_for_one_another(qtbot: QtBot, queue: JobQueue) -> None:
    first = queue.submit("First", ["counts"], touches=TOUCHES)
    second = queue.submit("Second", ["counts"], touches=TOUCHES)
    assert (first.state, second.state) == ("running", "waiting")
    ended: list[WindowJob] = []
    queue.ended.connect(ended.append)
    qtbot.waitUntil(lambda: len(ended) == 2, timeout=10_000)
    assert ended == [first, second]


def test_a_failure_is_one_line_and_the_next_job_runs(qtbot: QtBot, queue: JobQueue) -> None:
    said: list[tuple[str, str]] = []
    queue.said.connect(lambda text, level: said.append((text, level)))
    bad = queue.submit("Bad", ["fails"], touches=TOUCHES)
    good = queue.submit("Good", ["counts"], touches=TOUCHES)
    qtbot.waitUntil(lambda: good.state == "done", timeout=10_000)
    assert bad.state == "failed"
    assert bad.can_resume
    assert said == [("Bad: the disk is full: /x. Make room.", "error")]


def test_pause_holds_progress_until_resumed(qtbot: QtBot, queue: JobQueue) -> None:
    job = queue.submit("Long", ["lasts"], touches=TOUCHES)
    qtbot.waitUntil(lambda: job.progress is not None and job.progress.done > 3, timeout=10_000)
    queue.pause_or_resume(job)
    assert job.state == "paused"
    qtbot.wait(400)
    at_rest = job.progress
    qtbot.wait(400)
    assert job.progress == at_rest
    queue.pause_or_resume(job)
    qtbot.waitUntil(lambda: job.progress != at_rest, timeout=10_000)
    assert job.state == "running"


def test_stopping_leaves_a_job_that_can_be_resumed(qtbot: QtBot, queue: JobQueue) -> None:
    job = queue.submit("Long", ["lasts"], touches=TOUCHES, resume_argv=["counts"])
    qtbot.waitUntil(lambda: job.progress is not None, timeout=10_000)
    with qtbot.waitSignal(queue.ended, timeout=10_000):
        queue.stop(job)
    assert (job.state, job.message) == ("stopped", "")
    again = queue.resume(job)
    assert job not in queue.jobs
    qtbot.waitUntil(lambda: again.state == "done", timeout=10_000)


def test_a_second_stop_ends_a_job_that_does_not_answer(qtbot: QtBot, queue: JobQueue) -> None:
    job = queue.submit("Deaf", ["deaf"], touches=TOUCHES)
    qtbot.waitUntil(lambda: job.progress is not None, timeout=10_000)
    queue.stop(job)
    assert job.state == "stopping"
    with qtbot.waitSignal(queue.ended, timeout=10_000):
        queue.stop(job)
    assert job.state == "stopped"


def test_a_waiting_job_can_be_taken_back(queue: JobQueue) -> None:
    queue.submit("Long", ["lasts"], touches=TOUCHES)
    waiting = queue.submit("Second", ["counts"], touches=TOUCHES)
    queue.stop(waiting)
    assert waiting not in queue.jobs


def test_a_process_that_cannot_start_fails_the_job_only(qtbot: QtBot) -> None:
    def refuse(_argv: object, _environment: object) -> ScriptChild:
        raise OSError("no more processes")

    queue = JobQueue(refuse)
    with qtbot.waitSignal(queue.ended, timeout=10_000):
        job = queue.submit("Never", ["counts"], touches=TOUCHES)
    assert job.state == "failed"
    assert "no more processes" in job.message


def test_rate_and_time_left_come_from_the_last_seconds() -> None:
    job = WindowJob("x", ("x",), ("x",), TOUCHES)
    for second in range(60):  # one a second, then ten a second
        job.take([Progress(second, 1000, "frames")], now=float(second))
    for second in range(60, 100):
        job.take([Progress(60 + 10 * (second - 60), 1000, "frames")], now=float(second))
    assert job.rate == pytest.approx(10.0)
    assert job.seconds_left == pytest.approx((1000 - 450) / 10)
    job.forget_rate()
    assert job.rate is None


def test_a_job_waits_for_the_one_that_it_goes_on_from(qtbot: QtBot, queue: JobQueue) -> None:
    bad = queue.submit("Bad", ["fails"], touches=TOUCHES, resume_argv=["counts"])
    onward = queue.submit("Onward", ["counts"], touches=TOUCHES, after=bad)
    other = queue.submit("Other", ["counts"], touches=TOUCHES)
    qtbot.waitUntil(lambda: other.state == "done", timeout=10_000)
    assert (bad.state, onward.state) == ("failed", "waiting")
    again = queue.resume(bad)
    assert onward.after is again
    qtbot.waitUntil(lambda: onward.state == "done", timeout=10_000)
    assert again.state == "done"


def test_what_can_never_run_leaves_with_the_job_that_it_waits_for(qtbot: QtBot, queue: JobQueue) -> None:
    bad = queue.submit("Bad", ["fails"], touches=TOUCHES)
    onward = queue.submit("Onward", ["counts"], touches=TOUCHES, after=bad)
    qtbot.waitUntil(lambda: bad.state == "failed", timeout=10_000)
    queue.remove(bad)
    assert onward not in queue.jobs


def test_the_tray_says_what_a_job_waits_for(qtbot: QtBot, queue: JobQueue) -> None:
    tray = JobTray(queue)
    qtbot.addWidget(tray)
    bad = queue.submit("Bad", ["fails"], touches=TOUCHES)
    queue.submit("Onward", ["counts"], touches=TOUCHES, after=bad)
    qtbot.waitUntil(lambda: bad.state == "failed", timeout=10_000)
    said = [label.text() for label in tray.findChildren(QLabel)]
    assert "Waiting for “Bad”" in said
