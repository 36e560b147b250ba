"""Where a process stands among those of its job, as torchrun, SLURM or rank 0 has it, and which device is its own."""

from __future__ import annotations

import os
from dataclasses import dataclass

from studio.jobs.ranks import launcher, number_of
from studio.translator.devices import gpu_count
from studio.vocabulary.errors import InputError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands. Rank 0 of a local job has no port until it has opened its store."""

    rank: int
    count: int
    local_rank: int
    local_count: int
    address: str = "127.0.0.1"
    port: int = 0


def device_of(name: str, place: Place) -> str:
    """``cuda:2`` for the third process of a machine. Raise InputError when there are fewer GPUs than processes."""
    gpus = gpu_count()
    if name == "cpu":
        return name
    if not gpus:
        raise InputError(f"this machine has no usable GPU for {place.local_count} processes", where="--devices",
                         remedy="Add --device cpu to use its processor.")  # fmt: skip
    if gpus == 1 and launcher():
        return "cuda:0"  # the cluster shows each process its own GPU
    if place.local_count > gpus:
        raise InputError(f"this machine has {gpus} GPUs, not {place.local_count}", where="--devices",
                         remedy=f"Give at most {gpus}.")  # fmt: skip
    return f"cuda:{place.local_rank}"


def launched_place(devices: int | None) -> Place:
    place = _slurm_place() if launcher() == "slurm" else _torchrun_place()
    if devices not in (None, place.local_count):
        raise InputError(
            f"this job was started as {place.local_count} processes a machine, not {devices}", where="--devices",
            remedy="Leave it out: the launcher decides.",
        )  # fmt: skip
    return place


def _torchrun_place() -> Place:
    count = number_of("WORLD_SIZE")
    local_count = number_of("LOCAL_WORLD_SIZE") if "LOCAL_WORLD_SIZE" in os.environ else count
    return Place(
        number_of("RANK"), count, number_of("LOCAL_RANK"), local_count, os.environ["MASTER_ADDR"],
        number_of("MASTER_PORT"),
    )  # fmt: skip


def _slurm_place() -> Place:
    from lightning_fabric.plugins.environments import SLURMEnvironment  # type: ignore[attr-defined]

    try:
        slurm = SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:
        raise InputError("SLURM did not say how many processes a machine has", where="SLURM",
                         remedy="Start it with --ntasks-per-node=N instead of --ntasks.") from error  # fmt: skip
    local_count = number_of("SLURM_NTASKS_PER_NODE")
    return Place(
        slurm.global_rank(), slurm.world_size(), slurm.local_rank(), local_count, slurm.main_address, slurm.main_port
    )
