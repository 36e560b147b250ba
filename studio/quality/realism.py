"""How real a set of pictures looks beside real ones, without downloaded weights.

Sliced Wasserstein distance between patches of Laplacian pyramids (Karras et al. 2018, arXiv 1710.10196, section 5), a
classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv 1610.06545) on simple statistics, and those statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.quality.content import brightness
from studio.vocabulary.errors import InputError
from studio.vocabulary.seeds import stream

_SIDE = 128
_PATCH = 7
_LEVELS = 4
_DIRECTIONS = 256
STATISTICS = ("brightness", "contrast", "saturation", "redness", "gradient", "noise")


@dataclass(frozen=True)
class SlicedWasserstein:
    """Distances x 1000 as the paper gives them: per pyramid level, the finest first, and their mean."""

    per_level: tuple[float, ...]
    mean: float


def sliced_wasserstein(
    real: Iterable[np.ndarray], other: Iterable[np.ndarray], *, seed: int = 0, patches_per_image: int = 64
) -> SlicedWasserstein:
    """Distance of two sets of uint8 RGB pictures of any size; every picture is first resized to 128 px square.

    Raise InputError when a set is empty.
    """
    sets = [_patches(images, patches_per_image, seed) for images in (real, other)]
    distances = tuple(
        1000 * _sliced_distance(a, b, stream(seed, "directions", level))
        for level, (a, b) in enumerate(zip(*sets, strict=True))
    )
    return SlicedWasserstein(distances, float(np.mean(distances)))


def appearance_statistics(image_HW3: np.ndarray) -> dict[str, float]:
    """Of one uint8 RGB picture: mean brightness, its deviation, saturation (0 to 1), redness (red less green), mean
    gradient per px and noise (deviation, after Immerkaer 1996), all but saturation in grey levels of 0 to 255."""
    grey = brightness(image_HW3)
    pixels = image_HW3.astype(np.float32)
    highest, lowest = pixels.max(axis=2), pixels.min(axis=2)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    laplacian = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    noise = np.abs(cv2.filter2D(grey, cv2.CV_32F, laplacian)[1:-1, 1:-1]).mean() * np.sqrt(np.pi / 2) / 6
    values = (
        grey.mean(), grey.std(), ((highest - lowest) / np.maximum(highest, 1)).mean(),
        (pixels[..., 0] - pixels[..., 1]).mean(), gradient.mean(), noise,
    )  # fmt: skip
    return {name: float(value) for name, value in zip(STATISTICS, values, strict=True)}


def two_sample_accuracy(
    real: Sequence[Mapping[str, float]], other: Sequence[Mapping[str, float]], *, seed: int = 0, folds: int = 5
) -> float:
    """Cross-validated balanced accuracy (0 to 1) with which logistic regression tells two sets of statistics apart.

    0.5: they cannot be told apart by these statistics. Raise InputError for sets of fewer than ``folds`` pictures.
    """
    if min(len(real), len(other)) < folds:
        raise InputError(f"a set of fewer than {folds} pictures", where="realism", remedy="Compare larger sets.")
    features = np.array([[s[name] for name in STATISTICS] for s in (*real, *other)])
    labels = np.repeat([1.0, 0.0], [len(real), len(other)])
    fold = np.concatenate([_folds(len(s), folds, seed, name) for s, name in ((real, "real"), (other, "other"))])
    right = np.zeros(len(labels), bool)
    for held_out in range(folds):
        test = fold == held_out
        weights, mean, spread = _logistic_fit(features[~test], labels[~test])
        score = np.column_stack([(features[test] - mean) / spread, np.ones(test.sum())]) @ weights
        right[test] = (score > 0) == (labels[test] == 1)
    return float((right[labels == 1].mean() + right[labels == 0].mean()) / 2)


def _patches(images: Iterable[np.ndarray], count: int, seed: int) -> list[np.ndarray]:
    """Per level, float32 patches x 147, each colour channel brought to mean 0 and deviation 1 over the set."""
    rng = stream(seed, "patches")
    corners = rng.random((_LEVELS, count, 2))
    levels: list[list[np.ndarray]] = [[] for _ in range(_LEVELS)]
    for image in images:
        for level, band in enumerate(_laplacian_pyramid(image)):
            levels[level].append(_cut(band, corners[level]))
    if not levels[0]:
        raise InputError("no pictures to compare", where="realism", remedy="Give at least one on each side.")
    joined = [np.concatenate(parts) for parts in levels]
    return [
        ((p - p.mean(axis=(0, 1, 2))) / np.maximum(p.std(axis=(0, 1, 2)), 1e-6)).reshape(len(p), -1) for p in joined
    ]


def _laplacian_pyramid(image_HW3: np.ndarray) -> list[np.ndarray]:
    current = cv2.resize(image_HW3, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    bands = []
    for _ in range(_LEVELS - 1):
        smaller = cv2.pyrDown(current)
        bands.append(current - cv2.pyrUp(smaller))
        current = smaller
    return [*bands, current]


def _cut(band_HW3: np.ndarray, corners_N2: np.ndarray) -> np.ndarray:
    at = (corners_N2 * (np.array(band_HW3.shape[:2]) - _PATCH + 1)).astype(np.int64)
    return np.stack([band_HW3[y : y + _PATCH, x : x + _PATCH] for y, x in at])


def _sliced_distance(a_NF: np.ndarray, b_MF: np.ndarray, rng: np.random.Generator) -> float:
    directions = rng.normal(size=(a_NF.shape[1], _DIRECTIONS)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    ranks = np.linspace(0, 1, max(len(a_NF), len(b_MF)))
    sorted_a, sorted_b = (np.sort(v @ directions, axis=0) for v in (a_NF, b_MF))
    return float(np.abs(_at_ranks(sorted_a, ranks) - _at_ranks(sorted_b, ranks)).mean())


def _at_ranks(sorted_ND: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Quantiles by linear interpolation, so that sets of different sizes compare."""
    place = ranks * (len(sorted_ND) - 1)
    lower = np.minimum(place.astype(np.int64), max(len(sorted_ND) - 2, 0))
    share = (place - lower)[:, None]
    upper = np.minimum(lower + 1, len(sorted_ND) - 1)
    return np.asarray(sorted_ND[lower] * (1 - share) + sorted_ND[upper] * share)


def _folds(count: int, folds: int, seed: int, name: str) -> np.ndarray:
    return np.asarray(stream(seed, "folds", name).permutation(count) % folds)


def _logistic_fit(
    features_NF: np.ndarray, labels_N: np.ndarray, *, rounds: int = 25, penalty: float = 0.1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(weights with the bias last, mean, spread): ridge-penalised logistic regression by Newton's method, both
    classes weighing the same."""
    mean, spread = features_NF.mean(axis=0), np.maximum(features_NF.std(axis=0), 1e-9)
    design = np.column_stack([(features_NF - mean) / spread, np.ones(len(labels_N))])
    share = labels_N.mean()
    importance = np.where(labels_N == 1, 0.5 / share, 0.5 / (1 - share))
    ridge = penalty * np.eye(design.shape[1])
    weights = np.zeros(design.shape[1])
    for _ in range(rounds):
        probability = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (importance * (probability - labels_N)) + ridge @ weights
        curvature = (design * (importance * probability * (1 - probability))[:, None]).T @ design + ridge
        weights = weights - np.linalg.solve(curvature, slope)
    return weights, mean, spread
