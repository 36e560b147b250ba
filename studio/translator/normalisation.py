"""Instance norm, AdaIN and MUNIT's layer norm, with moments in fp32 whatever the input's precision.

The gradients are written out: per channel, the forward pass needs the moments of x, the backward pass the sums of g
and g * x_hat, and nothing else reads the whole picture. On CPUs that is several times faster than var_mean and what
autograd makes of it. Shapes: B pictures, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

EPS = 1e-5


def instance_norm(x_BCHW: Tensor, scale_BC: Tensor | None = None, mean_BC: Tensor | None = None) -> Tensor:
    """(x - mean) / sqrt(variance + 1e-5) over H, W, times ``scale_BC`` plus ``mean_BC`` where given (AdaIN)."""
    return _InstanceNorm.apply(x_BCHW, scale_BC, mean_BC)  # type: ignore[no-any-return,no-untyped-call]


def sample_layer_norm(x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
    """(x - mean) / (sample deviation + 1e-5) over C, H, W of each picture, times gamma, plus beta (per channel)."""
    return _SampleLayerNorm.apply(x_BCHW, gamma_C, beta_C)  # type: ignore[no-any-return,no-untyped-call]


class _InstanceNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, scale_BC: Tensor | None, mean_BC: Tensor | None) -> Tensor:
        values = _wide(x_BCHW)
        centred = values - values.mean((2, 3), keepdim=True)
        factor_BC11 = torch.rsqrt((centred * centred).mean((2, 3), keepdim=True) + EPS)
        normal = centred.mul_(factor_BC11)
        ctx.save_for_backward(normal, factor_BC11, scale_BC)
        ctx.input_dtype = x_BCHW.dtype
        if scale_BC is None or mean_BC is None:
            return normal.to(x_BCHW.dtype)
        shift, scale = mean_BC.to(values.dtype)[:, :, None, None], scale_BC.to(values.dtype)[:, :, None, None]
        return torch.addcmul(shift, normal, scale).to(x_BCHW.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        normal, factor_BC11, scale_BC = ctx.saved_tensors
        grad = _wide(grad_BCHW)
        count = grad.shape[2] * grad.shape[3]
        sum_BC, along_BC = grad.sum((2, 3)), (grad * normal).sum((2, 3))
        slope_BC11 = factor_BC11 if scale_BC is None else factor_BC11 * scale_BC.to(grad.dtype)[:, :, None, None]
        grad_x = torch.addcmul(sum_BC[:, :, None, None] / -count, normal, along_BC[:, :, None, None], value=-1 / count)
        grad_x = grad_x.add_(grad).mul_(slope_BC11).to(ctx.input_dtype)
        if scale_BC is None:
            return grad_x, None, None
        return grad_x, along_BC.to(scale_BC.dtype), sum_BC.to(scale_BC.dtype)


class _SampleLayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
        values = _wide(x_BCHW)
        count = values[0].numel()
        centred = values - values.mean((1, 2, 3), keepdim=True)
        deviation_B111 = ((centred * centred).sum((1, 2, 3), keepdim=True) / (count - 1)).sqrt()
        normal = centred.div_(deviation_B111 + EPS)
        ctx.save_for_backward(normal, deviation_B111, gamma_C)
        ctx.input_dtype = x_BCHW.dtype
        shift, scale = beta_C.to(values.dtype)[None, :, None, None], gamma_C.to(values.dtype)[None, :, None, None]
        return torch.addcmul(shift, normal, scale).to(x_BCHW.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        normal, deviation_B111, gamma_C = ctx.saved_tensors
        grad = _wide(grad_BCHW)
        count = grad[0].numel()
        sum_BC, along_BC = grad.sum((2, 3)), (grad * normal).sum((2, 3))
        weights_C = gamma_C.to(grad.dtype)
        mean_B111 = ((sum_BC * weights_C).sum(1) / count)[:, None, None, None]
        along_B111 = (along_BC * weights_C).sum(1)[:, None, None, None]
        width_B111 = deviation_B111 + EPS
        # A flat picture has deviation 0; its normalised values are 0 too, so the limit of the term is 0.
        pull_B111 = along_B111 / ((count - 1) * deviation_B111.clamp(min=1e-30))
        grad_x = torch.addcmul(-mean_B111 / width_B111, grad, weights_C[None, :, None, None] / width_B111)
        grad_x = grad_x.addcmul_(normal, pull_B111, value=-1.0).to(ctx.input_dtype)
        return grad_x, along_BC.sum(0).to(gamma_C.dtype), sum_BC.sum(0).to(gamma_C.dtype)


def _wide(x: Tensor) -> Tensor:
    """At least fp32."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
