"""Laparoscopic instruments as meshes in tool axes: origin at the tip, z along the shaft towards the tip, mm.

The shaft lies at negative z. Jaws open about the x axis, in the y-z plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from studio.scenes.simulator import fields
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.meshcutting import cut_across

SHAFT_LENGTH = 330.0
_SHAFT_PIECES = 8
KINDS = ("grasper", "dissector", "scissors", "hook", "suction")
HINGED = ("grasper", "dissector", "scissors")
_Tip = tuple[Mesh, float, np.ndarray]
"""What is at the shaft's end, how long it is in mm, and where it ends (E, 3)."""


@dataclass(frozen=True, eq=False)
class Instrument:
    """``tip`` and ``shaft`` are separate meshes, since they are separate classes. ``look`` picks the shaft's finish."""

    name: str
    tip: Mesh
    shaft: Mesh
    radius: float
    jaw_angle: float
    look: str = "black"
    kit: InstrumentKit | None = None
    """What it was put together from, if from meshes."""
    ends_E3: np.ndarray = field(default_factory=lambda: np.zeros((1, 3)))
    """Where it ends, in tool axes: the end of each jaw, which leaves the axis as the jaws open, or of the only tip."""

    @property
    def hinged(self) -> bool:
        """Whether it has jaws that open."""
        return len(self.kit.jaws) == 2 if self.kit is not None else self.name in HINGED

    def opened(self, angle: float) -> Instrument:
        """The same instrument with its jaws ``angle`` radians apart; vertices correspond one to one."""
        if not self.hinged:
            return self
        if self.kit is not None:
            return self.kit.opened(angle, self.look)
        return make_instrument(self.name, radius=self.radius, jaw_angle=angle, look=self.look)

    @property
    def reach(self) -> float:
        """The farthest that anything of it lies from its axis, mm."""
        return float(max(np.hypot(*m.vertices_V3[:, :2].T).max() for m in (self.tip, self.shaft)))


@dataclass(frozen=True, eq=False)
class InstrumentKit:
    """An instrument given as meshes, tip towards z, jaws closed at ``pivot`` (z) and hinged about x there."""

    name: str
    jaws: tuple[Mesh, ...]
    rest: Mesh
    shaft: Mesh
    pivot: float
    radius: float

    def opened(self, angle: float, look: str) -> Instrument:
        """The instrument with its jaws ``angle`` radians apart."""
        sides = (-0.5, 0.5) if len(self.jaws) == 2 else (0.0,) * len(self.jaws)
        turned = [
            jaw.moved(_shifted(-self.pivot)).moved(_hinged(side * angle, self.pivot))
            for jaw, side in zip(self.jaws, sides, strict=True)
        ]
        tip = fields.joined([m for m in (*turned, self.rest) if len(m.faces_F3)])
        ends_E3 = np.stack(
            [t.vertices_V3[j.vertices_V3[:, 2].argmax()] for t, j in zip(turned, self.jaws, strict=True)]
        )
        jaw_angle = angle if len(self.jaws) == 2 else 0.0
        return Instrument(self.name, tip, self.shaft, self.radius, jaw_angle, look, self, ends_E3.astype(float))


def make_kit(name: str, jaws: Sequence[Mesh], shaft: Mesh | None) -> InstrumentKit:
    """Put jaws (or one whole instrument) and a shaft together: the tip's end comes to z = 0."""
    end = max(float(m.vertices_V3[:, 2].max()) for m in jaws)
    moved = tuple(m.moved(_shifted(-end)) for m in jaws)
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.float32))
    if shaft is not None:
        tube = shaft.moved(_shifted(-end))
        return InstrumentKit(name, moved, empty, tube, -end, float(np.ptp(tube.vertices_V3[:, 0])) / 2)
    whole = fields.joined(moved)
    tip_length = min(24.0, 0.3 * float(np.ptp(whole.vertices_V3[:, 2])))
    front, behind = cut_across(whole, -tip_length)
    radius = float(np.ptp(whole.vertices_V3[:, 0])) / 2
    return InstrumentKit(name, (front,), empty, behind, -tip_length, radius)


def _shifted(z: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[2, 3] = z
    return matrix


@dataclass(frozen=True, eq=False)
class DrawnInstrument:
    """What an instrument is to be like. Its meshes take a millisecond, so they wait until there is a place for it."""

    name: str
    radius: float
    jaw_angle: float
    look: str
    kit: InstrumentKit | None = None

    def made(self) -> Instrument:
        """The instrument itself."""
        if self.kit is not None:
            return self.kit.opened(self.jaw_angle, self.look)
        return make_instrument(self.name, radius=self.radius, jaw_angle=self.jaw_angle, look=self.look)


def draw_instrument(rng: np.random.Generator, kits: Sequence[InstrumentKit] = ()) -> DrawnInstrument:
    """One instrument of a random kind, thickness, finish and opening; mostly one of the kits if there are any."""
    if kits and rng.random() < 0.75:
        kit = kits[int(rng.integers(len(kits)))]
        opening = float(rng.uniform(0, 0.8))
        return DrawnInstrument(kit.name, kit.radius, opening, str(rng.choice(("black", "grey", "steel"))), kit)
    kind = str(rng.choice(KINDS, p=(0.34, 0.2, 0.12, 0.2, 0.14)))
    radius = 2.5 if rng.random() < 0.72 else float(rng.uniform(3.5, 5.0))
    angle = float(rng.uniform(0.0, 0.9)) if kind in HINGED else 0.0
    look = str(rng.choice(("black", "grey", "steel", "white"), p=(0.42, 0.24, 0.2, 0.14)))
    return DrawnInstrument(kind, radius, angle, look)


def make_instrument(kind: str, *, radius: float = 2.5, jaw_angle: float = 0.0, look: str = "black") -> Instrument:
    """Build one of KINDS. ``jaw_angle`` is the angle between the jaws in radians."""
    tip, length, ends_E3 = _TIPS[kind](radius, jaw_angle)
    # In pieces: boxes around triangles as long as the shaft would overlap, and rays be tried against most of them.
    along = np.linspace(-SHAFT_LENGTH, -length, _SHAFT_PIECES + 1)
    shaft = _lathe(np.stack([along, np.full(len(along), radius)], 1))
    return Instrument(kind, tip, shaft, radius, jaw_angle, look, ends_E3=ends_E3)


def _jaws(radius: float, angle: float, *, length: float, curve: float, blunt: float) -> _Tip:
    share = np.linspace(0, 1, 14)
    centre = np.stack([np.zeros(14), radius * (0.42 - 0.2 * share) + curve * share**2, share * length], 1)
    widths = radius * (0.82 - (0.82 - blunt) * share)
    heights = radius * (0.40 - (0.40 - blunt * 0.6) * share)
    widths[-1] *= 0.55
    heights[-1] *= 0.55
    upper = _loft(centre, widths, heights)
    mirrored = centre * [1, -1, 1] + np.stack([np.zeros(14), 2 * curve * share**2, np.zeros(14)], 1)
    lower = _loft(mirrored, widths, heights)
    back = -length
    hinges = (_hinged(-angle / 2, back), _hinged(angle / 2, back))
    parts = [
        upper.moved(hinges[0]),
        lower.moved(hinges[1]),
        _lathe(np.array([[back - 9, radius * 0.98], [back - 1, radius * 0.9], [back + 3, radius * 0.62]])),
    ]
    ends = [h[:3, :3] @ c[-1] + h[:3, 3] for h, c in zip(hinges, (centre, mirrored), strict=True)]
    return fields.joined(parts), length + 9, np.stack(ends)


def _hinged(angle: float, z: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, z], [0, 0, 0, 1.0]])


def _hook(radius: float, _angle: float) -> _Tip:
    wire = 0.55
    line = np.array([[0, 0, -14], [0, 0, -3.2], [0, 0.4, -1.6], [0, 1.7, -0.6], [0, 3.4, -0.5], [0, 5.2, -0.6]], float)
    fine, _ = fields.smooth_line(line, np.ones(len(line)), parts=6)
    width = np.full(len(fine), wire)
    sheath = _lathe(np.array([[-20, radius], [-18, radius * 0.95], [-12.0, radius * 0.55], [-11.2, wire]]))
    return fields.joined([_loft(fine, width, width), sheath]), 20.0, line[-1:]


def _suction(radius: float, _angle: float) -> _Tip:
    profile = np.array([[-16, radius], [-1.2, radius], [0.0, radius * 0.86], [-0.2, radius * 0.66], [-6, radius * 0.6]])
    return _lathe(profile), 16.0, np.zeros((1, 3))


_TIPS = {
    "grasper": lambda r, a: _jaws(r, a, length=19.0, curve=0.0, blunt=0.5),
    "dissector": lambda r, a: _jaws(r, a, length=17.0, curve=4.5, blunt=0.22),
    "scissors": lambda r, a: _jaws(r, a, length=15.0, curve=2.5, blunt=0.12),
    "hook": _hook,
    "suction": _suction,
}


def _lathe(profile_N2: np.ndarray, *, sections: int = 40) -> Mesh:
    """Turn a profile of (z, radius) about the z axis; both ends are closed."""
    ends = np.concatenate([[[profile_N2[0, 0], 1e-3]], profile_N2, [[profile_N2[-1, 0], 1e-3]]])
    # A doubled row keeps the rim's edge sharp under smooth normals; where a profile goes straight on there is none.
    before, after = np.diff(ends, axis=0)[:-1], np.diff(ends, axis=0)[1:]
    bent = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-6
    rows = np.repeat(ends, [1, *(1 + bent), 1], axis=0)
    turn = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    points = np.concatenate(
        [circle[None] * rows[:, 1, None, None], np.broadcast_to(rows[:, :1, None], (len(rows), sections, 1))], axis=2
    )
    return fields.grid_mesh(points, closed_columns=True)


def _loft(centre_N3: np.ndarray, widths_N: np.ndarray, heights_N: np.ndarray, *, sections: int = 18) -> Mesh:
    """Ellipses (x width, height across) along a line in the y-z plane; both ends are closed."""
    step = np.gradient(centre_N3, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    across = np.stack([np.zeros(len(step)), step[:, 2], -step[:, 1]], 1)
    turn = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    ring = (
        centre_N3[:, None, :]
        + np.cos(turn)[None, :, None] * widths_N[:, None, None] * np.array([1.0, 0, 0])
        + np.sin(turn)[None, :, None] * heights_N[:, None, None] * across[:, None, :]
    )
    ends = [np.repeat(centre_N3[i][None, None], sections, axis=1) + 1e-3 * (ring[i] - centre_N3[i]) for i in (0, -1)]
    return fields.grid_mesh(np.concatenate([ends[0], ring, ends[1]]), closed_columns=True)
