"""A patient's anatomy from meshes of one source or several; what they lack is filled in procedurally."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from studio.scenes.simulator.anatomy import LIVER, Anatomy, Part, procedural_anatomy
from studio.scenes.simulator.fields import Mesh, Waves, with_normals
from studio.scenes.simulator.meshfilling import completed
from studio.scenes.simulator.meshframes import SizedMeshes, part_of, sized_meshes
from studio.scenes.simulator.meshkits import kit_of
from studio.scenes.simulator.meshplans import AnatomyPlan, PlannedMesh
from studio.scenes.simulator.painting import Painted
from studio.scenes.simulator.placement import transformed
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

_MIDDLE = np.array([-14.0, 58.0, 2.0])
"""Where the middle of a liver's box comes to lie, as in the procedural bodies."""
_FURTHEST_MM = 1000.0


def anatomy_from_plan(plan: AnatomyPlan, *, seed: int, number: int, variation: int) -> Anatomy:
    """Build a patient. ``variation`` 0 keeps the meshes' own shape, others bend and stretch it a little.

    Raise InputError for meshes that cannot be used.
    """
    kits = tuple(kit_of(p).kit for p in plan.instruments)
    if not plan.meshes:
        body = procedural_anatomy(seed, number)
        return Anatomy(body.name, body.parts, body.camera_port, body.tool_ports_N3, body.centre, kits)
    rng = stream(seed, "mesh anatomy", plan.name, number)
    sized = sized_meshes(plan)
    stays = _staying(plan, sized)
    parts = _placed_parts(plan, sized, stays)
    if variation and not plan.fixed:
        parts = _bent(parts, rng)
    loose = [
        [_loose(plan.meshes[i], sized.meshes[i], own, sized.textures[i]) for i in frame if i not in stays]
        for frame, own in zip(sized.frames, sized.turns, strict=True)
    ]
    return completed(parts, [f for f in loose if f], name=plan.name, rng=rng, kits=kits)


@functools.lru_cache(maxsize=64)
def notes_on(plan: AnatomyPlan) -> tuple[str, ...]:
    """What was mended in a plan's files, and what was guessed of them: units, axes and places. Raise InputError for
    meshes that cannot be used."""
    of_tools = dict.fromkeys(note for planned in plan.instruments for note in kit_of(planned).notes)
    if not plan.meshes:
        return tuple(of_tools)
    sized = sized_meshes(plan)
    _placed_parts(plan, sized, _staying(plan, sized))  # what would lie far away is refused before anything is made
    return (*sized.notes, *of_tools)


def _staying(plan: AnatomyPlan, sized: SizedMeshes) -> list[int]:
    """The files (by place) whose place is known: of the liver's frame, or moved by hand."""
    lead = set(sized.frames[0]) if sized.leads else set()
    return [i for i, p in enumerate(plan.meshes) if i in lead or p.moved]


def _placed_parts(plan: AnatomyPlan, sized: SizedMeshes, places: Sequence[int]) -> list[Part]:
    """The liver's frame and what was placed by hand, in body axes, the liver where a liver belongs.

    Raise InputError for what was moved out of the body.
    """
    # What was moved by hand lies in body axes; guessed axes of the liver's frame hold for it, too, where it has any.
    turn = sized.turns[0] if sized.leads or plan.turn is not None else np.eye(3)
    turned = {i: transformed(sized.meshes[i], turn, np.zeros(3)) for i in places}
    liver = next((turned[i] for i in places if plan.meshes[i].class_id == LIVER), None)
    shift = np.zeros(3)
    if liver is not None and not plan.fixed:
        shift = _MIDDLE - (liver.vertices_V3.min(axis=0) + liver.vertices_V3.max(axis=0)) / 2
    parts = []
    for i in places:
        matrix = _matrix(plan.meshes[i])
        mesh = transformed(turned[i], matrix[:3, :3], matrix[:3, 3] + matrix[:3, :3] @ shift)
        if plan.meshes[i].moved:
            _check_place(plan.meshes[i], mesh)
        parts.append(part_of(plan.meshes[i], mesh, sized.textures[i]))
    return parts


def _check_place(planned: PlannedMesh, mesh: Mesh) -> None:
    middle = (mesh.vertices_V3.min(axis=0).astype(float) + mesh.vertices_V3.max(axis=0)) / 2
    away = float(np.linalg.norm(middle - _MIDDLE))
    if not away <= _FURTHEST_MM:
        raise InputError(
            f"moved {away:,.0f} mm away from the body" if away < 1e6 else "moved far away from the body",
            where=planned.path,
            remedy="Correct move in the anatomy file, or leave it out: then the organ is placed by its class.",
        )  # fmt: skip


def _loose(planned: PlannedMesh, mesh: Mesh, turn: np.ndarray, texture: Painted | None) -> Part:
    """A part that is yet to be placed."""
    return part_of(planned, transformed(mesh, _matrix(planned)[:3, :3] @ turn, np.zeros(3)), texture)


def _matrix(planned: PlannedMesh) -> np.ndarray:
    return np.eye(4) if planned.matrix is None else np.array(planned.matrix)


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
        bent.append(replace(part, mesh=with_normals(moved.vertices_V3 + drift, moved.faces_F3)))
    return bent
