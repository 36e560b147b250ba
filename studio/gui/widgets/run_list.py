"""The list of runs: one is looked at, several are compared, F2 renames in place, a bar below acts on the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QMenu, QWidget

from studio.gui.models.groups import GroupList, RenamableModel

RUN_COLOURS = ("#56b4e9", "#e69f00", "#2fb491", "#cc79a7")
"""Of the runs that are compared, the oldest first: after Okabe & Ito, told apart by the colour-blind, too."""


class RunModel(RenamableModel):
    """Runs by name, which is their key."""


class RunList(GroupList):
    """``selected`` runs are shown together; ``chosen`` is the one that actions mean."""

    selection_changed = Signal()

    def __init__(self, model: RunModel) -> None:
        super().__init__(model, "Runs")
        self._quiet = False
        self.menu = QMenu(self)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.selectionModel().selectionChanged.connect(lambda *_: self._selected())

    def _selected(self) -> None:
        if not self._quiet:
            self.selection_changed.emit()

    def names(self) -> list[str]:
        """All runs, in the order of the list."""
        return [self._groups.group(row).key for row in range(self._groups.rowCount())]

    def selected(self) -> list[str]:
        """Names of the selected runs, the oldest first."""
        rows = sorted((i.row() for i in self.selectionModel().selectedRows()), reverse=True)
        return [self._groups.group(row).key for row in rows]

    def select(self, names: Sequence[str], chosen: str) -> None:
        """Select runs; the chosen one, or the first of the list, is always among them."""
        rows = {name: row for row, name in enumerate(self.names())}
        if not rows:
            return
        chosen = chosen if chosen in rows else next(iter(rows))
        flags = QItemSelectionModel.SelectionFlag
        self._quiet = True
        model = self.selectionModel()
        model.setCurrentIndex(self._groups.index(rows[chosen]), flags.ClearAndSelect)
        for name in names:
            if name in rows:
                model.select(self._groups.index(rows[name]), flags.Select)
        self._quiet = False
        self.selection_changed.emit()

    def choose(self, key: str) -> None:
        """Look at one run alone."""
        self.select([key], key)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.setFocus()  # the list was filled anew meanwhile, and the focus has gone elsewhere

    def rename(self) -> None:
        """Open the field over the chosen run's name."""
        if self.currentIndex().isValid():
            self.edit(self.currentIndex())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.currentIndex().isValid():
            place = event.globalPos()
            if event.reason() == QContextMenuEvent.Reason.Keyboard:
                place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
            self.menu.popup(place)
