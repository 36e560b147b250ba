"""Pictures with names on one sheet: where each lies, and what is too large."""

import numpy as np
import pytest

from studio.files.sheet import checked_sheet, draw_sheet
from studio.vocabulary.errors import InputError


def plain(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_every_picture_lies_in_its_own_pixels() -> None:
    cells = {(0, 0): plain(30, 40, 200), (0, 1): plain(30, 40, 100), (1, 0): plain(60, 20, 50)}
    sheet = draw_sheet(cells, ["a", "b"], ["one", "a name that is far too long for its column"])
    # Text of 12 px in lines of 18, gaps of 8: columns from 8 and 56, rows from 26 and 82.
    assert sheet.shape == (26 + 30 + 26 + 60 + 26, 8 + 40 + 8 + 40 + 8, 3)
    assert (sheet[26:56, 8:48] == 200).all()
    assert (sheet[26:56, 56:96] == 100).all()
    assert (sheet[82:142, 8:28] == 50).all()
    assert (sheet[82:142, 56:96] == sheet[0, 0]).all()  # nothing is there
    names = (sheet != sheet[0, 0]).any(axis=2)
    assert names[8:26, 8:48].any()
    assert names[8:26, 56:96].any()
    assert not names[:, 97:].any()  # a long name ends with its column


def test_a_sheet_that_nothing_opens_is_refused() -> None:
    checked_sheet(100, 10, [(400, 400), (300, 500)])  # 200 million: 400 x 500 each
    with pytest.raises(InputError, match="101 rows of 10 pictures of 400 x 500 px are 202 million px"):
        checked_sheet(101, 10, [(400, 400), (300, 500)])
