"""A camera path: one body, one laparoscope and its instruments in motion, as a function of time.

Each shaft moves along a uniform cubic B-spline in its own degrees of freedom. It is twice continuously differentiable,
its speed is bounded by the steps between its control points, and a stretch depends on four of them only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.instruments import Instrument
from studio.scenes.simulator.trocars import Laparoscope, Trocar, ridden
from studio.scenes.simulator.views import Tool, View

FRAMES_PER_SECOND = 25
_LEAD_SECONDS = 0.8
"""Curves start from rest; frames begin when things move."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A uniform cubic B-spline over seconds from 0. ``controls_K5`` rows: two of swing, depth, turn, a fifth value."""

    controls_K5: np.ndarray
    interval: float

    def at(self, seconds: float) -> np.ndarray:
        """The five values at a time. Raise ValueError outside the curve."""
        first = int(np.floor(seconds / self.interval))
        if not 0 <= first <= len(self.controls_K5) - 4:
            raise ValueError(f"the curve has no {seconds} s")
        return blended(self.controls_K5[first : first + 4], seconds / self.interval - first)


def blended(controls_4C: np.ndarray, share: float) -> np.ndarray:
    """One stretch of a uniform cubic B-spline, ``share`` 0..1 along it."""
    s = share
    weights = np.array([(1 - s) ** 3, 3 * s**3 - 6 * s**2 + 4, -3 * s**3 + 3 * s**2 + 3 * s + 1, s**3]) / 6
    return np.asarray(weights @ controls_4C)


@dataclass(frozen=True, eq=False)
class MovingTool:
    """An instrument through its trocar; the curve's fifth value is the jaws' angle."""

    trocar: Trocar
    instrument: Instrument
    curve: Curve

    def at(self, seconds: float, move: Callable[[np.ndarray], np.ndarray] | None = None) -> Tool:
        """The instrument at a time; ``move`` carries its trocar and the tissue at its tip along (see ridden)."""
        a, b, depth, turn, jaw = self.curve.at(seconds)
        pose = self.trocar.shaft(np.array([a, b]), depth=depth, turn=turn)
        if move is not None:
            pose = ridden(pose, self.trocar.port_3, move)
        return Tool(self.instrument.opened(float(jaw)), pose)


@dataclass(frozen=True, eq=False)
class CameraPath:
    """Where camera and instruments are at any time; the curve's fifth value is the picture's roll."""

    size: tuple[int, int]
    K: np.ndarray
    laparoscope: Laparoscope
    curve: Curve
    tools: tuple[MovingTool, ...] = ()

    def view_at(self, seconds: float, move: Callable[[np.ndarray], np.ndarray] | None = None) -> View:
        """The view at a time from 0. ``move``: where breathing takes body points (N, 3) from where they are at rest.

        Trocars ride on the wall, the camera is held at its angles, tips give way with the tissue they are at.
        """
        tools = tuple(t.at(seconds, move) for t in self.tools)
        return View(self.size, self.K, self.pose_at(seconds, move), tools)

    def pose_at(self, seconds: float, move: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """camera_to_world at a time from 0."""
        a, b, depth, turn, roll = self.curve.at(seconds)
        laparoscope = self.laparoscope.carried(move)
        return laparoscope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)

    def view_of_frame(self, index: int, move: Callable[[np.ndarray], np.ndarray] | None = None) -> View:
        """A frame's view; there is a frame -1, so that each frame has one before it."""
        return self.view_at(seconds_of(index), move)


def seconds_of(index: int) -> float:
    """When a frame of a path is, on its curves."""
    return _LEAD_SECONDS + index / FRAMES_PER_SECOND


def frames_in(seconds: float) -> int:
    """How many frames so many seconds of path have, at least one."""
    return max(1, round(seconds * FRAMES_PER_SECOND))
