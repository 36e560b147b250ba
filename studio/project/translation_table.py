"""Translations and their verdicts in the catalogue, with undo and redo that outlive the session."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.project.paths import inside, kept
from studio.project.records import TranslationRecord
from studio.vocabulary.errors import InputError
from studio.vocabulary.verdicts import Verdict, VerdictChange, VerdictValue

_SELECT = (
    "SELECT t.*, f.name AS frame_name, s.patient FROM translations t"
    " JOIN frames f ON f.id = t.frame_id JOIN scenes s ON s.id = f.scene_id "
)


@dataclass(frozen=True, slots=True)
class NewTranslation:
    """A translation to be kept. ``path`` lies inside the project."""

    frame_id: int
    run: str
    palette: str
    style: str
    code: tuple[float, ...]
    path: Path
    fingerprint: str
    validity: float | None
    measures: Mapping[str, float]


class TranslationTable:
    """One row a translation; verdicts change in steps that can be undone."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def put(self, rows: Sequence[NewTranslation]) -> None:
        """Add or replace (same frame, run, palette and style); a replaced one keeps its verdict."""
        with self._db:
            self._db.executemany(
                "INSERT INTO translations (frame_id, run, palette, style, code, path, fingerprint, validity, measures)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (frame_id, run, palette, style) DO UPDATE SET"
                " code = excluded.code, path = excluded.path, fingerprint = excluded.fingerprint,"
                " validity = excluded.validity, measures = excluded.measures",
                [
                    (
                        r.frame_id, r.run, r.palette, r.style, json.dumps(r.code), kept(r.path, self._folder),
                        r.fingerprint, r.validity, json.dumps(dict(r.measures)),
                    )
                    for r in rows
                ],
            )  # fmt: skip

    def set_measures(self, translation_id: int, *, validity: float, measures: Mapping[str, float]) -> None:
        with self._db:
            self._db.execute(
                "UPDATE translations SET validity = ?, measures = ? WHERE id = ?",
                (validity, json.dumps(dict(measures)), translation_id),
            )

    def count(self, verdict: VerdictValue | None = None) -> int:
        row = self._db.execute("SELECT count(*) FROM translations WHERE ? IS NULL OR verdict = ?", (verdict, verdict))
        return int(row.fetchone()[0])

    def of_runs(self) -> dict[str, tuple[int, float | None]]:
        """Run name -> how many translations were made with it, and their mean validity (None: not measured)."""
        rows = self._db.execute("SELECT run, count(*), avg(validity) FROM translations GROUP BY run")
        return {str(run): (int(count), validity) for run, count, validity in rows}

    def of_styles(self, run: str, verdicts: Sequence[VerdictValue]) -> list[tuple[str, str, tuple[float, ...], int]]:
        """(palette, style, code, how many) of a run's translations of these verdicts. Counted by SQLite: cheap for
        hundreds of thousands."""
        marks = ",".join("?" * len(verdicts))
        rows = self._db.execute(
            f"SELECT palette, style, code, count(*) FROM translations WHERE run = ? AND verdict IN ({marks})"
            " GROUP BY palette, style, code",
            (run, *verdicts),
        )
        return [(str(p), str(s), tuple(json.loads(code)), int(count)) for p, s, code, count in rows]

    def ids(self, *, order: str = "worst first", verdict: VerdictValue | None = None, palette: str = "") -> list[int]:
        """Ids in an order: "worst first", "best first", "frame" or "style". Cheap for hundreds of thousands."""
        orders = {
            "worst first": "t.validity IS NULL, t.validity, t.id",
            "best first": "t.validity IS NULL, t.validity DESC, t.id",
            "frame": "t.frame_id, t.style, t.id",
            "style": "t.style, t.frame_id, t.id",
        }
        rows = self._db.execute(
            "SELECT t.id FROM translations t WHERE (:verdict IS NULL OR t.verdict = :verdict)"
            f" AND (:palette = '' OR t.palette = :palette) ORDER BY {orders[order]}",
            {"verdict": verdict, "palette": palette},
        )
        return [int(row[0]) for row in rows]

    def get(self, translation_id: int) -> TranslationRecord:
        row = self._db.execute(f"{_SELECT} WHERE t.id = ?", (translation_id,)).fetchone()
        if row is None:
            raise InputError(f"there is no translation {translation_id}", where=self._folder)
        return self._record(row)

    def some(self, ids: Sequence[int]) -> list[TranslationRecord]:
        """The records of these ids, in their order; ids that are gone are left out."""
        known: dict[int, TranslationRecord] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self._db.execute(f"{_SELECT} WHERE t.id IN ({marks})", part):
                known[row["id"]] = self._record(row)
        return [known[i] for i in ids if i in known]

    def all(
        self, *, verdicts: Sequence[VerdictValue] = ("accepted", "undecided", "rejected")
    ) -> Iterator[TranslationRecord]:
        """Records one by one, by id."""
        marks = ",".join("?" * len(verdicts))
        for row in self._db.execute(f"{_SELECT} WHERE t.verdict IN ({marks}) ORDER BY t.id", verdicts):
            yield self._record(row)

    def _record(self, row: sqlite3.Row) -> TranslationRecord:
        return TranslationRecord(
            id=row["id"], frame_id=row["frame_id"], patient=row["patient"], frame_name=row["frame_name"],
            run=row["run"], palette=row["palette"], style=row["style"], code=tuple(json.loads(row["code"])),
            path=inside(row["path"], self._folder), fingerprint=row["fingerprint"], validity=row["validity"],
            measures=json.loads(row["measures"]),
            verdict=Verdict(row["verdict"], row["verdict_by"], row["verdict_reason"]),
        )  # fmt: skip

    def remove(self, ids: Sequence[int]) -> None:
        """Forget translations; the files are left to the caller."""
        with self._db:
            self._db.executemany("DELETE FROM translations WHERE id = ?", [(i,) for i in ids])

    def change_verdicts(self, label: str, changes: Sequence[VerdictChange]) -> None:
        """Apply changes as one step that can be undone; what had been undone before can no longer be redone."""
        changes = [c for c in changes if c.before != c.after]
        if not changes:
            return
        kept_changes = json.dumps([[c.translation_id, _row(c.before), _row(c.after)] for c in changes])
        with self._db:
            self._db.execute("DELETE FROM verdict_steps WHERE undone")
            self._db.execute("INSERT INTO verdict_steps (label, changes) VALUES (?, ?)", (label, kept_changes))
            self._set([(c.translation_id, c.after) for c in changes])

    def undo(self) -> tuple[str, tuple[int, ...]] | None:
        """Take the last step back; return its label and the translations it touched, or None when there is none."""
        row = self._db.execute("SELECT * FROM verdict_steps WHERE NOT undone ORDER BY id DESC LIMIT 1").fetchone()
        return self._replay(row, back=True)

    def redo(self) -> tuple[str, tuple[int, ...]] | None:
        """Do the last undone step again."""
        row = self._db.execute("SELECT * FROM verdict_steps WHERE undone ORDER BY id LIMIT 1").fetchone()
        return self._replay(row, back=False)

    def undo_labels(self) -> tuple[str, str]:
        """What undo and redo would act on ("" = nothing)."""
        undo = self._db.execute("SELECT label FROM verdict_steps WHERE NOT undone ORDER BY id DESC LIMIT 1").fetchone()
        redo = self._db.execute("SELECT label FROM verdict_steps WHERE undone ORDER BY id LIMIT 1").fetchone()
        return (undo[0] if undo else "", redo[0] if redo else "")

    def _replay(self, row: sqlite3.Row | None, *, back: bool) -> tuple[str, tuple[int, ...]] | None:
        if row is None:
            return None
        changes = json.loads(row["changes"])
        with self._db:
            self._set([(i, Verdict(*(before if back else after))) for i, before, after in changes])
            self._db.execute("UPDATE verdict_steps SET undone = ? WHERE id = ?", (back, row["id"]))
        return row["label"], tuple(i for i, _, _ in changes)

    def _set(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        self._db.executemany(
            "UPDATE translations SET verdict = ?, verdict_by = ?, verdict_reason = ? WHERE id = ?",
            [(v.value, v.by, v.reason, i) for i, v in verdicts],
        )


def _row(verdict: Verdict) -> list[str]:
    return [verdict.value, verdict.by, verdict.reason]
