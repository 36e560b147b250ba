"""Ctrl+K: every action that is possible now, found by typing some of its letters."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from studio.gui.actions import Action, ActionTable

_WIDTH, _HEIGHT = 560, 380


def match(pattern: str, text: str) -> int | None:
    """How well letters in order match a text (smaller is better); None when they don't.

    A start of a word costs nothing, a letter inside of one costs its distance from the letter before.
    """
    wanted, lowered = pattern.lower().replace(" ", ""), text.lower()
    cost, at = 0, -1
    for letter in wanted:
        found = lowered.find(letter, at + 1)
        if found < 0:
            return None
        word_start = found == 0 or not lowered[found - 1].isalnum()
        cost += 0 if found == at + 1 else (1 if word_start else 2 + found - at)
        at = found
    return cost + len(text) // 16


class CommandPalette(QFrame):
    """Floats at the top of the window; Escape or a click outside puts it away."""

    def __init__(self, actions: ActionTable, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self._actions = actions
        self._window = window
        self._field = QLineEdit()
        self._field.setPlaceholderText("Type a command")
        self._field.setAccessibleName("Command")
        self._list = QListWidget()
        self._list.setProperty("role", "list")
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self._field.textChanged.connect(self._fill)
        self._field.returnPressed.connect(self._run)
        self._list.itemClicked.connect(lambda _item: self._run())
        self._field.installEventFilter(self)

    def open_box(self) -> None:
        window = self._window
        self._field.clear()
        self._fill("")
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - _WIDTH) // 2, corner.y() + 72)
        self.show()
        self._field.setFocus()

    def found(self, pattern: str) -> list[Action]:
        """Enabled actions that match, best first."""
        rated = []
        for row in self._actions:
            if self._actions.qaction(row.id).isEnabled() and row.id != "app.palette":
                cost = match(pattern, _shown(row))
                if cost is not None:
                    rated.append((cost, row))
        return [row for _, row in sorted(rated, key=lambda pair: pair[0])]

    def _fill(self, pattern: str) -> None:
        self._list.clear()
        for row in self.found(pattern):
            action = self._actions.qaction(row.id)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(action.icon(), _shown(row) + (f"    {keys}" if keys else ""))
            item.setToolTip(row.tooltip)
            item.setData(Qt.ItemDataRole.UserRole, row.id)
            self._list.addItem(item)
        self._list.setCurrentRow(0)

    def _run(self) -> None:
        item = self._list.currentItem()
        self.hide()
        if item is not None:
            self._actions.qaction(str(item.data(Qt.ItemDataRole.UserRole))).trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                self._list.setCurrentRow(max(0, min(self._list.count() - 1, self._list.currentRow() + step)))
                return True
        return super().eventFilter(watched, event)


def _shown(row: Action) -> str:
    place = row.page or row.menu
    return f"{place}: {row.text.rstrip('…')}" if place else row.text.rstrip("…")
