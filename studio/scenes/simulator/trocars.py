"""Fulcrum motion: shafts that pass through a point of the wall, and the laparoscope on one of them.

A shaft has four degrees of freedom about its trocar point: two of swing (pitch and yaw), insertion depth, and turn
about its own axis. Swing is given as the tangents of the angles from a middle direction, so that nothing is singular
within 90 degrees of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from studio.scenes.simulator.vectors import crossed
from studio.scenes.simulator.views import looking


@dataclass(frozen=True, eq=False)
class Trocar:
    """Where a shaft goes through the wall (``port_3``, mm) and its middle direction (unit, into the body)."""

    port_3: np.ndarray
    axis_3: np.ndarray

    @staticmethod
    def towards(port_3: np.ndarray, at_3: np.ndarray) -> Trocar:
        """A trocar whose middle direction is that of a point."""
        return Trocar(port_3, (at_3 - port_3) / np.linalg.norm(at_3 - port_3))

    @cached_property
    def frame_33(self) -> np.ndarray:
        """Columns: two directions across the middle one, and that one. The second points away from the body's front."""
        side = crossed(self.axis_3, (0.0, 0.0, 1.0))
        if np.linalg.norm(side) < 1e-6:
            side = np.array([1.0, 0.0, 0.0])
        side /= np.linalg.norm(side)
        return np.stack([side, crossed(self.axis_3, side), self.axis_3], axis=1)

    def carried(self, move: Callable[[np.ndarray], np.ndarray] | None) -> Trocar:
        """The trocar where a moving wall has taken it; its middle direction stays."""
        return self if move is None else Trocar(move(self.port_3[None])[0], self.axis_3)

    def shaft(self, swing_2: np.ndarray, *, depth: float, turn: float) -> np.ndarray:
        """Shaft-to-world 4x4: origin at the shaft's end ``depth`` mm inside the port, z along it inwards.

        Swinging carries the axes along without twist; ``turn`` (radians) is the turn about z after that.
        """
        frame = self.frame_33
        along = frame @ np.array([swing_2[0], swing_2[1], 1.0])
        along /= np.linalg.norm(along)
        c, s = np.cos(turn), np.sin(turn)
        pose = np.eye(4)
        pose[:3, :3] = _swung(self.axis_3, along) @ frame @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        pose[:3, 3] = self.port_3 + along * depth
        return pose

    def reaching(self, end_3: np.ndarray) -> tuple[np.ndarray, float] | None:
        """(swing, depth) that bring the shaft's end to a point; None when it lies 75 degrees or more off the middle."""
        offset = self.frame_33.T @ (end_3 - self.port_3)
        depth = float(np.linalg.norm(offset))
        if offset[2] <= np.cos(np.deg2rad(75)) * depth:
            return None
        return offset[:2] / offset[2], depth


def ridden(shaft_44: np.ndarray, port_3: np.ndarray, move: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """A shaft's pose 4x4 when its trocar and what its end is at move along: without twist, through the moved port."""
    end_3, port_3 = move(np.stack([shaft_44[:3, 3], port_3]))
    pose = shaft_44.copy()
    along = (end_3 - port_3) / np.linalg.norm(end_3 - port_3)
    pose[:3, :3] = _swung(shaft_44[:3, 2], along) @ shaft_44[:3, :3]
    pose[:3, 3] = end_3
    return pose


def _swung(a_3: np.ndarray, b_3: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes one unit vector to another (not opposite) one: Rodrigues' formula."""
    x, y, z = crossed(a_3, b_3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + a_3 @ b_3))


@dataclass(frozen=True, eq=False)
class Laparoscope:
    """Optics on a shaft. ``angle`` (radians) is between shaft and view; turning the shaft sweeps the view around.

    Whoever holds the camera keeps its horizon level however the shaft turns: pictures differ from that by ``roll``.
    """

    trocar: Trocar
    angle: float

    def carried(self, move: Callable[[np.ndarray], np.ndarray] | None) -> Laparoscope:
        """The laparoscope in its trocar where a moving wall has taken that, held at the same angles."""
        return self if move is None else Laparoscope(self.trocar.carried(move), self.angle)

    def camera_to_world(self, swing_2: np.ndarray, *, depth: float, turn: float, roll: float) -> np.ndarray:
        """The camera's pose 4x4 (OpenCV axes)."""
        shaft = self.trocar.shaft(swing_2, depth=depth, turn=turn)
        gaze = shaft[:3, :3] @ np.array([0.0, np.sin(self.angle), np.cos(self.angle)])
        # Against the middle direction, not the body's front: the horizon then never flips.
        up = -self.trocar.frame_33[:, 1]
        return looking(shaft[:3, 3], shaft[:3, 3] + gaze, roll=roll, up=up)

    def turn_towards(self, swing_2: np.ndarray, gaze_3: np.ndarray) -> float:
        """The turn (radians) that brings the view as near as can be to a direction."""
        across = self.trocar.shaft(swing_2, depth=0.0, turn=0.0)[:3, :3].T @ gaze_3
        return float(np.arctan2(-across[0], across[1])) if self.angle > 0 else 0.0
