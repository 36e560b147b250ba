"""The action table: menus, shortcuts, tooltips, the command palette and the help page all come from these rows.

The window's own rows are WINDOW_ROWS; every page class adds its ``rows``. A row names the method that does the work, on
the window or on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from studio.gui.icons import icon

Need = Literal["nothing", "project", "job"]
"""What must be there for an action to be enabled; a page may disable its own further."""

MENUS = ("Project", "Edit", "View", "Go", "Jobs", "Help")
"""The menu bar, left to right. Rows with ``menu=""`` are reached by button, shortcut and command palette only."""


@dataclass(frozen=True, slots=True)
class Action:
    """One row. ``id`` is ``place.verb``; ``tooltip`` says what happens to the data; ``page`` "" = the window's own."""

    id: str
    text: str
    tooltip: str
    handler: str
    menu: str = ""
    shortcut: str = ""
    icon: str = ""
    needs: Need = "nothing"
    page: str = ""
    checkable: bool = False
    separated: bool = False
    """A line above it in the menu."""


WINDOW_ROWS: tuple[Action, ...] = (
    Action("project.new", "New project…", "Make an empty project folder", "new_project", "Project", "Ctrl+N", "add"),
    Action("project.open", "Open project…", "Open a folder that ends in .trocar", "open_project", "Project", "Ctrl+O",
           "folder"),
    Action("project.demo", "Try the demo…", "Run the whole flow on the built-in anatomy, in a new project",
           "start_demo", "Project", icon="play"),
    Action("project.reveal", "Show project folder", "Open the project's folder in the file browser", "reveal_project",
           "Project", icon="open", needs="project", separated=True),
    Action("project.close", "Close project", "Close the project; everything is already saved", "close_project",
           "Project", "Ctrl+W", "close", "project"),
    Action("app.quit", "Quit", "Close the window; a running job is stopped so that it can be resumed", "close",
           "Project", "Ctrl+Q", separated=True),
    Action("edit.undo", "Undo", "Take the last edit back", "undo", "Edit", "Ctrl+Z", "undo", "project"),
    Action("edit.redo", "Redo", "Do the last undone edit again", "redo", "Edit", "Ctrl+Shift+Z", "redo", "project"),
    Action("app.palette", "Command palette…", "Find any command by typing a part of its name", "show_palette", "Edit",
           "Ctrl+K", "search", separated=True),
    Action("view.inspector", "Inspector", "Show or hide the panel on the right", "toggle_inspector", "View", "Ctrl+I",
           "panel", checkable=True),
    Action("view.tray", "Jobs panel", "Show or hide the list of jobs with their logs", "toggle_tray", "View", "Ctrl+J",
           "log", checkable=True),
    Action("view.theme", "Light theme", "Switch between the dark and the light theme", "toggle_theme", "View",
           "Ctrl+Shift+L", "theme", checkable=True, separated=True),
    Action("view.full", "Full screen", "Fill the screen with the window", "toggle_full_screen", "View", "F11", "fit",
           checkable=True),
    Action("job.pause", "Pause or go on", "Halt the running job at its next step, or let it go on", "pause_job", "Jobs",
           "Ctrl+Shift+P", "pause", "job"),
    Action("job.stop", "Stop", "End the running job at its next step; training can be resumed from there", "stop_job",
           "Jobs", "Ctrl+.", "stop", "job"),
    Action("help.guide", "Guide", "What each page is for, and the words that are used", "show_guide", "Help", "F1",
           "help"),
    Action("help.shortcuts", "Keyboard shortcuts", "Every command that has a key", "show_shortcuts", "Help", "Ctrl+/",
           "keyboard"),
    Action("help.about", "About Trocar Studio", "Version and licence", "show_about", "Help", icon="info",
           separated=True),
)  # fmt: skip


def page_rows(titles: Sequence[str]) -> tuple[Action, ...]:
    """Rows that go to each page, with Ctrl+1 and so on."""
    return tuple(
        Action(
            f"go.{title.lower()}", title, f"Go to the page {title}", "go_to_page", "Go", f"Ctrl+{number}",
            title.lower(), "project",
        )
        for number, title in enumerate(titles, start=1)
    )  # fmt: skip


class ActionTable(QObject):
    """The rows with one QAction each. Pages take their buttons from here, so that text and key are said once."""

    page_wanted = Signal(str)
    """A page's action was triggered from elsewhere: the page with this title is to come to the front first."""

    def __init__(self, rows: Sequence[Action], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, Action] = {}
        self._actions: dict[str, QAction] = {}
        self._targets: dict[str, QWidget] = {}
        self._available: tuple[Need, ...] = ("nothing",)
        self._refused: set[str] = set()
        for row in rows:
            self._add(row)

    def _add(self, row: Action) -> None:
        if row.id in self._rows:
            raise ValueError(f"two actions are called {row.id}")
        action = QAction(row.text, self)
        action.setObjectName(row.id)
        action.setCheckable(row.checkable)
        if row.icon:
            action.setIcon(icon(row.icon))
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
        action.setShortcutContext(
            Qt.ShortcutContext.WidgetWithChildrenShortcut if row.page else Qt.ShortcutContext.WindowShortcut
        )
        action.setToolTip(tooltip(row))
        action.setEnabled(row.needs == "nothing")
        action.triggered.connect(_call(self._run, row))
        self._rows[row.id], self._actions[row.id] = row, action

    def __iter__(self) -> Iterator[Action]:
        return iter(self._rows.values())

    def row(self, action_id: str) -> Action:
        return self._rows[action_id]

    def qaction(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def bind(self, target: QWidget, page: str = "") -> None:
        """Let ``target`` do the work of the rows of the window (page "") or of a page; the last one bound counts."""
        self._targets[page] = target
        for row in self._rows.values():
            if row.page == page:
                target.addAction(self._actions[row.id])

    def set_available(self, available: Collection[Need]) -> None:
        """Enable the rows whose need is met, but for those that their page refuses."""
        self._available = tuple(available)
        for action_id in self._rows:
            self._update(action_id)

    def allow(self, action_id: str, allowed: bool) -> None:
        """A page's own say on whether its action makes sense now."""
        (self._refused.discard if allowed else self._refused.add)(action_id)
        self._update(action_id)

    def _update(self, action_id: str) -> None:
        needed = self._rows[action_id].needs in self._available
        self._actions[action_id].setEnabled(needed and action_id not in self._refused)

    def _run(self, row: Action) -> None:
        if row.page:
            self.page_wanted.emit(row.page)
        handler = getattr(self._targets[row.page], row.handler)
        if row.id.startswith("go."):
            handler(row.text)
        else:
            handler()

    def button(self, action_id: str, *, role: str = "", text: str = "") -> ActionButton:
        """A push button that triggers, and is enabled with, an action. Roles: "primary", "quiet", ""."""
        action = self._actions[action_id]
        words = text or self._rows[action_id].text
        with_icon = bool(self._rows[action_id].icon) and role != "primary"
        button = ActionButton(action, f" {words}" if with_icon else words)  # the style puts the icon too near
        if role:
            button.setProperty("role", role)
        if with_icon:
            button.setIcon(action.icon())
        return button

    def tool_button(self, action_id: str) -> QToolButton:
        """An icon-only button of an action."""
        button = QToolButton()
        button.setDefaultAction(self._actions[action_id])
        button.setAccessibleName(self._rows[action_id].text)
        return button


def tooltip(row: Action) -> str:
    """What the action does and its key."""
    keys = QKeySequence(row.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return f"{row.tooltip}  ({keys})" if keys else row.tooltip


class ActionButton(QPushButton):
    """A push button that triggers an action and follows it."""

    def __init__(self, action: QAction, text: str) -> None:
        super().__init__(text)
        self._action = action
        self.setCheckable(action.isCheckable())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._update)
        self._update()

    def _update(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())
        self.setChecked(self._action.isChecked())


def _call(run: Callable[[Action], None], row: Action) -> Callable[[], None]:
    return lambda: run(row)
