"""Which way round organs without a liver lie, told by what their shapes have in common from person to person.

A stomach opens to the right and is wide at its upper left end; a spleen's hollow looks to right and front; a wall is
longest from head to feet and vaulted to the front; and organs of one source lie to one another as they do in a body.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from studio.scenes.simulator.anatomy import WALL, Part
from studio.scenes.simulator.meshplacing import usual_place
from studio.scenes.simulator.placement import concave_side, surface_points, turns_of_axes, wide_end

_KEPT = 0.5
"""By how much another turn must be better than the file's own axes."""
_WIDE_ENDS = {"stomach": (0.78, 0.26, -0.57)}
_CONCAVE_SIDES = {"stomach": (-1.0, 0.0, 0.0), "spleen": (-0.7, 0.1, 0.7), "duodenum": (0.6, 0.0, -0.8)}
"""Where they look, body axes."""


def guessed_axes(frame: Sequence[Part]) -> np.ndarray:
    """3x3 from the files' axes to body axes, by right angles: the files' own unless others fit clearly better."""
    clues = [clue for part in frame for clue in _clues(part)]
    clues += [
        (_unit(_middle(b) - _middle(a)), _unit(usual_place(b.name) - usual_place(a.name)))
        for a, b in itertools.combinations([p for p in frame if p.class_id != WALL], 2)
        if (usual_place(a.name) != usual_place(b.name)).any()
    ]
    walls = [_wall_extents(p) for p in frame if p.class_id == WALL]
    turns = [t for t in turns_of_axes() if np.linalg.det(t) > 0]

    def fit(turn: np.ndarray) -> float:
        score = sum(float(turn @ found @ usual) for found, usual in clues)
        score += sum(float((np.abs(turn) @ extents) @ (0.0, 2.0, -1.2)) for extents in walls)
        return score + _KEPT * float(np.array_equal(turn, np.eye(3)))

    return max(turns, key=fit)


def _clues(part: Part) -> list[tuple[np.ndarray, np.ndarray]]:
    """(direction in the file's axes, where it looks in a body) of what a shape shows."""
    if part.class_id == WALL:  # its hollow side looks to the back
        return [(concave_side(part.mesh), np.array([0.0, 0.0, -1.0]))]
    clues = [(concave_side(part.mesh), _unit(np.array(side))) for n, side in _CONCAVE_SIDES.items() if n in part.name]
    points = surface_points(part.mesh)[0]
    return clues + [(wide_end(points), _unit(np.array(end))) for n, end in _WIDE_ENDS.items() if n in part.name]


def _wall_extents(part: Part) -> np.ndarray:
    sides = np.ptp(part.mesh.vertices_V3, axis=0).astype(float)
    return np.asarray(sides / sides.max())


def _middle(part: Part) -> np.ndarray:
    return np.asarray((part.mesh.vertices_V3.min(axis=0) + part.mesh.vertices_V3.max(axis=0)) / 2, float)


def _unit(vector_3: np.ndarray) -> np.ndarray:
    return np.asarray(vector_3 / max(float(np.linalg.norm(vector_3)), 1e-12))
