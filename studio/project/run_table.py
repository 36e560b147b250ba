"""Runs, palettes, exports and evaluations in the catalogue."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.project.paths import found, inside, kept
from studio.project.records import EvaluationRecord, ExportRecord, PaletteRecord, RunKind, RunRecord, RunState
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette, Style

TRASH = "trash"
_NAME = re.compile(r"[\w][\w .()+-]{0,63}")


def checked_name(name: str, *, what: str) -> str:
    """A name that is also a folder's name on every system; raise InputError otherwise."""
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise InputError(
            f"'{name}' cannot name a {what}", remedy="Use letters, digits, blanks and . _ - + ( ), at most 64 of them."
        )
    return name


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class RunTable:
    """Translator and segmenter runs; each has a folder in ``runs/``."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def add(self, kind: RunKind, name: str, settings: Mapping[str, Any]) -> RunRecord:
        """Add a run; raise InputError when the name is taken or unusable."""
        checked_name(name, what="run")
        self.check_not_remembered(kind, name)
        try:
            with self._db:
                self._db.execute(
                    "INSERT INTO runs (name, kind, settings, state, created) VALUES (?, ?, ?, 'new', ?)",
                    (name, kind, json.dumps(settings), _now()),
                )
        except sqlite3.IntegrityError:
            raise InputError(
                f"there is a {kind} run called '{name}' already",
                where=self._folder,
                remedy="Give another --name, or --resume it.",
            ) from None
        return self.get(kind, name)

    def all(self, kind: RunKind | None = None) -> list[RunRecord]:
        """Runs in the order of their making."""
        rows = self._db.execute("SELECT * FROM runs WHERE ? IS NULL OR kind = ? ORDER BY id", (kind, kind))
        return [self._record(row) for row in rows]

    def find(self, kind: RunKind, name: str) -> RunRecord | None:
        row = self._db.execute("SELECT * FROM runs WHERE kind = ? AND name = ?", (kind, name)).fetchone()
        return None if row is None else self._record(row)

    def get(self, kind: RunKind, name: str) -> RunRecord:
        """Raise InputError, naming the runs there are, when there is none of that name."""
        run = self.find(kind, name)
        if run is None:
            known = ", ".join(r.name for r in self.all(kind)) or "none yet"
            raise InputError(f"there is no {kind} run '{name}'", where=self._folder, remedy=f"Runs: {known}.")
        return run

    def free_name(self, kind: RunKind, stem: str) -> str:
        """``stem``, or ``stem-2`` and so on."""
        taken = {r.name for r in self.all(kind)} | self._remembered(kind)
        return next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, 100_000))) if n not in taken)

    def check_not_remembered(self, kind: RunKind, name: str) -> None:
        """Raise InputError when palettes or translations of a deleted run still go by this name."""
        if name in self._remembered(kind):
            raise InputError(
                f"'{name}' is the name of a deleted run, and palettes or translations of it are here",
                where=self._folder, remedy=f"Choose another name, or put it back: trocar {kind} restore.",
            )  # fmt: skip

    def _remembered(self, kind: RunKind) -> set[str]:
        """Names of runs in the trash that something in the catalogue still refers to."""
        trash = self._folder / TRASH
        if kind != "translator" or not trash.is_dir():
            return set()
        rows = self._db.execute("SELECT run FROM palettes UNION SELECT run FROM translations")
        return {str(r[0]) for r in rows if (trash / f"{kind}-{r[0]}").is_dir()} - {r.name for r in self.all(kind)}

    def update(
        self, run: RunRecord, *, state: RunState | None = None, result: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        with self._db:
            self._db.execute(
                "UPDATE runs SET state = coalesce(?, state), result = coalesce(?, result),"
                " settings = coalesce(?, settings) WHERE id = ?",
                (state, _text(result), _text(settings), run.id),
            )

    def folder_of(self, kind: RunKind, name: str) -> Path:
        """Where a run of this name has its files."""
        return inside(f"runs/{kind}-{name}", self._folder)

    def remove(self, run: RunRecord) -> None:
        """Forget a run; its folder is left to the caller."""
        with self._db:
            self._db.execute("DELETE FROM runs WHERE id = ?", (run.id,))

    def _record(self, row: sqlite3.Row) -> RunRecord:
        return RunRecord(
            id=row["id"], name=row["name"], kind=row["kind"], folder=self.folder_of(row["kind"], row["name"]),
            settings=json.loads(row["settings"]), state=row["state"],
            result=json.loads(row["result"]), created=row["created"],
        )  # fmt: skip


def _text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


class PaletteTable:
    """Palettes by name."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def save(self, palette: Palette, recipe: Mapping[str, Any] | None = None) -> PaletteRecord:
        """Add or replace the palette of that name."""
        checked_name(palette.name, what="palette")
        with self._db:
            self._db.execute(
                "INSERT INTO palettes (name, run, styles, recipe, created, notes) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET run = excluded.run, styles = excluded.styles,"
                " recipe = excluded.recipe, notes = excluded.notes",
                (
                    palette.name, palette.run, json.dumps([asdict(s) for s in palette.styles]),
                    json.dumps(recipe or {}), _now(), palette.notes,
                ),
            )  # fmt: skip
        return self.get(palette.name)

    def all(self) -> list[PaletteRecord]:
        return [self._record(row) for row in self._db.execute("SELECT * FROM palettes ORDER BY id")]

    def get(self, name: str) -> PaletteRecord:
        """Raise InputError, naming the palettes there are, when there is none of that name."""
        row = self._db.execute("SELECT * FROM palettes WHERE name = ?", (name,)).fetchone()
        if row is None:
            known = ", ".join(p.palette.name for p in self.all()) or "none yet"
            raise InputError(f"there is no palette '{name}'", where=self._folder, remedy=f"Palettes: {known}.")
        return self._record(row)

    def remove(self, name: str) -> None:
        with self._db:
            self._db.execute("DELETE FROM palettes WHERE name = ?", (name,))

    def _record(self, row: sqlite3.Row) -> PaletteRecord:
        styles = tuple(Style(**{**s, "code": tuple(s["code"])}) for s in json.loads(row["styles"]))
        return PaletteRecord(
            row["id"], Palette(row["name"], row["run"], styles, row["notes"]), json.loads(row["recipe"]),
            row["created"],
        )  # fmt: skip


class OutcomeTable:
    """Exports and evaluations that were made."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._db = connection
        self._folder = folder

    def add_export(self, dest: Path, format_name: str, *, recipe: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO exports (dest, format, recipe, counts, created) VALUES (?, ?, ?, ?, ?)",
                (kept(dest, self._folder), format_name, json.dumps(recipe), json.dumps(counts), _now()),
            )

    def exports(self) -> list[ExportRecord]:
        """Newest first."""
        return [
            ExportRecord(
                row["id"], found(row["dest"], self._folder), row["format"], json.loads(row["recipe"]),
                json.loads(row["counts"]), row["created"],
            )
            for row in self._db.execute("SELECT * FROM exports ORDER BY id DESC")
        ]  # fmt: skip

    def add_evaluation(self, report: Path, result: Mapping[str, Any]) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO evaluations (report, result, created) VALUES (?, ?, ?)",
                (kept(report, self._folder), json.dumps(result), _now()),
            )

    def evaluations(self) -> list[EvaluationRecord]:
        """Newest first."""
        return [
            EvaluationRecord(row["id"], found(row["report"], self._folder), json.loads(row["result"]), row["created"])
            for row in self._db.execute("SELECT * FROM evaluations ORDER BY id DESC")
        ]
