"""Organs of another source brought to their place at a body's liver.

A gallbladder comes into the liver's bed, its long axis along the bed and its wide end in front; everything else comes
to where its organ usually lies. What shares a frame with it moves along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.scenes.simulator.anatomy import FAT, GALLBLADDER, LIVER, WALL, Part
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.organs import Bladder, Dome
from studio.scenes.simulator.placement import wide_end
from studio.scenes.simulator.shaping import rested
from studio.scenes.simulator.surfaces import SurfaceField

_PLACES_MM: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("duodenum", (-6.0, 20.0, -62.0)),
    ("stomach|gastro", (66.0, 34.0, -42.0)),
    ("spleen", (116.0, 48.0, -44.0)),
    ("kidney", (-70.0, 30.0, -95.0)),
    ("pancreas", (30.0, 30.0, -80.0)),
    ("ligament|falciform", (16.0, 20.0, 40.0)),
    ("", (10.0, -45.0, -62.0)),
)
"""Where the middle of an organ's box lies, body axes, as the procedural organs have it."""
_SEATED = 0.14
"""Share of a gallbladder's surface that lies in the liver."""
_ASIDE_MM = 2.0
_CLEAR_MM, _MOST_CLEARED_MM = 4.0, 60.0


@dataclass(frozen=True, eq=False)
class Bed:
    """What placing needs to know of a body: its liver's surface, how a gallbladder would lie there, and its wall."""

    liver: SurfaceField
    bladder: Bladder
    dome: Dome


def placed_by_class(frame: Sequence[Part], bed: Bed) -> list[Part]:
    """The organs of one frame, kept as they lie to one another, at the body's liver; its wall over all of them.

    A gallbladder and what comes with it reach a little into the liver; others are pressed flat where they meet it.
    """
    bladder = next((p for p in frame if p.class_id == GALLBLADDER), None)
    organs = [p for p in frame if p.class_id not in (LIVER, WALL)]
    if bladder is not None:
        matrix = _into_the_bed(bladder.mesh, [p.mesh for p in organs if p is not bladder], bed)
    elif organs:
        matrix = _cleared(organs, _to_usual_places(organs, bed), bed)
    else:
        matrix = np.eye(4)
    return [_settled(_moved(p, matrix), bed, pressed=bladder is None) for p in frame]


def _moved(part: Part, matrix_44: np.ndarray) -> Part:
    return replace(part, mesh=part.mesh.moved(matrix_44))


def _settled(part: Part, bed: Bed, *, pressed: bool) -> Part:
    if part.class_id == WALL:
        return _moved(part, _under_the_dome(part.mesh, bed.dome))
    mesh = rested(part.mesh, (bed.liver,), down=True) if pressed else part.mesh
    return replace(part, mesh=mesh)


def _into_the_bed(mesh: Mesh, others: Sequence[Mesh], bed: Bed) -> np.ndarray:
    """4x4: the long axis along the bed, the middle at the bed's, then up or down until part of it lies in the liver.

    What comes with it, such as fat about its neck, hangs below it.
    """
    line = bed.bladder.points_N3
    matrix = np.eye(4)
    along = line[0] - line[-3]
    matrix[:3, :3] = turned_to(wide_end(mesh.vertices_V3.astype(float)), along)
    if others:
        points_V3 = np.concatenate([m.vertices_V3 for m in others])
        away = points_V3.mean(axis=0) - mesh.vertices_V3.mean(axis=0)
        matrix[:3, :3] = _hanging(matrix[:3, :3] @ away, along) @ matrix[:3, :3]
    middle = np.average(line, axis=0, weights=bed.bladder.radii_N)
    matrix[:3, 3] = middle - matrix[:3, :3] @ mesh.vertices_V3.mean(axis=0)
    for _ in range(14):
        matrix[2, 3] += 0.8 * float(np.clip(bed.liver.gap(mesh.moved(matrix), nearest=_SEATED), -12, 12))
    return matrix


def _hanging(away_3: np.ndarray, axis_3: np.ndarray) -> np.ndarray:
    """The turn (3x3) about an axis that brings what lies away from it below it, as far as the axis is not upright."""
    axis = axis_3 / np.linalg.norm(axis_3)
    aside, down = (v - axis * (v @ axis) for v in (away_3, np.array([0.0, 0.0, -1.0])))
    if np.linalg.norm(aside) < _ASIDE_MM or np.linalg.norm(down) < 0.1:
        return np.eye(3)
    return turned_to(aside, down)


def turned_to(a_3: np.ndarray, b_3: np.ndarray) -> np.ndarray:
    """The smallest rotation (3x3) that takes one direction to another: Rodrigues' formula."""
    a, b = a_3 / np.linalg.norm(a_3), b_3 / np.linalg.norm(b_3)
    if a @ b < -0.999999:  # any half turn across it will do
        side = np.cross(a, np.eye(3)[int(np.argmin(np.abs(a)))])
        side /= np.linalg.norm(side)
        return np.asarray(2 * np.outer(side, side) - np.eye(3))
    x, y, z = np.cross(a, b)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + a @ b))


def _to_usual_places(organs: Sequence[Part], bed: Bed) -> np.ndarray:
    """The shift (4x4) that brings all together nearest to where each would lie."""
    matrix = np.eye(4)
    matrix[:3, 3] = np.mean([_usual_place(p, bed) - _middle(p.mesh) for p in organs], axis=0)
    return matrix


def _usual_place(part: Part, bed: Bed) -> np.ndarray:
    if part.class_id == FAT:  # around the gallbladder's neck, below it
        return np.asarray(bed.bladder.points_N3[-2] + (6.0, 0.0, -12.0))
    return usual_place(part.name)


def usual_place(name: str) -> np.ndarray:
    """Where the middle of an organ of this name lies in a procedural body (3,), mm."""
    return np.array(next(place for words, place in _PLACES_MM if re.search(words, name)))


def _middle(mesh: Mesh) -> np.ndarray:
    return np.asarray((mesh.vertices_V3.min(axis=0) + mesh.vertices_V3.max(axis=0)) / 2, float)


def _cleared(organs: Sequence[Part], matrix_44: np.ndarray, bed: Bed) -> np.ndarray:
    """Lowered away from the liver until little of any organ lies in it; what is left is pressed flat."""
    lowered = matrix_44.copy()
    while matrix_44[2, 3] - lowered[2, 3] < _MOST_CLEARED_MM:
        if max(bed.liver.share_inside(p.mesh.moved(lowered)) for p in organs) < 0.08:
            break
        lowered[2, 3] -= _CLEAR_MM
    return lowered


def _under_the_dome(wall: Mesh, dome: Dome) -> np.ndarray:
    """The shift that lays a wall against the dome: over its middle, its top at the dome's."""
    matrix = np.eye(4)
    matrix[:2, 3] = dome.centre[:2] - _middle(wall)[:2]
    matrix[2, 3] = dome.centre[2] + dome.radii[2] - float(wall.vertices_V3[:, 2].max())
    return matrix
