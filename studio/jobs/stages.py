"""Putting jobs in a row and looking only at what a job ends with."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from studio.jobs.events import Done, Event, Job, Progress


def passed_on(job: Job) -> Generator[Event, None, Mapping[str, Any]]:
    """Yield all events of a job but its Done, and return the Done's result."""
    result: Mapping[str, Any] = {}
    try:
        for event in job:
            if isinstance(event, Done):
                result = event.result
            else:
                yield event
    finally:
        job.close()
    return result


def result_of(job: Job) -> Mapping[str, Any]:
    """Run a job to its end in this thread, dropping what it says on the way."""
    return next((event.result for event in job if isinstance(event, Done)), {})


def as_part(job: Job, *, stage: str, start: float, share: float) -> Generator[Event, None, Mapping[str, Any]]:
    """Like passed_on, with the job's progress mapped to [start, start + share] of a whole of 1."""
    inner = passed_on(job)
    result: Mapping[str, Any] = {}
    while True:
        try:
            event = next(inner)
        except StopIteration as stop:
            result = stop.value
            return result
        if isinstance(event, Progress):
            done = start + share * (event.done / event.total if event.total else 0.0)
            yield replace(event, done=done, total=1.0, unit="", stage=stage)
        else:
            yield event


def weights_to_shares(weights: Sequence[float]) -> list[tuple[float, float]]:
    """(start, share) of each part of a whole of 1, from expected seconds."""
    total = sum(weights)
    starts = [sum(weights[:i]) / total for i in range(len(weights))]
    return [(s, w / total) for s, w in zip(starts, weights, strict=True)]
