"""Whether two colours can be told apart, also by the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from studio.vocabulary.labels import ClassTable

Colour = tuple[int, int, int]
LEAST_DIFFERENCE = 10.0
"""CIE 1976 difference (ΔE*ab) under which two fills over a picture are taken for the same."""
_VIEWERS = {
    "everybody": np.eye(3),
    "protanopes": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopes": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopes": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
"""What they see of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""
_XYZ_OF_RGB = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                        [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883])


def difference(first: Colour, second: Colour, viewers: str = "everybody") -> float:
    """ΔE*ab of two 8-bit sRGB colours as some viewers see them; about 2 is just visible side by side."""
    return float(np.linalg.norm(_lab(first, viewers) - _lab(second, viewers)))


def confusable(classes: ClassTable) -> list[tuple[str, str, str]]:
    """(class, class, viewers) of every pair that some viewers can hardly tell apart; void does not count."""
    shown = [c for c in classes if c.id != 0]
    return [
        (a.name, b.name, viewers)
        for a, b in combinations(shown, 2)
        for viewers in _VIEWERS
        if difference(a.colour, b.colour, viewers) < LEAST_DIFFERENCE
    ]


def _lab(colour: Colour, viewers: str) -> np.ndarray:
    values = np.array(colour) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(_VIEWERS[viewers] @ linear, 0, 1)
    share = (_XYZ_OF_RGB @ seen) / _WHITE
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])
