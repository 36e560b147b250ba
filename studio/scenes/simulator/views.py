"""Where the camera and the instruments are: poses as a laparoscope is held, redrawn until enough anatomy shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.anatomy import BOWEL, FAT, GALLBLADDER, LIGAMENT, LIVER, WALL, Anatomy
from studio.scenes.simulator.instruments import Instrument, draw_instrument
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.vectors import crossed

MIN_DISTANCE_MM, MAX_DISTANCE_MM = 30.0, 200.0
_PROBE = (24, 14)
_TRIES = 60
_MOST_WIDTH = 0.13
"""Width of a shaft at its tip, by the picture's, at most."""
_TOOLS_APART_MM = 7.0
_TIP_IN_MM = 4.0
"""So far a tip may lie in an organ that it touches."""
LENS_ROOM_MM = 20.0
"""Least distance between an instrument and the lens."""


@dataclass(frozen=True, eq=False)
class Tool:
    """An instrument in place. ``tool_to_world`` 4x4, mm."""

    instrument: Instrument
    tool_to_world: np.ndarray

    @property
    def ends_E3(self) -> np.ndarray:
        """Where its metal ends, in world axes."""
        return np.asarray(self.instrument.ends_E3 @ self.tool_to_world[:3, :3].T + self.tool_to_world[:3, 3])


@dataclass(frozen=True, eq=False)
class View:
    """A camera (OpenCV axes, pixel centres at +0.5) and the instruments in place. ``size`` is (width, height)."""

    size: tuple[int, int]
    K: np.ndarray
    camera_to_world: np.ndarray
    tools: tuple[Tool, ...] = ()

    @property
    def position(self) -> np.ndarray:
        return np.asarray(self.camera_to_world[:3, 3])


def intrinsics(size: tuple[int, int], field_of_view: float) -> np.ndarray:
    """K of a pinhole with the given horizontal field of view (radians), principal point in the middle."""
    width, height = size
    focal = width / 2 / np.tan(field_of_view / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])


def pixel_rays(K: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Camera-space directions (N, 3) with z = 1 through picture points, so that ray lengths are planar depths."""
    rays = np.empty((x.size, 3), np.float32)
    rays[:, 0] = (x.ravel() - K[0, 2]) / K[0, 0]
    rays[:, 1] = (y.ravel() - K[1, 2]) / K[1, 1]
    rays[:, 2] = 1.0
    return rays


_FRONT = np.array([0.0, 0.0, 1.0])


def looking(position: np.ndarray, at: np.ndarray, *, roll: float = 0.0, up: np.ndarray = _FRONT) -> np.ndarray:
    """camera_to_world for a camera whose picture has ``up`` (the body's front) on its upper side, turned by a roll."""
    forward = (at - position) / np.linalg.norm(at - position)
    right = crossed(forward, up)
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    down = crossed(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([c * right + s * down, c * down - s * right, forward], axis=1)
    pose[:3, 3] = position
    return pose


@dataclass(frozen=True)
class Habits:
    """How views are drawn. ``aim`` weighs what the camera looks at, by class id."""

    liver_in_view: float = 0.12
    """Least share of liver in most views; one view in eight goes without."""
    max_share: float = 0.75
    """No single class fills more than this."""
    most: tuple[tuple[int, float], ...] = ((GALLBLADDER, 0.38), (LIGAMENT, 0.14))
    """Classes that fill less: nobody holds the optics so that a gallbladder or the ligament hides the field."""
    aim: tuple[tuple[int, float], ...] = ((LIVER, 0.55), (GALLBLADDER, 0.28), (FAT, 0.1), (BOWEL, 0.03), (WALL, 0.04))
    no_tool: float = 0.12
    distance: tuple[float, float] = (1.5, 2.2)
    """Shape of the beta distribution between the least and the greatest distance."""


def draw_view(
    rng: np.random.Generator, anatomy: Anatomy, target: Target, size: tuple[int, int], *, habits: Habits
) -> View:
    """Draw camera poses until one shows enough (the best one after many tries), then put instruments in view."""
    K = intrinsics(size, rng.uniform(0.95, 1.22))
    needs_liver = rng.random() > 0.125
    best, best_score = None, -np.inf
    for _ in range(_TRIES):
        pose = _camera_pose(rng, anatomy, habits)
        if pose is None or not _at_working_distance(target, pose):
            continue
        score = view_score(anatomy, target, size, K, pose, habits, needs_liver=needs_liver)
        if score > best_score:
            best, best_score = pose, score
        if score >= 1.0:
            break
    if best is None:
        best = looking(anatomy.camera_port, anatomy.centre)
    return View(size, K, best, _tools(rng, anatomy, target, K, best, size, habits))


def _camera_pose(rng: np.random.Generator, anatomy: Anatomy, habits: Habits) -> np.ndarray | None:
    """One pose: 0 or 30 degree optics through the port, aimed at a point on or beside an organ."""
    at = draw_aim(rng, anatomy, habits)
    if at is None:
        return None
    port = anatomy.camera_port
    distance = draw_distance(rng, float(np.linalg.norm(at - port)), habits.distance)
    # An organ is seldom right in the middle: the optics are aimed beside it, never turned on their shaft's end.
    at = at + rng.normal(size=3) * distance * 0.12
    reach = float(np.linalg.norm(at - port))
    distance = min(distance, reach - 5.0)
    if distance < MIN_DISTANCE_MM:
        return None
    angle = np.deg2rad(30.0) if rng.random() < 0.6 else 0.0
    if distance * np.sin(angle) >= reach:
        return None
    tip = tip_before(port, at, distance=distance, angle=float(angle), swing=rng.normal() * 0.7)
    return looking(tip, at, roll=float(rng.normal() * 0.16))


def _at_working_distance(target: Target, pose: np.ndarray) -> bool:
    """Whether what lies in the picture's middle is as far away as a laparoscope is held."""
    ahead = target.trace(pose[:3, 3], pose[:3, 2][None])
    return bool(ahead.face_N[0] >= 0 and MIN_DISTANCE_MM <= ahead.t_N[0] <= MAX_DISTANCE_MM)


def draw_aim(rng: np.random.Generator, anatomy: Anatomy, habits: Habits) -> np.ndarray | None:
    """A point of an organ to look at, mostly near the surgical field; None for a body without any of the classes."""
    classes, weights = np.array([c for c, _ in habits.aim]), np.array([w for _, w in habits.aim])
    present = np.array([anatomy.part(int(c)) is not None for c in classes])
    if not present.any():
        return None
    weights = weights * present
    part = anatomy.part(int(rng.choice(classes, p=weights / weights.sum())))
    assert part is not None
    vertices = part.mesh.vertices_V3
    picks = vertices[rng.integers(0, len(vertices), 12)].astype(float)
    spread = 90.0 if part.class_id in (WALL, FAT) else 60.0
    return np.asarray(picks[np.argmin(np.linalg.norm(picks - anatomy.centre, axis=1) + rng.uniform(0, spread, 12))])


def draw_distance(rng: np.random.Generator, reach: float, shape: tuple[float, float]) -> float:
    """From lens to aim, mm, for a point ``reach`` mm from the port; below MIN_DISTANCE_MM when it is too near."""
    return min(MIN_DISTANCE_MM + (MAX_DISTANCE_MM - MIN_DISTANCE_MM) * float(rng.beta(*shape)), reach - 5.0)


def tip_before(port: np.ndarray, at: np.ndarray, *, distance: float, angle: float, swing: float) -> np.ndarray:
    """Where the laparoscope's end is when it sees ``at`` in its middle.

    The shaft goes through ``port``, the view leaves it at ``angle`` (radians; distance times its sine must be below
    the port's distance), and ``swing`` turns the end about the line from port to ``at``.
    """
    reach = float(np.linalg.norm(at - port))
    # Law of cosines with the shaft's end as the corner: the view leaves the shaft at the optics' angle.
    along = -distance * np.cos(angle) + np.sqrt(reach**2 - (distance * np.sin(angle)) ** 2)
    bend = np.arcsin(np.clip(distance * np.sin(angle) / reach, -1, 1))
    axis = (at - port) / reach
    side = crossed(axis, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    above = crossed(side, axis)
    lifted = np.cos(swing) * above + np.sin(swing) * side
    return np.asarray(port + along * (np.cos(bend) * axis + np.sin(bend) * lifted))


def _probe(
    target: Target, size: tuple[int, int], K: np.ndarray, pose: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A coarse look: (part index or -1, depth, sees inner sides) for a small grid of rays."""
    columns, rows = _PROBE
    x, y = np.meshgrid((np.arange(columns) + 0.5) * size[0] / columns, (np.arange(rows) + 0.5) * size[1] / rows)
    rays = pixel_rays(K, x, y) @ pose[:3, :3].T.astype(np.float32)
    hits = target.trace(pose[:3, 3], rays)
    met = hits.face_N >= 0
    part = np.where(met, target.part_F[hits.face_N], -1)
    inner = met & (np.einsum("ij,ij->i", target.plane_normal_F3[hits.face_N], rays) > 0)
    return part, np.where(met, hits.t_N, 0.0), inner


def organ_shares(
    anatomy: Anatomy, target: Target, size: tuple[int, int], K: np.ndarray, pose: np.ndarray
) -> np.ndarray:
    """Share of the picture by class id, float64 (9,), from a coarse look, without instruments."""
    part, _, _ = _probe(target, size, K, pose)
    classes = np.array([*(p.class_id for p in anatomy.parts), 0])[part]
    return np.asarray(np.bincount(classes, minlength=9) / classes.size)


def view_score(
    anatomy: Anatomy, target: Target, size: tuple[int, int], K: np.ndarray, pose: np.ndarray, habits: Habits,
    *, needs_liver: bool,
) -> float:  # fmt: skip
    """1 or more when the view is good; below, how near it comes."""
    part, depth, inner = _probe(target, size, K, pose)
    classes = np.array([*(p.class_id for p in anatomy.parts), 0])[part]
    # The ligament is a two-sided sheet: its inner side is as good as its outer one.
    inside = float((inner & (classes != 5)).mean())
    met = depth > 0
    if not met.any():
        return -2.0
    near = float(np.percentile(depth[met], 2))
    shares = np.bincount(classes, minlength=9) / classes.size
    score = 1.0 - 3.0 * max(inside - 0.01, 0) - 2.0 * max(float((~met).mean()) - 0.02, 0)
    score -= max(0.0, (0.6 * MIN_DISTANCE_MM - near) / MIN_DISTANCE_MM)
    score -= max(0.0, (float(np.median(depth[met])) - MAX_DISTANCE_MM) / MAX_DISTANCE_MM)
    score -= max(0.0, float(shares[1:].max()) - habits.max_share)
    score -= sum(max(0.0, float(shares[c]) - most) for c, most in habits.most)
    if needs_liver and anatomy.part(LIVER) is not None:
        score -= max(0.0, habits.liver_in_view - float(shares[LIVER]))
    return score


def _tools(
    rng: np.random.Generator, anatomy: Anatomy, target: Target, K: np.ndarray, pose: np.ndarray,
    size: tuple[int, int], habits: Habits,
) -> tuple[Tool, ...]:  # fmt: skip
    """One to three instruments through ports of the wall, their tips before surfaces that the camera sees."""
    if rng.random() < habits.no_tool:
        return ()
    wanted = int(rng.choice((1, 2, 3), p=(0.4, 0.45, 0.15)))
    tools: list[Tool] = []
    shafts: list[np.ndarray] = []
    for port in rng.permutation(len(anatomy.tool_ports_N3)):
        if len(tools) == wanted:
            break
        for _ in range(12):
            tool = _tool(rng, anatomy, int(port), target, K, pose, size)
            if tool is not None and _clear_of(tool, anatomy.tool_ports_N3[port], shafts):
                tools.append(tool)
                shafts.append(_points_along(tool, anatomy.tool_ports_N3[port]))
                break
    return tuple(tools)


def _points_along(tool: Tool, port: np.ndarray) -> np.ndarray:
    """Points (N, 3) every few mm from an instrument's tip to its port."""
    tip = tool.tool_to_world[:3, 3]
    return np.asarray(tip + (port - tip) * np.linspace(0, 1, 60)[:, None])


def _clear_of(tool: Tool, port: np.ndarray, shafts: list[np.ndarray]) -> bool:
    """Whether an instrument keeps its distance from others' shafts."""
    own = _points_along(tool, port)
    room = _TOOLS_APART_MM + tool.instrument.radius
    return all(float(np.linalg.norm(own[:, None] - other[None], axis=2).min()) >= room for other in shafts)


def _tool(
    rng: np.random.Generator, anatomy: Anatomy, port: int, target: Target, K: np.ndarray, pose: np.ndarray,
    size: tuple[int, int],
) -> Tool | None:  # fmt: skip
    """One instrument, or None when its shaft would lie in the way of the optics or deep in an organ."""
    tip = draw_tip(rng, target, K, pose, size)
    instrument = draw_instrument(rng, anatomy.kits)
    port_3 = anatomy.tool_ports_N3[port]
    if tip is None or not tool_fits(tip, port_3, target, K, pose, size, radius=instrument.radius):
        return None
    if enters_at_once(tip, port_3, target):
        return None
    back = port_3 - tip
    return Tool(instrument.made(), _tool_pose(tip, -back / np.linalg.norm(back), float(rng.uniform(0, 2 * np.pi))))


def draw_tip(
    rng: np.random.Generator, target: Target, K: np.ndarray, pose: np.ndarray, size: tuple[int, int],
    *, near: float = 0.45,
) -> np.ndarray | None:  # fmt: skip
    """A place for an instrument's tip, before a surface that the camera sees; close before it as often as ``near``."""
    x = np.array([size[0] * np.clip(rng.normal(0.5, 0.16), 0.12, 0.88)])
    y = np.array([size[1] * np.clip(rng.normal(0.55, 0.15), 0.12, 0.88)])
    ray = (pixel_rays(K, x, y) @ pose[:3, :3].T.astype(np.float32))[0].astype(float)
    hits = target.trace(pose[:3, 3], ray[None])
    if hits.face_N[0] < 0:
        return None
    depth = float(hits.t_N[0]) * (0.97 if rng.random() < near else rng.uniform(0.62, 0.95)) - 1.5
    return np.asarray(pose[:3, 3] + ray * depth)


def tool_fits(
    tip: np.ndarray, port: np.ndarray, target: Target, K: np.ndarray, pose: np.ndarray, size: tuple[int, int],
    *, radius: float,
) -> bool:  # fmt: skip
    """Whether an instrument from a port to a tip leaves picture and optics free and its shaft goes through air."""
    back = port - tip
    length = float(np.linalg.norm(back))
    back = back / length
    sight = tip - pose[:3, 3]
    depth = float(sight @ pose[:3, 2])
    # Neither pointing at the lens nor filling the picture.
    if depth <= 0 or -back @ sight / np.linalg.norm(sight) < 0.05:
        return False
    if 2 * radius * K[0, 0] / depth > _MOST_WIDTH * size[0]:
        return False
    return beside_lens(tip, port, pose[:3, 3]) >= LENS_ROOM_MM and in_air(tip, port, target)


def beside_lens(tip: np.ndarray, port: np.ndarray, lens: np.ndarray) -> float:
    """How far (mm) a lens is from the shaft between a port and a tip."""
    back = port - tip
    length = float(np.linalg.norm(back))
    along = float(np.clip((lens - tip) @ back / length, 0, length))
    return float(np.linalg.norm(tip + back / length * along - lens))


def in_air(tip: np.ndarray, port: np.ndarray, target: Target) -> bool:
    """Whether the way from a tip back to its port meets no organ before the wall; the last 4 mm may touch one."""
    back = port - tip
    length = float(np.linalg.norm(back))
    away = target.trace(tip + back / length * _TIP_IN_MM, (back / length)[None])
    return bool(away.face_N[0] < 0 or away.t_N[0] >= 0.75 * length)


def enters_at_once(tip: np.ndarray, port: np.ndarray, target: Target) -> bool:
    """Whether a shaft goes into something just behind its tip, from the side that looks into the body: then the tip
    alone would be seen, as if it floated before a wall."""
    back = (port - tip) / np.linalg.norm(port - tip)
    hits = target.trace(tip, back[None])
    if hits.face_N[0] < 0 or hits.t_N[0] > _TIP_IN_MM:
        return False
    return bool(target.plane_normal_F3[hits.face_N[0]] @ back < 0)


def _tool_pose(tip: np.ndarray, forward: np.ndarray, turn: float) -> np.ndarray:
    side = crossed(forward, (0.31, 0.93, 0.2))
    side /= np.linalg.norm(side)
    other = crossed(forward, side)
    c, s = np.cos(turn), np.sin(turn)
    pose = np.eye(4)
    x_axis = c * side + s * other
    pose[:3, :3] = np.stack([x_axis, crossed(forward, x_axis), forward], axis=1)
    pose[:3, 3] = tip
    return pose
