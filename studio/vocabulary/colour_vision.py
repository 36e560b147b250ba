"""Colours of classes as text, and whether two can be told apart, also by the colour-blind."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from studio.vocabulary.errors import InputError
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


@dataclass(frozen=True, slots=True)
class Alike:
    """Two classes whose colours some viewers can hardly tell apart; ``difference`` is ΔE*ab as they see them."""

    first: str
    second: str
    viewers: str
    difference: float


def hex_of(colour: Colour) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def colour_of(text: str) -> Colour:
    """The colour that ``#rrggbb`` stands for; raise InputError for other text."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise InputError(f"'{text}' is no colour", where="class colours", remedy="Write #rrggbb, for example #d55e00.")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def difference(first: Colour, second: Colour, viewers: str = "everybody") -> float:
    """ΔE*ab of two 8-bit sRGB colours as some viewers see them; about 2 is just visible side by side."""
    return float(_differences(np.array([first, second], np.float64), viewers)[0, 1])


def alike(classes: ClassTable) -> list[Alike]:
    """Every pair that some viewers can hardly tell apart, the closest first; void does not count. Of everybody and the
    colour-blind, the first who can't are named."""
    shown = [c for c in classes if c.id != 0]
    colours = np.array([c.colour for c in shown], np.float64).reshape(-1, 3)
    between_VNN = np.stack([_differences(colours, viewers) for viewers in _VIEWERS])
    close_VNN = between_VNN < LEAST_DIFFERENCE
    first_NN = close_VNN.argmax(axis=0)
    viewers = tuple(_VIEWERS)
    pairs = [
        Alike(shown[a].name, shown[b].name, viewers[first_NN[a, b]], float(between_VNN[first_NN[a, b], a, b]))
        for a, b in np.argwhere(np.triu(close_VNN.any(axis=0), k=1))
    ]
    return sorted(pairs, key=lambda pair: pair.difference)


def _differences(colours_N3: np.ndarray, viewers: str) -> np.ndarray:
    """float64 NxN: ΔE*ab of each colour to each."""
    lab_N3 = _lab(colours_N3, viewers)
    return np.asarray(np.linalg.norm(lab_N3[:, None] - lab_N3[None], axis=2))


def _lab(colours_N3: np.ndarray, viewers: str) -> np.ndarray:
    """float64 Nx3 CIELAB (D65) of 8-bit sRGB colours as some viewers see them."""
    values = colours_N3 / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ _VIEWERS[viewers].T, 0, 1)
    share = (seen @ _XYZ_OF_RGB.T) / _WHITE
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
