"""Classes that count as one when looks are compared."""

from __future__ import annotations

import numpy as np

from studio.vocabulary.labels import TOOL_CLASSES

ALIKE: tuple[frozenset[int], ...] = (frozenset({4, 5}), TOOL_CLASSES)
"""Fat and ligament ("hard to tell apart", as the public set's authors say), and an instrument's tip and shaft."""


def merged(segmentation_HW: np.ndarray, alike: tuple[frozenset[int], ...] = ALIKE) -> np.ndarray:
    """uint8 HxW: every class of a set gets the set's smallest id."""
    table = np.arange(256, dtype=np.uint8)
    for group in alike:
        table[list(group)] = min(group)
    return np.asarray(table[segmentation_HW])
