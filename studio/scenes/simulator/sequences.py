"""A patient's camera path in frames: the scene at each frame, and the flow to the frames beside it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from studio.scenes.simulator.breathing import Breathing, draw_breathing
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.flow import flow_between
from studio.scenes.simulator.frames import Geometry
from studio.scenes.simulator.keyframed import path_through
from studio.scenes.simulator.keyframes import CameraKeyframes
from studio.scenes.simulator.leaving_out import left_out, shown_body
from studio.scenes.simulator.paths import CameraPath, seconds_of
from studio.scenes.simulator.patients import PatientSource, prepared
from studio.scenes.simulator.planning import plan_path

FLOW_FOLDERS = {"forward": "flow_forward", "backward": "flow_backward"}


@dataclass(frozen=True)
class SequenceSource:
    """Everything that determines a patient's sequence. ``frames`` is how far it is planned; it changes no frame."""

    patient: PatientSource
    size: tuple[int, int]
    frames: int
    breathing: bool
    keyframes: CameraKeyframes | None = None
    """The camera goes through these; else the seed plans its path."""
    without: tuple[str, ...] = ()
    """Parts left out of the pictures (see leaving_out)."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """A planned path with its body, at rest and breathing."""

    body: Body
    path: CameraPath
    breathing: Breathing | None

    def scene(self, index: int) -> Scene:
        """The body and the instruments at a frame; from -1 to the count, since flow looks at both neighbours."""
        body = self.body
        if self.breathing is not None:
            body = self.breathing.deformed(body, self.breathing.inspiration(seconds_of(index)))
        return Scene(body, self.path.view_of_frame(index))


@functools.lru_cache(maxsize=2)
def planned(source: SequenceSource) -> Sequence:
    """Plan a patient's sequence; the last two are kept. Raise InputError when its body leaves a camera no way."""
    path = _path(replace(source, without=()))
    body = shown_body(source.patient, source.without)
    ports_N3 = body.anatomy.tool_ports_N3
    kept = tuple(t for t in path.tools if not left_out(t.trocar.port_3, ports_N3, source.without))
    return Sequence(body, replace(path, tools=kept), _breathing(source))


def _breathing(source: SequenceSource) -> Breathing | None:
    return draw_breathing(source.patient.seed, source.patient.number) if source.breathing else None


@functools.lru_cache(maxsize=2)
def _path(source: SequenceSource) -> CameraPath:
    """The path in the whole body, whatever is left out of the pictures."""
    body, breathing = prepared(source.patient)[0], _breathing(source)
    targets = [body.target] if breathing is None else [body.target, breathing.deformed(body, 1.0).target]
    seed, number, seconds = source.patient.seed, source.patient.number, seconds_of(source.frames)
    if source.keyframes is None:
        return plan_path(body.anatomy, targets, source.size, seed=seed, patient=number, seconds=seconds)
    return path_through(
        source.keyframes, body.anatomy, targets, source.size, seed=seed, patient=number, seconds=seconds
    )  # fmt: skip


@functools.lru_cache(maxsize=4)
def scene_of_frame(source: SequenceSource, index: int) -> Scene:
    """A frame's scene; kept, since each serves its own frame and both neighbours' flow."""
    return planned(source).scene(index)


def flows(source: SequenceSource, index: int, geometry: Geometry) -> dict[str, np.ndarray]:
    """float32 (H, W, 2) flow of a frame by direction (see flow_between)."""
    return {
        "forward": flow_between(geometry, scene_of_frame(source, index + 1)),
        "backward": flow_between(geometry, scene_of_frame(source, index - 1)),
    }
