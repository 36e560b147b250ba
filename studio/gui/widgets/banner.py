"""A question asked in place, above the page: one sentence and its answers. Never a dialog that stops everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label

Answer = tuple[str, str, Callable[[], None] | None]
"""Text, role of the button, and what to do (None = only close the banner)."""


class Banner(QWidget):
    """Hidden while there is nothing to ask; Escape closes it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._text = label("", wrap=True)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        self._layout.addWidget(self._text, 1)
        self._buttons: list[QPushButton] = []
        QShortcut(QKeySequence("Escape"), self, self.hide, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.hide()

    def ask(self, text: str, answers: Sequence[Answer]) -> None:
        """Show a question; the first answer has the focus."""
        for old in self._buttons:
            old.deleteLater()
        self._buttons = []
        self._text.setText(text)
        for words, role, act in answers:
            button = QPushButton(words)
            button.setProperty("role", role)
            button.setAutoDefault(True)
            button.clicked.connect(self._answered(act))
            self._layout.addWidget(button)
            self._buttons.append(button)
        self.show()
        if self._buttons:
            self._buttons[0].setFocus()

    def _answered(self, act: Callable[[], None] | None) -> Callable[[], None]:
        def run() -> None:
            self.hide()
            if act is not None:
                act()

        return run
