"""Real footage in the catalogue: frames grouped by patient, with screening's findings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from studio.files.atomic import hash_file
from studio.project.paths import found, kept
from studio.project.records import FootageRecord
from studio.vocabulary.frames import FootageFile

Area = tuple[float, float, float, int, int]


class FootageTable:
    """Screening only marks; a person's decision outlives every later screening."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def add(self, files: Iterable[FootageFile]) -> int:
        """Add frames that are not in yet; return how many were new."""
        before = self.count()
        path, path_hash = Path(), ""
        with self._db:
            for file in files:
                if file.path != path:  # a video is hashed once, not once per sampled frame
                    path, path_hash = file.path, hash_file(file.path)
                self._db.execute(
                    "INSERT INTO footage (patient, name, path, seconds, size_bytes, hash)"
                    " SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM footage WHERE path = ? AND seconds IS ?)",
                    (
                        file.patient, file.name, kept(file.path, self._folder), file.seconds,
                        file.path.stat().st_size, path_hash, kept(file.path, self._folder), file.seconds,
                    ),
                )  # fmt: skip
        return self.count() - before

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM footage").fetchone()[0])

    def all(self, *, included_only: bool = False) -> list[FootageRecord]:
        """All frames by patient and name."""
        where = "WHERE included" if included_only else ""
        rows = self._db.execute(f"SELECT * FROM footage {where} ORDER BY patient, seconds, name").fetchall()
        return [self._record(row) for row in rows]

    def left_out(self) -> frozenset[int]:
        """Ids of the frames that are not included."""
        return frozenset(int(row[0]) for row in self._db.execute("SELECT id FROM footage WHERE NOT included"))

    def _record(self, row: sqlite3.Row) -> FootageRecord:
        return FootageRecord(
            id=row["id"], patient=row["patient"], name=row["name"], path=found(row["path"], self._folder),
            seconds=row["seconds"], included=bool(row["included"]), reason=row["reason"],
            decided_by=row["decided_by"], measures=json.loads(row["measures"]),
            area=tuple(json.loads(row["area"])) if row["area"] else None,
        )  # fmt: skip

    def set_finding(
        self, footage_id: int, *, reason: str | None, measures: Mapping[str, float], area: Area | None
    ) -> None:
        """Keep what screening found; whether the frame is included changes only where no person decided."""
        with self._db:
            self._db.execute(
                "UPDATE footage SET reason = ?, measures = ?, area = ?,"
                " included = CASE decided_by WHEN 'person' THEN included ELSE ? END,"
                " decided_by = CASE decided_by WHEN 'person' THEN 'person' ELSE 'screening' END WHERE id = ?",
                (
                    reason or "", json.dumps(dict(measures)), json.dumps(area) if area else "", reason is None,
                    footage_id,
                ),
            )  # fmt: skip

    def set_included(self, ids: Iterable[int], included: bool) -> None:
        """A person's decision."""
        with self._db:
            self._db.executemany(
                "UPDATE footage SET included = ?, decided_by = 'person' WHERE id = ?", [(included, i) for i in ids]
            )

    def restore(self, records: Iterable[FootageRecord]) -> None:
        """Take a decision back: included or not, and by whom, as it was in these records."""
        with self._db:
            self._db.executemany(
                "UPDATE footage SET included = ?, decided_by = ? WHERE id = ?",
                [(r.included, r.decided_by, r.id) for r in records],
            )

    def remove(self, ids: Iterable[int]) -> None:
        """Forget frames; no file is touched."""
        with self._db:
            self._db.executemany("DELETE FROM footage WHERE id = ?", [(i,) for i in ids])
