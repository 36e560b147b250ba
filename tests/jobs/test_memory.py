"""Freed memory goes back to the system, also from between what stays in use."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from studio.jobs.memory import give_back_freed_memory

BLOCK, BLOCKS = 30_000, 2_000
"""Bytes of a block, small enough to come from the heap; together 60 MB."""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_holes_between_what_is_kept_are_given_back() -> None:
    blocks = [bytearray(BLOCK) for _ in range(BLOCKS)]
    kept = blocks[::40]
    del blocks
    before = resident()
    assert give_back_freed_memory()
    assert before - resident() > 0.8 * BLOCK * BLOCKS
    assert not any(map(any, kept))
