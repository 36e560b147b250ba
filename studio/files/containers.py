"""Layers inside HDF5 files (one file a frame, as BlenderProc writes them): pictures, arrays and JSON texts by name.

h5py is imported when the first such file is opened: most projects have none, and it takes a moment to load.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.vocabulary.errors import InputError

if TYPE_CHECKING:
    import h5py

CONTAINER_SUFFIXES = frozenset({".hdf5", ".h5"})
PICTURE_NAME = "colors"
"""The dataset that holds a frame's picture."""

_LEFT = "_0"
"""What the left picture's datasets end in where a stereo pair's are kept apart."""

_LARGEST_BYTES = 1 << 30
"""What compresses well may be small on disk and more than the memory when it is read."""
_DAMAGED = "Copy it again or write it anew."


def is_container(path: Path) -> bool:
    return path.suffix.lower() in CONTAINER_SUFFIXES


def names_in(path: Path) -> frozenset[str]:
    """Names of the datasets in a container; of stereo pairs kept apart (``depth_0``, ``depth_1``) also ``depth``.

    Raise InputError when it is missing or damaged.
    """
    with _opened(path) as file:
        names = frozenset(file.keys())
    return names | {name.removesuffix(_LEFT) for name in names if name.endswith(_LEFT)}


def shape_of(path: Path, name: str) -> tuple[int, ...]:
    """Shape of one dataset, without reading it; of a stereo pair the left one's."""
    with _opened(path) as file:
        shape = tuple(int(n) for n in _dataset(file, name, path).shape)
        return shape[1:] if _is_stereo(name, shape) else shape


def read_array(path: Path, name: str) -> np.ndarray:
    """One dataset as stored; of a stereo pair (2 x H x W ...) the left one, which BlenderProc puts first.

    Raise InputError when it is missing or damaged.
    """
    with _opened(path) as file:
        dataset = _dataset(file, name, path)
        return np.asarray(dataset[0] if _is_stereo(name, dataset.shape) else dataset[()])


def read_picture(path: Path) -> np.ndarray:
    """uint8 HxWx3 of the dataset ``colors``; alpha is put over black. Raise InputError for other kinds."""
    values = read_array(path, PICTURE_NAME)
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] not in (3, 4):
        raise InputError(
            f"'{PICTURE_NAME}' is {values.dtype} of shape {values.shape}", where=path,
            remedy="It should be 8-bit, height x width x 3.",
        )  # fmt: skip
    if values.shape[2] == 3:
        return values
    wide = values.astype(np.uint16)
    return ((wide[..., :3] * wide[..., 3:] + 127) // 255).astype(np.uint8)


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of the dataset ``colors``, without reading it."""
    shape = shape_of(path, PICTURE_NAME)
    if len(shape) != 3:
        raise InputError(f"'{PICTURE_NAME}' is of shape {shape}", where=path, remedy="Height x width x 3 is needed.")
    return shape[1], shape[0]


def read_json_text(path: Path, name: str) -> Any:
    """What a dataset holds as JSON text. Raise InputError when it is none."""
    with _opened(path) as file:
        value = _dataset(file, name, path)[()]
    text = value.tobytes() if isinstance(value, np.ndarray) else value
    try:
        return json.loads(text if isinstance(text, str) else bytes(text).rstrip(b"\0"))
    except (ValueError, TypeError) as error:
        raise InputError(f"'{name}' holds no JSON ({error})", where=path, remedy="Write it anew.") from error


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    import h5py

    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy="Check the path.")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError("the HDF5 file is damaged or cut short", where=path, remedy=_DAMAGED) from error


def _dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    import h5py

    name = name if name in file or f"{name}{_LEFT}" not in file else f"{name}{_LEFT}"
    # A link in the file could point to another file on the disk; only what lies in here is read.
    link = file.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise InputError(f"'{name}' lies in another file", where=path, remedy="Store the dataset itself.")
    found = file.get(name)
    if isinstance(found, h5py.Dataset) and found.size * found.dtype.itemsize > _LARGEST_BYTES:
        raise InputError(f"'{name}' is of shape {found.shape}", where=path, remedy="Write one frame into each file.")
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(sorted(file.keys())) or "nothing"
        raise InputError(f"has no dataset '{name}' (it holds {there})", where=path, remedy="Render that layer, too.")
    if found.external or found.is_virtual:
        raise InputError(f"'{name}' lies in another file", where=path, remedy="Store the dataset itself.")
    return found


def _is_stereo(name: str, shape: tuple[int, ...]) -> bool:
    channels = 1 if name in (PICTURE_NAME, "normals") else 0
    return len(shape) == 3 + channels and shape[0] == 2
