"""The order in which translations are looked through."""

from __future__ import annotations

import numpy as np

from studio.curation.ranking import rank, rank_values


def test_worst_first_is_stable_and_keeps_the_unknown_for_the_end() -> None:
    values = np.array([0.5, np.nan, 0.1, 0.5, 0.9, 0.1])
    assert rank_values(values).tolist() == [2, 5, 0, 3, 4, 1]
    assert rank_values(values, worst_first=False).tolist() == [4, 0, 3, 2, 5, 1]
    assert rank_values(values, low_is_good=True).tolist() == [4, 0, 3, 2, 5, 1]


def test_rank_by_name_knows_which_way_is_worse() -> None:
    measures = [{"validity": 0.2, "displacement": 3.0}, {"validity": 0.9, "displacement": 0.1}, {"displacement": 1.0}]
    assert rank(measures, "validity").tolist() == [0, 1, 2]
    assert rank(measures, "displacement").tolist() == [0, 2, 1]
    assert rank(measures, "displacement", worst_first=False).tolist() == [1, 2, 0]
