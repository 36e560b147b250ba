"""A project in the hands of several processes: rank 0 alone opens its catalogue, the others read a snapshot of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from studio.jobs.ranks import Ranks
from studio.project.project import Project


@contextmanager
def shared_snapshot(project: Project, ranks: Ranks, **task: object) -> Iterator[None]:
    """Rank 0: start the others on a task, which finds the project as it is now under ``snapshot``."""
    if ranks.alone:
        yield
        return
    with project.snapshot() as name:
        ranks.begin({**task, "snapshot": name})
        yield
