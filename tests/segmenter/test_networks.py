"""TernausNet-11 against VGG-11 as torchvision lays it out, and the loader's refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from studio.segmenter.networks import TernausNet11, build_network, read_vgg11
from studio.segmenter.settings import SegmenterSettings
from studio.vocabulary.errors import InputError
from tests.segmenter.toy import TINY

LAYOUT = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M")
"""Configuration A of Simonyan and Zisserman 2015."""


def vgg11_features() -> nn.Sequential:
    """As torchvision numbers it: a convolution and its ReLU are two entries, a pool one."""
    layers: list[nn.Module] = []
    channels = 3
    for entry in LAYOUT:
        if isinstance(entry, int):
            layers += [nn.Conv2d(channels, entry, 3, padding=1), nn.ReLU()]
            channels = entry
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    tensors = {f"features.{name}": t for name, t in vgg11_features().state_dict().items()}
    return {**tensors, "classifier.0.bias": torch.zeros(4096)}


def test_encoder_computes_what_vgg11_computes(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(state, tmp_path / "vgg.safetensors")
    network = TernausNet11(2)
    network.load_encoder(read_vgg11(tmp_path / "vgg.safetensors"))
    reference = vgg11_features()
    reference.load_state_dict({n.removeprefix("features."): t for n, t in state.items() if n.startswith("features")})
    seen: list[torch.Tensor] = []
    network.features["18"].register_forward_hook(lambda _module, _inputs, output: seen.append(torch.relu(output)))
    image_BCHW = torch.rand(1, 3, 64, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        network(image_BCHW)
        expected = reference[:-1]((image_BCHW - mean[:, None, None]) / std[:, None, None])
    torch.testing.assert_close(seen[0], expected, rtol=1e-4, atol=1e-5)


def test_encoder_has_the_weights_of_vgg11() -> None:
    assert sum(p.numel() for p in TernausNet11(2).features.parameters()) == 9_220_480


@pytest.mark.parametrize("network", ["small", "ternausnet11"])
def test_logits_have_the_pictures_size(network: str) -> None:
    settings = SegmenterSettings.from_values({"network": network, "classes": ["liver", "fat"], "width": 8})
    with torch.inference_mode():
        logits_BKHW = build_network(settings).eval()(torch.rand(1, 3, 37, 50))
    assert logits_BKHW.shape == (1, 3, 37, 50)


def test_first_weights_depend_on_the_seed_alone() -> None:
    before = torch.random.get_rng_state()
    a, b, c = (build_network(replace(TINY, seed=s)).state_dict()["stem.0.weight"] for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(before, torch.random.get_rng_state())


def test_pth_files_are_read(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "vgg.pth")
    found = read_vgg11(tmp_path / "vgg.pth")
    assert set(found) == {n for n in state if n.startswith("features")}


class _Sly:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("ran",)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sly.pth").write_bytes(pickle.dumps({"features.0.weight": _Sly()}))
    with pytest.raises(InputError, match="not a file of plain weights"):
        read_vgg11(tmp_path / "sly.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("no weights at all")
    with pytest.raises(InputError, match=name):
        read_vgg11(tmp_path / name)
    with pytest.raises(InputError, match="no such file"):
        read_vgg11(tmp_path / f"absent-{name}")


def test_another_networks_weights_are_refused(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    lacking = {n: t for n, t in state.items() if n != "features.18.bias"}
    save_file(lacking, tmp_path / "lacking.safetensors")
    with pytest.raises(InputError, match=r"features\.18\.bias"):
        read_vgg11(tmp_path / "lacking.safetensors")
    save_file({**state, "features.0.weight": torch.zeros(64, 1, 3, 3)}, tmp_path / "grey.safetensors")
    with pytest.raises(InputError, match=r"features\.0\.weight"):
        read_vgg11(tmp_path / "grey.safetensors")
    save_file({**state, "features.0.bias": torch.full((64,), torch.nan)}, tmp_path / "nan.safetensors")
    with pytest.raises(InputError, match="not finite"):
        read_vgg11(tmp_path / "nan.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="state dict"):
        read_vgg11(tmp_path / "list.pth")
