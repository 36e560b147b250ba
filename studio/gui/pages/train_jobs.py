"""Questions that the page Train asks of jobs and of the project."""

from __future__ import annotations

from collections.abc import Collection

from studio.gui import amounts
from studio.gui.jobs import WindowJob
from studio.project.project import Project

_RUN_OPTIONS = ("--name", "--run", "--like")
"""Of jobs that work with a run."""


def names_run(job: WindowJob, name: str, options: Collection[str] = _RUN_OPTIONS) -> bool:
    """Whether a job's command line names a run by one of these options; the demo makes and uses its own."""
    pairs = zip(job.argv, job.argv[1:], strict=False)
    return job.argv[:1] == ("demo",) or any(option in options and value == name for option, value in pairs)


def pace(job: WindowJob | None) -> str:
    """Rate and time left of the job that trains a run, as far as they are known."""
    if job is None or job.argv[0] == "demo":
        return ""
    left = "" if job.seconds_left is None else f"{amounts.duration(job.seconds_left)} left"
    rate = amounts.rate(job.rate, "it") if job.rate and job.progress is not None else ""
    return "   ·   ".join(part for part in (rate, left) if part)


def missing(project: Project) -> str:
    """What has to be there before anything can be trained, or ""."""
    if project.scenes.frame_count() == 0:
        return "First simulate or add scenes on the page Scenes."
    if not project.footage.all(included_only=True):
        return "First add footage on the page Footage."
    return ""
