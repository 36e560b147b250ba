"""The one line at the bottom: what was just said at the left, what the project holds at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, label, set_role

_ROLES = {"info": "muted", "warning": "warning", "error": "danger"}


class StatusLine(QWidget):
    """Long messages are cut in the middle and shown whole in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(26)
        self._said = ElidedLabel("", "muted", Qt.TextElideMode.ElideMiddle)
        self._facts = label("", "faint")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, 0, 2 * UNIT, 0)
        layout.addWidget(self._said, 1)
        layout.addSpacing(2 * UNIT)
        layout.addWidget(self._facts)

    @property
    def text(self) -> str:
        return self._said.text()

    def say(self, text: str, level: str = "info") -> None:
        set_role(self._said, _ROLES.get(level, "muted"))
        self._said.setText(text)

    def set_facts(self, text: str) -> None:
        self._facts.setText(text)
