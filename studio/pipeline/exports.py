"""Exports of a project's translations, and the same export again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from studio.export.values import ExportItem, ExportOptions, SceneReading
from studio.export.writing import write_export, write_share
from studio.jobs.events import Done, Job
from studio.jobs.ranks import ALONE, Ranks
from studio.pipeline.choosing import ALL, Only, chosen_records
from studio.pipeline.class_colours import in_colours, shown_colours
from studio.pipeline.sharing import SNAPSHOT_READ, shared_snapshot, sharing_noted
from studio.pipeline.views import STEPS
from studio.project.project import Project
from studio.project.records import TranslationRecord
from studio.scenes.readers import load_layers_of, read_scenes
from studio.vocabulary.verdicts import VerdictValue

READING = SceneReading(load_layers_of, partial(read_scenes, compared=False))
USABLE: tuple[VerdictValue, ...] = ("accepted", "undecided")


def export(
    project: Project,
    dest: Path,
    options: ExportOptions,
    *,
    verdicts: Sequence[VerdictValue] = USABLE,
    only: Only = ALL,
    resume: bool = False,
    ranks: Ranks = ALONE,
) -> Job:
    """Write translations and their labels as a data set, read back before Done. Done: dest, format, counts, checks.

    With ``ranks`` this is rank 0 of several processes, which write the same files in ``follow_export``. Raise
    InputError when there is nothing to export, or when ``dest`` exists.
    """
    records = chosen_records(project, verdicts, only)
    items = export_items(project, records)
    colours = shown_colours(project, items)
    items = in_colours(items, colours)
    source = {**_source(project, records, verdicts, only), "class_colours": colours}
    yield from sharing_noted(ranks)
    with shared_snapshot(project, ranks):
        for event in write_export(dest, items, options, recipe=source, reading=READING, resume=resume, ranks=ranks):
            if isinstance(event, Done):
                project.outcomes.add_export(
                    dest, options.format, recipe=event.result["recipe"], counts=event.result["counts"]
                )
            yield event


def follow_export(
    path: Path, dest: Path, options: ExportOptions, *, verdicts: Sequence[VerdictValue], only: Only = ALL, ranks: Ranks
) -> Job:
    """The share of a process that is not rank 0, of the project at ``path``. Done: ending."""
    orders = ranks.orders()
    for task in itertools.islice(orders, 1):
        with Project.open_snapshot(path, task["snapshot"]) as project:
            items = export_items(project, chosen_records(project, verdicts, only))
        ranks.meet(SNAPSHOT_READ)
        write_share(dest, items, options, reading=READING, ranks=ranks, orders=orders)
    yield Done({"ending": ranks.ending})


def export_items(project: Project, records: Sequence[TranslationRecord]) -> list[ExportItem]:
    """Translations with the layers of their frames, by patient, frame and style."""
    scenes = {s.id: s for s in project.scenes.all()}
    frames = {f.id: f for f in project.scenes.frames()}
    items = [
        ExportItem(
            patient=r.patient, frame_name=r.frame_name, style_name=r.style, image=r.path,
            render=frames[r.frame_id].files.rgb, layers=frames[r.frame_id].files,
            layout=scenes[frames[r.frame_id].scene_id].layout, encoding=scenes[frames[r.frame_id].scene_id].encoding,
            translation_id=r.id, style_code=r.code, validity=r.validity,
            classes=scenes[frames[r.frame_id].scene_id].classes,
        )
        for r in records
    ]  # fmt: skip
    return sorted(items, key=lambda i: (i.patient, i.frame_name, i.style_name))


def _source(
    project: Project, records: Sequence[TranslationRecord], verdicts: Sequence[VerdictValue], only: Only
) -> Mapping[str, object]:
    """Where the pictures come from, for the manifest."""
    stated = only.stated()
    checkpoints = sorted({(r.run, r.fingerprint) for r in records})
    return {
        "project": project.name,
        "project_id": project.setting("id"),
        "stand_in_footage": bool(project.setting("stand_in", False)),
        "checkpoints": [
            {"run": run, "fingerprint": fingerprint, **_step(project, fingerprint)} for run, fingerprint in checkpoints
        ],
        "palettes": sorted({r.palette for r in records}),
        "verdicts": list(verdicts),
        "rule": project.setting("rule", ""),
        **({"only": stated} if stated else {}),
    }


def _step(project: Project, fingerprint: str) -> Mapping[str, int]:
    """The step of a checkpoint where it is known: older projects have not kept it."""
    step = project.setting(STEPS, {}).get(fingerprint)
    return {} if step is None else {"step": int(step)}
