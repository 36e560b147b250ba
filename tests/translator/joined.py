"""A training session of two processes: rank 0 in the test, rank 1 in a child that this module is run in."""

from __future__ import annotations

import hashlib
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from studio.jobs.siblings import rank_variables
from studio.translator.distributed import JoinedLearner
from studio.translator.following import follow_training
from studio.translator.learner import Learner
from studio.translator.ranks import JoinedRanks, joined_ranks
from tests.translator.making import pictures

POISON = 1e-7
"""A learning rate at which rank 1 finds its pictures to be no numbers."""
ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def slurm_variables(rank: int, count: int) -> dict[str, str]:
    """What srun sets for a task of one node, as its manual has it."""
    return {
        "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NODEID": "0", "SLURM_NNODES": "1",
        "SLURM_NTASKS": str(count), "SLURM_NTASKS_PER_NODE": str(count), "SLURM_STEP_ID": "0", "SLURM_JOB_ID": "4711",
        "SLURM_NODELIST": "localhost",
    }  # fmt: skip


@contextmanager
def child_rank(
    argv: list[str], setenv: Callable[[str, str], None],
    variables: Callable[[int, int], dict[str, str]] = rank_variables,
) -> Iterator[subprocess.Popen[str]]:  # fmt: skip
    """A Python process as rank 1 of two, this one becoming rank 0, as torchrun or SLURM would have it."""
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "TORCH_CPP_LOG_LEVEL": "ERROR"}
    environment = {**os.environ, **variables(1, 2), **meeting, "PYTHONPATH": str(ROOT)}
    for name, value in {**variables(0, 2), **meeting}.items():
        setenv(name, value)
    with subprocess.Popen(
        [sys.executable, "-m", *argv], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                try:
                    child.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    child.kill()


def fingerprint(learner: Learner) -> str:
    """Of all weights, bit for bit."""
    digest = hashlib.sha256()
    for module in (learner.gen_a, learner.gen_b, learner.disc_a, learner.disc_b):
        for value in module.state_dict().values():
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def gentle(learner: Learner) -> Learner:
    """Adam divides by the gradient's size, so that where one is nearly 0, rounding becomes a whole step; an epsilon
    above rounding takes that out of a comparison."""
    for optimiser in (learner.gen_optimiser, learner.disc_optimiser):
        optimiser.param_groups[0]["eps"] = 1e-2
    return learner


def weights(learner: Learner) -> dict[str, torch.Tensor]:
    return {
        f"{side}.{name}": parameter.detach().clone()
        for side in ("gen_a", "gen_b", "disc_a", "disc_b")
        for name, parameter in getattr(learner, side).named_parameters()
    }


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    """As the last step left them."""
    return {
        f"{side}.{name}": parameter.grad.clone()
        for side in ("gen_a", "gen_b", "disc_a", "disc_b")
        for name, parameter in getattr(learner, side).named_parameters()
        if parameter.grad is not None
    }


def _gentle_follower(ranks: JoinedRanks) -> None:
    """Each step of the follower is gentle, too, and its weights are reported."""
    step = JoinedLearner.follow_step

    def told(self: JoinedLearner, batch: Any, order: Any) -> None:
        if order["learning_rate"] == POISON:
            batch.image_a.fill_(math.nan)
        step(gentle(self), batch, order)  # type: ignore[arg-type]
        ranks.report({"weights": fingerprint(self)})

    JoinedLearner.follow_step = told  # type: ignore[method-assign]


if __name__ == "__main__":
    with joined_ranks((), devices=None, device="cpu") as mine:
        _gentle_follower(mine)
        row = mine.orders()
        next(row)
        follow_training(mine, row, pictures(Path(sys.argv[1])), device="cpu")  # type: ignore[arg-type]
