"""The losses of MUNIT and of Pfeiffer et al. 2019, each under its own name and with its own weight.

Names end in the side whose picture or code is compared: a = simulated, b = real; "ab" is the way from a to b.
All losses are computed in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from studio.translator import ms_ssim
from studio.translator.settings import TrainSettings

GENERATOR_LOSSES = (
    "image_a", "image_b", "content_a", "content_b", "style_a", "style_b", "cycle_a", "cycle_b",
    "gan_ab", "gan_ba", "ms_ssim_ab", "ms_ssim_ba",
)  # fmt: skip
DISCRIMINATOR_LOSSES = ("disc_a", "disc_b")


def mean_difference(x: Tensor, y: Tensor) -> Tensor:
    """L1: the mean absolute difference."""
    return _MeanDifference.apply(x, y)  # type: ignore[no-any-return,no-untyped-call]


class _MeanDifference(torch.autograd.Function):
    """Written out to keep the memory order: autograd's gradient of a mean is never channels-last, and whatever it is
    added to on its way back would be read across the grain."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        kind = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
        difference = x.to(kind) - y.to(kind)
        ctx.save_for_backward(difference)
        ctx.kinds = x.dtype, y.dtype
        return difference.abs().mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (difference,) = ctx.saved_tensors
        slope = difference.sgn().mul_(grad / difference.numel())
        kind_x, kind_y = ctx.kinds
        return (
            slope.to(kind_x) if ctx.needs_input_grad[0] else None,
            slope.neg().to(kind_y) if ctx.needs_input_grad[1] else None,
        )


def least_squares_real(judgements: Sequence[Tensor]) -> Tensor:
    """LSGAN (Mao et al. 2017): squared distance from 1, mean a scale, summed over scales."""
    return torch.stack([((j.float() - 1.0) ** 2).mean() for j in judgements]).sum()


def least_squares_fake(judgements: Sequence[Tensor]) -> Tensor:
    """Squared distance from 0, mean a scale, summed over scales."""
    return torch.stack([(j.float() ** 2).mean() for j in judgements]).sum()


def structure_loss(image_B3HW: Tensor, translation_B3HW: Tensor) -> Tensor:
    """1 - MS-SSIM between the brightness of pictures in [-1, 1], with as many levels as the short side allows."""
    device_type = image_B3HW.device.type
    with torch.autocast(device_type, enabled=False):
        x_BHW, y_BHW = ms_ssim.brightness(image_B3HW), ms_ssim.brightness(translation_B3HW)
        levels = ms_ssim.levels_for(min(x_BHW.shape[-2:]))
        return 1.0 - ms_ssim.ms_ssim(x_BHW, y_BHW, levels=levels, mapped=True).mean()


@dataclass(frozen=True, eq=False)
class WayBack:
    """The passes that learn to look simulated. The cycles are None where they have no weight, ``style_a`` and its twin
    in the asymmetric variant."""

    same_a: Tensor
    ba: Tensor
    content_b_again: Tensor
    cycle_a: Tensor | None = None
    cycle_b: Tensor | None = None
    style_a: Tensor | None = None
    style_a_again: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Passes:
    """What one pass of both generators gives. ``back`` is None in a run that learns only the way from a to b."""

    image_a: Tensor
    image_b: Tensor
    same_b: Tensor
    ab: Tensor
    content_a: Tensor
    content_b: Tensor
    content_a_again: Tensor
    style_b: Tensor
    style_b_again: Tensor
    back: WayBack | None = None


def reconstruction_losses(p: Passes, settings: TrainSettings) -> dict[str, Tensor]:
    """All generator losses but the adversarial ones, unweighted; MS-SSIM and cycles of weight 0 are left out."""
    losses = {
        "image_b": mean_difference(p.same_b, p.image_b),
        "content_a": mean_difference(p.content_a_again, p.content_a),
        "style_b": mean_difference(p.style_b_again, p.style_b),
    }
    if settings.weight_ms_ssim_ab:
        losses["ms_ssim_ab"] = structure_loss(p.image_a, p.ab)
    return losses if p.back is None else {**losses, **_losses_of_way_back(p, p.back, settings)}


def _losses_of_way_back(p: Passes, back: WayBack, settings: TrainSettings) -> dict[str, Tensor]:
    losses = {
        "image_a": mean_difference(back.same_a, p.image_a),
        "content_b": mean_difference(back.content_b_again, p.content_b),
    }
    if back.cycle_a is not None and back.cycle_b is not None:
        losses["cycle_a"] = mean_difference(back.cycle_a, p.image_a)
        losses["cycle_b"] = mean_difference(back.cycle_b, p.image_b)
    if back.style_a is not None and back.style_a_again is not None:
        losses["style_a"] = mean_difference(back.style_a_again, back.style_a)
    if settings.weight_ms_ssim_ba:
        losses["ms_ssim_ba"] = structure_loss(p.image_b, back.ba)
    return losses


def spread_within(image_B3HW: Tensor, inside_B1HW: Tensor) -> Tensor:
    """Deviation of each channel from its own mean within the round image area, root mean square, mean over the batch:
    0 for pictures of one plain colour."""
    image = image_B3HW.float()
    pixels = inside_B1HW.sum((2, 3), keepdim=True).clamp(min=1.0)
    mean = (image * inside_B1HW).sum((2, 3), keepdim=True) / pixels
    squares = (((image - mean) * inside_B1HW) ** 2).sum((2, 3), keepdim=True) / pixels
    return squares.mean((1, 2, 3)).sqrt().mean()


def weighted_sum(losses: Mapping[str, Tensor], settings: TrainSettings) -> Tensor:
    """The generators' objective."""
    weights = loss_weights(settings)
    return torch.stack([weights[name] * value for name, value in losses.items()]).sum()


def loss_weights(settings: TrainSettings) -> dict[str, float]:
    """Weight of each generator loss by its log name."""
    return {
        "image_a": settings.weight_image,
        "image_b": settings.weight_image,
        "content_a": settings.weight_content,
        "content_b": settings.weight_content,
        "style_a": settings.weight_style,
        "style_b": settings.weight_style,
        "cycle_a": settings.weight_cycle,
        "cycle_b": settings.weight_cycle,
        "gan_ab": settings.weight_gan,
        "gan_ba": settings.weight_gan,
        "ms_ssim_ab": settings.weight_ms_ssim_ab,
        "ms_ssim_ba": settings.weight_ms_ssim_ba,
    }
