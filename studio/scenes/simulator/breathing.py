"""Breathing: the diaphragm pushes the organs footwards, the front wall rises, the flanks widen.

The displacement of each axis depends on that axis alone. So it is smooth, keeps neighbours together, and turns normals
by a closed formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.buffers import Body
from studio.scenes.simulator.tracing import Target
from studio.vocabulary.seeds import stream

_FEET_Y, _DIAPHRAGM_Y = -70.0, 130.0
_BACK_Z, _FRONT_Z = -50.0, 110.0
_FLANK_X = 170.0


@dataclass(frozen=True)
class Breathing:
    """A patient's breaths. ``footwards``, ``frontwards`` and ``sidewards``: displacements in mm at full inspiration."""

    breaths_per_minute: float
    offset: float
    footwards: float
    frontwards: float
    sidewards: float

    def inspiration(self, seconds: float) -> float:
        """0 (end of expiration) to 1: Lujan et al. 1999, sin^2n of the half-period with n = 2, which rests at 0."""
        return float(np.sin(np.pi * (seconds * self.breaths_per_minute / 60 + self.offset)) ** 4)

    def displacement(self, points_N3: np.ndarray) -> np.ndarray:
        """float64 (N, 3): mm by which body points move at full inspiration."""
        x, y, z = np.asarray(points_N3, float).T
        headwards, _ = _ramp(y, _FEET_Y, _DIAPHRAGM_Y)
        front, _ = _ramp(z, _BACK_Z, _FRONT_Z)
        return np.stack([self.sidewards * x / _FLANK_X, -self.footwards * headwards, self.frontwards * front], axis=1)

    def stretch(self, points_N3: np.ndarray, share: float) -> np.ndarray:
        """float64 (N, 3): diagonal of the deformation's Jacobian at ``share`` of full inspiration; always above 0."""
        _, y, z = np.asarray(points_N3, float).T
        _, headwards = _ramp(y, _FEET_Y, _DIAPHRAGM_Y)
        _, front = _ramp(z, _BACK_Z, _FRONT_Z)
        side = np.full(len(y), self.sidewards / _FLANK_X)
        return 1 + share * np.stack([side, -self.footwards * headwards, self.frontwards * front], axis=1)

    def moving(self, body: Body) -> Body:
        """The body, able to breathe: ``body.at(share of full inspiration, view)``."""
        rest_V3 = body.target.vertices_V3
        return body.moving(self.displacement(rest_V3), self.stretch(rest_V3, 1.0) - 1)

    def deformed(self, body: Body, share: float) -> Target:
        """The whole body's surfaces at ``share`` of full inspiration; normals by the Jacobian's inverse transpose."""
        rest_V3 = body.target.vertices_V3
        vertices_V3 = rest_V3 + share * self.displacement(rest_V3)
        normals_V3 = body.target.normals_V3 / self.stretch(rest_V3, share)
        normals_V3 /= np.maximum(np.linalg.norm(normals_V3, axis=1, keepdims=True), 1e-12)
        return body.target.reshaped(vertices_V3.astype(np.float32), normals_V3.astype(np.float32))

    def carrying(self, share: float) -> Callable[[np.ndarray], np.ndarray]:
        """From body points (N, 3) at rest to where they are at ``share`` of full inspiration."""
        return lambda points_N3: points_N3 + share * self.displacement(points_N3)


def _ramp(values: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """(smooth step 3s^2 - 2s^3 from 0 to 1, its derivative)."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share), 6 * share * (1 - share) / (high - low)


def draw_breathing(seed: int, patient: int) -> Breathing:
    """A patient's breathing: 12 to 20 breaths a minute, the liver 6 to 11 mm."""
    rng = stream(seed, "breathing", patient)
    return Breathing(
        breaths_per_minute=float(rng.uniform(12, 20)), offset=float(rng.random()), footwards=float(rng.uniform(6, 11)),
        frontwards=float(rng.uniform(2, 4.5)), sidewards=float(rng.uniform(0.5, 2)),
    )  # fmt: skip
