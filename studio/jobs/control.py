"""The child's side of control: words on stdin pause, resume and stop a job between its events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TextIO

from studio.jobs.events import Event, Job

STOPPED_STATUS = 130
"""Exit status of a command that was stopped before its end."""


class Control:
    """Reads control words from a stream in a daemon thread; the stream's end counts as "stop"."""

    def __init__(self, stream: TextIO) -> None:
        self._going = threading.Event()
        self._going.set()
        self._stopped = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: TextIO) -> None:
        for line in stream:
            word = line.strip()
            if word == "pause":
                self._going.clear()
            elif word == "resume":
                self._going.set()
            elif word == "stop":
                break
        self._stopped = True
        self._going.set()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def events_of(self, job: Job) -> Iterator[Event]:
        """The job's events; asks for no more while paused, and closes the job when stopped."""
        try:
            for event in job:
                yield event
                self._going.wait()
                if self._stopped:
                    return
        finally:
            job.close()
