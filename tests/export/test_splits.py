from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.export.splits import split_by_patient
from studio.vocabulary.errors import InputError


@pytest.mark.parametrize(
    ("patients", "sizes"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "test": 1}),
        (3, {"train": 1, "val": 1, "test": 1}),
        (4, {"train": 2, "val": 1, "test": 1}),
        (10, {"train": 8, "val": 1, "test": 1}),
        (14, {"train": 11, "val": 2, "test": 1}),
        (20, {"train": 16, "val": 2, "test": 2}),
    ],
)
def test_shares_are_met_by_the_largest_remainder(patients, sizes):
    splits = split_by_patient([f"P{i}" for i in range(patients)], (0.8, 0.1, 0.1), seed=1)
    assert {name: len(p) for name, p in splits.items()} == sizes


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.text(), min_size=1, max_size=30), st.integers(0, 5), st.sampled_from([(1,), (0.5, 0.5), (0.7, 0, 0.3)])
)
def test_every_patient_is_in_exactly_one_split(patients, seed, shares):
    splits = split_by_patient(patients, shares, seed)
    assert sorted(p for part in splits.values() for p in part) == sorted(patients)
    assert splits == split_by_patient(sorted(patients, reverse=True), shares, seed)
    assert "val" not in splits or shares[1] > 0


def test_another_seed_gives_another_split():
    patients = [f"P{i}" for i in range(12)]
    assert len({str(split_by_patient(patients, (0.5, 0.5), seed)) for seed in range(5)}) == 5


@pytest.mark.parametrize("shares", [(), (0.5, 0.4), (1.2, -0.2), (0, 1), (0.25,) * 4, (float("nan"), 1)])
def test_wrong_shares_are_refused(shares):
    with pytest.raises(InputError, match="no split"):
        split_by_patient(["a"], shares, 0)
