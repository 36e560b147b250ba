"""Commands that several processes run together: ``--devices N``, torchrun, SLURM."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from studio.jobs.ranks import ALONE, Ranks, launcher


@contextmanager
def ranks_of(a: argparse.Namespace) -> Iterator[Ranks]:
    """The processes of a command: this one alone, or those that were started or are to be started with it.

    What only several need (torch, Lightning Fabric) is imported for several only.
    """
    devices = getattr(a, "devices", None)
    if not launcher() and devices in (None, 1):
        yield ALONE
        return
    # What torch.distributed has to say of connections that end is said here, in one line.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from studio.translator.ranks import joined_ranks

    with joined_ranks(a.words, devices=devices, device=getattr(a, "device", "cpu")) as ranks:
        yield ranks
