"""What a simulation and a set of stand-in footage are made from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from studio.files.atomic import size_in_words
from studio.scenes.simulator.keyframes import CameraKeyframes
from studio.scenes.simulator.leaving_out import check_left_out
from studio.vocabulary.errors import DiskFull, InputError
from studio.vocabulary.labels import STUDIO_CLASSES

_SECONDS_PER_MEGAPIXEL = {"plain": 0.5, "phantom": 1.12}
"""One core, colour and all layers, encoding included; measured on a 2-core server at 160x90 to 960x540."""
_SECONDS_PER_FRAME = 0.012
_SECONDS_TO_START = 1.2
_MOST_FRAMES = 10_000_000
_MOST_PATIENTS = 50_000
"""Each a folder and a body of its own."""
_PATH_FACTOR = 1.5
"""Against single frames: flow both ways."""
_BREATHING_SECONDS, _TARGETS_SECONDS, _TARGETS_SECONDS_PER_PATIENT = 0.033, 0.066, 2.0
"""More for each frame, of whatever size: what is in view built anew; ten candidates for each view."""
_BYTES_PER_PIXEL, _FLOW_BYTES_PER_PIXEL = 7.2, 2.2
"""Colour, labels, depth and normals; flow both ways as EXR. Measured on 48 frames of two patients at 256x144."""
_PHANTOM_BYTES_PER_PIXEL = {"frame": 0.2, "labelled": 1.4}
"""JPEG; PNG with its labels. Measured on frames of 452x256."""
_SECONDS_PER_PATIENT = {"plain": 0.3, "phantom": 0.7}


@dataclass(frozen=True)
class SimulationSettings:
    """Plain frames with exact layers.

    ``frames`` are spread evenly over ``patients``; ``size`` is (width, height) in px; patients are numbered from
    ``first_patient``. ``anatomy`` is a TOML file, ``meshes`` a folder; what they lack is procedural. ``targets`` holds
    (class id, mean share of the pixels) pairs that views, or a path's goals, are chosen for. ``processes`` 0 means one
    per core; it changes no pixel.
    """

    frames: int
    patients: int
    size: tuple[int, int] = (452, 256)
    seed: int = 0
    anatomy: Path | None = None
    meshes: Path | None = None
    first_patient: int = 0
    targets: tuple[tuple[int, float], ...] = ()
    processes: int = 0
    path: bool = False
    """Each patient's frames follow one another along a smooth camera path, with optical flow."""
    breathing: bool = False
    """With a path: the body breathes."""
    keyframes: CameraKeyframes | None = None
    """With a path: the camera goes through these in every body; else the seed plans its way."""
    without: tuple[str, ...] = ()
    """Parts left out of the pictures (see leaving_out.PARTS); views are those of the whole body."""
    round: bool = False
    """Pictures show the endoscope's round area alone, another one for each patient."""

    def __post_init__(self) -> None:
        _check(self.frames, self.patients, self.size)
        if self.breathing and not self.path:
            raise InputError("breathing without a camera path", remedy="Ask for a path, or leave breathing out.")
        if self.keyframes is not None and not self.path:
            raise InputError("keyframes without a camera path", remedy="Ask for a path, or leave the keyframes out.")
        if self.keyframes is not None and self.targets:
            raise InputError("class targets with keyframes", remedy="Leave one of the two out.")
        _check_targets(self.targets)
        check_left_out(self.without)
        if self.targets and self.round:
            raise InputError("class targets with the round picture area", remedy="Leave one of the two out: targets are"
                             " shares of the whole picture.")  # fmt: skip
        if self.targets and self.without:
            raise InputError("class targets with parts left out", remedy="Leave one of the two out: targets are met by"
                             " views of the whole body.")  # fmt: skip


@dataclass(frozen=True)
class PhantomSettings:
    """Stand-in footage without labels, and labelled stand-in patients none of which is in the footage.

    ``frames`` over ``patients`` and ``labelled_frames`` over ``labelled_patients``; numbers start at ``first_patient``.
    """

    frames: int
    patients: int
    size: tuple[int, int] = (452, 256)
    seed: int = 0
    labelled_patients: int = 0
    labelled_frames: int = 0
    first_patient: int = 1000
    processes: int = 0

    def __post_init__(self) -> None:
        _check(self.frames, self.patients, self.size)
        if self.labelled_frames and self.labelled_patients < 1:
            raise InputError("labelled frames without a labelled patient", remedy="Ask for at least one such patient.")


def _check(frames: int, patients: int, size: tuple[int, int]) -> None:
    if frames < 1 or patients < 1:
        raise InputError(f"{frames} frames of {patients} patients", remedy="Ask for at least one of each.")
    if frames > _MOST_FRAMES:
        raise InputError(f"{frames} frames", remedy=f"Up to {_MOST_FRAMES:,} can be simulated in one go.")
    if min(frames, patients) > _MOST_PATIENTS:
        raise InputError(f"{min(frames, patients)} patients",
                         remedy=f"Up to {_MOST_PATIENTS:,} can be simulated in one go.")  # fmt: skip
    if not all(16 <= side <= 4096 for side in size):
        raise InputError(f"frames of {size[0]}x{size[1]} px", remedy="Sides of 16 to 4096 px can be simulated.")


def _check_targets(targets: tuple[tuple[int, float], ...]) -> None:
    ids = [class_id for class_id, _ in targets]
    if len(set(ids)) != len(ids):
        raise InputError("a class has two targets", remedy="Give each class one.")
    for class_id, share in targets:
        if class_id == 0 or not 0 <= share <= 1:
            name = STUDIO_CLASSES.by_id(class_id).name
            raise InputError(f"a target of {share:g} for {name}", remedy="Give shares of 0 to 1, and none for void.")
    if sum(share for _, share in targets) > 1:
        raise InputError("targets add up to more than 1", remedy="Shares of one picture add up to 1 at most.")


def frames_of(total: int, patients: int) -> list[int]:
    """How many of ``total`` frames each patient gets; patients without any are left out."""
    return [total // patients + (i < total % patients) for i in range(min(total, patients))]


def process_count(wanted: int) -> int:
    """``wanted``, or the number of cores this process may use."""
    if wanted > 0:
        return wanted
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def expected_seconds(settings: SimulationSettings | PhantomSettings) -> float:
    """About how long the job takes on this machine, for a cost shown beforehand."""
    kind = "phantom" if isinstance(settings, PhantomSettings) else "plain"
    frames, patients = settings.frames, settings.patients
    if isinstance(settings, PhantomSettings):
        frames, patients = frames + settings.labelled_frames, patients + settings.labelled_patients
    megapixels = settings.size[0] * settings.size[1] / 1e6
    each = megapixels * _SECONDS_PER_MEGAPIXEL[kind] + _SECONDS_PER_FRAME
    body = _SECONDS_PER_PATIENT[kind]
    if isinstance(settings, SimulationSettings) and settings.path:
        each = each * _PATH_FACTOR + _BREATHING_SECONDS * settings.breathing
    elif isinstance(settings, SimulationSettings) and settings.targets:
        each, body = each + _TARGETS_SECONDS, body + _TARGETS_SECONDS_PER_PATIENT
    return _SECONDS_TO_START + (frames * each + patients * body) / process_count(settings.processes)


def expected_bytes(settings: SimulationSettings, *, frames: int | None = None) -> int:
    """About how much room the frames (all, or so many) take on the disk; a little less where they are large."""
    each = _BYTES_PER_PIXEL + (_FLOW_BYTES_PER_PIXEL if settings.path else 0.0)
    return round((settings.frames if frames is None else frames) * settings.size[0] * settings.size[1] * each)


def expected_phantom_bytes(size: tuple[int, int], *, frames: int, labelled_frames: int) -> int:
    """About how much room stand-in footage takes on the disk; less where frames are large."""
    each = _PHANTOM_BYTES_PER_PIXEL
    return round(size[0] * size[1] * (frames * each["frame"] + labelled_frames * each["labelled"]))


def no_room(dest: Path, *, left: int, needed_bytes: int) -> DiskFull:
    """What is said when the disk fills up with so many frames left."""
    return DiskFull(
        f"the disk is full; the {left} frames that are left need about {size_in_words(needed_bytes)}", where=dest,
        remedy="Free that much, then run the same again: it goes on where it was.",
    )  # fmt: skip
