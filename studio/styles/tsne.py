"""The style map by neighbourhood: t-SNE of the footage's codes (van der Maaten and Hinton 2008)."""

from __future__ import annotations

import numpy as np

from studio.styles.distances import checked_codes
from studio.styles.map2d import pca_2d

LEAST_CODES = 4
_PERPLEXITY = 30.0


def tsne_2d(codes_NS: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """float64 Nx2: codes that are alike lie together; distances between groups mean little. Same seed, same map.

    It starts from the principal components, so that the map lies as the plain one does. Raise InputError for fewer
    than LEAST_CODES codes.
    """
    from sklearn.manifold import TSNE  # takes a second, which only those wait for who ask for such a map

    codes = checked_codes(codes_NS, least=LEAST_CODES)
    perplexity = min(_PERPLEXITY, (len(codes) - 1) / 3)
    start_N2 = _start(codes)
    fitted = TSNE(2, perplexity=perplexity, init=start_N2, random_state=seed, learning_rate="auto")
    return _turned(np.asarray(fitted.fit_transform(codes.astype(np.float32)), np.float64), start_N2)


def _start(codes_NS: np.ndarray) -> np.ndarray:
    """float32 Nx2 principal components, made narrow as Kobak and Berens (2019) advise."""
    xy_N2 = pca_2d(codes_NS)[0]
    return (xy_N2 / max(float(xy_N2[:, 0].std()), 1e-9) * 1e-4).astype(np.float32)


def _turned(xy_N2: np.ndarray, like_N2: np.ndarray) -> np.ndarray:
    """The same map, widest from left to right and with the sides where ``like_N2`` has them."""
    turned_N2 = pca_2d(xy_N2)[0]
    return turned_N2 * np.where((turned_N2 * like_N2).sum(axis=0) < 0, -1.0, 1.0)
