"""Harder damages than those of damages: small moves, looks of a neighbour, small places.

Each takes (uint8 HxWx3, labels HxW, generator) and returns a damaged copy, or None where the picture offers nothing.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.quality.alike import merged
from studio.quality.damages import Damage, blended_in, filled_like, some_class, warped
from studio.vocabulary.labels import IGNORE, TOOL_CLASSES

_RIM = 7


def _warped_2(image: np.ndarray, _labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return warped(image, rng, low=2.0, high=2.0)


def _shifted_2(image: np.ndarray, _labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return _moved(image, np.array([[1, 0, 2 * np.cos(angle)], [0, 1, 2 * np.sin(angle)]]))


def _turned(image: np.ndarray, _labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """About the centre, by 2 px a quarter of the diagonal away from it."""
    height, width = image.shape[:2]
    angle = np.degrees(2 / (0.25 * np.hypot(height, width))) * rng.choice([-1, 1])
    return _moved(image, cv2.getRotationMatrix2D((width / 2, height / 2), float(angle), 1.0))


def _blotted_out(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """An organ becomes one dark colour."""
    region = _some_region(labels, rng)
    if region is None:
        return None
    return blended_in(image, np.full(image.shape, rng.uniform(0, 25), np.float32), region)


def _in_neighbours_colours(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """An organ keeps its shading and takes the mean colour of what it borders on most."""
    region = _some_region(labels, rng)
    neighbour = None if region is None else _neighbour(merged(labels), region)
    if region is None or neighbour is None:
        return None
    change = image[neighbour].mean(axis=0) - image[region].mean(axis=0)
    return blended_in(image, image + change.astype(np.float32), region)


def _swapped_across(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Within a disc on the outline between two organs each gets the other's looks."""
    region = _some_region(labels, rng)
    neighbour = None if region is None else _neighbour(merged(labels), region)
    if region is None or neighbour is None:
        return None
    rows, columns = np.nonzero(_grown(region, 3) & neighbour)
    place, radius = rng.integers(len(rows)), rng.uniform(0.1, 0.16) * image.shape[1]
    disc = cv2.circle(np.zeros(labels.shape, np.uint8), (int(columns[place]), int(rows[place])), int(radius), 1, -1) > 0
    if min((region & ~disc).sum(), (neighbour & ~disc).sum(), (region & disc).sum(), (neighbour & disc).sum()) < 150:
        return None
    first, second = (filled_like(image, source & ~disc) for source in (neighbour, region))
    return blended_in(blended_in(image, first, region & disc), second, neighbour & disc)


def _tool_as_tissue(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """The tool gets the looks of the tissue that it borders on most."""
    tool = np.isin(labels, list(TOOL_CLASSES))
    neighbour = _neighbour(labels, tool) if tool.mean() >= 0.01 else None
    return None if neighbour is None else blended_in(image, filled_like(image, neighbour), _grown(tool, _RIM))


def _blurred(image: np.ndarray, _labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(3, 5)))


def _outline_moved(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Content about one place of an organ's outline moved by 8 px across it."""
    region = _some_region(labels, rng)
    if region is None:
        return None
    soft = cv2.GaussianBlur(region.astype(np.float32), (0, 0), 4)
    dx, dy = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    inside = np.zeros(labels.shape, bool)
    inside[8:-8, 8:-8] = True
    rows, columns = np.nonzero(region & ~_eroded(region) & inside)
    if not len(rows):
        return None
    place = rng.integers(len(rows))
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]].astype(np.float32)
    squared = (x - columns[place]) ** 2 + (y - rows[place]) ** 2
    length = 8 * rng.choice([-1, 1]) * np.exp(-0.5 * squared / (0.08 * labels.shape[1]) ** 2)
    across = np.array([dx[rows[place], columns[place]], dy[rows[place], columns[place]]])
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    x_moved, y_moved = ((g + length * a).astype(np.float32) for g, a in zip((x, y), across, strict=True))
    return np.asarray(cv2.remap(image, x_moved, y_moved, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def _moved(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    size = image.shape[1::-1]
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))


def _some_region(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """bool HxW: the largest connected region of some organ."""
    joined = merged(labels)
    organ = some_class(joined, rng, lambda c: c not in TOOL_CLASSES and c != 0, most=0.4)
    if organ is None:
        return None
    _, part_HW, stats, _ = cv2.connectedComponentsWithStats((joined == organ).astype(np.uint8))
    return np.asarray(part_HW == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())


def _neighbour(labels: np.ndarray, region: np.ndarray) -> np.ndarray | None:
    """bool HxW: the tissue that a region borders on most; None where there is none."""
    beside = np.bincount(labels[_grown(region, _RIM) & ~region], minlength=256)
    beside[[0, IGNORE, *TOOL_CLASSES]] = 0
    return np.asarray((labels == beside.argmax()) & ~region) if beside.any() else None


def _grown(region: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((size, size), np.uint8)) > 0)


def _eroded(region: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


HARDER_DAMAGES: dict[str, Damage] = {
    "warped by 2 px": _warped_2,
    "shifted by 2 px": _shifted_2,
    "turned by 2 px": _turned,
    "blotted out": _blotted_out,
    "in its neighbour's colours": _in_neighbours_colours,
    "swapped across an outline": _swapped_across,
    "tool as tissue": _tool_as_tissue,
    "blurred": _blurred,
    "outline moved by 8 px": _outline_moved,
}
