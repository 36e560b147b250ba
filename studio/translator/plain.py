"""The same networks done straightforwardly: fp32, one picture after the other, no layout or algebra of ours.

This is what `trocar bench` compares with and what tests hold the fast path to. It uses a Generator's weights in place.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from studio.translator.data import Batch
from studio.translator.layers import ConvBlock, LayerNorm
from studio.translator.learner import Draws, Learner
from studio.translator.losses import (
    Passes,
    WayBack,
    least_squares_fake,
    least_squares_real,
    reconstruction_losses,
    weighted_sum,
)
from studio.translator.networks import Generator
from studio.translator.normalisation import EPS
from studio.translator.subpixel import plain_upsampled_conv


class PlainGenerator:
    """Encoders and decoder of one side; shapes as in networks.py, one picture at a time."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.arch = generator.arch

    def encode(self, image_13HW: Tensor) -> Tensor:
        encoder = self.generator.enc_content
        x = image_13HW
        for place in range(3):
            x = functional.relu(_normal(_convolved(x, encoder.model[place])))
        x = _residuals(x, encoder.model[3], None)
        return x if encoder.squeeze is None else encoder.squeeze(x)

    def encode_style(self, image_13HW: Tensor) -> Tensor:
        assert self.generator.enc_style is not None
        x = image_13HW
        for place in range(5):
            x = functional.relu(_convolved(x, self.generator.enc_style.model[place]))
        return self.generator.enc_style.model[6](x.mean((2, 3), keepdim=True)).flatten(1)  # type: ignore[no-any-return]

    def decode(self, content_1KHW: Tensor, style_1S: Tensor | None) -> Tensor:
        decoder = self.generator.dec
        adain = None if self.generator.mlp is None or style_1S is None else self.generator.mlp(style_1S)
        x = content_1KHW if decoder.expand is None else decoder.expand(content_1KHW)
        x = _residuals(x, decoder.model[0], adain)
        for place in (2, 4):
            block = decoder.model[place]
            assert isinstance(block, ConvBlock)
            assert isinstance(block.norm, LayerNorm)
            x = _layer_normal(plain_upsampled_conv(x, block.conv.weight, block.conv.bias), block.norm)
            x = functional.relu(x)
        return torch.tanh(_convolved(x, decoder.model[5]))


def made_plain(learner: Learner) -> Learner:
    """The same learner for ``plain_step``: torch's loop over parameters in Adam, weights laid out as torch does."""
    for module in (learner.gen_a, learner.gen_b, learner.disc_a, learner.disc_b):
        module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    learner.gen_optimiser = _loop_adam(learner.gen_optimiser)
    learner.disc_optimiser = _loop_adam(learner.disc_optimiser)
    return learner


def _loop_adam(fused: torch.optim.Adam) -> torch.optim.Adam:
    group = fused.param_groups[0]
    return torch.optim.Adam(
        group["params"], lr=group["lr"], betas=group["betas"], weight_decay=group["weight_decay"], foreach=False
    )


def plain_step(learner: Learner, batch: Batch, draws: Draws) -> dict[str, Tensor]:
    """One update as two separate ones, each with its own pass of the generators; losses by name.

    Takes the optimisers' learning rates as they are. Both directions only, and no noise before encoding again.
    """
    gen_a, gen_b = PlainGenerator(learner.gen_a), PlainGenerator(learner.gen_b)
    with torch.no_grad():
        ab, ba = _translated(gen_a, gen_b, batch, draws)
    judged = {
        name: least_squares_fake(judge(fake)) + least_squares_real(judge(real))
        for name, judge, fake, real in (
            ("disc_a", learner.disc_a, ba, batch.image_a),
            ("disc_b", learner.disc_b, ab, batch.image_b),
        )
    }
    learner.disc_optimiser.zero_grad()
    (learner.settings.weight_gan * torch.stack(list(judged.values())).sum()).backward()  # type: ignore[no-untyped-call]
    learner.disc_optimiser.step()
    passes = _all_passes(gen_a, gen_b, batch, draws)
    losses = reconstruction_losses(passes, learner.settings)
    losses["gan_ab"] = least_squares_real(learner.disc_b(passes.ab))
    assert passes.back is not None
    losses["gan_ba"] = least_squares_real(learner.disc_a(passes.back.ba))
    learner.gen_optimiser.zero_grad()
    weighted_sum(losses, learner.settings).backward()  # type: ignore[no-untyped-call]
    learner.gen_optimiser.step()
    return {name: value.detach() for name, value in {**losses, **judged}.items()}


def _translated(gen_a: PlainGenerator, gen_b: PlainGenerator, batch: Batch, draws: Draws) -> tuple[Tensor, Tensor]:
    style_b = gen_b.encode_style(batch.image_b) if draws.take_encoded else draws.style_b
    style_a = draws.style_a if gen_a.arch.styled else None
    ab = gen_b.decode(gen_a.encode(batch.image_a), style_b)
    ba = gen_a.decode(gen_b.encode(batch.image_b), style_a)
    return _cut(ab, batch.inside_a), _cut(ba, batch.inside_b)


def _all_passes(gen_a: PlainGenerator, gen_b: PlainGenerator, batch: Batch, draws: Draws) -> Passes:
    content_a, content_b = gen_a.encode(batch.image_a), gen_b.encode(batch.image_b)
    style_b = gen_b.encode_style(batch.image_b)
    style_a = gen_a.encode_style(batch.image_a) if gen_a.arch.styled else None
    drawn_b = style_b.detach() if draws.take_encoded else draws.style_b
    drawn_a = draws.style_a if gen_a.arch.styled else None
    ab = _cut(gen_b.decode(content_a, drawn_b), batch.inside_a)
    ba = _cut(gen_a.decode(content_b, drawn_a), batch.inside_b)
    content_a_again, content_b_again = gen_b.encode(ab), gen_a.encode(ba)
    back = WayBack(
        gen_a.decode(content_a, style_a), ba, content_b_again,
        cycle_a=gen_a.decode(content_a_again, style_a), cycle_b=gen_b.decode(content_b_again, style_b),
        style_a=drawn_a, style_a_again=gen_a.encode_style(ba) if gen_a.arch.styled else None,
    )  # fmt: skip
    return Passes(
        batch.image_a, batch.image_b, gen_b.decode(content_b, style_b), ab, content_a, content_b, content_a_again,
        style_b=drawn_b, style_b_again=gen_b.encode_style(ab), back=back,
    )  # fmt: skip


def _cut(image_13HW: Tensor, inside_11HW: Tensor) -> Tensor:
    return (image_13HW + 1.0) * inside_11HW - 1.0


def _convolved(x_1CHW: Tensor, block: torch.nn.Module) -> Tensor:
    assert isinstance(block, ConvBlock)
    padded = functional.pad(x_1CHW, (block.padding,) * 4, mode="reflect") if block.padding else x_1CHW
    return functional.conv2d(padded, block.conv.weight, block.conv.bias, block.conv.stride)


def _residuals(x_1CHW: Tensor, blocks: torch.nn.Module, adain_1P: Tensor | None) -> Tensor:
    """Residual blocks; with ``adain_1P`` each norm takes its mean and scale from the next 2 C numbers."""
    place, channels = 0, x_1CHW.shape[1]
    for block in blocks.model:  # type: ignore[union-attr]
        change = x_1CHW
        for half, conv_block in enumerate(block.model):
            change = _normal(_convolved(change, conv_block))
            if adain_1P is not None:
                mean, scale = (
                    adain_1P[0, place : place + channels],
                    adain_1P[0, place + channels : place + 2 * channels],
                )
                change = change * scale[None, :, None, None] + mean[None, :, None, None]
                place += 2 * channels
            change = functional.relu(change) if half == 0 else change
        x_1CHW = x_1CHW + change
    return x_1CHW


def _normal(x_1CHW: Tensor) -> Tensor:
    return functional.instance_norm(x_1CHW, eps=EPS)


def _layer_normal(x_1CHW: Tensor, norm: LayerNorm) -> Tensor:
    flat = x_1CHW.reshape(-1)
    normal = (x_1CHW - flat.mean()) / (flat.std() + EPS)
    return normal * norm.gamma[None, :, None, None] + norm.beta[None, :, None, None]
