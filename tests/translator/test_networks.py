"""Networks against values worked out in NumPy and SciPy, independently of torch's own layers where that matters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from studio.translator.layers import ConvBlock, LayerNorm, ResidualBlock
from studio.translator.networks import (
    Architecture,
    Decoder,
    Discriminator,
    Generator,
    StyleEncoder,
    StyleNetwork,
    build_generators,
    halved,
    initialise,
    split_adain,
)
from studio.translator.normalisation import (
    composed_instance_norm,
    composed_layer_norm,
    instance_norm,
    sample_layer_norm,
)
from studio.translator.padding import reflected
from studio.translator.settings import preset
from studio.translator.subpixel import (
    _Assembled,
    _Surroundings,
    assembled,
    plain_upsampled_conv,
    surroundings,
    upsampled_conv,
)

TINY = Architecture(dim=4, res_blocks=2, style_size=3, mlp_dim=5)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def convolved(x_IHW: np.ndarray, weight_OIkk: np.ndarray, bias_O: np.ndarray, pad: int, stride: int) -> np.ndarray:
    """Reflect-padded correlation by SciPy."""
    padded = np.pad(x_IHW, ((0, 0), (pad, pad), (pad, pad)), mode="reflect")
    full = [
        sum(signal.correlate2d(plane, kernel, mode="valid") for plane, kernel in zip(padded, kernels, strict=True))
        for kernels in weight_OIkk
    ]
    return (np.stack(full) + bias_O[:, None, None])[:, ::stride, ::stride]


def test_names_are_those_of_public_generators() -> None:
    names = set(Generator(Architecture(dim=4, res_blocks=1)).state_dict())
    expected = {f"enc_content.model.{i}.conv.{p}" for i in range(3) for p in ("weight", "bias")}
    expected |= {f"enc_content.model.3.model.0.model.{i}.conv.{p}" for i in (0, 1) for p in ("weight", "bias")}
    expected |= {f"enc_style.model.{i}.conv.{p}" for i in range(5) for p in ("weight", "bias")}
    expected |= {"enc_style.model.6.weight", "enc_style.model.6.bias"}
    expected |= {f"dec.model.0.model.0.model.{i}.conv.{p}" for i in (0, 1) for p in ("weight", "bias")}
    expected |= {f"dec.model.0.model.0.model.{i}.norm.{p}" for i in (0, 1) for p in ("running_mean", "running_var")}
    expected |= {f"dec.model.{i}.{p}" for i in (2, 4) for p in ("conv.weight", "conv.bias", "norm.gamma", "norm.beta")}
    expected |= {"dec.model.5.conv.weight", "dec.model.5.conv.bias"}
    expected |= {f"mlp.model.{i}.fc.{p}" for i in range(3) for p in ("weight", "bias")}
    assert names == expected


def test_paper_sizes() -> None:
    pair = build_generators(preset("paper"))
    state = pair.b.state_dict()
    assert state["enc_content.model.0.conv.weight"].shape == (64, 3, 7, 7)
    assert state["enc_content.model.2.conv.weight"].shape == (256, 128, 4, 4)
    assert state["enc_style.model.6.weight"].shape == (8, 256, 1, 1)
    assert state["dec.model.2.conv.weight"].shape == (128, 256, 5, 5)
    assert state["mlp.model.2.fc.weight"].shape == (2 * 256 * 8, 256)
    assert not any(name.startswith(("mlp", "enc_style")) or ".norm.running" in name for name in pair.a.state_dict())


def test_symmetric_variant_gives_both_sides_a_style() -> None:
    pair = build_generators(preset("demo").with_values(variant="symmetric"))
    assert set(pair.a.state_dict()) == set(pair.b.state_dict())


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(7, 1, 3), (4, 2, 1), (3, 1, 1)])
def test_convolution_reflects_at_the_border(kernel: int, stride: int, padding: int) -> None:
    block = ConvBlock(2, 3, kernel, stride=stride, padding=padding, activation="none").double()
    x = random(1, 2, 12, 8)
    expected = convolved(
        x[0].numpy(), block.conv.weight.detach().numpy(), block.conv.bias.detach().numpy(), padding, stride
    )
    assert np.allclose(block(x)[0].detach().numpy(), expected, atol=1e-12)


def test_instance_norm_by_hand() -> None:
    x = random(2, 3, 5, 7)
    values = x.numpy()
    expected = (values - values.mean((2, 3), keepdims=True)) / np.sqrt(values.var((2, 3), keepdims=True) + 1e-5)
    assert np.allclose(instance_norm(x).numpy(), expected, atol=1e-12)


def test_adain_takes_scale_and_mean_of_each_picture() -> None:
    x, scale, mean = random(2, 3, 5, 7), random(2, 3, seed=1), random(2, 3, seed=2)
    values = x.numpy()
    normal = (values - values.mean((2, 3), keepdims=True)) / np.sqrt(values.var((2, 3), keepdims=True) + 1e-5)
    expected = normal * scale.numpy()[:, :, None, None] + mean.numpy()[:, :, None, None]
    assert np.allclose(instance_norm(x, scale, mean).numpy(), expected, atol=1e-12)


def test_layer_norm_divides_by_the_sample_deviation() -> None:
    norm = LayerNorm(3).double()
    with torch.no_grad():
        norm.gamma.copy_(random(3, seed=3))
        norm.beta.copy_(random(3, seed=4))
    x = random(2, 3, 2, 2)
    values = x.numpy()
    deviation = values.std((1, 2, 3), ddof=1, keepdims=True)
    expected = (values - values.mean((1, 2, 3), keepdims=True)) / (deviation + 1e-5)
    expected = expected * norm.gamma.detach().numpy()[:, None, None] + norm.beta.detach().numpy()[:, None, None]
    assert np.allclose(norm(x).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("level", [0.0, 40.0])
def test_norms_of_large_pictures_keep_the_digits_of_fp32(level: float) -> None:
    """Channels that vary little around a high level, as those of dark frames do; float64 is the judge."""
    x = (random(1, 8, 256, 320) + level).float().contiguous(memory_format=torch.channels_last)
    ones, zeros = torch.ones(8), torch.zeros(8)
    with torch.inference_mode():
        one, other = instance_norm(x).double().numpy(), sample_layer_norm(x, ones, zeros).double().numpy()
    values = x.double().numpy()
    centred = values - values.mean((2, 3), keepdims=True)
    assert np.abs(one - centred / np.sqrt(centred.var((2, 3), keepdims=True) + 1e-5)).max() < 1e-4
    assert np.abs(other - (values - values.mean()) / (values.std(ddof=1) + 1e-5)).max() < 1e-4


def test_large_and_small_pictures_have_the_same_gradients() -> None:
    """What is larger than a block is normalised by another way; both in float64, against autograd's own."""
    x = random(2, 2, 50, 60).requires_grad_()
    pull = random(2, 2, 50, 60, seed=1)
    for ours, plain in (
        (lambda: instance_norm(x), lambda: torch.nn.functional.instance_norm(x, eps=1e-5)),
        (lambda: sample_layer_norm(x, torch.ones(2).double(), torch.zeros(2).double()),
         lambda: (x - x.mean((1, 2, 3), keepdim=True)) / (x.std((1, 2, 3), keepdim=True) + 1e-5)),
    ):  # fmt: skip
        gradients = [torch.autograd.grad((norm() * pull).sum(), x)[0] for norm in (ours, plain)]
        assert torch.allclose(*gradients, atol=1e-11)


def test_gradients_of_the_norms() -> None:
    x, scale, mean = (t.requires_grad_() for t in (random(2, 3, 4, 5), random(2, 3, seed=1), random(2, 3, seed=2)))
    gamma, beta = random(3, seed=3).requires_grad_(), random(3, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(instance_norm, (x,))
    assert torch.autograd.gradcheck(instance_norm, (x, scale, mean))
    assert torch.autograd.gradcheck(sample_layer_norm, (x, gamma, beta))


def test_kernels_and_plain_operations_of_the_norms_agree() -> None:
    x = random(2, 3, 6, 5) * torch.tensor([0.1, 3.0, 20.0]).double().view(1, 3, 1, 1) + 4
    scale, mean, gamma, beta = random(2, 3, seed=1), random(2, 3, seed=2), random(3, seed=3), random(3, seed=4)
    for kernel, plain, parameters in (
        (instance_norm, composed_instance_norm, ()),
        (instance_norm, composed_instance_norm, (scale, mean)),
        (sample_layer_norm, composed_layer_norm, (gamma, beta)),
    ):
        inputs = [t.clone().requires_grad_() for t in (x, *parameters)]
        one, other = kernel(*inputs), plain(*inputs)
        assert torch.allclose(one, other, atol=1e-12)
        pull = random(*x.shape, seed=5)
        for a, b in zip(torch.autograd.grad(one, inputs, pull), torch.autograd.grad(other, inputs, pull), strict=True):
            assert torch.allclose(a, b, atol=1e-10)


def test_moments_are_taken_in_fp32_of_bf16_pictures() -> None:
    # At 100 +- 1, bf16 itself steps by a half; moments in bf16 would lose the deviation.
    x = (100 + random(1, 4, 32, 32)).to(torch.bfloat16)
    values = x.double().numpy()
    by_channel = (values - values.mean((2, 3), keepdims=True)) / np.sqrt(values.var((2, 3), keepdims=True) + 1e-5)
    by_picture = (values - values.mean()) / (values.std(ddof=1) + 1e-5)
    layer = sample_layer_norm(x, torch.ones(4), torch.zeros(4))
    assert instance_norm(x).dtype == layer.dtype == torch.bfloat16
    assert np.allclose(instance_norm(x).double().numpy(), by_channel, atol=2e-2)
    assert np.allclose(layer.double().numpy(), by_picture, atol=2e-2)


@pytest.mark.parametrize("margin", [0, 1, 3])
def test_reflection_by_numpy_with_its_gradient(margin: int) -> None:
    x = random(2, 2, 5, 6).requires_grad_()
    sides = ((0, 0), (0, 0), (margin, margin), (margin, margin))
    assert np.array_equal(reflected(x, margin).detach().numpy(), np.pad(x.detach().numpy(), sides, mode="reflect"))
    assert torch.autograd.gradcheck(lambda values: reflected(values, margin), (x,))


def test_reflection_keeps_its_precision_under_autocast() -> None:
    x = random(1, 2, 5, 6).to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert reflected(x, 1).dtype == torch.bfloat16


def test_norms_of_a_flat_picture_stay_finite() -> None:
    x = torch.full((1, 2, 4, 4), 0.5, requires_grad=True)
    gamma, beta = torch.ones(2), torch.zeros(2)
    for result in (instance_norm(x), sample_layer_norm(x, gamma, beta)):
        (gradient,) = torch.autograd.grad((result * torch.arange(16.0).view(4, 4)).sum(), x)
        assert torch.isfinite(result).all()
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("size", [(2, 3), (4, 4), (5, 7), (9, 16)])
def test_small_grid_form_equals_upsampling_and_convolving(size: tuple[int, int]) -> None:
    x, weight, bias = random(2, 3, *size), random(4, 3, 5, 5, seed=1), random(4, seed=2)
    x.requires_grad_()
    weight.requires_grad_()
    expected, result = plain_upsampled_conv(x, weight, bias), upsampled_conv(x, weight, bias)
    assert torch.allclose(result, expected, atol=1e-11)
    pull = random(*expected.shape, seed=3)
    for one, other in zip(
        torch.autograd.grad(expected, (x, weight), pull), torch.autograd.grad(result, (x, weight), pull), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-11)


def test_plain_operations_around_the_small_convolution_equal_those_by_hand() -> None:
    x = random(2, 3, 5, 7).requires_grad_()
    for one, other in zip(_Surroundings.apply(x), surroundings(x), strict=True):
        assert torch.equal(one, other)
    small, rows, columns = random(2, 8, 4, 5), random(4, 2, 1, 10, seed=1), random(4, 2, 6, 1, seed=2)
    inputs = [t.requires_grad_() for t in (small, rows, columns)]
    one, other = _Assembled.apply(*inputs), assembled(*inputs)
    assert torch.equal(one, other)
    pull = random(*one.shape, seed=3)
    for a, b in zip(torch.autograd.grad(one, inputs, pull), torch.autograd.grad(other, inputs, pull), strict=True):
        assert torch.equal(a, b)


def test_upsampling_convolution_by_scipy() -> None:
    x, weight, bias = random(1, 2, 5, 6), random(3, 2, 5, 5, seed=1), random(3, seed=2)
    large = x[0].numpy().repeat(2, axis=1).repeat(2, axis=2)
    expected = convolved(large, weight.numpy(), bias.numpy(), 2, 1)
    assert np.allclose(upsampled_conv(x, weight, bias)[0].numpy(), expected, atol=1e-11)


def test_style_network_gives_means_before_scales_layer_by_layer() -> None:
    width = TINY.wide
    parameters = torch.arange(2 * 4 * width, dtype=torch.float64)[None]
    affines = split_adain(parameters, width)
    assert len(affines) == 4
    for place, (mean, scale) in enumerate(affines):
        start = 2 * width * place
        assert mean[0].tolist() == list(range(start, start + width))
        assert scale[0].tolist() == list(range(start + width, start + 2 * width))


def test_decoder_uses_the_pairs_in_module_order() -> None:
    """With zero convolutions in a block, its output is its input plus the second layer's means."""
    decoder = Decoder(TINY).double()
    block = decoder.model[0].model[1]
    assert isinstance(block, ResidualBlock)
    with torch.no_grad():
        for part in block.model:
            part.conv.weight.zero_()
            part.conv.bias.zero_()
    adain = random(1, 2 * TINY.wide * 4)
    first_two = split_adain(adain, TINY.wide)
    x = random(1, TINY.wide, 4, 4, seed=1)
    before = decoder.model[0].model[0](x, *first_two[:2])
    result = decoder.model[0](x, first_two)
    last_means = adain[0, 6 * TINY.wide : 7 * TINY.wide]
    assert torch.allclose(result, before + last_means[None, :, None, None], atol=1e-12)


def test_residual_block_ends_with_the_sum() -> None:
    block = ResidualBlock(3, "instance").double()
    x = random(1, 3, 6, 5)
    weights = [(p.conv.weight.detach().numpy(), p.conv.bias.detach().numpy()) for p in block.model]

    def normal(values: np.ndarray) -> np.ndarray:
        return (values - values.mean((1, 2), keepdims=True)) / np.sqrt(values.var((1, 2), keepdims=True) + 1e-5)

    inner = np.maximum(normal(convolved(x[0].numpy(), *weights[0], 1, 1)), 0)
    expected = x[0].numpy() + normal(convolved(inner, *weights[1], 1, 1))
    assert np.allclose(block(x)[0].detach().numpy(), expected, atol=1e-11)


def test_style_network_by_numpy() -> None:
    network = StyleNetwork(TINY).double()
    style = random(2, 3)
    rows = style.numpy()
    for place, layer in enumerate(network.model):
        rows = rows @ layer.fc.weight.detach().numpy().T + layer.fc.bias.detach().numpy()
        rows = np.maximum(rows, 0) if place < 2 else rows
    assert np.allclose(network(style).detach().numpy(), rows, atol=1e-12)


def test_style_encoder_averages_over_the_picture() -> None:
    encoder = StyleEncoder(TINY).double()
    x = random(1, 3, 32, 32)
    hidden = x[0].numpy()
    for place, (pad, stride) in enumerate([(3, 1), (1, 2), (1, 2), (1, 2), (1, 2)]):
        conv = encoder.model[place].conv
        weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()
        hidden = np.maximum(convolved(hidden, weight, bias, pad, stride), 0)
    last = encoder.model[6]
    expected = last.weight.detach().numpy()[:, :, 0, 0] @ hidden.mean((1, 2)) + last.bias.detach().numpy()
    assert np.allclose(encoder(x)[0].detach().numpy(), expected, atol=1e-11)


def test_discriminator_scales_by_scipy() -> None:
    image = random(1, 3, 9, 12)
    weights = ndimage.uniform_filter(np.ones((9, 12)), 3, mode="constant")
    for channel, plane in enumerate(image[0].numpy()):
        expected = (ndimage.uniform_filter(plane, 3, mode="constant") / weights)[::2, ::2]
        assert np.allclose(halved(image)[0, channel].numpy(), expected, atol=1e-12)


def test_discriminator_shapes_and_leak() -> None:
    judge = Discriminator(4, 4, 3)
    assert [tuple(j.shape) for j in judge(torch.zeros(2, 3, 64, 96))] == [(2, 1, 4, 6), (2, 1, 2, 3), (2, 1, 1, 1)]
    block = judge.nets[0][0]
    with torch.no_grad():
        block.conv.weight.zero_()
        block.conv.bias.fill_(-2.0)
    assert torch.allclose(block(torch.zeros(1, 3, 8, 8)), torch.tensor(-0.4))


def test_content_squeeze_is_optional() -> None:
    squeezed = Generator(Architecture(dim=4, res_blocks=1, content_channels=8))
    content = squeezed.encode(torch.zeros(1, 3, 32, 48))
    assert content.shape == (1, 8, 8, 12)
    assert squeezed.decode(content, torch.zeros(1, 8)).shape == (1, 3, 32, 48)


def test_weights_start_as_published() -> None:
    chance = torch.Generator().manual_seed(1)
    layer = torch.nn.Conv2d(64, 128, 3)
    initialise(layer, "generator", chance)
    assert float(layer.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert float(layer.bias.detach().abs().max()) == 0.0
    for dim, deviation in ((64, 0.02), (128, 0.02), (16, 0.04)):
        judge = Discriminator(dim, 3, 1)
        initialise(judge, "discriminator", chance)
        assert float(judge.nets[0][2].conv.weight.detach().std()) == pytest.approx(deviation, rel=0.03)
