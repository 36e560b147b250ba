"""A map given by points alone, such as t-SNE's: other codes are placed among their nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studio.styles.distances import distances_NM

_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class NeighbourMap:
    """``codes_NS`` lie at ``xy_N2``; what lies between is a mean of the nearest three, weighted by 1 / distance²."""

    codes_NS: np.ndarray
    xy_N2: np.ndarray

    @property
    def size(self) -> int:
        """Numbers of a code."""
        return int(self.codes_NS.shape[1])

    def project(self, codes_MS: np.ndarray) -> np.ndarray:
        """float64 Mx2: where codes lie; a code that the map holds lies at its own point, NaN lies nowhere."""
        return _among(self.codes_NS, np.asarray(codes_MS, np.float64), self.xy_N2)

    def place(self, xy_2: np.ndarray | tuple[float, float], *, like_S: np.ndarray | None = None) -> np.ndarray:
        """The code at a point of the map: of the neighbours that lie there. ``like_S`` means nothing here."""
        return np.asarray(_among(self.xy_N2, np.asarray(xy_2, np.float64)[None], self.codes_NS)[0])


def _among(known_ND: np.ndarray, asked_MD: np.ndarray, values_NE: np.ndarray) -> np.ndarray:
    result = np.full((len(asked_MD), values_NE.shape[1]), np.nan)
    there = np.isfinite(asked_MD).all(axis=1)
    distances_MN = distances_NM(asked_MD[there], np.asarray(known_ND, np.float64))
    count = min(_NEIGHBOURS, len(known_ND))
    nearest_MK = np.argpartition(distances_MN, count - 1, axis=1)[:, :count]
    # Far below any real distance: at a known point its own value is all that counts.
    weights_MK = 1 / (np.take_along_axis(distances_MN, nearest_MK, axis=1) ** 2 + 1e-18)
    weights_MK /= weights_MK.sum(axis=1, keepdims=True)
    result[there] = (weights_MK[..., None] * np.asarray(values_NE, np.float64)[nearest_MK]).sum(axis=1)
    return result
