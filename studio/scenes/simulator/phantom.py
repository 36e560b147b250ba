"""The job that makes stand-in footage ("phantom"): simulated bodies under a rich appearance, in place of real video.

It says nothing about real patients; it lets the whole flow be tried and measured where no real footage is at hand.
"""

from __future__ import annotations

import json
import shutil
from array import array
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.atomic import space_checked, write_bytes, write_json, write_text
from studio.jobs.events import Done, Job, Progress
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.captions import Caption, captioned, draw_caption
from studio.scenes.simulator.crew import Batch, rendered, sweep
from studio.scenes.simulator.fastpng import fast_png
from studio.scenes.simulator.frames import coloured, see
from studio.scenes.simulator.kept import kept
from studio.scenes.simulator.lens import area_mask, compressed, draw_area, draw_lens, photographed
from studio.scenes.simulator.palettes import PALETTES, LookPalette, varied
from studio.scenes.simulator.patients import PatientSource, build_anatomy
from studio.scenes.simulator.plain import exposure_distance
from studio.scenes.simulator.rich import Lamp, RichLook, draw_rich_look, shade_rich, soft_shadow
from studio.scenes.simulator.settings import (
    PhantomSettings,
    expected_phantom_bytes,
    frames_of,
    no_room,
    process_count,
)
from studio.scenes.simulator.views import Habits, View, draw_view
from studio.vocabulary.errors import DiskFull, InputError
from studio.vocabulary.seeds import stream

ENGINE = 4
_RECIPE = ".phantom.json"
_README = """Stand-in footage ("phantom"), not real.

These pictures were computed by Trocar Studio from procedural bodies under a rich appearance, so that the whole flow can
be tried without real video. Nothing measured on them says how a model does on real patients.
Each folder is one stand-in patient, named after its look: {palettes}.
"""


@dataclass(frozen=True)
class _PatientJob:
    folder: Path
    source: PatientSource
    palette: LookPalette
    size: tuple[int, int]
    labelled: bool


_Groups = tuple[list[tuple[_PatientJob, int]], list[tuple[_PatientJob, int]]]
"""Patients of the footage and labelled ones, with their frames' counts."""


def simulate_phantom(footage_dest: Path, labelled_dest: Path, settings: PhantomSettings) -> Job:
    """Write unlabelled JPEG frames to ``footage_dest/<patient>/`` and labelled ones of other patients to
    ``labelled_dest/<patient>/{frames,masks}`` (masks: PNG of studio class ids, 0 outside the round picture area).

    Resumable; ends with ``Done({"footage": [folders], "labelled": [folders], "frames": n, "labelled_frames": n})``.
    Raise InputError when a folder holds frames of other settings, and DiskFull, before anything is written, when the
    frames are expected not to fit.
    """
    groups = _patient_jobs(footage_dest, labelled_dest, settings)
    footage, labelled = groups
    dests = [dest for dest, jobs in zip((footage_dest, labelled_dest), groups, strict=True) if jobs]
    work = _claimed(dests, groups, settings)
    total = sum(count for group in groups for _, count in group)
    done = total - sum(len(b.frames) for b in work)
    yield Progress(done, total, "frames", "simulating stand-in footage")
    try:
        with closing(rendered(work, _render_batch, processes=process_count(settings.processes))) as counts_done:
            for finished in counts_done:
                done += finished
                yield Progress(done, total, "frames", "simulating stand-in footage")
    except DiskFull as error:
        needed = _needed_bytes(groups, settings)
        raise no_room(footage_dest, left=total - done, needed_bytes=needed) from error
    finally:
        sweep(job.folder for group in groups for job, _ in group)
        _let_go(dests)
    yield Done(
        {
            "footage": [str(j.folder) for j, _ in footage], "labelled": [str(j.folder) for j, _ in labelled],
            "frames": sum(c for _, c in footage), "labelled_frames": sum(c for _, c in labelled),
            "palettes": {j.folder.name: j.palette.name for j, _ in (*footage, *labelled)},
        }
    )  # fmt: skip


def _claimed(dests: Sequence[Path], groups: _Groups, settings: PhantomSettings) -> list[Batch[_PatientJob]]:
    """What is left to render. Raise InputError or DiskFull before any folder is claimed."""
    for dest in dests:
        _check_claim(dest, settings)
    space_checked(dests[0], _needed_bytes(groups, settings))
    for dest in dests:
        if not (dest / _RECIPE).is_file():
            write_text(dest / "README.txt", _README.format(palettes=", ".join(p.name for p in PALETTES)))
            write_json(dest / _RECIPE, _recipe(settings))
    return [Batch(job.source.number, _missing(job, count), job) for group in groups for job, count in group]


def _missing(job: _PatientJob, count: int) -> Sequence[int]:
    if not job.folder.is_dir():
        return range(count)
    return array("l", (i for i in range(count) if not all(p.is_file() for p in _files(job, i).values())))


def _needed_bytes(groups: _Groups, settings: PhantomSettings) -> int:
    """About how much room the missing frames take."""
    frames, labelled = (sum(len(_missing(job, count)) for job, count in group) for group in groups)
    return expected_phantom_bytes(settings.size, frames=frames, labelled_frames=labelled)


def _let_go(dests: Sequence[Path]) -> None:
    """Leave no folder behind for which no frame was made."""
    for dest in dests:
        if dest.is_dir() and {p.name for p in dest.iterdir()} <= {_RECIPE, "README.txt"}:
            shutil.rmtree(dest, ignore_errors=True)


def _patient_jobs(footage_dest: Path, labelled_dest: Path, settings: PhantomSettings) -> _Groups:
    """Patients and their frame counts; palettes are dealt out in a seeded order, anew for the labelled ones."""
    counts = frames_of(settings.frames, settings.patients)
    labelled_counts = frames_of(settings.labelled_frames, max(settings.labelled_patients, 1))
    order = stream(settings.seed, "phantom palettes").permutation(len(PALETTES))
    groups: list[list[tuple[_PatientJob, int]]] = [[], []]
    number = settings.first_patient
    for group, (dest, shares) in enumerate(((footage_dest, counts), (labelled_dest, labelled_counts))):
        for index, count in enumerate(shares):
            palette = PALETTES[int(order[index % len(PALETTES)])]
            folder = dest / f"phantom_{palette.name}_{number}"
            source = PatientSource(settings.seed, number)
            groups[group].append((_PatientJob(folder, source, palette, settings.size, bool(group)), count))
            number += 1
    return groups[0], groups[1]


def _recipe(settings: PhantomSettings) -> dict[str, Any]:
    return {
        "engine": ENGINE, "seed": settings.seed, "size": list(settings.size), "first_patient": settings.first_patient,
        "patients": settings.patients,
    }  # fmt: skip


def _check_claim(dest: Path, settings: PhantomSettings) -> None:
    """Refuse a folder made from something else."""
    path = dest / _RECIPE
    if not path.is_file():
        return
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if known != _recipe(settings):
        raise InputError(
            "holds stand-in footage of other settings", where=dest, remedy="Choose another folder or remove it."
        )


def _files(job: _PatientJob, index: int) -> dict[str, Path]:
    if not job.labelled:
        return {"frame": job.folder / f"{index:06d}.jpg"}
    name = f"{index:06d}.png"
    return {"mask": job.folder / "masks" / name, "frame": job.folder / "frames" / name}


@dataclass(frozen=True, eq=False)
class PhantomPatient:
    """A body with its look, ready to be photographed."""

    body: Body
    look: RichLook
    area: tuple[float, float, float]
    caption: Caption
    source: PatientSource


@kept(2)
def phantom_patient(source: PatientSource, palette: LookPalette) -> PhantomPatient:
    """Build a stand-in patient: its own body, and its own version of the palette."""
    anatomy = build_anatomy(source)
    rng = stream(source.seed, "phantom look", source.number)
    own = varied(palette, rng)
    look, area = draw_rich_look(rng, anatomy, own), draw_area(rng, own)
    return PhantomPatient(Body(anatomy, occlusion=True), look, area, draw_caption(rng), source)


def _render_batch(batch: Batch[_PatientJob]) -> int:
    """Render and write a batch; runs in a process of its own."""
    job = batch.recipe
    patient = phantom_patient(job.source, job.palette)
    for index in batch.frames:
        data, rgb_HW3, mask_HW = photograph(patient, index, job.size)
        files = _files(job, index)
        if job.labelled:
            write_bytes(files["mask"], fast_png(mask_HW))
            write_bytes(files["frame"], fast_png(rgb_HW3))
        else:
            write_bytes(files["frame"], data)
    return len(batch.frames)


def photograph(patient: PhantomPatient, index: int, size: tuple[int, int]) -> tuple[bytes, np.ndarray, np.ndarray]:
    """(JPEG bytes, the uint8 RGB they decode to, uint8 class ids) of a patient's index-th frame."""
    source, look = patient.source, patient.look
    rng = stream(source.seed, "phantom frame", source.number, index)
    view = draw_view(rng, patient.body.anatomy, patient.body.target, size, habits=Habits())
    lens = draw_lens(rng, look.palette, patient.area)
    geometry = see(Scene(patient.body, view))
    lamp = _lamp(rng, view, geometry.depth_HW)
    shafts = tuple(t.instrument.look for t in view.tools)
    linear = coloured(geometry, lambda surface: shade_rich(surface, look, shafts, lamp))
    linear *= (0.3 + 0.7 * soft_shadow(geometry, lamp))[..., None]
    taken_HW3 = captioned(photographed(rng, linear, geometry.depth_HW, lens), patient.caption)
    data, rgb_HW3 = compressed(taken_HW3, lens.quality)
    mask_HW = np.where(area_mask(lens, size), geometry.class_HW, np.uint8(0))
    return data, rgb_HW3, mask_HW


def _lamp(rng: np.random.Generator, view: View, depth_HW: np.ndarray) -> Lamp:
    turn = view.camera_to_world[:3, :3]
    around = rng.uniform(0, 2 * np.pi)
    offset = turn @ (np.array([np.cos(around), np.sin(around), 0.0]) * rng.uniform(3.5, 7.0))
    return Lamp(
        exposure_distance(depth_HW), offset.astype(np.float32), turn[:, 2].astype(np.float32), rng.uniform(0.5, 2.5)
    )
