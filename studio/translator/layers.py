"""Building blocks of MUNIT's networks (arXiv 1804.04732, section 5.1), named so that public checkpoints fit.

Shapes: B pictures, C channels, H x W pixels, S numbers of a style. Padding reflects everywhere.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.translator.normalisation import instance_norm, sample_layer_norm
from studio.translator.padding import reflected

NormKind = Literal["none", "instance", "adain", "layer"]
ActivationKind = Literal["none", "relu", "leaky", "tanh"]
Affine = tuple[Tensor, Tensor]
"""AdaIN parameters of one layer: (mean_BC, scale_BC)."""


class LayerNorm(nn.Module):
    """Over C, H, W of each picture with the sample standard deviation, then per-channel gamma and beta."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return sample_layer_norm(x_BCHW, self.gamma, self.beta)


class AdaptiveInstanceNorm(nn.Module):
    """Instance norm whose mean and scale come from the style. The buffers are unused; public checkpoints carry them."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x_BCHW: Tensor, affine: Affine) -> Tensor:
        mean_BC, scale_BC = affine
        return instance_norm(x_BCHW, scale_BC, mean_BC)


class InstanceNorm(nn.Module):
    """Instance norm without parameters, eps 1e-5."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return instance_norm(x_BCHW)


class ConvBlock(nn.Module):
    """Reflect padding, convolution, norm, activation."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0,
        norm: NormKind = "none", activation: ActivationKind = "relu",
    ) -> None:  # fmt: skip
        super().__init__()
        self.padding = padding
        self.activation = activation
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride)
        self.norm: nn.Module | None = None
        if norm == "instance":
            self.norm = InstanceNorm()
        elif norm == "adain":
            self.norm = AdaptiveInstanceNorm(outputs)
        elif norm == "layer":
            self.norm = LayerNorm(outputs)

    def forward(self, x_BCHW: Tensor, affine: Affine | None = None) -> Tensor:
        """``affine`` is needed by, and only by, an AdaIN block."""
        return self.finish(self.convolve(x_BCHW), affine)

    def convolve(self, x_BCHW: Tensor) -> Tensor:
        return self.conv(reflected(x_BCHW, self.padding))  # type: ignore[no-any-return]

    def finish(self, x_BCHW: Tensor, affine: Affine | None = None) -> Tensor:
        """Norm and activation."""
        if isinstance(self.norm, AdaptiveInstanceNorm):
            assert affine is not None
            x_BCHW = self.norm(x_BCHW, affine)
        elif self.norm is not None:
            x_BCHW = self.norm(x_BCHW)
        if self.activation == "relu":
            return functional.relu(x_BCHW, inplace=True)
        if self.activation == "leaky":
            return functional.leaky_relu(x_BCHW, 0.2, inplace=True)
        return torch.tanh(x_BCHW) if self.activation == "tanh" else x_BCHW


class ResidualBlock(nn.Module):
    """conv-norm-ReLU-conv-norm added to its input, nothing after the sum."""

    def __init__(self, channels: int, norm: NormKind) -> None:
        super().__init__()
        self.model = nn.ModuleList(
            [
                ConvBlock(channels, channels, 3, padding=1, norm=norm),
                ConvBlock(channels, channels, 3, padding=1, norm=norm, activation="none"),
            ]
        )

    def forward(self, x_BCHW: Tensor, first: Affine | None = None, second: Affine | None = None) -> Tensor:
        change = self.model[1](self.model[0](x_BCHW, first), second)
        return change + x_BCHW  # type: ignore[no-any-return]


class ResidualBlocks(nn.Module):
    """A row of residual blocks; AdaIN parameters come as two pairs a block, in module order."""

    def __init__(self, count: int, channels: int, norm: NormKind) -> None:
        super().__init__()
        self.model = nn.ModuleList([ResidualBlock(channels, norm) for _ in range(count)])

    def forward(self, x_BCHW: Tensor, affines: tuple[Affine, ...] = ()) -> Tensor:
        for i, block in enumerate(self.model):
            x_BCHW = block(x_BCHW, *affines[2 * i : 2 * i + 2])
        return x_BCHW


class Linear(nn.Module):
    """A fully connected layer under the name that public checkpoints use."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x_BS: Tensor) -> Tensor:
        return self.fc(x_BS)  # type: ignore[no-any-return]
