"""A project in the hands of several processes: rank 0 alone opens its catalogue, the others read a snapshot of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from studio.jobs.events import Note
from studio.jobs.ranks import Ranks
from studio.project.project import Project

SNAPSHOT_READ = "snapshot read"
"""Where the others meet rank 0 when they need the snapshot no more."""


@contextmanager
def shared_snapshot(project: Project, ranks: Ranks, **task: object) -> Iterator[None]:
    """Rank 0: start the others on a task, which finds the project as it is now under ``snapshot``."""
    if ranks.alone:
        yield
        return
    with project.snapshot() as name:
        ranks.begin({**task, "snapshot": name})
        yield
        ranks.meet(SNAPSHOT_READ)


def sharing_noted(ranks: Ranks) -> Iterator[Note]:
    """One line before the other processes are waited for, which takes seconds."""
    if not ranks.alone:
        yield Note(f"{ranks.share.count} processes share the work.")
