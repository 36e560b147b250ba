"""The bar below a grid of pictures: which of them are shown, how many there are, and how large."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSlider, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label
from studio.gui.widgets.picture_list import PictureList


class ShowBar(QWidget):
    """Emits ``changed`` when another choice is made; it sizes the grid itself."""

    changed = Signal()

    def __init__(self, choices: Sequence[tuple[str, str]], grid: PictureList, *extra: QWidget) -> None:
        super().__init__()
        self.chosen = choices[0][0] if choices else ""
        self._count = label("", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(UNIT, 4, 2 * UNIT, 4)
        layout.setSpacing(4)
        group = QButtonGroup(self)
        for value, words in choices:
            button = QPushButton(words)
            button.setProperty("role", "quiet")
            button.setCheckable(True)
            button.setChecked(value == self.chosen)
            button.clicked.connect(lambda _checked=False, chosen=value: self._choose(chosen))
            group.addButton(button)
            layout.addWidget(button)
        layout.addSpacing(UNIT)
        layout.addWidget(self._count)
        layout.addStretch(1)
        for widget in extra:
            widget.setProperty("role", "quiet")
            layout.addWidget(widget)
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(96, 400)
        slider.setValue(168)
        slider.setFixedWidth(120)
        slider.setToolTip("Size of the pictures")
        slider.setAccessibleName("Size of the pictures")
        slider.valueChanged.connect(grid.set_cell_width)
        layout.addWidget(slider)

    def _choose(self, value: str) -> None:
        self.chosen = value
        self.changed.emit()

    def set_count(self, words: str) -> None:
        self._count.setText(words)
