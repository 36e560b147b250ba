"""A sheet of pictures with names: rows down, columns across, every picture in its own pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from studio.vocabulary.errors import InputError

MOST_PIXELS = 200_000_000
"""What a picture may have, so that other programs still open it."""
_GAP, _PAPER, _INK = 8, (24, 24, 24), (216, 216, 216)


def checked_sheet(rows: int, columns: int, sizes: Sequence[tuple[int, int]]) -> None:
    """Raise InputError when a sheet of cells of these sizes (width, height in px) would be too large to be opened."""
    width, height = (max(side) for side in zip(*sizes, strict=True)) if sizes else (0, 0)
    pixels = rows * columns * width * height
    if pixels > MOST_PIXELS:
        raise InputError(
            f"{rows} rows of {columns} pictures of {width} x {height} px are {pixels / 1e6:,.0f} million px",
            where="picture of the grid", remedy=f"Take fewer: up to {MOST_PIXELS // 1_000_000} million px.",
        )  # fmt: skip


def draw_sheet(
    cells: Mapping[tuple[int, int], np.ndarray], rows: Sequence[str], columns: Sequence[str]
) -> np.ndarray:  # fmt: skip
    """uint8 HxWx3 of pictures (uint8 HxWx3) by (row, column); they may differ in size. Names stand over the columns
    and below the first picture of each row; a cell that is not there stays empty."""
    widths = [
        max((p.shape[1] for (_, c), p in cells.items() if c == column), default=0) for column in range(len(columns))
    ]
    heights = [max((p.shape[0] for (r, _), p in cells.items() if r == row), default=0) for row in range(len(rows))]
    text = max(12, round(max(heights, default=0) / 16))
    font, line = ImageFont.load_default(text), round(1.5 * text)
    lefts = _places(widths, _GAP, _GAP)
    tops = _places(heights, _GAP + line, _GAP + line)
    sheet = Image.new("RGB", (lefts[-1], tops[-1]), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for (row, column), picture_HW3 in cells.items():
        sheet.paste(Image.fromarray(picture_HW3), (lefts[column], tops[row]))
    for column, name in enumerate(columns):
        pen.text((lefts[column], _GAP), _cut(pen, name, font, widths[column]), fill=_INK, font=font)
    for row, name in enumerate(rows):
        at = lefts[0], tops[row] + heights[row] + text // 6
        pen.text(at, _cut(pen, name, font, widths[0]), fill=_INK, font=font)
    return np.asarray(sheet)


def _places(sizes: Sequence[int], first: int, gap: int) -> list[int]:
    """Where each begins, and behind the last one the end of the sheet."""
    return [first + sum(sizes[:k]) + k * gap for k in range(len(sizes) + 1)]


def _cut(pen: ImageDraw.ImageDraw, name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The name, cut to a width."""
    if pen.textlength(name, font=font) <= width:
        return name
    while name and pen.textlength(name + "…", font=font) > width:
        name = name[:-1]
    return name + "…"
