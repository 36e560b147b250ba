"""Class frequencies of a set: the mean share of a frame's pixels by class, and what became of targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from studio.jobs.events import Note
from studio.vocabulary.labels import STUDIO_CLASSES

_PIECE = 125
"""Frames: 5 s, in which a camera goes from one goal to the next."""
_ALLOWED = 0.01
"""A mean share this near its target counts as there, beyond the scatter of so few frames."""


def pixels_by_class(segmentation_HW: np.ndarray) -> dict[str, int]:
    """Pixels by class id (as text, for JSON), of the classes that are there."""
    counts = np.bincount(segmentation_HW.ravel())
    return {str(i): int(n) for i, n in enumerate(counts) if n}


def shares_of(frames: Iterable[Mapping[str, int]]) -> np.ndarray:
    """Each frame's shares by class id, float64 (N, 9), from pixels_by_class."""
    counts_N9 = np.array([[pixels.get(str(c), 0) for c in STUDIO_CLASSES.ids] for pixels in frames], float)
    return np.asarray(counts_N9 / counts_N9.sum(axis=1, keepdims=True))


def mean_shares(shares_N9: np.ndarray) -> dict[str, float]:
    """The set's mean share by class name."""
    return {
        c.name: round(float(s), 4) for c, s in zip(STUDIO_CLASSES, shares_N9.mean(axis=0, dtype=float), strict=True)
    }


def reached(
    shares_N9: np.ndarray, targets: Iterable[tuple[int, float]], *, in_a_row: bool = False
) -> dict[str, dict[str, Any]]:
    """By class name: the share asked for, the mean reached, and that mean's standard error.

    Frames ``in_a_row`` are much alike, so that their error is that of the means of longer pieces (batch means).
    """
    error_9 = standard_error(shares_N9, piece=_PIECE if in_a_row else 1)
    return {
        STUDIO_CLASSES.by_id(c).name: {
            "asked": share,
            "reached": round(float(shares_N9[:, c].mean(dtype=float)), 4),
            "standard_error": round(float(error_9[c]), 4),
        }
        for c, share in targets
    }


def standard_error(shares_N9: np.ndarray, *, piece: int = 1) -> np.ndarray:
    """Of the mean of frames, by class, from the scatter of pieces of so many; of at least eight pieces if can be."""
    count = max(1, min(len(shares_N9) // max(1, min(piece, len(shares_N9) // 8)), len(shares_N9)))
    means_M9 = np.stack([part.mean(axis=0, dtype=float) for part in np.array_split(shares_N9, count)])
    return np.asarray(means_M9.std(axis=0, ddof=1 if piece > 1 and count > 1 else 0) / np.sqrt(count))


def missed(outcome: Mapping[str, Mapping[str, Any]]) -> list[Note]:
    """A warning for each target that was missed by more than the scatter of so many frames explains."""
    return [
        Note(
            f"{name}: {100 * row['asked']:.1f} % of the pixels asked for, {100 * row['reached']:.1f} % reached; "
            "these bodies, seen from admissible views, come no nearer",
            "warning",
        )
        for name, row in outcome.items()
        if abs(row["asked"] - row["reached"]) > 2 * row["standard_error"] + _ALLOWED
    ]
