"""Whether a process is writing to a project, found without getting in its way."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _is_locked(path: Path) -> bool:
        with path.open("r+", encoding="utf-8") as file:
            file.seek(1 << 20)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:
                return True
            file.seek(1 << 20)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
            return False
else:
    import fcntl

    def _is_locked(path: Path) -> bool:
        with path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
            return False


def is_written_to(folder: Path) -> bool:
    """Whether the project in this folder is open for writing, here or in another process."""
    lock = folder / ".lock"
    try:
        return lock.is_file() and _is_locked(lock)
    except OSError:  # may not be read: nobody could write there either
        return False
