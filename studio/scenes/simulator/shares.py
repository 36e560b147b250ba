"""Class frequencies of a set: the mean share of a frame's pixels by class, and what became of targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from studio.jobs.events import Note
from studio.vocabulary.labels import STUDIO_CLASSES

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
    return {c.name: round(float(s), 4) for c, s in zip(STUDIO_CLASSES, shares_N9.mean(axis=0), strict=True)}


def reached(shares_N9: np.ndarray, targets: Iterable[tuple[int, float]]) -> dict[str, dict[str, Any]]:
    """By class name: the share asked for, the mean reached, and that mean's standard error."""
    error_9 = shares_N9.std(axis=0) / np.sqrt(len(shares_N9))
    return {
        STUDIO_CLASSES.by_id(c).name: {
            "asked": share,
            "reached": round(float(shares_N9[:, c].mean()), 4),
            "standard_error": round(float(error_9[c]), 4),
        }
        for c, share in targets
    }


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
