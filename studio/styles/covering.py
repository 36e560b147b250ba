"""Choosing few codes that stand for many: k-medoids with a farthest-point start."""

from __future__ import annotations

import numpy as np

from studio.styles.distances import distances_NM
from studio.vocabulary.seeds import stream

_MAX_POINTS = 3000
_MAX_ROUNDS = 50


def choose_cover(codes_NS: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """int64 rows of ``count`` medoids, the one that stands for most codes first.

    Start: farthest-point traversal (Gonzalez 1985) from the code nearest to the mean; then Voronoi iteration
    (Park and Jun 2009) until no medoid moves. ``codes_NS`` must hold at least ``count`` different codes.
    Beyond 3,000 codes a seeded sample of them stands for all.
    """
    rows_N = _sampled_rows(len(codes_NS), count, seed)
    codes = codes_NS[rows_N]
    medoids_K = farthest_points(codes, count)
    for _ in range(_MAX_ROUNDS):
        owner_N = distances_NM(codes, codes[medoids_K]).argmin(axis=1)
        # Codes equal to a medoid tie in argmin with duplicates of it; a medoid always owns itself.
        owner_N[medoids_K] = np.arange(count)
        moved_K = np.array([_medoid(codes, np.flatnonzero(owner_N == k)) for k in range(count)])
        if np.array_equal(moved_K, medoids_K):
            break
        medoids_K = moved_K
    sizes_K = np.bincount(owner_N, minlength=count)
    return np.asarray(rows_N[medoids_K[np.argsort(-sizes_K, kind="stable")]])


def farthest_points(codes_NS: np.ndarray, count: int) -> np.ndarray:
    """int64 rows: the code nearest to the mean, then always the one farthest from all chosen so far."""
    first = int(((codes_NS - codes_NS.mean(axis=0)) ** 2).sum(axis=1).argmin())
    chosen = [first]
    nearest_N = distances_NM(codes_NS, codes_NS[[first]])[:, 0]
    while len(chosen) < count:
        chosen.append(int(nearest_N.argmax()))
        nearest_N = np.minimum(nearest_N, distances_NM(codes_NS, codes_NS[chosen[-1:]])[:, 0])
    return np.array(chosen, np.int64)


def _sampled_rows(total: int, count: int, seed: int) -> np.ndarray:
    if total <= _MAX_POINTS:
        return np.arange(total)
    kept = max(_MAX_POINTS, count)
    return np.sort(stream(seed, "styles", "cover").choice(total, size=min(kept, total), replace=False))


def _medoid(codes_NS: np.ndarray, members: np.ndarray) -> int:
    within = distances_NM(codes_NS[members], codes_NS[members]).sum(axis=1)
    return int(members[within.argmin()])
