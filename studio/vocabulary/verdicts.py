"""Verdicts on translations: who decided what, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VerdictValue = Literal["accepted", "rejected", "undecided"]
VERDICTS: tuple[VerdictValue, ...] = ("accepted", "rejected", "undecided")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``by`` is "person" or "rule"; ``reason`` is the rule's text or a person's words."""

    value: VerdictValue
    by: Literal["person", "rule"] = "person"
    reason: str = ""


UNDECIDED = Verdict("undecided", "rule", "")


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """What one edit did to one translation; a list of these is one undo step."""

    translation_id: int
    before: Verdict
    after: Verdict
