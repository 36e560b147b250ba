"""Plain folders in the inspector: which folder is which layer, how it is stored, what its values mean, and what the
first three frames look like under it. Everything is shown before anything is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from studio.gui.models.background import Background
from studio.gui.pages.scenes_first_frames import FirstFrames
from studio.gui.pages.scenes_mapping_form import ClassRows, MappingForm
from studio.gui.session import Session
from studio.gui.widgets.basics import ElidedLabel, Section, holder, inspector, label, row, set_role
from studio.pipeline.scenes import remember_mapping, remembered_mapping
from studio.scenes.folder_guess import Understood, folder_choices, guess_mapping, understand
from studio.scenes.geometry_check import Fault
from studio.scenes.mapping import SceneMapping

_SETTLE_MS = 200
"""Typing pauses this long before the frames are read again."""


class MappingPanel(QWidget):
    """``wanted`` carries the folder to be added, its mapping being remembered by then; ``left`` puts the panel away."""

    wanted = Signal(str)
    left = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self)
        self._folder = Path()
        self._understood = Understood()
        self.form = MappingForm()
        self.classes = ClassRows()
        self.frames = FirstFrames()
        self.said = label("", "small", wrap=True)
        self.button = QPushButton("Add scenes")
        self.button.setProperty("role", "primary")
        self._fixes = QVBoxLayout()
        self._name = ElidedLabel("", "muted", Qt.TextElideMode.ElideLeft)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_SETTLE_MS)
        self._build()
        self._pause.timeout.connect(self._look)
        self.form.changed.connect(self._pause.start)
        self.classes.changed.connect(self._pause.start)
        self.button.clicked.connect(self._add)

    def _build(self) -> None:
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.left)
        self._class_section = Section("Classes", self.classes)
        area = inspector(
            Section("Plain folders", self._name, self.said, holder(self._fixes), self.frames),
            self._class_section,
            Section("Layers", self.form),
        )
        buttons = holder(row(cancel, self.button), margin=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)

    # -- showing

    def show_folder(self, folder: Path) -> None:
        """Begin with what was said about the folder before, else with a guess."""
        self._folder = folder
        self._name.setText(str(folder))
        self._take(Understood())
        self.said.setText("Looking at the folders…")
        kept = remembered_mapping(self._session.project, folder)
        self._background.ask(
            "guess", lambda: (folder, folder_choices(folder), kept if kept.layers else guess_mapping(folder)),
            self._guessed,
        )  # fmt: skip

    def _guessed(self, found: object) -> None:
        if not isinstance(found, tuple):
            self._say(str(found), "danger")
            return
        folder, choices, mapping = found
        if folder == self._folder:
            self.form.offer(choices)
            self.form.show_mapping(mapping)
            self.classes.table = dict(mapping.classes)
            self._look()

    def mapping(self) -> SceneMapping:
        """What form and class table say now."""
        return self.form.mapping(self.classes.table)

    def _look(self) -> None:
        folder, mapping = self._folder, self.mapping()
        self._background.ask("understand", lambda: understand(folder, mapping), self._arrived)

    def _arrived(self, understood: object) -> None:
        self._take(understood if isinstance(understood, Understood) else Understood(problems=(str(understood),)))

    def _take(self, understood: Understood) -> None:
        self._understood = understood
        self.frames.show_frames(understood)
        self.classes.show_values(understood.values)
        self._class_section.setVisible(bool(understood.values))
        self.button.setEnabled(understood.complete)
        self._offer_fixes(understood.geometry.faults)
        if understood.problems:
            self._say(understood.problems[0], "danger")
        elif understood.geometry.faults:
            self._say(_sentence("; ".join(fault.what for fault in understood.geometry.faults)), "warning")
        elif understood.unknown:
            self._say(f"Choose a class for {', '.join(understood.unknown[:6])}.", "warning")
        else:
            self._say(_sentence(understood.geometry.found), "good")

    def _say(self, words: str, role: str) -> None:
        self.said.setText(words)
        set_role(self.said, role)

    def _offer_fixes(self, faults: Sequence[Fault]) -> None:
        """A button for each change that is proposed; none is made without it."""
        while (item := self._fixes.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for fault in faults:
            if fault.entry:
                button = QPushButton(_in_words(fault.entry))
                button.clicked.connect(lambda _checked=False, entry=fault.entry: self._apply(entry))
                self._fixes.addWidget(button)

    # -- doing

    def _apply(self, entry: str) -> None:
        self.form.take_geometry(SceneMapping.from_toml(f"geometry = {{{entry}}}").geometry)

    def _add(self) -> None:
        with self._session.reporting() as outcome:
            remember_mapping(self._session.project, self._folder, self.mapping())
        if outcome.well:
            self.wanted.emit(str(self._folder))

    def close_threads(self) -> None:
        self._pause.stop()
        self._background.forget()


_FIXES: Mapping[str, str] = {
    'depth_kind = "ray"': "Depth runs along the ray",
    'depth_kind = "planar"': "Depth is planar z",
    "scale = 1000": "Lengths are metres",
    "scale = 10": "Lengths are centimetres",
    "scale = 0.001": "Lengths are micrometres",
    "scale = 1": "The distances are right",
}


def _in_words(entry: str) -> str:
    if entry.startswith("normals_flip"):
        return f"Flip {' and '.join(entry.split(chr(34))[1])} of the normals"
    return _FIXES.get(entry, entry)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else "All is understood."
