"""Class frequencies of the footage as a segmenter sees them: what simulated scenes are laid beside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.files.atomic import write_json
from studio.files.listing import spread
from studio.jobs.events import Done, Job, Note, Progress
from studio.pipeline.views import footage_picture
from studio.project.project import Project
from studio.project.records import RunRecord
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

FILE = "footage_classes.json"
_FRAMES = 60
_ESTIMATE = "An estimate: the segmenter's mistakes are in it."


@dataclass(frozen=True)
class FootageClasses:
    """Mean share of the pixels by class name, over ``frames`` footage frames, as segmenter ``run`` labels them."""

    run: str
    frames: int
    shares: dict[str, float]


def measure_footage_classes(project: Project, *, run: str = "", frames: int = _FRAMES, device: str = "auto") -> Job:
    """Label evenly spread included footage frames with a segmenter (default: the newest finished one) and keep the mean
    shares with its run; black borders don't count. Done: run, frames, class_shares.

    Raise InputError without a segmenter or without footage.
    """
    from studio.segmenter.data import lit_area
    from studio.segmenter.prediction import load_segmenter

    record = project.runs.get("segmenter", run) if run else _newest(project)
    records = spread(project.footage.all(included_only=True), frames)
    if not records:
        raise InputError("the project has no footage", where=project.folder, remedy="Add footage first.")
    segmenter = load_segmenter(record.folder, device=device)
    counts_256 = np.zeros(256, np.int64)
    for done, footage in enumerate(records, start=1):
        image_HW3 = footage_picture(project, footage)
        counts_256 += np.bincount(segmenter.predict(image_HW3)[lit_area(image_HW3)], minlength=256)
        yield Progress(done, len(records), "frames", "labelling footage")
    total, ids = max(int(counts_256.sum()), 1), segmenter.table.class_ids
    shares = {STUDIO_CLASSES.by_id(i).name: round(float(counts_256[i]) / total, 4) for i in ids}
    write_json(record.folder / FILE, {"run": record.name, "frames": len(records), "shares": shares})
    yield Note(_ESTIMATE)
    yield Done({"run": record.name, "frames": len(records), "class_shares": shares})


def _newest(project: Project) -> RunRecord:
    done = [r for r in project.runs.all("segmenter") if r.state == "done"]
    if not done:
        raise InputError("the project has no trained segmenter", where=project.folder,
                         remedy="Train one: trocar segmenter train.")  # fmt: skip
    return done[-1]


def footage_classes(project: Project) -> FootageClasses | None:
    """What was kept last, of the newest segmenter that it was measured with; None when it never was."""
    for record in reversed(project.runs.all("segmenter")):
        found = _read(record.folder / FILE, record.name)
        if found is not None:
            return found
    return None


def _read(path: Path, run: str) -> FootageClasses | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return FootageClasses(run, int(kept["frames"]), {str(n): float(s) for n, s in kept["shares"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def has_segmenter(project: Project) -> bool:
    """Whether footage can be labelled."""
    return any(r.state == "done" for r in project.runs.all("segmenter"))
