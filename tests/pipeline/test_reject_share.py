"""The demo's automatic limit rejects its share, also where nearly all validities are small."""

from __future__ import annotations

import pytest

from studio.curation.rules import parse_rule
from studio.pipeline.flow import rule_against_worst


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-7])
def test_the_worst_tenth_does_not_meet_the_rule(scale: float) -> None:
    validities = [scale * (k + 1) / 100 for k in range(100)]
    text = rule_against_worst(validities, 0.1)
    rejected = [v for v in validities if not parse_rule(text).accepts({"validity": v})]
    assert rejected == validities[:10]
