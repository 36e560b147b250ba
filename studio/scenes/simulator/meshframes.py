"""Which of a body's mesh files share one frame of reference, told by how they lie to one another."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.anatomy import FAT, GALLBLADDER, LIVER, WALL
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.meshfiles import load_mesh
from studio.scenes.simulator.meshplans import UNITS, AnatomyPlan, PlannedMesh
from studio.scenes.simulator.meshunits import units_of
from studio.scenes.simulator.placement import transformed
from studio.scenes.simulator.surfaces import SurfaceField

_NEAR_MM = 12.0
_LIES_AT_MM = 15.0
_MOST_INSIDE = {GALLBLADDER: 0.6, FAT: 0.8}
"""Shares of an organ that may lie within the liver in its own frame; ``_ELSE_INSIDE`` for others."""
_ELSE_INSIDE = 0.35


@dataclass(frozen=True, eq=False)
class SizedMeshes:
    """A plan's meshes in mm and their files' axes; ``frames``: files (by place) that share a frame, the first leads."""

    meshes: tuple[Mesh, ...]
    frames: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...]


@functools.lru_cache(maxsize=2)
def sized_meshes(plan: AnatomyPlan) -> SizedMeshes:
    """Load a plan's meshes, in mm by each file's own unit, and tell their frames apart.

    Raise InputError for a file that cannot be used and for a unit that cannot be told.
    """
    loaded = [load_mesh(m.path) for m in plan.meshes]
    units = units_of(plan.meshes, [float(np.ptp(m.vertices_V3, axis=0).max()) for m in loaded])
    sized = [transformed(m, np.eye(3) * UNITS[u], np.zeros(3)) for m, u in zip(loaded, units, strict=True)]
    frames = _frames(plan.meshes, sized, units)
    return SizedMeshes(tuple(sized), frames, (*_unit_notes(plan.meshes, sized, units), *_frame_notes(plan, frames)))


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


def _unit_notes(planned: Sequence[PlannedMesh], sized: Sequence[Mesh], units: Sequence[str]) -> list[str]:
    """Which files' units were guessed, where that is not mm."""
    return [
        f"{part.path.name}: read as {unit}, {np.ptp(mesh.vertices_V3, axis=0).max():.0f} mm long; where that is wrong,"
        ' say units = "..." in an anatomy file'
        for part, mesh, unit in zip(planned, sized, units, strict=True)
        if part.mm_per_unit is None and unit != "mm"
    ]


def _frame_notes(plan: AnatomyPlan, frames: Sequence[Sequence[int]]) -> list[str]:
    """Which files were brought to their place, because they lie elsewhere in their own."""
    lead = set(frames[0]) if any(plan.meshes[i].class_id == LIVER for i in frames[0]) else set()
    moved = [p.path.name for i, p in enumerate(plan.meshes) if i not in lead and not p.moved]
    if not moved:
        return []
    whose = "the liver's" if lead else "a common one"
    return [f"{', '.join(moved)}: of another frame than {whose}, placed by class; say move = [...] in an anatomy file"]
