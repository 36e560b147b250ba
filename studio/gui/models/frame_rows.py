"""Which frames the style lab looks at, in which order, and every step that a person makes of it as an edit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack


@dataclass(frozen=True, slots=True)
class ChosenFrame:
    """A frame by its id in the catalogue; a pinned one stays when others are spread anew."""

    frame_id: int
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """``by_hand``: someone has picked, pinned, moved or removed a row, so that the choice is worth keeping."""

    frames: tuple[ChosenFrame, ...] = ()
    by_hand: bool = False

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(f.frame_id for f in self.frames)

    @property
    def pinned(self) -> tuple[int, ...]:
        return tuple(f.frame_id for f in self.frames if f.pinned)

    def kept(self) -> list[list[int]]:
        """JSON-able; empty when nothing was done by hand."""
        return [[f.frame_id, int(f.pinned)] for f in self.frames] if self.by_hand else []

    @staticmethod
    def of_kept(value: Any) -> Rows:
        """The rows that ``kept`` gave; none for anything else."""
        try:
            frames = tuple(ChosenFrame(int(frame_id), bool(pinned)) for frame_id, pinned in value)
        except (TypeError, ValueError):
            frames = ()
        return Rows(frames, by_hand=bool(frames))


class FrameRows(QObject):
    """``changed`` after every edit, undo and redo."""

    changed = Signal()

    def __init__(self, stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stack = stack
        self.rows = Rows()

    def load(self, rows: Rows) -> None:
        """Look at other frames; not an edit."""
        if rows != self.rows:
            self._set(rows)

    def spread(self, ids: Sequence[int]) -> None:
        """Other frames behind the pinned ones. An edit where it takes the place of a choice made by hand."""
        pinned = set(self.rows.pinned)
        frames = tuple(f for f in self.rows.frames if f.pinned)
        frames += tuple(ChosenFrame(i) for i in ids if i not in pinned)
        if self.rows.by_hand and frames != self.rows.frames:
            self._push("other frames", Rows(frames, by_hand=bool(pinned)))
        else:
            self.load(Rows(frames, by_hand=bool(pinned)))

    def pick(self, ids: Sequence[int]) -> None:
        """Take frames in at the top, pinned; those that are there come up."""
        picked = dict.fromkeys(ids)
        frames = tuple(ChosenFrame(i, pinned=True) for i in picked)
        self._edit("pick frames", frames + tuple(f for f in self.rows.frames if f.frame_id not in picked))

    def pin(self, row: int) -> None:
        frame = self.rows.frames[row]
        frames = list(self.rows.frames)
        frames[row] = replace(frame, pinned=not frame.pinned)
        self._edit("unpin a frame" if frame.pinned else "pin a frame", frames)

    def drop(self, row: int) -> None:
        self._edit("remove a frame", [f for i, f in enumerate(self.rows.frames) if i != row])

    def move(self, row: int, to: int) -> None:
        frames = list(self.rows.frames)
        frames.insert(to, frames.pop(row))
        self._edit("move a frame", frames)

    def order(self, label: str, value: Callable[[int], float]) -> None:
        """The same frames, the lowest value of a frame's id first."""
        self._edit(label, sorted(self.rows.frames, key=lambda f: value(f.frame_id)))

    def forget_gone(self, there: Collection[int]) -> None:
        """Frames that have left the project leave the rows; not an edit."""
        frames = tuple(f for f in self.rows.frames if f.frame_id in there)
        self.load(replace(self.rows, frames=frames, by_hand=self.rows.by_hand and bool(frames)))

    def _edit(self, label: str, frames: Sequence[ChosenFrame]) -> None:
        if tuple(frames) != self.rows.frames:
            self._push(label, Rows(tuple(frames), by_hand=True))

    def _push(self, label: str, after: Rows) -> None:
        self._stack.push(_Edit(self, label, self.rows, after))

    def _set(self, rows: Rows) -> None:
        self.rows = rows
        self.changed.emit()


class _Edit(QUndoCommand):
    def __init__(self, rows: FrameRows, label: str, before: Rows, after: Rows) -> None:
        super().__init__(label)
        self._rows, self._before, self._after = rows, before, after

    def undo(self) -> None:
        self._rows._set(self._before)

    def redo(self) -> None:
        self._rows._set(self._after)
