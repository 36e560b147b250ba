"""A patient seen from any side, at once: for the live preview in the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.patients import prepared, sources_of
from studio.scenes.simulator.sequences import SequenceSource, geometry_of_frame
from studio.scenes.simulator.settings import SimulationSettings
from studio.scenes.simulator.simulation import plain_layers, shaded_layers
from studio.scenes.simulator.steering import frame_view
from studio.scenes.simulator.views import View, intrinsics, looking
from studio.vocabulary.frames import Layers


@dataclass(frozen=True)
class PreviewPose:
    """A camera that looks at the surgical field's middle.

    Angles in degrees: ``around`` 0 looks headwards, positive from the patient's left; ``above`` is the height over the
    horizon. ``distance`` in mm.
    """

    around: float = 0.0
    above: float = 30.0
    distance: float = 130.0
    roll: float = 0.0


def render_preview(
    settings: SimulationSettings, pose: PreviewPose | None = None, size: tuple[int, int] = (256, 144), *,
    patient: int = 0, frame: int = 0,
) -> Layers:  # fmt: skip
    """The settings' patient (counted from 0) from a pose, or without one as its ``frame`` will look.

    The first call for a patient builds its body (a second or so); later ones take some ten milliseconds at the default
    size. Raise InputError for meshes that cannot be used.
    """
    numbers = range(settings.first_patient + patient, settings.first_patient + patient + 1)
    source = sources_of(settings.seed, numbers, anatomy=settings.anatomy, meshes=settings.meshes)[0]
    body, look = prepared(source)
    if pose is None and settings.path:
        sequence = SequenceSource(
            source, size, max(frame + 1, settings.frames // settings.patients), settings.breathing, settings.targets
        )
        return shaded_layers(geometry_of_frame(sequence, frame), look)
    if pose is None:
        return plain_layers(body, look, frame_view(source, size, frame, targets=settings.targets))
    around, above = np.deg2rad(pose.around), np.deg2rad(pose.above)
    outwards = np.array([np.sin(around) * np.cos(above), -np.cos(around) * np.cos(above), np.sin(above)])
    centre = body.anatomy.centre
    wall = body.target.trace(centre + outwards * 15.0, outwards[None])
    room = 15.0 + float(wall.t_N[0]) - 5.0 if wall.face_N[0] >= 0 else pose.distance
    position = centre + outwards * max(15.0, min(pose.distance, room))
    view = View(size, intrinsics(size, 1.1), looking(position, centre, roll=np.deg2rad(pose.roll)))
    return plain_layers(body, look, view)
