"""A project's footage (the stand-in, mostly) beside other footage, in numbers and as a page of the report."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from studio.files.atomic import write_text
from studio.footage.area import ImageArea
from studio.footage.likeness import Sample, compared, frame_histograms, gathered
from studio.footage.readers import FootageLoader, survey_footage
from studio.footage.screening import screen_frames
from studio.jobs.events import Done, Event, Job, Progress
from studio.pipeline.views import footage_cache, footage_file
from studio.project.project import Project
from studio.segmenter.report.likeness import LikenessRow, likeness_page
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FootageFile

_NOT_TISSUE = frozenset({"unreadable", "blank", "blue standby", "striped", "out of body"})
"""Frames that say nothing about how tissue looks; blurred ones and duplicates are footage as it is."""

_SHOWN = 5
"""Frames of each side on the page, so that an eye can check what the numbers say."""


def compare_footage(project: Project, paths: Sequence[Path], report_dir: Path, *, every: float = 2.0) -> Job:
    """Write likeness.html and likeness.json: the project's footage beside that of ``paths``, statistic by statistic.

    Done: report, json, mean, overlaps {statistic: 0 to 1}, frames and patients of each side. Raise InputError where
    either side has no frame that shows tissue.
    """
    own = [footage_file(r) for r in project.footage.all()]
    if not own:
        raise InputError("no footage in the project", where=project.folder, remedy="Add some: trocar footage phantom.")
    other = list(survey_footage(paths, every=every).files)
    total = len(own) + len(other)
    first = yield from _measured(project, own, start=0, total=total)
    second = yield from _measured(project, other, start=len(own), total=total)
    if not first.sample.frames or not second.sample.frames:
        side = project.folder if not first.sample.frames else paths[0]
        raise InputError("no frame here shows tissue", where=side, remedy="Compare other footage.")
    yield Done(_written(report_dir, first, second, stand_in=bool(project.setting("stand_in", False))))


@dataclass(frozen=True, eq=False)
class _Measured:
    """One side: all its patients together, each alone, and some of its frames, (H, W, 3) uint8 RGB."""

    sample: Sample
    patients: dict[str, Sample]
    shown: list[np.ndarray]


def _measured(
    project: Project, files: Sequence[FootageFile], *, start: int, total: int
) -> Generator[Event, None, _Measured]:
    found: list[tuple[str, Mapping[str, np.ndarray]]] = []
    usable: list[FootageFile] = []
    loader = FootageLoader(footage_cache(project))
    try:
        histograms = _histograms(files, loader)
        for done, (file, measured) in enumerate(zip(files, histograms, strict=True), start=start + 1):
            if measured is not None:
                found.append(measured)
                usable.append(file)
            yield Progress(done, total, "frames", "measuring footage")
        shown = [loader(usable[i]) for i in _evenly(len(usable), _SHOWN)]
    finally:
        loader.close()
    sample, patients = gathered(found)
    return _Measured(sample, patients, shown)


def _evenly(count: int, wanted: int) -> list[int]:
    """The middles of ``wanted`` equal stretches of ``count`` frames: nobody's choice, and the same every time."""
    taken = min(count, wanted)
    return [(2 * i + 1) * count // (2 * taken) for i in range(taken)]


def _histograms(
    files: Sequence[FootageFile], loader: FootageLoader
) -> Iterator[tuple[str, Mapping[str, np.ndarray]] | None]:
    """(patient, histograms) of each frame, None of those that show no tissue."""
    for file, finding in screen_frames(files, loader):
        if finding.reason in _NOT_TISSUE:
            yield None
            continue
        image_HW3 = loader(file)
        area = finding.area or ImageArea.full(image_HW3.shape[1], image_HW3.shape[0])
        yield file.patient, frame_histograms(image_HW3, area)


def _written(report_dir: Path, one: _Measured, other: _Measured, *, stand_in: bool) -> dict[str, object]:
    first, second = one.sample, other.sample
    rows = compared(first, second, other.patients)
    page, data = report_dir / "likeness.html", report_dir / "likeness.json"
    shown = [
        LikenessRow(
            r.statistic.name, r.statistic.unit, r.statistic.low, r.statistic.high, r.first_N, r.second_N, r.overlap,
            r.within,
        )
        for r in rows
    ]  # fmt: skip
    counts = ((first.frames, first.patients), (second.frames, second.patients))
    name = "stand-in footage" if stand_in else "the project's footage"
    write_text(
        page, likeness_page(shown, first=name, second="real footage", counts=counts, frames=(one.shown, other.shown))
    )
    overlaps = {r.statistic.name: round(r.overlap, 4) for r in rows}
    mean = round(float(np.mean([r.overlap for r in rows])), 4)
    content = {
        "mean_overlap": mean, "frames": [c[0] for c in counts], "patients": [c[1] for c in counts],
        "statistics": [
            {
                **asdict(r.statistic), "overlap": r.overlap,
                "real_among_themselves": None if np.isnan(r.within) else r.within,
                "first": r.first_N.tolist(), "second": r.second_N.tolist(),
            }
            for r in rows
        ],
    }  # fmt: skip
    write_text(data, json.dumps(content, indent=1) + "\n")
    return {
        "report": str(page), "json": str(data), "mean": mean, "overlaps": overlaps,
        "frames": content["frames"], "patients": content["patients"],
    }  # fmt: skip
