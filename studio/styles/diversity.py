"""How well drawn styles stand for the footage's: density and coverage, spread, and what more styles would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.styles.distances import blocks, checked_codes, distances_NM

_LEAST_BEND = 0.1


@dataclass(frozen=True, slots=True)
class DensityCoverage:
    """``density`` 0 upwards (about 1 for the same distribution); ``coverage`` 0 to 1."""

    density: float
    coverage: float


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """``coverage_M[i]``: the coverage of the first i + 1 styles of ``order_M``; ``knee``: the number of styles after
    which more bring little (0 for an empty curve)."""

    order_M: np.ndarray
    coverage_M: np.ndarray
    knee: int


def density_coverage(real_NS: np.ndarray, drawn_MS: np.ndarray, k: int = 5) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, arXiv 2002.09797, eq. 2 and 3).

    Around each real code lies a ball that reaches to its k-th nearest other real code. Density: the mean number of
    balls a drawn code lies in, over k. Coverage: the share of balls that hold a drawn code. Balls are open, as in the
    authors' implementation. With k or fewer real codes, k is the number of the others. Raise InputError for fewer
    than two real codes or none drawn.
    """
    inside_NM = _inside(real_NS, drawn_MS, k)
    used_k = min(k, len(inside_NM) - 1)
    return DensityCoverage(float(inside_NM.sum(axis=0).mean() / used_k), float(inside_NM.any(axis=1).mean()))


def covered(real_NS: np.ndarray, drawn_MS: np.ndarray, k: int = 5) -> np.ndarray:
    """bool N: whether each real code's ball holds a drawn code."""
    return np.asarray(_inside(real_NS, drawn_MS, k).any(axis=1))


def covered_share_by_patient(
    real_NS: np.ndarray, patients: Sequence[str], drawn_MS: np.ndarray, k: int = 5
) -> dict[str, float]:
    """Per footage patient, the share of its codes that a drawn style resembles; the least covered first."""
    covered_N = covered(real_NS, drawn_MS, k)
    names = np.array(patients, dtype=object)
    shares = {str(p): float(covered_N[names == p].mean()) for p in dict.fromkeys(patients)}
    return dict(sorted(shares.items(), key=lambda item: item[1]))


def mean_pairwise_distance(codes_NS: np.ndarray) -> float:
    """Mean Euclidean distance over all pairs of different rows; 0 for one code."""
    codes = checked_codes(codes_NS)
    count = len(codes)
    if count < 2:
        return 0.0
    total = sum(float(distances_NM(codes[rows], codes).sum()) for rows in blocks(count, count * codes.shape[1]))
    return total / (count * (count - 1))


def coverage_curve(real_NS: np.ndarray, drawn_MS: np.ndarray, k: int = 5, *, greedy: bool = True) -> CoverageCurve:
    """Coverage against the number of styles: best next style first (``greedy``), or in the order given."""
    inside_NM = _inside(real_NS, drawn_MS, k)
    order = _greedy_order(inside_NM) if greedy else np.arange(inside_NM.shape[1])
    coverage = np.logical_or.accumulate(inside_NM[:, order], axis=1).mean(axis=0)
    return CoverageCurve(order, coverage, knee_of(coverage))


def knee_of(rising_M: np.ndarray) -> int:
    """Number of items (from 1) at the point farthest above the chord of a rising curve that starts at 0 items, 0.

    After Satopaa et al. 2011 ("Kneedle"), without smoothing. 0 when the curve never rises, or rises about evenly all
    the way (nowhere a tenth of its height above the chord): then no number of styles is the one to stop at.
    """
    values = np.concatenate([[0.0], np.asarray(rising_M, np.float64)])
    if values[-1] <= 0:
        return 0
    above = values / values[-1] - np.linspace(0, 1, len(values))
    return max(1, int(above.argmax())) if above.max() >= _LEAST_BEND else 0


def _inside(real_NS: np.ndarray, drawn_MS: np.ndarray, k: int) -> np.ndarray:
    """bool NxM: drawn code m lies in the ball around real code n."""
    real = checked_codes(real_NS, least=2, where="footage styles")
    drawn = checked_codes(drawn_MS, where="drawn styles")
    radii = _radii(real, min(k, len(real) - 1))
    inside = np.empty((len(real), len(drawn)), bool)
    for rows in blocks(len(real), len(drawn) * real.shape[1]):
        inside[rows] = distances_NM(real[rows], drawn) < radii[rows, None]
    return inside


def _radii(real_NS: np.ndarray, k: int) -> np.ndarray:
    radii = np.empty(len(real_NS))
    for rows in blocks(len(real_NS), len(real_NS) * real_NS.shape[1]):
        # Position 0 after sorting is the code itself, at distance 0.
        radii[rows] = np.partition(distances_NM(real_NS[rows], real_NS), k, axis=1)[:, k]
    return radii


def _greedy_order(inside_NM: np.ndarray) -> np.ndarray:
    left_N = np.ones(len(inside_NM), bool)
    order: list[int] = []
    while left_N.any():
        gains_M = inside_NM[left_N].sum(axis=0)
        best = int(gains_M.argmax())
        if gains_M[best] == 0:
            break
        order.append(best)
        left_N &= ~inside_NM[:, best]
    rest = np.setdiff1d(np.arange(inside_NM.shape[1]), order)
    return np.concatenate([np.array(order, np.int64), rest])
