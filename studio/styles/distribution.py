"""The footage's style codes as a Gaussian: its mean, principal axes and a walk along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.styles.distances import checked_codes

_LEAST_DEVIATION = 1e-4


@dataclass(frozen=True, eq=False)
class FittedCodes:
    """``axes_SS``: a principal axis a row, widest first, each with its largest number positive;
    ``deviations_S``: the standard deviation along each; ``shrinkage``: 0 (sample covariance) to 1 (a sphere)."""

    mean_S: np.ndarray
    axes_SS: np.ndarray
    deviations_S: np.ndarray
    shrinkage: float

    @property
    def size(self) -> int:
        return len(self.mean_S)

    def coloured(self, coordinates_NS: np.ndarray) -> np.ndarray:
        """Codes at these coordinates, given in standard deviations along the principal axes."""
        return np.asarray(self.mean_S + (coordinates_NS * self.deviations_S) @ self.axes_SS)

    def coordinates(self, codes_NS: np.ndarray) -> np.ndarray:
        """The inverse of coloured."""
        return np.asarray((codes_NS - self.mean_S) @ self.axes_SS.T / self.deviations_S)

    def moved(self, code_S: np.ndarray, axis: int, to: float) -> np.ndarray:
        """The code with its coordinate on one principal axis set to ``to`` standard deviations."""
        coordinates = self.coordinates(np.asarray(code_S, np.float64)[None, :])
        coordinates[0, axis] = to
        return np.asarray(self.coloured(coordinates)[0])


def fit_codes(codes_NS: np.ndarray) -> FittedCodes:
    """Mean and covariance, shrunk towards a sphere as Ledoit and Wolf (2004, J. Multivariate Analysis 88) derive.

    Without shrinkage, few frames of few patients would leave some axes flat, and every drawn style in one plane.
    Raise InputError for fewer than two codes.
    """
    codes = checked_codes(codes_NS, least=2)
    mean_S = codes.mean(axis=0)
    centred = codes - mean_S
    covariance = centred.T @ centred / len(codes)
    shrinkage, spread = _ledoit_wolf(centred, covariance)
    shrunk = (1 - shrinkage) * covariance + shrinkage * spread * np.eye(codes.shape[1])
    variances, vectors = np.linalg.eigh(shrunk)
    axes = positive_axes(vectors.T[::-1])
    return FittedCodes(mean_S, axes, np.sqrt(np.maximum(variances[::-1], _LEAST_DEVIATION**2)), shrinkage)


def positive_axes(axes_KS: np.ndarray) -> np.ndarray:
    """Axes turned so that each one's largest component is positive: the same data give the same picture."""
    largest = np.take_along_axis(axes_KS, np.abs(axes_KS).argmax(axis=1)[:, None], axis=1)
    return np.asarray(axes_KS * np.where(largest < 0, -1.0, 1.0))


def _ledoit_wolf(centred_NS: np.ndarray, covariance_SS: np.ndarray) -> tuple[float, float]:
    count, size = centred_NS.shape
    spread = float(np.trace(covariance_SS)) / size
    distance = float(((covariance_SS - spread * np.eye(size)) ** 2).sum())
    if distance <= 0:
        return 1.0, spread
    # The mean over codes of ||x xᵀ - covariance||², written without the N matrices.
    fourth = float(((centred_NS**2).sum(axis=1) ** 2).mean())
    error = (fourth - float((covariance_SS**2).sum())) / count
    return min(max(error, 0.0), distance) / distance, spread
