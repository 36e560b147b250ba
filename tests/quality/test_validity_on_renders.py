"""Validity on renders of the simulator, which its curves were not fitted on: the guide's figures at a smaller size."""

from __future__ import annotations

from studio.commands.bench import validity_figures
from studio.jobs.stages import result_of


def test_faithful_ranks_above_each_kind_of_damage() -> None:
    figures = result_of(validity_figures(frames=4, size=(320, 180), processes=1))
    broken = figures["broken"]
    assert {"warped", "shifted", "painted over", "erased", "swapped"} <= set(broken)
    assert all(kind["auc"] >= 0.95 for kind in broken.values())
    assert figures["auc"] >= 0.95
    assert figures["faithful"]["count"] == 8 and broken["warped"]["count"] == 8
    assert figures["faithful"]["median"] > 0.8 > max(kind["median"] for kind in broken.values())
