"""A project's footage (the stand-in, mostly) beside other footage, in numbers and as a page of the report."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from studio.files.atomic import write_text
from studio.footage.area import ImageArea
from studio.footage.likeness import Comparison, Sample, compared, frame_histograms, gathered
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
    first, _ = yield from _measured(project, own, start=0, total=total)
    second, patients = yield from _measured(project, other, start=len(own), total=total)
    if not first.frames or not second.frames:
        side = project.folder if not first.frames else paths[0]
        raise InputError("no frame here shows tissue", where=side, remedy="Compare other footage.")
    rows = compared(first, second, patients)
    yield Done(_written(report_dir, rows, first, second, stand_in=bool(project.setting("stand_in", False))))


def _measured(
    project: Project, files: Sequence[FootageFile], *, start: int, total: int
) -> Generator[Event, None, tuple[Sample, dict[str, Sample]]]:
    found: list[tuple[str, Mapping[str, np.ndarray]]] = []
    loader = FootageLoader(footage_cache(project))
    try:
        for done, histograms in enumerate(_histograms(files, loader), start=start + 1):
            found += [histograms] if histograms is not None else []
            yield Progress(done, total, "frames", "measuring footage")
    finally:
        loader.close()
    return gathered(found)


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


def _written(
    report_dir: Path, rows: Sequence[Comparison], first: Sample, second: Sample, *, stand_in: bool
) -> dict[str, object]:
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
    write_text(page, likeness_page(shown, first=name, second="real footage", counts=counts))
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
