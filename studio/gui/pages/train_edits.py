"""Edits of runs as undo steps: another name, and into the trash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtGui import QUndoCommand

from studio.gui import amounts
from studio.gui.session import Session
from studio.pipeline.runs import Hanging
from studio.project.records import Changed

Follow = Callable[[str, str], None]
"""Told (before, after) when a run goes by another name; after "" = it is gone."""


class _RunEdit(QUndoCommand):
    """An edit that the catalogue may refuse: it says why, and leaves the stack."""

    def __init__(self, session: Session, text: str, follow: Follow) -> None:
        super().__init__(text)
        self._session = session
        self._follow = follow

    def _done(self, act: Callable[[], str], *, before: str, words: str) -> str:
        """``act`` gives the name that the run goes by then, "" = none; so does this, or ``before`` if it is refused."""
        after = before
        with self._session.reporting() as outcome:
            after = act()
        if not outcome.well:
            self.setObsolete(True)
            return before
        self._follow(before, after)
        if before and self._session.selection.run == before:
            self._session.select(replace(self._session.selection, run=after))
        self._session.edited(Changed(runs=True, palettes=True))
        self._session.say(words)
        return after


class RenameRun(_RunEdit):
    """Another name for a run; undone, the old one."""

    def __init__(self, session: Session, name: str, new: str, follow: Follow) -> None:
        super().__init__(session, f"Rename “{name}” to “{new}”", follow)
        self._name, self._new = name, new

    def redo(self) -> None:
        self._rename(self._name, self._new, self.text())

    def undo(self) -> None:
        self._rename(self._new, self._name, f"Undone: {self.text()}")

    def _rename(self, before: str, after: str, words: str) -> None:
        moves = self._session.project.run_moves
        self._done(lambda: moves.rename(before, after).name, before=before, words=words)


class DeleteRun(_RunEdit):
    """A run into the trash; undone, it is back."""

    def __init__(self, session: Session, name: str, follow: Follow) -> None:
        super().__init__(session, f"Delete the run “{name}”", follow)
        self._name = name

    def redo(self) -> None:
        words = f"{self.text()}: it is in the project's trash, undo brings it back"
        self._done(self._delete, before=self._name, words=words)

    def undo(self) -> None:
        moves = self._session.project.run_moves
        # Another run may have taken its name meanwhile.
        self._name = self._done(
            lambda: moves.restore(self._name).name, before="", words=f"Undone: {self.text()}"
        ) or self._name  # fmt: skip

    def _delete(self) -> str:
        self._session.project.run_moves.delete(self._name)
        return ""


def deletion_question(name: str, left: Hanging) -> str:
    """What goes, what stays, and what that means."""
    parts = []
    if left.palettes:
        shown = ", ".join(left.palettes[:3]) + (" …" if len(left.palettes) > 3 else "")
        parts.append(f"{amounts.count(len(left.palettes), 'palettes')} ({shown})")
    if left.translations:
        parts.append(amounts.count(left.translations, "translations"))
    if left.exports:
        parts.append(amounts.count(left.exports, "exports"))
    text = f"Delete the run “{name}”? Its files go to the project's trash; undo brings them back."
    if parts:
        text += f" What was made with it stays: {_and(parts)}. Until it is back, nothing more can be made with it."
    return text


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
