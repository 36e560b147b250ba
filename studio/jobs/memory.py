"""Memory that a job has freed: how the process gives it back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back_freed_memory() -> bool:
    """Give the system every page of freed memory, also between what is still in use; whether the C library can.

    glibc by itself gives back only what lies above everything in use. Elsewhere nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None:
        return False
    trim(0)
    return True
