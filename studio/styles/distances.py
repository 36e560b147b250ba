"""Euclidean distances between style codes, in blocks that keep memory small."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from studio.vocabulary.errors import InputError

_BLOCK_CELLS = 4_000_000


def checked_codes(codes_NS: np.ndarray, *, least: int = 1, where: str = "style codes") -> np.ndarray:
    """float64 NxS codes; raise InputError when there are fewer than ``least``, or one is not finite."""
    codes = np.asarray(codes_NS, np.float64)
    if codes.ndim != 2 or codes.shape[1] == 0:
        raise InputError(f"an array of shape {codes.shape} is no list of style codes", where=where)
    if len(codes) < least:
        raise InputError(
            f"{len(codes)} style codes, at least {least} are needed", where=where, remedy="Add or unscreen footage."
        )
    if not np.isfinite(codes).all():
        raise InputError("a style code is not finite", where=where, remedy="Encode the footage again.")
    return codes


def distances_NM(a_NS: np.ndarray, b_MS: np.ndarray) -> np.ndarray:
    """float64 Euclidean distances. Exactly 0 between equal codes, unlike the expansion by dot products."""
    result = np.empty((len(a_NS), len(b_MS)))
    for rows in blocks(len(a_NS), len(b_MS) * a_NS.shape[1]):
        result[rows] = np.sqrt(((a_NS[rows, None, :] - b_MS[None, :, :]) ** 2).sum(axis=2))
    return result


def blocks(count: int, cells_per_row: int) -> Iterator[slice]:
    """Slices of 0 ... count whose rows hold at most a few million numbers together."""
    step = max(1, _BLOCK_CELLS // max(1, cells_per_row))
    for start in range(0, count, step):
        yield slice(start, min(count, start + step))
