"""How this process's allocator treats freed memory: large tensors come and go with every layer.

By default the C library gives each freed block of some megabytes back to the system and gets it again, page by page,
for the next layer; on CPUs with matrix units the page faults then cost as much as the convolutions.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


@cache
def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors; whether the C library (glibc) can be told so.

    Elsewhere nothing changes. For processes that compute: what they have used at their peak they hold until they end.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return bool(library.mallopt(_M_MMAP_MAX, 0)) and bool(library.mallopt(_M_TRIM_THRESHOLD, _NEVER))
