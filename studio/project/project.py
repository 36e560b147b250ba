"""The project folder: made, opened, locked, refused."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from studio.files.atomic import disk_errors_named
from studio.project.content_table import ContentTable
from studio.project.footage_table import FootageTable
from studio.project.lock import ProjectLock
from studio.project.run_moves import RunMoves
from studio.project.run_table import OutcomeTable, PaletteTable, RunTable
from studio.project.scene_table import SceneTable
from studio.project.schema import SCHEMA_VERSION, migrated
from studio.project.translation_table import TranslationTable
from studio.vocabulary.errors import DiskFull, InputError, TrocarError

SUFFIX = ".trocar"
_CATALOGUE = "catalogue.sqlite"
_SNAPSHOTS = "snapshots"
_BUSY_SECONDS = 30.0
_LEAST_ROOM = 200_000
"""Bytes below which a catalogue that does not open is put down to the full disk."""


class Project:
    """An open project. Not shared between threads: each opens its own.

    The catalogue's tables: ``scenes``, ``contents``, ``footage``, ``runs``, ``palettes``, ``translations``,
    ``outcomes``; and ``run_moves``, which renames, deletes and restores runs together with their folders.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: ProjectLock | None) -> None:
        self.folder = folder
        self._db = connection
        self._lock = lock
        self.scenes = SceneTable(connection, folder)
        self.contents = ContentTable(connection)
        self.footage = FootageTable(connection, folder)
        self.runs = RunTable(connection, folder)
        self.run_moves = RunMoves(connection, folder, self.runs)
        self.palettes = PaletteTable(connection, folder)
        self.translations = TranslationTable(connection, folder)
        self.outcomes = OutcomeTable(connection, folder)

    @staticmethod
    def create(path: Path) -> Project:
        """Make an empty project; the folder gets the ending .trocar. Raise InputError when something is there."""
        folder = with_suffix(path)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError("exists already", where=folder, remedy="Open it, or choose another name.")
        with disk_errors_named(folder):
            for part in ("runs", "cache", "exports", "scenes", "footage", "translations", "reports"):
                (folder / part).mkdir(parents=True, exist_ok=True)
        connection = _connected(folder / _CATALOGUE, write=True)
        connection.close()
        project = Project.open(folder)
        project.set_setting("id", secrets.token_hex(8))
        return project

    @staticmethod
    def open(path: Path, *, write: bool = True, check: bool = True) -> Project:
        """Open a project, for reading only or as its one writer.

        ``check`` False spares the catalogue's check, which takes half a second with 300,000 frames, where the same
        process has just opened it.
        Raise InputError when there is none, when it is damaged, from a newer version, or in use by another process.
        """
        folder = path if (path / _CATALOGUE).is_file() else with_suffix(path)
        if not (folder / _CATALOGUE).is_file():
            raise InputError("there is no project here", where=path, remedy=f"Make one: trocar new {path}")
        with disk_errors_named(folder):
            lock = ProjectLock(folder) if write else None
        try:
            connection = _connected(folder / _CATALOGUE, write=write, check=check)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        project = Project(folder.resolve(), connection, lock)
        if lock is not None and lock.is_own:
            try:
                project.run_moves.finish()
            except BaseException:
                project.close()
                raise
        return project

    @staticmethod
    def open_snapshot(path: Path, name: str) -> Project:
        """Open a project as its snapshot ``name`` shows it, for reading; the catalogue itself is not touched.

        Raise InputError when there is none.
        """
        folder = (path if path.is_dir() else with_suffix(path)).resolve()
        file = folder / "cache" / _SNAPSHOTS / name
        if not file.is_file():
            raise InputError("this process can't see what rank 0 wrote there", where=file,
                             remedy="All machines of a job need the project's folder under the same path.")  # fmt: skip
        return Project(folder, _connected(file, write=False, sealed=True), None)

    @contextmanager
    def snapshot(self) -> Iterator[str]:
        """A copy of the catalogue as it is now, for processes on other machines; give its name.

        SQLite's log must not be shared over a network, so they can't read the catalogue itself while it is in use.
        """
        file = self.cache / _SNAPSHOTS / f"{secrets.token_hex(8)}.sqlite"
        with disk_errors_named(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        for left_over in file.parent.glob("*.sqlite"):  # by a killed process: there is but one writer
            left_over.unlink(missing_ok=True)
        self._db.execute("VACUUM INTO ?", (str(file),))
        try:
            yield file.name
        finally:
            file.unlink(missing_ok=True)

    @property
    def name(self) -> str:
        return self.folder.name.removesuffix(SUFFIX)

    @property
    def cache(self) -> Path:
        """May be deleted at any time."""
        return self.folder / "cache"

    def child_environment(self) -> dict[str, str]:
        """Environment variables that let a child process write to this project."""
        return self._lock.environment() if self._lock else {}

    def setting(self, key: str, default: Any = None) -> Any:
        """A JSON-able value kept with the project."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, json.dumps(value)),
            )

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; raise DiskFull in place of SQLite's own error when the catalogue found no room."""
        self.close()
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            raise _no_room(self.folder / _CATALOGUE) from error


def _no_room(catalogue: Path) -> DiskFull:
    free = shutil.disk_usage(catalogue.parent).free
    return DiskFull(
        f"the disk is full: {free / 1e6:.1f} MB are free, and the catalogue needs more", where=catalogue,
        remedy="Free some space, then run the same again.",
    )  # fmt: skip


def with_suffix(path: Path) -> Path:
    """The path with the ending .trocar."""
    return path if path.name.endswith(SUFFIX) else path.with_name(path.name + SUFFIX)


def _sealed_address(file: Path) -> str:
    """For a disk that takes no writes, where SQLite could not lay its log beside the catalogue even to read it."""
    log = file.with_name(file.name + "-wal")
    left_over = log.is_file() and log.stat().st_size > 0
    return f"{file.resolve().as_uri()}?mode=ro" + ("" if left_over else "&immutable=1")


def _connected(file: Path, *, write: bool, sealed: bool = False, check: bool = True) -> sqlite3.Connection:
    """``sealed``: a file that nobody writes while it is open; ``check``: whether it is damaged is looked at."""
    sealed = sealed or (not write and not os.access(file.parent, os.W_OK))
    try:
        connection = sqlite3.connect(_sealed_address(file) if sealed else file, timeout=_BUSY_SECONDS, uri=sealed)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            if not sealed:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > SCHEMA_VERSION:
                raise InputError(
                    f"the project is of version {version}, this program knows up to {SCHEMA_VERSION}",
                    where=file.parent,
                    remedy="Open it with a newer Trocar Studio.",
                )
            if version < SCHEMA_VERSION and sealed:
                raise InputError(f"the project is of version {version} and may not be written", where=file.parent,
                                 remedy="Copy it to where it may be written, and open the copy.")  # fmt: skip
            if version < SCHEMA_VERSION:
                migrated(connection)
            if check and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("quick_check failed")
        except BaseException:
            connection.close()
            raise
    except sqlite3.OperationalError as error:
        if shutil.disk_usage(file.parent).free < _LEAST_ROOM:
            raise _no_room(file) from error
        raise TrocarError(f"{file}: the catalogue could not be opened ({error})") from error
    except sqlite3.DatabaseError as error:
        raise InputError(
            f"the catalogue is damaged ({error})",
            where=file,
            remedy="Restore it from a copy; scenes, footage and runs themselves are untouched.",
        ) from error
    return connection
