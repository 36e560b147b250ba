"""Settings of several runs as a table: what differs comes first, in bold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QApplication

from studio.gui.theme import tokens_of
from studio.pipeline.runs import SettingRow

Index = QModelIndex | QPersistentModelIndex


class RunSettingsModel(QAbstractTableModel):
    """A row a setting, a column a run after the setting's words."""

    def __init__(self, words: Mapping[str, str], tips: Mapping[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words, self._tips = words, tips
        self._names: tuple[str, ...] = ()
        self._rows: tuple[SettingRow, ...] = ()
        self._facts: tuple[SettingRow, ...] = ()

    def show_rows(self, names: Sequence[str], rows: Sequence[SettingRow], facts: Sequence[SettingRow]) -> None:
        """Rows as ``pipeline.runs.setting_rows`` gives them, for runs of these names; ``facts`` is how they went."""
        shown = (tuple(names), tuple(rows), tuple(facts))
        if shown == (self._names, self._rows, self._facts):
            return
        same = shown[:2] == (self._names, self._rows) and len(facts) == len(self._facts)
        if not same:
            self.beginResetModel()
        self._names, self._rows, self._facts = shown
        if not same:
            self.endResetModel()
        elif facts:
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, len(names)))

    def _row(self, place: int) -> tuple[SettingRow, bool]:
        """What differs, how the runs went (True), and what is the same."""
        differing = sum(row.differs for row in self._rows)
        if differing <= place < differing + len(self._facts):
            return self._facts[place - differing], True
        return self._rows[place if place < differing else place - len(self._facts)], False

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._facts) + len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._names) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or section > len(self._names):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._names[section - 1] if section else "Setting"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        (row, fact), column = self._row(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return value_words(row.values[column - 1]) if column else self._words.get(row.name, row.name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips.get(row.name, row.name)
        if role == Qt.ItemDataRole.FontRole and row.differs and not fact:
            font = QFont(QApplication.font())
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and not (fact or row.differs):
            return QColor(tokens_of(QApplication.palette()).muted)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return None


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def value_words(value: object) -> str:
    """A setting's value as the form shows it."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
