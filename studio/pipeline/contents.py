"""What the simulated frames show: measured once for the catalogue, so that they can be found by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from studio.jobs.events import Done, Job, Note, Progress
from studio.project.project import Project
from studio.project.records import FrameContents, FrameRecord, SceneRecord
from studio.scenes.readers import load_layers_of
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import Layers

_BATCH = 64
_THREADS = 2
_PERCENTILES = (2.0, 50.0, 98.0)
_NAMED = 3


def measure_scenes(project: Project) -> Job:
    """Measure classes and depth of every frame that has not been. Done: measured, unreadable.

    Stopping keeps what is measured; the same call goes on. A frame that can't be read is kept as such and named.
    """
    total = project.contents.missing_count()
    scenes = {scene.id: scene for scene in project.scenes.all()}
    named: list[str] = []
    done = unreadable = last = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        while batch := project.contents.next_missing(last, _BATCH):
            frames = project.scenes.some(batch)
            rows = list(pool.map(lambda frame: contents_of(frame, scenes[frame.scene_id]), frames))
            project.contents.put(rows)
            problems = [row.problem for row in rows if row.problem]
            named += problems[: _NAMED - len(named)]
            unreadable += len(problems)
            done, last = done + len(batch), batch[-1]
            yield Progress(done, total, "frames", "measuring")
    for problem in named:
        yield Note(problem, "warning")
    yield Done({"measured": done - unreadable, "unreadable": unreadable})


def contents_of(frame: FrameRecord, scene: SceneRecord) -> FrameContents:
    """Load one frame and measure it; what can't be read is said in ``problem``."""
    try:
        layers = load_layers_of(replace(frame.files, normals=None), layout=scene.layout, encoding=scene.encoding)
    except InputError as error:
        return FrameContents(frame.id, problem=str(error))
    return FrameContents(frame.id, _shares(layers), _depth(layers))


def _shares(layers: Layers) -> dict[int, float]:
    if layers.segmentation_HW is None:
        return {}
    counts = np.bincount(layers.segmentation_HW.ravel(), minlength=256)
    return {int(i): float(counts[i] / counts.sum()) for i in np.flatnonzero(counts)}


def _depth(layers: Layers) -> tuple[float, float, float] | None:
    if layers.depth_HW is None or not (layers.depth_HW > 0).any():
        return None
    near, median, far = np.percentile(layers.depth_HW[layers.depth_HW > 0], _PERCENTILES)
    return float(near), float(median), float(far)
