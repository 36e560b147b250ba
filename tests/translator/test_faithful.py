"""The whole generator and every loss of a step against the reference in NumPy, and that each fact counts."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from studio.translator.data import Batch
from studio.translator.inference import load_translator
from studio.translator.learner import Draws, Learner, draws_of, run_passes
from studio.translator.losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from studio.translator.ms_ssim import levels_for, ms_ssim
from studio.translator.networks import Architecture, Discriminator, Generator, initialise
from studio.translator.settings import TrainSettings
from studio.translator.subpixel import upsampled_conv
from tests.translator import reference
from tests.translator.making import tiny
from tests.translator.reference import Facts, Reference

CPU = torch.device("cpu")


def lively(*, styled: bool = True, seed: int = 0) -> Generator:
    """A small generator none of whose weights is 0 or 1, so that each of them shows in the picture."""
    generator = Generator(Architecture(dim=4, res_blocks=2, style_size=3, mlp_dim=7, styled=styled))
    chance = torch.Generator().manual_seed(seed)
    initialise(generator, "generator", chance)
    with torch.no_grad():
        for name, value in generator.named_parameters():
            if name.endswith(("bias", "beta", "gamma")):
                value.normal_(1.0 if name.endswith("gamma") else 0.0, 0.4, generator=chance)
        generator.dec.model[5].conv.weight.mul_(0.2)
    return generator


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.double().numpy().copy() for name, value in module.state_dict().items()}


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def as_values(image_HW3: np.ndarray) -> np.ndarray:
    return image_HW3.transpose(2, 0, 1) / 127.5 - 1


STYLE = np.array([0.7, -1.3, 2.1])


@pytest.mark.parametrize("size", [(16, 16), (20, 36), (64, 24)])
def test_a_public_file_gives_the_references_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    a, b = lively(seed=1), lively(seed=2)
    torch.save({"a": a.state_dict(), "b": b.state_dict()}, tmp_path / "gen.pt")
    translator = load_translator(tmp_path / "gen.pt", device="cpu", precision="fp32")
    values = as_values(picture(*size))
    expected = Reference(arrays(b)).decode(Reference(arrays(a)).encode(values), STYLE)
    levels = ((expected + 1) / 2 * 255).transpose(1, 2, 0)
    assert levels.std() > 20
    ours = translator.translate(picture(*size), STYLE.astype(np.float32)[None])[0]
    assert np.abs(ours - levels).max() <= 0.51
    code = translator.encode_style(picture(*size))
    assert np.allclose(code, Reference(arrays(b)).encode_style(values), atol=1e-5)


def decoded(facts: Facts, style: np.ndarray = STYLE, size: tuple[int, int] = (6, 5)) -> tuple[np.ndarray, np.ndarray]:
    """Our picture of a content and a style in float64, and the reference's under other facts."""
    generator = lively().double()
    content = np.random.default_rng(3).standard_normal((16, *size))
    with torch.no_grad():
        ours = generator.decode(torch.from_numpy(content)[None], torch.from_numpy(STYLE)[None])[0].numpy()
    return ours, Reference(arrays(generator), facts).decode(content, style)


@pytest.mark.parametrize("size", [(2, 2), (3, 4), (6, 5), (9, 16)])
def test_decoder_equals_the_reference(size: tuple[int, int]) -> None:
    ours, expected = decoded(Facts(), size=size)
    assert np.allclose(ours, expected, atol=1e-10)


def test_style_numbers_are_taken_in_their_order() -> None:
    ours, other = decoded(Facts(), style=STYLE[::-1])
    assert np.abs(ours - other).max() > 0.05


def test_adain_takes_means_before_scales() -> None:
    ours, other = decoded(Facts(means_first=False))
    assert np.abs(ours - other).max() > 0.05


def test_padding_is_by_reflection() -> None:
    for wrong in ("constant", "edge", "symmetric"):
        ours, other = decoded(Facts(padding=wrong))
        assert np.abs(ours - other).max() > 0.05, wrong


def test_layer_norm_divides_by_the_sample_deviation() -> None:
    ours, other = decoded(Facts(freedom=0))
    assert np.abs(ours - other).max() > 1e-4


def test_layer_norm_adds_its_epsilon_to_the_deviation() -> None:
    ours, other = decoded(Facts(epsilon_outside=False))
    assert np.abs(ours - other).max() > 1e-8


def test_layer_norm_takes_all_channels_together() -> None:
    ours, other = decoded(Facts(layer_norm_over_channels=False))
    assert np.abs(ours - other).max() > 0.05


@pytest.mark.parametrize("size", [(64, 64), (37, 45)])
def test_discriminator_equals_the_reference(size: tuple[int, int]) -> None:
    judge = Discriminator(4, 3, 3)
    initialise(judge, "discriminator", torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name, value in judge.named_parameters():
            if name.endswith("bias"):
                value.uniform_(-0.1, 0.1)
    image = np.random.default_rng(1).uniform(-1, 1, (3, *size))
    with torch.no_grad():
        ours = judge.double()(torch.from_numpy(image)[None].clone())
    expected = reference.judgements(image, arrays(judge))
    assert len(ours) == len(expected) == 3
    for one, other in zip(ours, expected, strict=True):
        assert np.allclose(one[0].numpy(), other, atol=1e-12)


def batch_of(seed: int = 0) -> Batch:
    """Two smooth pictures, the simulated one with a round image area."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:32, :32] / 31.0
    images = []
    for _ in range(2):
        waves = [np.sin(rng.uniform(2, 9) * rows + rng.uniform(2, 9) * columns + rng.uniform(0, 6)) for _ in range(3)]
        images.append(torch.from_numpy(0.8 * np.stack(waves)[None]).float())
    inside = torch.ones(1, 1, 32, 32)
    inside[..., :5] = 0
    images[0] = (images[0] + 1) * inside - 1
    return Batch(images[0], images[1], inside, torch.ones(1, 1, 32, 32))


def expected_losses(a: Reference, b: Reference, batch: Batch, draws: Draws) -> dict[str, float]:
    """Every loss but those of the discriminators, by section 4 of MUNIT and the paper's changes to it."""
    image_a, image_b = batch.image_a[0].double().numpy(), batch.image_b[0].double().numpy()
    symmetric = "mlp.model.0.fc.weight" in a.w
    own_a, own_b = (a.encode_style(image_a) if symmetric else None), b.encode_style(image_b)
    drawn_a = draws.style_a[0].double().numpy() if symmetric else None
    drawn_b = own_b if draws.take_encoded else draws.style_b[0].double().numpy()
    content_a, content_b = a.encode(image_a), b.encode(image_b)
    ab, ba = expected_translations(a, b, batch, draws).values()

    def l1(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.abs(x - y).mean())

    def structure(x: np.ndarray, y: np.ndarray) -> float:
        return 1 - reference.ms_ssim((x.mean(0) + 1) / 2, (y.mean(0) + 1) / 2, 2, mapped=True)

    losses = {
        "image_a": l1(a.decode(content_a, own_a), image_a), "image_b": l1(b.decode(content_b, own_b), image_b),
        "content_a": l1(b.encode(ab), content_a), "content_b": l1(a.encode(ba), content_b),
        "style_b": l1(b.encode_style(ab), drawn_b),
        "cycle_a": l1(a.decode(b.encode(ab), own_a), image_a), "cycle_b": l1(b.decode(a.encode(ba), own_b), image_b),
        "ms_ssim_ab": structure(image_a, ab), "ms_ssim_ba": structure(image_b, ba),
    }  # fmt: skip
    if drawn_a is not None:
        losses["style_a"] = l1(a.encode_style(ba), drawn_a)
    return losses


@pytest.mark.parametrize("variant", ["asymmetric", "symmetric"])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_every_loss_of_a_step_is_the_references(variant: str, share: float) -> None:
    settings = tiny(variant=variant, encoded_style_share=share, res_blocks=1, weight_gan=1.0)
    learner, batch, draws = Learner(settings, CPU), batch_of(), draws_of(0, settings, CPU)
    assert draws.take_encoded is (share == 1.0)
    a, b = Reference(arrays(learner.gen_a)), Reference(arrays(learner.gen_b))
    judges = arrays(learner.disc_a), arrays(learner.disc_b)
    losses = {name: float(value) for name, value in learner.step(batch, 0, settings.learning_rate).items()}
    expected = expected_losses(a, b, batch, draws)
    passes = expected_translations(a, b, batch, draws)
    for side, fake, real, judge, after in (
        ("a", passes["ba"], batch.image_a, judges[0], learner.disc_a),
        ("b", passes["ab"], batch.image_b, judges[1], learner.disc_b),
    ):
        real_3HW = real[0].double().numpy()
        maps = reference.judgements(fake, judge), reference.judgements(real_3HW, judge)
        expected[f"disc_{side}"] = reference.squared_from(maps[0], 0.0) + reference.squared_from(maps[1], 1.0)
        # The generators answer to the discriminators that have just learnt.
        expected["gan_ba" if side == "a" else "gan_ab"] = reference.squared_from(
            reference.judgements(fake, arrays(after)), 1.0
        )
    names = {*GENERATOR_LOSSES, *DISCRIMINATOR_LOSSES}
    assert set(expected) == (names if variant == "symmetric" else names - {"style_a"})
    inside = passes["ab"][:, batch.inside_a[0, 0].numpy() > 0]  # colours x pixels within the round image area
    assert losses.pop("spread_ab") == pytest.approx(np.sqrt(inside.var(axis=1).mean()), rel=2e-4)
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert losses[name] == pytest.approx(value, rel=2e-4, abs=2e-5), name


def expected_translations(a: Reference, b: Reference, batch: Batch, draws: Draws) -> dict[str, np.ndarray]:
    """Both translations, cut out to the round image area."""
    image_a, image_b = batch.image_a[0].double().numpy(), batch.image_b[0].double().numpy()
    symmetric = "mlp.model.0.fc.weight" in a.w
    drawn_a = draws.style_a[0].double().numpy() if symmetric else None
    drawn_b = b.encode_style(image_b) if draws.take_encoded else draws.style_b[0].double().numpy()
    return {
        "ab": (b.decode(a.encode(image_a), drawn_b) + 1) * batch.inside_a[0].double().numpy() - 1,
        "ba": (a.decode(b.encode(image_b), drawn_a) + 1) * batch.inside_b[0].double().numpy() - 1,
    }


def test_the_footages_own_style_is_a_fixed_target() -> None:
    """Detached: the style loss pulls at the encoder of the translation, not at what it should find."""
    settings = tiny(encoded_style_share=1.0)
    learner = Learner(settings, CPU)
    passes = run_passes(learner.gen_a, learner.gen_b, batch_of(), draws_of(0, settings, CPU), settings)
    with torch.no_grad():
        own = learner.gen_b.encode_style(batch_of().image_b)
    assert not passes.style_b.requires_grad
    assert torch.allclose(passes.style_b, own, atol=1e-6)
    assert passes.style_b_again.requires_grad


def test_about_the_given_share_of_steps_takes_the_footages_style() -> None:
    settings = TrainSettings()
    taken = sum(draws_of(step, settings, CPU).take_encoded for step in range(1000))
    assert 440 < taken < 560


def test_styles_are_drawn_from_the_standard_normal() -> None:
    settings = tiny(batch=2)
    drawn = np.concatenate([draws_of(s, settings, CPU).style_b.numpy() for s in range(500)])
    assert drawn.shape == (1000, 8)
    assert np.abs(drawn.mean(0)).max() < 0.15
    assert np.abs(drawn.std(0) - 1).max() < 0.1


def test_noise_is_added_only_to_what_is_encoded_again() -> None:
    settings = tiny(encoded_style_share=0.0)
    learner, batch = Learner(settings, CPU), batch_of()
    draws = draws_of(0, settings, CPU)
    clean = run_passes(learner.gen_a, learner.gen_b, batch, draws, settings)
    seen: list[torch.Tensor] = []
    keep = learner.gen_b.enc_content.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].detach()))
    noisy = run_passes(learner.gen_a, learner.gen_b, batch, draws, settings.with_values(reencode_noise=0.1))
    keep.remove()
    assert torch.equal(noisy.ab, clean.ab)
    noise = (seen[-1] - clean.ab.detach()).numpy()
    assert abs(noise.std() - 0.1) < 0.005
    assert abs(noise.mean()) < 0.005
    assert not torch.equal(noisy.content_a_again, clean.content_a_again)


def test_running_mean_of_weights_by_hand() -> None:
    """Decay (1 + n) / (10 + n) at first, later the one that was set."""
    for step, decay in ((0, 0.1), (5, 0.4), (100_000, 0.99)):
        learner = Learner(tiny(ema=0.99), CPU)
        with torch.no_grad():
            for value in learner.ema_b.parameters():
                value.add_(0.5)
        before = arrays(learner.ema_b)
        learner.step(batch_of(), step, 1e-3)
        after, weights = arrays(learner.ema_b), arrays(learner.gen_b)
        for name, value in before.items():
            if "running" not in name:
                assert np.allclose(after[name], decay * value + (1 - decay) * weights[name], atol=1e-6), name


def test_adam_has_the_papers_decays_and_an_l2_penalty_inside() -> None:
    """Two updates in float64: the penalty is part of the gradient, not a shrinking of its own (AdamW)."""
    settings = tiny(learning_rate=1e-2, beta1=0.5, beta2=0.999, weight_decay=0.3)
    learner = Learner(settings, CPU)
    weight = learner.gen_b.dec.model[5].conv.weight
    w = weight.detach().double().numpy().copy()
    first, second = np.zeros_like(w), np.zeros_like(w)
    for n in (1, 2):
        gradient = np.random.default_rng(n).standard_normal(w.shape)
        # In the weight's own memory layout, as autograd leaves it: the fused update walks both side by side.
        weight.grad = torch.empty_like(weight).copy_(torch.from_numpy(gradient))
        learner.gen_optimiser.step()
        pulled = gradient + 0.3 * w
        first, second = 0.5 * first + 0.5 * pulled, 0.999 * second + 0.001 * pulled**2
        w = w - 1e-2 * (first / (1 - 0.5**n)) / (np.sqrt(second / (1 - 0.999**n)) + 1e-8)
    assert np.allclose(weight.detach().numpy(), w, atol=1e-6)


def test_both_sides_learn_at_their_rates() -> None:
    learner = Learner(tiny(disc_rate=3.0), CPU)
    learner.step(batch_of(), 0, 2e-4)
    assert learner.gen_optimiser.param_groups[0]["lr"] == pytest.approx(2e-4)
    assert learner.disc_optimiser.param_groups[0]["lr"] == pytest.approx(6e-4)


@pytest.mark.parametrize(
    ("size", "levels"), [((21, 13), 1), ((23, 37), 2), ((43, 22), 2), ((45, 91), 3), ((97, 88), 4), ((177, 199), 5)]
)
@pytest.mark.parametrize("mapped", [True, False])
def test_ms_ssim_by_plain_windows_at_every_number_of_levels(size: tuple[int, int], levels: int, mapped: bool) -> None:
    assert levels_for(min(size)) == levels
    rng = np.random.default_rng(levels)
    rows, columns = np.mgrid[: size[0], : size[1]]
    pairs = [0.5 + 0.4 * np.sin(rows / 5.0 + k) * np.cos(columns / 7.0) for k in range(2)]
    x = np.stack([np.clip(p + 0.05 * rng.standard_normal(size), 0, 1) for p in pairs])
    y = np.stack([np.clip(0.8 * p + 0.1 + 0.1 * rng.standard_normal(size), 0, 1) for p in pairs])
    ours = ms_ssim(torch.from_numpy(x), torch.from_numpy(y), levels=levels, mapped=mapped)
    for one, first, second in zip(ours.tolist(), x, y, strict=True):
        assert one == pytest.approx(reference.ms_ssim(first, second, levels, mapped=mapped), abs=1e-10)
    single = ms_ssim(torch.from_numpy(x).float(), torch.from_numpy(y).float(), levels=levels, mapped=mapped)
    assert torch.allclose(single.double(), ours, atol=1e-4)


def test_gradients_of_ms_ssim_in_both_pictures() -> None:
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.uniform(0, 1, (1, 23, 25))).requires_grad_() for _ in range(2))
    for levels in (1, 2):
        assert torch.autograd.gradcheck(lambda a, b, n=levels: ms_ssim(a, b, levels=n, mapped=True), (x, y))


@pytest.mark.parametrize("size", [(3, 2), (4, 5)])
def test_gradients_of_the_small_grid_convolution(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x, weight, bias = (
        torch.from_numpy(rng.standard_normal(shape)).requires_grad_() for shape in ((2, 2, *size), (2, 2, 5, 5), (2,))
    )
    assert torch.autograd.gradcheck(upsampled_conv, (x, weight, bias))


def test_gradients_of_a_whole_generator() -> None:
    """Along random directions of all weights at once, by central differences in float64."""
    generator = lively().double()
    image = torch.from_numpy(np.random.default_rng(2).uniform(-1, 1, (1, 3, 16, 16)))
    style = torch.from_numpy(STYLE)[None]
    pull = torch.from_numpy(np.random.default_rng(3).standard_normal((1, 3, 16, 16)))

    def value(of: Generator) -> torch.Tensor:
        return (of.decode(of.encode(image), style) * pull).sum() + of.encode_style(image).sum()

    value(generator).backward()  # type: ignore[no-untyped-call]
    for seed in range(2):
        chance = torch.Generator().manual_seed(seed)
        directions = [torch.randn(p.shape, generator=chance, dtype=torch.float64) for p in generator.parameters()]
        slope = sum(
            float((d * p.grad).sum()) for d, p in zip(directions, generator.parameters(), strict=True)
            if p.grad is not None
        )  # fmt: skip
        ends = []
        for h in (1e-6, -1e-6):
            moved = copy.deepcopy(generator)
            with torch.no_grad():
                for p, d in zip(moved.parameters(), directions, strict=True):
                    p.add_(h * d)
                ends.append(float(value(moved)))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)
