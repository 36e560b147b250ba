"""Verdicts, undo and redo against a plain list of states, over random histories that close and reopen the project."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.vocabulary.verdicts import UNDECIDED, VERDICTS, Verdict, VerdictChange
from tests.project.test_project import scene

COUNT = 4


class VerdictHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.project = Project.create(self.base / "p")
        list(self.project.scenes.add(scene(self.base / "r", COUNT)))
        rows = [
            NewTranslation(
                f.id, "run", "pal", "s", (0.0,), self.project.folder / "translations" / f.name, "fp", 0.5, {}
            )
            for f in self.project.scenes.frames()
        ]
        self.project.translations.put(rows)
        self.ids = self.project.translations.ids(order="frame")
        self.states: list[dict[int, Verdict]] = [dict.fromkeys(self.ids, UNDECIDED)]
        self.at = 0

    @rule(which=st.sets(st.integers(0, COUNT - 1), min_size=1), value=st.sampled_from(VERDICTS))
    def decide(self, which: set[int], value: str) -> None:
        after = Verdict(value, "person", "seen")  # type: ignore[arg-type]
        now = self.states[self.at]
        changes = [VerdictChange(self.ids[i], now[self.ids[i]], after) for i in sorted(which)]
        self.project.translations.change_verdicts("step", changes)
        if any(c.before != c.after for c in changes):
            del self.states[self.at + 1 :]
            self.states.append({**now, **{c.translation_id: after for c in changes}})
            self.at += 1

    @rule()
    def undo(self) -> None:
        undone = self.project.translations.undo()
        assert (undone is None) == (self.at == 0)
        self.at = max(0, self.at - 1)

    @rule()
    def redo(self) -> None:
        redone = self.project.translations.redo()
        assert (redone is None) == (self.at == len(self.states) - 1)
        self.at = min(len(self.states) - 1, self.at + 1)

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.base / "p")

    @invariant()
    def verdicts_are_those_of_the_state(self) -> None:
        assert {r.id: r.verdict for r in self.project.translations.all()} == self.states[self.at]

    def teardown(self) -> None:
        self.project.close()
        shutil.rmtree(self.base)


VerdictHistory.TestCase.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)
TestVerdictHistory = VerdictHistory.TestCase
