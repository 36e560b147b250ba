"""Exports of a project's translations, and the same export again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from studio.export.values import ExportItem
from studio.export.writing import ExportOptions, write_export
from studio.jobs.events import Done, Job
from studio.project.project import Project
from studio.project.records import SceneRecord
from studio.vocabulary.errors import InputError
from studio.vocabulary.verdicts import VERDICTS, VerdictValue


def export(
    project: Project,
    dest: Path,
    options: ExportOptions,
    *,
    verdicts: Sequence[VerdictValue] = ("accepted", "undecided"),
    resume: bool = False,
) -> Job:
    """Write translations and their labels as a data set, read back before Done. Done: dest, format, counts, checks.

    Raise InputError when there is nothing to export, or when ``dest`` exists.
    """
    unknown = [v for v in verdicts if v not in VERDICTS]
    if unknown:
        raise InputError(f"'{unknown[0]}' is no verdict", where="--verdicts", remedy=f"Known: {', '.join(VERDICTS)}.")
    items = export_items(project, verdicts)
    if not items:
        raise InputError(
            f"there are no translations that are {' or '.join(verdicts)}", where=project.folder,
            remedy="Make some (trocar translate) or accept some (trocar curate).",
        )  # fmt: skip
    for event in write_export(dest, items, options, recipe=recipe_of(project, options, verdicts), resume=resume):
        if isinstance(event, Done):
            project.outcomes.add_export(
                dest, options.format, recipe=event.result.get("recipe", {}), counts=event.result.get("counts", {})
            )
        yield event


def export_items(project: Project, verdicts: Sequence[VerdictValue]) -> list[ExportItem]:
    """What would be exported, by patient, frame and style."""
    scenes: Mapping[int, SceneRecord] = {s.id: s for s in project.scenes.all()}
    items = []
    for record in project.translations.all(verdicts=verdicts):
        frame = project.scenes.frame(record.frame_id)
        scene = scenes[frame.scene_id]
        items.append(
            ExportItem(
                patient=record.patient, frame_name=record.frame_name, style_name=record.style, image=record.path,
                render=frame.files.rgb, layers=frame.files, layout=scene.layout, encoding=scene.encoding,
                translation_id=record.id, style_code=record.code, validity=record.validity,
            )
        )  # fmt: skip
    return sorted(items, key=lambda i: (i.patient, i.frame_name, i.style_name))


def recipe_of(project: Project, options: ExportOptions, verdicts: Sequence[VerdictValue]) -> Mapping[str, object]:
    """Where the pictures come from, for the manifest."""
    runs = {(r.run, r.fingerprint) for r in project.translations.all(verdicts=verdicts)}
    return {
        "project": project.name,
        "project_id": project.setting("id"),
        "stand_in_footage": bool(project.setting("stand_in", False)),
        "checkpoints": [{"run": run, "fingerprint": fingerprint} for run, fingerprint in sorted(runs)],
        "verdicts": list(verdicts),
        "rule": project.setting("rule", ""),
    }
