"""The fast path against the straightforward one: the same pictures, the same losses, honest figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studio.translator.bench import bench_train, bench_translate, psnr
from studio.translator.data import Batch
from studio.translator.learner import Learner, draws_of
from studio.translator.plain import PlainGenerator, plain_step
from tests.translator.making import tiny

CPU = torch.device("cpu")


def random_batch() -> Batch:
    rng = np.random.default_rng(0)
    images = [torch.from_numpy(rng.uniform(-1, 1, (1, 3, 32, 32)).astype(np.float32)) for _ in range(2)]
    inside = torch.ones(1, 1, 32, 32)
    inside[..., :4] = 0
    return Batch(images[0], images[1], inside, inside)


@pytest.mark.parametrize("variant", ["asymmetric", "symmetric"])
def test_generators_equal_their_plain_form(variant: str) -> None:
    learner = Learner(tiny(variant=variant), CPU)
    image, style = random_batch().image_a, torch.randn(1, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for generator in (learner.gen_a, learner.gen_b):
            plain = PlainGenerator(generator)
            content = generator.encode(image)
            assert torch.allclose(content, plain.encode(image), atol=1e-5)
            code = style if generator.arch.styled else None
            assert torch.allclose(generator.decode(content, code), plain.decode(content, code), atol=1e-5)
        assert torch.allclose(learner.gen_b.encode_style(image), PlainGenerator(learner.gen_b).encode_style(image))


@pytest.mark.parametrize("variant", ["asymmetric", "symmetric"])
def test_shared_pass_gives_the_losses_and_weights_of_separate_passes(variant: str) -> None:
    settings = tiny(variant=variant)
    fast, plain = Learner(settings, CPU), Learner(settings, CPU)
    for step in range(2):
        losses = fast.step(random_batch(), step, settings.learning_rate)
        expected = plain_step(plain, random_batch(), draws_of(step, settings, CPU))
        assert set(losses) == {*expected, "spread_ab"}
        for name, value in expected.items():
            assert float(losses[name]) == pytest.approx(float(value.detach()), abs=2e-3), name
    for one, other in zip(fast.disc_b.parameters(), plain.disc_b.parameters(), strict=True):
        assert torch.allclose(one, other, atol=2e-3)


def test_figures_are_consistent() -> None:
    figures = bench_translate(tiny(), styles=2, repeats=1, device="cpu", precision="fp32").to_values()
    assert figures["psnr_db"] == 99.0
    assert figures["ratio"] == pytest.approx(
        figures["images_per_second"] / figures["plain_images_per_second"], rel=1e-2
    )
    trained = bench_train(tiny(), repeats=1, device="cpu", precision="fp32").to_values()
    assert trained["largest_loss_gap"] < 1e-3
    assert trained["ratio"] > 0


def test_psnr_by_hand() -> None:
    assert psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)) == pytest.approx(0.0)
    assert psnr(np.zeros((1, 4), np.uint8), np.array([[2, 0, 0, 0]], np.uint8)) == pytest.approx(48.13, abs=0.01)
