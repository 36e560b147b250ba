"""Density, coverage and curves against values worked out by hand or by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist, pdist

from studio.styles.diversity import (
    coverage_curve,
    covered_share_by_patient,
    density_coverage,
    knee_of,
    mean_pairwise_distance,
)
from studio.vocabulary.errors import InputError

LINE = np.array([[0.0], [1.0], [2.0], [10.0]])


def test_on_a_line_worked_out_by_hand() -> None:
    # k = 1: radii 1, 1, 1, 8. A drawn 1.5 lies in the balls of 1 and 2; a drawn 9 in that of 10 only (|9-2| = 7 > 1).
    result = density_coverage(LINE, np.array([[1.5], [9.0]]), k=1)
    assert result.density == pytest.approx((2 + 1) / 2)
    assert result.coverage == pytest.approx(3 / 4)


codes = arrays(np.float64, st.tuples(st.integers(3, 25), st.just(3)), elements=st.floats(-3, 3, width=32))


@given(codes, codes, st.integers(1, 6))
def test_equals_the_definition_read_from_the_paper(real: np.ndarray, drawn: np.ndarray, k: int) -> None:
    k_used = min(k, len(real) - 1)
    balls = [np.sort(np.linalg.norm(real - x, axis=1))[k_used] for x in real]
    hits = np.array([[np.linalg.norm(y - x) < r for y in drawn] for x, r in zip(real, balls, strict=True)])
    result = density_coverage(real, drawn, k=k)
    assert result.density == pytest.approx(hits.sum() / (k_used * len(drawn)))
    assert result.coverage == pytest.approx(hits.any(axis=1).mean())


def test_same_distribution_gives_density_one_and_high_coverage() -> None:
    rng = np.random.default_rng(0)
    real, drawn = rng.normal(size=(600, 4)), rng.normal(size=(600, 4))
    result = density_coverage(real, drawn)
    assert result.density == pytest.approx(1.0, abs=0.08)
    # Naeem et al., eq. 9: the expected coverage of equal distributions with N = M and k = 5 is about 1 - 1/2^5.
    assert result.coverage == pytest.approx(1 - 2**-5, abs=0.03)


def test_one_mode_of_two_covers_half() -> None:
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 50])
    drawn = rng.normal(size=(300, 3))
    assert density_coverage(real, drawn).coverage == pytest.approx(0.5, abs=0.03)
    shares = covered_share_by_patient(real, ["a"] * 100 + ["b"] * 100, drawn)
    assert list(shares) == ["b", "a"] and shares["b"] == 0 and shares["a"] > 0.9


@given(codes)
def test_mean_pairwise_distance_is_scipys(points: np.ndarray) -> None:
    assert mean_pairwise_distance(points) == pytest.approx(pdist(points).mean(), abs=1e-9)


def test_coverage_curve_rises_to_the_coverage_of_all() -> None:
    rng = np.random.default_rng(2)
    real, drawn = rng.normal(size=(80, 3)), rng.normal(size=(30, 3))
    curve, given_order = coverage_curve(real, drawn), coverage_curve(real, drawn, greedy=False)
    assert sorted(curve.order_M) == list(range(30)) and list(given_order.order_M) == list(range(30))
    assert (np.diff(curve.coverage_M) >= 0).all()
    everything = density_coverage(real, drawn).coverage
    assert curve.coverage_M[-1] == given_order.coverage_M[-1] == pytest.approx(everything)
    assert (curve.coverage_M >= given_order.coverage_M - 1e-12).all()
    best = (cdist(real, drawn) < np.sort(cdist(real, real), axis=1)[:, [5]]).mean(axis=0).max()
    assert curve.coverage_M[0] == pytest.approx(best)


def test_knee() -> None:
    assert knee_of(np.array([0.4, 0.8, 0.9, 0.95, 1.0])) == 2
    assert knee_of(np.zeros(4)) == 0
    assert knee_of(np.array([0.25, 0.5, 0.75, 1.0])) == 0  # each style brings as much as the one before
    assert knee_of(np.array([0.3, 0.5, 0.75, 1.0])) == 0  # 0.05 above the chord


@pytest.mark.parametrize("bad", [np.zeros((1, 3)), np.full((4, 3), np.nan), np.zeros(5)])
def test_unusable_codes_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError):
        density_coverage(bad, np.zeros((2, 3)))
