"""The form that simulates new scenes, with what it is going to cost."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QToolButton, QWidget

from studio.gui import amounts
from studio.gui.icons import icon
from studio.gui.session import Session
from studio.gui.widgets.basics import Section, label
from studio.gui.widgets.fields import ChoiceField, Form, WholeField, on_change

_SIZES = ("256x144", "452x256", "512x288", "904x512")
_BYTES_PER_PIXEL = 7.5
"""Picture, labels, depth and normals on disk, measured on simulated scenes."""
_PIXELS_PER_SECOND = 10 * 452 * 256
"""A cautious figure for two cores; the job's own rate takes over once it runs."""


class SimulateForm(QWidget):
    """``wanted`` carries the argument list after PROJECT of ``trocar scenes simulate``."""

    wanted = Signal(list)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.frames = WholeField(300, 1, 1_000_000)
        self.patients = WholeField(4, 1, 1000)
        self.size_choice = ChoiceField([(s, s.replace("x", " × ")) for s in _SIZES], "452x256")
        self.seed = WholeField(0, 0, 2**31 - 1)
        self.meshes = QLineEdit()
        self.meshes.setPlaceholderText("built-in anatomy")
        self._cost = label("", "small", wrap=True)
        form = Form()
        form.add("Frames", self.frames, "How many labelled frames are rendered, over all patients")
        form.add("Patients", self.patients, "How many different bodies; exports are split by patient")
        form.add("Size", self.size_choice, "Width and height of the frames in px; the paper's is 452 × 256")
        form.add("Seed", self.seed, "The same seed renders the same scenes, byte for byte")
        form.add(
            "Meshes", self._mesh_field(), "A folder of organ and instrument meshes, classes by file name", wide=True
        )
        self.button = QPushButton("Simulate")
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self._start)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Section("Simulate", form, self._cost, self.button))
        on_change([self.frames, self.patients, self.size_choice], self._show_cost)
        self._show_cost()

    def _mesh_field(self) -> QWidget:
        browse = QToolButton()
        browse.setIcon(icon("folder"))
        browse.setToolTip("Choose a folder of meshes")
        browse.setAccessibleName("Choose a folder of meshes")
        browse.clicked.connect(self._browse)
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.meshes, 1)
        layout.addWidget(browse)
        return holder

    def _browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of meshes", str(Path.home()))
        if name:
            self.meshes.setText(name)

    def take_next_seed(self) -> None:
        """Move on from a seed that has been simulated in this project already."""
        folder = self._session.project.folder / "scenes"
        if (folder / f"simulated-{self.seed.value()}").exists():
            self.seed.setValue(next(s for s in range(2**20) if not (folder / f"simulated-{s}").exists()))

    def _pixels(self) -> int:
        width, height = (int(side) for side in self.size_choice.value().split("x"))
        return self.frames.value() * width * height

    def _show_cost(self) -> None:
        seconds, space = self._pixels() / _PIXELS_PER_SECOND, self._pixels() * _BYTES_PER_PIXEL
        self._cost.setText(
            f"About {amounts.duration(max(1, seconds))} and {amounts.size(space)} in the project's folder."
        )

    def _start(self) -> None:
        argv = [
            "--frames", str(self.frames.value()), "--patients", str(self.patients.value()),
            "--size", self.size_choice.value(), "--seed", str(self.seed.value()),
        ]  # fmt: skip
        if self.meshes.text().strip():
            argv += ["--meshes", self.meshes.text().strip()]
        self.wanted.emit(argv)
