"""metrics.jsonl: one line a logged step, appended; nothing is thinned out and nothing is written twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from studio.files.atomic import disk_errors_named, write_with


class Journal:
    """The file of losses of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def add(self, step: int, seconds: float, losses: Mapping[str, float]) -> None:
        line = json.dumps({"step": step, "seconds": round(seconds, 3), **losses}, separators=(",", ":"))
        with disk_errors_named(self.path):
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(line + "\n")
            self._file.flush()

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def cut_after(self, step: int) -> None:
        """Drop what was logged after ``step``, and a last line that a kill cut short."""
        self.close()
        if self.path.is_file():
            write_with(self.path, lambda temporary: _copied_until(step, self.path, temporary))


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Rows ``{"step", "seconds", loss names…}``; a torn last line is left out."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = _row(line)
            if row is not None:
                yield row


def _copied_until(step: int, source: Path, target: Path) -> None:
    """Line by line: the file of a long run is large."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as kept:
        for line in lines:
            row = _row(line)
            if row is not None and row["step"] <= step:
                kept.write(line if line.endswith("\n") else line + "\n")


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
