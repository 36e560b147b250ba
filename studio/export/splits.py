"""Splits by patient: nobody's frames are in two of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

SPLIT_NAMES: tuple[str, ...] = ("train", "val", "test")
_FIRST_SERVED = ("train", "test", "val")


def split_by_patient(patients: Iterable[str], shares: Sequence[float], seed: int) -> Mapping[str, tuple[str, ...]]:
    """Patients of each split, every patient in exactly one; only splits that have patients are named.

    ``shares`` (one to three, adding up to 1) are met by the largest remainder; with few patients each split that was
    asked for gets one before any gets two, train first, then test. Raise InputError for other shares.
    """
    _check(shares)
    everyone = sorted(set(patients))
    counts = _counts(len(everyone), shares)
    shuffled = [everyone[i] for i in stream(seed, "split", "patients").permutation(len(everyone))]
    splits: dict[str, tuple[str, ...]] = {}
    start = 0
    for name, count in zip(SPLIT_NAMES, counts, strict=False):
        if count:
            splits[name] = tuple(sorted(shuffled[start : start + count]))
        start += count
    return splits


def _check(shares: Sequence[float]) -> None:
    written = ",".join(f"{s:g}" for s in shares)
    right = 1 <= len(shares) <= len(SPLIT_NAMES) and all(np.isfinite(shares)) and min(shares) >= 0 and shares[0] > 0
    if not right or abs(sum(shares) - 1) > 1e-6:
        raise InputError(
            f"shares {written} are no split", where="--split", remedy="Give up to three that add up to 1: 0.8,0.1,0.1."
        )


def _counts(total: int, shares: Sequence[float]) -> list[int]:
    """How many patients each split gets."""
    quotas = [total * s for s in shares]
    # A hair above, so that 10 x 0.1 counts as one whole patient whatever binary fractions say.
    counts = [int(q + 1e-9) for q in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - quotas[i], i))
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    wanted = [i for i in (SPLIT_NAMES.index(n) for n in _FIRST_SERVED) if i < len(shares) and shares[i] > 0]
    for i in wanted[: min(total, len(wanted))]:
        if counts[i] == 0:
            counts[int(np.argmax(counts))] -= 1
            counts[i] = 1
    return counts
