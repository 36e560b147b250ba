"""Translations that are known to be faithful or broken, made from a render, and how well a measure tells them apart.

A faithful variant changes colour (per class, also inverting its brightness), texture, light, smoke and sharpness and
leaves every outline where it is. A broken one is a faithful one whose content was then damaged in one known way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from studio.quality.appearance_changes import faithful_variant
from studio.quality.damages import DAMAGES, Damage
from studio.vocabulary.seeds import derived_seed, stream

Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""(render_HW3, translation_HW3, segmentation_HW) -> a value that is higher for a more faithful translation."""


@dataclass(frozen=True)
class CalibrationResult:
    """``faithful``: values of the faithful variants; ``broken``: by kind of damage; ``auc``: by kind, 0.5 to 1."""

    faithful: tuple[float, ...]
    broken: Mapping[str, tuple[float, ...]]
    auc: Mapping[str, float]
    auc_all: float

    def to_values(self) -> dict[str, object]:
        """JSON-able: counts, areas under the curve, and the median of each group."""
        kinds = {
            kind: {"auc": round(self.auc[kind], 4), "median": round(float(np.median(values)), 3), "count": len(values)}
            for kind, values in self.broken.items()
        }
        faithful = {"median": round(float(np.median(self.faithful)), 3), "count": len(self.faithful)}
        return {"auc": round(self.auc_all, 4), "faithful": faithful, "broken": kinds}


def calibrate(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    measure: Measure,
    *,
    damages: Mapping[str, Damage] = DAMAGES,
    seed: int = 0,
    variants: int = 2,
) -> CalibrationResult:
    """Measure ``variants`` faithful and as many broken variants of each kind per (render, segmentation) pair."""
    faithful: list[float] = []
    broken: dict[str, list[float]] = {kind: [] for kind in damages}
    for number, (render_HW3, segmentation_HW) in enumerate(pairs):
        for variant in range(variants):
            own = derived_seed(seed, number, variant)
            faithful.append(measure(render_HW3, faithful_variant(render_HW3, segmentation_HW, own), segmentation_HW))
            for kind, damage in damages.items():
                # Another seed than the faithful one's: the two groups share no appearance.
                looks = faithful_variant(render_HW3, segmentation_HW, derived_seed(own, kind))
                result = damage(looks, segmentation_HW, stream(derived_seed(own, kind, "damage"), "damage", kind))
                if result is not None:
                    broken[kind].append(measure(render_HW3, result, segmentation_HW))
    return _summary(faithful, broken)


def area_under_curve(high: np.ndarray, low: np.ndarray) -> float:
    """The chance that a random one of ``high`` exceeds a random one of ``low``, ties counting half."""
    differences = np.asarray(high, np.float64)[:, None] - np.asarray(low, np.float64)[None, :]
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


def _summary(faithful: list[float], broken: dict[str, list[float]]) -> CalibrationResult:
    kept = {kind: tuple(values) for kind, values in broken.items() if values}
    auc = {kind: area_under_curve(np.array(faithful), np.array(values)) for kind, values in kept.items()}
    everything = np.array([v for values in kept.values() for v in values])
    return CalibrationResult(tuple(faithful), kept, auc, area_under_curve(np.array(faithful), everything))
