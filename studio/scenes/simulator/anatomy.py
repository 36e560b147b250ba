"""A patient's anatomy: named parts as meshes, and the places where trocars go in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator import organs
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.gallbladder import lifted, seated
from studio.scenes.simulator.instruments import InstrumentKit
from studio.scenes.simulator.painting import Painted
from studio.vocabulary.seeds import stream

LIVER, GALLBLADDER, WALL, FAT, LIGAMENT, TOOL_TIP, TOOL_SHAFT, BOWEL = 1, 2, 3, 4, 5, 6, 7, 8

_LIFTED = 0.4
"""Share of patients whose gallbladder is turned up over the liver's edge."""


@dataclass(frozen=True, eq=False)
class Part:
    """One organ's surface. ``colour`` (sRGB 0..1) or ``texture`` override the plain look's own colour where an anatomy
    file gives one."""

    name: str
    class_id: int
    mesh: Mesh
    colour: tuple[float, float, float] | None = None
    texture: Painted | None = None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """All that stays still in a patient. Points in mm, body axes."""

    name: str
    parts: tuple[Part, ...]
    camera_port: np.ndarray
    tool_ports_N3: np.ndarray
    centre: np.ndarray
    """The middle of the surgical field: views look about there."""
    kits: tuple[InstrumentKit, ...] = ()
    """Instruments given as meshes."""

    def part(self, class_id: int) -> Part | None:
        """The first part of a class, if there is one."""
        return next((p for p in self.parts if p.class_id == class_id), None)

    @property
    def triangles(self) -> int:
        return sum(len(p.mesh.faces_F3) for p in self.parts)


def procedural_anatomy(seed: int, patient: int) -> Anatomy:
    """Build one patient from a seed; the same seed and number give the same body."""
    rng = stream(seed, "anatomy", patient)
    dome = organs.draw_dome(rng)
    liver = organs.draw_liver(rng)
    liver_field = liver.field(dome)
    bladder = organs.draw_bladder(rng, liver)
    bladder = lifted(rng, bladder, liver, liver_field) if rng.random() < _LIFTED else bladder
    bladder = seated(bladder, liver_field)
    floor = organs.draw_floor(rng, bladder)
    bowel = organs.draw_bowel(rng, floor)
    liver_part = organs.liver_mesh(liver, dome)
    above = (liver_field, bladder.field)
    parts = [
        Part("liver", LIVER, liver_part),
        Part("gallbladder", GALLBLADDER, bladder.mesh(rng, (liver_field,))),
        Part("abdominal wall", WALL, dome.mesh()),
        Part("fat", FAT, organs.floor_mesh(floor, dome, above)),
        Part("stomach and bowel", BOWEL, bowel.mesh(rng, above)),
    ]
    top = ridge_above(liver_part, liver.notch_x)
    if len(top) >= 2:
        ligament = organs.ligament_mesh(rng, liver.notch_x, dome, top, (liver_field,))
        parts.insert(4, Part("falciform ligament", LIGAMENT, ligament))
    return Anatomy(
        name=f"patient_{patient:03d}",
        parts=tuple(parts),
        camera_port=camera_port(rng, dome),
        tool_ports_N3=tool_ports(rng, dome),
        centre=bladder.points_N3[1].copy(),
    )


def ridge_above(liver: Mesh, x: float) -> np.ndarray:
    """Rows (y, z): the liver's highest points within 4 mm of a sagittal plane, from the feet headwards, every 4 mm."""
    near = liver.vertices_V3[np.abs(liver.vertices_V3[:, 0] - x) < 4.0]
    if not len(near):
        return np.zeros((0, 2))
    bins = np.floor(near[:, 1] / 4.0).astype(int)
    return np.array([(4.0 * b + 2.0, near[bins == b, 2].max()) for b in np.unique(bins)])


def camera_port(rng: np.random.Generator, dome: organs.Dome) -> np.ndarray:
    """At the navel, a little inside the wall."""
    return dome.point(np.array([rng.uniform(-22, 22), rng.uniform(-120, -95), rng.uniform(80, 100)]), depth=4.0)


def tool_ports(rng: np.random.Generator, dome: organs.Dome) -> np.ndarray:
    """Epigastric, right subcostal, right flank and left, as for a gallbladder's removal."""
    directions = np.array([[50, 30, 100], [-95, -5, 80], [-130, -50, 40], [105, -35, 70]], float)
    directions += rng.normal(size=directions.shape) * 10
    return np.stack([dome.point(d, depth=-12.0) for d in directions])
