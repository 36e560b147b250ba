"""The one line at the bottom: what was just said at the left, what the project holds at the right."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label, set_role

_ROLES = {"info": "muted", "warning": "warning", "error": "danger"}


class StatusLine(QWidget):
    """Long messages are cut in the middle and shown whole in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(26)
        self._text = ""
        self._said = label("", "muted")
        self._said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts = label("", "faint")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, 0, 2 * UNIT, 0)
        layout.addWidget(self._said, 1)
        layout.addWidget(self._facts)

    @property
    def text(self) -> str:
        return self._text

    def say(self, text: str, level: str = "info") -> None:
        self._text = text
        set_role(self._said, _ROLES.get(level, "muted"))
        self._said.setToolTip(text)
        self._said.setAccessibleName(text)
        self._cut()

    def set_facts(self, text: str) -> None:
        self._facts.setText(text)
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        room = max(80, self.width() - self._facts.sizeHint().width() - 6 * UNIT)
        metrics = QFontMetrics(self._said.font())
        self._said.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, room))
