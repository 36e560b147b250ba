"""Shapes of soft tissue: lobules, tubes swept along a line, surfaces that give way to what they lie against.

Fields and axes as in ``fields``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studio.scenes.simulator import fields
from studio.scenes.simulator.fields import Bounded, Field, Mesh, Waves

_DOWN = np.array([0.0, 0.0, -1.0])


class Lobules:
    """Rounded lumps that meet in soft creases: the smooth maximum of caps about jittered lattice points in space.

    (Worley 1996 takes the nearest point alone, which creases sharply.)
    """

    _CELLS = 12
    _SHARPNESS = 7.0

    def __init__(self, rng: np.random.Generator, size_mm: float) -> None:
        self._size = np.float32(size_mm)
        jitter_CCC3 = rng.uniform(0.12, 0.88, size=(self._CELLS,) * 3 + (3,)).astype(np.float32)
        # With a rim of the other side's cells, a neighbour is always the same number of places away.
        rimmed = np.pad(jitter_CCC3, ((1, 1), (1, 1), (1, 1), (0, 0)), mode="wrap").reshape(-1, 3)
        self._jitter_3R = np.ascontiguousarray(rimmed.T)

    def __call__(self, points_N3: np.ndarray) -> np.ndarray:
        """float32 (N,): about 1 on the lumps' tops, about 0 in the deepest creases."""
        scaled_3N = np.ascontiguousarray(points_N3.T, np.float32) / self._size
        cell_3N = np.floor(scaled_3N)
        within_3N = scaled_3N - cell_3N
        side = self._CELLS + 2
        strides = np.array([side * side, side, 1])
        place_N = strides @ (np.mod(cell_3N.astype(np.intp), self._CELLS) + 1)
        total = np.zeros(len(points_N3), np.float32)
        for offset in itertools.product((-1, 0, 1), repeat=3):
            neighbour_N = place_N + int(strides @ offset)
            apart2 = np.zeros_like(total)
            for within, jitter, step in zip(within_3N, self._jitter_3R, offset, strict=True):
                apart = within - (jitter + np.float32(step)).take(neighbour_N)
                apart2 += apart * apart
            total += np.exp(-self._SHARPNESS * apart2)
        return np.asarray(1.0 + np.log(np.maximum(total, 1e-6)) / np.float32(0.6 * self._SHARPNESS), np.float32)


def swept(line_M3: np.ndarray, radii_MK: np.ndarray) -> Mesh:
    """A closed tube: a ring of K points about each point of a line, with rounded ends.

    ``radii_MK`` goes by ring and by direction; directions are carried along the line without twist.
    """
    along = _unit(np.gradient(line_M3, axis=0))
    line, radii, along = _with_caps(line_M3, radii_MK, along)
    side = _carried(along)
    other = np.cross(along, side)
    turn = np.linspace(0, 2 * np.pi, radii.shape[1], endpoint=False)
    around = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * other[:, None]
    return fields.grid_mesh(line[:, None] + around * radii[..., None], closed_columns=True)


def _with_caps(
    line_M3: np.ndarray, radii_MK: np.ndarray, along_M3: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half balls at both ends, of the end rings' radii."""
    angle = np.linspace(0, np.pi / 2, 9)[:-1]
    height, width = np.cos(angle)[:, None], np.maximum(np.sin(angle), 1e-3)[:, None]
    first, last = float(radii_MK[0].mean()), float(radii_MK[-1].mean())
    line = [line_M3[:1] - along_M3[:1] * first * height, line_M3, line_M3[-1:] + along_M3[-1:] * last * height[::-1]]
    radii = [radii_MK[:1] * width, radii_MK, radii_MK[-1:] * width[::-1]]
    ends = [np.repeat(along_M3[:1], len(angle), 0), along_M3, np.repeat(along_M3[-1:], len(angle), 0)]
    return np.concatenate(line), np.concatenate(radii), np.concatenate(ends)


def _carried(along_M3: np.ndarray) -> np.ndarray:
    """A unit vector across each direction, turned no more than the line itself turns."""
    start = np.array([0.0, 0.0, 1.0]) if abs(along_M3[0, 2]) < 0.8 else np.array([0.0, 1.0, 0.0])
    sides = []
    for direction in along_M3:
        start = start - direction * (start @ direction)
        start = start / np.linalg.norm(start)
        sides.append(start)
    return np.array(sides)


def _unit(vectors_N3: np.ndarray) -> np.ndarray:
    return np.asarray(vectors_N3 / np.maximum(np.linalg.norm(vectors_N3, axis=-1, keepdims=True), 1e-9))


def evenly(line_M3: np.ndarray, values_M: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(points, values, lengths so far) every ``step`` mm of a polyline."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line_M3, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], max(4, int(lengths[-1] / step) + 1))
    points = np.stack([np.interp(at, lengths, line_M3[:, axis]) for axis in range(3)], axis=1)
    return points, np.interp(at, lengths, values_M), at


def eased(line_M3: np.ndarray, *, times: int = 2) -> np.ndarray:
    """A line with its bends smoothed; both ends stay."""
    line = np.asarray(line_M3, float).copy()
    for _ in range(times):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    return line


@dataclass(frozen=True, eq=False)
class Tube:
    """A hollow organ: a line with radii, drawn in every ``period`` mm by ``depth`` of its radius (0: smooth)."""

    points_N3: np.ndarray
    radii_N: np.ndarray
    period: float
    depth: float

    @cached_property
    def _smooth(self) -> tuple[np.ndarray, np.ndarray]:
        return fields.smooth_line(self.points_N3, self.radii_N)

    @cached_property
    def field(self) -> Bounded:
        """The signed distance to it, drawn in nowhere."""
        return Bounded(lambda x, y, z: fields.tube(x, y, z, *self._smooth), fields.around(*self._smooth))

    def crowds(self, other: Tube) -> bool:
        """Whether the two lie in one another by more than touching tubes do."""
        apart = np.linalg.norm(self.points_N3[:, None] - other.points_N3[None], axis=2)
        return bool((apart < 0.8 * (self.radii_N[:, None] + other.radii_N[None])).any())

    def mesh(self, waves: Waves) -> Mesh:
        """Sacs between soft creases, in three rows that are set off against one another as the colon's are."""
        line, radii = fields.smooth_line(self.points_N3, self.radii_N, parts=8)
        points, radius, lengths = evenly(line.astype(float), radii.astype(float), 1.8)
        turn = np.linspace(0, 2 * np.pi, 44, endpoint=False)
        uneven = lengths + 0.3 * self.period * np.sin(lengths / (1.7 * self.period))
        phase = np.pi * uneven[:, None] / self.period + 0.6 * np.sin(3 * turn + 0.6)[None, :]
        bands = np.sqrt(np.sin(1.5 * turn) ** 2 + 0.1)[None, :]
        sacs = (np.sqrt(np.sin(phase) ** 2 + 0.12) - 1) * (0.35 + 0.65 * bands) + 0.3 * (bands - 1)
        tube = swept(points, radius[:, None] * (1 + self.depth * sacs))
        swell = 0.045 * waves(*tube.vertices_V3.T) * float(self.radii_N.mean())
        return fields.with_normals(tube.vertices_V3 + tube.normals_V3 * swell[:, None], tube.faces_F3)


def rested(mesh: Mesh, bodies: Sequence[Field], *, sink: float = 0.8, down: bool = False) -> Mesh:
    """The mesh pressed flat where it would reach more than ``sink`` mm into another body.

    Points leave a body by the shortest way, or ``down`` for what lies below it.
    """
    points = outside(mesh.vertices_V3, bodies, sink=sink, down=down)
    return fields.with_normals(points, mesh.faces_F3)


def outside(
    points_N3: np.ndarray, bodies: Sequence[Field], *, sink: float | np.ndarray, down: bool = False
) -> np.ndarray:
    """Points (N, 3) moved until none lies more than ``sink`` mm in a body: the shortest way, or ``down``.

    A negative ``sink`` keeps them that far away.
    """
    points = points_N3.astype(np.float32).copy()
    allowed = np.broadcast_to(np.asarray(sink, np.float32), len(points))
    for body in bodies:
        rows = np.arange(len(points))
        if isinstance(body, Bounded) and (allowed >= 0).all():
            rows = np.flatnonzero(body.may_hold(*points.T))
        for _ in range(6):
            deep = -np.asarray(body(*points[rows].T)) - allowed[rows]
            rows, deep = rows[deep > 0.05], deep[deep > 0.05]
            if not len(rows):
                break
            ways = _DOWN[None] if down else gradient(body, points[rows])
            points[rows] += (ways * deep[:, None]).astype(np.float32)
    return points


def gradient(field: Field, points_N3: np.ndarray) -> np.ndarray:
    """Unit gradients (N, 3) of a field at points, by differences over 1 mm."""
    return _unit(fields.differences(field, points_N3))
