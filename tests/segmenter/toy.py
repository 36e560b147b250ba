"""Tiny labelled pictures: a red disc (liver) on a pale ground, and a yellow one (fat) beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.files.pictures import write_png
from studio.segmenter.data import TrainingPair
from studio.segmenter.settings import SegmenterSettings

SIZE = (64, 36)
TINY = SegmenterSettings(size=SIZE, width=8, steps=12, batch=4, lr=1e-2, seed=3, checkpoint_every=5)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    """Boolean HxW: pixels whose centres lie within the radius."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    inside: np.ndarray = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
    return inside


def picture(draw: np.random.Generator, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """uint8 RGB and class ids."""
    width, height = size
    liver_HW = disc(size, (draw.uniform(0.2, 0.8) * width, draw.uniform(0.3, 0.7) * height), 0.3 * height)
    fat_HW = disc(size, (draw.uniform(0, 1) * width, draw.uniform(0, 1) * height), 0.2 * height) & ~liver_HW
    image_HW3 = np.full((height, width, 3), (210, 170, 160), np.float64)
    image_HW3[fat_HW] = (230, 210, 90)
    image_HW3[liver_HW] = (140, 45, 40)
    image_HW3 += draw.normal(0, 8, image_HW3.shape)
    ids_HW = np.where(liver_HW, 1, np.where(fat_HW, 4, 3)).astype(np.uint8)
    return np.clip(image_HW3, 0, 255).astype(np.uint8), ids_HW


def toy_pairs(folder: Path, *, count: int = 8, patients: int = 2, seed: int = 0) -> list[TrainingPair]:
    """Written to ``folder``; pictures of the patients take turns."""
    draw = np.random.default_rng(seed)
    pairs = []
    for i in range(count):
        image_HW3, ids_HW = picture(draw)
        pair = TrainingPair(folder / f"{i:03}.png", folder / f"{i:03}_ids.png", f"patient {i % patients}")
        write_png(pair.image, image_HW3)
        write_png(pair.mask, ids_HW)
        pairs.append(pair)
    return pairs
