"""The few building blocks of every page: texts by role, headers, cards, empty states, bars of figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.gui.icons import pixmap
from studio.gui.theme import UNIT, tokens_of

_BREAK = "\u200b"
"""A place where a line may end, of no width."""
_LONGEST_PART = 18
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_PART + 1},}}")
_LEAST_TEXT, _LEAST_NAME = 120, 150
"""Px that wrapped words and the names of figures take at least, where they have so much to say."""


def label(text: str = "", role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """Plain text in one of the stylesheet's roles: title, heading, strong, muted, faint, small, figure, tag, …"""
    made = WrappedLabel(text) if wrap else QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


class WrappedLabel(QLabel):
    """Words in as many lines as they need, which begin at the left in every script. A long name without blanks is
    parted at its marks and never makes the window wider; it is copied as it is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._words = ""
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter)
        self.setText(text)

    def text(self) -> str:
        return self._words

    def setText(self, text: str) -> None:
        self._words = text
        super().setText(_LONG_WORD.sub(_with_breaks, text))

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(_LEAST_TEXT, hint.width()), hint.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self.hasSelectedText():
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.hasSelectedText():
            menu = QMenu(self)
            menu.addAction("Copy", self._copy)
            menu.exec(event.globalPos())
            menu.deleteLater()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.selectedText().replace(_BREAK, ""))


def _with_breaks(word: re.Match[str]) -> str:
    """The word with places where a line may end: after marks, and every so many letters."""
    parted = re.sub(r"([-_./\\:])", rf"\1{_BREAK}", word[0])
    return re.sub(rf"([^{_BREAK}]{{{_LONGEST_PART}}})", rf"\1{_BREAK}", parted)


class ElidedLabel(QLabel):
    """One line that is cut to the room there is, whole in its tooltip."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__(text)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(24)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        room = self.contentsRect()
        words = painter.fontMetrics().elidedText(self.text(), self._mode, room.width())
        painter.drawText(room, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), words)


def paragraph(text: str, role: str, width: int) -> QLabel:
    """Wrapped text of a fixed width that is as high as it has to be."""
    made = label(text, role, wrap=True)
    made.ensurePolished()
    made.setFixedWidth(width)
    made.setMinimumHeight(made.heightForWidth(width))
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role and let the stylesheet follow."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def row(*items: QWidget | None, spacing: int = UNIT) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def column(*items: QWidget | None, spacing: int = UNIT) -> QVBoxLayout:
    """Widgets one below the other; None is a stretch."""
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def _fill(layout: QHBoxLayout | QVBoxLayout, items: Sequence[QWidget | None]) -> None:
    for item in items:
        if item is None:
            layout.addStretch(1)
        else:
            layout.addWidget(item)


def line() -> QFrame:
    """A hairline."""
    frame = QFrame()
    frame.setProperty("role", "line")
    return frame


def holder(layout: QLayout, role: str = "plain", *, margin: int = 0) -> QWidget:
    """A widget around a layout."""
    widget = QWidget()
    widget.setProperty("role", role)
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, role != "plain")
    layout.setContentsMargins(margin, margin, margin, margin)
    widget.setLayout(layout)
    return widget


def scrolled(widget: QWidget) -> QScrollArea:
    """A widget that scrolls up and down when there is too little room, never sideways."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.viewport().setAutoFillBackground(False)
    return area


class PageHeader(QWidget):
    """The top of a page: title, a line of facts, and its buttons at the right."""

    def __init__(self, title: str, *buttons: QWidget) -> None:
        super().__init__()
        self._facts = ElidedLabel("", "muted")
        layout = row(label(title, "title"), self._facts, *buttons)
        layout.setStretch(1, 1)
        layout.setContentsMargins(2 * UNIT, UNIT + 4, 2 * UNIT, UNIT + 4)
        layout.setSpacing(UNIT)
        layout.insertSpacing(1, UNIT)
        self.setLayout(layout)
        self.setFixedHeight(56)

    def set_facts(self, *facts: str) -> None:
        """Short facts, set apart by dots."""
        self._facts.setText("   ·   ".join(f for f in facts if f))


class EmptyState(QWidget):
    """What a page shows while it has nothing: what it is for, what to do next, and the buttons to do it."""

    def __init__(self, icon_name: str, title: str, text: str, *buttons: QWidget) -> None:
        super().__init__()
        self._icon_name = icon_name
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words = paragraph(text, "muted", 440)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        heading = label(title, "title")
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inner = column(self._picture, heading, words, spacing=UNIT)
        inner.addSpacing(UNIT)
        inner.addLayout(row(None, *buttons, None))
        inner.setAlignment(words, Qt.AlignmentFlag.AlignHCenter)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(inner)
        outer.addStretch(3)

    def changeEvent(self, event: object) -> None:
        self._draw()

    def showEvent(self, event: object) -> None:
        self._draw()

    def _draw(self) -> None:
        self._picture.setPixmap(pixmap(self._icon_name, 56, tokens_of(self.palette()).faint))


class Figures(QWidget):
    """Rows of name, value and unit; values right-aligned, so that they can be compared at a glance."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(UNIT // 2)
        self._grid.setColumnStretch(0, 1)
        self._cells: list[tuple[QLabel, QLabel, QLabel]] = []

    def show_rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Replace what is shown by (name, value, unit)."""
        while len(self._cells) < len(rows):
            made = (ElidedLabel("", "muted"), label("", selectable=True), label("", "faint"))
            made[1].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, cell in enumerate(made):
                self._grid.addWidget(cell, len(self._cells), place)
            self._cells.append(made)
        for index, cells in enumerate(self._cells):
            for cell, text in zip(cells, rows[index] if index < len(rows) else ("", "", ""), strict=True):
                cell.setText(text)
                cell.setVisible(index < len(rows))
            name = cells[0].fontMetrics().horizontalAdvance(cells[0].text()) + 2
            cells[0].setMinimumWidth(min(_LEAST_NAME, name))


class Section(QWidget):
    """A heading and what belongs to it, for inspectors and forms."""

    def __init__(self, title: str, *items: QWidget) -> None:
        super().__init__()
        self._title = label(title, "heading")
        self.setLayout(column(self._title, *items))

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def add(self, item: QWidget) -> None:
        layout = self.layout()
        if layout is not None:
            layout.addWidget(item)


class InspectorArea(QScrollArea):
    """Scrolls up and down only, and is never narrower than what it holds."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self._inner = inner
        self.setProperty("role", "inspector")
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)

    def minimumSizeHint(self) -> QSize:
        inner = self._inner
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(max(264, inner.minimumSizeHint().width() + bar), 160)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()


def inspector(*sections: QWidget) -> InspectorArea:
    """The scrolling column of an inspector."""
    layout = column(*sections, spacing=3 * UNIT)
    layout.addStretch(1)
    inner = holder(layout)
    layout.setContentsMargins(2 * UNIT, 2 * UNIT, UNIT, 2 * UNIT)
    return InspectorArea(inner)


def is_dark(widget: QWidget) -> bool:
    return widget.palette().color(QPalette.ColorRole.Window).lightness() < 128


def scaled(picture: QPixmap, size: QSize) -> QPixmap:
    """A picture fitted into a size, its proportions kept."""
    return picture.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
