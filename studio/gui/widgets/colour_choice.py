"""A class' colour, chosen in place: swatches that the colour-blind can tell apart, or a colour as #rrggbb."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QApplication, QColorDialog, QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from studio.gui.theme import UNIT
from studio.gui.widgets.basics import column, label, row
from studio.vocabulary.colour_vision import Colour, colour_of, hex_of
from studio.vocabulary.errors import InputError

SAFE_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#f4f4f4")
"""Okabe and Ito (2008) with white in the place of black, which can't be seen over dark pictures."""
_HINT = "Right click a class to change its colour."


class ColourChoice(QWidget):
    """``colour_wanted(name, colour)``: the class and its colour (red, green, blue), None for its own."""

    colour_wanted = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._colour: Colour = (0, 0, 0)
        self.title = label(_HINT, "small")
        self.swatches = [self._swatch(text) for text in SAFE_COLOURS]
        self.text = QLineEdit()
        self.text.setFixedWidth(10 * UNIT)
        self.text.setMaxLength(7)
        self.text.setToolTip("The colour as #rrggbb; overlays, exports and reports show the class in it")
        self.text.setAccessibleName("Colour as #rrggbb")
        self.text.returnPressed.connect(self._take_text)
        self.own, self.more = QPushButton("Its own"), QPushButton("More…")
        self.own.setToolTip("The colour that the data set gives the class")
        self.more.setToolTip("Choose among all colours; overlays, exports and reports show the class in it")
        self.own.clicked.connect(lambda: self.colour_wanted.emit(self._name, None))
        self.more.clicked.connect(self._ask)
        for button in (self.own, self.more):
            button.setProperty("role", "quiet")
        lines = column(self.title, spacing=UNIT // 2)
        lines.addLayout(row(*self.swatches, None, spacing=2))
        lines.addLayout(row(self.text, self.own, self.more, None, spacing=UNIT // 2))
        self.setLayout(lines)
        self._enable(False)

    def _swatch(self, text: str) -> QToolButton:
        button = QToolButton()
        picture = QPixmap(16, 16)
        picture.fill(QColor(text))
        button.setIcon(QIcon(picture))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(f"{text}: one of eight that the colour-blind can tell apart")
        button.setAccessibleName(f"Colour {text}")
        button.clicked.connect(lambda: self.colour_wanted.emit(self._name, colour_of(text)))
        return button

    @property
    def name(self) -> str:
        """The class in hand; "" while there is none."""
        return self._name

    def show_class(self, name: str, colour: Colour) -> None:
        """Offer colours for this class; ``colour`` is the one that it has."""
        self._name, self._colour = name, colour
        self.title.setText(self.fontMetrics().elidedText(f"Colour of {name}", Qt.TextElideMode.ElideMiddle, 30 * UNIT))
        self.text.setText(hex_of(colour))
        self._enable(True)

    def clear(self) -> None:
        """The class is not there any more."""
        self._name = ""
        self.title.setText(_HINT)
        self.text.clear()
        self._enable(False)

    def _enable(self, on: bool) -> None:
        for widget in (*self.swatches, self.text, self.own, self.more):
            widget.setEnabled(on)

    def _take_text(self) -> None:
        typed = self.text.text().strip()
        try:
            colour = colour_of(typed if typed.startswith("#") else f"#{typed}")
        except InputError:
            self.title.setText(f"“{typed}” is no colour: write #rrggbb, such as #d55e00.")
        else:
            self.colour_wanted.emit(self._name, colour)

    def _ask(self) -> None:
        window = self.window()
        if isinstance(window, QMenu):  # an open menu would keep the mouse from the dialog
            window.close()
        chosen = QColorDialog.getColor(QColor(*self._colour), QApplication.activeWindow(), f"Colour of {self._name}")
        if chosen.isValid():
            self.colour_wanted.emit(self._name, (chosen.red(), chosen.green(), chosen.blue()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter ends typing; it must not reach the menu that this lies in, which would close."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
