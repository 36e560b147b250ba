"""Content kept or lost: MS-SSIM on brightness, its map, and averages per class.

Wang, Simoncelli and Bovik 2003; window 11, sigma 1.5, weights .0448 .2856 .3001 .2363 .1333. Brightness is the mean of
the three channels. Negative values count as 0 before powers are taken.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.vocabulary.errors import InputError

WINDOW, SIGMA = 11, 1.5
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_MEAN_OF_CHANNELS = np.full((1, 3), 1 / 3, np.float32)
_KERNEL_1D = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_32F)


def levels_for(width: int, height: int) -> int:
    """How many of the five levels fit: the window must fit into the coarsest. Five need a short side of 176 px."""
    levels = 1
    while levels < len(WEIGHTS) and min(width, height) >= WINDOW << levels:
        levels += 1
    return levels


def brightness(image_HW3: np.ndarray) -> np.ndarray:
    """float32 HxW, 0 to 255: the mean of the channels of a uint8 picture."""
    return np.asarray(cv2.transform(image_HW3.astype(np.float32), _MEAN_OF_CHANNELS))


def ms_ssim_brightness(a_HW3: np.ndarray, b_HW3: np.ndarray, *, levels: int | None = None) -> float:
    """MS-SSIM of two uint8 pictures' brightness, 0 to 1 (same content).

    ``levels``: by size unless given; the weights of fewer levels are scaled to a sum of 1.
    Raise InputError when sizes differ or a side is under 11 px.
    """
    a, b, count = _prepared(a_HW3, b_HW3, levels)
    weights = _weights(count)
    product = 1.0
    for level, weight in enumerate(weights):
        ssim, contrast = _ssim_maps(a, b)
        kept = slice(WINDOW // 2, -(WINDOW // 2))
        mean = float((ssim if level == count - 1 else contrast)[kept, kept].mean(dtype=np.float64))
        product *= max(mean, 0.0) ** weight
        a, b = _halved(a), _halved(b)
    return min(float(product), 1.0)  # rounding takes equal pictures past it


def ms_ssim_map(a_HW3: np.ndarray, b_HW3: np.ndarray, *, levels: int | None = None) -> np.ndarray:
    """float32 HxW, 0 to 1: the same product taken at every pixel, coarser levels scaled up to it."""
    a, b, count = _prepared(a_HW3, b_HW3, levels)
    height, width = a.shape
    result = np.ones((height, width), np.float32)
    for level, weight in enumerate(_weights(count)):
        ssim, contrast = _ssim_maps(a, b)
        powered = np.maximum(ssim if level == count - 1 else contrast, 0.0) ** weight
        result *= powered if level == 0 else cv2.resize(powered, (width, height), interpolation=cv2.INTER_LINEAR)
        a, b = _halved(a), _halved(b)
    return result


def per_class(map_HW: np.ndarray, segmentation_HW: np.ndarray) -> dict[int, float]:
    """The map's mean over each class id that the segmentation shows."""
    ids = segmentation_HW.ravel().astype(np.int64)
    sums = np.bincount(ids, weights=map_HW.ravel().astype(np.float64))
    counts = np.bincount(ids)
    return {int(i): float(sums[i] / counts[i]) for i in np.flatnonzero(counts)}


def check_pair(a_HW3: np.ndarray, b_HW3: np.ndarray) -> None:
    """Raise InputError unless both are uint8 colour pictures of one size."""
    for image in (a_HW3, b_HW3):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"a picture of form {image.dtype} {image.shape}", where="quality", remedy="Use 8-bit RGB.")
    if a_HW3.shape != b_HW3.shape:
        sizes = " and ".join(f"{i.shape[1]}x{i.shape[0]}" for i in (a_HW3, b_HW3))
        raise InputError(f"pictures of {sizes} px differ in size", where="quality", remedy="Compare equal sizes.")


def _prepared(a_HW3: np.ndarray, b_HW3: np.ndarray, levels: int | None) -> tuple[np.ndarray, np.ndarray, int]:
    check_pair(a_HW3, b_HW3)
    height, width = a_HW3.shape[:2]
    if min(height, width) < WINDOW:
        raise InputError(f"a picture of {width}x{height} px", where="quality", remedy=f"Use {WINDOW} px at least.")
    most = levels_for(width, height)
    count = most if levels is None else levels
    if not 1 <= count <= most:
        raise InputError(f"{count} levels do not fit {width}x{height} px", where="quality", remedy=f"Use 1 to {most}.")
    return brightness(a_HW3), brightness(b_HW3), count


def _weights(count: int) -> np.ndarray:
    weights = np.array(WEIGHTS[:count])
    return np.asarray(weights / weights.sum())


def _ssim_maps(a_HW: np.ndarray, b_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(SSIM, its contrast-structure part) at every pixel, borders reflected."""
    mean_a, mean_b = _smoothed(a_HW), _smoothed(b_HW)
    square_a, square_b, product = mean_a * mean_a, mean_b * mean_b, mean_a * mean_b
    variance_sum = _smoothed(a_HW * a_HW + b_HW * b_HW) - square_a - square_b
    covariance = _smoothed(a_HW * b_HW) - product
    contrast = (2 * covariance + _C2) / (variance_sum + _C2)
    return (2 * product + _C1) / (square_a + square_b + _C1) * contrast, contrast


def _smoothed(values_HW: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.sepFilter2D(values_HW, cv2.CV_32F, _KERNEL_1D, _KERNEL_1D, borderType=cv2.BORDER_REFLECT_101))


def _halved(values_HW: np.ndarray) -> np.ndarray:
    """2x2 means; an odd side is padded with a zero before its first row, which counts (as pytorch-msssim pools)."""
    top, left = values_HW.shape[0] % 2, values_HW.shape[1] % 2
    if top or left:
        # Padding is on both ends there, but with an odd side the last half window is dropped.
        values_HW = cv2.copyMakeBorder(values_HW, top, 0, left, 0, cv2.BORDER_CONSTANT, value=0)
    height, width = values_HW.shape
    return np.asarray(values_HW.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32))
