"""The procedural organs of one patient as fields and meshes, resting on one another.

The order matters: the abdominal wall's dome bounds all; the liver fills its upper end; gallbladder, stomach and fat lie
against the liver's under-side. Each organ reaches a little into its neighbour, so that no gap shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from studio.scenes.simulator import fields
from studio.scenes.simulator.fields import Bounded, Field, Mesh, Waves
from studio.scenes.simulator.shaping import Lobules, Tube, eased, evenly, gradient, outside, rested, swept


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
        cleft = 6.5 * np.exp(-(((x - self.notch_x) / 9.0) ** 2))
        lobes = lobes + cleft + 1.2 * self.surface_waves(x, y, z)
        lobes = fields.smooth_intersection(lobes, dome.distance(x, y, z) + 1.0, 8.0)
        below = (self.under_side(x, y) - z) * np.float32(np.cos(self.tilt))
        return fields.smooth_intersection(lobes, below, 3.5)

    def field(self, dome: Dome) -> Bounded:
        """The distance in a dome; all that lies inside is above the under-side (see fields.smooth_intersection)."""
        return Bounded(lambda x, y, z: self.distance(x, y, z, dome), lambda x, y, z: z >= self.under_side(x, y))


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
    return fields.mesh_of(lambda x, y, z: shape.distance(x, y, z, dome), list(low), list(high), 2.7)


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

    @cached_property
    def field(self) -> Bounded:
        """The signed distance to it, before it is pressed flat."""
        line_M3, radii_M = fields.smooth_line(self.points_N3, self.radii_N)
        return Bounded(lambda x, y, z: fields.tube(x, y, z, line_M3, radii_M), fields.around(line_M3, radii_M))

    def mesh(self, rng: np.random.Generator, against: Sequence[Field] = ()) -> Mesh:
        """The pear, pressed flat against the bodies that it lies at."""
        waves = Waves(rng, 30.0)
        line, radii = fields.smooth_line(self.points_N3, self.radii_N, parts=9)
        pear = swept(eased(line, times=25), np.repeat(radii[:, None], 40, axis=1))
        swell = waves(*pear.vertices_V3.T) * np.float32(0.035 * float(radii.max()))
        uneven = fields.with_normals(pear.vertices_V3 + pear.normals_V3 * swell[:, None], pear.faces_F3)
        return rested(uneven, against)


_PEAR = np.array([0.95, 1.0, 0.98, 0.80, 0.52, 0.40, 0.24, 0.18, 0.16])
"""Radii from fundus to cystic duct by the greatest one; the pouch before the neck is the sixth."""
PEAR_LENGTHS = np.array([0.0, 0.14, 0.30, 0.46, 0.60, 0.70, 0.80, 0.90, 1.0])


def draw_bladder(rng: np.random.Generator, liver: UnderSide) -> Bladder:
    """Aslant along the liver's bed: the fundus out under the edge, the neck bending down into the fat."""
    size = rng.uniform(11.5, 17.0)
    out, heading = rng.uniform(10, 30), rng.uniform(0.15, 0.85)
    along = PEAR_LENGTHS * size * rng.uniform(4.6, 5.6) - out
    radii = size * _PEAR
    xs = liver.bladder_x + np.sin(heading) * (along + out) - rng.uniform(0, 12)
    edge_y = liver.edge_y + liver.edge_slope * xs
    ys = liver.edge_y + liver.edge_slope * xs[0] + np.cos(heading) * along
    under = liver.under_side(xs, np.maximum(ys, edge_y - 3))
    droop = np.clip(-along, 0, None) * rng.uniform(0.0, 0.45)
    bend = np.array([0, 0, 0, 0, 1, 3, 6, 10, 15]) * rng.uniform(0.6, 1.2)
    zs = under - radii * rng.uniform(0.55, 0.8) - bend - droop
    return Bladder(eased(np.stack([xs, ys, zs], 1)), np.maximum(radii, 2.4))


@dataclass(frozen=True, eq=False)
class Bowel:
    """Stomach, colon and loops of small bowel."""

    tubes: tuple[Tube, ...]

    def mesh(self, rng: np.random.Generator, against: Sequence[Field] = ()) -> Mesh:
        """All of it, giving way downwards to the bodies above."""
        waves = Waves(rng, 40.0)
        placed: list[Mesh] = []
        for index, tube in enumerate(self.tubes):
            beside = [t.field for t in self.tubes[:index]]
            placed.append(rested(rested(tube.mesh(waves), against, down=True), beside))
        return fields.joined(placed)


def draw_bowel(rng: np.random.Generator, floor: Floor) -> Bowel:
    stomach = np.array([[92, 70, -26], [76, 26, -34], [44, -2, -46], [14, 12, -52], [-8, 32, -54]], float)
    stomach += rng.normal(size=3) * (8, 8, 4)
    tubes = [Tube(stomach, np.array([34, 32, 25, 17, 13]) * rng.uniform(0.85, 1.15), 30.0, 0.02)]
    if rng.random() < 0.8:
        tubes.append(_colon(rng, floor))
    for _ in range(int(rng.integers(0, 3))):
        loops = next((t for t in (_loops(rng, floor) for _ in range(8)) if not any(map(t.crowds, tubes))), None)
        tubes += [loops] if loops is not None else []
    return Bowel(tuple(tubes))


def _colon(rng: np.random.Generator, floor: Floor) -> Tube:
    """The transverse colon, hanging across below the liver and the gallbladder."""
    xs = np.linspace(-122, 112, 25)
    sag, drift, rise = rng.uniform(14, 40), Waves(rng, 80.0), Waves(rng, 70.0)
    ys = -rng.uniform(22, 40) - sag * (1 - (xs / 118) ** 2) + 5 * drift(xs, 0 * xs, 0.0)
    radius = rng.uniform(15, 21)
    lift = radius * rng.uniform(-0.5, 0.35) + 3 * rise(xs, 0 * xs, 0.0)
    for _ in range(6):
        zs = floor.height(xs, ys) + lift
        ys = ys - np.clip(radius + 1 - floor.bladder.field(xs, ys, zs), 0, None)
    line = eased(np.stack([xs, ys, zs], 1), times=4)
    return Tube(line, np.full(25, radius), rng.uniform(22, 32), rng.uniform(0.14, 0.24))


def _loops(rng: np.random.Generator, floor: Floor) -> Tube:
    """Small bowel to and fro, loop beside loop."""
    radius, rows, length = rng.uniform(9, 13), int(rng.integers(3, 5)), rng.uniform(45, 85)
    ends = np.array([-0.5, -0.17, 0.17, 0.5]) * length
    bow = rng.uniform(-12, 12)
    points = []
    for row in range(rows):
        for end in ends if row % 2 == 0 else ends[::-1]:
            points.append((end, row * 1.95 * radius + bow * (2 * end / length) ** 2 + rng.normal()))
    flat = np.array(points)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flat = (flat - flat.mean(0)) @ turn.T + (rng.uniform(-75, 70), rng.uniform(-105, -55))
    zs = floor.height(flat[:, 0], flat[:, 1]) + radius * rng.uniform(-0.1, 0.5)
    return Tube(np.column_stack([flat, zs]), np.full(len(flat), radius), rng.uniform(14, 20), 0.05)


@dataclass(frozen=True, eq=False)
class Floor:
    """The omentum and fat that line the cavity's floor: a height with rounded folds, and lobules upon it."""

    level: float
    rise: float
    broad: Waves
    folds: Waves
    lobules: Lobules
    grain: Lobules
    fold_height: float
    lobule_height: float
    hump: np.ndarray
    """Centre of the fat around the gallbladder's neck."""
    bladder: Bladder

    def height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """z of the fat's broad surface, without lobules."""
        zero = 0.0
        # Rounded tops and narrow, soft valleys between, as where two folds touch.
        ridges = self.fold_height * np.sqrt(self.folds(x, y, zero) ** 2 + 0.08)
        sides = 0.0011 * (x * x) + 0.0009 * np.clip(-y - 20, 0, None) ** 2
        near = np.exp(-(((x - self.hump[0]) / 34) ** 2 + ((y - self.hump[1]) / 30) ** 2))
        level = self.level + self.rise * np.clip(y + 40, -60, 60) + sides + 9.0 * self.broad(x, y, zero) + ridges
        # Fat is drawn up to the neck, but no farther than it stretches.
        level = level + np.clip(self.hump[2] - level, 0, 38) * near
        return fields.smooth_union(level, self._below_bladder(x, y), 8.0)

    def _below_bladder(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The most that fat may rise beside fundus and body, which it leaves in view."""
        cap = np.full(np.broadcast(x, y).shape, 500.0)
        for (px, py, pz), radius in zip(self.bladder.points_N3[:5], self.bladder.radii_N[:5], strict=True):
            away = np.clip(np.hypot(x - px, y - py) - radius, 0, None)
            cap = np.minimum(cap, pz - 0.25 * radius + 0.9 * away)
        return cap

    def on_surface(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the fat's surface above the floor plan, lobules on top of the folds."""
        z = self.height(x, y)
        sheet = np.stack(np.broadcast_arrays(x, y, z), -1)
        smooth = fields.grid_mesh(sheet)
        lumps = self.lobule_height * (self.lobules(smooth.vertices_V3) - 0.6)
        lumps += 0.25 * self.lobule_height * (self.grain(smooth.vertices_V3) - 0.6)
        return np.asarray(smooth.vertices_V3 + smooth.normals_V3 * lumps[:, None]).reshape(sheet.shape)


def draw_floor(rng: np.random.Generator, bladder: Bladder) -> Floor:
    size = rng.uniform(10, 19)
    return Floor(
        level=rng.uniform(-60, -42),
        rise=rng.uniform(-0.12, 0.1),
        broad=Waves(rng, 95.0),
        folds=Waves(rng, rng.uniform(60, 95), 6),
        lobules=Lobules(rng, size),
        grain=Lobules(rng, 0.5 * size),
        fold_height=rng.uniform(5, 13),
        lobule_height=size * rng.uniform(0.2, 0.36),
        hump=bladder.points_N3[-2] + np.array([0, 0, rng.uniform(0, 8)]),
        bladder=bladder,
    )


def floor_mesh(floor: Floor, dome: Dome, against: Sequence[Field] = ()) -> Mesh:
    """The fat's surface, reaching beyond the wall all round, giving way downwards to the bodies that lie on it."""
    u, v = np.meshgrid(np.linspace(-1, 1, 160), np.linspace(-1, 1, 178))
    # A square drawn out to the dome's outline keeps triangles even and wastes none in corners.
    x, y = (dome.radii[0] + 16) * u * np.sqrt(1 - v * v / 2), (dome.radii[1] + 16) * v * np.sqrt(1 - u * u / 2)
    points = floor.on_surface((x + dome.centre[0]).astype(np.float32), (y + dome.centre[1]).astype(np.float32))
    top = rested(fields.grid_mesh(points), against, down=True)
    return fields.joined([top, _closing(points)])


def _closing(points_NM3: np.ndarray) -> Mesh:
    """A sheet far below that hangs from a grid's border: what lies between counts as inside."""
    rows, columns = points_NM3.shape[:2]
    below = points_NM3[
        np.ix_(np.linspace(0, rows - 1, 9).astype(int), np.linspace(0, columns - 1, 9).astype(int))
    ].copy()
    below[1:-1, 1:-1, 2] = points_NM3[..., 2].min() - 40
    return fields.grid_mesh(below[:, ::-1])


def ligament_mesh(
    rng: np.random.Generator, notch_x: float, dome: Dome, liver_top: np.ndarray, against: Sequence[Field] = ()
) -> Mesh:
    """The falciform ligament: a slack, leaning sheet from the wall to the liver's notch, with the round ligament along
    its free edge, which ends in the notch.

    ``liver_top`` holds rows (y, z) of the liver's upper surface in the notch's plane.
    """
    sway, lean = rng.uniform(2, 6), rng.uniform(-26, 26)
    start, end = float(liver_top[0, 0]), float(liver_top[-1, 0])
    low_z = float(liver_top[0, 1]) - 2.0
    navel_y = start - rng.uniform(35, 75)
    navel_z = dome.height(notch_x + lean, navel_y) + 3.0
    ys = np.concatenate([np.linspace(navel_y, start, 48), np.linspace(start + 2, end, 40)])
    share_out = np.clip((start - ys) / (start - navel_y), 0, 1)
    bottom = np.where(
        ys <= start, low_z + (navel_z - low_z) * share_out ** rng.uniform(1.2, 2.0),
        np.interp(ys, liver_top[:, 0], liver_top[:, 1]) - 2.0,
    )  # fmt: skip
    top = np.maximum([dome.height(notch_x + lean, y) + 4.0 for y in ys], bottom + 0.5)
    share = np.linspace(0, 1, 28)
    z = bottom[:, None] + (top - bottom)[:, None] * share[None, :]
    waves = Waves(rng, rng.uniform(50, 90))
    # The free edge leans over as it nears the wall; slack shows between the edges only.
    leaning = np.maximum(share[None, :], share_out[:, None]) * lean
    x = notch_x + leaning + sway * 4 * (share * (1 - share))[None, :] * waves(ys[:, None], z, 0.0)
    side = np.stack(np.broadcast_arrays(x, ys[:, None], z), -1)
    half = np.array([0.45, 0.0, 0.0])
    sheet = [fields.grid_mesh((side + half)[:, ::-1]), fields.grid_mesh(side - half)]
    return fields.joined([*sheet, _round_ligament(rng, side[:48, 0], against)])


def _round_ligament(rng: np.random.Generator, edge_N3: np.ndarray, against: Sequence[Field]) -> Mesh:
    """A fatty cord along the free edge that sinks into the fissure on the liver's front and thins out there."""
    thick = rng.uniform(1.6, 3.4)
    into = edge_N3[-1] + np.array([(0, 1, -4), (0, 3, -8), (0, 7, -12)], float)
    corners = np.concatenate([edge_N3[:-4:8], into])
    line, _ = fields.smooth_line(corners, np.ones(len(corners)), parts=10)
    last = np.clip((np.arange(len(line)) - len(line) + 31) / 30, 0, 1)
    depth = thick * (0.4 + 2.0 * last)
    line = outside(line, against, sink=depth)
    for body in against:
        # Where the path would leave the liver again below its edge, it is kept in.
        for _ in range(3):
            short = np.clip(np.asarray(body(*line.T)) + depth, 0, None) * (last > 0.5)
            line = line - gradient(body, line) * short[:, None]
    points, end, lengths = evenly(line.astype(float), last, 1.5)
    radius = thick * (1 + 0.18 * np.sin(lengths / rng.uniform(5, 9)) * np.sin(lengths / 23.0)) * (1 - 0.6 * end)
    return swept(points, np.repeat(radius[:, None], 18, axis=1))
