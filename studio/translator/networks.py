"""MUNIT's generator and multi-scale discriminator (arXiv 1804.04732), symmetric and as in Pfeiffer et al. 2019.

Shapes: B pictures, 3 colours in [-1, 1], H x W multiples of 4; K content channels at H/4 x W/4; S style numbers.
State-dict names are those of the public generators, so that a checkpoint fits or fails key by key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.translator.layers import Affine, ConvBlock, Linear, ResidualBlocks
from studio.translator.settings import TrainSettings
from studio.translator.subpixel import upsampled_conv


@dataclass(frozen=True)
class Architecture:
    """What determines a generator's shapes. ``styled`` is False for the simulated side of the asymmetric variant."""

    dim: int = 64
    res_blocks: int = 4
    style_size: int = 8
    mlp_dim: int = 256
    content_channels: int = 0
    styled: bool = True

    @staticmethod
    def of(settings: TrainSettings, *, styled: bool) -> Architecture:
        return Architecture(settings.dim, settings.res_blocks, settings.style_size, settings.mlp_dim,
                            settings.content_channels, styled)  # fmt: skip

    @property
    def wide(self) -> int:
        """Channels at a quarter of the size."""
        return 4 * self.dim

    @property
    def adain_layers(self) -> int:
        return 2 * self.res_blocks if self.styled else 0


class ContentEncoder(nn.Module):
    """image_B3HW -> content_BKHW at a quarter of the size; a squeeze to few channels is optional."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        dim = arch.dim
        self.model = nn.ModuleList(
            [
                ConvBlock(3, dim, 7, padding=3, norm="instance"),
                ConvBlock(dim, 2 * dim, 4, stride=2, padding=1, norm="instance"),
                ConvBlock(2 * dim, 4 * dim, 4, stride=2, padding=1, norm="instance"),
                ResidualBlocks(arch.res_blocks, arch.wide, "instance"),
            ]
        )
        self.squeeze = nn.Conv2d(arch.wide, arch.content_channels, 1) if arch.content_channels else None

    def forward(self, image_B3HW: Tensor) -> Tensor:
        x = image_B3HW
        for layer in self.model:
            x = layer(x)
        return x if self.squeeze is None else self.squeeze(x)


class StyleEncoder(nn.Module):
    """image_B3HW -> style_BS: five convolutions without norm, global average, 1x1 convolution."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        dim = arch.dim
        self.model = nn.ModuleList(
            [
                ConvBlock(3, dim, 7, padding=3),
                ConvBlock(dim, 2 * dim, 4, stride=2, padding=1),
                ConvBlock(2 * dim, 4 * dim, 4, stride=2, padding=1),
                ConvBlock(4 * dim, 4 * dim, 4, stride=2, padding=1),
                ConvBlock(4 * dim, 4 * dim, 4, stride=2, padding=1),
                nn.AdaptiveAvgPool2d(1),
                nn.Conv2d(4 * dim, arch.style_size, 1),
            ]
        )

    def forward(self, image_B3HW: Tensor) -> Tensor:
        x = image_B3HW
        for layer in self.model:
            x = layer(x)
        return x.flatten(1)


class StyleNetwork(nn.Module):
    """style_BS -> all AdaIN parameters, a row a picture: for each layer in module order its means, then its scales."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        outputs = 2 * arch.wide * arch.adain_layers
        self.model = nn.ModuleList(
            [
                Linear(arch.style_size, arch.mlp_dim),
                Linear(arch.mlp_dim, arch.mlp_dim),
                Linear(arch.mlp_dim, outputs),
            ]
        )

    def forward(self, style_BS: Tensor) -> Tensor:
        hidden = functional.relu(self.model[0](style_BS))
        return self.model[2](functional.relu(self.model[1](hidden)))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """content_BKHW and AdaIN parameters -> image_B3HW in [-1, 1]."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        dim, wide = arch.dim, arch.wide
        self.wide = wide
        self.expand = nn.Conv2d(arch.content_channels, wide, 1) if arch.content_channels else None
        # Places 1 and 3 are the parameter-free up-sampling; it is part of the next convolution here.
        self.model = nn.ModuleList(
            [
                ResidualBlocks(arch.res_blocks, wide, "adain" if arch.styled else "instance"),
                nn.Identity(),
                ConvBlock(wide, wide // 2, 5, padding=2, norm="layer"),
                nn.Identity(),
                ConvBlock(wide // 2, dim, 5, padding=2, norm="layer"),
                ConvBlock(dim, 3, 7, padding=3, activation="tanh"),
            ]
        )

    def forward(self, content_BKHW: Tensor, adain_BP: Tensor | None = None) -> Tensor:
        """``adain_BP`` as StyleNetwork gives it; None for an unstyled decoder."""
        x = content_BKHW if self.expand is None else self.expand(content_BKHW)
        x = self.model[0](x, split_adain(adain_BP, self.wide) if adain_BP is not None else ())
        for place in (2, 4):
            block = self.model[place]
            assert isinstance(block, ConvBlock)
            x = block.finish(upsampled_conv(x, block.conv.weight, block.conv.bias))
        return self.model[5](x)  # type: ignore[no-any-return]


def split_adain(adain_BP: Tensor, channels: int) -> tuple[Affine, ...]:
    """(mean_BC, scale_BC) of each AdaIN layer from the style network's rows."""
    rows_BLC = adain_BP.unflatten(1, (-1, channels))  # type: ignore[no-untyped-call]
    return tuple((rows_BLC[:, i], rows_BLC[:, i + 1]) for i in range(0, rows_BLC.shape[1], 2))


class Generator(nn.Module):
    """Encoders and decoder of one side."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch
        self.enc_content = ContentEncoder(arch)
        self.enc_style = StyleEncoder(arch) if arch.styled else None
        self.dec = Decoder(arch)
        self.mlp = StyleNetwork(arch) if arch.styled and arch.adain_layers else None

    def encode(self, image_B3HW: Tensor) -> Tensor:
        """Content code."""
        return self.enc_content(image_B3HW)  # type: ignore[no-any-return]

    def encode_style(self, image_B3HW: Tensor) -> Tensor:
        """Style code; only where ``arch.styled``."""
        assert self.enc_style is not None
        return self.enc_style(image_B3HW)  # type: ignore[no-any-return]

    def decode(self, content_BKHW: Tensor, style_BS: Tensor | None = None) -> Tensor:
        """Picture in [-1, 1]; ``style_BS`` is needed exactly where ``arch.styled``."""
        adain = self.mlp(style_BS) if self.mlp is not None and style_BS is not None else None
        return self.dec(content_BKHW, adain)  # type: ignore[no-any-return]


class Discriminator(nn.Module):
    """Judges a picture at several scales, patch by patch; no norm, leaky ReLU 0.2."""

    def __init__(self, dim: int, layers: int, scales: int) -> None:
        super().__init__()
        self.dim = dim
        self.nets = nn.ModuleList([self._one_scale(dim, layers) for _ in range(scales)])

    @staticmethod
    def _one_scale(dim: int, layers: int) -> nn.Sequential:
        widths = [3] + [dim * 2**i for i in range(layers)]
        blocks = [ConvBlock(a, b, 4, stride=2, padding=1, activation="leaky") for a, b in pairwise(widths)]
        return nn.Sequential(*blocks, nn.Conv2d(widths[-1], 1, 1))

    def forward(self, image_B3HW: Tensor) -> list[Tensor]:
        """One map_B1HW of judgements a scale, 1 = real, largest scale first."""
        judgements = []
        for i, net in enumerate(self.nets):
            if i:
                image_B3HW = halved(image_B3HW)
            judgements.append(net(image_B3HW))
        return judgements


def halved(image_BCHW: Tensor) -> Tensor:
    """Average pool 3x3, stride 2; the padding does not count."""
    return functional.avg_pool2d(image_BCHW, 3, stride=2, padding=1, count_include_pad=False)


class Pair(NamedTuple):
    """What belongs to the simulated side (a) and to the real side (b)."""

    a: Generator
    b: Generator


def build_generators(settings: TrainSettings) -> Pair:
    """Both generators, weights not yet initialised; side a has no style in the asymmetric variant."""
    symmetric = settings.variant == "symmetric"
    return Pair(
        Generator(Architecture.of(settings, styled=symmetric)), Generator(Architecture.of(settings, styled=True))
    )


def build_discriminator(settings: TrainSettings) -> Discriminator:
    return Discriminator(settings.disc_dim, settings.disc_layers, settings.disc_scales)


def initialise(module: nn.Module, kind: str, generator: torch.Generator) -> None:
    """Kaiming normal (fan in) for ``kind`` "generator", N(0, 0.02) for "discriminator"; biases zero.

    0.02 suits the published 64 channels. Without norm, a narrower discriminator would start with judgements near zero
    and stay blind for hundreds of steps, so that it gets sqrt(64 / channels) times as much.
    """
    deviation = 0.02
    if isinstance(module, Discriminator):
        deviation *= max(1.0, (64 / module.dim) ** 0.5)
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            with torch.no_grad():
                if kind == "generator":
                    nn.init.kaiming_normal_(part.weight, generator=generator)
                else:
                    part.weight.normal_(0.0, deviation, generator=generator)
                if part.bias is not None:
                    part.bias.zero_()
