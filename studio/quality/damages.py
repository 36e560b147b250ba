"""Damages to a translation's content that make its labels wrong."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from studio.quality.alike import merged
from studio.quality.appearance_changes import noise
from studio.vocabulary.labels import TOOL_CLASSES
from studio.vocabulary.seeds import stream

Damage = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray | None]

_LEAST_SHARE = 0.03
"""An organ under this share of the picture is not chosen to be damaged."""


def damaged(image_HW3: np.ndarray, segmentation_HW: np.ndarray, kind: str, seed: int) -> np.ndarray | None:
    """uint8 HxWx3 with one damage of a kind in DAMAGES; None where the picture offers nothing to damage so.

    Classes that count as alike are damaged together: a ligament that turns into fat is no damage.
    """
    return DAMAGES[kind](image_HW3, segmentation_HW, stream(seed, "damage", kind))


def warped(image_HW3: np.ndarray, rng: np.random.Generator, *, low: float = 2.0, high: float = 8.0) -> np.ndarray:
    """Content moved along a smooth random field by ``low`` to ``high`` px (root mean square over the picture)."""
    height, width = image_HW3.shape[:2]
    scale = rng.uniform(0.15, 0.3) * height
    dx, dy = noise(rng, height, width, scale), noise(rng, height, width, scale)
    factor = rng.uniform(low, high) / float(np.sqrt((dx**2 + dy**2).mean()))
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.asarray(
        cv2.remap(image_HW3, xx + dx * factor, yy + dy * factor, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    )


def _warped(image: np.ndarray, _segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return warped(image, rng)


def _shifted(image: np.ndarray, _segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All content moved by 2 to 8 px in one direction."""
    height, width = image.shape[:2]
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(2, 8)
    matrix = np.array([[1, 0, length * np.cos(angle)], [0, 1, length * np.sin(angle)]], np.float32)
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved)


def _painted_over(image: np.ndarray, segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """An organ's whole region, or most of it, gets the looks of another class that the picture shows."""
    joined = merged(segmentation)
    organ = some_class(joined, rng, lambda c: c not in TOOL_CLASSES and c != 0)
    if organ is None:
        return None
    region = joined == organ
    others = np.where(region, np.uint8(0), segmentation)
    looks = some_class(others, rng, lambda c: c not in TOOL_CLASSES and c != 0)
    if looks is None:
        return None
    if rng.random() < 0.5:
        region &= _half_plane(region, rng)
    return blended_in(image, filled_like(image, segmentation == looks), region)


def _erased(image: np.ndarray, segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """An organ disappears: its region is filled in from what surrounds it."""
    joined = merged(segmentation)
    organ = some_class(joined, rng, lambda c: c not in TOOL_CLASSES and c != 0, most=0.3)
    return None if organ is None else _filled_from_around(image, joined == organ, rng)


def _tool_removed(image: np.ndarray, segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    tool = np.isin(segmentation, list(TOOL_CLASSES))
    return _filled_from_around(image, tool, rng) if tool.mean() >= 0.01 else None


def _swapped(image: np.ndarray, segmentation: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Two round regions of different classes change places."""
    joined = merged(segmentation)
    radius = int(rng.uniform(0.12, 0.2) * image.shape[0])
    height, width = segmentation.shape
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(bool)
    for _ in range(60):
        x1, x2 = rng.integers(radius, width - radius, 2)
        y1, y2 = rng.integers(radius, height - radius, 2)
        if joined[y1, x1] == joined[y2, x2] or np.hypot(x1 - x2, y1 - y2) < 2.2 * radius:
            continue
        first = np.s_[y1 - radius : y1 + radius + 1, x1 - radius : x1 + radius + 1]
        second = np.s_[y2 - radius : y2 + radius + 1, x2 - radius : x2 + radius + 1]
        if (joined[first][disc] != joined[second][disc]).mean() < 0.5:
            continue
        result = image.copy()
        result[first][disc], result[second][disc] = image[second][disc], image[first][disc]
        return result
    return None


def filled_like(image_HW3: np.ndarray, source_HW: np.ndarray) -> np.ndarray:
    """A whole picture that looks like a class' region: its low-pass colours carried on, its texture tiled."""
    colours = _spread(image_HW3.astype(np.float32), source_HW.astype(np.float32), 0.1 * image_HW3.shape[0])
    detail = image_HW3.astype(np.float32) - cv2.GaussianBlur(image_HW3, (0, 0), 4).astype(np.float32)
    depth = cv2.distanceTransform(np.pad(source_HW, 1).astype(np.uint8), cv2.DIST_C, 3)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    half = max(1, int(depth[y, x]) - 2)
    patch = detail[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
    tiles = [(0, side - part) for side, part in zip(image_HW3.shape, patch.shape, strict=True)]
    return np.asarray(colours + np.pad(patch, tiles, mode="symmetric"))


def blended_in(image_HW3: np.ndarray, other_HW3: np.ndarray, region_HW: np.ndarray) -> np.ndarray:
    """uint8: ``other`` within the region, with an outline as soft as a camera's."""
    share = cv2.GaussianBlur(region_HW.astype(np.float32), (0, 0), 0.8)[..., None]
    mixed = image_HW3 * (1 - share) + other_HW3 * share
    return np.asarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _filled_from_around(image: np.ndarray, region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grown = cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8))
    filled = cv2.inpaint(np.ascontiguousarray(image), grown, 5, cv2.INPAINT_TELEA).astype(np.float32)
    filled += rng.normal(0, 2, image.shape)
    return blended_in(image, filled, grown.astype(bool))


def _half_plane(region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """bool HxW: the side of a random straight line that holds 40 to 80 % of the region."""
    height, width = region.shape
    yy, xx = np.mgrid[0:height, 0:width]
    angle = rng.uniform(0, 2 * np.pi)
    along = xx * np.cos(angle) + yy * np.sin(angle)
    return np.asarray(along <= np.quantile(along[region], rng.uniform(0.4, 0.8)))


def some_class(
    segmentation: np.ndarray, rng: np.random.Generator, fits: Callable[[int], bool], *, most: float = 1.0
) -> int | None:
    shares = np.bincount(segmentation.ravel(), minlength=256)[:255] / segmentation.size
    found = [int(c) for c in np.flatnonzero((shares >= _LEAST_SHARE) & (shares <= most)) if fits(int(c))]
    return int(rng.choice(found)) if found else None


def _spread(image_HW3: np.ndarray, weights_HW: np.ndarray, sigma: float) -> np.ndarray:
    """The weighted image's colours carried on everywhere (normalised convolution, widening where nothing is near)."""
    colours, weight = image_HW3 * weights_HW[..., None], weights_HW
    result = np.zeros_like(image_HW3)
    known = np.zeros_like(weights_HW)
    for step in range(4):
        blurred = cv2.GaussianBlur(colours, (0, 0), sigma * 2**step)
        reach = cv2.GaussianBlur(weight, (0, 0), sigma * 2**step)
        share = np.clip(1 - known, 0, 1) * np.clip(reach * 20, 0, 1)
        result += (share / np.maximum(reach, 1e-6))[..., None] * blurred
        known += share
    mean = colours.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
    return np.asarray(result + np.clip(1 - known, 0, 1)[..., None] * mean)


DAMAGES: dict[str, Damage] = {
    "warped": _warped,
    "shifted": _shifted,
    "painted over": _painted_over,
    "erased": _erased,
    "swapped": _swapped,
    "tool removed": _tool_removed,
}
