"""Footage into a project: folders, videos, the stand-in, and screening."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.footage.readers import FootageLoader, survey_footage
from studio.footage.screening import screen_frames
from studio.jobs.events import Done, Job, Note, Progress
from studio.jobs.stages import passed_on
from studio.pipeline.views import footage_cache, footage_file
from studio.project.project import Project
from studio.scenes.simulator import PhantomSettings, simulate_phantom

_DEFAULT_SECONDS = 2.0


def add_footage(project: Project, paths: Sequence[Path], *, every: float = _DEFAULT_SECONDS) -> Job:
    """Keep references to frames of folders and videos (one each ``every`` seconds). Done: frames, added, patients."""
    survey = survey_footage(paths, every=every)
    for note in survey.notes:
        yield Note(note, "warning")
    files = survey.files
    yield Progress(0, len(files), "frames", "adding footage")
    added = project.footage.add(files)
    yield Progress(len(files), len(files), "frames", "adding footage")
    yield Done({"frames": len(files), "added": added, "patients": sorted({f.patient for f in files})})


def add_phantom(project: Project, settings: PhantomSettings) -> Job:
    """Render stand-in footage into the project, add it, and keep its labelled test patients apart.

    The labelled patients are none of the footage's; their path is the project's setting ``labelled``.
    """
    footage, labelled = phantom_folders(project, settings.seed)
    result = yield from passed_on(simulate_phantom(footage, labelled, settings))
    yield Note("This footage is a stand-in (phantom): rendered, not filmed.")
    added = project.footage.add(survey_footage([footage], every=_DEFAULT_SECONDS).files)
    project.set_setting("labelled", str(labelled.relative_to(project.folder)))
    project.set_setting("stand_in", True)
    project.set_setting("stand_in_palettes", project.setting("stand_in_palettes", {}) | dict(result["palettes"]))
    yield Done({**result, "added": added, "folder": str(footage), "labelled": str(labelled)})


def phantom_folders(project: Project, seed: int) -> tuple[Path, Path]:
    """(footage, labelled test patients) of the stand-in of one seed."""
    base = project.folder / "footage"
    return base / f"phantom-{seed}", base / f"phantom-{seed}-labelled"


def screen(project: Project) -> Job:
    """Look at every footage frame and mark what should be left out, with the reason; a person's decisions stay.

    Done: frames, left_out, reasons {reason: count}, unreadable.
    """
    records = project.footage.all()
    by_file = {footage_file(r): r for r in records}
    reasons: dict[str, int] = {}

    loader = FootageLoader(footage_cache(project))
    try:
        for done, (file, finding) in enumerate(screen_frames(list(by_file), loader), start=1):
            area = None if finding.area is None or finding.area.is_full else finding.area.to_tuple()
            project.footage.set_finding(
                by_file[file].id, reason=finding.reason, measures=finding.measures, area=area
            )  # fmt: skip
            if finding.reason:
                reasons[finding.reason] = reasons.get(finding.reason, 0) + 1
            yield Progress(done, len(records), "frames", "screening")
    finally:
        loader.close()
    yield Done({"frames": len(records), "left_out": sum(reasons.values()), "reasons": reasons})
