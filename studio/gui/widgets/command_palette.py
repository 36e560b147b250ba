"""Ctrl+K: every action that is possible now, found by typing some of its letters."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from studio.gui.actions import Action, ActionTable
from studio.gui.models.groups import Group, GroupList, GroupModel

_WIDTH, _HEIGHT = 560, 380


def match(pattern: str, text: str) -> int | None:
    """How well a pattern matches a text (smaller is better); None when its letters don't occur in order.

    Whole words' starts come first, then any whole part of the text, then letters in order with the gaps between them.
    """
    wanted, lowered = " ".join(pattern.lower().split()), text.lower()
    at = lowered.find(wanted)
    start = lowered.find(f" {wanted}") + 1
    if start > 0 or lowered.startswith(wanted):
        return 0 if lowered.startswith(wanted) else start
    if at >= 0:
        return 100 + at
    gaps, at = 0, -1
    for letter in wanted.replace(" ", ""):
        found = lowered.find(letter, at + 1)
        if found < 0:
            return None
        gaps += found - at - 1
        at = found
    return 1000 + gaps


class CommandPalette(QFrame):
    """Floats at the top of the window; Escape or a click elsewhere puts it away."""

    def __init__(self, actions: ActionTable, window: QWidget) -> None:
        super().__init__(window)
        self.setProperty("role", "floating")
        self.hide()
        self._actions = actions
        self._window = window
        self._field = QLineEdit()
        self._field.setPlaceholderText("Type a command")
        self._field.setAccessibleName("Command")
        self._model = GroupModel(self)
        self._list = GroupList(self._model, "Commands")
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self._field)
        layout.addWidget(self._list)
        self.setFixedSize(_WIDTH, _HEIGHT)
        self._field.textChanged.connect(self._fill)
        self._field.returnPressed.connect(self._run)
        self._list.clicked.connect(lambda _index: self._run())
        self._field.installEventFilter(self)

    def open_box(self) -> None:
        window = self._window
        self._field.clear()
        self._fill("")
        self.move((window.width() - _WIDTH) // 2, 72)
        self.show()
        self.raise_()
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
        self._model.set_groups([self._group(row) for row in self.found(pattern)])
        self._list.choose("")  # the first, whatever it is

    def _group(self, row: Action) -> Group:
        keys = self._actions.qaction(row.id).shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        place = row.page or row.menu
        return Group(row.id, row.text.rstrip("…"), f"{keys}     {place}" if keys else place, tip=row.tooltip)

    def _run(self) -> None:
        chosen = self._list.chosen()
        self.hide()
        if chosen:
            self._actions.qaction(chosen).trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self.hide()
                return True
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                row = max(0, min(self._model.rowCount() - 1, self._list.currentIndex().row() + step))
                self._list.setCurrentIndex(self._model.index(row))
                return True
        return super().eventFilter(watched, event)


def _shown(row: Action) -> str:
    return f"{row.text.rstrip('…')} {row.page or row.menu}"
