"""The frames of scenes as pictures: ids in memory, everything else read from the catalogue as it comes into sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from studio.files.pictures import read_rgb
from studio.gui.models.pictures import PictureEntry, PictureModel
from studio.project.records import FrameRecord

_PAGE = 64
_KEPT_PAGES = 64
Read = Callable[[Sequence[int]], list[FrameRecord]]


@dataclass(frozen=True)
class Listing:
    """Which frames are shown, in their order, and where each stands. Made beside the event loop."""

    ids: list[int]
    rows: dict[int, int]

    @staticmethod
    def of(ids: list[int]) -> Listing:
        return Listing(ids, {frame_id: row for row, frame_id in enumerate(ids)})


NOTHING = Listing([], {})


class FrameEntries(Sequence[PictureEntry]):
    """Entries by row; records are read a page at a time, and the pages looked at last are kept."""

    def __init__(self, ids: Sequence[int], read: Read, *, patients: bool = False) -> None:
        self.ids = ids
        self._patients = patients
        self._read = read
        self._pages: OrderedDict[int, dict[int, PictureEntry]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, row: int) -> PictureEntry: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[PictureEntry]: ...
    def __getitem__(self, row: int | slice) -> PictureEntry | Sequence[PictureEntry]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        frame_id = self.ids[row]
        number = row // _PAGE
        if number not in self._pages:
            records = self._read(self.ids[number * _PAGE : (number + 1) * _PAGE])
            self._pages[number] = {r.id: entry_of(r, patient=self._patients) for r in records}
            while len(self._pages) > _KEPT_PAGES:
                self._pages.popitem(last=False)
        self._pages.move_to_end(number)
        return self._pages[number].get(frame_id) or PictureEntry(frame_id, "gone", f"gone {frame_id}", _nothing)


class FrameModel(PictureModel):
    """A PictureModel of hundreds of thousands of frames."""

    def set_frames(self, listing: Listing, read: Read, *, patients: bool = False) -> None:
        """Show these frames; the same ids in the same order keep scroll and selection, but are read again.

        ``patients``: they are of several, who are named with each.
        """
        entries = FrameEntries(listing.ids, read, patients=patients)
        if self._rows == listing.rows:
            self._entries = entries
            if listing.ids:
                self.dataChanged.emit(self.index(0), self.index(len(listing.ids) - 1))
            return
        self.beginResetModel()
        self._entries, self._rows = entries, listing.rows
        self.endResetModel()


def entry_of(frame: FrameRecord, *, patient: bool) -> PictureEntry:
    path = frame.files.rgb
    of_set = "" if frame.set_name in ("", frame.patient) else f"{frame.set_name} / "
    caption = f"{frame.patient}  {frame.name}" if patient else frame.name
    return PictureEntry(
        id=frame.id, caption=caption, key=f"frame {path}", load=lambda: read_rgb(path),
        tip=f"{of_set}{frame.patient}: {frame.name}",
    )  # fmt: skip


def _nothing() -> np.ndarray:
    raise FileNotFoundError("the frame is no longer in the project")
