"""A patient's camera path in frames: the scene at each frame, and the flow to the frames beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from studio.scenes.simulator.breathing import Breathing, draw_breathing
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.flow import Sight, flow_between, sight_of
from studio.scenes.simulator.frames import Geometry, see
from studio.scenes.simulator.kept import kept
from studio.scenes.simulator.keyframed import path_through
from studio.scenes.simulator.keyframes import CameraKeyframes
from studio.scenes.simulator.leaving_out import left_out, shown_body
from studio.scenes.simulator.path_steering import path_steering
from studio.scenes.simulator.paths import CameraPath, seconds_of
from studio.scenes.simulator.patients import PatientSource, prepared
from studio.scenes.simulator.planning import plan_path
from studio.scenes.simulator.steering import Targets
from studio.scenes.simulator.tool_planning import Moment
from studio.scenes.simulator.views import View

FLOW_FOLDERS = {"forward": "flow_forward", "backward": "flow_backward"}
FLOW_STEP = np.float32(2.0**-12)
"""px; flow is exact to about a thousandth."""
_FEW_BITS_PX = 2.0**16 * FLOW_STEP


@dataclass(frozen=True)
class SequenceSource:
    """Everything that determines a patient's sequence. ``frames`` is how far it is planned; it changes no frame."""

    patient: PatientSource
    size: tuple[int, int]
    frames: int
    breathing: bool
    targets: Targets = ()
    keyframes: CameraKeyframes | None = None
    """The camera goes through these; else the seed plans its path."""
    without: tuple[str, ...] = ()
    """Parts left out of the pictures (see leaving_out)."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """A planned path with its body; one that breathes is able to move."""

    body: Body
    path: CameraPath
    breathing: Breathing | None

    def view(self, index: int) -> View:
        """Camera and instruments at a frame; from -1 to the count, since flow looks at both neighbours."""
        if self.breathing is None:
            return self.path.view_of_frame(index)
        return self.path.view_of_frame(index, self.breathing.carrying(self._inspiration(index)))

    def scene(self, index: int) -> Scene:
        """The body and what ``view`` has in it."""
        view = self.view(index)
        body = self.body if self.breathing is None else self.body.at(self._inspiration(index), view)
        return Scene(body, view)

    def _inspiration(self, index: int) -> float:
        return 0.0 if self.breathing is None else self.breathing.inspiration(seconds_of(index))


@kept(2)
def planned(source: SequenceSource) -> Sequence:
    """Plan a patient's sequence; the last two are kept. Raise InputError when its body leaves a camera no way."""
    path, breathing = _path(replace(source, without=())), _breathing(source)
    body = shown_body(source.patient, source.without)
    ports_N3 = body.anatomy.tool_ports_N3
    tools = tuple(t for t in path.tools if not left_out(t.trocar.port_3, ports_N3, source.without))
    return Sequence(body if breathing is None else breathing.moving(body), replace(path, tools=tools), breathing)


def _breathing(source: SequenceSource) -> Breathing | None:
    return draw_breathing(source.patient.seed, source.patient.number) if source.breathing else None


@kept(1)
def _moments(patient: PatientSource, breathing: bool) -> list[Moment]:
    """The body's states that a path must be free of; the last one's are kept, for paths that are drawn anew."""
    body = prepared(patient)[0]
    if not breathing:
        return [Moment(body.target)]
    breath = draw_breathing(patient.seed, patient.number)
    return [Moment(body.target), Moment(breath.deformed(body, 1.0), breath.carrying(1.0))]


@kept(2)
def _path(source: SequenceSource) -> CameraPath:
    """The path in the whole body, whatever is left out of the pictures."""
    body, moments = prepared(source.patient)[0], _moments(source.patient, source.breathing)
    seed, number, seconds = source.patient.seed, source.patient.number, seconds_of(source.frames)
    if source.keyframes is not None:
        return path_through(
            source.keyframes, body.anatomy, moments, source.size, seed=seed, patient=number, seconds=seconds
        )  # fmt: skip
    steering = path_steering(body, source.size, source.targets, seed=seed, patient=number) if source.targets else None
    return plan_path(
        body.anatomy, moments, source.size, seed=seed, patient=number, seconds=seconds, steering=steering
    )  # fmt: skip


@kept(2)
def geometry_of_frame(source: SequenceSource, index: int) -> Geometry:
    """What a frame shows; kept for the next frame, whose neighbour it is."""
    return see(planned(source).scene(index))


@kept(4)
def _sight(source: SequenceSource, index: int) -> Sight:
    return sight_of(geometry_of_frame(source, index))


def flows(source: SequenceSource, index: int) -> dict[str, np.ndarray]:
    """float32 (H, W, 2) flow of a frame by direction (see flow_between), in steps of FLOW_STEP."""
    geometry = geometry_of_frame(source, index)
    _sight(source, index)  # the next frame's neighbour
    backward = flow_between(geometry, _sight(source, index - 1))
    forward = flow_between(geometry, _sight(source, index + 1))
    return {"forward": in_steps(forward), "backward": in_steps(backward)}


def needs_few_bits(flow_HW2: np.ndarray) -> bool:
    """Whether flow in steps is held by 16 significant bits without loss, as nearly all is."""
    return not (np.abs(flow_HW2) >= _FEW_BITS_PX).any()


def in_steps(flow_HW2: np.ndarray) -> np.ndarray:
    """Rounded to FLOW_STEP, which a file holds in a third of the room."""
    return np.asarray(np.rint(flow_HW2 / FLOW_STEP) * FLOW_STEP, np.float32)
