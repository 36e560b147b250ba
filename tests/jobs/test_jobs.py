"""Events over a pipe, control words between events, and parts mapped into a whole."""

import io
import threading

import pytest

from studio.jobs.control import Control
from studio.jobs.events import Done, Job, Metric, Note, Picture, Progress, from_line, to_line
from studio.jobs.stages import as_part, passed_on, result_of
from studio.vocabulary.errors import TrocarError


def counting(count: int, closed: list[str]) -> Job:
    try:
        for i in range(count):
            yield Progress(i + 1, count, "things")
        yield Done({"count": count})
    finally:
        closed.append("closed")


@pytest.mark.parametrize(
    "event",
    [
        Progress(1, 2, "frames", "ä\nb"),
        Metric(3, "loss", 0.1),
        Picture(1, "panel", "/a b"),
        Note("x"),
        Done({"a": [1]}),
    ],
)
def test_events_survive_a_line(event: object) -> None:
    line = to_line(event)  # type: ignore[arg-type]
    assert "\n" not in line and from_line(line) == event


def test_foreign_lines_are_refused() -> None:
    for line in ("hello", "[]", '{"event": "boom"}', '{"event": "note", "wrong": 1}'):
        with pytest.raises(TrocarError):
            from_line(line)


def test_a_part_is_mapped_into_the_whole_and_returns_its_result() -> None:
    part = as_part(counting(4, []), stage="half", start=0.5, share=0.5)
    seen = []
    while True:
        try:
            seen.append(next(part))
        except StopIteration as stop:
            assert stop.value == {"count": 4}
            break
    assert [e.done for e in seen if isinstance(e, Progress)] == [0.625, 0.75, 0.875, 1.0]


def test_closing_a_part_closes_the_job_inside() -> None:
    closed: list[str] = []
    outer = passed_on(counting(4, closed))
    next(outer)
    outer.close()
    assert closed == ["closed"]
    assert result_of(counting(2, closed)) == {"count": 2}


def test_stop_closes_the_job_between_events() -> None:
    closed: list[str] = []
    control = Control(io.StringIO("stop\n"))
    while not control.stopped:
        threading.Event().wait(0.001)
    events = list(control.events_of(counting(100, closed)))
    assert len(events) == 1 and closed == ["closed"]


class Words:
    """A stream of control words that a test hands out one by one."""

    def __init__(self) -> None:
        self.ready = threading.Semaphore(0)
        self.words: list[str] = []

    def say(self, word: str) -> None:
        self.words.append(word + "\n")
        self.ready.release()

    def __iter__(self):  # type: ignore[no-untyped-def]
        while True:
            self.ready.acquire()
            yield self.words.pop(0)


def test_a_paused_job_is_asked_for_nothing_until_resumed() -> None:
    words = Words()
    control = Control(words)  # type: ignore[arg-type]
    seen: list[object] = []
    three, five = threading.Event(), threading.Event()

    def run() -> None:
        for event in control.events_of(counting(5, [])):
            seen.append(event)
            if len(seen) == 3:
                words.say("pause")
                while control._going.is_set():
                    threading.Event().wait(0.001)
                three.set()
        five.set()

    threading.Thread(target=run, daemon=True).start()
    assert three.wait(5)
    assert not five.wait(0.05) and len(seen) == 3
    words.say("resume")
    assert five.wait(5) and len(seen) == 6
