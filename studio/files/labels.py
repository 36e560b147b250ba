"""Label pictures: stored values as they are, without any scaling or interpolation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from studio.files.pictures import read_grey_levels, read_size
from studio.vocabulary.errors import InputError


def read_label_values(path: Path, *, unequal: int = 0) -> np.ndarray:
    """uint8 HxW values as stored; a palette picture gives its indices, three equal channels give one.

    ``unequal`` is how far channels may differ (JPEG blurs them). Raise InputError for coloured labels and unreadable
    pictures.
    """
    read_size(path)
    with Image.open(path) as picture:
        if picture.mode == "P":
            return _indices(picture, path)
    levels = read_grey_levels(path)
    if levels.ndim == 2:
        return levels
    if int((levels.max(axis=2) - levels.min(axis=2)).max()) > unequal:
        raise InputError("the label picture is coloured", where=path, remedy="Store one grey value per class.")
    return np.ascontiguousarray(levels[..., 1])


def values_in(ids_HW: np.ndarray) -> list[int]:
    """Which uint8 values occur, ascending."""
    return [int(v) for v in np.flatnonzero(np.bincount(ids_HW.ravel(), minlength=256))]


def _indices(picture: Image.Image, path: Path) -> np.ndarray:
    try:
        return np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            "the picture is damaged or cut short", where=path, remedy="Copy it again or leave it out."
        ) from error
