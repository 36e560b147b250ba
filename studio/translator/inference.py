"""Translating: content encoded once per frame, then any number of styles.

Pictures are uint8 RGB HxWx3 of any size; they are padded to multiples of 4 by reflection and cut back, so that
labels keep fitting to the pixel. Codes are float32 rows of S numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from studio.translator.devices import bf16_or_exact, chosen_device, compiled, uses_bf16
from studio.translator.imports import read_generators
from studio.translator.networks import Generator
from studio.translator.settings import LEAST_SIDE
from studio.vocabulary.errors import InputError

_MULTIPLE = 4
_LEAST_STYLE_SIDE = 16
_PIXELS_AT_ONCE = {"cpu": 256 * 128, "cuda": 8 * 512 * 256}
"""Pixels decoded in one batch: on a CPU large pictures go one by one, so that a layer's values stay in its caches."""


@dataclass(frozen=True, eq=False)
class Content:
    """A frame's content code (1, K, H/4, W/4) and the frame's height and width before padding."""

    code_1KHW: Tensor
    height: int
    width: int


class Translator:
    """Side a's content encoder with side b's style encoder and decoder.

    ``precision`` is what "auto" came to; the same weights, precision and picture give the same bytes on one machine.
    ``many``: hundreds of frames will follow, so that on a GPU it pays to compile the networks first.
    """

    def __init__(
        self, gen_a: Generator, gen_b: Generator, *, device: torch.device, precision: str = "auto",
        fingerprint: str = "", many: bool = False,
    ) -> None:  # fmt: skip
        self._gen_a = gen_a.eval()
        self._gen_b = gen_b.eval()
        self._device = device
        self._bf16 = uses_bf16(precision, device)
        self.precision: str = "bf16" if self._bf16 else "fp32"
        self.style_size = gen_b.arch.style_size
        self.fingerprint = fingerprint
        self._compiled = many and device.type == "cuda"
        if self._compiled:
            compiled(gen_a.enc_content, gen_b.dec, mode="reduce-overhead")

    def in_precision(self, precision: str) -> Translator:
        """The same networks, computing in ``precision``."""
        return Translator(
            self._gen_a, self._gen_b, device=self._device, precision=precision, fingerprint=self.fingerprint
        )

    @torch.inference_mode()
    def encode_style(self, image_HW3: np.ndarray) -> np.ndarray:
        """float32 (S,): how a real frame looks. Computed in fp32, since every translation depends on it."""
        if min(image_HW3.shape[:2]) < _LEAST_STYLE_SIDE:
            raise InputError(f"a picture of the shape {image_HW3.shape} is too small to have a style",
                             where="translator", remedy=f"Use at least {_LEAST_STYLE_SIDE} px.")  # fmt: skip
        with bf16_or_exact(False, self._device):
            return self._gen_b.encode_style(self._tensor(image_HW3))[0].float().cpu().numpy()

    @torch.inference_mode()
    def set_frame(self, image_HW3: np.ndarray) -> Content:
        """Encode what the frame shows; render() then costs only decoding."""
        height, width = image_HW3.shape[:2]
        with bf16_or_exact(self._bf16, self._device):
            code = self._gen_a.encode(self._tensor(image_HW3))
        # What a captured graph gives is overwritten by its next run.
        return Content(code.clone() if self._compiled else code, height, width)

    @torch.inference_mode()
    def render(self, content: Content, codes_NS: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, 3): the frame in each style. Raise InputError when the codes' size does not fit."""
        codes_NS = self._checked(codes_NS)
        at_once = max(1, _PIXELS_AT_ONCE[self._device.type] // max(1, content.height * content.width))
        pictures = [self._decoded(content, codes_NS[i : i + at_once]) for i in range(0, len(codes_NS), at_once)]
        if not pictures:
            return np.zeros((0, content.height, content.width, 3), np.uint8)
        return np.concatenate(pictures)

    def translate(self, image_HW3: np.ndarray, codes_NS: np.ndarray) -> np.ndarray:
        """set_frame and render in one call."""
        return self.render(self.set_frame(image_HW3), codes_NS)

    def _decoded(self, content: Content, codes_NS: np.ndarray) -> np.ndarray:
        code = content.code_1KHW.expand(len(codes_NS), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        style = torch.from_numpy(codes_NS).to(self._device)
        with bf16_or_exact(self._bf16, self._device):
            image = self._gen_b.decode(code, style).float()
        levels = ((image + 1.0) * 127.5).round_().clamp_(0, 255).to(torch.uint8)
        cut = levels[:, :, : content.height, : content.width].permute(0, 2, 3, 1)
        return np.ascontiguousarray(cut.cpu().numpy())

    def _tensor(self, image_HW3: np.ndarray) -> Tensor:
        height, width = image_HW3.shape[:2]
        if image_HW3.ndim != 3 or image_HW3.shape[2] != 3:
            raise InputError(f"a picture of the shape {image_HW3.shape} cannot be translated", where="translator")
        if min(height, width) < LEAST_SIDE:
            raise InputError(f"a frame of {width} x {height} px is too small to be translated", where="translator",
                             remedy=f"Use frames of at least {LEAST_SIDE} px a side.")  # fmt: skip
        image = torch.tensor(image_HW3, device=self._device).permute(2, 0, 1)[None]
        values = (image.float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        bottom, right = -height % _MULTIPLE, -width % _MULTIPLE
        return functional.pad(values, (0, right, 0, bottom), mode="reflect") if bottom or right else values

    def _checked(self, codes_NS: np.ndarray) -> np.ndarray:
        codes = np.array(codes_NS, np.float32, ndmin=2)
        if codes.shape[1] != self.style_size or not np.isfinite(codes).all():
            raise InputError(
                f"a style of {codes.shape[1]} numbers; this translator takes {self.style_size} finite ones",
                where="style code",
            )
        return codes


def fingerprint_of(tensors: dict[str, Tensor]) -> str:
    """32 hexadecimal digits that change with any weight."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def load_translator(
    path: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    checkpoint: str = "last",
    many: bool = False,
) -> Translator:
    """A run folder (its ``checkpoint``: last, best or a step), a checkpoint folder, our weights file, or a public file.

    Raise InputError when it is none of these, or when its weights do not fit together.
    """
    pair, tensors = read_generators(path, checkpoint)
    place = chosen_device(device)
    generators = [g.to(place, memory_format=torch.channels_last) for g in pair]  # type: ignore[call-overload]
    return Translator(*generators, device=place, precision=precision, fingerprint=fingerprint_of(tensors),
                      many=many)  # fmt: skip
