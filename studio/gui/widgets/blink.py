"""B, held: whatever is shown blinks to its render, and back when the key is let go."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget


class Blink(QObject):
    """Follows the key on one widget while that has the keyboard. ``changed`` when it is pressed and let go."""

    changed = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.held = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.FocusOut:
            self._set(False)  # the key is let go somewhere else
        elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_B:
            if kind == QEvent.Type.KeyPress and not event.modifiers():
                self._set(True)
                return True
            if kind == QEvent.Type.KeyRelease and self.held:  # whatever else is pressed by then
                self._set(event.isAutoRepeat())
                return True
        return super().eventFilter(watched, event)

    def _set(self, held: bool) -> None:
        if held != self.held:
            self.held = held
            self.changed.emit()
