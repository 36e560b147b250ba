"""The folder in which an export grows beside its destination, kept when stopped and gone when refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.files.atomic import disk_errors_named, hash_bytes, write_text
from studio.vocabulary.errors import InputError

_KEY_FILE = ".export-key"


@contextmanager
def staging_folder(dest: Path, key: str, *, resume: bool) -> Iterator[tuple[Path, bool]]:
    """Give (folder, whether it holds an earlier part of the same export) on the file system of ``dest``.

    It is moved to ``dest`` when all went well, kept when the job is stopped, and removed when it fails. ``key`` tells
    one export from another: only what began with the same key is gone on with, and only if ``resume``.
    """
    refuse_existing(dest)
    folder = staging_path(dest)
    digest = hash_bytes(key.encode("utf-8", "surrogateescape"))
    going_on = resume and _read_key(folder) == digest
    with disk_errors_named(dest):
        if not going_on:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_text(folder / _KEY_FILE, digest)
    try:
        yield folder, going_on
        (folder / _KEY_FILE).unlink()
        with disk_errors_named(dest):
            if dest.exists():
                dest.rmdir()
            folder.replace(dest)
    except Exception:
        # A stop (GeneratorExit, KeyboardInterrupt) is no Exception: then the folder stays to be gone on with.
        shutil.rmtree(folder, ignore_errors=True)
        raise


def staging_path(dest: Path) -> Path:
    return dest.absolute().parent / f".{dest.name}.unfinished"


def refuse_existing(dest: Path) -> None:
    """Raise InputError when there is something at ``dest`` already (an empty folder is nothing)."""
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise InputError("exists already", where=dest, remedy="Choose another place or remove it first.")


def _read_key(folder: Path) -> str:
    try:
        return (folder / _KEY_FILE).read_text(encoding="utf-8")
    except OSError:
        return ""
