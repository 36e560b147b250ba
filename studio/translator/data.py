"""Training pictures: decoded once, kept in memory where they fit, drawn in a seeded order that depends on the step.

The order and every random choice of step n follow from the seed and n. A resumed run therefore needs no state of a
sampler: it asks for the next step and gets what an uninterrupted run would have got.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from studio.files.pictures import read_rgb
from studio.jobs.shares import WHOLE, Share
from studio.translator.augmentation import Area, View, random_view
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One picture to learn from; ``area`` is its round image area, None where the picture fills its frame."""

    path: Path
    area: Area | None = None
    labels: Path | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures float32 in [-1, 1]; ``inside_*`` float32 (B, 1, H, W) is 1 within the round image area, else 0."""

    image_a: Tensor
    image_b: Tensor
    inside_a: Tensor
    inside_b: Tensor


class PictureStore:
    """Decoded pictures at their working size, kept while they fit into the given memory."""

    def __init__(self, images: Sequence[TrainingImage], load_width: int, budget_bytes: int) -> None:
        self._images = images
        self._load_width = load_width
        self._left = budget_bytes
        self._kept: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._images)

    def area(self, index: int) -> Area | None:
        return self._images[index].area

    def picture(self, index: int) -> np.ndarray:
        """uint8 HxWx3. Raise InputError when the file cannot be read."""
        with self._lock:
            kept = self._kept.get(index)
        if kept is not None:
            return kept
        picture_HW3 = at_width(read_rgb(self._images[index].path), self._load_width)
        with self._lock:
            if picture_HW3.nbytes <= self._left and index not in self._kept:
                self._left -= picture_HW3.nbytes
                self._kept[index] = picture_HW3
        return picture_HW3


def at_width(image_HW3: np.ndarray, width: int) -> np.ndarray:
    """Scaled to a width with its proportions kept; 0 leaves it alone."""
    if not width or image_HW3.shape[1] == width:
        return image_HW3
    height = max(1, round(image_HW3.shape[0] * width / image_HW3.shape[1]))
    shrinks = width < image_HW3.shape[1]
    scaled = cv2.resize(image_HW3, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled)


class BatchSource:
    """Batches by step number."""

    def __init__(
        self, simulated: Sequence[TrainingImage], footage: Sequence[TrainingImage], settings: TrainSettings,
        share: Share = WHOLE,
    ) -> None:  # fmt: skip
        for side, images in (("simulated pictures", simulated), ("footage", footage)):
            if not images:
                raise InputError(f"there are no {side} to train on", where="translator training",
                                 remedy="Add some first.")  # fmt: skip
        budget = settings.cache_mb * 1_000_000 // 2
        self.simulated = PictureStore(simulated, settings.load_width, budget)
        self.footage = PictureStore(footage, settings.load_width, budget)
        self.settings = settings
        self._share = share
        self._any_round = any(image.area is not None for image in footage)

    def batch(self, step: int) -> Batch:
        """The share's part of the joined batch of step ``step`` (from 0)."""
        views_a, views_b = [], []
        for place in self._share.places(step, self.settings.batch):
            views_a.append(self._view_a(place))
            views_b.append(self._view_b(place))
        image_a, inside_a = _stacked(views_a)
        image_b, inside_b = _stacked(views_b)
        return Batch(image_a, image_b, inside_a, inside_b)

    def _view_a(self, place: int) -> View:
        rng = stream(self.settings.seed, "view a", place)
        index = drawn_index(self.settings.seed, "order a", place, len(self.simulated))
        area: Area | None = None
        if self.settings.mask == "footage":
            area = self.footage.area(int(rng.integers(len(self.footage))))
        paper_mask = self.settings.mask == "paper" and self._any_round
        return random_view(self.simulated.picture(index), area, self.settings, rng, paper_mask=paper_mask)

    def _view_b(self, place: int) -> View:
        rng = stream(self.settings.seed, "view b", place)
        index = drawn_index(self.settings.seed, "order b", place, len(self.footage))
        return random_view(self.footage.picture(index), self.footage.area(index), self.settings, rng)


def drawn_index(seed: int, name: str, place: int, count: int) -> int:
    """Which picture stands at ``place`` in an endless row of shuffled passes over ``count`` pictures."""
    return int(_shuffled(seed, name, place // count, count)[place % count])


@lru_cache(maxsize=8)
def _shuffled(seed: int, name: str, turn: int, count: int) -> np.ndarray:
    return stream(seed, name, turn).permutation(count)


def _stacked(views: Sequence[View]) -> tuple[Tensor, Tensor]:
    images_BHW3 = torch.from_numpy(np.stack([v.image_HW3 for v in views]))
    inside_BHW = torch.from_numpy(np.stack([v.inside_HW for v in views]))
    # The permuted view of an NHWC array is channels-last already.
    return images_BHW3.permute(0, 3, 1, 2), inside_BHW[:, None].float()
