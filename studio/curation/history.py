"""Undo and redo as one frozen value that can be kept in a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from studio.vocabulary.errors import InputError
from studio.vocabulary.verdicts import VERDICTS, Verdict, VerdictChange

_MAX_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """One edit as a person knows it: its name in the menu, and every change that it made."""

    name: str
    changes: tuple[VerdictChange, ...]

    def backwards(self) -> tuple[VerdictChange, ...]:
        """The changes that take it back, last first."""
        return tuple(VerdictChange(c.translation_id, c.after, c.before) for c in reversed(self.changes))


@dataclass(frozen=True, slots=True)
class History:
    """Steps done, oldest first, and steps undone, the next one to redo last."""

    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()

    def with_step(self, step: Step) -> History:
        """After a new edit: what was undone before can no longer be redone. An edit without changes is none."""
        return History((*self.past, step)[-_MAX_STEPS:]) if step.changes else self

    def undone(self) -> tuple[History, tuple[VerdictChange, ...]]:
        """The history after one undo, and the changes to make (none when there is nothing to undo)."""
        if not self.past:
            return self, ()
        step = self.past[-1]
        return replace(self, past=self.past[:-1], future=(*self.future, step)), step.backwards()

    def redone(self) -> tuple[History, tuple[VerdictChange, ...]]:
        """The history after one redo, and the changes to make (none when there is nothing to redo)."""
        if not self.future:
            return self, ()
        step = self.future[-1]
        return History((*self.past, step), self.future[:-1]), step.changes

    @property
    def undo_name(self) -> str:
        return self.past[-1].name if self.past else ""

    @property
    def redo_name(self) -> str:
        return self.future[-1].name if self.future else ""

    def to_json(self) -> str:
        return json.dumps({"past": [asdict(s) for s in self.past], "future": [asdict(s) for s in self.future]})

    @staticmethod
    def from_json(text: str) -> History:
        """Raise InputError for anything that to_json does not write."""
        try:
            fields = json.loads(text)
            return History(*(tuple(_read_step(s) for s in fields[key]) for key in ("past", "future")))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("the kept undo history is damaged", where="history", remedy="Start a new one.") from error


def _read_step(fields: dict[str, Any]) -> Step:
    changes = (
        VerdictChange(int(c["translation_id"]), _read_verdict(c["before"]), _read_verdict(c["after"]))
        for c in fields["changes"]
    )
    return Step(str(fields["name"]), tuple(changes))


def _read_verdict(fields: dict[str, Any]) -> Verdict:
    if fields["value"] not in VERDICTS or fields["by"] not in ("person", "rule"):
        raise ValueError(f"not a verdict: {fields}")
    return Verdict(fields["value"], fields["by"], str(fields["reason"]))
