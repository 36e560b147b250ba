"""Tiny pictures and settings with which a training step takes milliseconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from studio.files.pictures import write_png
from studio.translator.settings import TrainSettings, preset
from studio.translator.training import TrainingImage

TINY = preset("demo").with_values(
    variant="asymmetric", start="apart", directions="both", disc_rate=1.0, content_channels=0, dim=4,
    res_blocks=1, mlp_dim=8, disc_dim=4, disc_scales=2, disc_layers=3, load_width=0, crop_width=32,
    crop_height=32, iterations=12, sample_every=6, checkpoint_every=4, sample_frames=2, sample_styles=2,
    threads=1, precision="fp32",
)  # fmt: skip


def tiny(**values: object) -> TrainSettings:
    return TINY.with_values(**values)


def pictures(folder: Path, count: int = 5, size: tuple[int, int] = (56, 40)) -> tuple[list[TrainingImage], ...]:
    """Simulated pictures and footage (some with a round image area), written below ``folder``."""
    rng = np.random.default_rng(7)
    sides: list[list[TrainingImage]] = []
    for side in ("simulated", "footage"):
        images = []
        for i in range(count):
            rough = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
            path = folder / side / f"{i}.png"
            write_png(path, cv2.resize(rough, size, interpolation=cv2.INTER_LINEAR))
            area = (28.0, 20.0, 19.0, 56, 40) if side == "footage" and i % 2 else None
            images.append(TrainingImage(path, area))
        sides.append(images)
    return tuple(sides)
