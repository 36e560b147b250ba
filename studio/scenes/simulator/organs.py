"""The procedural organs of one patient as fields and meshes, resting on one another.

The order matters: the abdominal wall's dome bounds all; the liver fills its upper end; gallbladder, stomach and fat lie
against the liver's under-side. Each organ reaches a little into its neighbour, so that no gap shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from studio.scenes.simulator import fields
from studio.scenes.simulator.fields import Mesh, Waves


@dataclass(frozen=True, eq=False)
class Dome:
    """The inflated abdominal wall: an ellipsoid, wrinkled by waves. Centre and radii in mm."""

    centre: np.ndarray
    radii: np.ndarray
    broad: Waves
    fine: Waves

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Negative inside the cavity."""
        return fields.ellipsoid(x, y, z, self.centre, self.radii)

    def height(self, x: float, y: float) -> float:
        """z of the roof above a point of the floor plan; the centre's z outside it."""
        rest = 1 - ((x - self.centre[0]) / self.radii[0]) ** 2 - ((y - self.centre[1]) / self.radii[1]) ** 2
        return float(self.centre[2] + self.radii[2] * np.sqrt(max(rest, 0.0)))

    def point(self, direction: np.ndarray, *, depth: float = 0.0) -> np.ndarray:
        """The point on the wall in a direction from the centre, ``depth`` mm inside it."""
        unit = direction / np.linalg.norm(direction)
        reach = 1.0 / np.linalg.norm(unit / self.radii)
        return np.asarray(self.centre + unit * (reach - depth))

    def mesh(self) -> Mesh:
        """The inner side of the wall: normals point into the cavity."""
        around, along = 144, 76
        theta = np.linspace(0, 2 * np.pi, around, endpoint=False)
        phi = np.linspace(0.02, np.pi - 0.02, along)
        directions = np.stack(
            np.broadcast_arrays(
                np.cos(phi)[:, None],
                np.sin(phi)[:, None] * np.cos(theta)[None, :],
                np.sin(phi)[:, None] * np.sin(theta)[None, :],
            ),
            axis=-1,
        )
        reach = 1.0 / np.linalg.norm(directions / self.radii, axis=-1, keepdims=True)
        points = self.centre + directions * reach
        x, y, z = np.moveaxis(points, -1, 0)
        # Only outwards, so that organs shaped by the smooth dome never break through it.
        bulge = 2.0 + 3.0 * (1 + self.broad(x, y, z)) + 0.9 * self.fine(x, y, z)
        return fields.grid_mesh(points + directions * np.maximum(bulge, 0.3)[..., None], closed_columns=True)


@dataclass(frozen=True, eq=False)
class LiverShape:
    """The numbers that make one liver. Lengths in mm."""

    right_centre: np.ndarray
    right_radii: np.ndarray
    left_centre: np.ndarray
    left_radii: np.ndarray
    edge_y: float
    edge_z: float
    edge_slope: float
    """How far the lower edge recedes headwards per mm to the patient's left."""
    tilt: float
    """Angle of the under-side against the horizontal, radians."""
    notch_x: float
    notch_depth: float
    bladder_x: float
    edge_waves: Waves
    surface_waves: Waves

    def under_side(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z of the under-side (the visceral surface) above the floor plan."""
        edge_y = self.edge_y + self.edge_slope * x + 4.0 * self.edge_waves(x, np.zeros_like(y), 0.0)
        notch = self.notch_depth * np.exp(-(((x - self.notch_x) / 9.0) ** 2))
        bed = 7.0 * np.exp(-(((x - self.bladder_x) / 17.0) ** 2))
        away = y - edge_y - notch * 1.3
        hollow = 0.0016 * np.clip(away, 0, 90) * np.clip(90 - away, 0, 90)
        return np.asarray(self.edge_z - np.tan(self.tilt) * away + hollow + bed)

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, dome: Dome) -> np.ndarray:
        right = fields.ellipsoid(x, y, z, self.right_centre, self.right_radii)
        left = fields.ellipsoid(x, y, z, self.left_centre, self.left_radii)
        lobes = fields.smooth_union(right, left, 24.0)
        cleft = 5.0 * np.exp(-(((x - self.notch_x) / 10.0) ** 2))
        lobes = lobes + cleft + 1.2 * self.surface_waves(x, y, z)
        lobes = fields.smooth_intersection(lobes, dome.distance(x, y, z) + 1.0, 8.0)
        below = (self.under_side(x, y) - z) * np.float32(np.cos(self.tilt))
        return fields.smooth_intersection(lobes, below, 3.5)


def draw_dome(rng: np.random.Generator) -> Dome:
    radii = np.array([rng.uniform(150, 175), rng.uniform(165, 190), rng.uniform(112, 135)])
    return Dome(np.array([0.0, 0.0, -32.0]), radii, Waves(rng, 90.0), Waves(rng, 24.0))


def draw_liver(rng: np.random.Generator) -> LiverShape:
    notch_x = rng.uniform(5, 28)
    return LiverShape(
        right_centre=np.array([rng.uniform(-55, -38), rng.uniform(50, 64), rng.uniform(-14, -2)]),
        right_radii=np.array([rng.uniform(84, 100), rng.uniform(74, 90), rng.uniform(58, 72)]),
        left_centre=np.array([rng.uniform(34, 56), rng.uniform(56, 70), rng.uniform(4, 16)]),
        left_radii=np.array([rng.uniform(56, 84), rng.uniform(48, 64), rng.uniform(24, 36)]),
        edge_y=rng.uniform(-10, 8),
        edge_z=rng.uniform(-16, 0),
        edge_slope=rng.uniform(0.10, 0.42),
        tilt=rng.uniform(-0.12, 0.5),
        notch_x=notch_x,
        notch_depth=rng.uniform(6, 20),
        bladder_x=notch_x - rng.uniform(32, 50),
        edge_waves=Waves(rng, 60.0, 6),
        surface_waves=Waves(rng, 45.0, 10),
    )


def liver_mesh(shape: LiverShape, dome: Dome) -> Mesh:
    low = np.minimum(shape.right_centre - shape.right_radii, shape.left_centre - shape.left_radii) - 8
    high = np.maximum(shape.right_centre + shape.right_radii, shape.left_centre + shape.left_radii) + 8
    return fields.mesh_of(lambda x, y, z: shape.distance(x, y, z, dome), list(low), list(high), 3.0)


class UnderSide(Protocol):
    """What a gallbladder needs to know of the liver that it hangs from."""

    @property
    def edge_y(self) -> float: ...
    @property
    def edge_slope(self) -> float: ...
    @property
    def bladder_x(self) -> float: ...
    def under_side(self, x: np.ndarray, y: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Bladder:
    """The gallbladder's line from fundus to cystic duct, with radii (mm)."""

    points_N3: np.ndarray
    radii_N: np.ndarray

    def mesh(self, rng: np.random.Generator) -> Mesh:
        waves = Waves(rng, 18.0)
        reach = float(self.radii_N.max()) + 4
        low, high = self.points_N3.min(0) - reach, self.points_N3.max(0) + reach
        return fields.mesh_of(
            lambda x, y, z: fields.tube(x, y, z, self.points_N3, self.radii_N) + 0.6 * waves(x, y, z),
            list(low), list(high), 1.7,
        )  # fmt: skip


def draw_bladder(rng: np.random.Generator, liver: UnderSide) -> Bladder:
    """Along the liver's bed, its fundus peeping out under the edge, its neck bending down into the fat."""
    size = rng.uniform(11.5, 17.0)
    out = rng.uniform(6, 22)
    x0 = liver.bladder_x
    edge_y = liver.edge_y + liver.edge_slope * x0
    along = np.array([-out, 8.0, 26.0, 42.0, 54.0, 62.0, 72.0])
    radii = size * np.array([0.86, 1.0, 0.92, 0.66, 0.40, 0.24, 0.2])
    xs = x0 + np.array([0, 1, 4, 9, 15, 18, 24]) * rng.uniform(0.7, 1.4)
    ys = edge_y + along
    under = liver.under_side(xs, np.maximum(ys, edge_y - 3))
    zs = under - radii * rng.uniform(0.65, 0.95) - np.array([2, 0, 0, 2, 6, 11, 17]) * rng.uniform(0.6, 1.2)
    return Bladder(np.stack([xs, ys, zs], 1), np.maximum(radii, 2.6))


@dataclass(frozen=True, eq=False)
class Bowel:
    """Stomach and bowel as tubes: (points, radii) each."""

    tubes: tuple[tuple[np.ndarray, np.ndarray], ...]

    def mesh(self, rng: np.random.Generator) -> Mesh:
        folds, fine = Waves(rng, 26.0), Waves(rng, 9.0)
        meshes = []
        for points_N3, radii_N in self.tubes:
            reach = float(radii_N.max()) + 5
            low, high = points_N3.min(0) - reach, points_N3.max(0) + reach
            meshes.append(
                fields.mesh_of(
                    lambda x, y, z, p=points_N3, r=radii_N: (  # type: ignore[misc]
                        fields.tube(x, y, z, p, r) + 1.6 * folds(x, y, z) + 0.25 * fine(x, y, z)
                    ),
                    list(low), list(high), 3.4,
                )
            )  # fmt: skip
        return fields.joined(meshes)


def draw_bowel(rng: np.random.Generator, floor: Floor) -> Bowel:
    stomach = np.array([[88, 62, -18], [70, 22, -30], [40, -2, -44], [12, 14, -50], [-6, 34, -52]], float)
    stomach += rng.normal(size=3) * (8, 8, 4)
    tubes = [(stomach, np.array([34, 31, 24, 17, 14]) * rng.uniform(0.85, 1.15))]
    for _ in range(int(rng.integers(1, 4))):
        start = np.array([rng.uniform(-90, 80), rng.uniform(-80, -25), 0.0])
        heading = rng.uniform(0, 2 * np.pi)
        points = [start]
        for _ in range(6):
            heading += rng.normal() * 0.7
            points.append(points[-1] + 22 * np.array([np.cos(heading), np.sin(heading), 0]))
        line = np.array(points)
        line[:, 2] = floor.height(line[:, 0], line[:, 1]) + rng.uniform(-6, 3)
        tubes.append((line, np.full(len(line), rng.uniform(11, 17))))
    return Bowel(tuple(tubes))


@dataclass(frozen=True, eq=False)
class Floor:
    """The omentum and fat that line the cavity's floor, as a height with folds and lobules."""

    level: float
    rise: float
    broad: Waves
    folds: Waves
    lobules: Waves
    grain: Waves
    fold_height: float
    lobule_height: float
    hump: np.ndarray
    """Centre of the fat around the gallbladder's neck."""

    def height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z of the fat's broad surface, without lobules."""
        zero = 0.0
        ridges = self.fold_height * (1 - np.abs(self.folds(x, y, zero))) * 0.8
        sides = 0.0016 * (x * x) + 0.0009 * np.clip(-y - 20, 0, None) ** 2
        near = np.exp(-(((x - self.hump[0]) / 34) ** 2 + ((y - self.hump[1]) / 30) ** 2))
        level = self.level + self.rise * np.clip(y + 40, -60, 60) + sides + 9.0 * self.broad(x, y, zero) + ridges
        return np.asarray(level * (1 - near) + np.maximum(level, self.hump[2]) * near)

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        lumps = self.lobule_height * (0.7 - np.abs(self.lobules(x, y, z))) + 0.35 * self.grain(x, y, z)
        return np.asarray((z - self.height(x, y)) * np.float32(0.8) - lumps)


def draw_floor(rng: np.random.Generator, bladder: Bladder) -> Floor:
    return Floor(
        level=rng.uniform(-56, -38),
        rise=rng.uniform(-0.12, 0.1),
        broad=Waves(rng, 95.0),
        folds=Waves(rng, 55.0),
        lobules=Waves(rng, rng.uniform(17, 26), 14),
        grain=Waves(rng, 8.0),
        fold_height=rng.uniform(6, 16),
        lobule_height=rng.uniform(1.8, 4.2),
        hump=bladder.points_N3[5] + np.array([0, 0, rng.uniform(0, 8)]),
    )


def floor_mesh(floor: Floor, dome: Dome) -> Mesh:
    rx, ry = float(dome.radii[0]), float(dome.radii[1])

    def inside(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # 6 mm beyond the dome, so that the fat runs into the wall all round.
        return np.asarray(np.maximum(floor.distance(x, y, z), dome.distance(x, y, z) - 6.0))

    # The box ends below the fat; its lower face is never seen.
    return fields.mesh_of(inside, [-rx, -ry, floor.level - 45], [rx, ry, floor.level + 75], 4.0)


def ligament_mesh(rng: np.random.Generator, notch_x: float, dome: Dome, liver_top: np.ndarray) -> Mesh:
    """The falciform ligament: a wavy sheet from the wall to the liver's notch, the round ligament along its free edge.

    ``liver_top`` holds rows (y, z) of the liver's upper surface in the notch's plane.
    """
    x0, sway, period = notch_x, rng.uniform(2, 6), rng.uniform(50, 90)
    start = float(liver_top[0, 0])
    low_point = np.array([start, float(liver_top[0, 1]) - 2.0])
    navel = np.array([rng.uniform(-75, -20), 0.0])
    navel[1] = dome.height(x0, navel[0]) + 3.0
    ys = np.concatenate([np.linspace(navel[0], start, 40), np.linspace(start + 2, float(liver_top[-1, 0]), 40)])
    free = low_point[1] + (navel[1] - low_point[1]) * np.clip((start - ys) / (start - navel[0]), 0, 1) ** 1.6
    bottom = np.where(ys <= start, free, np.interp(ys, liver_top[:, 0], liver_top[:, 1]) - 3.0)
    top = np.array([dome.height(x0, y) + 4.0 for y in ys])
    share = np.linspace(0, 1, 28)
    z = bottom[:, None] + (np.maximum(top, bottom + 0.5) - bottom)[:, None] * share[None, :]
    waves = Waves(rng, period)
    slack = 4 * share * (1 - share)
    x = x0 + sway * slack[None, :] * waves(ys[:, None], z, 0.0) + 1.2 * np.sin(z / 7.0 + ys[:, None] / 19.0)
    side = np.stack(np.broadcast_arrays(x, ys[:, None], z), -1)
    half = np.array([0.5, 0.0, 0.0])
    sheet = [fields.grid_mesh((side + half)[:, ::-1]), fields.grid_mesh(side - half)]
    cord = np.stack([x[:40, 0], ys[:40], bottom[:40]], 1)[::5]
    radii = np.full(len(cord), rng.uniform(1.5, 3.2))
    bumps = Waves(rng, 11.0)
    reach = float(radii.max()) + 3
    cord_mesh = fields.mesh_of(
        lambda a, b, c: fields.tube(a, b, c, cord, radii) + 0.3 * bumps(a, b, c),
        list(cord.min(0) - reach), list(cord.max(0) + reach), 1.3,
    )  # fmt: skip
    return fields.joined([*sheet, cord_mesh])
