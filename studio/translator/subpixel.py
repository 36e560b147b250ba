"""Nearest up-sampling by 2 and a reflect-padded 5x5 convolution, done on the small grid: 9/25 of the multiplications.

After nearest up-sampling, each of the four output phases sees every input pixel through the sum of the weights that
fall on it: the 5 taps of phase 0 become (w0+w1, w2+w3, w4), those of phase 1 (w0, w1+w2, w3+w4), in both directions.
With replicated borders this is exact except in the outermost ring of output pixels, where reflection of the large
grid reaches one small pixel further; that ring is computed as written in the papers.
Shapes: B pictures, I inputs, O outputs, H x W small grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.translator.devices import takes_cpu_kernels
from studio.translator.padding import replicated, replicated_gradient

_PHASES = ((1, 1, 0, 0, 0), (0, 0, 1, 1, 0), (0, 0, 0, 0, 1)), ((1, 0, 0, 0, 0), (0, 1, 1, 0, 0), (0, 0, 0, 1, 1))
_LEAST_SIDE = 4


def plain_upsampled_conv(x_BIHW: Tensor, weight_OI55: Tensor, bias_O: Tensor | None) -> Tensor:
    """As the papers write it: up-sample, reflect-pad by 2, convolve; (B, O, 2H, 2W)."""
    return functional.conv2d(_reflected(_doubled(x_BIHW), (2, 2, 2, 2)), weight_OI55, bias_O)


def upsampled_conv(x_BIHW: Tensor, weight_OI55: Tensor, bias_O: Tensor | None) -> Tensor:
    """The same result on the small grid, up to rounding; differentiable in all three."""
    if min(x_BIHW.shape[2:]) < _LEAST_SIDE:
        return plain_upsampled_conv(x_BIHW, weight_OI55, bias_O)
    by_hand = takes_cpu_kernels(x_BIHW)
    bias_4O = None if bias_O is None else bias_O.repeat(4)
    wider, rows, columns = _Surroundings.apply(x_BIHW) if by_hand else surroundings(x_BIHW)  # type: ignore[no-untyped-call]
    small_B4OHW = functional.conv2d(wider, phase_weights(weight_OI55), bias_4O)
    rows, columns = functional.conv2d(rows, weight_OI55, bias_O), functional.conv2d(columns, weight_OI55, bias_O)
    if by_hand:
        return _Assembled.apply(small_B4OHW, rows, columns)  # type: ignore[no-any-return,no-untyped-call]
    return assembled(small_B4OHW, rows, columns)


def phase_weights(weight_OI55: Tensor) -> Tensor:
    """(4 O, I, 3, 3): all outputs of the upper left phase, then of the upper right, lower left and lower right one."""
    outputs, inputs = weight_OI55.shape[:2]
    spread_of = _spread if torch.compiler.is_compiling() else _kept_spread
    spread = spread_of(weight_OI55.dtype, weight_OI55.device)
    with torch.autocast(weight_OI55.device.type, enabled=False):  # sums of weights are rounded once, afterwards
        small = (weight_OI55.flatten(2) @ spread).view(outputs, inputs, 4, 3, 3)
    small_4OI33 = small.permute(2, 0, 1, 3, 4).reshape(4 * outputs, inputs, 3, 3)
    return small_4OI33.contiguous(memory_format=torch.channels_last)


def surroundings(x_BIHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x with its border repeated, and what the convolutions of the outermost rows and columns see."""
    rows = torch.cat([x_BIHW[:, :, :1], x_BIHW, x_BIHW[:, :, -1:]], 2)
    wider = torch.cat([rows[:, :, :, :1], rows, rows[:, :, :, -1:]], 3)
    return wider, *_seen_by_outer_lines(_strips(x_BIHW))


def assembled(small_B4OHW: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(B, O, 2H, 2W): the phases interleaved, the outermost lines in place; in plain operations, for any device."""
    count, channels, height, width = small_B4OHW.shape
    phases = torch.unflatten(small_B4OHW, 1, (2, 2, channels // 4)).permute(0, 3, 4, 1, 5, 2)
    inner = phases.reshape(count, channels // 4, 2 * height, 2 * width)[:, :, 1:-1, 1:-1]
    (top, bottom), (left, right) = torch.split(rows, count), torch.split(columns, count)
    return torch.cat([top, torch.cat([left, inner, right], 3), bottom], 2)


class _Surroundings(torch.autograd.Function):
    """``surroundings``, written out since autograd would make a whole picture of zeros for each strip cut off."""

    @staticmethod
    def forward(ctx: Any, x_BIHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(x_BIHW.device.type, enabled=False):
            return replicated(x_BIHW), *_seen_by_outer_lines(_strips(x_BIHW))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_wider: Tensor, grad_rows: Tensor, grad_columns: Tensor) -> Tensor:
        grad_BIHW = replicated_gradient(grad_wider)
        # The strips' way is linear, so that its gradient can be taken at any values.
        strips = [torch.zeros_like(strip).requires_grad_() for strip in _strips(grad_BIHW)]
        with torch.enable_grad():
            seen = _seen_by_outer_lines(strips)
        for place, gradient in zip(
            _strips(grad_BIHW), torch.autograd.grad(seen, strips, (grad_rows, grad_columns)), strict=True
        ):
            place.add_(gradient)
        return grad_BIHW


class _Assembled(torch.autograd.Function):
    """``assembled`` with every output written once, in runs of O."""

    @staticmethod
    def forward(ctx: Any, small_B4OHW: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        small_B4OHW = small_B4OHW.contiguous(memory_format=torch.channels_last)
        count, channels, height, width = small_B4OHW.shape
        out = _channels_last((count, channels // 4, 2 * height, 2 * width), small_B4OHW)
        _by_phase(out).copy_(_phases(small_B4OHW))
        for lines, places in ((rows, _ends(out, 2)), (columns, _ends(out[:, :, 1:-1], 3))):
            for place, line in zip(places, torch.split(lines, count), strict=True):
                place.copy_(line)
        ctx.kinds = rows.dtype, columns.dtype
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BOHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        grad_BOHW = grad_BOHW.contiguous(memory_format=torch.channels_last)
        count, channels, height, width = grad_BOHW.shape
        small = _channels_last((count, 4 * channels, height // 2, width // 2), grad_BOHW)
        phases = _phases(small)
        phases.copy_(_by_phase(grad_BOHW))
        # What the outermost lines replaced has no say.
        for edge in (phases[:, 0, 0], phases[:, -1, 1], phases[:, :, :, 0, 0], phases[:, :, :, -1, 1]):
            edge.zero_()
        rows, columns = torch.cat(_ends(grad_BOHW, 2)), torch.cat(_ends(grad_BOHW[:, :, 1:-1], 3))
        return small, rows.to(ctx.kinds[0]), columns.to(ctx.kinds[1])


def _channels_last(shape: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _by_phase(image_BOHW: Tensor) -> Tensor:
    """A view (B, H, row phase, W, column phase, O) of a channels-last picture of 2H x 2W."""
    count, channels, height, width = image_BOHW.shape
    return image_BOHW.permute(0, 2, 3, 1).view(count, height // 2, 2, width // 2, 2, channels)


def _phases(small_B4OHW: Tensor) -> Tensor:
    """The same view of what the small convolution gives."""
    count, channels, height, width = small_B4OHW.shape
    view = small_B4OHW.permute(0, 2, 3, 1).view(count, height, width, 2, 2, channels // 4)
    return view.permute(0, 1, 3, 2, 4, 5)


def _ends(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The first and the last line along an axis, kept as an axis of length 1."""
    return x.narrow(axis, 0, 1), x.narrow(axis, x.shape[axis] - 1, 1)


def _spread(dtype: torch.dtype, device: torch.device) -> Tensor:
    """(25, 36): which of the 5x5 taps each phase's 3x3 taps sum up."""
    # Kept beyond this call: made under inference_mode it could never serve a training step.
    with torch.inference_mode(False):
        phases = torch.tensor(_PHASES, dtype=torch.float64)
        spread = torch.einsum("pya,qxb->abpqyx", phases, phases).reshape(25, 36)
        return spread.to(device=device, dtype=dtype)


_kept_spread = cache(_spread)


def _strips(x_BIHW: Tensor) -> list[Tensor]:
    """Views: the first two and the last two rows, the first two and the last two columns."""
    return [x_BIHW[:, :, :2], x_BIHW[:, :, -2:], x_BIHW[:, :, :, :2], x_BIHW[:, :, :, -2:]]


def _seen_by_outer_lines(strips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Inputs of the convolutions that give the first and last output row (2B, I, 5, 2W + 4), and the first and last
    output column without corners (2B, I, 2H + 2, 5)."""
    top, bottom, left, right = (_doubled(strip) for strip in strips)
    rows = torch.cat([_reflected(top[:, :, :3], (2, 2, 2, 0)), _reflected(bottom[:, :, -3:], (2, 2, 0, 2))])
    # Rows 1 to 2H - 2 need one padded line above and below.
    left, right = _reflected(left[:, :, :, :3], (2, 0, 1, 1)), _reflected(right[:, :, :, -3:], (0, 2, 1, 1))
    return rows, torch.cat([left, right])


def _doubled(x_BIHW: Tensor) -> Tensor:
    return functional.interpolate(x_BIHW, scale_factor=2.0, mode="nearest")


def _reflected(x_BIHW: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    return functional.pad(x_BIHW, sides, mode="reflect")
