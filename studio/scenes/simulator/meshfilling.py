"""What a body from meshes lacks, made procedurally around what it has: gallbladder, fat, bowel, ligament, wall."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator import organs
from studio.scenes.simulator.anatomy import (
    BOWEL,
    FAT,
    GALLBLADDER,
    LIGAMENT,
    LIVER,
    WALL,
    Anatomy,
    Part,
    camera_port,
    ridge_above,
    tool_ports,
)
from studio.scenes.simulator.fields import Field, Mesh
from studio.scenes.simulator.gallbladder import seated
from studio.scenes.simulator.instruments import InstrumentKit
from studio.scenes.simulator.meshplacing import Bed, placed_by_class
from studio.scenes.simulator.surfaces import SurfaceField
from studio.scenes.simulator.tracing import Target

_WHOLE_FAT_MM = 150.0
_BOWEL_WORDS = re.compile("bowel|intestine|colon|jejunum|ileum|gut")


@dataclass(frozen=True, eq=False)
class _MeshLiver:
    """What filling in needs to know of a liver that is a mesh; the same words as organs.LiverShape."""

    target: Target
    edge_y: float
    edge_slope: float
    notch_x: float
    bladder_x: float
    lowest: float

    def under_side(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z of the surface met from below."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        heights = self.roof(x.ravel(), y.ravel())
        known = np.flatnonzero(np.isfinite(heights))
        if not len(known):
            return np.full(x.shape, self.lowest)
        return np.asarray(np.interp(np.arange(x.size), known, heights[known]).reshape(x.shape))

    def roof(self, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
        """z (N,) of the surface met from below; infinite where there is none."""
        start = self.lowest - 50.0
        origins = np.stack([x_N, y_N, np.full(len(x_N), start)], axis=1)
        hits = self.target.trace(origins, np.tile(np.array([[0.0, 0.0, 1.0]]), (len(x_N), 1)))
        return np.where(hits.face_N >= 0, start + hits.t_N, np.inf)


class _Eaves:
    """A field that is negative all the way up from a liver's under-side, which rises around it as steeply as fat lies.

    What gives way to it downwards passes below the liver and meets it in a slope, not in a step.
    """

    _STEP_MM, _REACH_MM, _RISE = 4.0, 60.0, 1.3
    _OPEN = 1e3

    def __init__(self, liver: _MeshLiver, mesh: Mesh) -> None:
        from scipy.ndimage import grey_erosion  # late: the window starts without it

        low, high = mesh.vertices_V3.min(axis=0)[:2] - self._REACH_MM, mesh.vertices_V3.max(axis=0)[:2] + self._REACH_MM
        xs, ys = (np.arange(lo, hi + self._STEP_MM, self._STEP_MM) for lo, hi in zip(low, high, strict=True))
        x_HW, y_HW = np.meshgrid(xs, ys, indexing="ij")
        roof = np.minimum(liver.roof(x_HW.ravel(), y_HW.ravel()), self._OPEN).reshape(x_HW.shape)
        cells = np.arange(-self._REACH_MM, self._REACH_MM + 1, self._STEP_MM)
        cone = -self._RISE * np.hypot(*np.meshgrid(cells, cells))
        self._low, self._roof = low, grey_erosion(roof, structure=cone, mode="nearest")

    def __call__(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        from scipy.ndimage import map_coordinates

        at = [(np.asarray(c, float) - lo) / self._STEP_MM for c, lo in zip((x, y), self._low, strict=True)]
        roof = map_coordinates(self._roof, at, order=1, mode="constant", cval=self._OPEN)
        return np.asarray(roof - z, np.float32)


def _mesh_liver(liver: Mesh, rng: np.random.Generator) -> _MeshLiver:
    vertices = liver.vertices_V3
    low, high = np.percentile(vertices, 1, axis=0), np.percentile(vertices, 99, axis=0)
    notch_x = float(low[0] + (high[0] - low[0]) * rng.uniform(0.58, 0.68))
    bladder_x = notch_x - float(rng.uniform(30, 45))
    near = vertices[np.abs(vertices[:, 0] - bladder_x) < 8]
    edge = float(near[:, 1].min()) if len(near) else float(low[1])
    return _MeshLiver(Target([liver]), edge + 3.0, 0.0, notch_x, bladder_x, float(vertices[:, 2].min()))


def completed(
    parts: list[Part], loose: Sequence[Sequence[Part]], *, name: str, rng: np.random.Generator,
    kits: tuple[InstrumentKit, ...],
) -> Anatomy:  # fmt: skip
    """A whole body: ``parts`` where they are, ``loose`` frames placed by class, the rest made, the trocars' places."""
    dome = _dome_around(parts, organs.draw_dome(rng))
    given = next((p for p in parts if p.class_id == LIVER), None)
    liver: organs.LiverShape | _MeshLiver
    if given is None:
        liver = organs.draw_liver(rng)
        liver_mesh = organs.liver_mesh(liver, dome)
        parts = [*parts, Part("liver", LIVER, liver_mesh)]
    else:
        liver_mesh = given.mesh
        liver = _mesh_liver(liver_mesh, rng)
    field = SurfaceField(liver_mesh)
    bladder = seated(organs.draw_bladder(rng, liver), field)
    for frame in loose:
        parts = [*parts, *placed_by_class(frame, Bed(field, bladder, dome))]
    dome = _dome_around(parts, dome)
    eaves = (_Eaves(liver, liver_mesh),) if isinstance(liver, _MeshLiver) else ()
    parts += _filled(parts, bladder, (field, *eaves), dome, rng)
    top = ridge_above(liver_mesh, liver.notch_x)
    if len(top) >= 2 and not any(p.class_id == LIGAMENT for p in parts):
        ligament = organs.ligament_mesh(rng, liver.notch_x, dome, top, (field,))
        parts.append(Part("falciform ligament", LIGAMENT, ligament))
    # The dome closes the cavity also where a wall of its own is open.
    parts.append(Part("abdominal wall", WALL, dome.mesh()))
    return _with_ports(name, parts, dome, rng, kits)


def _filled(
    parts: Sequence[Part], bladder: organs.Bladder, liver: Sequence[Field], dome: organs.Dome, rng: np.random.Generator
) -> list[Part]:
    """Gallbladder, fat and bowel where there are none, resting on one another and on the liver (fat: on all its fields,
    the others: on the first).
    """
    own = next((p.mesh for p in parts if p.class_id == GALLBLADDER), None)
    line = bladder if own is None else organs.Bladder(_line_through(own), bladder.radii_N)
    hanging: Field = bladder.field if own is None else SurfaceField(own)
    floor = organs.draw_floor(rng, line)
    made = [] if own is not None else [Part("gallbladder", GALLBLADDER, bladder.mesh(rng, liver[:1]))]
    if not any(p.class_id == FAT and np.ptp(p.mesh.vertices_V3, axis=0).max() > _WHOLE_FAT_MM for p in parts):
        made.append(Part("fat", FAT, organs.floor_mesh(floor, dome, (*liver, hanging))))
    given = [p for p in parts if p.class_id == BOWEL]
    bowel = _lacking(organs.draw_bowel(rng, floor), given)
    if bowel.tubes:
        beside: tuple[Field, ...] = (liver[0], hanging, *(SurfaceField(p.mesh) for p in given))
        made.append(Part("stomach and bowel", BOWEL, bowel.mesh(rng, beside)))
    return made


def _lacking(bowel: organs.Bowel, given: Sequence[Part]) -> organs.Bowel:
    """The stomach where none was given, and the bowel likewise; a duodenum alone stands for neither."""
    names = " ".join(p.name for p in given)
    stomach, rest = bowel.tubes[:1], bowel.tubes[1:]
    return organs.Bowel((*(() if "stomach" in names else stomach), *(() if _BOWEL_WORDS.search(names) else rest)))


def _with_ports(
    name: str, parts: Sequence[Part], dome: organs.Dome, rng: np.random.Generator, kits: tuple[InstrumentKit, ...]
) -> Anatomy:
    bladder = next(p.mesh for p in parts if p.class_id == GALLBLADDER)
    centre = bladder.vertices_V3.mean(axis=0).astype(float)
    target = Target([p.mesh for p in parts if p.class_id == WALL])
    camera = _before_wall(camera_port(rng, dome), centre, target, 4.0)
    ports = np.stack([_before_wall(p, centre, target, -6.0) for p in tool_ports(rng, dome)])
    return Anatomy(name, tuple(parts), camera, ports, centre, kits)


def _line_through(bladder: Mesh) -> np.ndarray:
    """Points along a gallbladder mesh, from its front end to its rear one."""
    vertices = bladder.vertices_V3.astype(float)
    order = np.argsort(vertices[:, 1])
    return np.stack([c.mean(axis=0) for c in np.array_split(vertices[order], len(organs.PEAR_LENGTHS))])


def _dome_around(parts: Sequence[Part], dome: organs.Dome) -> organs.Dome:
    """The dome grown until all organs but the wall lie inside it."""
    points = np.concatenate([p.mesh.vertices_V3[::7] for p in parts if p.class_id != WALL] or [np.zeros((1, 3))])
    above = points[points[:, 2] > dome.centre[2]]
    if not len(above):
        return dome
    reach = float(np.percentile(np.linalg.norm((above - dome.centre) / dome.radii, axis=1), 99.5))
    return organs.Dome(dome.centre, dome.radii * max(1.0, reach * 1.02), dome.broad, dome.fine)


def _before_wall(port_3: np.ndarray, centre_3: np.ndarray, wall: Target, depth: float) -> np.ndarray:
    """A port moved along its line to the centre until it lies ``depth`` mm inside the innermost wall."""
    towards = port_3 - centre_3
    length = float(np.linalg.norm(towards))
    towards = towards / length
    hits = wall.trace(centre_3, towards[None])
    if hits.face_N[0] < 0 or float(hits.t_N[0]) >= length:
        return port_3
    return np.asarray(centre_3 + towards * (float(hits.t_N[0]) - depth))
