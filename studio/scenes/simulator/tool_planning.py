"""How an instrument moves along a path: it approaches what the camera sees, works there, draws back, and goes on.

Tips go at up to 26 mm/s in each direction on their way and up to 12 mm/s at work, where jaws open and close.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from studio.scenes.simulator.paths import CameraPath, MovingTool
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.trocars import Trocar
from studio.scenes.simulator.views import LENS_ROOM_MM, beside_lens, draw_tip, in_air, tool_fits

INTERVAL = 0.5
"""Seconds between control points."""
_ON_THE_WAY_MM, _AT_WORK_MM, _WAITING_MM = 13.0, 6.0, 5.0
"""The most that a tip moves between control points."""
_TURN_STEP, _JAW_STEP = 0.4, 0.3
_MOVES = (3, 9)
"""Moves at one place."""
_AROUND_MM = 4.0
_BACK_MM = (12.0, 30.0)
_LEAST_DEPTH_MM = 70.0
_APART_MM = 9.0
_OPEN, _CLOSED, _MOST_OPEN = (0.45, 0.9), (0.0, 0.12), 0.9

Carried = Callable[[np.ndarray], np.ndarray]
"""From body points at rest, float64 (N, 3), to where they are at some moment."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A state of the body that shafts must be free in. ``carried`` None: at rest."""

    target: Target
    carried: Carried | None = None

    def there(self, points_N3: np.ndarray) -> np.ndarray:
        return points_N3 if self.carried is None else self.carried(points_N3)


@dataclass(eq=False)
class ToolMover:
    """One instrument being planned. Values are a curve's five."""

    rng: np.random.Generator
    moments: Sequence[Moment]
    path: CameraPath
    others: tuple[MovingTool, ...]
    trocar: Trocar
    hinged: bool
    radius: float
    """Of its shaft, mm."""
    doing: Literal["approach", "work", "withdraw"] = "approach"
    moves_left: int = 0
    place_5: np.ndarray = field(default_factory=lambda: np.zeros(5))

    def goal(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """Where to go next; None when what was drawn does not fit."""
        if self.doing == "work":
            return self._beside_the_place(current_5)
        if self.doing == "withdraw":
            goal = current_5.copy()
            goal[2] = max(current_5[2] - self.rng.uniform(*_BACK_MM), min(current_5[2], _LEAST_DEPTH_MM))
            goal[4] = self._jaw(opened=False)
            return goal
        return self._before_a_surface(seconds, current_5)

    def _before_a_surface(self, seconds: float, current_5: np.ndarray) -> np.ndarray | None:
        """A tip close before something that the camera will see in a second."""
        pose, K, size = self.path.pose_at(seconds + (1.0 if seconds > 0 else 0.0)), self.path.K, self.path.size
        turn = current_5[3] + float(self.rng.normal() * 0.5)
        target = self.moments[0].target
        tip = draw_tip(self.rng, target, K, pose, size, near=0.8)
        if tip is None or not tool_fits(tip, self.trocar.port_3, target, K, pose, size, radius=self.radius):
            return None
        held = self.trocar.reaching(tip)
        return None if held is None else np.array([*held[0], held[1], turn, self._jaw(opened=True)])

    def _beside_the_place(self, current_5: np.ndarray) -> np.ndarray:
        """A few mm from the place of work, jaws the other way."""
        across = self.rng.normal(size=2) * _AROUND_MM / 2 / self.place_5[2]
        goal = self.place_5.copy()
        goal[:2] += across
        goal[2] += float(self.rng.uniform(-_AROUND_MM, _AROUND_MM))
        goal[3] = current_5[3] + float(self.rng.normal() * 0.25)
        goal[4] = self._jaw(opened=current_5[4] < 0.3)
        return goal

    def _jaw(self, *, opened: bool) -> float:
        return float(self.rng.uniform(*(_OPEN if opened else _CLOSED))) if self.hinged else 0.0

    def arrived(self, goal_5: np.ndarray) -> None:
        """The next thing to do, now that a goal was reached."""
        if self.doing == "approach":
            self.doing, self.place_5, self.moves_left = "work", goal_5.copy(), int(self.rng.integers(*_MOVES))
        elif self.doing == "work":
            self._moved_there()
        else:
            self.doing = "approach"

    def went(self, values_5: np.ndarray, seconds: float) -> None:
        """Nothing is kept of where it was."""

    def refused(self) -> None:
        """What to try instead, when there was no way to a goal."""
        if self.doing == "work":
            self._moved_there()
        elif self.doing == "withdraw":
            self.doing = "approach"

    def _moved_there(self) -> None:
        self.moves_left -= 1
        if self.moves_left <= 0:
            self.doing = "withdraw"

    def step(self, current_5: np.ndarray, goal_5: np.ndarray) -> np.ndarray:
        change = goal_5 - current_5
        most_mm = _AT_WORK_MM if self.doing == "work" else _ON_THE_WAY_MM
        sideways = most_mm / max(current_5[2], 1.0)
        most = np.array([sideways, sideways, most_mm, _TURN_STEP, _JAW_STEP])
        added = current_5 + change / max(1.0, float((np.abs(change) / most)[:4].max()))
        # Jaws open and close in their own time.
        added[4] = current_5[4] + np.clip(change[4], -_JAW_STEP, _JAW_STEP)
        return np.asarray(added)

    def aside(self, current_5: np.ndarray) -> np.ndarray | None:
        """A little way in any direction, for an instrument that waits; with room behind it, it draws back next."""
        if current_5[2] > _LEAST_DEPTH_MM:
            self.doing = "withdraw"
        added = current_5.copy()
        added[:2] += self.rng.normal(size=2) * _WAITING_MM / 2 / max(current_5[2], 1.0)
        added[2] = max(current_5[2] + float(self.rng.uniform(-_WAITING_MM, _WAITING_MM)), _LEAST_DEPTH_MM / 2)
        if self.hinged:
            added[4] = np.clip(current_5[4] + self.rng.uniform(-_JAW_STEP, _JAW_STEP), 0.0, _MOST_OPEN)
        return added

    def held(self, current_5: np.ndarray, seconds: float) -> np.ndarray:
        """In place but for the jaws, or, if the camera comes near, a step back on the shaft's own way out."""
        held = current_5.copy()
        if self.hinged:
            held[4] = np.clip(current_5[4] + self.rng.uniform(-_JAW_STEP, _JAW_STEP), 0.0, _MOST_OPEN)
        if min(self._lens_room(current_5, seconds + ahead * INTERVAL) for ahead in (0.0, 1.0, 2.0, 3.0)) < LENS_ROOM_MM:
            held[2] = max(current_5[2] - _ON_THE_WAY_MM, min(current_5[2], _LEAST_DEPTH_MM))
        return held

    def free(self, values_5: np.ndarray, seconds: float) -> bool:
        tip = self._tip(values_5)
        return (
            self._lens_room(values_5, seconds) >= LENS_ROOM_MM
            and all(self._in_air(tip, m) for m in self.moments)
            and all(self._apart(tip, other, seconds) for other in self.others)
        )

    def _in_air(self, tip_3: np.ndarray, moment: Moment) -> bool:
        tip_3, port_3 = moment.there(np.stack([tip_3, self.trocar.port_3]))
        return in_air(tip_3, port_3, moment.target)

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
        return bool(np.linalg.norm(mine_N3[:, None] - theirs_N3[None], axis=2).min() >= _APART_MM)
