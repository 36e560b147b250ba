"""The names under which rules and rankings find a translation's measures."""

from __future__ import annotations

from collections.abc import Mapping

from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import ClassTable, normal_name

LOW_IS_GOOD = frozenset({"displacement", "pull", "moved", "invented", "sliced_wasserstein", "noise"})
"""Measures of which a higher value is a worse one."""


def named_measures(
    validity: float, measures: Mapping[str, float], per_class: Mapping[int, float], *, classes: ClassTable
) -> dict[str, float]:
    """``validity``, the further measures, and ``validity.<class name>`` for each class that the frame shows.

    Ids that the table does not know are left out.
    """
    names = {c.id: c.name for c in classes}
    by_class = {f"validity.{names[i]}": float(v) for i, v in per_class.items() if i in names}
    return {"validity": float(validity), **{k: float(v) for k, v in measures.items()}, **by_class}


def find_measure(measures: Mapping[str, float], name: str) -> float | None:
    """The measure of that name, comparing names without regard to case, ``_`` and blanks; None when it is missing."""
    value = measures.get(name)
    if value is None:
        wanted = _comparable(name)
        value = next((v for k, v in measures.items() if _comparable(k) == wanted), None)
    return None if value is None or value != value else float(value)


def is_low_good(name: str) -> bool:
    """Whether a lower value of the measure is the better one."""
    return _comparable(name.partition(".")[0]) in {_comparable(n) for n in LOW_IS_GOOD}


def known_measure(name: str, known: frozenset[str]) -> str:
    """The spelling under which ``known`` holds the measure; raise InputError that lists what there is."""
    wanted = _comparable(name)
    for candidate in sorted(known):
        if _comparable(candidate) == wanted:
            return candidate
    raise InputError(
        f"no measure is called '{name}'", where="curation", remedy=f"There are: {', '.join(sorted(known)) or 'none'}."
    )


def _comparable(name: str) -> tuple[str, ...]:
    return tuple(normal_name(part) for part in name.split("."))
