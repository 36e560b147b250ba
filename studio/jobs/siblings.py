"""The other ranks of a job on this machine, started by rank 0 and never outliving it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

LIFELINE = "TROCAR_LIFELINE"
"""Set for a process that ends as soon as its stdin does: then rank 0 is gone, however it went."""

_STDERR_LINES = 50
_PATIENCE_SECONDS = 5.0


class Siblings:
    """Processes ``trocar ARGV`` of ranks 1 … count - 1."""

    def __init__(self, argv: Sequence[str], *, count: int, environment: Mapping[str, str]) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._stderr: list[deque[str]] = []
        self._readers: list[threading.Thread] = []
        self._count = count
        try:
            for rank in range(1, count):
                self._start(argv, {**os.environ, **environment, **rank_variables(rank, count), LIFELINE: "1"})
        except BaseException:
            self.end(0)
            raise

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        # In a session of their own, Ctrl-C does not reach them: rank 0 tells them to stop.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "studio", *argv], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", env=environment,
            start_new_session=True,
        )  # fmt: skip
        lines: deque[str] = deque(maxlen=_STDERR_LINES)
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        self._processes.append(process)
        self._stderr.append(lines)
        self._readers.append(reader)

    def gone(self) -> set[int]:
        """Ranks whose processes have ended, however they did."""
        return {number + 1 for number, process in enumerate(self._processes) if process.poll() is not None}

    def failure(self) -> str:
        """One line about the first that ended badly, or ""."""
        for number, process in enumerate(self._processes):
            status = process.poll()
            if status:
                self._readers[number].join(timeout=1)
                return self._told(number, status)
        return ""

    def _told(self, number: int, status: int) -> str:
        who = f"process {number + 2} of {self._count}"
        if status < 0:
            return f"{who} was ended by signal {-status}; what was finished is kept"
        lines = [line for line in self._stderr[number] if line.strip()]
        return f"{who} failed: {lines[-1].removeprefix('trocar: ')}" if lines else f"{who} ended with status {status}"

    def end(self, patience_seconds: float) -> None:
        """Wait so long for them to end by themselves, then end them."""
        deadline = time.monotonic() + patience_seconds
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + (_PATIENCE_SECONDS if patience_seconds else 0.0)
        for process, reader in zip(self._processes, self._readers, strict=True):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _closed(process, reader)


def rank_variables(rank: int, count: int) -> dict[str, str]:
    """What torchrun sets for a process of one machine, but for the meeting point."""
    return {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }  # fmt: skip


def end_with_parent() -> None:
    """In a process with the LIFELINE: end at once, without a word, when stdin ends."""
    if os.environ.get(LIFELINE):
        threading.Thread(target=_wait_for_end_of_stdin, name="lifeline", daemon=True).start()


def _wait_for_end_of_stdin() -> None:
    # The descriptor itself: a buffered reader's lock would hold up the interpreter's own shutdown.
    while os.read(0, 1024):
        pass
    os._exit(1)


def _read(process: subprocess.Popen[str], lines: deque[str]) -> None:
    assert process.stderr is not None
    with contextlib.suppress(ValueError):
        for line in process.stderr:
            lines.append(line.rstrip("\n"))


def _closed(process: subprocess.Popen[str], reader: threading.Thread) -> None:
    reader.join(timeout=1)
    for stream in (process.stdin, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
