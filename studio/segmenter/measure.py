"""How many steps fit into a time, found before any regime is trained, so that all of them get the same number."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from studio.segmenter.checkpoints import RunFacts
from studio.segmenter.settings import SegmenterSettings
from studio.segmenter.training import Learner
from studio.vocabulary.seeds import stream

_FIRST = 2
"""Steps that are not counted: they allocate and choose kernels."""
_FEWEST_STEPS = 20


def steps_within(settings: SegmenterSettings, seconds: float, *, device: str = "auto", trial: float = 3.0) -> int:
    """Steps of the slower kind (strong colour augmentation) that ``seconds`` hold on this machine as busy as it is now.

    Takes about ``trial`` seconds; at least 20 steps are given. The result depends on the machine: keep it with the run.
    """
    facts = RunFacts(settings, "colour", 0, 1, 1)
    learner = Learner.started(facts, _Noise(settings), None, init=None, device=device)
    for _ in range(_FIRST):
        learner.step()
    began, done = time.perf_counter(), 0
    while done < 2 or time.perf_counter() - began < trial:
        learner.step()
        done += 1
    each = (time.perf_counter() - began) / done
    return max(_FEWEST_STEPS, int(seconds / each))


class _Noise:
    """Pairs of the right size without any file."""

    def __init__(self, settings: SegmenterSettings) -> None:
        width, height = settings.size
        draw = stream(0, "segmenter trial")
        self._image_HW3 = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
        self._target_HW = draw.integers(0, 1 + len(settings.classes), (height, width), dtype=np.uint8)

    def __len__(self) -> int:
        return 1

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        return np.stack([self._image_HW3] * len(indices)), np.stack([self._target_HW] * len(indices))
