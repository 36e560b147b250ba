"""A job in a child process: the command line itself, events as JSON lines on its stdout, control words on its stdin.

A crash or an out-of-memory kill costs the child, never the process that supervises it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from studio.jobs.control import STOPPED_STATUS
from studio.jobs.events import Event, from_line
from studio.vocabulary.errors import TrocarError

ControlWord = Literal["pause", "resume", "stop"]
_STDERR_LINES = 200
_NICENESS = 10


class ChildJob:
    """One ``trocar ARGV --json --control`` in a process of its own, at lower priority."""

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        self.argv = tuple(argv)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "studio", *argv, "--json", "--control"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            errors="replace", env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stderr_reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_reader.start()
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # the child may have ended already
                os.setpriority(os.PRIO_PROCESS, self.process.pid, _NICENESS)

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._stderr.append(line.rstrip("\n"))

    def events(self) -> Iterator[Event]:
        """Events as they come, until the child ends; then look at ``status`` and ``message``."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip():
                with contextlib.suppress(TrocarError):  # a library's stray print is no event
                    yield from_line(line)
        self.process.wait()
        self._stderr_reader.join(timeout=2)

    def tell(self, word: ControlWord) -> None:
        """Ask for a pause, a resume or a stop; takes effect at the job's next event."""
        if self.process.stdin is not None and self.process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.write(word + "\n")
                self.process.stdin.flush()

    def kill(self) -> None:
        """The last resort, for a child that does not answer."""
        self.process.kill()

    @property
    def status(self) -> int | None:
        """0 done, 1 failed, 2 wrong input, 130 stopped, negative = ended by a signal; None = still running."""
        return self.process.poll()

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of the child's stderr."""
        return tuple(self._stderr)

    @property
    def message(self) -> str:
        """One line that says how the child ended badly, or ""."""
        if self.status in (0, None, STOPPED_STATUS):
            return ""
        if self.status is not None and self.status < 0:
            return f"The job's process was ended by signal {-self.status}; it can be resumed."
        lines = [line for line in self._stderr if line.strip()]
        return lines[-1].removeprefix("trocar: ") if lines else f"The job ended with status {self.status}."
