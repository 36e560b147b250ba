"""Class frequencies of a sequence steered by where its camera goes.

Each time the camera needs a new goal, several admissible ones are drawn, and the one is taken after which the mean of
all that was shown so far will be nearest to the targets. That looks at the past only, so a longer sequence begins as a
shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from studio.scenes.simulator.anatomy import TOOL_SHAFT, TOOL_TIP
from studio.scenes.simulator.buffers import Body
from studio.scenes.simulator.steering import USUAL_POOL, Targets, class_shares, habits_towards
from studio.scenes.simulator.views import Habits, draw_view, organ_shares
from studio.vocabulary.seeds import stream

CANDIDATES, DRAWN = 16, 100
"""Admissible goals that one is taken of, and how many are drawn for them at most."""
_TOOLS = (TOOL_TIP, TOOL_SHAFT)


@dataclass(eq=False)
class PathSteering:
    """A sequence's targets and what it has shown. ``covered_C``: the share of each class that instruments usually
    hide: more of what lies in the middle of the field."""

    classes_C: np.ndarray
    wanted_C: np.ndarray
    habits: Habits
    covered_C: np.ndarray
    tool_chances: tuple[float, float, float]
    """Of one, two and three instruments, where there are any."""
    shown_C: np.ndarray = field(init=False)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.shown_C = np.zeros(len(self.classes_C))

    def went(self, shares_9: np.ndarray, seconds: float) -> None:
        """The camera has shown organs in these shares for so long."""
        self.shown_C += shares_9[self.classes_C] * (1 - self.covered_C) * seconds
        self.seconds += seconds

    def miss(self, shares_9: np.ndarray, seconds: float) -> float:
        """How far the mean would be from the targets (sum of squares) after so long of these shares."""
        after_C = self.shown_C + shares_9[self.classes_C] * (1 - self.covered_C) * seconds
        return float((((after_C / (self.seconds + seconds)) - self.wanted_C) ** 2).sum())


def path_steering(body: Body, size: tuple[int, int], targets: Targets, *, seed: int, patient: int) -> PathSteering:
    """How a patient's sequence is steered, nothing shown yet; draws some views to know what would be usual."""
    rng = stream(seed, "path steering", patient)
    views = [draw_view(rng, body.anatomy, body.target, size, habits=Habits()) for _ in range(USUAL_POOL)]
    usual_9 = np.mean([class_shares(body, v) for v in views], axis=0)
    bare_9 = np.mean(
        [organ_shares(body.anatomy, body.target, size, v.K, v.camera_to_world) for v in views], axis=0
    )  # fmt: skip
    covered_9 = np.clip(1 - usual_9 / np.maximum(bare_9, 1e-6), 0.0, 0.6)
    organs = [(c, share) for c, share in targets if c not in _TOOLS]
    classes_C = np.array([c for c, _ in organs], int)
    return PathSteering(
        classes_C, np.array([share for _, share in organs]), habits_towards(dict(targets), usual_9),
        covered_9[classes_C], _tool_chances(targets, usual_9),
    )  # fmt: skip


def _tool_chances(targets: Targets, usual_9: np.ndarray) -> tuple[float, float, float]:
    wanted = [(share, float(usual_9[c])) for c, share in targets if c in _TOOLS]
    if not wanted:
        return USUAL_TOOL_CHANCES
    return (0.1, 0.3, 0.6) if sum(w for w, _ in wanted) > sum(u for _, u in wanted) else (0.8, 0.2, 0.0)


USUAL_TOOL_CHANCES = (0.4, 0.45, 0.15)


def best_of(steering: PathSteering, ways: Sequence[tuple[np.ndarray, float]]) -> int:
    """Which of some ways (mean shares on it and at its end, seconds) brings the mean nearest to the targets."""
    return int(np.argmin([steering.miss(shares_9, seconds) for shares_9, seconds in ways]))
