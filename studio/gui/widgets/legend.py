"""The classes of a data set with their colours, each of which can be hidden in every picture at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QPushButton, QScrollArea, QWidget

from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import column, holder, label, row
from studio.gui.widgets.colour_choice import ColourChoice
from studio.gui.widgets.layer_ink import VOID
from studio.vocabulary.colour_vision import Alike, alike
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable, LabelClass

_WIDEST, _TALLEST = 280, 420
"""Px that a row takes at most, and the rows together before they scroll."""
_PAIRS_SAID = 3


class ClassChip(QAbstractButton):
    """One class: a swatch and its name; checked = drawn. A double click shows this one alone, a right click
    offers other colours below the list."""

    alone_wanted = Signal(int)
    other_colour_wanted = Signal(int)

    def __init__(self, known: LabelClass) -> None:
        super().__init__()
        self.class_id = known.id
        self._colour = QColor(*known.colour)
        self._present = True
        self.setText(known.name)
        self.setCheckable(True)
        self.setChecked(True)
        self.setToolTip(
            f"Show or hide {known.name} in the overlay; the labels stay as they are. Double click: only this. "
            "Right click: its colour in this project"
        )
        self.setAccessibleName(f"Show {known.name}")

    def set_present(self, present: bool) -> None:
        """Whether the picture in hand shows the class; the others are written fainter."""
        if present != self._present:
            self._present = present
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(min(_WIDEST, self.fontMetrics().horizontalAdvance(self.text()) + 36), 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = tokens_of(self.palette())
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        swatch = QRectF(8, (self.height() - 12) / 2, 12, 12)
        painter.setPen(QPen(self._colour, 1.4))
        painter.setBrush(self._colour if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(swatch, 3, 3)
        drawn = self.isChecked() and self._present
        painter.setPen(QColor(colours.text if drawn else colours.muted if self._present else colours.faint))
        room = self.rect().adjusted(28, 0, -4, 0)
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.alone_wanted.emit(self.class_id)

    @property
    def colour(self) -> tuple[int, int, int]:
        return self._colour.red(), self._colour.green(), self._colour.blue()

    def set_colour(self, colour: tuple[int, int, int]) -> None:
        self._colour = QColor(*colour)
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.other_colour_wanted.emit(self.class_id)


class ClassLegend(QWidget):
    """``hidden_changed`` carries the frozenset of ids that are not to be drawn. Void has no row: it is never drawn.
    ``colour_wanted(name, colour)``: a class is to have a colour (red, green, blue), None for its own."""

    hidden_changed = Signal(object)
    colour_wanted = Signal(str, object)

    def __init__(self, classes: ClassTable = STUDIO_CLASSES) -> None:
        super().__init__()
        self.classes = classes
        self._chips: list[ClassChip] = []
        self._list = column(spacing=0)
        everything, nothing = QPushButton("All"), QPushButton("None")
        for button, drawn in ((everything, True), (nothing, False)):
            button.setProperty("role", "quiet")
            button.setToolTip(f"{'Show' if drawn else 'Hide'} every class in the overlay")
        everything.clicked.connect(lambda: self._set_all(True))
        nothing.clicked.connect(lambda: self._set_all(False))
        self._rows = QScrollArea()
        self._rows.setWidgetResizable(True)
        self._rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows.setWidget(holder(self._list))
        self._alike = label("", "warning", wrap=True)
        self._alike.setMaximumWidth(_WIDEST)
        outer = column(spacing=UNIT // 2)
        outer.addWidget(self._rows)
        outer.addLayout(row(everything, nothing, None))
        outer.addWidget(self._alike)
        self.choice = ColourChoice()
        self.choice.colour_wanted.connect(self.colour_wanted)
        outer.addWidget(self.choice)
        self.setLayout(outer)
        self.set_classes(classes)

    def set_classes(self, classes: ClassTable) -> None:
        """Another data set, or other colours; what was hidden stays hidden where ids are the same."""
        if classes == self.classes and self._chips:
            return
        self.classes = classes
        self._warn(alike(classes))
        shown = [c for c in classes if c.id != VOID]
        if [(c.class_id, c.text()) for c in self._chips] == [(c.id, c.name) for c in shown]:
            for chip, known in zip(self._chips, shown, strict=True):
                chip.set_colour(known.colour)
            self._show_choice(self.choice.name)
            return
        hidden = self.hidden()
        for chip in self._chips:
            self._list.removeWidget(chip)
            chip.deleteLater()
        self._chips = []
        self.choice.clear()
        for known in classes:
            if known.id != VOID:
                self._add(known, drawn=known.id not in hidden)
        wanted = self._list.sizeHint()
        self._rows.setFixedHeight(min(_TALLEST, wanted.height()))
        self._rows.setMinimumWidth(wanted.width() + (UNIT * 2 if wanted.height() > _TALLEST else 0))

    @property
    def warning(self) -> str:
        """Which classes some people can hardly tell apart; empty where there are none."""
        return self._alike.text()

    def _warn(self, pairs: Sequence[Alike]) -> None:
        lines = [f"{p.first} and {p.second} look alike to {p.viewers}." for p in pairs[:_PAIRS_SAID]]
        if len(pairs) > _PAIRS_SAID:
            lines.append(f"{len(pairs) - _PAIRS_SAID} more pairs do.")
        self._alike.setText("\n".join(lines))
        self._alike.setVisible(bool(pairs))

    def _add(self, known: LabelClass, *, drawn: bool) -> None:
        chip = ClassChip(known)
        chip.setChecked(drawn)
        chip.toggled.connect(lambda _on: self.hidden_changed.emit(self.hidden()))
        chip.alone_wanted.connect(self._show_alone)
        chip.other_colour_wanted.connect(lambda _id: self._show_choice(known.name))
        self._chips.append(chip)
        self._list.addWidget(chip)

    def _show_choice(self, name: str) -> None:
        for chip in self._chips:
            if chip.text() == name:
                self.choice.show_class(name, chip.colour)

    def hidden(self) -> frozenset[int]:
        """Ids that are not drawn."""
        return frozenset(c.class_id for c in self._chips if not c.isChecked())

    def set_present(self, class_ids: Collection[int]) -> None:
        """Mark the classes that the picture in hand shows."""
        for chip in self._chips:
            chip.set_present(chip.class_id in class_ids)

    def _show_alone(self, class_id: int) -> None:
        self._set({c.class_id for c in self._chips} - {class_id})

    def _set_all(self, drawn: bool) -> None:
        self._set(set() if drawn else {c.class_id for c in self._chips})

    def _set(self, hidden: set[int]) -> None:
        before = self.hidden()
        for chip in self._chips:
            chip.blockSignals(True)
            chip.setChecked(chip.class_id not in hidden)
            chip.blockSignals(False)
            chip.update()
        if self.hidden() != before:
            self.hidden_changed.emit(self.hidden())
