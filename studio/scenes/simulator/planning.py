"""Planning a camera path: curves that wander between admissible views, checked as they grow.

A control point is added only if the stretch that it completes is admissible, and also what follows if the shaft is then
held still. So holding still is always possible, a plan never has to go back, and a longer plan begins as a shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from studio.scenes.simulator.anatomy import LIGAMENT, Anatomy
from studio.scenes.simulator.instruments import draw_instrument
from studio.scenes.simulator.paths import CameraPath, Curve, MovingTool, blended
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.trocars import Laparoscope, Trocar
from studio.scenes.simulator.views import (
    LENS_ROOM_MM,
    MIN_DISTANCE_MM,
    Habits,
    beside_lens,
    draw_aim,
    draw_distance,
    draw_tip,
    in_air,
    intrinsics,
    tip_before,
    tool_fits,
    view_score,
)
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

_CAMERA_INTERVAL, _TOOL_INTERVAL = 0.8, 0.5
"""Seconds between control points."""
_CAMERA_STEP = np.array([0.11, 0.11, 14.0, 0.16, 0.05])
"""The most that a camera's values change between control points: about 13 mm and 8 degrees a second at 100 mm."""
_TIP_STEP_MM, _JAW_STEP = 13.0, 0.3
_STARTS, _TOOL_STARTS, _GOALS = 300, 100, 30
_WITHDRAWING = 0.5
"""How often an instrument that finds no way on is drawn back a step, rather than held."""
_SCOPE_ROOM_MM = 7.0
_TOOLS_APART_MM = 9.0
_LEAST_DEPTH_MM = 70.0
LOOK_AHEAD = 2.2
"""Seconds beyond a curve's end that planning it looks at, at most."""
_STRETCH = (1 / 3, 2 / 3, 1.0)


class _Mover(Protocol):
    """What a shaft may do. Values are a curve's five."""

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None: ...
    def step(self, current_5: np.ndarray, goal_5: np.ndarray) -> np.ndarray: ...
    def free(self, values_5: np.ndarray, seconds: float) -> bool: ...
    def held(self, current_5: np.ndarray, seconds: float) -> np.ndarray: ...


def plan_path(
    anatomy: Anatomy, targets: Sequence[Target], size: tuple[int, int], *, seed: int, patient: int, seconds: float
) -> CameraPath:
    """Plan at least ``seconds`` of a patient's path. ``targets``: the body in the states that it must be free of.

    Raise InputError when there is no place from which a laparoscope could start.
    """
    rng = stream(seed, "path", patient)
    K = intrinsics(size, rng.uniform(0.95, 1.22))
    angle = float(np.deg2rad(30.0)) if rng.random() < 0.6 else 0.0
    laparoscope = Laparoscope(Trocar.towards(anatomy.camera_port, anatomy.centre), angle)
    camera = _Camera(stream(seed, "path camera", patient), anatomy, targets, size, K, laparoscope)
    # Tools look ahead at the camera and at tools planned before, so what is planned earlier goes on longer.
    curve = _wander(camera, _first(camera, anatomy.name), interval=_CAMERA_INTERVAL, seconds=seconds + 4 * LOOK_AHEAD)
    path = CameraPath(size, K, laparoscope, curve)
    return with_tools(path, anatomy, targets, rng, seed=seed, patient=patient, seconds=seconds)


def with_tools(
    path: CameraPath, anatomy: Anatomy, targets: Sequence[Target], rng: np.random.Generator, *, seed: int, patient: int,
    seconds: float,
) -> CameraPath:  # fmt: skip
    """The path with its instruments; its curve must go on for 4 * LOOK_AHEAD longer than ``seconds``."""
    tools: list[MovingTool] = []
    count = 0 if rng.random() < Habits().no_tool else int(rng.choice((1, 2, 3), p=(0.4, 0.45, 0.15)))
    for port in rng.permutation(len(anatomy.tool_ports_N3)):
        if len(tools) == count:
            break
        own = stream(seed, "path tool", patient, int(port))
        needed = seconds + (2 - len(tools)) * LOOK_AHEAD
        tool = _tool(own, anatomy, targets, path, tuple(tools), port_3=anatomy.tool_ports_N3[port], seconds=needed)
        if tool is not None:
            tools.append(tool)
    return replace(path, tools=tuple(tools))


def _wander(mover: _Mover, start_5: np.ndarray, *, interval: float, seconds: float) -> Curve:
    """A curve from rest at ``start_5``, from goal to goal."""
    controls: list[np.ndarray] = [start_5] * 3
    goal: np.ndarray | None = None
    while (len(controls) - 3) * interval <= seconds:
        at = (len(controls) - 3) * interval
        added, goal = _next(mover, controls[-3:], goal, at=at, interval=interval)
        controls.append(added)
    return Curve(np.array(controls), interval)


def _next(
    mover: _Mover, last: Sequence[np.ndarray], goal: np.ndarray | None, *, at: float, interval: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """The next control point and the goal that it leads to; a new goal where the old one is reached or in the way."""
    current = last[-1]
    for _ in range(_GOALS):
        if goal is None:
            goal = mover.goal(at, current)
            if goal is None:
                continue
        added = mover.step(current, goal)
        if _admissible(mover, np.array([*last, added]), at=at, interval=interval):
            return added, None if np.allclose(added[:4], goal[:4], atol=1e-9) else goal
        goal = None
    return mover.held(current, at), None


def _admissible(mover: _Mover, controls_45: np.ndarray, *, at: float, interval: float) -> bool:
    """Whether the stretch over four control points is free, and the two after it if the last point is held."""
    held = controls_45[-1:]
    stretches = [controls_45, np.concatenate([controls_45[1:], held]), np.concatenate([controls_45[2:], held, held])]
    return all(
        mover.free(blended(controls, share), at + (later + share) * interval)
        for later, controls in enumerate(stretches)
        for share in (_STRETCH if later == 0 else (0.5, 1.0))
    )


@dataclass(frozen=True, eq=False)
class _Camera:
    rng: np.random.Generator
    anatomy: Anatomy
    targets: Sequence[Target]
    size: tuple[int, int]
    K: np.ndarray
    laparoscope: Laparoscope

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """An admissible view of an organ, as single frames have them, but always through the same point of the wall."""
        rng, port, angle = self.rng, self.laparoscope.trocar.port_3, self.laparoscope.angle
        at = draw_aim(rng, self.anatomy, Habits())
        if at is None:
            return None
        reach = float(np.linalg.norm(at - port))
        distance = draw_distance(rng, reach, Habits().distance)
        swing, roll = float(rng.normal() * 0.7), float(rng.normal() * 0.1)
        if distance < MIN_DISTANCE_MM or distance * np.sin(angle) >= reach:
            return None
        tip = tip_before(port, at, distance=distance, angle=angle, swing=swing)
        held = self.laparoscope.trocar.reaching(tip)
        if held is None:
            return None
        turn = self.laparoscope.turn_towards(held[0], at - tip)
        # The way round that is shorter from here.
        turn = current_5[3] + (turn - current_5[3] + np.pi) % (2 * np.pi) - np.pi
        goal = np.array([*held[0], held[1], turn, roll])
        return goal if self.free(goal, seconds) else None

    def step(self, current_5: np.ndarray, goal_5: np.ndarray) -> np.ndarray:
        change = goal_5 - current_5
        return np.asarray(current_5 + change / max(1.0, float((np.abs(change) / _CAMERA_STEP).max())))

    def held(self, current_5: np.ndarray, seconds: float) -> np.ndarray:
        return current_5

    def free(self, values_5: np.ndarray, seconds: float) -> bool:
        a, b, depth, turn, roll = values_5
        pose = self.laparoscope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)
        return all(self._clear(target, pose) and self._shows_enough(target, pose) for target in self.targets)

    def _shows_enough(self, target: Target, pose: np.ndarray) -> bool:
        return view_score(self.anatomy, target, self.size, self.K, pose, Habits(), needs_liver=True) >= 1.0

    def _clear(self, target: Target, pose: np.ndarray) -> bool:
        """Whether nothing touches the lens, and nothing but the wall the shaft."""
        port = self.laparoscope.trocar.port_3
        if not in_air(pose[:3, 3], port, target):
            return False
        hits = target.trace(pose[:3, 3], _FAN @ pose[:3, :3].T.astype(np.float32))
        met = hits.face_N >= 0
        if (met & (hits.t_N < _SCOPE_ROOM_MM)).any():
            return False
        # Inside an organ every ray meets its inner side; the ligament's two sides are equal.
        sheet = np.array([p.class_id == LIGAMENT for p in self.anatomy.parts])
        rays = (_FAN @ pose[:3, :3].T.astype(np.float32))[met]
        inner = np.einsum("ij,ij->i", target.plane_normal_F3[hits.face_N[met]], rays) > 0
        return not (inner & ~sheet[target.part_F[hits.face_N[met]]]).mean() > 0.5


_FAN = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) != (0, 0, 0)])
_FAN = (_FAN / np.linalg.norm(_FAN, axis=1, keepdims=True)).astype(np.float32)


def _first(mover: _Camera, name: str) -> np.ndarray:
    upright = np.zeros(5)
    for _ in range(_STARTS):
        start = mover.goal(0.0, upright)
        if start is not None:
            return start
    raise InputError(
        "no way for a laparoscope: from its port every view shows too little or lies in an organ", where=name,
        remedy="Simulate single frames, another patient, or check the meshes' placement.",
    )  # fmt: skip


def _tool(
    rng: np.random.Generator, anatomy: Anatomy, targets: Sequence[Target], path: CameraPath,
    others: tuple[MovingTool, ...], *, port_3: np.ndarray, seconds: float,
) -> MovingTool | None:  # fmt: skip
    """An instrument through a port for the whole path; None when it finds no free place in the first view."""
    instrument = draw_instrument(rng, anatomy.kits)
    trocar = Trocar.towards(port_3, anatomy.centre)
    mover = _ToolMover(rng, targets, path, others, trocar, hinged=instrument.hinged)
    start = np.array([0, 0, 0, rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8)])
    for _ in range(_TOOL_STARTS):
        goal = mover.goal(0.0, start)
        if goal is not None and mover.free(goal, 0.0):
            return MovingTool(trocar, instrument, _wander(mover, goal, interval=_TOOL_INTERVAL, seconds=seconds))
    return None


@dataclass(frozen=True, eq=False)
class _ToolMover:
    rng: np.random.Generator
    targets: Sequence[Target]
    path: CameraPath
    others: tuple[MovingTool, ...]
    trocar: Trocar
    hinged: bool

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """A tip before something that the camera will see in a second; jaws open or closed."""
        pose, K, size = self.path.pose_at(seconds + (1.0 if seconds > 0 else 0.0)), self.path.K, self.path.size
        turn = current_5[3] + float(self.rng.normal() * 0.5)
        jaw = float(self.rng.uniform(0, 0.12) if self.rng.random() < 0.5 else self.rng.uniform(0.5, 0.9))
        tip = draw_tip(self.rng, self.targets[0], K, pose, size)
        if tip is None or not all(tool_fits(tip, self.trocar.port_3, t, K, pose, size) for t in self.targets):
            return None
        held = self.trocar.reaching(tip)
        return None if held is None else np.array([*held[0], held[1], turn, jaw])

    def step(self, current_5: np.ndarray, goal_5: np.ndarray) -> np.ndarray:
        change = goal_5 - current_5
        sideways = _TIP_STEP_MM / max(current_5[2], 1.0)
        most = np.array([sideways, sideways, _TIP_STEP_MM, 0.4, _JAW_STEP])
        added = current_5 + change / max(1.0, float((np.abs(change) / most)[:4].max()))
        # Jaws open and close in their own time.
        added[4] = current_5[4] + np.clip(change[4], -_JAW_STEP, _JAW_STEP)
        return np.asarray(added)

    def held(self, current_5: np.ndarray, seconds: float) -> np.ndarray:
        """In place but for the jaws, or a step back on the shaft's own way out, which is free of organs.

        Always back if the camera comes near, and often otherwise: from farther out there are more ways on.
        """
        held = current_5.copy()
        if self.hinged:
            held[4] = np.clip(current_5[4] + self.rng.uniform(-_JAW_STEP, _JAW_STEP), 0.0, 0.9)
        back = held.copy()
        back[2] = max(current_5[2] - _TIP_STEP_MM, min(current_5[2], _LEAST_DEPTH_MM))
        near = min(self._lens_room(current_5, seconds + ahead * _TOOL_INTERVAL) for ahead in (0.0, 1.0, 2.0, 3.0))
        withdraws = self.rng.random() < _WITHDRAWING and self.free(back, seconds + _TOOL_INTERVAL)
        return back if withdraws or near < LENS_ROOM_MM else held

    def free(self, values_5: np.ndarray, seconds: float) -> bool:
        tip = self._tip(values_5)
        return (
            self._lens_room(values_5, seconds) >= LENS_ROOM_MM
            and all(in_air(tip, self.trocar.port_3, t) for t in self.targets)
            and all(self._apart(tip, other, seconds) for other in self.others)
        )

    def _tip(self, values_5: np.ndarray) -> np.ndarray:
        a, b, depth, turn, _ = values_5
        return np.asarray(self.trocar.shaft(np.array([a, b]), depth=depth, turn=turn)[:3, 3])

    def _lens_room(self, values_5: np.ndarray, seconds: float) -> float:
        return beside_lens(self._tip(values_5), self.trocar.port_3, self.path.pose_at(seconds)[:3, 3])

    def _apart(self, tip: np.ndarray, other: MovingTool, seconds: float) -> bool:
        """Whether two shafts keep their distance, by points every few mm along both."""
        a, b, depth, turn, _ = other.curve.at(seconds)
        theirs = other.trocar.shaft(np.array([a, b]), depth=depth, turn=turn)[:3, 3]
        shares = np.linspace(0, 1, 40)[:, None]
        mine_N3 = tip + (self.trocar.port_3 - tip) * shares
        theirs_N3 = theirs + (other.trocar.port_3 - theirs) * shares
        return bool(np.linalg.norm(mine_N3[:, None] - theirs_N3[None], axis=2).min() >= _TOOLS_APART_MM)
