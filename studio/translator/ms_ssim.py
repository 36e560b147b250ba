"""Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003) of brightness, always in fp32 or finer.

The Gaussian window is applied as two small matrix products, which on CPUs beats a convolution with one channel.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SIGMA = 11, 1.5
LEVEL_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = 0.01**2, 0.03**2


def levels_for(short_side: int) -> int:
    """Levels at which the window still fits: 5 from 176 px on, 4 from 88, 3 from 44, 2 from 22, else 1."""
    levels = 1
    while levels < len(LEVEL_WEIGHTS) and short_side >= WINDOW * 2**levels:
        levels += 1
    return levels


def level_weights(levels: int) -> tuple[float, ...]:
    """The first ``levels`` published weights, scaled to sum to what all five sum to."""
    chosen = LEVEL_WEIGHTS[:levels]
    scale = sum(LEVEL_WEIGHTS) / sum(chosen)
    return tuple(w * scale for w in chosen)


def brightness(image_B3HW: Tensor) -> Tensor:
    """Channel mean of a picture in [-1, 1], mapped to [0, 1]: (B, H, W)."""
    return (image_B3HW.float().mean(1) + 1.0) / 2.0


def ms_ssim(x_BHW: Tensor, y_BHW: Tensor, *, levels: int, mapped: bool) -> Tensor:
    """MS-SSIM of values in [0, 1], one number a picture (B).

    ``mapped`` takes each level's value v as (v + 1) / 2 before the product of powers: negative correlations, which
    random pictures have, then still have a slope. Without it they are clamped at 0, as image-quality libraries do.
    """
    product: Tensor | None = None
    for level, weight in enumerate(level_weights(levels)):
        luminance, contrast = _ssim_parts(x_BHW, y_BHW)
        value = (luminance * contrast if level == levels - 1 else contrast).mean((1, 2))
        value = (value + 1.0) / 2.0 if mapped else value.clamp(min=0.0)
        product = value**weight if product is None else product * value**weight
        if level < levels - 1:
            x_BHW, y_BHW = _halved(x_BHW), _halved(y_BHW)
    assert product is not None
    return product


def _ssim_parts(x_BHW: Tensor, y_BHW: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of the luminance term and of the contrast-structure term."""
    stacked = torch.cat([x_BHW, y_BHW, x_BHW * x_BHW, y_BHW * y_BHW, x_BHW * y_BHW])
    mean_x, mean_y, square_x, square_y, cross = _blurred(stacked).unflatten(0, (5, -1))  # type: ignore[no-untyped-call]
    products = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    contrast = (2.0 * (cross - products) + _C2) / (square_x + square_y - squares + _C2)
    return (2.0 * products + _C1) / (squares + _C1), contrast


def _halved(x_BHW: Tensor) -> Tensor:
    odd_rows, odd_columns = x_BHW.shape[1] % 2, x_BHW.shape[2] % 2
    return functional.avg_pool2d(x_BHW, 2, padding=(odd_rows, odd_columns))


def _blurred(x_BHW: Tensor) -> Tensor:
    """Gaussian-weighted mean over the window, only where it lies inside."""
    rows = _band(x_BHW.shape[1], x_BHW.dtype, x_BHW.device)
    columns = _band(x_BHW.shape[2], x_BHW.dtype, x_BHW.device)
    return torch.matmul(torch.matmul(rows, x_BHW), columns.T)


@cache
def _band(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(length - 10, length): each row holds the window's weights at its place."""
    # Kept beyond this call: made under inference_mode it could never serve a training step.
    with torch.inference_mode(False):
        offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
        weights = torch.exp(-(offsets**2) / (2 * SIGMA**2))
        weights = weights / weights.sum()
        band = torch.zeros(length - WINDOW + 1, length, dtype=torch.float64)
        for i in range(band.shape[0]):
            band[i, i : i + WINDOW] = weights
        return band.to(device=device, dtype=dtype)
