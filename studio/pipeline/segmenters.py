"""The proof within a project: segmenters trained on its data, evaluated on real labels."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from studio.files.pictures import write_png
from studio.footage.labelled import read_labelled, studio_mask_path
from studio.jobs.events import Done, Event, Job, Progress
from studio.pipeline.exports import USABLE
from studio.pipeline.translators import footage_pictures
from studio.pipeline.views import frame_layers
from studio.project.project import Project
from studio.project.records import FrameRecord
from studio.segmenter.settings import Appearance, SegmenterSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

if TYPE_CHECKING:
    from studio.segmenter.data import TrainingPair

DataName = Literal["simulated", "translated", "real"]


def train_segmenter(
    project: Project, *, data: DataName, settings: SegmenterSettings, name: str = "", appearance: Appearance = "none",
    init: str = "", labelled: Path | None = None, device: str = "auto", resume: bool = False,
) -> Job:  # fmt: skip
    """Train a segmenter on simulated frames, on translations that are not rejected, or on a labelled real set.

    ``init`` names the segmenter run to start from. Done: run, data, steps, seconds.
    """
    from studio.segmenter import training

    run = project.runs.find("segmenter", name) if resume else None
    pairs = yield from _pairs(project, data, labelled)
    start = project.runs.get("segmenter", init).folder if init else None
    if run is None:
        kept = {"data": data, "appearance": appearance, "init": init, **json.loads(settings.to_json())}
        run = project.runs.add("segmenter", name or project.runs.free_name("segmenter", data), kept)
    project.runs.update(run, state="running")
    ended = "stopped"
    try:
        for event in training.train_segmenter(
            run.folder, pairs, settings, appearance=appearance, init=start, device=device,
            footage_images=footage_pictures(project) if appearance == "reinhard" else (), resume=resume,
        ):  # fmt: skip
            if isinstance(event, Done):
                ended = "done"
                project.runs.update(run, result=dict(event.result))
                event = Done({"run": run.name, "data": data, "appearance": appearance, **event.result})
            yield event
    except Exception:
        ended = "failed"
        raise
    finally:
        project.runs.update(run, state=ended)  # type: ignore[arg-type]


def _pairs(project: Project, data: DataName, labelled: Path | None) -> Generator[Event, None, list[TrainingPair]]:
    """Yield Progress while masks are prepared; return the training pairs."""
    from studio.segmenter.data import TrainingPair

    if data == "real":
        if labelled is None:
            raise InputError("no labelled set is named", where="--data real", remedy="Add --labelled PATH.")
        masks_folder = project.cache / "masks"
        return [TrainingPair(f.image, studio_mask_path(f, masks_folder), f.patient) for f in read_labelled(labelled)]
    records = project.scenes.frames()
    if not records:
        raise InputError("there are no scenes", where=project.folder, remedy="Add some: trocar scenes add | simulate.")
    masks: dict[int, Path] = {}
    for done, record in enumerate(records, start=1):
        masks[record.id] = frame_mask(project, record)
        if done % 100 == 0:
            yield Progress(0, 0, "", "preparing masks")
    if data == "simulated":
        return [TrainingPair(r.files.rgb, masks[r.id], r.patient) for r in records]
    translations = list(project.translations.all(verdicts=USABLE))
    if not translations:
        raise InputError(
            "there are no translations that are not rejected",
            where=project.folder,
            remedy="Make some: trocar translate.",
        )
    return [TrainingPair(t.path, masks[t.frame_id], t.patient) for t in translations]


def frame_mask(project: Project, record: FrameRecord) -> Path:
    """A picture of the frame's studio class ids: the scene's own file where it is one, else one in the cache."""
    scene = project.scenes.get(record.scene_id)
    if scene.layout == "frames" and scene.classes == STUDIO_CLASSES and record.files.segmentation is not None:
        return record.files.segmentation
    path = project.cache / "masks" / f"{record.id}.png"
    if not path.is_file():
        write_png(path, _segmentation(project, record))
    return path


def _segmentation(project: Project, record: FrameRecord) -> np.ndarray:
    segmentation_HW = frame_layers(project, record).segmentation_HW
    if segmentation_HW is None:
        raise InputError("the frame has no segmentation", where=record.files.rgb, remedy="Add its labels to the scene.")
    return segmentation_HW


def evaluate(
    project: Project, *, runs: Sequence[str], labelled: Path, report_dir: Path, device: str = "auto",
) -> Job:  # fmt: skip
    """Evaluate segmenters, beside a trivial predictor, on a labelled set. Done: the figures, and the report's path."""
    from studio.pipeline.story import told
    from studio.segmenter.evaluation import Evaluated, LabelledPair
    from studio.segmenter.evaluation import evaluate as evaluated

    chosen = [Evaluated(name, project.runs.get("segmenter", name).folder) for name in runs]
    groups: Mapping[str, str] = project.setting("stand_in_palettes", {})
    pairs = [
        LabelledPair(f.image, studio_mask_path(f, project.cache / "masks"), f.patient, groups.get(f.patient, ""))
        for f in read_labelled(labelled)
    ]
    for event in evaluated(chosen, pairs, report_dir, story=told(project, labelled), device=device):
        if isinstance(event, Done):
            project.outcomes.add_evaluation(report_dir, event.result)
        yield event
