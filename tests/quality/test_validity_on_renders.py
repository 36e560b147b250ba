"""Validity on renders of the simulator, which its curves were not fitted on: the guide's figures at a smaller size."""

from __future__ import annotations

from typing import Any

import pytest

from studio.commands.bench import validity_figures
from studio.jobs.stages import result_of
from studio.quality.damages import DAMAGES
from studio.quality.harder_damages import HARDER_DAMAGES

FLOOR = 0.9
LOWER_FLOORS = {"swapped": 0.85, "in its neighbour's colours": 0.8, "outline moved by 8 px": 0.82}
"""Small pictures of bodies that resemble one another: what the first two leave can be what a faithful change would. The
third touches a part of one outline only; eight such frames give 0.88, sixteen 0.90, full-size ones 0.96."""


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    found: dict[str, Any] = result_of(validity_figures(frames=8, size=(320, 180), processes=1))
    return found


def test_faithful_ranks_above_broken(figures: dict[str, Any]) -> None:
    for group, kinds in ((figures, DAMAGES), (figures["harder"], HARDER_DAMAGES)):
        assert set(group["broken"]) == set(kinds)
        assert group["auc"] >= 0.95
        assert group["faithful"]["count"] == 16
        assert group["faithful"]["median"] > 0.8 > max(kind["median"] for kind in group["broken"].values())


def test_no_kind_of_damage_is_overlooked(figures: dict[str, Any]) -> None:
    for kind, found in (figures["broken"] | figures["harder"]["broken"]).items():
        assert found["count"] >= 12
        assert found["auc"] >= LOWER_FLOORS.get(kind, FLOOR), kind
