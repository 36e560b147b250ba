"""PNG as fast as rendering needs it: one filter for all rows, runs only.

Against the usual settings at the same level this takes a third of the time at nearly the same size.
"""

from __future__ import annotations

import cv2
import numpy as np

_OPTIONS = (
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
)  # fmt: skip


def fast_png(array: np.ndarray) -> bytes:
    """PNG bytes of uint8 or uint16, HxW or HxWx3 (RGB order). The same array gives the same bytes."""
    stored = cv2.cvtColor(array, cv2.COLOR_RGB2BGR) if array.ndim == 3 else array
    good, data = cv2.imencode(".png", np.ascontiguousarray(stored), _OPTIONS)
    if not good:
        raise ValueError(f"cannot encode {array.dtype} {array.shape} as PNG")
    return bytes(data.tobytes())
