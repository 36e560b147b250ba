"""A list of groups (patients, scenes, runs): a name at the left, a figure at the right, a second line in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.gui.theme import UNIT, tokens_of

Index = QModelIndex | QPersistentModelIndex
GROUP_ROLE = Qt.ItemDataRole.UserRole
_ROW, _HIGH_ROW, _INDENT = 32, 48, 14


@dataclass(frozen=True, slots=True)
class Group:
    """``tone`` colours the second line: "", good, warning or danger; ``colour`` is that of its mark while chosen."""

    key: str
    name: str
    figure: str = ""
    detail: str = ""
    tone: str = ""
    tip: str = ""
    colour: str = ""
    level: int = 0
    """1 for one that belongs to the one above."""


class GroupModel(QAbstractListModel):
    """Groups in their order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._groups: Sequence[Group] = ()

    def set_groups(self, groups: Sequence[Group]) -> None:
        """Replace all; when only figures differ, the selection stays, and so does what is being typed."""
        before = self._groups
        if [g.key for g in groups] == [g.key for g in before]:
            self._groups = groups
            for row in (r for r, group in enumerate(groups) if group != before[r]):
                self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._groups = groups
        self.endResetModel()

    def group(self, row: int) -> Group:
        return self._groups[row]

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._groups)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        group = self._groups[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return group.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return group.tip or group.detail or group.name
        if role == GROUP_ROLE:
            return group
        return None


class RenamableModel(GroupModel):
    """Groups whose name can be typed over. It is a wish: the catalogue has the last word on it."""

    rename_wanted = Signal(str, str)
    """The name as it is, and as it should be."""

    def can_rename(self, index: Index) -> bool:
        return index.isValid()

    def flags(self, index: Index) -> Qt.ItemFlag:
        editable = index.isValid() and self.can_rename(index)
        return super().flags(index) | (Qt.ItemFlag.ItemIsEditable if editable else Qt.ItemFlag.NoItemFlags)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return super().data(index, Qt.ItemDataRole.DisplayRole if role == Qt.ItemDataRole.EditRole else role)

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        name, text = self.group(index.row()).name, str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not text or text == name:
            return False
        self.rename_wanted.emit(name, text)
        return True


class _GroupDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        group = index.data(GROUP_ROLE)
        return QSize(120, _HIGH_ROW if isinstance(group, Group) and group.detail else _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        group = index.data(GROUP_ROLE)
        if not isinstance(group, Group):
            return
        colours = tokens_of(option.palette)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(colours.hover))
            mark = option.rect.adjusted(0, 0, 0, 0)
            mark.setWidth(3)
            painter.fillRect(mark, QColor(group.colour or colours.accent))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(colours.raised))
        room = option.rect.adjusted(UNIT + 6 + _INDENT * group.level, 0, -UNIT - 4, 0)
        metrics = painter.fontMetrics()
        figure_width = metrics.horizontalAdvance(group.figure) + (UNIT if group.figure else 0)
        top = room.adjusted(0, 6, 0, 0) if group.detail else room
        align = Qt.AlignmentFlag.AlignTop if group.detail else Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colours.muted))
        painter.drawText(top, align | Qt.AlignmentFlag.AlignRight, group.figure)
        painter.setPen(QColor(colours.text))
        name = metrics.elidedText(group.name, Qt.TextElideMode.ElideMiddle, room.width() - figure_width)
        painter.drawText(top, align | Qt.AlignmentFlag.AlignLeft, name)
        if group.detail:
            font = painter.font()
            font.setPixelSize(11)
            painter.setFont(font)
            tones = {"good": colours.good, "warning": colours.warning, "danger": colours.danger}
            painter.setPen(QColor(tones.get(group.tone, colours.faint)))
            words = painter.fontMetrics().elidedText(group.detail, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(
                room.adjusted(0, 0, 0, -7), Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, words
            )
        painter.restore()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        """Over the name, in a row of its own height."""
        height = min(option.rect.height(), editor.sizeHint().height())
        editor.setGeometry(option.rect.left() + 4, option.rect.top() + 2, option.rect.width() - 8, height)


class GroupList(QListView):
    """Shows a GroupModel; one group is chosen at a time."""

    def __init__(self, model: GroupModel, name: str) -> None:
        super().__init__()
        self._groups = model
        self.setModel(model)
        self.setItemDelegate(_GroupDelegate(self))
        self.setMouseTracking(True)
        self.setAccessibleName(name)
        self.setProperty("role", "groups")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def chosen(self) -> str:
        """Key of the chosen group, or ""."""
        index = self.currentIndex()
        return self._groups.group(index.row()).key if index.isValid() else ""

    def choose(self, key: str) -> None:
        """Choose a group by key; the first one when there is none of that key."""
        rows = range(self._groups.rowCount())
        if not rows:
            return
        at = next((r for r in rows if self._groups.group(r).key == key), 0)
        self.setCurrentIndex(self._groups.index(at))
