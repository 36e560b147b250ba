"""Which of a body's mesh files share one frame of reference, told by how they lie to one another."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.files.pictures import read_rgb
from studio.scenes.simulator.anatomy import FAT, GALLBLADDER, LIVER, WALL, Part
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.meshaxes import guessed_axes
from studio.scenes.simulator.meshcoordinates import carried_over, file_surface
from studio.scenes.simulator.meshfiles import read_mesh
from studio.scenes.simulator.meshnotes import SHEETS, check_closed, file_note, frame_notes
from studio.scenes.simulator.meshplans import UNITS, AnatomyPlan, PlannedMesh, plain_words
from studio.scenes.simulator.meshunits import units_of
from studio.scenes.simulator.painting import Painted
from studio.scenes.simulator.placement import guessed_turn, transformed
from studio.scenes.simulator.surfaces import SurfaceField

_NEAR_MM = 12.0
_LIES_AT_MM = 15.0
_MOST_INSIDE = {GALLBLADDER: 0.6, FAT: 0.8}
"""Shares of an organ that may lie within the liver in its own frame; ``_ELSE_INSIDE`` for others."""
_ELSE_INSIDE = 0.35


@dataclass(frozen=True, eq=False)
class SizedMeshes:
    """A plan's meshes in mm and their files' axes; ``frames``: files (by place) that share a frame, the first leads.

    ``turns``: 3x3 of each frame, from its axes to body axes. ``leads``: the first frame holds the liver.
    """

    meshes: tuple[Mesh, ...]
    frames: tuple[tuple[int, ...], ...]
    turns: tuple[np.ndarray, ...]
    leads: bool
    notes: tuple[str, ...]
    textures: tuple[Painted | None, ...]


@functools.lru_cache(maxsize=2)
def sized_meshes(plan: AnatomyPlan) -> SizedMeshes:
    """Read a plan's meshes, in mm by each file's own unit, and tell their frames apart.

    Raise InputError for a file that cannot be used and for a unit that cannot be told.
    """
    planned = plan.meshes
    read = [read_mesh(m.path, sheet=m.class_id in SHEETS, repair=m.repair) for m in planned]
    units = units_of(planned, [r.extent for r in read])
    for part, found in zip(planned, read, strict=True):
        check_closed(part, found)
    sized = [transformed(r.mesh, np.eye(3) * UNITS[u], np.zeros(3)) for r, u in zip(read, units, strict=True)]
    frames = _frames(planned, sized, units)
    leads = any(planned[i].class_id == LIVER for i in frames[0])
    turns = tuple(_turn_of(plan, sized, frame) for frame in frames)
    notes = [
        note
        for part, found, unit in zip(planned, read, units, strict=True)
        for note in file_note(part.path, found, unit=unit, mm_per_unit=UNITS[unit], told=part.mm_per_unit is not None)
    ]
    notes += frame_notes(planned, frames, turns, leads=leads, guessed=plan.turn is None)
    textures = tuple(_painted(p, r.mesh) for p, r in zip(planned, read, strict=True))
    return SizedMeshes(tuple(sized), frames, turns, leads, tuple(notes), textures)


def _painted(planned: PlannedMesh, mesh: Mesh) -> Painted | None:
    """A file's picture on its mended mesh. Raise InputError for a picture or coordinates that can't be used."""
    if planned.texture is None:
        return None
    picture_HW3 = read_rgb(planned.texture)
    return Painted(picture_HW3, carried_over(file_surface(planned.path), mesh), mesh.faces_F3)


def _turn_of(plan: AnatomyPlan, sized: Sequence[Mesh], frame: Sequence[int]) -> np.ndarray:
    """3x3 from a frame's axes to body axes: as told, else guessed from the shapes of what is in it."""
    if plan.turn is not None:
        return np.array(plan.turn)

    def first(class_id: int) -> Mesh | None:
        return next((sized[i] for i in sorted(frame) if plan.meshes[i].class_id == class_id), None)

    liver = first(LIVER)
    if liver is not None:
        return guessed_turn(liver, first(GALLBLADDER))
    return guessed_axes([part_of(plan.meshes[i], sized[i]) for i in frame])


def part_of(planned: PlannedMesh, mesh: Mesh, texture: Painted | None = None) -> Part:
    """A planned file's mesh under its name, class and colour or texture."""
    own = None if texture is None else texture.along(mesh.faces_F3)
    return Part(plain_words(planned.path.stem) or "tissue", planned.class_id, mesh, planned.colour, own)


def _frames(planned: Sequence[PlannedMesh], sized: Sequence[Mesh], units: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Groups of files that fit together; that of the liver is first, else the largest."""
    group = list(range(len(sized)))
    for i in range(len(sized)):
        for j in range(i):
            if units[i] == units[j] and _fit((planned[j], sized[j]), (planned[i], sized[i])):
                group = [group[j] if g == group[i] else g for g in group]
    frames = [tuple(i for i, g in enumerate(group) if g == key) for key in dict.fromkeys(group)]
    livers = {i for i, p in enumerate(planned) if p.class_id == LIVER}
    return tuple(sorted(frames, key=lambda f: (not livers & set(f), -len(f))))


def _fit(one: tuple[PlannedMesh, Mesh], other: tuple[PlannedMesh, Mesh]) -> bool:
    """Whether two organs can lie so in one body: boxes that meet, and neither where the other is."""
    (a, mesh_a), (b, mesh_b) = (one, other) if one[0].class_id == LIVER else (other, one)
    low = np.maximum(mesh_a.vertices_V3.min(axis=0), mesh_b.vertices_V3.min(axis=0))
    high = np.minimum(mesh_a.vertices_V3.max(axis=0), mesh_b.vertices_V3.max(axis=0))
    if (low > high + _NEAR_MM).any() or (a.class_id == b.class_id == LIVER):
        return False
    if a.class_id != LIVER or b.class_id == WALL:
        return True
    field = SurfaceField(mesh_a)
    inside = field.share_inside(mesh_b) <= _MOST_INSIDE.get(b.class_id, _ELSE_INSIDE)
    return inside and (b.class_id != GALLBLADDER or field.gap(mesh_b) <= _LIES_AT_MM)
