"""How fast the translator translates and trains here, as ratios to a plain fp32 run in the same process.

Machines differ and are shared, so the fast and the plain path are timed in turns and their best times compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from studio.translator.data import Batch
from studio.translator.devices import chosen_device, uses_bf16
from studio.translator.inference import Translator
from studio.translator.learner import Learner, draws_of
from studio.translator.plain import PlainGenerator, made_plain, plain_step
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import stream


@dataclass(frozen=True, slots=True)
class TranslateFigures:
    """``ratio`` = images_per_second / plain_images_per_second. ``gflop_per_image`` counts the arithmetic of the
    convolutions and products that were really done (10^9, a multiplication and an addition being two);
    ``of_matrix_rate`` is that arithmetic a second over ``matrix_gflops``, the best rate of a matrix product here."""

    device: str
    precision: str
    threads: int
    width: int
    height: int
    dim: int
    styles: int
    plain_images_per_second: float
    images_per_second: float
    ratio: float
    psnr_db: float
    gflop_per_image: float
    matrix_gflops: float
    of_matrix_rate: float

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TrainFigures:
    """As TranslateFigures, for training steps of batch 1; ``largest_loss_gap`` compares the first step's losses."""

    device: str
    precision: str
    threads: int
    width: int
    height: int
    dim: int
    plain_steps_per_second: float
    steps_per_second: float
    ratio: float
    largest_loss_gap: float
    gflop_per_step: float
    matrix_gflops: float
    of_matrix_rate: float

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


def bench_translate(
    settings: TrainSettings, *, styles: int = 5, repeats: int = 3, device: str = "auto", precision: str = "auto"
) -> TranslateFigures:
    """One frame of ``settings``' crop size in so many styles; the plain path encodes it again for each, batch 1."""
    place = chosen_device(device)
    learner = Learner(settings, place)
    fast = Translator(learner.gen_a, learner.gen_b, device=place, precision=precision, many=True)
    exact = Translator(learner.gen_a, learner.gen_b, device=place, precision="fp32")
    rng = stream(settings.seed, "bench")
    image_HW3 = rng.integers(0, 256, (settings.crop_height, settings.crop_width, 3)).astype(np.uint8)
    codes_NS = rng.standard_normal((styles, settings.style_size)).astype(np.float32)
    plain = _PlainTranslation(learner, place)
    plain_seconds, seconds = _best_in_turns(
        (lambda: plain.translate(image_HW3, codes_NS), lambda: fast.translate(image_HW3, codes_NS)), repeats, place
    )
    gflop = _gflop_of(lambda: fast.translate(image_HW3, codes_NS)) / styles
    gflops = matrix_gflops(place, bf16=fast.precision == "bf16")
    return TranslateFigures(
        place.type, fast.precision, torch.get_num_threads(), settings.crop_width, settings.crop_height, settings.dim,
        styles, _rounded(styles / plain_seconds), _rounded(styles / seconds), _rounded(plain_seconds / seconds),
        _rounded(psnr(exact.translate(image_HW3, codes_NS), fast.translate(image_HW3, codes_NS))),
        _rounded(gflop), _rounded(gflops), _rounded(gflop * styles / seconds / gflops),
    )  # fmt: skip


def bench_train(
    settings: TrainSettings, *, repeats: int = 3, device: str = "auto", precision: str = "auto"
) -> TrainFigures:
    """One training step of batch 1 on random pictures of ``settings``' crop size."""
    place = chosen_device(device)
    settings = settings.with_values(batch=1, precision=precision, directions="both", disc_rate=1.0)
    batch, draws = random_batch(settings, place), draws_of(0, settings, place)
    plain_learner = made_plain(Learner(settings.with_values(precision="fp32"), place))
    learner = Learner(settings, place)
    first_plain = plain_step(plain_learner, batch, draws)
    first: dict[str, Tensor] = {}
    gflop = _gflop_of(lambda: first.update(learner.step(batch, 0, settings.learning_rate)))
    gap = max(abs(float(first[name]) - float(first_plain[name])) for name in first_plain)
    plain_seconds, seconds = _best_in_turns(
        (lambda: plain_step(plain_learner, batch, draws), lambda: learner.step(batch, 1, settings.learning_rate)),
        repeats, place,
    )  # fmt: skip
    bf16 = uses_bf16(precision, place)
    gflops = matrix_gflops(place, bf16=bf16)
    return TrainFigures(
        place.type, "bf16" if bf16 else "fp32", torch.get_num_threads(), settings.crop_width, settings.crop_height,
        settings.dim, _rounded(1 / plain_seconds), _rounded(1 / seconds), _rounded(plain_seconds / seconds),
        _rounded(gap), _rounded(gflop), _rounded(gflops), _rounded(gflop / seconds / gflops),
    )  # fmt: skip


def matrix_gflops(device: torch.device, *, bf16: bool) -> float:
    """The device's best rate at a large matrix product, in 10^9 operations a second; the best size counts."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    best = 0.0
    for side in (512, 1024, 2048) if device.type == "cpu" else (4096, 8192):
        matrix = torch.full((side, side), 0.01, dtype=dtype, device=device)
        seconds = _best_in_turns((partial(torch.matmul, matrix, matrix),), 5, device)[0]
        best = max(best, 2.0 * side**3 / 1e9 / seconds)
    return best


def _gflop_of(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 1e9


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of 8-bit pictures in dB; 99 when they are equal."""
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else min(99.0, 10 * float(np.log10(255.0**2 / error)))


class _PlainTranslation:
    """Encode and decode one style after the other."""

    def __init__(self, learner: Learner, device: torch.device) -> None:
        self._device = device
        self._gen_a, self._gen_b = PlainGenerator(learner.gen_a), PlainGenerator(learner.gen_b)
        for generator in (learner.gen_a, learner.gen_b):
            generator.requires_grad_(False)

    @torch.no_grad()
    def translate(self, image_HW3: np.ndarray, codes_NS: np.ndarray) -> list[np.ndarray]:
        image = torch.tensor(image_HW3, device=self._device).permute(2, 0, 1)[None].contiguous().float() / 127.5 - 1
        pictures = []
        for code in torch.from_numpy(codes_NS).to(self._device):
            out = self._gen_b.decode(self._gen_a.encode(image), code[None])
            pictures.append(((out[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy())
        return pictures


def _best_in_turns(works: tuple[Callable[[], object], ...], repeats: int, device: torch.device) -> list[float]:
    """Best wall time of each in seconds; they take turns, after one unmeasured round."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn:
                found.append(time.perf_counter() - start)
    return [min(found) for found in times]


def random_batch(settings: TrainSettings, device: torch.device) -> Batch:
    rng = stream(settings.seed, "bench")
    size = (1, settings.crop_height, settings.crop_width, 3)
    images = [torch.from_numpy(rng.uniform(-1, 1, size).astype(np.float32)).permute(0, 3, 1, 2) for _ in range(2)]
    inside = torch.ones(1, 1, settings.crop_height, settings.crop_width)
    return Batch(images[0].to(device), images[1].to(device), inside.to(device), inside.to(device))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
