"""Losses against pytorch-msssim, NumPy and hand calculation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_msssim import ms_ssim as library_ms_ssim
from pytorch_msssim import ssim as library_ssim

from studio.translator.losses import (
    GENERATOR_LOSSES,
    Passes,
    WayBack,
    least_squares_fake,
    least_squares_real,
    loss_weights,
    mean_difference,
    reconstruction_losses,
    structure_loss,
    weighted_sum,
)
from studio.translator.ms_ssim import LEVEL_WEIGHTS, brightness, level_weights, levels_for, ms_ssim
from studio.translator.settings import TrainSettings


def pictures(height: int, width: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Two related smooth pictures in [0, 1]."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:height, :width]
    first = 0.5 + 0.4 * np.sin(rows / 9.0) * np.cos(columns / 13.0) + 0.05 * rng.standard_normal((height, width))
    second = 0.8 * first + 0.1 + 0.08 * rng.standard_normal((height, width))
    stacked = np.clip(np.stack([first, second]), 0, 1)
    return torch.from_numpy(stacked[:1]).to(dtype), torch.from_numpy(stacked[1:]).to(dtype)


@pytest.mark.parametrize(("side", "levels"), [(176, 5), (175, 4), (88, 4), (87, 3), (44, 3), (43, 2), (22, 2), (21, 1)])
def test_levels_follow_the_short_side(side: int, levels: int) -> None:
    assert levels_for(side) == levels


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(176, 190), (181, 203)])
def test_ms_ssim_agrees_with_the_library(levels: int, size: tuple[int, int]) -> None:
    one, other = pictures(*size)
    ours = ms_ssim(one, other, levels=levels, mapped=False)
    expected = library_ms_ssim(one[:, None], other[:, None], data_range=1.0, weights=list(level_weights(levels)))
    # The library keeps its window in fp32.
    assert float(ours) == pytest.approx(float(expected), abs=1e-5)


def test_one_level_is_ssim() -> None:
    one, other = pictures(30, 40)
    expected = float(library_ssim(one[:, None], other[:, None], data_range=1.0)) ** sum(LEVEL_WEIGHTS)
    assert float(ms_ssim(one, other, levels=1, mapped=False)) == pytest.approx(expected, abs=1e-5)


def test_mapping_halves_each_level_towards_one() -> None:
    one, other = pictures(24, 30)
    value = float(library_ssim(one[:, None], other[:, None], data_range=1.0))
    expected = ((value + 1) / 2) ** sum(LEVEL_WEIGHTS)
    assert float(ms_ssim(one, other, levels=1, mapped=True)) == pytest.approx(expected, abs=1e-5)


def test_mapped_values_have_a_slope_where_structures_oppose() -> None:
    one, _ = pictures(48, 60)
    opposed = (1.0 - one).requires_grad_()
    value = ms_ssim(one, opposed, levels=3, mapped=True).sum()
    (gradient,) = torch.autograd.grad(value, opposed)
    assert torch.isfinite(gradient).all()
    assert float(gradient.abs().max()) > 0
    assert torch.isnan(torch.tensor(-0.1) ** 0.3)


def test_ms_ssim_gradient_in_double_precision() -> None:
    one, other = pictures(23, 24)
    assert torch.autograd.gradcheck(lambda y: ms_ssim(one, y, levels=2, mapped=True), (other.requires_grad_(),))


def test_ms_ssim_is_taken_in_fp32_under_autocast() -> None:
    rng = np.random.default_rng(0)
    flat = torch.from_numpy(0.3 + 1e-3 * rng.standard_normal((1, 3, 48, 64))).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = structure_loss(flat, flat * 0.9)
    assert inside.dtype == torch.float32
    assert float(inside) == pytest.approx(float(structure_loss(flat, flat * 0.9)), abs=1e-7)


def test_measuring_first_leaves_training_possible() -> None:
    """What is kept between calls serves both; sizes that no other test uses, so that it is made here."""
    one, other = pictures(25, 27)
    with torch.inference_mode():
        measured = ms_ssim(one, other, levels=2, mapped=True)
    trained = ms_ssim(one, other.requires_grad_(), levels=2, mapped=True)
    trained.sum().backward()  # type: ignore[no-untyped-call]
    assert other.grad is not None
    assert torch.equal(trained.detach(), measured)


def test_brightness_is_the_channel_mean_between_0_and_1() -> None:
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1).repeat(1, 1, 2, 2)
    assert torch.equal(brightness(image), torch.full((1, 2, 2), 0.5))
    assert torch.equal(brightness(torch.full((1, 3, 2, 2), -1.0)), torch.zeros(1, 2, 2))


def test_structure_loss_of_equal_pictures_is_zero() -> None:
    image = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (1, 3, 50, 60))).float()
    assert float(structure_loss(image, image)) == pytest.approx(0.0, abs=1e-6)


def test_least_squares_by_hand() -> None:
    judgements = [torch.tensor([[0.5, 2.0]]), torch.tensor([[3.0]])]
    assert float(least_squares_real(judgements)) == pytest.approx((0.25 + 1.0) / 2 + 4.0)
    assert float(least_squares_fake(judgements)) == pytest.approx((0.25 + 4.0) / 2 + 9.0)


def test_mean_difference_by_hand() -> None:
    assert float(mean_difference(torch.tensor([1.0, -2.0]), torch.tensor([0.0, 2.0]))) == pytest.approx(2.5)


def filled(value: float) -> torch.Tensor:
    return torch.full((1, 3, 24, 24), value)


def example(*, styled: bool, cycles: bool = True) -> Passes:
    code = torch.zeros(1, 2)
    back = WayBack(
        same_a=filled(0.2), ba=filled(0.1), content_b_again=code - 0.25,
        cycle_a=filled(-0.5) if cycles else None, cycle_b=filled(0.6) if cycles else None,
        style_a=code if styled else None, style_a_again=code + 3.0 if styled else None,
    )  # fmt: skip
    return Passes(
        image_a=filled(0.0), image_b=filled(0.1), same_b=filled(0.4), ab=filled(0.0), content_a=code, content_b=code,
        content_a_again=code + 0.5, style_b=code, style_b_again=code + 2.0, back=back,
    )  # fmt: skip


def test_each_loss_compares_what_its_name_says() -> None:
    losses = {name: float(v) for name, v in reconstruction_losses(example(styled=True), TrainSettings()).items()}
    expected = {
        "image_a": 0.2, "image_b": 0.3, "content_a": 0.5, "content_b": 0.25, "style_a": 3.0, "style_b": 2.0,
        "cycle_a": 0.5, "cycle_b": 0.5, "ms_ssim_ab": 0.0, "ms_ssim_ba": 0.0,
    }  # fmt: skip
    assert losses == pytest.approx(expected, abs=1e-6)


def test_asymmetric_runs_have_no_style_loss_on_the_simulated_side() -> None:
    assert "style_a" not in reconstruction_losses(example(styled=False), TrainSettings())


def test_one_way_runs_have_no_losses_of_the_way_back() -> None:
    passes = replace(example(styled=False), back=None)
    assert set(reconstruction_losses(passes, TrainSettings())) == {"image_b", "content_a", "style_b", "ms_ssim_ab"}


def test_losses_without_weight_cost_nothing() -> None:
    settings = TrainSettings(weight_ms_ssim_ab=0.0, weight_ms_ssim_ba=0.0)
    names = set(reconstruction_losses(example(styled=False, cycles=False), settings))
    assert names == {"image_a", "image_b", "content_a", "content_b", "style_b"}


def test_objective_is_the_weighted_sum() -> None:
    settings = TrainSettings(weight_image=2.0, weight_gan=0.5, weight_ms_ssim_ab=7.0)
    losses = {"image_a": torch.tensor(1.0), "gan_ab": torch.tensor(4.0), "ms_ssim_ab": torch.tensor(0.1)}
    assert float(weighted_sum(losses, settings)) == pytest.approx(2.0 + 2.0 + 0.7)
    assert set(loss_weights(settings)) == set(GENERATOR_LOSSES)
