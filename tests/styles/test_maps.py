"""Maps by neighbourhood: t-SNE keeps groups together, and codes find their place among neighbours and back."""

from __future__ import annotations

import numpy as np
import pytest

from studio.styles.map2d import pca_2d
from studio.styles.neighbour_map import NeighbourMap
from studio.styles.tsne import tsne_2d
from studio.vocabulary.errors import InputError


def groups(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Three tight groups of codes far from one another, and which group each belongs to."""
    rng = np.random.default_rng(3)
    middles = np.zeros((3, 8))
    middles[1, 2], middles[2, 5] = 8, -8
    owner = np.repeat(np.arange(3), count)
    return middles[owner] + 0.1 * rng.standard_normal((3 * count, 8)), owner


def test_tsne_lays_what_is_alike_together_the_same_way_every_time() -> None:
    codes, owner = groups()
    xy = tsne_2d(codes, seed=1)
    assert xy.shape == (36, 2) and np.isfinite(xy).all()
    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (owner[distances.argmin(axis=1)] == owner).all()
    assert (tsne_2d(codes, seed=1) == xy).all()


def test_tsne_lies_wide_and_with_the_sides_of_the_plain_map() -> None:
    codes, _ = groups()
    xy = tsne_2d(codes, seed=2)
    assert xy[:, 0].std() >= xy[:, 1].std()
    assert (np.sum(xy * pca_2d(codes)[0], axis=0) >= 0).all()


def test_too_few_codes_for_tsne_are_told() -> None:
    assert tsne_2d(np.eye(4, 8)).shape == (4, 2)
    with pytest.raises(InputError, match="at least 4 are needed"):
        tsne_2d(np.eye(3, 8))


def test_known_codes_lie_at_their_own_points_and_back() -> None:
    codes, xy = np.eye(5, 3) + np.arange(5)[:, None], np.arange(10.0).reshape(5, 2) ** 2
    places = NeighbourMap(codes, xy)
    assert places.project(codes) == pytest.approx(xy)
    assert places.place((16.0, 25.0)) == pytest.approx(codes[2])
    assert places.size == 3


def test_what_lies_between_is_weighted_by_the_square_of_the_distance() -> None:
    places = NeighbourMap(np.array([[0.0], [3.0], [100.0]]), np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 0.0]]))
    # 1 from the first, 2 from the second, 99 from the third: weights 1, 1/4, 1/9801.
    weights = np.array([1, 1 / 4, 1 / 99**2])
    assert places.project(np.array([[1.0]]))[0] == pytest.approx([6 * weights[1] / weights.sum(), 0])
    assert np.isnan(places.project(np.array([[np.nan]]))).all()
