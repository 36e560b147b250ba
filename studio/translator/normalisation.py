"""Instance norm, AdaIN and MUNIT's layer norm. Moments are always taken in fp32, whatever the input's precision."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-5


def instance_norm(x_BCHW: Tensor, scale_BC: Tensor | None = None, mean_BC: Tensor | None = None) -> Tensor:
    """(x - mean) / sqrt(variance + 1e-5) over H, W, times ``scale_BC`` plus ``mean_BC`` where given (AdaIN)."""
    values = x_BCHW.float()
    variance, centre = torch.var_mean(values, dim=(2, 3), correction=0)
    factor_BC = torch.rsqrt(variance + EPS)
    if scale_BC is not None and mean_BC is not None:
        factor_BC = factor_BC * scale_BC.float()
        offset_BC = mean_BC.float() - centre * factor_BC
    else:
        offset_BC = -centre * factor_BC
    return torch.addcmul(offset_BC[:, :, None, None], values, factor_BC[:, :, None, None]).to(x_BCHW.dtype)


def sample_layer_norm(x_BCHW: Tensor, gamma_C: Tensor, beta_C: Tensor) -> Tensor:
    """(x - mean) / (sample deviation + 1e-5) over C, H, W of each picture, times gamma, plus beta (per channel)."""
    values = x_BCHW.float()
    variance, centre = torch.var_mean(values, dim=(1, 2, 3), correction=1, keepdim=True)
    factor_BC11 = gamma_C.float()[None, :, None, None] / (variance.sqrt() + EPS)
    offset_BC11 = beta_C.float()[None, :, None, None] - centre * factor_BC11
    return torch.addcmul(offset_BC11, values, factor_BC11).to(x_BCHW.dtype)
