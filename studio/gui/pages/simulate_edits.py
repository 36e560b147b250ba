"""Edits of the set that is going to be simulated, as undo steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QUndoCommand

Value = TypeVar("Value")


class SetValue(QUndoCommand, Generic[Value]):
    """Another value in the place of one; ``show`` is told which."""

    def __init__(self, text: str, before: Value, after: Value, show: Callable[[Value], None]) -> None:
        super().__init__(text)
        self._before, self._after, self._show = before, after, show

    def redo(self) -> None:
        self._show(self._after)

    def undo(self) -> None:
        self._show(self._before)
