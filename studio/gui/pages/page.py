"""What every page is: a title, an icon, rows in the action table, and a way to refresh what an edit touched."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QWidget

from studio.gui.actions import Action, ActionTable
from studio.gui.session import Session
from studio.project.records import Changed


class Page(QWidget):
    """Built at its first visit, with a project open. ``refresh`` is only called while the page is shown, with all that
    was touched since the last time.
    """

    title: ClassVar[str] = ""
    icon_name: ClassVar[str] = "dot"
    rows: ClassVar[tuple[Action, ...]] = ()
    """The page's actions; their ``page`` is the title, their handlers are methods of the page."""

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__()
        self.session = session
        self.action_table = actions
        actions.bind(self, self.title)

    def refresh(self, changed: Changed) -> None:
        """Show again what an edit or a job touched."""

    def activated(self) -> None:
        """The page has come to the front."""

    def project_closed(self) -> None:
        """Let go of whatever belongs to the project (children, caches); the page is deleted after this."""

    def inspector(self) -> QWidget | None:
        """The panel on the right, made once; None = this page has none."""
        return None

    def dropped(self, paths: list[str]) -> bool:
        """Take files or folders that were dropped; False = not meant for this page."""
        return False

    @property
    def undo_stack(self) -> QUndoStack | None:
        return self.session.undo_stack

    def undo(self) -> None:
        """Curate overrides this: the catalogue keeps its own steps."""
        if self.undo_stack is not None:
            self.undo_stack.undo()

    def redo(self) -> None:
        if self.undo_stack is not None:
            self.undo_stack.redo()
