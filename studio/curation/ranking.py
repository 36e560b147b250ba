"""Orders in which a person looks through translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from studio.curation.measures import find_measure, is_low_good


def rank(measures: Sequence[Mapping[str, float]], by: str, *, worst_first: bool = True) -> np.ndarray:
    """int64 positions in the order to look at them, by the measure named; see rank_values."""
    found = (find_measure(m, by) for m in measures)
    values_N = np.array([np.nan if v is None else v for v in found], np.float64)
    return rank_values(values_N, worst_first=worst_first, low_is_good=is_low_good(by))


def rank_values(values_N: np.ndarray, *, worst_first: bool = True, low_is_good: bool = False) -> np.ndarray:
    """int64 positions, worst value first (or last), equal values in their given order, NaN always at the end."""
    rising = worst_first != low_is_good
    keys_N = values_N if rising else -values_N
    return np.argsort(keys_N, kind="stable").astype(np.int64)
