"""Training a translator within a project, and using one outside of any."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.files.pictures import write_png
from studio.footage.readers import footage_path
from studio.jobs.events import Done, Job
from studio.jobs.ranks import ALONE, Ranks
from studio.pipeline.judging import sample_judge
from studio.pipeline.sharing import SNAPSHOT_READ, shared_snapshot, sharing_noted
from studio.pipeline.views import footage_cache, footage_file
from studio.project.lock import TrainingMark
from studio.project.project import Project
from studio.project.records import FootageRecord, RunRecord
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError

if TYPE_CHECKING:
    from studio.translator.data import TrainingImage


def train_translator(
    project: Project, *, name: str = "", settings: TrainSettings | None = None, resume: bool = False,
    device: str = "auto", ranks: Ranks = ALONE,
) -> Job:  # fmt: skip
    """Train a translator on the project's scenes and included footage. Done: run, steps, seconds, checkpoint.

    ``settings`` None with ``resume`` takes the run's own. With ``ranks`` this is rank 0 of several processes, which all
    train (the others in ``follow_training``). Raise InputError when scenes or footage are missing.
    """
    from studio.translator.training import train

    run = _prepared(project, name, settings, resume=resume)
    kept = TrainSettings.from_values(dict(run.settings))
    frames = project.scenes.frames()
    simulated, footage = _images(project)
    judge = sample_judge(project, frames)
    yield from sharing_noted(ranks)
    mark = TrainingMark(run.folder)
    project.runs.update(run, state="running")
    ended = "stopped"
    try:
        with shared_snapshot(project, ranks):
            for event in train(
                run.folder, simulated, footage, kept, resume=resume, device=device, judge=judge, ranks=ranks
            ):
                if isinstance(event, Done):
                    ended = "done"
                    project.runs.update(run, result=dict(event.result))
                    event = Done({"run": run.name, **event.result})
                yield event
    except Exception:
        ended = "failed"
        raise
    finally:
        project.runs.update(run, state=ended)  # type: ignore[arg-type]
        mark.release()


def follow_training(path: Path, *, device: str, ranks: Ranks) -> Job:
    """Training in a process that is not rank 0: of the project at ``path`` it only reads pictures."""
    from studio.translator import following

    orders = ranks.orders()
    for task in itertools.islice(orders, 1):
        with Project.open_snapshot(path, task["snapshot"]) as project:
            images = _images(project)
        ranks.meet(SNAPSHOT_READ)
        following.follow_training(ranks, orders, images, device=device)
    yield Done({"ending": ranks.ending})


def _images(project: Project) -> tuple[list[TrainingImage], list[TrainingImage]]:
    """Simulated pictures and footage, in an order that is the same in every process."""
    from studio.translator.data import TrainingImage

    simulated = [TrainingImage(f.files.rgb, labels=f.files.segmentation) for f in project.scenes.frames()]
    records = zip(footage_pictures(project), _included(project), strict=True)
    return simulated, [TrainingImage(path, area=record.area) for path, record in records]


def _prepared(project: Project, name: str, settings: TrainSettings | None, *, resume: bool) -> RunRecord:
    if project.scenes.frame_count() == 0:
        raise InputError(
            "there are no scenes to translate", where=project.folder, remedy="Add some: trocar scenes add | simulate."
        )
    if not _included(project):
        raise InputError(
            "there is no footage to learn from", where=project.folder, remedy="Add some: trocar footage add | phantom."
        )
    if resume:
        runs = project.runs.all("translator")
        if not name and not runs:
            raise InputError("there is no run to resume", where=project.folder, remedy="Leave --resume out.")
        run = project.runs.get("translator", name) if name else runs[-1]
        if settings is not None:
            settings = TrainSettings.from_values(dict(run.settings)).continued(settings)
            project.runs.update(run, settings=json.loads(settings.to_json()))
        return project.runs.get("translator", run.name)
    chosen = settings or TrainSettings()
    return project.runs.add(
        "translator", name or project.runs.free_name("translator", "run"), json.loads(chosen.to_json())
    )  # fmt: skip


def _included(project: Project) -> list[FootageRecord]:
    return project.footage.all(included_only=True)


def footage_pictures(project: Project) -> list[Path]:
    """Files of the included footage; sampled frames of videos are decoded into the cache."""
    return [picture_file(project, record) for record in _included(project)]


def picture_file(project: Project, record: FootageRecord) -> Path:
    """A picture file with the frame's pixels."""
    return footage_path(footage_file(record), footage_cache(project))


def import_translator(project: Project, file: Path, *, name: str = "") -> Job:
    """Make a run of a generator checkpoint of the public MUNIT code. Done: run, style_size, fingerprint."""
    from studio.translator.imports import import_run

    run_name = name or project.runs.free_name("translator", file.stem)
    run = project.runs.add("translator", run_name, {})
    try:
        settings = import_run(file, run.folder)
    except BaseException:
        project.runs.remove(run)
        raise
    project.runs.update(run, state="done", settings=json.loads(settings.to_json()))
    yield Done({"run": run.name, "variant": settings.variant, "dim": settings.dim, "style_size": settings.style_size})


def apply_translator(
    source: Path, image: Path, out: Path, *, style: Sequence[float] | None, style_image: Path | None, seed: int,
    precision: str = "auto", device: str = "auto", checkpoint: str = "last",
) -> Job:  # fmt: skip
    """Translate one picture with a run's folder or checkpoint file. Done: out, style, size, fingerprint."""
    import numpy as np

    from studio.files.pictures import read_reference, read_rgb
    from studio.translator.inference import load_translator
    from studio.vocabulary.seeds import stream

    image_HW3 = read_rgb(image)
    translator = load_translator(source, device=device, precision=precision, checkpoint=checkpoint)
    if style is not None and len(style) != translator.style_size:
        raise InputError(
            f"--style has {len(style)} numbers, this translator takes {translator.style_size}", where=source,
            remedy="Give that many, separated by commas.",
        )  # fmt: skip
    if style is not None:
        code_S = np.array(style, np.float32)
    elif style_image is not None:
        code_S = translator.encode_style(read_reference(style_image))
    else:
        code_S = stream(seed, "style").standard_normal(translator.style_size).astype(np.float32)
    picture_HW3 = translator.translate(image_HW3, code_S[None])[0]
    write_png(out, picture_HW3)
    height, width = picture_HW3.shape[:2]
    yield Done(
        {
            "out": str(out), "style": [float(v) for v in code_S], "size": [width, height],
            "fingerprint": translator.fingerprint,
        }
    )  # fmt: skip
