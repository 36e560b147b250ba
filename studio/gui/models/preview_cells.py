"""Which pictures of the style grid are there, which are asked for next, and what comes in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from studio.gui.models.preview_client import PreviewPicture, Quality

Code = tuple[float, ...]
CellKey = tuple[Path, Code]
COARSE_WIDTH, SHARP_WIDTH = 128, 512
_KEPT = 600


@dataclass(frozen=True, slots=True)
class Wish:
    """A question to the engine: every frame in every style, at one quality."""

    frames: tuple[Path, ...]
    codes: tuple[Code, ...]
    quality: Quality


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture that has come, uint8 HxWx3."""

    image_HW3: np.ndarray
    quality: Quality


@dataclass
class PreviewCells:
    """The newest few hundred cells by frame and code; asks coarse before sharp, and what is in sight first."""

    cells: OrderedDict[CellKey, Cell] = field(default_factory=OrderedDict)
    asked: tuple[int, Wish] | None = None

    def get(self, frame: Path, code: Code) -> Cell | None:
        """A cell; what is looked at is kept longest."""
        if (frame, code) not in self.cells:
            return None
        self.cells.move_to_end((frame, code))
        return self.cells[frame, code]

    def put(self, picture: PreviewPicture) -> CellKey | None:
        """Keep an answer to the question that is open; the key of its cell, or None when it is stale."""
        if self.asked is None or self.asked[0] != picture.generation:
            return None
        wish = self.asked[1]
        if picture.frame >= len(wish.frames) or picture.style >= len(wish.codes):
            return None
        key = wish.frames[picture.frame], wish.codes[picture.style]
        self.cells[key] = Cell(picture.image_HW3, picture.quality)
        self.cells.move_to_end(key)
        while len(self.cells) > _KEPT:
            self.cells.popitem(last=False)
        return key

    def next_wish(self, frames: Sequence[Path], codes: Sequence[Code]) -> Wish | None:
        """What to ask for next of these rows and columns, or None when all are sharp."""
        for quality in ("coarse", "sharp"):
            for frame in frames:
                missing = self._missing(frame, codes, quality)
                if missing:
                    alike = tuple(f for f in frames if self._missing(f, codes, quality) == missing)
                    # Sharp ones row by row: they take long, and what is in sight may change meanwhile.
                    return Wish(alike if quality == "coarse" else alike[:1], missing, quality)
        return None

    def _missing(self, frame: Path, codes: Sequence[Code], quality: str) -> tuple[Code, ...]:
        return tuple(dict.fromkeys(c for c in codes if not self._good(self.get(frame, c), quality)))

    @staticmethod
    def _good(cell: Cell | None, quality: str) -> bool:
        return cell is not None and (quality == "coarse" or cell.quality == "sharp")

    def forget(self) -> None:
        """Another run: nothing of this counts any more."""
        self.cells.clear()
        self.asked = None
