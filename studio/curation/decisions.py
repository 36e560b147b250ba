"""What a rule or a person changes, as values; nothing here touches a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio.curation.rules import Rule
from studio.vocabulary.errors import TrocarError
from studio.vocabulary.verdicts import UNDECIDED, Verdict, VerdictChange, VerdictValue


@dataclass(frozen=True, slots=True)
class Candidate:
    """One translation as a rule sees it."""

    translation_id: int
    verdict: Verdict
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What applying a rule does. ``kept`` counts persons' verdicts left as they are; the other three what the rule
    found (also where nothing changes by it); ``missing`` counts, by measure, the undecided that lacked it."""

    changes: tuple[VerdictChange, ...]
    accepted: int
    rejected: int
    undecided: int
    kept: int
    missing: Mapping[str, int]

    def summary(self) -> str:
        """One line for people."""
        text = f"{self.accepted} accepted, {self.rejected} rejected, {self.undecided} undecided"
        if self.missing:
            text += " (" + ", ".join(f"{n} without {name}" for name, n in self.missing.items()) + ")"
        return text + (f", {self.kept} decided by a person and kept" if self.kept else "")


def apply_rule(rule: Rule, candidates: Iterable[Candidate], *, over_person: bool = False) -> RuleOutcome:
    """Judge every candidate by the rule. A person's accept or reject stays, unless ``over_person``."""
    changes: list[VerdictChange] = []
    counts = {"accepted": 0, "rejected": 0, "undecided": 0}
    missing: dict[str, int] = {}
    kept = 0
    for candidate in candidates:
        before = candidate.verdict
        if before.by == "person" and before.value != "undecided" and not over_person:
            kept += 1
            continue
        after = _judged(rule, candidate.measures, missing)
        counts[after.value] += 1
        if after != before:
            changes.append(VerdictChange(candidate.translation_id, before, after))
    return RuleOutcome(
        tuple(changes), counts["accepted"], counts["rejected"], counts["undecided"], kept, dict(sorted(missing.items()))
    )


def decide(verdicts: Mapping[int, Verdict], value: VerdictValue, *, reason: str = "") -> tuple[VerdictChange, ...]:
    """A person's verdict on these translations; those that have it already are left out."""
    after = Verdict(value, "person", reason) if value != "undecided" else UNDECIDED
    return tuple(VerdictChange(i, before, after) for i, before in verdicts.items() if before != after)


def changed(verdicts: Mapping[int, Verdict], changes: Iterable[VerdictChange]) -> dict[int, Verdict]:
    """The verdicts after these changes. Raise TrocarError when one of them starts from another verdict than is held."""
    result = dict(verdicts)
    for change in changes:
        if result.get(change.translation_id, UNDECIDED) != change.before:
            raise TrocarError(f"translation {change.translation_id}: its verdict was changed elsewhere meanwhile")
        result[change.translation_id] = change.after
    return result


def _judged(rule: Rule, measures: Mapping[str, float], missing: dict[str, int]) -> Verdict:
    accepts = rule.accepts(measures)
    if accepts is not None:
        return Verdict("accepted" if accepts else "rejected", "rule", rule.text)
    lacking = rule.missing(measures)
    for name in lacking:
        missing[name] = missing.get(name, 0) + 1
    return Verdict("undecided", "rule", f"{rule.text}: no {', '.join(lacking)}")
