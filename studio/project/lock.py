"""One process writes to a project at a time; the processes that it starts may write beside it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import IO

from studio.vocabulary.errors import InputError

TOKEN_VARIABLE = "TROCAR_PROJECT_TOKEN"
_LOCK, _MARK = ".lock", ".training"

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> None:
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _is_locked(path: Path) -> bool:
        with path.open("r+", encoding="utf-8") as file:
            try:
                _try_lock(file)
            except OSError:
                return True
            file.seek(1 << 20)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
            return False
else:
    import fcntl

    def _try_lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_locked(path: Path) -> bool:
        # A shared lock, let go of at once: who only looks keeps no other one from looking.
        with path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
            return False


class TrainingMark:
    """A file in a run's folder that is locked for as long as the run is trained, however that ends."""

    def __init__(self, run_folder: Path) -> None:
        """Make and lock it; raise InputError when another process trains this run."""
        run_folder.mkdir(parents=True, exist_ok=True)
        self._file = (run_folder / _MARK).open("a", encoding="utf-8")
        try:
            _try_lock(self._file)
        except OSError:
            self._file.close()
            raise InputError(
                "another process trains this run", where=run_folder, remedy="Wait for its end, or stop it."
            ) from None

    def release(self) -> None:
        self._file.close()


def is_trained_now(run_folder: Path) -> bool:
    """Whether some process, this one included, trains the run at this moment."""
    mark = run_folder / _MARK
    return mark.is_file() and _is_locked(mark)


def is_written_to(folder: Path) -> bool:
    """Whether the project in this folder is open for writing, here or in another process."""
    lock = folder / _LOCK
    try:
        return lock.is_file() and _is_locked(lock)
    except OSError:  # may not be read: nobody could write there either
        return False


class ProjectLock:
    """Holds ``<project>/.lock`` while open; the operating system lets go of it however the process ends."""

    def __init__(self, folder: Path) -> None:
        """Raise InputError when another process, which did not start this one, holds it."""
        self.path = folder / _LOCK
        self.token = secrets.token_hex(16)
        self._file: IO[str] | None = None
        file = self.path.open("a+", encoding="utf-8")
        try:
            _try_lock(file)
        except OSError:
            file.seek(0)
            holder, _, token = file.read().partition(" ")
            file.close()
            if token and os.environ.get(TOKEN_VARIABLE) == token:
                self.token = token
                return
            raise InputError(
                f"the project is in use by another process ({holder or 'unknown'})",
                where=folder,
                remedy="Close the other window or wait for its job to end.",
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} {self.token}")
        file.flush()
        self._file = file

    @property
    def is_own(self) -> bool:
        """False for a process that was let in by the one that holds the lock."""
        return self._file is not None

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to be let in."""
        return {TOKEN_VARIABLE: self.token}

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
