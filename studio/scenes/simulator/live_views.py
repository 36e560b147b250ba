"""What the live preview draws: a body of a set from its port, from around, or as one of the set's frames."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.scenes.simulator.anatomy import WALL
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.clearance import obstacle
from studio.scenes.simulator.frames import as_bytes, coloured, see
from studio.scenes.simulator.keyframed import laparoscope_of, view_held
from studio.scenes.simulator.keyframes import Held
from studio.scenes.simulator.leaving_out import INSTRUMENTS, shown_body, view_without
from studio.scenes.simulator.meshbody import notes_on
from studio.scenes.simulator.paths import CameraPath, seconds_of
from studio.scenes.simulator.patients import PatientSource, prepared, sources_of
from studio.scenes.simulator.plain import exposure_distance, shade_plain
from studio.scenes.simulator.round_area import round_area
from studio.scenes.simulator.sequences import SequenceSource, planned
from studio.scenes.simulator.settings import SimulationSettings
from studio.scenes.simulator.steering import frame_view
from studio.scenes.simulator.views import View, intrinsics, looking
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

_AROUND_FIELD_OF_VIEW = 1.1
_WALL_ROOM_MM = 5.0
_NEAREST_MM, _BEYOND_MM, _MOST_SURFACES = 15.0, 0.01, 40


@dataclass(frozen=True)
class LiveView:
    """``source``: port, around or frame. Angles in degrees, lengths in mm. ``still``: a frame's body does not breathe.

    ``around`` 0 looks headwards, positive from the patient's left; ``above`` is the height over the horizon.
    """

    source: str
    held: Held = field(default_factory=Held)
    optics: float = 30.0
    around: float = 0.0
    above: float = 30.0
    distance: float = 130.0
    frame: int = 0
    still: bool = False

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        return {"from": values.pop("source"), **values}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> LiveView:
        """Raise InputError when it is no view."""
        names = {f.name for f in fields(LiveView)} - {"source", "held"}
        if value.get("from") not in ("port", "around", "frame"):
            raise InputError(f"no view is from '{value.get('from')}'", where="preview")
        known = {n: value[n] for n in names if n in value}
        return LiveView(str(value["from"]), Held(**value.get("held", {})), **known)


@dataclass(frozen=True, eq=False)
class Seen:
    """uint8 HxWx3, and what is known of it (JSON-able; see live)."""

    rgb_HW3: np.ndarray
    facts: dict[str, Any]


def looked_at(settings: SimulationSettings, view: LiveView, size: tuple[int, int], *, quick: bool) -> Seen:
    """Draw the settings' first patient; ``quick`` leaves edges rough. The first look at a patient builds its body (a
    second or so). Raise InputError for meshes or a path that cannot be."""
    source = _source(settings.seed, settings.first_patient, settings.anatomy, settings.meshes)
    body, look = prepared(source)
    scene, facts = _SCENES[view.source](settings, source, view)
    scene = Scene(scene.body, _at_size(scene.view, size))
    geometry = see(scene)
    shafts = tuple(t.instrument.look for t in scene.view.tools)
    lit_at = exposure_distance(geometry.depth_HW)
    if quick:
        rgb_HW3 = shade_plain(geometry.surface, look, shafts, lit_at=lit_at).reshape(size[1], size[0], 3)
    else:
        rgb_HW3 = coloured(geometry, lambda s: shade_plain(s, look, shafts, lit_at=lit_at))
    parts = [c.name for c in STUDIO_CLASSES if c.id in body.class_P]
    known: dict[str, Any] = {"parts": [*parts, *INSTRUMENTS[: len(body.anatomy.tool_ports_N3)]]}
    known["notes"] = [] if source.plan is None else list(notes_on(source.plan))
    rgb_HW3 = as_bytes(rgb_HW3)
    if settings.round and view.source != "around":
        rgb_HW3 = round_area(source.seed, source.number, settings.size).at(size).faded(rgb_HW3)
    return Seen(rgb_HW3, {**known, "instruments": len(scene.view.tools), **facts})


def planned_path(settings: SimulationSettings) -> CameraPath:
    """The way of the settings' first patient. Raise InputError where there is none, or an organ is in it."""
    source = _source(settings.seed, settings.first_patient, settings.anatomy, settings.meshes)
    return planned(_sequence(settings, source)).path


@functools.lru_cache(maxsize=8)
def _source(seed: int, patient: int, anatomy: Path | None, meshes: Path | None) -> PatientSource:
    return sources_of(seed, range(patient, patient + 1), anatomy=anatomy, meshes=meshes)[0]


def _sequence(settings: SimulationSettings, source: PatientSource) -> SequenceSource:
    return SequenceSource(
        source, settings.size, settings.frames, settings.breathing, settings.targets, settings.keyframes,
        settings.without,
    )  # fmt: skip


def _at_size(view: View, size: tuple[int, int]) -> View:
    """The same view in more or fewer pixels, fitted to the width."""
    scale = size[0] / view.size[0]
    K = view.K.copy()
    K[:2] *= scale
    K[1, 2] = size[1] / 2
    return replace(view, size=size, K=K)


def _from_port(settings: SimulationSettings, source: PatientSource, view: LiveView) -> tuple[Scene, dict[str, Any]]:
    whole = prepared(source)[0]
    seen = view_held(
        whole.anatomy, settings.size, view.held, optics=view.optics, seed=source.seed, patient=source.number
    )  # fmt: skip
    port_3 = laparoscope_of(whole.anatomy, view.optics).trocar.port_3
    words = obstacle(whole.anatomy, whole.target, port_3, seen.camera_to_world)
    facts = {"held": asdict(view.held), "optics": view.optics, "obstacle": words}
    return Scene(shown_body(source, settings.without), seen), facts


def _from_around(settings: SimulationSettings, source: PatientSource, view: LiveView) -> tuple[Scene, dict[str, Any]]:
    """Towards the middle of the surgical field, no farther from it than the wall."""
    whole = prepared(source)[0]
    around, above = np.deg2rad(view.around), np.deg2rad(view.above)
    outwards = np.array([np.sin(around) * np.cos(above), -np.cos(around) * np.cos(above), np.sin(above)])
    centre = whole.anatomy.centre
    position = centre + outwards * max(_NEAREST_MM, min(view.distance, _room(whole, centre, outwards)))
    K = intrinsics(settings.size, _AROUND_FIELD_OF_VIEW)
    scene = Scene(shown_body(source, settings.without), View(settings.size, K, looking(position, centre)))
    return scene, {"held": None, "optics": view.optics, "obstacle": ""}


def _room(body: Body, centre: np.ndarray, outwards: np.ndarray) -> float:
    """How far the wall lets one go; organs in between don't count."""
    gone = _NEAREST_MM
    for _ in range(_MOST_SURFACES):
        hits = body.target.trace(centre + outwards * gone, outwards[None])
        if hits.face_N[0] < 0:
            return np.inf
        gone += float(hits.t_N[0])
        if body.class_P[body.target.part_F[hits.face_N[0]]] == WALL:
            return gone - _WALL_ROOM_MM
        gone += _BEYOND_MM
    return gone


def _from_frame(settings: SimulationSettings, source: PatientSource, view: LiveView) -> tuple[Scene, dict[str, Any]]:
    index = max(0, min(view.frame, settings.frames - 1))
    facts: dict[str, Any] = {"held": None, "optics": view.optics, "obstacle": ""}
    if not settings.path:
        body = shown_body(source, settings.without)
        seen = frame_view(source, settings.size, index, targets=settings.targets)
        return Scene(body, view_without(seen, body.anatomy.tool_ports_N3, settings.without)), facts
    sequence = planned(_sequence(settings, source))
    held = Held.of_values(sequence.path.curve.at(seconds_of(index)))
    optics = float(np.round(np.rad2deg(sequence.path.laparoscope.angle), 3))
    facts |= {"held": asdict(held), "optics": optics, "still": view.still and settings.breathing}
    if facts["still"]:
        return Scene(shown_body(source, settings.without), sequence.view(index)), facts
    return sequence.scene(index), facts


_SCENES = {"port": _from_port, "around": _from_around, "frame": _from_frame}
