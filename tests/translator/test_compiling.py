"""Compiled networks, as a GPU gets them, against the same networks as they are; here by the compiler's CPU side."""

from __future__ import annotations

import shutil

import pytest
import torch

from studio.translator.bench import random_batch
from studio.translator.learner import Learner
from tests.translator.making import tiny

CPU = torch.device("cpu")


@pytest.mark.long
@pytest.mark.filterwarnings(
    "ignore"
)  # the compiler warns of its own ways: caches, script methods, gradients it peeks at
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling for a CPU needs g++")
def test_compiled_steps_equal_plain_ones_without_breaking_the_graph() -> None:
    plain, compiled = Learner(tiny(compile="off"), CPU), Learner(tiny(compile="on"), CPU)
    batch = random_batch(tiny(), CPU)
    for step in range(2):
        expected, losses = plain.step(batch, step, 1e-4), compiled.step(batch, step, 1e-4)
        for name, value in expected.items():
            assert float(losses[name]) == pytest.approx(float(value), abs=1e-4), name
    assert not torch._dynamo.utils.counters["graph_break"]
    assert list(plain.gen_b.state_dict()) == list(compiled.gen_b.state_dict())
