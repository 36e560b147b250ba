"""A camera path through keyframes in one body: held in its trocar, clear of organs, with instruments beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.scenes.simulator.anatomy import Anatomy
from studio.scenes.simulator.clearance import obstacle
from studio.scenes.simulator.keyframes import CameraKeyframes, Held, curve_through
from studio.scenes.simulator.paths import FRAMES_PER_SECOND, CameraPath, frames_in, seconds_of
from studio.scenes.simulator.planning import LOOK_AHEAD, with_tools
from studio.scenes.simulator.tool_planning import Moment
from studio.scenes.simulator.trocars import Laparoscope, Trocar
from studio.scenes.simulator.views import View, intrinsics
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream


def laparoscope_of(anatomy: Anatomy, optics: float) -> Laparoscope:
    """The laparoscope in a body's camera port; ``optics`` in degrees."""
    return Laparoscope(Trocar.towards(anatomy.camera_port, anatomy.centre), float(np.deg2rad(optics)))


def patient_intrinsics(size: tuple[int, int], *, seed: int, patient: int) -> np.ndarray:
    """K of a patient's laparoscope, the same as on the path that the seed gives."""
    return intrinsics(size, stream(seed, "path", patient).uniform(0.95, 1.22))


def view_held(anatomy: Anatomy, size: tuple[int, int], held: Held, *, optics: float, seed: int, patient: int) -> View:
    """What a laparoscope sees that is held like this, without instruments."""
    a, b, depth, turn, roll = held.values_5()
    scope = laparoscope_of(anatomy, optics)
    pose = scope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)
    return View(size, patient_intrinsics(size, seed=seed, patient=patient), pose)


def path_through(
    keyframes: CameraKeyframes, anatomy: Anatomy, moments: Sequence[Moment], size: tuple[int, int], *, seed: int,
    patient: int, seconds: float,
) -> CameraPath:  # fmt: skip
    """The path with instruments, at least ``seconds`` long. Raise InputError where an organ is in the lens's way.

    ``moments``: the body in the states that it must be free of, the first at rest.
    """
    scope = laparoscope_of(anatomy, keyframes.optics)
    curve = curve_through(keyframes, seconds=seconds + 4 * LOOK_AHEAD)
    path = CameraPath(size, patient_intrinsics(size, seed=seed, patient=patient), scope, curve)
    check_free(keyframes, path, anatomy, moments)
    rng = stream(seed, "keyframed path", patient)
    return with_tools(path, anatomy, moments, rng, seed=seed, patient=patient, seconds=seconds)


def check_free(
    keyframes: CameraKeyframes, path: CameraPath, anatomy: Anatomy, moments: Sequence[Moment]
) -> None:  # fmt: skip
    """Look at every keyframe, then at every frame. Raise InputError that names the organ and the place."""
    lead = seconds_of(0)

    def found(seconds: float) -> str:
        return next(filter(None, (_in_the_way(anatomy, path, m, lead + seconds) for m in moments)), "")

    times = [k.seconds for k in keyframes.keyframes]
    for number, seconds in enumerate(times, start=1):
        if words := found(seconds):
            raise InputError(
                f"keyframe {number}: the lens {words}", where=anatomy.name, remedy="Move or remove it."
            )  # fmt: skip
    for index in range(frames_in(keyframes.seconds) + 1):
        seconds = min(index / FRAMES_PER_SECOND, keyframes.seconds)
        if words := found(seconds):
            before = int(np.searchsorted(times, seconds, side="right"))
            raise InputError(
                f"between keyframes {before} and {before + 1}, at {seconds:.1f} s, the lens {words}",
                where=anatomy.name, remedy="Add a keyframe that leads around it.",
            )  # fmt: skip


def _in_the_way(anatomy: Anatomy, path: CameraPath, moment: Moment, seconds: float) -> str:
    port_3 = path.laparoscope.carried(moment.carried).trocar.port_3
    return obstacle(anatomy, moment.target, port_3, path.pose_at(seconds, moment.carried))
