"""The simulator form's field for meshes: a folder of them, or a TOML file that names them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from studio.gui.icons import icon


class AnatomyField(QWidget):
    """``path`` is the line that is typed in; empty means the built-in anatomy."""

    def __init__(self) -> None:
        super().__init__()
        self.path = QLineEdit()
        self.path.setPlaceholderText("built-in anatomy")
        browse = QToolButton()
        browse.setIcon(icon("folder"))
        browse.setToolTip("Choose a folder of meshes, or a TOML file that names meshes")
        browse.setAccessibleName("Choose meshes")
        menu = QMenu(browse)
        menu.addAction("Folder of meshes…", self._choose_folder)
        menu.addAction("TOML file that names meshes…", self._choose_file)
        menu.addAction("Built-in anatomy", self.path.clear)
        browse.setMenu(menu)
        browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.path, 1)
        layout.addWidget(browse)

    def setToolTip(self, words: str) -> None:
        """Of the line, which the pointer is over."""
        self.path.setToolTip(words)

    def setAccessibleName(self, words: str) -> None:
        self.path.setAccessibleName(words)

    def file(self) -> str:
        """The TOML file, if that is what is named."""
        return self._text() if self._names_a_file() else ""

    def folder(self) -> str:
        """The folder of meshes, if that is what is named."""
        return "" if self._names_a_file() else self._text()

    def arguments(self) -> list[str]:
        """Options of ``trocar scenes simulate``."""
        if not self._text():
            return []
        return ["--anatomy" if self._names_a_file() else "--meshes", self._text()]

    def _text(self) -> str:
        return self.path.text().strip()

    def _names_a_file(self) -> bool:
        return self._text().lower().endswith(".toml")

    def _choose_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Folder of meshes", str(Path.home())))

    def _choose_file(self) -> None:
        anatomy = "Anatomy (*.toml)"
        self._take(QFileDialog.getOpenFileName(self, "TOML file that names meshes", str(Path.home()), anatomy)[0])

    def _take(self, name: str) -> None:
        if name:
            self.path.setText(name)
