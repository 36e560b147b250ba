"""What scenes leave open, in the inspector: of plain folders which is which layer and how it is stored, of any layout
what its classes mean and how its geometry is stored; and what the first three frames look like under it, before
anything is added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from studio.files.atomic import write_bytes
from studio.gui.models.background import Background
from studio.gui.pages.scenes_first_frames import FirstFrames
from studio.gui.pages.scenes_mapping_form import ClassRows, MappingForm
from studio.gui.session import Session
from studio.gui.widgets.basics import ElidedLabel, Section, column, holder, inspector, label, row, set_role
from studio.pipeline.scenes import remember_mapping, remembered_mapping
from studio.scenes.first_look import SceneLook
from studio.scenes.folder_guess import Understood, folder_choices, guess_mapping
from studio.scenes.geometry_check import Fault
from studio.scenes.layouts import folders
from studio.scenes.mapping import SceneMapping

_SETTLE_MS = 200
"""Typing pauses this long before the frames are read again."""


class MappingPanel(QWidget):
    """``wanted`` carries the folder to be added and its layout, its mapping being remembered by then; ``left`` puts the
    panel away.
    """

    wanted = Signal(str, str)
    left = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self)
        self._look = SceneLook(Path(), folders.NAME)
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
        self._pause.timeout.connect(self._look_again)
        self.form.changed.connect(self._pause.start)
        self.classes.changed.connect(self._pause.start)
        self.button.clicked.connect(self._add)

    def _build(self) -> None:
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.left)
        self.keep = QPushButton("Save as file…")
        self.keep.setToolTip("What is said here as a mapping file: trocar scenes add PROJECT FOLDER --mapping FILE")
        self.keep.clicked.connect(self._save)
        self._class_section = Section("Classes", self.classes)
        self.title = label("", "heading")
        area = inspector(
            holder(column(self.title, self._name, self.said, holder(self._fixes), self.frames)),
            self._class_section,
            Section("How it is stored", self.form),
        )
        buttons = holder(row(cancel, self.keep, None, self.button), margin=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)

    # -- showing

    def show_folder(self, folder: Path) -> None:
        """Plain folders: begin with what was said about them before, else with a guess."""
        self._begin(SceneLook(folder, folders.NAME), "Plain folders")
        self.form.show_for(plain=True, camera_open=True, one_scene=True)
        self.said.setText("Looking at the folders…")
        kept = remembered_mapping(self._session.project, folder)
        self._background.ask(
            "guess", lambda: (folder, folder_choices(folder), kept if kept.layers else guess_mapping(folder)),
            self._guessed,
        )  # fmt: skip

    def show_scenes(self, look: SceneLook, understood: Understood, said: SceneMapping) -> None:
        """Scenes of a known layout, as they were understood under what was said about them before."""
        self._begin(look, f"Scenes of the layout {look.layout}")
        several = understood.scenes > 1
        self.form.show_for(plain=False, camera_open=look.camera_open, one_scene=not several)
        self.form.show_mapping(said)
        self.classes.table = dict(said.classes)
        if several:
            self.title.setText(f"{self.title.text()}: the first of {understood.scenes}")
        self._take(understood)

    def _begin(self, look: SceneLook, title: str) -> None:
        self._pause.stop()
        self._look = look
        self.title.setText(title)
        self._name.setText(str(look.path))
        self._take(Understood())

    def _guessed(self, found: object) -> None:
        if not isinstance(found, tuple):
            self._say(str(found), "danger")
            return
        folder, choices, mapping = found
        if folder == self._look.path:
            self.form.offer(choices)
            self.form.show_mapping(mapping)
            self.classes.table = dict(mapping.classes)
            self._look_again()

    def mapping(self) -> SceneMapping:
        """What form and class table say now."""
        return self.form.mapping(self.classes.table)

    def _look_again(self) -> None:
        look, mapping = self._look, self.mapping()
        self._background.ask("understand", lambda: look.understand(mapping), lambda found: self._arrived(look, found))

    def _arrived(self, look: SceneLook, found: object) -> None:
        if look is self._look:
            self._take(found if isinstance(found, Understood) else Understood(problems=(str(found),)))

    def _take(self, understood: Understood) -> None:
        self._understood = understood
        self.frames.show_frames(understood)
        plain = self._look.layout == folders.NAME
        self.classes.show_values(understood.values, None if plain else understood.places)
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
            self._say(_sentence("; ".join(filter(None, [understood.note, understood.geometry.found]))), "good")

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
            remember_mapping(self._session.project, self._look.path, self.mapping())
        if outcome.well:
            self.wanted.emit(str(self._look.path), self._look.layout)

    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save the mapping", str(Path.home() / "mapping.json"), "*.json")
        if name:
            path = Path(name).with_suffix(".json")
            with self._session.reporting() as outcome:
                write_bytes(path, json.dumps(json.loads(self.mapping().to_json()), indent=2).encode())
            if outcome.well:
                self._session.say(f"Saved. The same without the window: trocar scenes add PROJECT"
                                  f" {self._look.path} --layout {self._look.layout} --mapping {path}")  # fmt: skip

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
    if entry.startswith("normals_space"):
        flips = entry.split(chr(34))[3]
        return "Normals are in the world's axes" + (f", {' and '.join(flips)} flipped" if flips != "none" else "")
    if entry.startswith("normals_flip"):
        return f"Flip {' and '.join(entry.split(chr(34))[1])} of the normals"
    return _FIXES.get(entry, entry)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else "All is understood."
