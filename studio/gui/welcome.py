"""What the window shows while no project is open: new, open, the demo, and what was open lately."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.gui.actions import ActionTable
from studio.gui.icons import icon
from studio.gui.opening import recent_projects
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, label, paragraph, row

_WIDTH = 560
_SHOWN = 6


class Welcome(QWidget):
    """Emits the folder of a recent project that was chosen."""

    chosen = Signal(Path)

    def __init__(self, session: Session, actions: ActionTable, settings: QSettings) -> None:
        super().__init__()
        self._session = session
        self._settings = settings
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        inner = QWidget()
        inner.setFixedWidth(_WIDTH)
        name = label("Trocar Studio")
        name.setStyleSheet("font-size: 30px; font-weight: 600;")
        sentence = paragraph(
            "Simulated laparoscopic scenes and unlabelled footage in; a large, realistic, fully labelled data set out, "
            "with the evidence that it helps.",
            "muted",
            _WIDTH,
        )
        self._heading = label("Recent projects", "heading")
        content = column(name, sentence, spacing=UNIT)
        content.addSpacing(2 * UNIT)
        self._new = actions.button("project.new", role="primary")
        content.addLayout(row(self._new, actions.button("project.open"), actions.button("project.demo"), None))
        content.addSpacing(3 * UNIT)
        content.addWidget(self._heading)
        content.addLayout(self._recent)
        hint = label("Drop a project folder anywhere on this window to open it.", "faint")
        content.addSpacing(2 * UNIT)
        content.addWidget(hint)
        inner.setLayout(content)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(inner, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        self.show_recent()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._new.setFocus()

    def show_recent(self) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        folders = recent_projects(self._settings)[:_SHOWN]
        self._heading.setVisible(bool(folders))
        for folder in folders:
            self._recent.addWidget(self._row(folder))

    def _row(self, folder: Path) -> QPushButton:
        button = QPushButton(f"{folder.name.removesuffix('.trocar')}     {folder.parent}")
        button.setProperty("role", "row")
        button.setIcon(icon("folder"))
        button.setToolTip(f"Open {folder}")
        button.clicked.connect(lambda: self.chosen.emit(folder))
        return button
