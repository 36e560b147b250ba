"""Random views of a picture for training: one affine warp (enlarge, rotate, crop), light, and the round image area.

Pictures are uint8 RGB going in and float32 in [-1, 1] coming out; labels go through the same geometry, nearest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from studio.translator.settings import TrainSettings

Area = tuple[float, float, float, int, int]
"""A round image area: centre x, y and radius in px, of a picture with that width and height."""

_TRIES = 8


@dataclass(frozen=True, eq=False)
class View:
    """``image_HW3`` float32 in [-1, 1], ``inside_HW`` bool (True within the round image area), labels if given."""

    image_HW3: np.ndarray
    inside_HW: np.ndarray
    labels_HW: np.ndarray | None = None


def random_view(
    image_HW3: np.ndarray, area: Area | None, settings: TrainSettings, rng: np.random.Generator, *,
    labels_HW: np.ndarray | None = None, paper_mask: bool = False,
) -> View:  # fmt: skip
    """A random crop of ``settings``' size, black outside ``area`` (and outside a random circle with ``paper_mask``)."""
    size = (settings.crop_width, settings.crop_height)
    matrix_23 = _geometry_within(area, image_HW3.shape[:2], settings, rng)
    on_pixels_23 = _between_pixels(matrix_23)
    border = cv2.BORDER_REFLECT_101
    crop = cv2.warpAffine(image_HW3, on_pixels_23, size, flags=cv2.INTER_LINEAR, borderMode=border)
    labels = None
    if labels_HW is not None:
        labels = cv2.warpAffine(labels_HW, on_pixels_23, size, flags=cv2.INTER_NEAREST, borderMode=border)
    values = _relit(crop, settings, rng)
    inside = np.ones((size[1], size[0]), bool)
    if area is not None:
        inside &= circle(size, *_moved_circle(area, image_HW3.shape[:2], matrix_23))
    if paper_mask:
        inside &= paper_circle(size, rng)
    values[~inside] = -1.0
    if labels is not None:
        labels[~inside] = 0
    return View(values, inside, labels)


def _geometry_within(
    area: Area | None, shape: tuple[int, ...], settings: TrainSettings, rng: np.random.Generator
) -> np.ndarray:
    """A random geometry; of several, the one whose crop reaches least beyond the round image area."""
    best, least = _random_geometry(shape, settings, rng), math.inf
    if area is None:
        return best
    candidate = best
    for _ in range(_TRIES):
        excess = _excess(_moved_circle(area, shape, candidate), settings)
        if excess < least:
            best, least = candidate, excess
        if excess <= 0:
            break
        candidate = _random_geometry(shape, settings, rng)
    return best


def _excess(moved: tuple[float, float, float], settings: TrainSettings) -> float:
    """By how many px the crop's farthest corner lies outside a circle."""
    centre_x, centre_y, radius = moved
    reach_x = max(centre_x, settings.crop_width - centre_x)
    reach_y = max(centre_y, settings.crop_height - centre_y)
    return math.hypot(reach_x, reach_y) - radius


def _random_geometry(shape: tuple[int, ...], settings: TrainSettings, rng: np.random.Generator) -> np.ndarray:
    """The 2x3 matrix picture -> crop."""
    height, width = shape[:2]
    crop_w, crop_h = settings.crop_width, settings.crop_height
    # A picture smaller than the crop is enlarged to it, whatever was drawn.
    needed = max(crop_w / width, crop_h / height)
    scale = max(float(rng.uniform(settings.resize_low, settings.resize_high)), needed)
    angle = math.radians(float(rng.uniform(-settings.rotation, settings.rotation)))
    room_x, room_y = scale * width - crop_w, scale * height - crop_h
    centre_x = (crop_w / 2 + float(rng.uniform(0, max(room_x, 0)))) / scale
    centre_y = (crop_h / 2 + float(rng.uniform(0, max(room_y, 0)))) / scale
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    matrix[:, 2] = np.array([crop_w / 2, crop_h / 2]) - matrix[:, :2] @ np.array([centre_x, centre_y])
    return matrix


def _between_pixels(matrix_23: np.ndarray) -> np.ndarray:
    """The same map for OpenCV, which counts from the middle of the first pixel and not from its corner."""
    moved = matrix_23.copy()
    moved[:, 2] += matrix_23[:, :2].sum(1) / 2 - 0.5
    return moved


def _relit(crop_HW3: np.ndarray, settings: TrainSettings, rng: np.random.Generator) -> np.ndarray:
    """Random contrast and brightness on [-1, 1], clipped."""
    factor = float(rng.uniform(1 - settings.contrast, 1 + settings.contrast))
    shift = float(rng.uniform(-settings.brightness, settings.brightness))
    values = crop_HW3.astype(np.float32) * np.float32(2 / 255 * factor) + np.float32(shift - factor)
    return np.clip(values, -1.0, 1.0, out=values)


def _moved_circle(area: Area, shape: tuple[int, ...], matrix_23: np.ndarray) -> tuple[float, float, float]:
    """Centre and radius in the crop of a circle given on a picture of any size with the same field of view."""
    cx, cy, radius, width, height = area
    scale_x, scale_y = shape[1] / width, shape[0] / height
    centre = matrix_23 @ np.array([cx * scale_x, cy * scale_y, 1.0])
    reach = radius * math.sqrt(scale_x * scale_y) * math.hypot(matrix_23[0, 0], matrix_23[1, 0])
    return float(centre[0]), float(centre[1]), reach


def paper_circle(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The paper's random endoscope mask: radius U[0.4 max(w, h), half diagonal], centre off by up to 10 %."""
    width, height = size
    radius = float(rng.uniform(0.4 * max(size), math.hypot(width, height) / 2))
    centre_x = width * (0.5 + float(rng.uniform(-0.1, 0.1)))
    centre_y = height * (0.5 + float(rng.uniform(-0.1, 0.1)))
    return circle(size, centre_x, centre_y, radius)


def circle(size: tuple[int, int], centre_x: float, centre_y: float, radius: float) -> np.ndarray:
    """bool (height, width): pixel centres within the circle."""
    columns = np.arange(size[0]) + 0.5 - centre_x
    rows = np.arange(size[1]) + 0.5 - centre_y
    return np.asarray(rows[:, None] ** 2 + columns[None, :] ** 2 <= radius**2)
