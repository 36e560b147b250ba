"""What a job says while it runs: frozen events, and their one-line JSON form."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from studio.vocabulary.errors import TrocarError


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` units, over the whole job (stage names what is being done)."""

    done: float
    total: float
    unit: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    step: int
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Picture:
    step: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line for people; ``level`` is info or warning."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Done:
    """The job's result, JSON-able; always the last event of a job that ends well."""

    result: Mapping[str, Any] = field(default_factory=dict)


Event = Progress | Metric | Picture | Note | Done
Job = Generator[Event, None, None]
"""A job yields events. Closing it at any yield leaves a resumable state; it has no cancellation code of its own."""

_KINDS: dict[str, type[Event]] = {
    "progress": Progress, "metric": Metric, "picture": Picture, "note": Note, "done": Done,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_line(event: Event) -> str:
    """One JSON object without line breaks: ``{"event": "progress", ...}``."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}, separators=(",", ":"))


def from_line(line: str) -> Event:
    """Read a line of to_line; raise TrocarError when it is none."""
    try:
        fields = json.loads(line)
        return _KINDS[fields.pop("event")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrocarError(f"not an event line: {line[:200]!r}") from error
