"""The networks and optimisers of a run, and one training step.

One pass of both generators serves both updates: the discriminators learn from its detached pictures, then the
generators learn from the same pictures under the updated discriminators.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from studio.jobs.shares import WHOLE, Share
from studio.translator.data import Batch
from studio.translator.devices import autocast, compiled, uses_bf16
from studio.translator.health import SPREAD
from studio.translator.losses import (
    Passes,
    WayBack,
    least_squares_fake,
    least_squares_real,
    reconstruction_losses,
    spread_within,
    weighted_sum,
)
from studio.translator.networks import Discriminator, Generator, build_discriminator, build_generators, initialise
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import derived_seed, stream

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Draws:
    """What a step leaves to chance: random styles and whether the footage's own style is taken instead."""

    style_a: Tensor
    style_b: Tensor
    take_encoded: bool
    noise_seeds: tuple[int, ...]


def draws_of(step: int, settings: TrainSettings, device: torch.device, share: Share = WHOLE) -> Draws:
    """A share's draws of a step, from the seed and the step alone: its rows of those of the joined batch.

    ``take_encoded`` is one decision for the joined batch.
    """
    rng = stream(settings.seed, "styles", step)
    places = share.places(step, settings.batch)
    joined_2BS = rng.standard_normal((2, share.count * settings.batch, settings.style_size)).astype("float32")
    first = share.rank * settings.batch
    styles = torch.from_numpy(joined_2BS[:, first : first + settings.batch]).to(device)
    take_encoded = bool(rng.random() < settings.encoded_style_share)
    noise_seeds = tuple(derived_seed(settings.seed, "noise", place) for place in places)
    return Draws(styles[0], styles[1], take_encoded, noise_seeds)


class Learner:
    """Networks, their running means and their optimisers, on one device."""

    share = WHOLE

    def __init__(self, settings: TrainSettings, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.bf16 = uses_bf16(settings.precision, device)
        chance = torch.Generator().manual_seed(derived_seed(settings.seed, "weights"))
        generators = build_generators(settings)
        self.gen_a, self.gen_b = self._placed(generators.a, chance), self._placed(generators.b, chance)
        if settings.start == "alike":
            _start_alike(self.gen_a, self.gen_b)
        self.disc_a = self._placed(build_discriminator(settings), chance)
        self.disc_b = self._placed(build_discriminator(settings), chance)
        self.ema_a, self.ema_b = _frozen_copy(self.gen_a), _frozen_copy(self.gen_b)
        self._gen_parameters = [*self.gen_a.parameters(), *self.gen_b.parameters()]
        self._disc_parameters = [*self.disc_a.parameters(), *self.disc_b.parameters()]
        self._ema_parameters: list[Tensor] = [*self.ema_a.parameters(), *self.ema_b.parameters()]
        self.gen_optimiser = self._adam(self._gen_parameters)
        self.disc_optimiser = self._adam(self._disc_parameters)
        if settings.compile == "on" or (settings.compile == "auto" and device.type == "cuda"):
            for generator in (self.gen_a, self.gen_b):
                compiled(generator.enc_content, generator.enc_style, generator.dec)
            compiled(self.disc_a, self.disc_b)

    def _placed(self, module: Net, chance: torch.Generator) -> Net:
        initialise(module, "discriminator" if isinstance(module, Discriminator) else "generator", chance)
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _adam(self, parameters: list[nn.Parameter]) -> torch.optim.Adam:
        s = self.settings
        return torch.optim.Adam(
            parameters, lr=s.learning_rate, betas=(s.beta1, s.beta2), weight_decay=s.weight_decay, fused=True
        )

    def step(self, batch: Batch, step: int, learning_rate: float) -> dict[str, Tensor]:
        """One update of both sides; the unweighted losses and the translations' spread by name, on the device."""
        self.gen_optimiser.param_groups[0]["lr"] = learning_rate
        self.disc_optimiser.param_groups[0]["lr"] = learning_rate * self.settings.disc_rate
        batch = _moved(batch, self.device)
        with autocast(self.bf16, self.device):
            draws = draws_of(step, self.settings, self.device, self.share)
            passes = run_passes(self.gen_a, self.gen_b, batch, draws, self.settings)
        judged = self._update_discriminators(passes)
        losses = self._update_generators(passes)
        self._update_means(step)
        spread = spread_within(passes.ab.detach(), batch.inside_a)
        return {name: value.detach() for name, value in {**losses, **judged, SPREAD: spread}.items()}

    @torch.no_grad()
    def is_finite(self) -> bool:
        """Whether all weights, and the running means of the generators' weights, are numbers."""
        tensors = [*self._gen_parameters, *self._disc_parameters, *self._ema_parameters]
        # A sum of squares is finite only if every weight is; foreach makes it a few calls on a GPU.
        norms = torch._foreach_norm([t.detach() for t in tensors])
        return bool(torch.isfinite(torch.stack([n.float() for n in norms])).all())

    def _update_discriminators(self, passes: Passes) -> dict[str, Tensor]:
        with autocast(self.bf16, self.device):
            losses = {"disc_b": _judging_loss(self.disc_b, passes.ab.detach(), passes.image_b)}
            if passes.back is not None:
                losses["disc_a"] = _judging_loss(self.disc_a, passes.back.ba.detach(), passes.image_a)
        self.disc_optimiser.zero_grad(set_to_none=True)
        (self.settings.weight_gan * torch.stack(list(losses.values())).sum()).backward()  # type: ignore[no-untyped-call]
        self.gradients_ready(self.disc_optimiser)
        self.disc_optimiser.step()
        return losses

    def _update_generators(self, passes: Passes) -> dict[str, Tensor]:
        for parameter in self._disc_parameters:
            parameter.requires_grad_(False)
        with autocast(self.bf16, self.device):
            losses = reconstruction_losses(passes, self.settings)
            losses["gan_ab"] = least_squares_real(self.disc_b(passes.ab))
            if passes.back is not None:
                losses["gan_ba"] = least_squares_real(self.disc_a(passes.back.ba))
        self.gen_optimiser.zero_grad(set_to_none=True)
        weighted_sum(losses, self.settings).backward()  # type: ignore[no-untyped-call]
        self.gradients_ready(self.gen_optimiser)
        self.gen_optimiser.step()
        for parameter in self._disc_parameters:
            parameter.requires_grad_(True)
        return losses

    def check_others(self) -> None:
        """Between two steps: raise when other processes that learn along have failed or were asked to stop."""

    def gradients_ready(self, optimiser: torch.optim.Adam) -> None:
        """After each backward pass, before the update: several processes make their gradients one here."""

    def was_loaded(self) -> None:
        """After weights and moments were put in from outside: several processes agree on them anew."""

    @torch.no_grad()
    def _update_means(self, step: int) -> None:
        # A run's first weights are noise: the mean forgets them faster than it forgets later ones.
        share = 1.0 - min(self.settings.ema, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_(self._ema_parameters, list[Tensor](self._gen_parameters), share)


def run_passes(gen_a: Generator, gen_b: Generator, batch: Batch, draws: Draws, settings: TrainSettings) -> Passes:
    """Both generators once: reconstructions, translations, and back again (MUNIT, section 4)."""
    image_a, image_b = batch.image_a, batch.image_b
    content_a, content_b = gen_a.encode(image_a), gen_b.encode(image_b)
    style_b = gen_b.encode_style(image_b)
    drawn_b = style_b.detach().float() if draws.take_encoded else draws.style_b
    same_b, ab = _decoded_together(gen_b, (content_b, content_a), (style_b, drawn_b))
    # Outside the round image area there is nothing to paint, so nobody is judged by it.
    ab = _cut_out(ab, batch.inside_a)
    seen_ab = _noisy(ab, draws.noise_seeds, settings)
    passes = Passes(
        image_a, image_b, same_b, ab, content_a, content_b,
        content_a_again=gen_b.encode(seen_ab), style_b=drawn_b, style_b_again=gen_b.encode_style(seen_ab),
    )  # fmt: skip
    if settings.directions == "ab":
        return passes
    return replace(passes, back=_way_back(gen_a, gen_b, batch, draws, settings, passes, style_b))


def _way_back(
    gen_a: Generator, gen_b: Generator, batch: Batch, draws: Draws, settings: TrainSettings, passes: Passes,
    encoded_b: Tensor,
) -> WayBack:  # fmt: skip
    style_a = gen_a.encode_style(batch.image_a) if gen_a.arch.styled else None
    drawn_a = draws.style_a if style_a is not None else None
    same_a, ba = _decoded_together(gen_a, (passes.content_a, passes.content_b), (style_a, drawn_a))
    ba = _cut_out(ba, batch.inside_b)
    seen_ba = _noisy(ba, tuple(seed + 1 for seed in draws.noise_seeds), settings)
    content_b_again = gen_a.encode(seen_ba)
    cycles = settings.weight_cycle > 0
    return WayBack(
        same_a, ba, content_b_again,
        cycle_a=gen_a.decode(passes.content_a_again, style_a) if cycles else None,
        cycle_b=gen_b.decode(content_b_again, encoded_b) if cycles else None,
        style_a=drawn_a, style_a_again=gen_a.encode_style(seen_ba) if gen_a.arch.styled else None,
    )  # fmt: skip


def _decoded_together(
    generator: Generator, contents: tuple[Tensor, Tensor], styles: tuple[Tensor | None, Tensor | None]
) -> tuple[Tensor, Tensor]:
    """Two decodings as one batch: every norm works picture by picture, so the result is the same."""
    first, second = styles
    style = torch.cat([first.float(), second.float()]) if first is not None and second is not None else None
    # Split, not sliced: a slice's gradient is a whole batch of zeros in another memory order.
    same, translated = torch.split(generator.decode(torch.cat(contents), style).float(), contents[0].shape[0])
    return same, translated


def _cut_out(image_B3HW: Tensor, inside_B1HW: Tensor) -> Tensor:
    return (image_B3HW + 1.0) * inside_B1HW - 1.0


def _noisy(image_B3HW: Tensor, seeds: tuple[int, ...], settings: TrainSettings) -> Tensor:
    """Each picture's noise comes from its own seed, so that it does not depend on its neighbours in the batch."""
    if not settings.reencode_noise:
        return image_B3HW
    chance = torch.Generator(image_B3HW.device)
    shape, device = image_B3HW.shape[1:], image_B3HW.device
    noise = [torch.randn(shape, generator=chance.manual_seed(seed), device=device) for seed in seeds]
    return image_B3HW + settings.reencode_noise * torch.stack(noise)


def _judging_loss(discriminator: Discriminator, fake_B3HW: Tensor, real_B3HW: Tensor) -> Tensor:
    judgements = discriminator(torch.cat([fake_B3HW, real_B3HW]))
    count = fake_B3HW.shape[0]
    return least_squares_fake([j[:count] for j in judgements]) + least_squares_real([j[count:] for j in judgements])


def _start_alike(gen_a: Generator, gen_b: Generator) -> None:
    """Give side a the first weights of side b, for all that both sides have.

    Both then encode a colour alike from the first step, and a translation begins as a repetition. Cycle and content
    losses alone would be as content with a code in which red and green have changed places; UNIT (Liu et al. 2017,
    section 3) rules that out by weights that stay shared.
    """
    shared = {name: tensor for name, tensor in gen_b.state_dict().items() if name in gen_a.state_dict()}
    gen_a.load_state_dict(shared, strict=False)


def _frozen_copy(generator: Generator) -> Generator:
    return copy.deepcopy(generator).requires_grad_(False).eval()


def _moved(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    tensors = (batch.image_a, batch.image_b, batch.inside_a, batch.inside_b)
    return Batch(*(t.to(device, non_blocking=True) for t in tensors))
