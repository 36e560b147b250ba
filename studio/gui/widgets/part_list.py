"""The parts of a simulated body, each of which can be left out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QCheckBox, QPushButton, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, label, row
from studio.vocabulary.labels import ClassTable

_TROCARS = {
    "instrument 1": ("epigastric", "below the breastbone"),
    "instrument 2": ("right subcostal", "below the right ribs"),
    "instrument 3": ("right flank", "in the right flank"),
    "instrument 4": ("left", "on the left side"),
}
_SWATCH = 12


class PartList(QWidget):
    """``changed`` carries the names of the parts that a person wants left out, in the list's order."""

    changed = Signal(tuple)

    def __init__(self, parts: Sequence[str], classes: ClassTable) -> None:
        super().__init__()
        self._boxes = {name: _box(name, classes) for name in parts}
        self.everything = QPushButton("Show all")
        self.everything.setProperty("role", "quiet")
        self.everything.setToolTip("Leave nothing out of the preview and of what is simulated")
        self.everything.clicked.connect(lambda: self._want(()))
        for box in self._boxes.values():
            box.clicked.connect(lambda _on: self._want(self.left_out()))
        words = label("Parts without a check are missing here and in what is simulated: labels, depth and normals show"
                      " what lies behind.", "small", wrap=True)  # fmt: skip
        words.setMinimumWidth(1)  # wraps to the room there is
        layout = column(label("Anatomy", "heading"), *self._boxes.values(), spacing=UNIT // 2)
        layout.addSpacing(UNIT // 2)
        layout.addWidget(words)
        layout.addLayout(row(self.everything, None))
        self._files = label("Mesh files", "heading")
        self._notes = label("", "small", wrap=True, selectable=True)
        self._notes.setMinimumWidth(1)
        self._notes.setToolTip("What was mended in the files and what was assumed of them; an anatomy file (TOML) can"
                               " say otherwise. The same lines are kept in the set's scene.json")  # fmt: skip
        layout.addSpacing(UNIT)
        layout.addWidget(self._files)
        layout.addWidget(self._notes)
        self.set_notes(())
        layout.addStretch(1)
        layout.setContentsMargins(2 * UNIT, UNIT, UNIT, UNIT)
        self.setLayout(layout)
        self.set_left_out(())

    def left_out(self) -> tuple[str, ...]:
        return tuple(name for name, box in self._boxes.items() if not box.isChecked())

    def set_left_out(self, names: Sequence[str]) -> None:
        """Show this; nothing is emitted."""
        for name, box in self._boxes.items():
            box.setChecked(name not in names)
        self.everything.setEnabled(bool(names))

    def set_present(self, names: Sequence[str]) -> None:
        """Parts that the body in hand does not have can't be chosen."""
        for name, box in self._boxes.items():
            box.setEnabled(name in names)

    def set_notes(self, notes: Sequence[str]) -> None:
        """What is to be said of the body's mesh files; nothing is shown where that is nothing."""
        self._notes.setText("\n\n".join(notes))
        self._files.setVisible(bool(notes))
        self._notes.setVisible(bool(notes))

    def _want(self, names: tuple[str, ...]) -> None:
        self.set_left_out(names)
        self.changed.emit(names)


def _box(name: str, classes: ClassTable) -> QCheckBox:
    place, trocar = _TROCARS.get(name, ("", ""))
    box = QCheckBox(f"{name}, {place}" if place else name)
    colour = classes.by_name("tool shaft" if trocar else name).colour
    box.setIcon(_swatch(QColor(*colour)))
    what = f"the instrument that comes in {trocar}" if trocar else name
    box.setToolTip(f"Without the check, {what} is left out of the preview and of every simulated frame")
    box.setAccessibleName(f"Show {name}")
    return box


def _swatch(colour: QColor) -> QIcon:
    picture = QPixmap(2 * _SWATCH, 2 * _SWATCH)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(0, 0, _SWATCH, _SWATCH, 3, 3)
    painter.end()
    return QIcon(picture)
