"""Paths as the catalogue keeps them: relative to the project's folder where the drive allows it."""

from __future__ import annotations

import os
from pathlib import Path

from studio.vocabulary.errors import InputError


def kept(path: Path, folder: Path) -> str:
    """A path as text, relative to ``folder`` with forward slashes, or absolute on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return path.resolve().as_posix()


def found(text: str, folder: Path) -> Path:
    """The absolute path that ``kept`` came from."""
    return Path(os.path.normpath(folder / text))


def inside(text: str, folder: Path) -> Path:
    """Like found, for files that must lie inside the project; raise InputError when they would not."""
    path = found(text, folder)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"the catalogue names a file outside the project ({text})",
            where=folder,
            remedy="Do not open projects of unknown origin; restore this one from a copy.",
        )
    return path
