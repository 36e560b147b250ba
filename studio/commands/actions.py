"""What each command does: its arguments into one call of the pipeline. Stages are imported only when called."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.commands.class_colours import classes
from studio.commands.inputs import (
    footage_add,
    footage_classes,
    footage_compare,
    footage_phantom,
    footage_screen,
    scenes_add,
    scenes_list,
    scenes_measure,
    scenes_rename,
    scenes_simulate,
)  # fmt: skip
from studio.commands.ranks import ranks_of
from studio.jobs.events import Done, Job
from studio.project.project import Project
from studio.vocabulary.errors import InputError

if TYPE_CHECKING:
    from studio.translator.settings import TrainSettings

Action = Callable[[argparse.Namespace], Job]


def new(a: argparse.Namespace) -> Job:
    with Project.create(a.project) as project:
        yield Done({"project": str(project.folder), "name": project.name})


def info(a: argparse.Namespace) -> Job:
    from studio.pipeline.summary import project_summary

    with Project.open(a.project, write=False) as project:
        yield Done(project_summary(project))


def translator_train(a: argparse.Namespace) -> Job:
    from studio.pipeline.translators import follow_training, train_translator

    with ranks_of(a) as ranks:
        if ranks.share.rank:
            yield from follow_training(a.project, device=a.device, ranks=ranks)
            return
        with Project.open(a.project) as project:
            yield from train_translator(
                project, name=a.name, settings=_train_settings(a, project), resume=a.resume, device=a.device,
                ranks=ranks,
            )  # fmt: skip


def _train_settings(a: argparse.Namespace, project: Project) -> TrainSettings | None:
    """None: the run's own."""
    from studio.translator.settings import TrainSettings, preset

    changes = dict(a.set) | ({"iterations": a.iterations} if a.iterations else {})
    if a.like:
        return _like(a, project, changes)
    if not a.resume:
        return TrainSettings.from_values(_values(preset(a.preset or "paper")) | changes)
    if a.preset:
        raise InputError("a run keeps its preset", where="--preset", remedy="Leave it out with --resume.")
    if not changes:
        return None
    runs = project.runs.all("translator")
    run = project.runs.get("translator", a.name) if a.name or not runs else runs[-1]
    return TrainSettings.from_values(dict(run.settings) | changes)


def _like(a: argparse.Namespace, project: Project, changes: dict[str, object]) -> TrainSettings:
    from studio.pipeline.runs import settings_like

    if a.preset or a.resume:
        other = "--preset" if a.preset else "--resume"
        raise InputError(f"does not go with {other}", where="--like", remedy="Leave one of them out.")
    return settings_like(project, a.like, changes)


def translator_rename(a: argparse.Namespace) -> Job:
    with Project.open(a.project) as project:
        run = project.run_moves.rename(a.run, a.new)
    yield Done({"run": run.name, "before": a.run, "folder": str(run.folder)})


def translator_compare(a: argparse.Namespace) -> Job:
    from studio.pipeline.runs import compare_runs

    with Project.open(a.project, write=False) as project:
        yield Done(compare_runs(project, a.runs))


def translator_delete(a: argparse.Namespace) -> Job:
    from studio.pipeline.runs import hanging_on

    with Project.open(a.project) as project:
        left = hanging_on(project, a.run)
        entry = project.run_moves.delete(a.run)
    yield Done({"run": a.run, "trash": str(entry), "palettes": list(left.palettes), "translations": left.translations})


def translator_restore(a: argparse.Namespace) -> Job:
    with Project.open(a.project) as project:
        run = project.run_moves.restore(a.run)
    yield Done({"run": run.name, "folder": str(run.folder)})


def _values(settings: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(settings)  # type: ignore[call-overload, no-any-return]


def translator_import(a: argparse.Namespace) -> Job:
    from studio.pipeline.translators import import_translator

    with Project.open(a.project) as project:
        yield from import_translator(project, a.file, name=a.name)


def translator_apply(a: argparse.Namespace) -> Job:
    from studio.pipeline.translators import apply_translator

    return apply_translator(
        a.source, a.image, a.out, style=a.style, style_image=a.style_image, seed=a.seed, precision=a.precision,
        device=a.device, checkpoint=a.checkpoint,
    )  # fmt: skip


def styles_encode(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import encode_footage

    with Project.open(a.project) as project:
        yield from encode_footage(project, a.run, device=a.device, checkpoint=a.checkpoint)


def styles_sample(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import sample_styles

    with Project.open(a.project) as project:
        yield from sample_styles(
            project, a.run, count=a.count, method=a.method, palette=a.palette, temperature=a.temperature, seed=a.seed,
            references=a.reference, checkpoint=a.checkpoint,
        )  # fmt: skip


def styles_map(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import map_footage

    with Project.open(a.project) as project:
        yield from map_footage(
            project, a.run, device=a.device, seed=a.seed, checkpoint=a.checkpoint
        )  # fmt: skip


def styles_sheet(a: argparse.Namespace) -> Job:
    from studio.pipeline.sheets import style_sheet

    with Project.open(a.project, write=False) as project:
        yield from style_sheet(
            project, a.file, a.palette, run_name=a.run, frames=a.frames, checkpoint=a.checkpoint, device=a.device
        )


def styles_export(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import export_palette

    with Project.open(a.project, write=False) as project:
        yield from export_palette(project, a.palette, a.file)


def styles_import(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import import_palette

    with Project.open(a.project) as project:
        yield from import_palette(project, a.file, run_name=a.run, name=a.palette)


def styles_list(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import list_palettes

    with Project.open(a.project, write=False) as project:
        yield from list_palettes(project)


def styles_show(a: argparse.Namespace) -> Job:
    from studio.pipeline.styles import show_palette

    with Project.open(a.project, write=False) as project:
        yield from show_palette(project, a.palette)


def translate(a: argparse.Namespace) -> Job:
    from studio.pipeline.translate import follow_translation
    from studio.pipeline.translate import translate as translated

    with ranks_of(a) as ranks:
        if ranks.share.rank:
            yield from follow_translation(
                a.project,
                a.run,
                a.palette,
                per_frame=a.per_frame,
                seed=a.seed,
                device=a.device,
                checkpoint=a.checkpoint,
                ranks=ranks,
            )
            return
        with Project.open(a.project) as project:
            yield from translated(
                project, a.run, a.palette, per_frame=a.per_frame, seed=a.seed, device=a.device,
                precision=a.precision, checkpoint=a.checkpoint, ranks=ranks,
            )  # fmt: skip


def quality(a: argparse.Namespace) -> Job:
    if str(a.what[0]) == "pair":
        from studio.pipeline.pairs import measure_pair

        if len(a.what) != 3:
            raise InputError(
                "a pair is a render and its translation", where="quality pair", remedy="Name two pictures."
            )
        yield from measure_pair(a.what[1], a.what[2], labels=a.labels, map_path=a.map)
        return
    from studio.pipeline.translate import measure_all

    with Project.open(a.what[0]) as project:
        yield from measure_all(project)


def curate(a: argparse.Namespace) -> Job:
    from studio.pipeline.views import apply_rule

    with Project.open(a.project) as project:
        outcome = apply_rule(project, a.rule, dry_run=a.dry_run, over_person=a.over_person)
        if not a.dry_run:
            project.set_setting("rule", a.rule)
    yield Done(
        {
            "rule": a.rule, "dry_run": a.dry_run, "accepted": outcome.accepted, "rejected": outcome.rejected,
            "undecided": outcome.undecided, "kept": outcome.kept, "missing": dict(outcome.missing),
            "changed": len(outcome.changes),
        }
    )  # fmt: skip


def export(a: argparse.Namespace) -> Job:
    from studio.export.values import ExportOptions
    from studio.pipeline.choosing import Only
    from studio.pipeline.exports import export as exported
    from studio.pipeline.exports import follow_export

    options = ExportOptions(format=a.format, split=a.split, seed=a.seed, merges=tuple(a.merge))
    only = Only(tuple(a.run), tuple(a.palette), tuple(a.style))
    with ranks_of(a) as ranks:
        if ranks.share.rank:
            yield from follow_export(a.project, a.dest, options, verdicts=a.verdicts, only=only, ranks=ranks)
            return
        with Project.open(a.project) as project:
            yield from exported(
                project, a.dest, options, verdicts=a.verdicts, only=only, resume=a.resume, ranks=ranks
            )  # fmt: skip


def reproduce(a: argparse.Namespace) -> Job:
    from studio.pipeline.reproducing import reproduce as reproduced

    return reproduced(a.manifest, a.dest, project_path=a.project)


def segmenter_train(a: argparse.Namespace) -> Job:
    from studio.pipeline.segmenters import train_segmenter
    from studio.segmenter.settings import SegmenterSettings, preset

    with Project.open(a.project) as project:
        run = project.runs.find("segmenter", a.name) if a.resume else None
        if a.resume and run is None:
            raise InputError(f"there is no segmenter run '{a.name}' to resume", where=project.folder,
                             remedy="Name it with --name.")  # fmt: skip
        base = _values(preset(a.preset)) if run is None else _settings_of(run.settings)
        settings = SegmenterSettings.from_values(base | dict(a.set))
        yield from train_segmenter(
            project, data=a.data, settings=settings, name=a.name, appearance=a.appearance, init=a.init,
            labelled=a.labelled, device=a.device, resume=a.resume,
        )  # fmt: skip


def _settings_of(kept: object) -> dict[str, object]:
    from studio.segmenter.settings import SegmenterSettings

    assert isinstance(kept, dict)
    return {k: v for k, v in kept.items() if k in SegmenterSettings.__dataclass_fields__}


def segmenter_evaluate(a: argparse.Namespace) -> Job:
    from studio.pipeline.segmenters import evaluate

    with Project.open(a.project) as project:
        yield from evaluate(project, runs=a.run, labelled=a.labelled, report_dir=a.report, device=a.device)


def demo(a: argparse.Namespace) -> Job:
    from studio.pipeline.demo_settings import FULL, QUICK
    from studio.pipeline.flow import demo as flow

    settings = replace(QUICK if a.quick else FULL, seed=a.seed)
    yield from flow(
        a.folder, settings, footage_path=a.footage, labelled=a.labelled, meshes=a.meshes, device=a.device
    )  # fmt: skip


def doctor(a: argparse.Namespace) -> Job:
    from studio.commands.doctor import examine

    yield Done(examine())


def self_test(a: argparse.Namespace) -> Job:
    from studio.gui.selftest import self_test as tested

    return tested()


def bench(a: argparse.Namespace) -> Job:
    from studio.commands.bench import run_bench

    return run_bench(a.what, out=a.out)


ACTIONS: dict[str, Action] = {
    f.__name__: f
    for f in (
        new, info, classes, scenes_add, scenes_list, scenes_rename, scenes_measure, scenes_simulate, footage_add,
        footage_phantom, footage_screen, footage_compare, footage_classes, translator_train, translator_rename,
        translator_compare, translator_delete, translator_restore, translator_import, translator_apply, styles_encode,
        styles_map, styles_sample, styles_list, styles_show, styles_sheet, styles_export, styles_import, translate,
        quality, curate, export, reproduce, segmenter_train,
        segmenter_evaluate, demo, doctor, self_test, bench,
    )
}  # fmt: skip


def window_project(a: argparse.Namespace, result: dict[str, object]) -> Path | None:
    """The project that the window should open after a command, or None when it should not open."""
    if a.action == "demo" and not a.no_gui and not a.json:
        return Path(str(result["project"]))
    return None
