"""Padding by reflection and by repetition in the input's own precision.

Autocast on CPUs takes the library's padding in fp32, which costs two conversions of the whole picture; and its
gradient in bf16 is slow. Both are copies of lines, so they are done as such. Shapes: B pictures, C channels, H x W.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.translator.devices import takes_cpu_kernels


def reflected(x_BCHW: Tensor, margin: int) -> Tensor:
    """(B, C, H + 2 margin, W + 2 margin); the margin has to be narrower than the picture. 0 changes nothing."""
    if not margin:
        return x_BCHW
    if takes_cpu_kernels(x_BCHW):
        return _Reflected.apply(x_BCHW, margin)  # type: ignore[no-any-return,no-untyped-call]
    return functional.pad(x_BCHW, (margin,) * 4, mode="reflect")


def replicated(x_BCHW: Tensor) -> Tensor:
    """(B, C, H + 2, W + 2): the outermost lines once more. Outside of autocast."""
    return functional.pad(x_BCHW, (1, 1, 1, 1), mode="replicate")


def replicated_gradient(grad_BCHW: Tensor) -> Tensor:
    """The gradient by the input of ``replicated``, as values of its own in channels-last order."""
    folded = grad_BCHW[:, :, 1:-1, 1:-1].clone(memory_format=torch.channels_last)
    for rows, place in ((grad_BCHW[:, :, :1], 0), (grad_BCHW[:, :, -1:], -1)):
        folded[:, :, place] += _columns_joined(rows)[:, :, 0]
    folded[:, :, :, 0] += grad_BCHW[:, :, 1:-1, 0]
    folded[:, :, :, -1] += grad_BCHW[:, :, 1:-1, -1]
    return folded


def _columns_joined(lines_BCHW: Tensor) -> Tensor:
    joined = lines_BCHW[:, :, :, 1:-1].clone()
    joined[:, :, :, 0] += lines_BCHW[:, :, :, 0]
    joined[:, :, :, -1] += lines_BCHW[:, :, :, -1]
    return joined


class _Reflected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, margin: int) -> Tensor:
        ctx.margin = margin
        with torch.autocast("cpu", enabled=False):
            return functional.pad(x_BCHW, (margin,) * 4, mode="reflect")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor, None]:
        """Each padded line's gradient goes to the line that it was copied from."""
        margin = ctx.margin
        above, middle, below = torch.split(grad_BCHW, [margin, grad_BCHW.shape[2] - 2 * margin, margin], 2)
        folded = _columns_folded(middle, margin)
        _add_margins(folded, _columns_folded(above, margin), _columns_folded(below, margin), 2)
        return folded, None


def _columns_folded(lines_BCHW: Tensor, margin: int) -> Tensor:
    left, inner, right = torch.split(lines_BCHW, [margin, lines_BCHW.shape[3] - 2 * margin, margin], 3)
    inner = inner.clone(memory_format=torch.channels_last)
    _add_margins(inner, left, right, 3)
    return inner


def _add_margins(inner: Tensor, before: Tensor, after: Tensor, axis: int) -> None:
    margin, length = before.shape[axis], inner.shape[axis]
    inner.narrow(axis, 1, margin).add_(before.flip(axis))
    inner.narrow(axis, length - 1 - margin, margin).add_(after.flip(axis))
