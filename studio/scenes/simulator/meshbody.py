"""A patient's anatomy from meshes of one source or several; what they lack is filled in procedurally."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.scenes.simulator.anatomy import GALLBLADDER, LIVER, Anatomy, Part, procedural_anatomy
from studio.scenes.simulator.fields import Mesh, Waves, with_normals
from studio.scenes.simulator.instruments import InstrumentKit, make_kit
from studio.scenes.simulator.meshfiles import load_mesh
from studio.scenes.simulator.meshfilling import completed
from studio.scenes.simulator.meshframes import SizedMeshes, sized_meshes
from studio.scenes.simulator.meshplans import UNITS, AnatomyPlan, PlannedInstrument, PlannedMesh, plain_words
from studio.scenes.simulator.meshunits import tool_unit
from studio.scenes.simulator.placement import guessed_turn, transformed
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

_MIDDLE = np.array([-14.0, 58.0, 2.0])
"""Where the middle of a liver's box comes to lie, as in the procedural bodies."""


def anatomy_from_plan(plan: AnatomyPlan, *, seed: int, number: int, variation: int) -> Anatomy:
    """Build a patient. ``variation`` 0 keeps the meshes' own shape, others bend and stretch it a little.

    Raise InputError for meshes that cannot be used.
    """
    kits = tuple(_kit(p) for p in plan.instruments)
    if not plan.meshes:
        body = procedural_anatomy(seed, number)
        return Anatomy(body.name, body.parts, body.camera_port, body.tool_ports_N3, body.centre, kits)
    rng = stream(seed, "mesh anatomy", plan.name, number)
    sized = sized_meshes(plan)
    leads = any(plan.meshes[i].class_id == LIVER for i in sized.frames[0])
    lead = set(sized.frames[0]) if leads else set()
    turn = _turn_of(plan, sized, lead)
    stays = {i for i, p in enumerate(plan.meshes) if i in lead or p.moved}
    parts = _placed_parts(plan, sized, sorted(stays), turn)
    if variation and not plan.fixed:
        parts = _bent(parts, rng)
    # Axes that were guessed are the liver's frame's own: others keep theirs.
    told = np.eye(3) if plan.turn is None else turn
    loose = [[_loose(plan.meshes[i], sized.meshes[i], told) for i in f if i not in stays] for f in sized.frames]
    return completed(parts, [f for f in loose if f], name=plan.name, rng=rng, kits=kits)


def notes_on(plan: AnatomyPlan) -> tuple[str, ...]:
    """What was guessed of a plan's files: units and places. Raise InputError for meshes that cannot be used."""
    return sized_meshes(plan).notes if plan.meshes else ()


def _turn_of(plan: AnatomyPlan, sized: SizedMeshes, lead: set[int]) -> np.ndarray:
    """3x3 from the files' axes to body axes: as told, else guessed from the liver and a gallbladder of its frame."""
    if plan.turn is not None:
        return np.array(plan.turn)

    def first(class_id: int) -> Mesh | None:
        return next((sized.meshes[i] for i in sorted(lead) if plan.meshes[i].class_id == class_id), None)

    liver = first(LIVER)
    return np.eye(3) if liver is None else guessed_turn(liver, first(GALLBLADDER))


def _placed_parts(plan: AnatomyPlan, sized: SizedMeshes, places: Sequence[int], turn: np.ndarray) -> list[Part]:
    """The liver's frame and what was placed by hand, in body axes, the liver where a liver belongs."""
    turned = {i: transformed(sized.meshes[i], turn, np.zeros(3)) for i in places}
    liver = next((turned[i] for i in places if plan.meshes[i].class_id == LIVER), None)
    shift = np.zeros(3)
    if liver is not None and not plan.fixed:
        shift = _MIDDLE - (liver.vertices_V3.min(axis=0) + liver.vertices_V3.max(axis=0)) / 2
    parts = []
    for i in places:
        matrix = _matrix(plan.meshes[i])
        mesh = transformed(turned[i], matrix[:3, :3], matrix[:3, 3] + matrix[:3, :3] @ shift)
        parts.append(_part(plan.meshes[i], mesh))
    return parts


def _loose(planned: PlannedMesh, mesh: Mesh, turn: np.ndarray) -> Part:
    """A part that is yet to be placed."""
    return _part(planned, transformed(mesh, _matrix(planned)[:3, :3] @ turn, np.zeros(3)))


def _matrix(planned: PlannedMesh) -> np.ndarray:
    return np.eye(4) if planned.matrix is None else np.array(planned.matrix)


def _part(planned: PlannedMesh, mesh: Mesh) -> Part:
    return Part(plain_words(planned.path.stem) or "tissue", planned.class_id, mesh, planned.colour)


def _bent(parts: Sequence[Part], rng: np.random.Generator) -> list[Part]:
    """The same smooth deformation for all parts, so that they stay together: stretched, turned, wavy."""
    stretch = np.diag(rng.uniform(0.9, 1.1, 3))
    angle = rng.normal() * 0.12
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ stretch
    waves = [Waves(rng, 130.0, 6) for _ in range(3)]
    bent = []
    for part in parts:
        moved = transformed(part.mesh, matrix, _MIDDLE - matrix @ _MIDDLE)
        x, y, z = moved.vertices_V3.T
        drift = np.stack([w(x, y, z) for w in waves], axis=1) * np.float32(3.5)
        bent.append(
            Part(part.name, part.class_id, with_normals(moved.vertices_V3 + drift, moved.faces_F3), part.colour)
        )
    return bent


def _kit(planned: PlannedInstrument) -> InstrumentKit:
    paths: list[Path] = [*planned.jaws, *([planned.shaft] if planned.shaft else [])]
    meshes = [load_mesh(p) for p in paths]
    extents = [float(np.ptp(m.vertices_V3, axis=0).max()) for m in meshes]
    unit = planned.mm_per_unit or _guessed_tool_unit(planned, extents)
    scaled = [transformed(m, np.eye(3) * unit, np.zeros(3)) for m in meshes]
    jaws = scaled[: len(planned.jaws)]
    return make_kit(planned.name, jaws, scaled[-1] if planned.shaft else None)


def _guessed_tool_unit(planned: PlannedInstrument, extents: Sequence[float]) -> float:
    count = len(planned.jaws)
    name = tool_unit(extents[:count], extents[count] if planned.shaft else None)
    if name is None:
        raise InputError(
            f"its longest side is {max(extents):.3g}, which in no unit makes an instrument",
            where=planned.shaft or planned.jaws[0],
            remedy='Name it in an anatomy file (--anatomy) under [[instrument]] with its units, such as units = "mm".',
        )
    return UNITS[name]
