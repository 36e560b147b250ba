"""What the simulated frames show, measured once and asked by index: classes present, range of the depth."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

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
        """Ids of the frames that are wanted, by scene and position; only measured ones match a condition."""
        conditions: list[str] = ["1"]
        values: tuple[float | str, ...] = ()
        if wanted.class_id is not None:
            conditions.append("f.id IN (SELECT frame_id FROM frame_classes WHERE class_id = ?)")
            values = (*values, wanted.class_id)
        if wanted.depth_from is not None or wanted.depth_to is not None:
            conditions.append("f.id IN (SELECT frame_id FROM frame_contents WHERE depth_median BETWEEN ? AND ?)")
            values = (*values, wanted.depth_from or 0.0, 1e12 if wanted.depth_to is None else wanted.depth_to)
        of = "SELECT id, row_number() OVER (ORDER BY patient, name, id) AS place FROM scenes"
        if wanted.scene_ids is not None:
            of, values = "SELECT value AS id, key AS place FROM json_each(?)", (_listed(wanted.scene_ids), *values)
        rows = self._db.execute(
            f"SELECT f.id FROM ({of}) s CROSS JOIN frames f ON f.scene_id = s.id"
            f" WHERE {' AND '.join(conditions)} ORDER BY s.place, f.position", values,
        )  # fmt: skip
        return [int(row[0]) for row in rows]

    def class_counts(self, scene_ids: Sequence[int] | None = None) -> dict[int, int]:
        """In how many frames, of some scenes or all, each class is present."""
        join, values = _within("k", scene_ids)
        rows = self._db.execute(f"SELECT k.class_id, count(*) FROM frame_classes k {join} GROUP BY k.class_id", values)
        return {int(row[0]): int(row[1]) for row in rows}

    def mean_shares(self, scene_ids: Sequence[int] | None = None) -> dict[int, float]:
        """Mean share of the pixels by class, over the measured frames of some scenes or all; empty without one."""
        join, values = _within("k", scene_ids)
        sums = self._db.execute(f"SELECT k.class_id, sum(k.share) FROM frame_classes k {join} GROUP BY 1", values)
        join, values = _within("c", scene_ids)
        frames = self._db.execute(
            f"SELECT count(*) FROM frame_contents c {join} WHERE c.problem = ''", values
        ).fetchone()[0]
        return {int(row[0]): float(row[1]) / frames for row in sums}

    def depth_range(self, scene_ids: Sequence[int] | None = None) -> tuple[float, float] | None:
        """The least and the largest median depth in mm; None while nothing is measured."""
        join, values = _within("c", scene_ids)
        # One question each: only then the index answers it at once.
        low, high = (
            self._db.execute(f"SELECT {end}(c.depth_median) FROM frame_contents c {join}", values).fetchone()[0]
            for end in ("min", "max")
        )
        return None if low is None else (float(low), float(high))


def _within(table: str, scene_ids: Sequence[int] | None) -> tuple[str, tuple[str, ...]]:
    """A join to some scenes' frames; none for all of them."""
    if scene_ids is None:
        return "", ()
    wanted = "f.scene_id IN (SELECT value FROM json_each(?))"
    return f"JOIN frames f ON f.id = {table}.frame_id AND {wanted}", (_listed(scene_ids),)


def _listed(scene_ids: Sequence[int]) -> str:
    """For json_each: there may be more scenes than a statement takes values."""
    return json.dumps(list(scene_ids))
