"""The style map: codes as points in the plane of most variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.styles.distances import checked_codes
from studio.styles.distribution import positive_axes


@dataclass(frozen=True, eq=False)
class StyleMap:
    """``axes_2S``: orthonormal; ``explained_2``: each axis' share of the variance, 0 to 1."""

    mean_S: np.ndarray
    axes_2S: np.ndarray
    explained_2: np.ndarray

    @property
    def size(self) -> int:
        """Numbers of a code."""
        return len(self.mean_S)

    def project(self, codes_NS: np.ndarray) -> np.ndarray:
        """Where codes lie on the map: float64 Nx2, in units of the code."""
        return np.asarray((np.asarray(codes_NS, np.float64) - self.mean_S) @ self.axes_2S.T)

    def place(self, xy_2: np.ndarray | tuple[float, float], *, like_S: np.ndarray | None = None) -> np.ndarray:
        """The code at a point of the map; off the map's plane it is that of ``like_S``, else of the mean."""
        start = self.mean_S if like_S is None else np.asarray(like_S, np.float64)
        return np.asarray(start + (np.asarray(xy_2, np.float64) - self.project(start[None])[0]) @ self.axes_2S)


def fit_map(codes_NS: np.ndarray) -> StyleMap:
    """Principal components of one or more codes (of one number or more each); the same codes give the same map."""
    codes = checked_codes(codes_NS)
    mean = codes.mean(axis=0)
    size = codes.shape[1]
    _, singular, axes = np.linalg.svd(codes - mean, full_matrices=True)
    variances = np.zeros(max(2, size))
    variances[: len(singular)] = singular**2
    total = variances.sum()
    padded = np.zeros((2, size))
    padded[: min(2, size)] = positive_axes(axes[:2])
    return StyleMap(mean, padded, variances[:2] / total if total > 0 else np.zeros(2))


def pca_2d(codes_NS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(xy_N2, explained_2): points in the plane of most variance, and each axis' share of it."""
    fitted = fit_map(codes_NS)
    return fitted.project(codes_NS), fitted.explained_2
