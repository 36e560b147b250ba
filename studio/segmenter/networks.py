"""TernausNet-11 (Iglovikov and Shvets 2018) and a small U-Net (Ronneberger et al. 2015) for minutes on a CPU.

Both take image_BCHW float RGB in [0, 1] of any size and give logits_BKHW of the same size: K = 1 + number of classes,
channel 0 is "rest".
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from studio.segmenter.settings import SegmenterSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import derived_seed

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_VGG11_CONVS = {0: (3, 64), 3: (64, 128), 6: (128, 256), 8: (256, 256), 11: (256, 512), 13: (512, 512),
                16: (512, 512), 18: (512, 512)}  # fmt: skip


def build_network(settings: SegmenterSettings) -> nn.Module:
    """A fresh network; its first weights depend on the settings' seed only."""
    outputs = 1 + len(settings.classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(settings.seed, "segmenter weights"))
        if settings.network == "small":
            return SmallUNet(outputs, width=settings.width)
        network = TernausNet11(outputs)
    if settings.encoder_weights:
        network.load_encoder(read_vgg11(Path(settings.encoder_weights)))
    return network


class TernausNet11(nn.Module):
    """U-Net whose encoder is VGG-11: its convolutions keep torchvision's names, ``features.N``."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.mean_1311: torch.Tensor
        self.std_1311: torch.Tensor
        self.register_buffer("mean_1311", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std_1311", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.features = nn.ModuleDict({str(n): nn.Conv2d(i, o, 3, padding=1) for n, (i, o) in _VGG11_CONVS.items()})
        self.centre = _ternaus_decoder(512, 512, 256)
        self.decoder5 = _ternaus_decoder(256 + 512, 512, 256)
        self.decoder4 = _ternaus_decoder(256 + 512, 512, 128)
        self.decoder3 = _ternaus_decoder(128 + 256, 256, 64)
        self.decoder2 = _ternaus_decoder(64 + 128, 128, 32)
        self.decoder1 = nn.Conv2d(32 + 64, 32, 3, padding=1)
        self.head = nn.Conv2d(32, outputs, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                _zero(module.bias)

    def load_encoder(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take the eight convolutions of ``read_vgg11``."""
        self.features.load_state_dict({name.removeprefix("features."): t for name, t in tensors.items()})

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        padded_BCHW, (height, width) = _padded(image_BCHW, 32)
        x = (padded_BCHW - self.mean_1311) / self.std_1311
        skips = []
        for group in (("0",), ("3",), ("6", "8"), ("11", "13"), ("16", "18")):
            for name in group:
                x = F.relu(self.features[name](x))
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.centre(x)
        for decoder in (self.decoder5, self.decoder4, self.decoder3, self.decoder2):
            x = decoder(torch.cat([x, skips.pop()], 1))
        x = F.relu(self.decoder1(torch.cat([x, skips.pop()], 1)))
        logits_BKHW: torch.Tensor = self.head(x)
        return logits_BKHW[..., :height, :width]


class SmallUNet(nn.Module):
    """Works at half the image's size down to 1/32, so that a step is cheap and yet sees the whole picture."""

    def __init__(self, outputs: int, *, width: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 3 * width, 4 * width, 6 * width]
        self.stem = _conv(3, widths[0], stride=2)
        self.down = nn.ModuleList(
            [nn.Sequential(_conv(a, b, stride=2), _conv(b, b)) for a, b in itertools.pairwise(widths)]
        )
        self.up = nn.ModuleList(
            [_conv(a + b, b) for a, b in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)]
        )
        self.head = nn.Conv2d(widths[0], outputs, 1)
        _zero(self.head.bias)

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        padded_BCHW, (height, width) = _padded(image_BCHW, 32)
        x = self.stem((padded_BCHW - 0.45) / 0.25)
        skips = []
        for stage in self.down:
            skips.append(x)
            x = stage(x)
        for stage in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = stage(torch.cat([x, skips.pop()], 1))
        half_BKhw: torch.Tensor = self.head(x)
        logits_BKHW = F.interpolate(half_BKhw.float(), scale_factor=2.0, mode="bilinear", align_corners=False)
        return logits_BKHW[..., :height, :width]


def read_vgg11(path: Path) -> dict[str, torch.Tensor]:
    """The eight convolutions ``features.{0,3,6,8,11,13,16,18}.{weight,bias}`` of a torchvision VGG-11 state dict.

    A .pth file is read by torch's weights-only loader, which runs no code from the file. Raise InputError for a missing
    or unreadable file, one with other contents, and for shapes other than VGG-11's.
    """
    remedy = "Give the state dict of torchvision's vgg11 as .safetensors or .pth."
    if not path.is_file():
        raise InputError("there is no such file", where=path, remedy=remedy)
    try:
        if path.suffix == ".safetensors":
            tensors = load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        raise InputError("not a readable weights file", where=path, remedy=remedy) from error
    except Exception as error:  # torch.load raises whatever its unpickler meets in a file that is none
        raise InputError("not a file of plain weights", where=path, remedy=remedy) from error
    return _checked_vgg11(tensors, path, remedy)


def _checked_vgg11(tensors: object, path: Path, remedy: str) -> dict[str, torch.Tensor]:
    if not isinstance(tensors, dict):
        raise InputError("holds no state dict", where=path, remedy=remedy)
    found = {}
    for number, (inputs, outputs) in _VGG11_CONVS.items():
        for kind, shape in (("weight", (outputs, inputs, 3, 3)), ("bias", (outputs,))):
            name = f"features.{number}.{kind}"
            tensor = tensors.get(name)
            if not isinstance(tensor, torch.Tensor) or tuple(tensor.shape) != shape:
                raise InputError(f"{name} is missing or not of shape {shape}", where=path, remedy=remedy)
            if not bool(torch.isfinite(tensor).all()):
                raise InputError(f"{name} holds values that are not finite", where=path, remedy=remedy)
            found[name] = tensor.float()
    return found


def _ternaus_decoder(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, middle, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(middle, outputs, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
    )


def _conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _padded(image_BCHW: torch.Tensor, multiple: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Grown at the right and the bottom to whole multiples, by repeating the edge; and the size before."""
    height, width = image_BCHW.shape[-2:]
    extra = (0, -width % multiple, 0, -height % multiple)
    grown = F.pad(image_BCHW, extra, mode="replicate") if any(extra) else image_BCHW
    return grown, (height, width)


def _zero(bias: torch.Tensor | None) -> None:
    if bias is not None:
        nn.init.zeros_(bias)
