"""A preview engine as a child process of the window: questions in, answers out, a JSON line each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QProcess, QProcessEnvironment

_END_MS = 1500


def engine_environment(**own: str) -> QProcessEnvironment:
    """The window's environment and import path, with an engine's own variables."""
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    for name, value in own.items():
        environment.insert(name, value)
    return environment


def ask(process: QProcess, question: Mapping[str, Any]) -> None:
    """Put a question into the engine's stream."""
    process.write(json.dumps(question, separators=(",", ":")).encode() + b"\n")


def end(process: QProcess) -> None:
    """End the engine, by force where it does not end by itself."""
    if process.state() == QProcess.ProcessState.NotRunning:
        return
    process.closeWriteChannel()
    process.terminate()
    if not process.waitForFinished(_END_MS):
        process.kill()
        process.waitForFinished(_END_MS)


class AnswerReader:
    """Cuts a byte stream into answers: a JSON line, and the bytes that it announces."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: dict[str, Any] | None = None

    def feed(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """Answers that are complete now. Lines that are no JSON object are skipped."""
        self._buffer += data
        answers: list[tuple[dict[str, Any], bytes]] = []
        while True:
            if self._header is None:
                end = self._buffer.find(b"\n")
                if end < 0:
                    return answers
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._header = _header(line)
                if self._header is None:
                    continue
            size = int(self._header.get("bytes", 0))
            if len(self._buffer) < size:
                return answers
            answers.append((self._header, bytes(self._buffer[:size])))
            del self._buffer[:size]
            self._header = None


def _header(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "answer" in value else None
