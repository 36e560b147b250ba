"""Nearest up-sampling by 2 and a reflect-padded 5x5 convolution, done on the small grid: 9/25 of the multiplications.

After nearest up-sampling, each of the four output phases sees every input pixel through the sum of the weights that
fall on it: the 5 taps of phase 0 become (w0+w1, w2+w3, w4), those of phase 1 (w0, w1+w2, w3+w4), in both directions.
With replicated borders this is exact except in the outermost ring of output pixels, where reflection of the large
grid reaches one small pixel further; that ring is computed as written in the papers.
Shapes: B pictures, I inputs, O outputs, H x W small grid.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

_PHASES = ((1, 1, 0, 0, 0), (0, 0, 1, 1, 0), (0, 0, 0, 0, 1)), ((1, 0, 0, 0, 0), (0, 1, 1, 0, 0), (0, 0, 0, 1, 1))
_LEAST_SIDE = 4


def plain_upsampled_conv(x_BIHW: Tensor, weight_OI55: Tensor, bias_O: Tensor | None) -> Tensor:
    """As the papers write it: up-sample, reflect-pad by 2, convolve; (B, O, 2H, 2W)."""
    return functional.conv2d(_padded(_doubled(x_BIHW), (2, 2, 2, 2)), weight_OI55, bias_O)


def upsampled_conv(x_BIHW: Tensor, weight_OI55: Tensor, bias_O: Tensor | None) -> Tensor:
    """The same result on the small grid, up to rounding; differentiable in all three."""
    if min(x_BIHW.shape[2:]) < _LEAST_SIDE:
        return plain_upsampled_conv(x_BIHW, weight_OI55, bias_O)
    bias_4O = None if bias_O is None else bias_O.repeat_interleave(4)
    small = functional.conv2d(
        functional.pad(x_BIHW, (1, 1, 1, 1), mode="replicate"), phase_weights(weight_OI55), bias_4O
    )
    inner = functional.pixel_shuffle(small, 2)[:, :, 1:-1, 1:-1]
    rows, columns = _outer_lines(x_BIHW, weight_OI55, bias_O)
    count = len(x_BIHW)
    middle = torch.cat([columns[:count], inner, columns[count:]], 3)
    return torch.cat([rows[:count], middle, rows[count:]], 2)


def phase_weights(weight_OI55: Tensor) -> Tensor:
    """(4 O, I, 3, 3): row phase and column phase vary fastest, as pixel_shuffle wants them."""
    outputs, inputs = weight_OI55.shape[:2]
    spread = _spread(weight_OI55.dtype, weight_OI55.device)
    small = (weight_OI55.flatten(2) @ spread).view(outputs, inputs, 4, 3, 3)
    small_4OI33 = small.transpose(1, 2).reshape(4 * outputs, inputs, 3, 3)
    return small_4OI33.contiguous(memory_format=torch.channels_last)


@cache
def _spread(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(25, 36): which of the 5x5 taps each phase's 3x3 taps sum up."""
    # Kept beyond this call: made under inference_mode it could never serve a training step.
    with torch.inference_mode(False):
        phases = torch.tensor(_PHASES, dtype=torch.float64)
        spread = torch.einsum("pya,qxb->abpqyx", phases, phases).reshape(25, 36)
        return spread.to(device=device, dtype=dtype)


def _outer_lines(x_BIHW: Tensor, weight_OI55: Tensor, bias_O: Tensor | None) -> tuple[Tensor, Tensor]:
    """First and last output row (2B, O, 1, 2W), and first and last column without corners (2B, O, 2H - 2, 1)."""
    top = _doubled(x_BIHW[:, :, :2])[:, :, :3]
    bottom = _doubled(x_BIHW[:, :, -2:])[:, :, -3:]
    rows = torch.cat([_padded(top, (2, 2, 2, 0)), _padded(bottom, (2, 2, 0, 2))])
    left = _doubled(x_BIHW[:, :, :, :2])[:, :, :, :3]
    right = _doubled(x_BIHW[:, :, :, -2:])[:, :, :, -3:]
    # Rows 1 to 2H - 2 need one padded line above and below.
    columns = torch.cat([_padded(left, (2, 0, 1, 1)), _padded(right, (0, 2, 1, 1))])
    return functional.conv2d(rows, weight_OI55, bias_O), functional.conv2d(columns, weight_OI55, bias_O)


def _doubled(x_BIHW: Tensor) -> Tensor:
    return functional.interpolate(x_BIHW, scale_factor=2.0, mode="nearest")


def _padded(x_BIHW: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    return functional.pad(x_BIHW, sides, mode="reflect")
