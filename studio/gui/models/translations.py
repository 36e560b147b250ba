"""Hundreds of thousands of translations as a list: ids at once, records by the page, thumbnails as they are seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from studio.files.pictures import read_rgb
from studio.gui.models.background import Background
from studio.gui.models.catalogue_reader import in_words
from studio.gui.models.pictures import qimage, thumbnail
from studio.project.project import Project
from studio.project.records import TranslationRecord

Index = QModelIndex | QPersistentModelIndex
RECORD_ROLE = Qt.ItemDataRole.UserRole
PAGE = 64
_RECORDS_KEPT = 4096
_PIXMAPS_KEPT = 600


class TranslationsModel(QAbstractListModel):
    """``RECORD_ROLE`` gives the TranslationRecord of a row, or None when it is gone."""

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._ids: Sequence[int] = ()
        self._rows: dict[int, int] = {}
        self._records: OrderedDict[int, TranslationRecord | None] = OrderedDict()
        self._pixmaps: OrderedDict[int, tuple[str, QPixmap]] = OrderedDict()
        self._background = Background(self, threads=2, depth=200)

    @property
    def ids(self) -> Sequence[int]:
        return self._ids

    def set_ids(self, ids: Sequence[int]) -> None:
        """Show other translations. The same ones in the same order are only painted again."""
        self._records.clear()
        if ids == self._ids:
            self._emit_all()
            return
        self.beginResetModel()
        self._ids = ids
        self._rows = {}
        self.endResetModel()

    def row_of(self, translation_id: int) -> int:
        """The row of a translation, or -1."""
        if len(self._rows) != len(self._ids):
            self._rows = {i: row for row, i in enumerate(self._ids)}
        return self._rows.get(translation_id, -1)

    def changed(self, ids: Collection[int]) -> None:
        """These records are other ones now (all of them when none is named)."""
        if not ids:
            self._records.clear()
            self._emit_all()
            return
        for translation_id in ids:
            self._records.pop(translation_id, None)
        if len(ids) > PAGE:
            self._emit_all()
            return
        for translation_id in ids:
            row = self.row_of(translation_id)
            if row >= 0:
                self.dataChanged.emit(self.index(row), self.index(row))

    def _emit_all(self) -> None:
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._ids):
            return None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, RECORD_ROLE):
            return None
        record = self.record(index.row())
        if role == RECORD_ROLE or record is None:
            return record
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{record.patient}  {record.frame_name}  {record.style}"
        return in_words(record)

    def record(self, row: int) -> TranslationRecord | None:
        """The record of a row, fetched with those around it; None when it is gone."""
        translation_id = self._ids[row]
        if translation_id not in self._records:
            start = row - row % PAGE
            page = [i for i in self._ids[start : start + PAGE] if i not in self._records]
            self._records.update(dict.fromkeys(page))  # what is gone is not asked for again
            for record in self._project.translations.some(page):
                self._records[record.id] = record
            while len(self._records) > _RECORDS_KEPT:
                self._records.popitem(last=False)
        return self._records[translation_id]

    def pixmap(self, record: TranslationRecord) -> QPixmap | None:
        """The thumbnail, or None while it is being made."""
        key = f"translation {record.path} {record.fingerprint} {record.code}"
        found = self._pixmaps.get(record.id)
        if found is not None and found[0] == key:
            self._pixmaps.move_to_end(record.id)
            return found[1]
        if not self._background.is_asked(record.id):
            cache = self._project.cache / "thumbnails"
            self._background.ask(
                record.id,
                lambda: qimage(thumbnail(key, lambda: read_rgb(record.path), cache)),
                lambda image: self._arrived(record.id, key, image),
            )
        return None

    def _arrived(self, translation_id: int, key: str, image: object) -> None:
        # A picture that can't be read is an empty place; the page says why when it is selected.
        self._pixmaps[translation_id] = key, QPixmap.fromImage(image) if isinstance(image, QImage) else QPixmap()
        while len(self._pixmaps) > _PIXMAPS_KEPT:
            self._pixmaps.popitem(last=False)
        row = self.row_of(translation_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def close(self) -> None:
        self._background.forget()
