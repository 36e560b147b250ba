"""A list model of pictures with thumbnails that come as they are looked at, and are kept in the project's cache."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from studio.files.pictures import read_rgb, write_jpeg
from studio.gui.models.background import Background

THUMBNAIL_WIDTH = 256
_KEPT = 500
_QUALITY = 88
Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class PictureEntry:
    """One picture of a list. ``key`` names its pixels for the cache; ``load`` runs in a thread: uint8 HxWx3."""

    id: int
    caption: str
    key: str
    load: Callable[[], np.ndarray] = field(repr=False, compare=False)
    tip: str = ""
    note: str = ""
    """A few words shown on the picture, e.g. why it is left out."""
    dimmed: bool = False
    marked: bool = False
    """Decided by a person."""
    area: tuple[float, float, float, int, int] | None = None
    """Round image area to be drawn: centre x, y, radius, width, height."""


def qimage(rgb_HW3: np.ndarray, into: QImage | None = None) -> QImage:
    """A QImage that owns a copy of uint8 RGB pixels, in the format that is painted without being converted: painting
    24-bit pictures makes Qt share the conversion out to threads and wait for them.

    ``into``: an image made here that is no longer needed; it is painted over where its size fits.
    """
    height, width = rgb_HW3.shape[:2]
    image = into if into is not None and (into.width(), into.height()) == (width, height) else None
    image = image if image is not None else QImage(width, height, QImage.Format.Format_RGB32)
    pixels_HW4 = np.frombuffer(image.bits(), np.uint8).reshape(height, width, 4)
    cv2.cvtColor(np.ascontiguousarray(rgb_HW3), cv2.COLOR_RGB2BGRA, dst=pixels_HW4)
    return image


def thumbnail(entry_key: str, load: Callable[[], np.ndarray], cache: Path) -> np.ndarray:
    """The picture at THUMBNAIL_WIDTH, from the cache or made and kept there."""
    file = cache / f"{hashlib.blake2b(entry_key.encode(), digest_size=12).hexdigest()}.jpg"
    if file.is_file():
        try:
            return read_rgb(file)
        except Exception:  # a damaged cache file is made anew
            file.unlink(missing_ok=True)
    full = load()
    height, width = full.shape[:2]
    size = (THUMBNAIL_WIDTH, max(8, round(THUMBNAIL_WIDTH * height / width)))
    small = np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_AREA), np.uint8)
    cache.mkdir(parents=True, exist_ok=True)
    write_jpeg(file, small, _QUALITY)
    return small


class PictureModel(QAbstractListModel):
    """Entries in their order; thumbnails are asked for when a view asks for them, newest first."""

    def __init__(self, cache: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._entries: Sequence[PictureEntry] = ()
        self._rows: dict[int, int] = {}
        self._pixmaps: OrderedDict[str, QPixmap] = OrderedDict()
        self._background = Background(self, threads=2)

    def set_entries(self, entries: Sequence[PictureEntry]) -> None:
        """Replace all; a list of the same ids in the same order only repaints what differs, so that scroll stays."""
        same = len(entries) == len(self._entries) and all(
            a.id == b.id and a.key == b.key for a, b in zip(entries, self._entries, strict=True)
        )
        if same:
            changed = [i for i, (a, b) in enumerate(zip(entries, self._entries, strict=True)) if a != b]
            self._entries = entries
            if changed:
                self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
            return
        self.beginResetModel()
        self._entries = entries
        self._rows = {e.id: row for row, e in enumerate(entries)}
        self.endResetModel()

    def entry(self, row: int) -> PictureEntry:
        return self._entries[row]

    def row_of(self, entry_id: int) -> int:
        """The row of an id, or -1."""
        return self._rows.get(entry_id, -1)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.caption
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.tip or entry.caption
        if role == ENTRY_ROLE:
            return entry
        return None

    def pixmap(self, entry: PictureEntry) -> QPixmap | None:
        """The thumbnail, or None while it is being made."""
        found = self._pixmaps.get(entry.key)
        if found is not None:
            self._pixmaps.move_to_end(entry.key)
            return found
        if not self._background.is_asked(entry.key):
            self._background.ask(
                entry.key,
                lambda: qimage(thumbnail(entry.key, entry.load, self._cache)),
                lambda image: self._arrived(entry, image),
            )
        return None

    def _arrived(self, entry: PictureEntry, image: object) -> None:
        # A picture that can't be read is shown as an empty place; its page says why when it is selected.
        self._pixmaps[entry.key] = QPixmap.fromImage(image) if isinstance(image, QImage) else QPixmap()
        while len(self._pixmaps) > _KEPT:
            self._pixmaps.popitem(last=False)
        row = self._rows.get(entry.id, -1)
        if 0 <= row < len(self._entries):
            self.dataChanged.emit(self.index(row), self.index(row))

    def close(self) -> None:
        """Let go of the threads."""
        self._background.forget()
