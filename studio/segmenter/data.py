"""Training pictures and their masks: read, checked, resized, kept in memory while they fit, drawn in a fixed order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from studio.files.pictures import read_grey_levels, read_rgb
from studio.jobs.events import Event, Progress
from studio.segmenter.settings import SegmenterSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES, ClassTable
from studio.vocabulary.seeds import stream

MaskReader = Callable[[Path], np.ndarray]
"""Reads a mask file as uint8 HxW studio class ids, IGNORE where the set says nothing."""

_MEMORY_BYTES = 4 << 30
_READERS = min(8, os.cpu_count() or 1)
_LIT = 16
"""Pixels whose brightest channel is at most this (of 255) are border, not scene."""


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A picture and its mask (studio class ids, 255 = ignore) of the same size."""

    image: Path
    mask: Path
    patient: str


def read_id_mask(path: Path) -> np.ndarray:
    """uint8 HxW class ids of a grey picture (three equal channels pass). Raise InputError for a coloured one."""
    values = read_grey_levels(path)
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise InputError("a coloured picture where class ids were expected", where=path, remedy="Save ids as grey.")
        values = values[..., 0]
    return values


class OutputTable:
    """Which class id counts as which of the network's outputs, and back. Output 0 is "rest"."""

    def __init__(self, settings: SegmenterSettings, classes: ClassTable = STUDIO_CLASSES) -> None:
        """Raise InputError for a class that the table lacks, and for one to learn that is merged away."""
        self.class_ids = tuple(classes.by_name(name).id for name in settings.classes)
        self._merged = np.arange(256, dtype=np.uint8)
        for source, target in settings.merges:
            self._merged[classes.by_name(source).id] = classes.by_name(target).id
        for name, class_id in zip(settings.classes, self.class_ids, strict=True):
            if self._merged[class_id] != class_id:
                raise InputError(f"'{name}' is to be learnt and merged away", where="segmenter settings")
        by_merged_id = np.zeros(256, np.uint8)
        by_merged_id[list(self.class_ids)] = np.arange(1, len(self.class_ids) + 1)
        by_merged_id[IGNORE] = IGNORE
        self._outputs = by_merged_id[self._merged]
        self._ids = np.array([0, *self.class_ids], np.uint8)

    def merged(self, ids_HW: np.ndarray) -> np.ndarray:
        """Class ids with merged classes replaced."""
        merged_HW: np.ndarray = self._merged[ids_HW]
        return merged_HW

    def outputs(self, ids_HW: np.ndarray) -> np.ndarray:
        """uint8 output numbers of class ids; IGNORE stays."""
        found_HW: np.ndarray = self._outputs[ids_HW]
        return found_HW

    def ids(self, outputs_HW: np.ndarray) -> np.ndarray:
        """uint8 class ids of output numbers; "rest" is 0."""
        ids_HW: np.ndarray = self._ids[outputs_HW]
        return ids_HW


def lit_area(image_HW3: np.ndarray) -> np.ndarray:
    """Boolean HxW: the convex hull of what is not black border; everything for a picture that is all dark."""
    lit_HW = (image_HW3.max(axis=2) > _LIT).astype(np.uint8)
    lit_HW = cv2.morphologyEx(lit_HW, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, regions_HW, facts, _ = cv2.connectedComponentsWithStats(lit_HW)
    if count < 2:
        return np.ones(lit_HW.shape, bool)
    largest_HW = (regions_HW == 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    points = cv2.findNonZero(largest_HW)
    hull_HW = np.zeros_like(largest_HW)
    cv2.fillConvexPoly(hull_HW, cv2.convexHull(points), 1)
    area_HW: np.ndarray = hull_HW.astype(bool)
    return area_HW


class Pairs(Protocol):
    """What training draws its batches from."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """uint8 images_BHW3 and targets_BHW (output numbers, IGNORE) of these pairs."""


class PairStore:
    """Pairs at the network's size: in memory as far as they fit, the rest read anew whenever drawn."""

    def __init__(self, pairs: Sequence[TrainingPair], settings: SegmenterSettings, read_mask: MaskReader) -> None:
        if not pairs:
            raise InputError("no labelled pictures to train on", where="segmenter", remedy="Name some.")
        self._pairs = tuple(pairs)
        self._size = settings.size
        self._table = OutputTable(settings)
        self._read_mask = read_mask
        width, height = settings.size
        kept = min(len(pairs), _MEMORY_BYTES // (4 * width * height))
        self._images_NHW3 = np.empty((kept, height, width, 3), np.uint8)
        self._targets_NHW = np.empty((kept, height, width), np.uint8)
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="pairs")

    def __len__(self) -> int:
        return len(self._pairs)

    def load(self) -> Iterator[Event]:
        """Fill the memory; says how far it is. Raise InputError for a pair that cannot be used."""
        kept = len(self._images_NHW3)
        for i, (image_HW3, target_HW) in enumerate(self._pool.map(self._read, range(kept))):
            self._images_NHW3[i], self._targets_NHW[i] = image_HW3, target_HW
            if i % 50 == 0:
                yield Progress(i, kept, "pictures", "read")

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        loaded = list(self._pool.map(self._get, indices))
        return np.stack([image for image, _ in loaded]), np.stack([target for _, target in loaded])

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _get(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if index < len(self._images_NHW3):
            return self._images_NHW3[index], self._targets_NHW[index]
        return self._read(index)

    def _read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        pair = self._pairs[index]
        image_HW3, ids_HW = read_pair(pair.image, pair.mask, self._read_mask)
        targets_HW = self._table.outputs(ids_HW)
        return resized(image_HW3, self._size), cv2.resize(targets_HW, self._size, interpolation=cv2.INTER_NEAREST_EXACT)


def read_pair(image: Path, mask: Path, read_mask: MaskReader) -> tuple[np.ndarray, np.ndarray]:
    """uint8 RGB HxWx3 and class ids HxW. Raise InputError when their sizes differ."""
    image_HW3, ids_HW = read_rgb(image), read_mask(mask)
    if ids_HW.shape != image_HW3.shape[:2]:
        (h, w), (height, width) = ids_HW.shape, image_HW3.shape[:2]
        raise InputError(
            f"the mask has {w}x{h} px, its picture {width}x{height}",
            where=mask,
            remedy="Labels must fit pixel by pixel.",
        )
    return image_HW3, ids_HW


def resized(image_HW3: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture at (width, height); averaged when it shrinks, so that fine texture does not alias."""
    if image_HW3.shape[1::-1] == size:
        return image_HW3
    smaller = image_HW3.shape[1] > size[0]
    small_HW3: np.ndarray = cv2.resize(image_HW3, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return small_HW3


def batch_indices(count: int, batch: int, step: int, *, seed: int) -> list[int]:
    """Which pairs a step (from 0) sees: each epoch is a fresh shuffle, known from seed and step alone."""
    chosen = []
    for position in range(step * batch, (step + 1) * batch):
        epoch, place = divmod(position, count)
        chosen.append((epoch, place))
    orders = {e: stream(seed, "segmenter epoch", e).permutation(count) for e in {e for e, _ in chosen}}
    return [int(orders[e][p]) for e, p in chosen]
