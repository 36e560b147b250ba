"""A patient's anatomy from meshes; what they lack (gallbladder, fat, ligament, wall) is filled in procedurally."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    procedural_anatomy,
    ridge_above,
    tool_ports,
)
from studio.scenes.simulator.fields import Mesh, Waves, joined, with_normals
from studio.scenes.simulator.instruments import InstrumentKit, make_kit
from studio.scenes.simulator.meshfiles import load_mesh
from studio.scenes.simulator.meshplans import UNNAMED, AnatomyPlan, PlannedInstrument, PlannedMesh
from studio.scenes.simulator.placement import guessed_turn, guessed_unit, transformed
from studio.scenes.simulator.tracing import Target
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.seeds import stream

_MIDDLE = np.array([-14.0, 58.0, 2.0])
"""Where the middle of a liver's box comes to lie, as in the procedural bodies."""
_NAMES = {c.id: c.name for c in STUDIO_CLASSES} | {UNNAMED: "other tissue"}
_WHOLE_FAT_MM = 150.0


def anatomy_from_plan(plan: AnatomyPlan, *, seed: int, number: int, variation: int) -> Anatomy:
    """Build a patient. ``variation`` 0 keeps the meshes' own shape, others bend and stretch it a little.

    Raise InputError for meshes that cannot be used.
    """
    kits = tuple(_kit(p) for p in plan.instruments)
    if not plan.meshes:
        body = procedural_anatomy(seed, number)
        return Anatomy(body.name, body.parts, body.camera_port, body.tool_ports_N3, body.centre, kits)
    rng = stream(seed, "mesh anatomy", plan.name, number)
    parts = _placed_parts(plan)
    if variation and not plan.fixed:
        parts = _bent(parts, rng)
    return _completed(parts, plan.name, rng, kits)


def _placed_parts(plan: AnatomyPlan) -> list[Part]:
    """All meshes in body axes and mm, the liver (else the whole) where a liver belongs."""
    loaded = [load_mesh(m.path) for m in plan.meshes]
    units = _units(plan.meshes, loaded)
    sized = [transformed(m, np.eye(3) * u, np.zeros(3)) for m, u in zip(loaded, units, strict=True)]
    liver = _first(plan.meshes, sized, LIVER)
    if plan.turn is not None:
        turn = np.array(plan.turn)
    else:
        turn = guessed_turn(liver, _first(plan.meshes, sized, GALLBLADDER)) if liver is not None else np.eye(3)
    turned = [transformed(m, turn, np.zeros(3)) for m in sized]
    lead = _first(plan.meshes, turned, LIVER) or joined(turned)
    low, high = lead.vertices_V3.min(axis=0), lead.vertices_V3.max(axis=0)
    shift = np.zeros(3) if plan.fixed else _MIDDLE - (low + high) / 2
    parts = []
    for planned, mesh in zip(plan.meshes, turned, strict=True):
        matrix = np.eye(4) if planned.matrix is None else np.array(planned.matrix)
        placed = transformed(mesh, matrix[:3, :3], matrix[:3, 3] + matrix[:3, :3] @ shift)
        parts.append(Part(_NAMES.get(planned.class_id, "tissue"), planned.class_id, placed, planned.colour))
    return parts


def _units(planned: Sequence[PlannedMesh], loaded: Sequence[Mesh]) -> list[float]:
    """mm per unit of each file: as told, else the same for all, guessed from the liver or from the largest mesh."""
    extents = [float(np.ptp(m.vertices_V3, axis=0).max()) for m in loaded]
    livers = [e for p, e in zip(planned, extents, strict=True) if p.class_id == LIVER]
    guess = guessed_unit(livers[0]) if livers else guessed_unit(max(extents), expected_mm=120.0)
    units = [p.mm_per_unit or guess for p in planned]
    for p, extent, unit in zip(planned, extents, units, strict=True):
        if not 2.0 <= extent * unit <= 1500.0:
            raise InputError(
                f"the mesh would be {extent * unit:.3g} mm large", where=p.path,
                remedy="Check its units (metres for millimetres?) or declare them in an anatomy file.",
            )  # fmt: skip
    return units


def _first(planned: Sequence[PlannedMesh], meshes: Sequence[Mesh], class_id: int) -> Mesh | None:
    return next((m for p, m in zip(planned, meshes, strict=True) if p.class_id == class_id), None)


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
        heights = np.full(x.size, np.nan)
        start = self.lowest - 50.0
        for i, (px, py) in enumerate(zip(x.ravel(), y.ravel(), strict=True)):
            hits = self.target.trace(np.array([px, py, start]), np.array([[0.0, 0.0, 1.0]]))
            if hits.face_N[0] >= 0:
                heights[i] = start + float(hits.t_N[0])
        known = np.flatnonzero(~np.isnan(heights))
        if not len(known):
            return np.full(x.shape, self.lowest)
        return np.asarray(np.interp(np.arange(x.size), known, heights[known]).reshape(x.shape))


def _mesh_liver(liver: Mesh, rng: np.random.Generator) -> _MeshLiver:
    vertices = liver.vertices_V3
    low, high = np.percentile(vertices, 1, axis=0), np.percentile(vertices, 99, axis=0)
    notch_x = float(low[0] + (high[0] - low[0]) * rng.uniform(0.58, 0.68))
    bladder_x = notch_x - float(rng.uniform(30, 45))
    near = vertices[np.abs(vertices[:, 0] - bladder_x) < 8]
    edge = float(near[:, 1].min()) if len(near) else float(low[1])
    return _MeshLiver(Target([liver]), edge + 3.0, 0.0, notch_x, bladder_x, float(vertices[:, 2].min()))


def _completed(parts: list[Part], name: str, rng: np.random.Generator, kits: tuple[InstrumentKit, ...]) -> Anatomy:
    """Add what is missing around the meshes and find the trocars' places."""
    dome = _dome_around(parts, organs.draw_dome(rng))
    liver_part = next((p for p in parts if p.class_id == LIVER), None)
    if liver_part is None:
        shape = organs.draw_liver(rng)
        liver_mesh = organs.liver_mesh(shape, dome)
        parts.append(Part("liver", LIVER, liver_mesh))
        liver: organs.LiverShape | _MeshLiver = shape
    else:
        liver_mesh = liver_part.mesh
        liver = _mesh_liver(liver_mesh, rng)
    bladder = organs.draw_bladder(rng, liver)
    own = next((p.mesh for p in parts if p.class_id == GALLBLADDER), None)
    if own is None:
        parts.append(Part("gallbladder", GALLBLADDER, bladder.mesh(rng)))
    floor = organs.draw_floor(rng, bladder if own is None else organs.Bladder(_line_through(own), bladder.radii_N))
    present = {p.class_id for p in parts}
    if not any(p.class_id == FAT and np.ptp(p.mesh.vertices_V3, axis=0).max() > _WHOLE_FAT_MM for p in parts):
        parts.append(Part("fat", FAT, organs.floor_mesh(floor, dome)))
    if BOWEL not in present:
        parts.append(Part("stomach and bowel", BOWEL, organs.draw_bowel(rng, floor).mesh(rng)))
    top = ridge_above(liver_mesh, liver.notch_x)
    if LIGAMENT not in present and len(top) >= 2:
        parts.append(Part("falciform ligament", LIGAMENT, organs.ligament_mesh(rng, liver.notch_x, dome, top)))
    # The dome closes the cavity also where a wall of its own is open.
    parts.append(Part("abdominal wall", WALL, dome.mesh()))
    target = Target([p.mesh for p in parts if p.class_id == WALL])
    centre = (own.vertices_V3.mean(axis=0) if own is not None else bladder.points_N3[1]).astype(float)
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


def _kit(planned: PlannedInstrument) -> InstrumentKit:
    paths: list[Path] = [*planned.jaws, *([planned.shaft] if planned.shaft else [])]
    meshes = [load_mesh(p) for p in paths]
    extent = max(float(np.ptp(m.vertices_V3, axis=0).max()) for m in meshes)
    unit = planned.mm_per_unit or guessed_unit(extent, expected_mm=300.0 if extent > 1 else 30.0)
    scaled = [transformed(m, np.eye(3) * unit, np.zeros(3)) for m in meshes]
    jaws = scaled[: len(planned.jaws)]
    return make_kit(planned.name, jaws, scaled[-1] if planned.shaft else None)
