"""What is selected on the style map, and how a lasso changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPolygonF

from studio.gui.models.preview_cells import Code

Mode = Literal["replace", "add", "remove"]


@dataclass(frozen=True, slots=True)
class Picked:
    """Footage by its rows, drawn styles by their codes: a style is the same one wherever the bench has it."""

    footage: frozenset[int] = frozenset()
    styles: frozenset[Code] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.footage or self.styles)

    def changed(self, by: Picked, mode: Mode) -> Picked:
        """After a lasso around ``by``."""
        if mode == "replace":
            return by
        if mode == "add":
            return Picked(self.footage | by.footage, self.styles | by.styles)
        return Picked(self.footage - by.footage, self.styles - by.styles)


def mode_of(keys: Qt.KeyboardModifier) -> Mode:
    """Shift adds, Alt or Ctrl takes away."""
    if keys & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier):
        return "remove"
    return "add" if keys & Qt.KeyboardModifier.ShiftModifier else "replace"


def rows_inside(points_N2: np.ndarray, lasso: QPolygonF) -> list[int]:
    """Rows of the points within a closed line; points without a place (NaN) are outside."""
    box = lasso.boundingRect()
    low, high = (box.left(), box.top()), (box.right(), box.bottom())
    if not len(points_N2):
        return []
    near = np.flatnonzero(((points_N2 >= low) & (points_N2 <= high)).all(axis=1))
    return [int(r) for r in near if lasso.containsPoint(QPointF(*points_N2[r]), Qt.FillRule.OddEvenFill)]
