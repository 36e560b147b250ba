"""The left rail: one button a page, in the order of the flow."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from studio.gui.actions import ActionTable
from studio.gui.icons import icon

WIDTH = 84


class Rail(QWidget):
    """Icons with names; arrow keys move between them."""

    chosen = Signal(str)

    def __init__(self, pages: Sequence[tuple[str, str]], actions: ActionTable) -> None:
        super().__init__()
        self.setProperty("role", "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(0)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        for title, icon_name in pages:
            button = self._button(title, icon_name, actions.qaction(f"go.{title.lower()}").toolTip())
            layout.addWidget(button)
        layout.addStretch(1)
        for action_id in ("app.palette", "help.guide"):
            tool = actions.tool_button(action_id)
            tool.setIconSize(QSize(20, 20))
            tool.setFixedSize(32, 32)
            layout.addWidget(tool, 0, Qt.AlignmentFlag.AlignHCenter)

    def _button(self, title: str, icon_name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "page")
        button.setText(title)
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(24, 24))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setCheckable(True)
        button.setToolTip(tip)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setFixedHeight(64)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.chosen.emit(title))
        self._group.addButton(button)
        self._buttons[title] = button
        return button

    def show_chosen(self, title: str) -> None:
        """Mark a page as the one in front; "" marks none."""
        self._group.setExclusive(bool(title))
        for name, button in self._buttons.items():
            button.setChecked(name == title)

    def set_enabled(self, enabled: bool) -> None:
        for button in self._buttons.values():
            button.setEnabled(enabled)
