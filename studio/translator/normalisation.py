"""Instance norm, AdaIN and MUNIT's layer norm, with moments in fp32 whatever the input's precision.

On a CPU each picture goes through the batch-norm kernels of the library, which for one picture *are* instance norm:
they read channels-last bf16 as it lies, keep moments in fp32 and take two passes, several times faster than what
var_mean and autograd make of it. MUNIT's layer norm takes its moments and its affine from the same kernels. On other
devices both are written as plain operations, which a compiler can fuse.
Shapes: B pictures, C channels, H x W pixels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from studio.translator.devices import takes_cpu_kernels

EPS = 1e-5
_BLOCK_PIXELS = 2048
"""Up to so many pixels the kernels' sums are as good as exact ones."""

_ops = torch.ops.aten


def instance_norm(x_BCHW: Tensor, scale_BC: Tensor | None = None, mean_BC: Tensor | None = None) -> Tensor:
    """(x - mean) / sqrt(variance + 1e-5) over H, W, times ``scale_BC`` plus ``mean_BC`` where given (AdaIN)."""
    if takes_cpu_kernels(x_BCHW):
        return _InstanceNorm.apply(x_BCHW, scale_BC, mean_BC)  # type: ignore[no-any-return,no-untyped-call]
    return composed_instance_norm(x_BCHW, scale_BC, mean_BC)


def sample_layer_norm(x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
    """(x - mean) / (sample deviation + 1e-5) over C, H, W of each picture, times gamma, plus beta (per channel)."""
    if takes_cpu_kernels(x_BCHW):
        return _SampleLayerNorm.apply(x_BCHW, gamma_C, beta_C)  # type: ignore[no-any-return,no-untyped-call]
    return composed_layer_norm(x_BCHW, gamma_C, beta_C)


def composed_instance_norm(x_BCHW: Tensor, scale_BC: Tensor | None = None, mean_BC: Tensor | None = None) -> Tensor:
    """instance_norm in plain operations, for any device."""
    values = _wide(x_BCHW)
    variance, mean = torch.var_mean(values, (2, 3), correction=0, keepdim=True)
    normal = (values - mean) * torch.rsqrt(variance + EPS)
    if scale_BC is not None and mean_BC is not None:
        normal = normal * scale_BC.to(values.dtype)[:, :, None, None] + mean_BC.to(values.dtype)[:, :, None, None]
    return normal.to(x_BCHW.dtype)


def composed_layer_norm(x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
    """sample_layer_norm in plain operations, for any device."""
    values = _wide(x_BCHW)
    variance, mean = torch.var_mean(values, (1, 2, 3), correction=1, keepdim=True)
    # The floor under the root keeps the gradient of a flat picture finite; its normalised values are 0 either way.
    width = variance.clamp(min=1e-30).sqrt() + EPS
    gamma, beta = gamma_C.to(values.dtype)[None, :, None, None], beta_C.to(values.dtype)[None, :, None, None]
    return ((values - mean) / width * gamma + beta).to(x_BCHW.dtype)


class _InstanceNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, scale_BC: Tensor | None, mean_BC: Tensor | None) -> Tensor:
        x_BCHW = x_BCHW.contiguous(memory_format=torch.channels_last)
        out, kind = torch.empty_like(x_BCHW), _moment_type(x_BCHW)
        means_BC = x_BCHW.new_empty(x_BCHW.shape[:2], dtype=kind)
        factors_BC = torch.empty_like(means_BC)
        # Given in fp32, even where they change nothing, weights make the kernel keep its moments in fp32.
        scales_BC = torch.ones_like(means_BC) if scale_BC is None else scale_BC.to(kind)
        shifts_BC = torch.zeros_like(means_BC) if mean_BC is None else mean_BC.to(kind)
        for i in range(len(x_BCHW)):
            picture_1CHW, places = x_BCHW[i : i + 1], (out[i : i + 1], means_BC[i], factors_BC[i])
            if _sums_lose_digits(x_BCHW):
                _carefully_normalised(picture_1CHW, scales_BC[i], shifts_BC[i], out=places)
            else:
                torch.native_batch_norm(
                    picture_1CHW, scales_BC[i], shifts_BC[i], None, None, True, 0.0, EPS, out=places
                )
        ctx.save_for_backward(x_BCHW, means_BC, factors_BC, scale_BC)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        x_BCHW, means_BC, factors_BC, scale_BC = ctx.saved_tensors
        grad_BCHW = grad_BCHW.contiguous(memory_format=torch.channels_last)
        styled = scale_BC is not None
        scales_BC = scale_BC.to(means_BC.dtype) if styled else torch.ones_like(means_BC)
        rows = [
            _ops.native_batch_norm_backward(
                grad_BCHW[i : i + 1], x_BCHW[i : i + 1], scales_BC[i], None, None, means_BC[i], factors_BC[i], True,
                EPS, [True, styled, styled],
            )
            for i in range(len(x_BCHW))
        ]  # fmt: skip
        grad_x = _joined([row[0] for row in rows])
        if not styled:
            return grad_x, None, None
        grad_scale, grad_mean = torch.stack([row[1] for row in rows]), torch.stack([row[2] for row in rows])
        return grad_x, grad_scale.to(scale_BC.dtype), grad_mean.to(scale_BC.dtype)


class _SampleLayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
        x_BCHW = x_BCHW.contiguous(memory_format=torch.channels_last)
        gamma, beta = gamma_C.to(_moment_type(x_BCHW)), beta_C.to(_moment_type(x_BCHW))
        mean_B, deviation_B = _picture_moments(x_BCHW)
        pictures = [
            _affine(x_BCHW[i : i + 1], _spread(mean_B[i], gamma), gamma / (deviation_B[i] + EPS), beta)
            for i in range(len(x_BCHW))
        ]
        ctx.save_for_backward(x_BCHW, mean_B, deviation_B, gamma_C)
        return _joined(pictures)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x_BCHW, mean_B, deviation_B, gamma_C = ctx.saved_tensors
        grad_BCHW = grad_BCHW.contiguous(memory_format=torch.channels_last)
        parts = [
            _layer_norm_gradients(grad_BCHW[i : i + 1], x_BCHW[i : i + 1], mean_B[i], deviation_B[i], gamma_C)
            for i in range(len(x_BCHW))
        ]
        grad_gamma, grad_beta = (torch.stack([part[k] for part in parts]).sum(0) for k in (1, 2))
        return _joined([p[0] for p in parts]), grad_gamma.to(gamma_C.dtype), grad_beta.to(gamma_C.dtype)


def _layer_norm_gradients(
    grad_1CHW: Tensor, x_1CHW: Tensor, mean: Tensor, deviation: Tensor, gamma_C: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by x, gamma and beta of one picture, from two sums a channel: of g, and of g * x_hat."""
    gamma, width, count = gamma_C.to(mean.dtype), deviation + EPS, x_1CHW[0].numel()
    zeros, ones = torch.zeros_like(gamma), torch.ones_like(gamma)
    means_C = _spread(mean, gamma)
    # With given moments of variance 1 this kernel's gradients by weight and bias are sum(g (x - mean)) and sum(g).
    _, along_C, sum_C = _ops.native_batch_norm_backward(
        grad_1CHW, x_1CHW, ones, means_C, ones, None, None, False, 0.0, [False, True, True]
    )
    along_C = along_C / width
    # A flat picture has deviation 0; its normalised values are 0 too, so the limit of the term is 0.
    pull = (along_C * gamma).sum() / ((count - 1) * deviation.clamp(min=1e-30))
    offset = (sum_C * gamma).sum() / (count * width)
    grad_x = _affine(grad_1CHW, zeros, gamma / width, _spread(-offset, gamma))
    grad_x += _affine(x_1CHW, means_C, _spread(-pull / width, gamma), zeros)
    return grad_x, along_C, sum_C


def _picture_moments(x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and sample deviation (n - 1) of each picture over C, H, W, each (B,), from the channels' moments."""
    means, variances = [], []
    for picture_1CHW in torch.split(x_BCHW, 1):
        mean_C, variance_C = _channel_moments(picture_1CHW)
        means.append(mean_C.mean())
        variances.append(variance_C.mean() + (mean_C - means[-1]).square().mean())
    count = x_BCHW[0].numel()
    return torch.stack(means), (torch.stack(variances) * (count / (count - 1))).sqrt()


def _sums_lose_digits(x_BCHW: Tensor) -> bool:
    """Whether the kernels' sums are too coarse for the input: they add up pixel after pixel, which over a large picture
    costs fp32 three of its digits, and that shows where channels vary little. In bf16 it is lost in the rounding."""
    return x_BCHW.dtype != torch.bfloat16 and x_BCHW.shape[2] * x_BCHW.shape[3] > _BLOCK_PIXELS


def _carefully_normalised(
    x_1CHW: Tensor, scale_C: Tensor, shift_C: Tensor, *, out: tuple[Tensor, Tensor, Tensor]
) -> None:
    """native_batch_norm with moments that keep fp32's digits; ``out`` takes the picture, means and factors."""
    picture_1CHW, mean_C, factor_C = out
    means_C, variance_C = _channel_moments(x_1CHW)
    mean_C.copy_(means_C)
    torch.rsqrt(variance_C + EPS, out=factor_C)
    ones_C, nothing = torch.ones_like(mean_C), mean_C.new_empty(0)
    torch.native_batch_norm(
        x_1CHW, factor_C * scale_C, shift_C, mean_C, ones_C, False, 0.0, 0.0,
        out=(picture_1CHW, nothing, nothing.clone()),
    )  # fmt: skip


def _channel_moments(x_1CHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (n) of each channel, each (C,)."""
    # The running moments are of no use here; given in fp32 they make the kernel answer in fp32.
    running = x_1CHW.new_zeros(2, x_1CHW.shape[1], dtype=_moment_type(x_1CHW))
    if not _sums_lose_digits(x_1CHW):
        return torch.batch_norm_update_stats(x_1CHW, running[0], running[1], 0.0)
    blocks = torch.split(x_1CHW, max(1, _BLOCK_PIXELS // x_1CHW.shape[3]), 2)
    moments = [torch.batch_norm_update_stats(block, running[0], running[1], 0.0) for block in blocks]
    means_KC, variances_KC = (torch.stack([m[k] for m in moments]) for k in (0, 1))
    shares_K1 = running.new_tensor([block.shape[2] / x_1CHW.shape[2] for block in blocks])[:, None]
    mean_C = x_1CHW.mean((0, 2, 3))
    return mean_C, (shares_K1 * (variances_KC + (means_KC - mean_C).square())).sum(0)


def _affine(x_1CHW: Tensor, mean_C: Tensor, factor_C: Tensor, shift_C: Tensor) -> Tensor:
    """(x - mean) * factor + shift per channel, computed in the moments' precision, rounded once."""
    return torch.batch_norm(x_1CHW, factor_C, shift_C, mean_C, torch.ones_like(factor_C), False, 0.0, 0.0, False)


def _spread(value: Tensor, like_C: Tensor) -> Tensor:
    """The same number for each channel, as values of their own: the kernels read memory, not strides."""
    return value.repeat(len(like_C))


def _joined(pictures: list[Tensor]) -> Tensor:
    return pictures[0] if len(pictures) == 1 else torch.cat(pictures)


def _moment_type(x: Tensor) -> torch.dtype:
    """At least fp32."""
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _wide(x: Tensor) -> Tensor:
    return x.to(_moment_type(x))
