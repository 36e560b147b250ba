"""Translations: every frame in styles of a palette, each with its validity measured as it is made.

Several processes share the frames: each takes its turn, makes the pictures, and hands the rows to rank 0, which alone
writes the catalogue, in the order in which one process would.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.files.atomic import space_checked
from studio.files.pictures import read_rgb
from studio.jobs.events import Done, Job, Note, Progress
from studio.jobs.ranks import ALONE, Ranks
from studio.jobs.shares import WHOLE, Share
from studio.pipeline.sharing import SNAPSHOT_READ, shared_snapshot, sharing_noted
from studio.pipeline.sizes import size_remark
from studio.pipeline.translating import Finished, PlannedFrame, Translating, measured
from studio.pipeline.views import STEPS, frame_layers
from studio.project.project import Project
from studio.project.records import FrameRecord
from studio.project.translation_table import NewTranslation
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import Layers
from studio.vocabulary.seeds import stream
from studio.vocabulary.styles import Palette, Style

if TYPE_CHECKING:
    from studio.translator.inference import Translator

_BYTES_PER_PIXEL = 2.2
_PAUSE_SECONDS = 0.1


def translate(
    project: Project, run_name: str, palette_name: str, *, per_frame: int = 0, seed: int = 0, device: str = "auto",
    precision: str = "auto", checkpoint: str = "last", ranks: Ranks = ALONE,
) -> Job:  # fmt: skip
    """Translate every frame in ``per_frame`` styles of a palette (0 = all of them), skipping what is there already.

    Which styles a frame gets depends on the seed and the frame alone, each style equally often on the whole.
    Done: made, kept, checkpoint (its step), precision, validity (mean), seconds-free counts. Stopping keeps what is
    made; the same call goes on. With ``ranks`` this is rank 0 of several processes, which make the same translations
    in ``follow_translation``.
    """
    from studio.translator.checkpoints import step_of
    from studio.translator.inference import load_translator
    from studio.translator.selection import checkpoint_named

    run = project.runs.get("translator", run_name)
    record = project.palettes.get(palette_name)
    palette = record.palette
    frames = project.scenes.frames()
    if not frames:
        raise InputError(
            "there are no scenes to translate", where=project.folder, remedy="Add some: trocar scenes add."
        )
    if remark := size_remark(run, project.scenes.all()):
        yield Note(remark, "warning")
    if palette.run != run.name:
        yield Note(f"The palette was drawn for run {palette.run}; its codes may mean something else here.", "warning")
    folder = checkpoint_named(run.folder, checkpoint)
    translator = load_translator(folder, device=ranks.device(device), precision=precision, many=True)
    _note_step(project, translator.fingerprint, step_of(folder))
    _check_sizes(palette, translator.style_size)
    if palette.run == run.name and record.recipe.get("fingerprint", translator.fingerprint) != translator.fingerprint:
        yield Note("The palette was drawn with another checkpoint of this run; its styles may look different here. "
                   "Draw it again with the same --checkpoint.", "warning")  # fmt: skip
    there = _there(project, run.name, palette, translator.fingerprint)
    if there and precision != "auto":
        yield Note(f"{len(there)} translations are there already and stay, in whatever precision they were made.")
    plan = _plan(frames, palette, there, per_frame=per_frame, seed=seed)
    _check_space(project, plan)
    rows = _Rows(project, plan)
    own = [p for p in plan if ranks.share.holds(p.place)]
    yield from sharing_noted(ranks)
    task = {"fingerprint": translator.fingerprint, "precision": translator.precision}
    with (
        shared_snapshot(project, ranks, **task),
        Translating(project, translator, own, run=run.name, palette=palette.name) as translating,
    ):
        yield from _all_taken(translating, rows, ranks)
    validity = float(np.mean(rows.validities)) if rows.validities else None
    yield Done(
        {
            "run": run.name, "palette": palette.name, "made": rows.made, "kept": len(there),
            "checkpoint": step_of(folder), "precision": translator.precision, "validity": validity,
        }
    )  # fmt: skip


def _note_step(project: Project, fingerprint: str, step: int) -> None:
    """Keep which step a fingerprint is of, for the recipes of exports: the checkpoint may be gone by then."""
    known = project.setting(STEPS, {})
    if known.get(fingerprint) != step:
        project.set_setting(STEPS, {**known, fingerprint: step})


def _all_taken(translating: Translating, rows: _Rows, ranks: Ranks) -> Iterator[Progress]:
    """Rows of all processes into the catalogue as they come; at a stop, all that is finished anywhere."""
    try:
        for finished in translating:
            for planned, made in finished:
                rows.add(planned.place, made)
            rows.add_reported(ranks.reports())
            yield rows.progress()
        while rows.missing:
            if not rows.add_reported(ranks.reports()):
                time.sleep(_PAUSE_SECONDS)
            yield rows.progress()
    finally:
        try:
            for planned, made in translating.left():
                rows.add(planned.place, made)
        finally:
            if rows.missing:
                rows.add_reported(ranks.last_reports())
            rows.keep_all()


def follow_translation(
    path: Path,
    run_name: str,
    palette_name: str,
    *,
    per_frame: int,
    seed: int,
    device: str,
    checkpoint: str,
    ranks: Ranks,
) -> Job:
    """The share of a process that is not rank 0: it makes pictures and reports their rows. Done: ending."""
    from studio.translator.inference import load_translator

    for task in itertools.islice(ranks.orders(), 1):
        with Project.open_snapshot(path, task["snapshot"]) as project:
            run = project.runs.get("translator", run_name)
            palette = project.palettes.get(palette_name).palette
            translator = load_translator(
                run.folder, device=ranks.device(device), precision=task["precision"], checkpoint=checkpoint, many=True
            )
            _check_same(translator, task["fingerprint"])
            frames = project.scenes.frames()
            mine = {frame.id for place, frame in enumerate(frames) if ranks.share.holds(place)}
            there = _there(project, run.name, palette, translator.fingerprint, mine)
            plan = _plan(frames, palette, there, per_frame=per_frame, seed=seed, share=ranks.share)
            with Translating(project, translator, plan, run=run.name, palette=palette.name) as translating:
                for finished in translating:
                    for frame in finished:
                        ranks.report(_reported(frame, project.folder))
                    if ranks.stopping:
                        break
                for frame in translating.left():
                    ranks.report(_reported(frame, project.folder))
        ranks.meet(SNAPSHOT_READ)
        ranks.report_end()
        for _ in ranks.orders():
            pass
    yield Done({"ending": ranks.ending})


class _Rows:
    """Puts rows into the catalogue in the order of the plan, whoever made them, so that their ids are those of one
    process; what has come too early waits."""

    def __init__(self, project: Project, plan: Sequence[PlannedFrame]) -> None:
        self._project = project
        self._order = [p.place for p in plan]
        self._next = 0
        self._waiting: dict[int, list[NewTranslation]] = {}
        self._come = 0
        self._total = sum(len(p.styles) for p in plan)
        self.made = 0
        self.validities: list[float] = []

    @property
    def missing(self) -> bool:
        """Whether a frame has not come yet."""
        return self._next + len(self._waiting) < len(self._order)

    def add(self, place: int, rows: list[NewTranslation]) -> None:
        self._waiting[place] = rows
        self._come += len(rows)
        while self._next < len(self._order) and self._order[self._next] in self._waiting:
            self._put(self._waiting.pop(self._order[self._next]))
            self._next += 1

    def add_reported(self, messages: Iterator[Mapping[str, Any]] | Sequence[Mapping[str, Any]]) -> bool:
        """What other processes made; whether there was anything."""
        count = 0
        for count, message in enumerate(messages, start=1):  # noqa: B007
            self.add(message["place"], [_row(values, self._project.folder) for values in message["rows"]])
        return count > 0

    def keep_all(self) -> None:
        """After a stop: what waits for its turn, without it."""
        for place in sorted(self._waiting):
            self._put(self._waiting.pop(place))

    def _put(self, rows: list[NewTranslation]) -> None:
        self._project.translations.put(rows)
        self.validities += [r.validity for r in rows if r.validity is not None]
        self.made += len(rows)

    def progress(self) -> Progress:
        return Progress(self._come, self._total, "images", "translating")


def _reported(finished: Finished, folder: Path) -> dict[str, Any]:
    planned, rows = finished
    values = [asdict(row) | {"path": row.path.relative_to(folder).as_posix()} for row in rows]
    return {"place": planned.place, "rows": values}


def _row(values: Mapping[str, Any], folder: Path) -> NewTranslation:
    return NewTranslation(**{**values, "code": tuple(values["code"]), "path": folder / values["path"]})


def _check_same(translator: Translator, fingerprint: str) -> None:
    if translator.fingerprint != fingerprint:
        raise TrocarError("the machines of this job do not see the same checkpoint; is their disk the same?")


def _plan(
    frames: Sequence[FrameRecord], palette: Palette, there: set[tuple[int, str]], *, per_frame: int, seed: int,
    share: Share = WHOLE,
) -> list[PlannedFrame]:  # fmt: skip
    """Frames of a share that lack translations. Shares go by a frame's place among all frames, done or not: so no
    process needs to know what another has done."""
    found = []
    for place, frame in enumerate(frames):
        if share.holds(place):
            wanted = styles_for(palette, per_frame, seed=seed, frame=frame)
            if lacking := tuple(s for s in wanted if (frame.id, s.name) not in there):
                found.append(PlannedFrame(place, frame, lacking))
    return found


def styles_for(palette: Palette, per_frame: int, *, seed: int, frame: FrameRecord) -> tuple[Style, ...]:
    """The styles that one frame is translated in: all, or ``per_frame`` different ones drawn for it."""
    if per_frame <= 0 or per_frame >= len(palette.styles):
        return palette.styles
    rng = stream(seed, "styles of frame", frame.patient, frame.name)
    chosen = rng.permutation(len(palette.styles))[:per_frame]
    return tuple(palette.styles[i] for i in sorted(chosen))


def _check_sizes(palette: Palette, style_size: int) -> None:
    wrong = next((s for s in palette.styles if len(s.code) != style_size), None)
    if not palette.styles:
        raise InputError("the palette is empty", where=f"palette {palette.name}", remedy="Draw some styles.")
    if wrong is not None:
        raise InputError(
            f"its styles have {len(wrong.code)} numbers, the translator takes {style_size}",
            where=f"palette {palette.name}", remedy="Draw a palette for this run: trocar styles sample.",
        )  # fmt: skip


def _check_space(project: Project, plan: Sequence[PlannedFrame]) -> None:
    areas = {s.id: s.size[0] * s.size[1] for s in project.scenes.all()}
    pixels = sum(areas[p.frame.scene_id] * len(p.styles) for p in plan)
    space_checked(project.folder, int(pixels * _BYTES_PER_PIXEL))


def _there(
    project: Project, run: str, palette: Palette, fingerprint: str, frames: Container[int] | None = None
) -> set[tuple[int, str]]:
    """(frame id, style name) of translations, those of ``frames`` if given, that would come out the same."""
    codes = {s.name: s.code for s in palette.styles}
    return {
        (r.frame_id, r.style)
        for r in project.translations.all()
        if (frames is None or r.frame_id in frames)
        and (r.run, r.palette, r.fingerprint) == (run, palette.name, fingerprint)
        and codes.get(r.style) == r.code
        and r.path.is_file()
    }


def measure_all(project: Project) -> Job:
    """Measure the validity of every translation again. Done: images, validity (mean), unreadable."""
    records = list(project.translations.all())
    if not records:
        raise InputError("there are no translations", where=project.folder, remedy="Make some: trocar translate.")
    values = []
    for done, (record_id, value, measures) in enumerate(_measured_all(project), start=1):
        project.translations.set_measures(record_id, validity=value, measures=measures)
        values.append(value)
        yield Progress(done, len(records), "images", "measuring")
    yield Done({"images": len(values), "validity": float(np.mean(values))})


def _measured_all(project: Project) -> Iterator[tuple[int, float, dict[str, float]]]:
    layers: Layers | None = None
    frame_id = -1
    for record in sorted(project.translations.all(), key=lambda r: r.frame_id):
        if layers is None or record.frame_id != frame_id:
            layers, frame_id = frame_layers(project, project.scenes.frame(record.frame_id)), record.frame_id
        value, measures = measured(layers, read_rgb(record.path))
        yield record.id, value, measures
