"""Planning a camera path: curves that wander between admissible views, checked as they grow.

A control point is added only if the stretch that it completes is admissible, and also what follows if the shaft is then
held still. So holding still is always possible, a plan never has to go back, and a longer plan begins as a shorter one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from studio.scenes.simulator.anatomy import LIGAMENT, Anatomy
from studio.scenes.simulator.instruments import draw_instrument
from studio.scenes.simulator.path_steering import CANDIDATES, DRAWN, USUAL_TOOL_CHANCES, PathSteering, best_of
from studio.scenes.simulator.paths import CameraPath, Curve, MovingTool, blended
from studio.scenes.simulator.tool_planning import INTERVAL, Moment, ToolMover
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.trocars import Laparoscope, Trocar
from studio.scenes.simulator.views import (
    MIN_DISTANCE_MM,
    Habits,
    draw_aim,
    draw_distance,
    in_air,
    intrinsics,
    organ_shares,
    tip_before,
    view_score,
)
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

_CAMERA_INTERVAL = 0.8
"""Seconds between control points."""
_CAMERA_STEP = np.array([0.11, 0.11, 14.0, 0.16, 0.05])
"""The most that a camera's values change between control points: about 13 mm and 8 degrees a second at 100 mm."""
_STARTS, _TOOL_STARTS, _GOALS, _ASIDE = 300, 100, 30, 8
_SCOPE_ROOM_MM = 7.0
LOOK_AHEAD = 2.2
"""Seconds beyond a curve's end that planning it looks at, at most."""
_STRETCH = (1 / 3, 2 / 3, 1.0)


class _Mover(Protocol):
    """What a shaft may do. Values are a curve's five."""

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None: ...
    def step(self, current_5: np.ndarray, goal_5: np.ndarray) -> np.ndarray: ...
    def free(self, values_5: np.ndarray, seconds: float) -> bool: ...
    def held(self, current_5: np.ndarray, seconds: float) -> np.ndarray: ...
    def aside(self, current_5: np.ndarray) -> np.ndarray | None: ...
    def arrived(self, goal_5: np.ndarray) -> None: ...
    def refused(self) -> None: ...
    def went(self, values_5: np.ndarray, seconds: float) -> None: ...


def plan_path(
    anatomy: Anatomy, moments: Sequence[Moment], size: tuple[int, int], *, seed: int, patient: int, seconds: float,
    steering: PathSteering | None = None,
) -> CameraPath:  # fmt: skip
    """Plan at least ``seconds`` of a patient's path. ``moments``: the body in the states that it must be free of.

    The first is at rest: a path speaks of that state, and breathing carries it along (see CameraPath.view_at).
    Raise InputError when there is no place from which a laparoscope could start.
    """
    rng = stream(seed, "path", patient)
    K = intrinsics(size, rng.uniform(0.95, 1.22))
    angle = float(np.deg2rad(30.0)) if rng.random() < 0.6 else 0.0
    laparoscope = Laparoscope(Trocar.towards(anatomy.camera_port, anatomy.centre), angle)
    habits, chances = passing(Habits()), USUAL_TOOL_CHANCES
    if steering is not None:
        habits, chances = passing(steering.habits), steering.tool_chances
    camera = _Camera(stream(seed, "path camera", patient), anatomy, moments, size, K, laparoscope, habits, steering)
    # Tools look ahead at the camera and at tools planned before, so what is planned earlier goes on longer.
    curve = _wander(camera, _first(camera, anatomy.name), interval=_CAMERA_INTERVAL, seconds=seconds + 4 * LOOK_AHEAD)
    path = CameraPath(size, K, laparoscope, curve)
    return with_tools(
        path, anatomy, moments, rng, seed=seed, patient=patient, seconds=seconds, no_tool=habits.no_tool,
        chances=chances,
    )  # fmt: skip


def passing(habits: Habits) -> Habits:
    """The same habits for views on the way: a camera that moves may pass close by an organ."""
    return replace(habits, max_share=max(habits.max_share, 0.88), most=())


def with_tools(
    path: CameraPath, anatomy: Anatomy, moments: Sequence[Moment], rng: np.random.Generator, *, seed: int, patient: int,
    seconds: float, no_tool: float = Habits.no_tool, chances: tuple[float, ...] = USUAL_TOOL_CHANCES,
) -> CameraPath:  # fmt: skip
    """The path with its instruments; its curve must go on for 4 * LOOK_AHEAD longer than ``seconds``."""
    tools: list[MovingTool] = []
    count = 0 if rng.random() < no_tool else int(rng.choice((1, 2, 3), p=chances))
    for port in rng.permutation(len(anatomy.tool_ports_N3)):
        if len(tools) == count:
            break
        own = stream(seed, "path tool", patient, int(port))
        needed = seconds + (2 - len(tools)) * LOOK_AHEAD
        tool = _tool(own, anatomy, moments, path, tuple(tools), port_3=anatomy.tool_ports_N3[port], seconds=needed)
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
        mover.went(blended(np.array(controls[-4:]), 1.0), interval)
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
            if not np.allclose(added[:4], goal[:4], atol=1e-9):
                return added, goal
            mover.arrived(goal)
            return added, None
        mover.refused()
        goal = None
    for _ in range(_ASIDE):
        aside = mover.aside(current)
        if aside is not None and _admissible(mover, np.array([*last, aside]), at=at, interval=interval):
            return aside, None
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
    moments: Sequence[Moment]
    size: tuple[int, int]
    K: np.ndarray
    laparoscope: Laparoscope
    habits: Habits
    steering: PathSteering | None

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """Any admissible view, or with targets the best of several."""
        if self.steering is None:
            return self._drawn(seconds, current_5)
        drawn = (self._drawn(seconds, current_5) for _ in range(DRAWN))
        goals = list(itertools.islice((g for g in drawn if g is not None), CANDIDATES))
        return goals[best_of(self.steering, [self._way(current_5, g) for g in goals])] if goals else None

    def _way(self, current_5: np.ndarray, goal_5: np.ndarray) -> tuple[np.ndarray, float]:
        """Mean shares on the way to a goal, which counts twice, and the seconds that it takes."""
        steps = max(1.0, float((np.abs(goal_5 - current_5) / _CAMERA_STEP).max())) if current_5.any() else 1.0
        places = (0.5, 1.0, 1.0) if current_5.any() else (1.0,)
        shares_N9 = np.array([self._shares(current_5 + s * (goal_5 - current_5)) for s in places])
        return shares_N9.mean(axis=0), _CAMERA_INTERVAL * (steps + 1)

    def _shares(self, values_5: np.ndarray) -> np.ndarray:
        a, b, depth, turn, roll = values_5
        pose = self.laparoscope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)
        return organ_shares(self.anatomy, self.moments[0].target, self.size, self.K, pose)

    def went(self, values_5: np.ndarray, seconds: float) -> None:
        if self.steering is not None:
            self.steering.went(self._shares(values_5), seconds)

    def _drawn(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """An admissible view of an organ, as single frames have them, but always through the same point of the wall."""
        rng, port, angle = self.rng, self.laparoscope.trocar.port_3, self.laparoscope.angle
        at = draw_aim(rng, self.anatomy, self.habits)
        if at is None:
            return None
        reach = float(np.linalg.norm(at - port))
        distance = draw_distance(rng, reach, self.habits.distance)
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

    def aside(self, current_5: np.ndarray) -> np.ndarray | None:
        return None

    def arrived(self, goal_5: np.ndarray) -> None:
        """The next goal may be any."""

    def refused(self) -> None:
        """Another goal is drawn."""

    def free(self, values_5: np.ndarray, seconds: float) -> bool:
        a, b, depth, turn, roll = values_5
        for moment in self.moments:
            laparoscope = self.laparoscope.carried(moment.carried)
            pose = laparoscope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)
            if not self._clear(moment.target, pose, laparoscope.trocar.port_3):
                return False
            if not self._shows_enough(moment.target, pose):
                return False
        return True

    def _shows_enough(self, target: Target, pose: np.ndarray) -> bool:
        return view_score(self.anatomy, target, self.size, self.K, pose, self.habits, needs_liver=True) >= 1.0

    def _clear(self, target: Target, pose: np.ndarray, port_3: np.ndarray) -> bool:
        """Whether nothing touches the lens, and nothing but the wall the shaft."""
        if not in_air(pose[:3, 3], port_3, target):
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
    rng: np.random.Generator, anatomy: Anatomy, moments: Sequence[Moment], path: CameraPath,
    others: tuple[MovingTool, ...], *, port_3: np.ndarray, seconds: float,
) -> MovingTool | None:  # fmt: skip
    """An instrument through a port for the whole path; None when it finds no free place in the first view."""
    instrument = draw_instrument(rng, anatomy.kits).made()
    trocar = Trocar.towards(port_3, anatomy.centre)
    mover = ToolMover(rng, moments, path, others, trocar, hinged=instrument.hinged, radius=instrument.radius)
    start = np.array([0, 0, 0, rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8)])
    for _ in range(_TOOL_STARTS):
        goal = mover.goal(0.0, start)
        if goal is not None and mover.free(goal, 0.0):
            mover.arrived(goal)
            return MovingTool(trocar, instrument, _wander(mover, goal, interval=INTERVAL, seconds=seconds))
    return None
