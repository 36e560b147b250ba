"""Renaming, deleting and restoring translator runs: folders on disk and rows of the catalogue as one step.

Neither SQLite nor the file system can do both at once. So what is to be done is written into the catalogue first, then
folders are moved, then the rows change in one transaction that also strikes the note out. A process killed in between
leaves the note, and the next opening of the project carries it through.

A deleted run lies whole in ``trash/translator-<name>/<time>/``: its row as run.json, its folder as ``files``.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from studio.files.atomic import disk_errors_named, write_json
from studio.project.lock import is_trained_now
from studio.project.records import RunRecord
from studio.project.run_table import TRASH, RunTable, checked_name
from studio.vocabulary.errors import InputError

_KEY = "unfinished_run_move"
_ROW, _FILES = "run.json", "files"


@dataclass(frozen=True, slots=True)
class _Plan:
    """``name`` becomes ``new`` (rename, restore) or goes to the trash (delete); ``entry`` is its folder there."""

    action: Literal["rename", "delete", "restore"]
    name: str
    new: str = ""
    entry: str = ""


class RunMoves:
    """Changes of a translator run's name and place. Runs that are trained at the moment are refused."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, runs: RunTable) -> None:
        self._db = connection
        self._folder = folder
        self._runs = runs

    def rename(self, name: str, new: str) -> RunRecord:
        """Give a run another name; its palettes and translations follow. Return the run as it is then.

        Raise InputError when there is no such run, when it is being trained, or when the name is taken or unusable.
        """
        run = self._movable(name, "renamed")
        if new == name:
            return run
        self._check_free(new, before=name)
        self._carry_out(_Plan("rename", name, new))
        return self._runs.get("translator", new)

    def delete(self, name: str) -> Path:
        """Move a run to the trash and return its folder there. Palettes and translations stay.

        Raise InputError when there is no such run or when it is being trained.
        """
        run = self._movable(name, "deleted")
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        entry = self._trash_of(name) / stamp
        kept = {k: v for k, v in asdict(run).items() if k not in ("folder", "kind")}
        write_json(entry / _ROW, kept)
        run.folder.mkdir(parents=True, exist_ok=True)
        self._carry_out(_Plan("delete", name, entry=stamp))
        return entry

    def restore(self, name: str) -> RunRecord:
        """Put the run of this name that was deleted last back, under the next free name if another has taken it.

        Raise InputError when there is none in the trash.
        """
        entries = self._entries(name)
        if not entries:
            known = ", ".join(self.trashed()) or "none"
            raise InputError(
                f"there is no run '{name}' in the trash", where=self._folder, remedy=f"Runs in it: {known}."
            )  # fmt: skip
        taken = self._runs.find("translator", name) is not None
        new = self._runs.free_name("translator", name) if taken else name
        self._check_free(new, before=name)
        self._carry_out(_Plan("restore", name, new, entries[-1].name))
        self._tidy(entries[-1])
        return self._runs.get("translator", new)

    def trashed(self) -> tuple[str, ...]:
        """Names of the runs that can be restored."""
        found = (self._folder / TRASH).glob(f"translator-*/*/{_ROW}")
        names = {path.parent.parent.name.removeprefix("translator-") for path in found}
        return tuple(sorted(name for name in names if self._entries(name)))

    def finish(self) -> None:
        """Carry through what an earlier process had begun, if anything."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
        if row is not None:
            self._move_and_record(_read_plan(json.loads(row[0]), self._folder))

    # -- checks

    def _movable(self, name: str, verb: str) -> RunRecord:
        run = self._runs.get("translator", name)
        if is_trained_now(run.folder):
            raise InputError(f"run '{name}' is being trained and cannot be {verb} now", where=self._folder,
                             remedy="Stop it first; it can be resumed afterwards.")  # fmt: skip
        return run

    def _check_free(self, name: str, *, before: str) -> None:
        """``before`` is the run's old name, whose own folders are in nobody's way: on some disks A and a are one."""
        checked_name(name, what="run")
        if name != before:
            self._runs.check_not_remembered("translator", name)
        if self._runs.find("translator", name) is not None:
            raise InputError(f"there is a translator run called '{name}' already", where=self._folder,
                             remedy="Choose another name.")  # fmt: skip
        for place in (self._files_of, self._translations_of):
            new, old = place(name), place(before)
            if new.exists() and not (old.exists() and old.samefile(new)):
                raise InputError("exists already", where=new, remedy="Choose another name, or move it away.")

    # -- places

    def _trash_of(self, name: str) -> Path:
        return self._folder / TRASH / f"translator-{checked_name(name, what='run')}"

    def _entries(self, name: str) -> list[Path]:
        """Whole entries of the trash, oldest first; one that has no files was restored or never came to be."""
        found = (path.parent for path in self._trash_of(name).glob(f"*/{_ROW}"))
        return sorted(entry for entry in found if (entry / _FILES).is_dir())

    def _files_of(self, name: str) -> Path:
        return self._runs.folder_of("translator", name)

    def _translations_of(self, name: str) -> Path:
        return self._folder / "translations" / name

    # -- doing

    def _carry_out(self, plan: _Plan) -> None:
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, json.dumps(asdict(plan))))
        self._move_and_record(plan)

    def _move_and_record(self, plan: _Plan) -> None:
        """Every part may have been done already; when one can't be done, those of this call are taken back."""
        moved: list[tuple[Path, Path]] = []
        record: Mapping[str, Callable[[_Plan], None]] = {
            "rename": self._record_new_name, "delete": self._record_deletion, "restore": self._record_restoration,
        }  # fmt: skip
        try:
            for source, target in self._moves(plan):
                if source.exists() and (not target.exists() or target.samefile(source)):
                    with disk_errors_named(source):
                        target.parent.mkdir(parents=True, exist_ok=True)
                        source.rename(target)
                    moved.append((source, target))
            with self._db:
                record[plan.action](plan)
                self._strike_out()
        except BaseException:
            for source, target in reversed(moved):
                target.rename(source)
            with self._db:
                self._strike_out()
            raise

    def _strike_out(self) -> None:
        self._db.execute("DELETE FROM meta WHERE key = ?", (_KEY,))

    def _moves(self, plan: _Plan) -> list[tuple[Path, Path]]:
        folder = self._files_of(plan.name)
        if plan.action == "rename":
            return [
                (folder, self._files_of(plan.new)),
                (self._translations_of(plan.name), self._translations_of(plan.new)),
            ]
        files = self._trash_of(plan.name) / plan.entry / _FILES
        return [(folder, files)] if plan.action == "delete" else [(files, self._files_of(plan.new))]

    def _record_new_name(self, plan: _Plan) -> None:
        names = {"old": plan.name, "new": plan.new}
        row = self._db.execute("SELECT result FROM runs WHERE kind = 'translator' AND name = :old", names).fetchone()
        if row is None:
            return
        before, after = (str(self._files_of(n)) for n in (plan.name, plan.new))
        result = {k: _moved(v, before, after) for k, v in json.loads(row[0]).items()}
        self._db.execute(
            "UPDATE runs SET name = :new, result = :result WHERE kind = 'translator' AND name = :old",
            names | {"result": json.dumps(result)},
        )
        self._db.execute("UPDATE palettes SET run = :new WHERE run = :old", names)
        self._db.execute(
            "UPDATE translations SET run = :new, path = CASE WHEN substr(path, 1, length(:before)) = :before"
            " THEN :after || substr(path, length(:before) + 1) ELSE path END WHERE run = :old",
            names | {"before": f"translations/{plan.name}/", "after": f"translations/{plan.new}/"},
        )

    def _record_deletion(self, plan: _Plan) -> None:
        self._db.execute("DELETE FROM runs WHERE kind = 'translator' AND name = ?", (plan.name,))

    def _record_restoration(self, plan: _Plan) -> None:
        path = self._trash_of(plan.name) / plan.entry / _ROW
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            values = (int(row["id"]), plan.new, json.dumps(row["settings"]), str(row["state"]),
                      json.dumps(row["result"]), str(row["created"]))  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("the note of a deleted run cannot be read", where=path,
                             remedy="Restore it from a copy.") from error  # fmt: skip
        # Its old id, and with it its place among the others, unless a newer run has it.
        self._db.execute(
            "INSERT INTO runs (id, kind, name, settings, state, result, created) VALUES ("
            "(SELECT :id WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = :id)), 'translator',"
            " :name, :settings, :state, :result, :created)",
            dict(zip(("id", "name", "settings", "state", "result", "created"), values, strict=True)),
        )

    def _tidy(self, entry: Path) -> None:
        """Take an entry that has been restored out of the trash; what else someone has put there stays."""
        (entry / _ROW).unlink(missing_ok=True)
        for folder in (entry, entry.parent, entry.parent.parent):
            if any(folder.iterdir()):
                return
            folder.rmdir()


def _moved(value: Any, before: str, after: str) -> Any:
    """A path below the old folder as the one below the new."""
    inside = isinstance(value, str) and (value == before or value.startswith(before + os.sep))
    return after + value[len(before) :] if inside else value


def _read_plan(values: Mapping[str, Any], folder: Path) -> _Plan:
    """A note as it was written; names that are no names (a folder elsewhere) are refused."""
    try:
        plan = _Plan(**values)
        for text in (plan.name, plan.new, plan.entry):
            if text:
                checked_name(text, what="run")
    except (TypeError, InputError) as error:
        raise InputError("the catalogue holds an unreadable note on a run", where=folder,
                         remedy="Restore it from a copy.") from error  # fmt: skip
    return plan
