"""A child process that stands in for a command line: a few lines of Python that speak the protocol of jobs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from studio.jobs.child import ControlWord
from studio.jobs.events import Event, from_line

HEAD = """
import json, sys, threading, time
stop, going = threading.Event(), threading.Event()
going.set()
def listen():
    for line in sys.stdin:
        word = line.strip()
        if word == "stop": stop.set(); going.set()
        elif word == "pause": going.clear()
        elif word == "resume": going.set()
threading.Thread(target=listen, daemon=True).start()
def say(event, **fields): print(json.dumps({"event": event, **fields}), flush=True)
def step(done, total):
    say("progress", done=done, total=total, unit="frames", stage="testing")
    going.wait()
    if stop.is_set(): sys.exit(130)
"""
COUNTS = "\nfor i in range(1, 6): step(i, 5)\nsay('done', result={'frames': 5})\n"
LASTS = "\nfor i in range(1, 100000): step(i, 100000); time.sleep(0.02)\n"
FAILS = "\nstep(1, 5)\nprint('trocar: the disk is full: /x. Make room.', file=sys.stderr)\nsys.exit(2)\n"
DEAF = "\nstep(1, 5)\nwhile True: time.sleep(0.05)\n"


class ScriptChild:
    """Runs one of the scripts above in the place of ``trocar ARGV``; ``argv[0]`` names it."""

    SCRIPTS: Mapping[str, str] = {"counts": COUNTS, "lasts": LASTS, "fails": FAILS, "deaf": DEAF}

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        source = textwrap.dedent(HEAD) + self.SCRIPTS[argv[0]]
        self.process = subprocess.Popen(
            [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._stderr = ""

    def events(self) -> Iterator[Event]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        assert self.process.stdin is not None
        for line in self.process.stdout:
            yield from_line(line)
        self._stderr = self.process.stderr.read()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def tell(self, word: ControlWord) -> None:
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()

    @property
    def status(self) -> int | None:
        return self.process.poll()

    @property
    def log(self) -> tuple[str, ...]:
        return tuple(self._stderr.splitlines())

    @property
    def message(self) -> str:
        if self.status in (0, None, 130):
            return ""
        return self._stderr.strip().removeprefix("trocar: ") or f"signal {self.status}"
