"""What starting the window costs, measured from outside, and the self-test on itself."""

from __future__ import annotations

import pytest

from studio.gui.bench import first_paint, summary
from studio.gui.selftest import self_test
from studio.jobs.stages import result_of


def test_a_fresh_process_paints_without_torch() -> None:
    painted = first_paint()
    assert painted["torch"] is False
    assert 0 < painted["seconds"] < 60


def test_lateness_is_summed_up_by_its_tail() -> None:
    assert summary([0.0] * 98 + [7.0, 20.0]) == {"p50_ms": 0.0, "p99_ms": 20.0, "max_ms": 20.0}


@pytest.mark.long
def test_the_self_test_passes() -> None:
    outcome = result_of(self_test())
    assert outcome["failed"] == []
    assert set(outcome["checks"].values()) == {"ok"}
