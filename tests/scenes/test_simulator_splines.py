"""Curves through given values are those of SciPy, products of vectors those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, PchipInterpolator

from studio.scenes.simulator.splines import cubic, monotone
from studio.scenes.simulator.vectors import crossed


@pytest.mark.parametrize("count", [3, 4, 5, 9, 25])
def test_the_cubic_spline_is_scipys(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(count, 3)) * 40
    at = np.linspace(0, count - 1, 57)
    assert np.allclose(cubic(values, at), CubicSpline(np.arange(count), values)(at), rtol=0, atol=1e-10)


@pytest.mark.parametrize("count", [3, 4, 9, 25])
def test_the_monotone_curve_is_scipys(count: int) -> None:
    rng = np.random.default_rng(count)
    at = np.linspace(0, count - 1, 57)
    for values in (rng.uniform(1, 9, count), np.sort(rng.uniform(1, 9, count)), np.round(rng.uniform(0, 2, count))):
        curve = monotone(values, at)
        assert np.allclose(curve, PchipInterpolator(np.arange(count), values)(at), rtol=0, atol=1e-12)


def test_ends_of_the_monotone_curve_do_not_overshoot() -> None:
    """Steps for which the end's parabola turns back, and for which it is too steep."""
    at = np.linspace(0, 3, 31)
    for values in (np.array([0.0, 1.0, 9.0, 9.5]), np.array([0.0, 1.0, -9.0, 2.0]), np.array([5.0, 1.0, 1.2, 8.0])):
        assert np.allclose(monotone(values, at), PchipInterpolator(np.arange(4), values)(at), rtol=0, atol=1e-12)


def test_crossing_two_vectors_is_numpys_to_the_bit() -> None:
    for a, b in np.random.default_rng(0).normal(size=(200, 2, 3)):
        assert np.array_equal(crossed(a, b), np.cross(a, b))
    assert np.array_equal(crossed(np.array([1.0, 0.0, 0.0]), (0.0, 1.0, 0.0)), [0.0, 0.0, 1.0])
