"""Whether every region of a class still looks like its own class, and not like another one of the same picture.

Each class gets a Gaussian over colour and fineness of texture, from the translation itself: which looks a class has
is free, but two classes may not share them where the render tells them apart, and no part of one may look like another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from studio.vocabulary.labels import IGNORE

_SAMPLES = 5000
_LEAST_SAMPLES = 30
_ERODED = (9, 5, 3)
_NOISE = 4.0
_POOLED = 0.15
_TEXTURE_SCALE = 12.0
_PLACE_SIGMA = 5.0
_WORST_SHARE = 0.02
_UNCLEAR = 0.3
"""Where the render itself tells a class apart with less probability than this, little can be asked of a translation."""


@dataclass(frozen=True, eq=False)
class Identity:
    """At N sample pixels: ``own_N`` 0 to 1, the probability of their own class; ``render_own_N``: the same in the
    render. ``index_N`` counts pixels row by row."""

    shape: tuple[int, int]
    index_N: np.ndarray
    class_N: np.ndarray
    own_N: np.ndarray
    render_own_N: np.ndarray

    @cached_property
    def kept(self) -> dict[int, float]:
        """Per class the mean of own_N relative to the render's, 0 to 1; classes too small to be judged are missing."""
        result = {}
        for class_id in np.unique(self.class_N):
            inside = self.class_N == class_id
            expected = max(float(self.render_own_N[inside].mean()), _UNCLEAR)
            result[int(class_id)] = min(1.0, float(self.own_N[inside].mean()) / expected)
        return result

    @cached_property
    def map_HW(self) -> np.ndarray:
        """float32, 0 to 1: own_N smoothed over its surroundings, relative to the render's; 1 where nothing is known."""
        flat = np.zeros((3, self.shape[0] * self.shape[1]), np.float32)
        flat[0, self.index_N], flat[1, self.index_N], flat[2, self.index_N] = self.own_N, self.render_own_N, 1
        own, render, weight = (cv2.GaussianBlur(f.reshape(self.shape), (0, 0), _PLACE_SIGMA) for f in flat)
        relative = own / np.maximum(np.maximum(render, _UNCLEAR * weight), 1e-9)
        return np.asarray(np.where(weight > 1e-4, np.minimum(relative, 1), 1), np.float32)

    def weakest_place(self, class_id: int | None = None) -> float | None:
        """The 2nd percentile of map_HW over the samples (of one class); None where nothing is known."""
        inside = slice(None) if class_id is None else self.class_N == class_id
        values = self.map_HW.ravel()[self.index_N[inside]]
        return float(np.quantile(values, _WORST_SHARE)) if len(values) else None


def identity_kept(render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray) -> Identity:
    """Compare two uint8 RGB pictures; classes that count as one must share an id in the segmentation."""
    index_N, class_N = _sample(segmentation_HW)
    own, render_own = (_own_probability(_looks(image)[index_N], class_N) for image in (translation_HW3, render_HW3))
    return Identity(segmentation_HW.shape, index_N, class_N, own, render_own)


def _sample(segmentation_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row-wise pixel numbers, class ids) on a grid, away from outlines; void and IGNORE are left out."""
    index, classes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    step = max(2, round((segmentation_HW.size / _SAMPLES) ** 0.5))
    for class_id in np.flatnonzero(np.bincount(segmentation_HW.ravel(), minlength=256)):
        if class_id in (0, IGNORE):
            continue
        mask = cv2.compare(segmentation_HW, int(class_id), cv2.CMP_EQ)
        for size in _ERODED:
            core = cv2.erode(mask, np.ones((size, size), np.uint8), borderType=cv2.BORDER_REPLICATE)
            rows, columns = np.nonzero(core[2::step, 2::step])
            if len(rows) >= _LEAST_SAMPLES:
                index.append((2 + rows * step) * segmentation_HW.shape[1] + 2 + columns * step)
                classes.append(np.full(len(rows), class_id, np.int64))
                break
    return np.concatenate(index), np.concatenate(classes)


def _looks(image_HW3: np.ndarray) -> np.ndarray:
    """float32 (H W)x4: smoothed RGB and the logarithm of the fine texture's strength, on the same scale."""
    colour_HW3 = cv2.GaussianBlur(image_HW3, (0, 0), 2.0).astype(np.float32)
    grey_HW = cv2.cvtColor(image_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail_HW = grey_HW - cv2.GaussianBlur(grey_HW, (0, 0), 1.5)
    strength_HW = np.sqrt(cv2.GaussianBlur(detail_HW * detail_HW, (0, 0), 3.0))
    texture_HW = _TEXTURE_SCALE * np.log(2 + strength_HW)
    return np.concatenate([colour_HW3, texture_HW[..., None]], axis=2).reshape(-1, 4)


def _own_probability(looks_NF: np.ndarray, class_N: np.ndarray) -> np.ndarray:
    """float64 N: posterior of the own class under one Gaussian per class (quadratic discriminant, equal priors)."""
    ids, own_N = np.unique(class_N, return_inverse=True)
    if len(ids) < 2:
        return np.ones(len(class_N))
    looks = looks_NF.astype(np.float64)
    groups = [looks[own_N == j] for j in range(len(ids))]
    scatter = [np.cov(g.T) for g in groups]
    pooled = np.average(scatter, axis=0, weights=[len(g) for g in groups])
    log_NC = np.empty((len(looks), len(ids)))
    for j, group in enumerate(groups):
        covariance = (1 - _POOLED) * scatter[j] + _POOLED * pooled + _NOISE * np.eye(looks.shape[1])
        away = looks - np.median(group, axis=0)
        log_NC[:, j] = -0.5 * (away @ np.linalg.inv(covariance) * away).sum(axis=1)
        log_NC[:, j] -= 0.5 * np.linalg.slogdet(covariance)[1]
    log_NC -= log_NC.max(axis=1, keepdims=True)
    likelihood = np.exp(log_NC)
    return np.asarray(likelihood[np.arange(len(looks)), own_N] / likelihood.sum(axis=1))
