"""metrics.jsonl: one line a logged step, appended; nothing is thinned out and nothing is written twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from studio.files.atomic import disk_errors_named, write_text


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
            kept = [row for row in read_journal(self.path) if row["step"] <= step]
            write_text(self.path, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in kept))


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Rows ``{"step", "seconds", loss names…}``; a torn last line is left out."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and isinstance(row.get("step"), int):
                yield row
