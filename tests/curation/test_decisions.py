"""Verdicts by rule and by person, and undo and redo of both as a state machine."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from studio.curation.decisions import Candidate, apply_rule, changed, decide
from studio.curation.history import History, Step
from studio.curation.rules import parse_rule
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.verdicts import UNDECIDED, Verdict, VerdictChange

PERSON_NO = Verdict("rejected", "person", "halo")
RULE = parse_rule("validity >= 0.8")


def test_a_rule_judges_and_leaves_persons_alone() -> None:
    candidates = [
        Candidate(1, UNDECIDED, {"validity": 0.9}),
        Candidate(2, PERSON_NO, {"validity": 0.9}),
        Candidate(3, Verdict("accepted", "rule", "older"), {"validity": 0.1}),
        Candidate(4, Verdict("accepted", "rule", RULE.text), {"validity": 0.95}),
        Candidate(5, UNDECIDED, {}),
    ]
    outcome = apply_rule(RULE, candidates)
    after = {c.translation_id: c.after for c in outcome.changes}
    assert after[1] == Verdict("accepted", "rule", "validity >= 0.8")
    assert after[3].value == "rejected"
    assert after[5].value == "undecided" and "no validity" in after[5].reason
    assert set(after) == {1, 3, 5}
    counts = (outcome.accepted, outcome.rejected, outcome.undecided, outcome.kept, dict(outcome.missing))
    assert counts == (2, 1, 1, 1, {"validity": 1})
    assert outcome.summary() == (
        "2 accepted, 1 rejected, 1 undecided (1 without validity), 1 decided by a person and kept"
    )


def test_a_rule_overrides_persons_only_when_asked() -> None:
    candidate = Candidate(2, PERSON_NO, {"validity": 0.9})
    (change,) = apply_rule(RULE, [candidate], over_person=True).changes
    assert (change.before, change.after.value) == (PERSON_NO, "accepted")


def test_applying_the_same_rule_again_changes_nothing() -> None:
    first = apply_rule(RULE, [Candidate(1, UNDECIDED, {"validity": 0.9}), Candidate(2, UNDECIDED, {})])
    again = [
        Candidate(c.translation_id, c.after, m) for c, m in zip(first.changes, [{"validity": 0.9}, {}], strict=True)
    ]
    assert apply_rule(RULE, again).changes == ()


def test_changes_from_a_stale_state_are_refused() -> None:
    stale = VerdictChange(1, UNDECIDED, PERSON_NO)
    with pytest.raises(TrocarError, match="translation 1"):
        changed({1: Verdict("accepted")}, [stale])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"past": [1], "future": []}', '{"past": 3, "future": []}'])
def test_a_damaged_history_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError):
        History.from_json(text)


class Curating(RuleBasedStateMachine):
    """The model is the plain list of all states; the history must walk along it."""

    def __init__(self) -> None:
        super().__init__()
        self.verdicts: dict[int, Verdict] = dict.fromkeys(range(6), UNDECIDED)
        self.measures = {i: {"validity": i / 5} if i else {} for i in range(6)}
        self.history = History()
        self.states = [dict(self.verdicts)]
        self.at = 0

    def _do(self, name: str, changes: tuple[VerdictChange, ...]) -> None:
        self.verdicts = changed(self.verdicts, changes)
        self.history = self.history.with_step(Step(name, changes))
        if changes:
            self.states = [*self.states[: self.at + 1], dict(self.verdicts)]
            self.at += 1

    @rule(ids=st.sets(st.integers(0, 5)), value=st.sampled_from(["accepted", "rejected", "undecided"]))
    def person_decides(self, ids: set[int], value: str) -> None:
        self._do("by hand", decide({i: self.verdicts[i] for i in sorted(ids)}, value))  # type: ignore[arg-type]

    @rule(limit=st.sampled_from(["0.2", "0.5", "0.9"]), over=st.booleans())
    def rule_decides(self, limit: str, over: bool) -> None:
        candidates = [Candidate(i, v, self.measures[i]) for i, v in self.verdicts.items()]
        outcome = apply_rule(parse_rule(f"validity > {limit}"), candidates, over_person=over)
        persons = {i for i, v in self.verdicts.items() if v.by == "person"}
        assert over or not persons & {c.translation_id for c in outcome.changes}
        self._do("by rule", outcome.changes)

    @rule()
    def undo(self) -> None:
        self.history, changes = self.history.undone()
        self.verdicts = changed(self.verdicts, changes)
        self.at = max(0, self.at - 1)

    @rule()
    def redo(self) -> None:
        self.history, changes = self.history.redone()
        self.verdicts = changed(self.verdicts, changes)
        self.at = min(len(self.states) - 1, self.at + 1)

    @rule()
    def save_and_load(self) -> None:
        self.history = History.from_json(self.history.to_json())

    @invariant()
    def is_where_the_model_is(self) -> None:
        assert self.verdicts == self.states[self.at]
        assert len(self.history.past) == self.at
        assert len(self.history.future) == len(self.states) - 1 - self.at
        assert bool(self.history.undo_name) == bool(self.at)


Curating.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestCurating = Curating.TestCase
