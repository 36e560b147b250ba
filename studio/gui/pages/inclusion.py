"""The edit of the page Footage as one undo step."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QUndoCommand

from studio.gui import amounts
from studio.gui.session import Session
from studio.project.records import Changed, FootageRecord


class Inclusion(QUndoCommand):
    """Include frames or leave them out; undone, each is as it was before."""

    def __init__(self, session: Session, records: Sequence[FootageRecord], included: bool) -> None:
        verb = "Include" if included else "Leave out"
        super().__init__(f"{verb} {amounts.count(len(records), 'frames')}")
        self._session = session
        self._before = tuple(records)
        self._included = included

    def redo(self) -> None:
        self._session.project.footage.set_included([r.id for r in self._before], self._included)
        self._session.edited(Changed(footage=True))
        self._session.say(self.text())

    def undo(self) -> None:
        self._session.project.footage.restore(self._before)
        self._session.edited(Changed(footage=True))
        self._session.say(f"Undone: {self.text()}")
