"""One process writes to a project at a time; the processes that it starts may write beside it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import IO

from studio.vocabulary.errors import InputError

TOKEN_VARIABLE = "TROCAR_PROJECT_TOKEN"

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> None:
        file.seek(1 << 20)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class ProjectLock:
    """Holds ``<project>/.lock`` while open; the operating system lets go of it however the process ends."""

    def __init__(self, folder: Path) -> None:
        """Raise InputError when another process, which did not start this one, holds it."""
        self.path = folder / ".lock"
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

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to be let in."""
        return {TOKEN_VARIABLE: self.token}

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
