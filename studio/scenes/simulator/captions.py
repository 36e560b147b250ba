"""Text that a recorder burns into the picture: pressure and flow of the insufflator, a maker's mark."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True)
class Caption:
    """One patient's burnt-in text, lower left, and whether a mark stands at the lower right. Empty: none."""

    lines: tuple[str, ...] = ()
    marked: bool = False
    grey: int = 200


def draw_caption(rng: np.random.Generator) -> Caption:
    """Six recordings in ten have text."""
    if rng.random() > 0.6:
        return Caption()
    pressure, light = int(rng.integers(10, 16)), 5 * int(rng.integers(8, 21))
    lines = [f"Actual gas flow {rng.uniform(0, 9):.1f} l/min", f"Patient pressure {pressure} mmHg"]
    if rng.random() < 0.4:
        lines.append(f"Intensity {light} %")
    return Caption(tuple(lines), bool(rng.random() < 0.5), int(rng.integers(150, 245)))


def captioned(rgb_HW3: np.ndarray, caption: Caption) -> np.ndarray:
    """The uint8 picture with the text on it, in sizes that go with the picture's."""
    if not caption.lines:
        return rgb_HW3
    height, width = rgb_HW3.shape[:2]
    scale = width / 1800
    shown = rgb_HW3.copy()
    colour = (caption.grey,) * 3
    for row, line in enumerate(reversed(caption.lines)):
        place = (round(0.05 * width), round(height * 0.985 - row * 0.055 * height))
        cv2.putText(shown, line, place, _FONT, scale, colour, 1, cv2.LINE_AA)
    if caption.marked:
        for row, word in enumerate(("STAND-IN", "RECORDER")):
            place = (round(0.88 * width), round(height * (0.95 + 0.03 * row)))
            cv2.putText(shown, word, place, _FONT, 0.8 * scale, colour, 1, cv2.LINE_AA)
    return shown
