"""What the simulated frames show, measured once and asked by index: classes present, range of the depth."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from studio.project.records import FrameContents, FrameFilter


class ContentTable:
    """Rows come and go with their frames; frames that are added again are measured anew."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def put(self, contents: Iterable[FrameContents]) -> None:
        """Keep what frames show, in one transaction; a frame's earlier row is replaced."""
        rows = list(contents)
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO frame_contents VALUES (?, ?, ?, ?, ?)",
                [(c.frame_id, *(c.depth or (None, None, None)), c.problem) for c in rows],
            )
            self._db.executemany("DELETE FROM frame_classes WHERE frame_id = ?", [(c.frame_id,) for c in rows])
            self._db.executemany(
                "INSERT INTO frame_classes VALUES (?, ?, ?)",
                [(class_id, c.frame_id, share) for c in rows for class_id, share in c.shares.items() if share > 0],
            )

    def missing(self, scene_id: int | None = None, *, limit: int = -1) -> list[int]:
        """Ids of frames that have not been measured."""
        where, values = _of_scene(scene_id)
        rows = self._db.execute(
            f"SELECT f.id FROM frames f WHERE {where} AND NOT EXISTS"
            " (SELECT 1 FROM frame_contents c WHERE c.frame_id = f.id) ORDER BY f.scene_id, f.position LIMIT ?",
            (*values, limit),
        )
        return [int(row[0]) for row in rows]

    def next_missing(self, after: int, limit: int) -> list[int]:
        """Ids above ``after`` of frames that have not been measured, in their order."""
        rows = self._db.execute(
            "SELECT f.id FROM frames f WHERE f.id > ? AND NOT EXISTS"
            " (SELECT 1 FROM frame_contents c WHERE c.frame_id = f.id) ORDER BY f.id LIMIT ?",
            (after, limit),
        )
        return [int(row[0]) for row in rows]

    def missing_count(self) -> int:
        """How many frames of all scenes have not been measured."""
        frames = self._db.execute("SELECT count(*) FROM frames").fetchone()[0]
        return int(frames - self._db.execute("SELECT count(*) FROM frame_contents").fetchone()[0])

    def matching(self, wanted: FrameFilter) -> list[int]:
        """Ids of the frames that are wanted, by patient, scene and position; only measured ones match a condition."""
        where, values = _of_scene(wanted.scene_id)
        conditions: list[str] = [where]
        if wanted.class_id is not None:
            conditions.append("f.id IN (SELECT frame_id FROM frame_classes WHERE class_id = ?)")
            values = (*values, wanted.class_id)
        if wanted.depth_from is not None or wanted.depth_to is not None:
            conditions.append("f.id IN (SELECT frame_id FROM frame_contents WHERE depth_median BETWEEN ? AND ?)")
            values = (*values, wanted.depth_from or 0.0, 1e12 if wanted.depth_to is None else wanted.depth_to)
        rows = self._db.execute(
            "SELECT f.id FROM frames f JOIN scenes s ON s.id = f.scene_id"
            f" WHERE {' AND '.join(conditions)} ORDER BY s.patient, s.name, f.scene_id, f.position", values,
        )  # fmt: skip
        return [int(row[0]) for row in rows]

    def class_counts(self, scene_id: int | None = None) -> dict[int, int]:
        """In how many frames each class is present."""
        join, values = _within("k", scene_id)
        rows = self._db.execute(f"SELECT k.class_id, count(*) FROM frame_classes k {join} GROUP BY k.class_id", values)
        return {int(row[0]): int(row[1]) for row in rows}

    def depth_range(self, scene_id: int | None = None) -> tuple[float, float] | None:
        """The least and the largest median depth in mm; None while nothing is measured."""
        join, values = _within("c", scene_id)
        # One question each: only then the index answers it at once.
        low, high = (
            self._db.execute(f"SELECT {end}(c.depth_median) FROM frame_contents c {join}", values).fetchone()[0]
            for end in ("min", "max")
        )
        return None if low is None else (float(low), float(high))


def _within(table: str, scene_id: int | None) -> tuple[str, tuple[float, ...]]:
    """A join to one scene's frames; none for all of them."""
    if scene_id is None:
        return "", ()
    return f"JOIN frames f ON f.id = {table}.frame_id AND f.scene_id = ?", (scene_id,)


def _of_scene(scene_id: int | None) -> tuple[str, tuple[float, ...]]:
    return ("1", ()) if scene_id is None else ("f.scene_id = ?", (scene_id,))
