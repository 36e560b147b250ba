"""Smooth curves through values one apart: SciPy's, without the third of a second that importing those takes."""

from __future__ import annotations

import numpy as np


def cubic(values_NC: np.ndarray, at_M: np.ndarray) -> np.ndarray:
    """The cubic spline through at least three values at 0, 1, 2, ..., twice continuously differentiable: (M, C).

    At both ends the first two stretches are one cubic ("not a knot"); three values lie on a parabola.
    """
    count, steps_LC = len(values_NC), np.diff(values_NC, axis=0)
    system_NN, right_NC = np.zeros((count, count)), np.zeros(values_NC.shape)
    for row in range(1, count - 1):
        system_NN[row, row - 1 : row + 2] = 1, 4, 1
    right_NC[1:-1] = 3 * (steps_LC[1:] + steps_LC[:-1])
    if count == 3:
        system_NN[0, :2] = system_NN[-1, -2:] = 1, 1
        right_NC[0], right_NC[-1] = 2 * steps_LC[0], 2 * steps_LC[-1]
    else:
        system_NN[0, :2], system_NN[-1, -2:] = (1, 2), (2, 1)
        right_NC[0], right_NC[-1] = (5 * steps_LC[0] + steps_LC[1]) / 2, (5 * steps_LC[-1] + steps_LC[-2]) / 2
    return _hermite(values_NC, np.linalg.solve(system_NN, right_NC), at_M)


def monotone(values_N: np.ndarray, at_M: np.ndarray) -> np.ndarray:
    """A curve through at least three values at 0, 1, 2, ... that nowhere leaves the range of its neighbours: (M,).

    Fritsch and Butland 1984: slopes are harmonic means of the steps to both sides, 0 at a turning point.
    """
    steps_L = np.diff(values_N)
    before_L, after_L = steps_L[:-1], steps_L[1:]
    same_L = before_L * after_L > 0
    slopes_N = np.zeros(len(values_N))
    slopes_N[1:-1][same_L] = 2 * (before_L * after_L)[same_L] / (before_L + after_L)[same_L]
    slopes_N[0], slopes_N[-1] = _end_slope(*steps_L[:2]), _end_slope(*steps_L[:-3:-1])
    return _hermite(values_N, slopes_N, at_M)


def _end_slope(step: float, next_step: float) -> float:
    """That of the parabola through the last three values, as far as the curve stays monotone."""
    slope = (3 * step - next_step) / 2
    if slope * step <= 0:
        return 0.0
    return 3 * step if step * next_step < 0 and abs(slope) > 3 * abs(step) else slope


def _hermite(values_NC: np.ndarray, slopes_NC: np.ndarray, at_M: np.ndarray) -> np.ndarray:
    first_M = np.clip(at_M.astype(int), 0, len(values_NC) - 2)
    s = (at_M - first_M).reshape(-1, *(1,) * (values_NC.ndim - 1))
    start, end = values_NC[first_M], values_NC[first_M + 1]
    leaving, arriving = slopes_NC[first_M], slopes_NC[first_M + 1]
    step = end - start
    return np.asarray(
        start + s * (leaving + s * (3 * step - 2 * leaving - arriving + s * (leaving + arriving - 2 * step)))
    )
