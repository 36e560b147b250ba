"""The job that renders plain frames with all their layers in the layout ``frames``."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.atomic import space_checked, write_bytes, write_json, write_json_rows
from studio.files.json_rows import rows_in
from studio.files.pictures import read_grey_levels, write_exr
from studio.files.spilled import SpilledTable
from studio.jobs.events import Done, Job, Note, Progress
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.crew import Batch, rendered, sweep
from studio.scenes.simulator.fastpng import fast_png
from studio.scenes.simulator.frames import Geometry, coloured, see, to_layers
from studio.scenes.simulator.leaving_out import scene_without
from studio.scenes.simulator.meshbody import notes_on
from studio.scenes.simulator.meshplans import plan_digest
from studio.scenes.simulator.paths import FRAMES_PER_SECOND
from studio.scenes.simulator.patients import PatientSource, patient_name, prepared, sources_of
from studio.scenes.simulator.plain import PlainLook, exposure_distance, shade_plain
from studio.scenes.simulator.round_area import RoundArea, round_area
from studio.scenes.simulator.sequences import (
    FLOW_FOLDERS,
    FLOW_STEP,
    SequenceSource,
    flows,
    geometry_of_frame,
    needs_few_bits,
    planned,
)
from studio.scenes.simulator.settings import SimulationSettings, expected_bytes, frames_of, no_room, process_count
from studio.scenes.simulator.shares import mean_shares, missed, pixels_by_class, reached, shares_of
from studio.scenes.simulator.steering import Targets, frame_view
from studio.scenes.simulator.views import Habits, View
from studio.vocabulary.errors import DiskFull, InputError
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES

ENGINE = 4
"""Raised when the same seed gives other pictures."""
PATH_ENGINE = 3
"""The same for sequences alone."""
MESH_ENGINE = 4
"""The same for bodies from meshes alone."""
DEPTH_SCALE = 0.01
"""mm per step of the 16-bit depth PNG: up to 655 mm."""
_RECIPE = ".simulation.json"
_POSES = ".poses"
_BATCH, _PATH_BATCH = 8, 16
"""Frames of a path are handed out in longer pieces: at both ends a neighbour is traced that serves only once."""


class PartlySimulated(InputError):
    """Some bodies can't be made. The ``scenes`` that were whole by then are finished, what was begun of the others is
    taken away."""

    def __init__(self, error: InputError, scenes: Sequence[Path], *, patients: int) -> None:
        kept = f"{len(scenes)} of {patients} patients were whole and are kept; the others are taken away"
        super().__init__(f"{error.what.rstrip('.')} ({kept})", where=error.where, remedy=error.remedy)
        self.scenes = tuple(scenes)


@dataclass(frozen=True)
class _PatientJob:
    folder: Path
    source: PatientSource
    size: tuple[int, int]
    targets: Targets = ()
    sequence: SequenceSource | None = None
    """For frames along a camera path."""
    without: tuple[str, ...] = ()
    area: RoundArea | None = None


def simulate(dest: Path, settings: SimulationSettings) -> Job:
    """Render into ``dest/<patient>/``; frames that lie there complete are kept.

    Ends with ``Done({"scenes": [folders], "frames": count, "class_shares": {name: mean share}})``, and with ``targets``
    (see shares.reached) if there were any. Raise InputError when a folder holds frames of other settings, or for meshes
    that cannot be used, PartlySimulated where other bodies were whole by then, and DiskFull, before anything is
    written, when the frames are expected not to fit.
    """
    jobs = _patient_jobs(dest, settings)
    counts = frames_of(settings.frames, settings.patients)
    if settings.keyframes is not None:
        for job in jobs:  # a way through an organ is refused before anything is written
            yield Progress(0, sum(counts), "frames", "checking the camera path")
            assert job.sequence is not None
            planned(job.sequence)
    plans = [plan for plan in dict.fromkeys(job.source.plan for job in jobs) if plan is not None]
    yield from map(Note, dict.fromkeys(text for plan in plans for text in notes_on(plan)))
    work = _claimed(dest, settings, jobs, counts)
    total, done = sum(counts), sum(counts) - sum(len(b.frames) for b in work)
    yield Progress(done, total, "frames", "simulating")
    try:
        crew = process_count(settings.processes)
        length = _PATH_BATCH if settings.path else _BATCH
        with closing(rendered(work, _render_batch, processes=crew, length=length)) as counts_done:
            for finished in counts_done:
                done += finished
                yield Progress(done, total, "frames", "simulating")
    except DiskFull as error:
        left = total - done
        raise no_room(dest, left=left, needed_bytes=expected_bytes(settings, frames=left)) from error
    except InputError as error:
        whole = _only_whole(jobs, counts)
        raise PartlySimulated(error, whole, patients=len(jobs)) if whole else error from error
    finally:
        sweep(job.folder for job in jobs)
        _let_go(jobs)
    shares_N9 = np.concatenate([_finish(job) for job in jobs])
    result: dict[str, Any] = {"scenes": [str(j.folder) for j in jobs], "frames": total}
    result["class_shares"] = mean_shares(shares_N9)
    if settings.targets:
        result["targets"] = reached(shares_N9, settings.targets, in_a_row=settings.path)
        yield from missed(result["targets"])
    yield Done(result)


def _claimed(
    dest: Path, settings: SimulationSettings, jobs: Sequence[_PatientJob], counts: Sequence[int]
) -> list[Batch[_PatientJob]]:
    """What is left to render. Raise InputError or DiskFull before any folder is claimed."""
    for job in jobs:
        _check_claim(job)
    wanted = [_missing(job, count) for job, count in zip(jobs, counts, strict=True)]
    space_checked(dest, expected_bytes(settings, frames=sum(map(len, wanted))))
    for job in jobs:
        write_json(job.folder / _RECIPE, _recipe(job))
    return [Batch(job.source.number, frames, job) for job, frames in zip(jobs, wanted, strict=True)]


def _only_whole(jobs: Sequence[_PatientJob], counts: Sequence[int]) -> list[Path]:
    """Finish the scenes of which no frame is missing and remove the others; their frames belong to no scene."""
    whole: list[Path] = []
    for job, count in zip(jobs, counts, strict=True):
        if _missing(job, count):
            shutil.rmtree(job.folder, ignore_errors=True)
        else:
            _finish(job)
            whole.append(job.folder)
    return whole


def _patient_jobs(dest: Path, settings: SimulationSettings) -> list[_PatientJob]:
    numbers = range(settings.first_patient, settings.first_patient + len(frames_of(settings.frames, settings.patients)))
    sources = sources_of(settings.seed, numbers, anatomy=settings.anatomy, meshes=settings.meshes)
    counts = frames_of(settings.frames, settings.patients)
    return [
        _PatientJob(
            dest / patient_name(source), source, settings.size, settings.targets,
            _sequence(source, settings, count) if settings.path else None, settings.without,
            round_area(source.seed, source.number, settings.size) if settings.round else None,
        )
        for source, count in zip(sources, counts, strict=True)
    ]  # fmt: skip


def _sequence(source: PatientSource, settings: SimulationSettings, count: int) -> SequenceSource:
    return SequenceSource(
        source, settings.size, count, settings.breathing, settings.targets, settings.keyframes, settings.without
    )  # fmt: skip


def _recipe(job: _PatientJob) -> dict[str, Any]:
    source = job.source
    path = {} if job.sequence is None else {"path": _path_recipe(job.sequence)}
    return {
        "engine": ENGINE, "seed": source.seed, "number": source.number, "size": list(job.size),
        "meshes": None if source.plan is None else [m.path.name for m in source.plan.meshes],
        "variation": source.variation,
        **({} if source.plan is None else {"mesh_engine": MESH_ENGINE, "plan": plan_digest(source.plan)}),
        "aim": [list(a) for a in Habits().aim],
        **path, **({"without": list(job.without)} if job.without else {}),
        **({"image_area": job.area.to_json()} if job.area is not None else {}),
        **({"targets": [list(t) for t in job.targets]} if job.targets else {}),
    }  # fmt: skip


def _path_recipe(sequence: SequenceSource) -> dict[str, Any]:
    keyframes = {} if sequence.keyframes is None else {"keyframes": sequence.keyframes.to_json()}
    return {"engine": PATH_ENGINE, "breathing": sequence.breathing, **keyframes}


def _check_claim(job: _PatientJob) -> None:
    """Refuse a folder whose frames are made from something else than what is written down there."""
    path = job.folder / _RECIPE
    if path.is_file():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = None
        if known == _recipe(job):
            return
        raise InputError(
            "holds frames simulated with other settings", where=job.folder, remedy="Choose another folder or remove it."
        )
    if job.folder.exists() and any(job.folder.iterdir()):
        raise InputError("holds other files", where=job.folder, remedy="Choose another folder.")


def _let_go(jobs: Sequence[_PatientJob]) -> None:
    """Leave no folder behind for which no frame was made, as when a mesh is refused."""
    for job in jobs:
        if job.folder.is_dir() and [p.name for p in job.folder.iterdir()] == [_RECIPE]:
            shutil.rmtree(job.folder, ignore_errors=True)
        with suppress(OSError):  # others' frames, or ours
            job.folder.parent.rmdir()


def frame_files(folder: Path, index: int) -> dict[str, Path]:
    """The files of one frame by layer."""
    name = f"{index:06d}.png"
    return {layer: folder / layer / name for layer in ("seg", "depth", "normals", "rgb")}


def flow_files(folder: Path, index: int) -> dict[str, Path]:
    """A path's flow of one frame by direction."""
    return {direction: folder / name / f"{index:06d}.exr" for direction, name in FLOW_FOLDERS.items()}


def _missing(job: _PatientJob, count: int) -> Sequence[int]:
    known = _known_poses(job.folder)
    if not known:  # nothing to look for among what may be millions
        return range(count)

    def whole(index: int) -> bool:
        files = [*frame_files(job.folder, index).values()]
        if job.sequence is not None:
            files += flow_files(job.folder, index).values()
        return f"{index:06d}" in known and all(p.is_file() for p in files)

    return array("l", (i for i in range(count) if not whole(i)))


def _known_poses(folder: Path) -> SpilledTable[dict[str, Any]]:
    """Pose entries by frame name, in their order, from frames.json and from the frames rendered since; kept on disk."""
    paths = itertools.chain([folder / "frames.json"], _pose_files(folder))
    entries = (entry for path in paths for entry in _entries(path))
    return SpilledTable.of(((str(e["frame"]), json.dumps(e).encode()) for e in entries), json.loads, last=True)


def _pose_files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder / _POSES) as files:
        yield from (Path(file.path) for file in files if file.name.endswith(".json"))


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """A file's pose entries; an absent or broken one has no more."""
    with contextlib.suppress(OSError, ValueError):
        if path.parent.name == _POSES:
            yield json.loads(path.read_text(encoding="utf-8"))
        else:
            yield from (entry for _, entry in rows_in(path))


def _finish(job: _PatientJob) -> np.ndarray:
    """Put poses and description in place: only now is the folder a scene. Return its frames' class shares (N, 9)."""
    entries = _known_poses(job.folder)
    shares_N9 = np.empty((len(entries), len(STUDIO_CLASSES)), np.float32)

    def rows() -> Iterator[dict[str, Any]]:
        for row, (name, entry) in enumerate(entries.by_key()):
            if "class_pixels" not in entry:  # written by an earlier version
                entry["class_pixels"] = pixels_by_class(read_grey_levels(frame_files(job.folder, int(name))["seg"]))
            shares_N9[row] = shares_of([entry["class_pixels"]])[0]
            yield entry

    write_json_rows(job.folder / "frames.json", rows())
    name = job.folder.name
    write_json(
        job.folder / "scene.json",
        {
            "format": "trocar-frames", "version": 1, "name": name, "patient": name,
            "classes": [{"id": c.id, "name": c.name, "colour": list(c.colour)} for c in STUDIO_CLASSES],
            "size": list(job.size), "units": "mm",
            "depth": {"encoding": "png16", "scale": DEPTH_SCALE}, "normals": {"encoding": "png16"},
            **_path_description(job), "made_by": _recipe(job),
            **_mesh_description(job),
        },
    )  # fmt: skip
    for path in _pose_files(job.folder):  # one by one: rmtree first lists all names
        path.unlink(missing_ok=True)
    shutil.rmtree(job.folder / _POSES, ignore_errors=True)
    return shares_N9


def _mesh_description(job: _PatientJob) -> dict[str, Any]:
    notes = () if job.source.plan is None else notes_on(job.source.plan)
    return {"mesh_notes": list(notes)} if notes else {}


def _path_description(job: _PatientJob) -> dict[str, Any]:
    if job.sequence is None:
        return {}
    flow: dict[str, Any] = {
        "encoding": "exr",
        "channels": {"R": "x, right", "G": "y, down"},
        "units": "px",
        "not_seen": "NaN",
    }
    flow["step"] = float(FLOW_STEP)
    return {"frames_per_second": FRAMES_PER_SECOND, "flow": {**FLOW_FOLDERS, **flow}}


def _render_batch(batch: Batch[_PatientJob]) -> int:
    """Render and write a batch; runs in a process of its own."""
    job = batch.recipe
    _, look = prepared(job.source)
    for index in batch.frames:
        if job.sequence is not None:
            geometry = geometry_of_frame(job.sequence, index)
            for direction, flow_HW2 in flows(job.sequence, index).items():
                kept_HW2 = flow_HW2 if job.area is None else job.area.masked_flow(flow_HW2)
                write_exr(flow_files(job.folder, index)[direction], kept_HW2, few_bits=needs_few_bits(kept_HW2))
        else:
            view = frame_view(job.source, job.size, index, targets=job.targets)
            geometry = see(scene_without(job.source, view, job.without))
        layers = shaded_layers(geometry, look)
        write_frame(job.folder, index, layers if job.area is None else job.area.masked(layers))
    return len(batch.frames)


def plain_layers(body: Body, look: PlainLook, view: View) -> Layers:
    """One plain frame with all layers."""
    return shaded_layers(see(Scene(body, view)), look)


def shaded_layers(geometry: Geometry, look: PlainLook) -> Layers:
    """The layers of what was seen, in plain colours."""
    shafts = tuple(t.instrument.look for t in geometry.scene.view.tools)
    lit_at = exposure_distance(geometry.depth_HW)
    return to_layers(geometry, coloured(geometry, lambda s: shade_plain(s, look, shafts, lit_at=lit_at)))


def write_frame(folder: Path, index: int, layers: Layers) -> None:
    """Put a frame's pictures and poses in a scene's folder."""
    assert layers.segmentation_HW is not None and layers.depth_HW is not None and layers.normals_HW3 is not None
    files = frame_files(folder, index)
    write_bytes(files["seg"], fast_png(layers.segmentation_HW))
    write_bytes(files["depth"], fast_png(depth_steps(layers.depth_HW)))
    write_bytes(files["normals"], fast_png(normal_steps(layers.normals_HW3)))
    write_bytes(files["rgb"], fast_png(layers.rgb_HW3))
    pose = json.dumps(_pose_entry(f"{index:06d}", layers))
    write_bytes(folder / _POSES / f"{index:06d}.json", pose.encode())


def depth_steps(depth_HW: np.ndarray) -> np.ndarray:
    """uint16 steps of DEPTH_SCALE mm; 0 stays for nothing there."""
    return np.asarray(np.clip(np.rint(depth_HW / DEPTH_SCALE), 0, 65535), np.uint16)


def normal_steps(normals_HW3: np.ndarray) -> np.ndarray:
    """uint16 of (n + 1) / 2; all 0 where there is no normal."""
    scaled = normals_HW3 + np.float32(1)
    scaled *= np.float32(32767.5)
    steps = np.rint(scaled, out=scaled).astype(np.uint16)
    x, y, z = np.moveaxis(normals_HW3, -1, 0)
    nothing = (x == 0) & (y == 0) & (z == 0)
    if nothing.any():
        steps[nothing] = 0
    return np.asarray(steps)


def _pose_entry(name: str, layers: Layers) -> Mapping[str, Any]:
    assert layers.K is not None and layers.camera_to_world is not None and layers.segmentation_HW is not None
    return {
        "frame": name,
        "K": layers.K.tolist(),
        "camera_to_world": layers.camera_to_world.tolist(),
        "tools": [t.to_json() for t in layers.tools],
        "class_pixels": pixels_by_class(layers.segmentation_HW),
    }


def scene_folders(dest: Path, settings: SimulationSettings) -> Sequence[Path]:
    """Where simulate would put its scenes."""
    return [job.folder for job in _patient_jobs(dest, settings)]
