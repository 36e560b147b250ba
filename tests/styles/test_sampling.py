"""Drawing styles: seeds, distributions, covers and walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from studio.styles.covering import choose_cover, farthest_points
from studio.styles.distribution import fit_codes
from studio.styles.map2d import fit_map, pca_2d
from studio.styles.sampling import (
    blends,
    from_average,
    from_reference,
    sample_cover,
    sample_fitted,
    sample_random,
)
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette, Style


def _codes(styles: list[Style]) -> np.ndarray:
    return np.array([s.code for s in styles])


def test_random_styles_follow_seed_and_temperature() -> None:
    assert sample_random(5, 8, seed=3) == sample_random(5, 8, seed=3) != sample_random(5, 8, seed=4)
    wide = _codes(sample_random(4000, 8, temperature=2.0, seed=0))
    assert wide.std(axis=0) == pytest.approx(2.0, rel=0.06) and np.abs(wide.mean(axis=0)).max() < 0.15
    assert not _codes(sample_random(3, 8, temperature=0.0)).any()
    Palette("all", "run", tuple(sample_random(300, 8)))


def test_fitted_styles_follow_the_footages_distribution() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4)) * [0.1, 0.4, 0.8, 0.3]
    footage = rng.normal(size=(3000, 4)) @ mixing + [1, 0, -2, 0.5]
    drawn = _codes(sample_fitted(footage, 6000, seed=1))
    assert drawn.mean(axis=0) == pytest.approx(footage.mean(axis=0), abs=0.06)
    assert np.cov(drawn.T) == pytest.approx(np.cov(footage.T), abs=0.08)


def test_few_codes_are_regularised() -> None:
    footage = np.random.default_rng(1).normal(size=(4, 8))
    fitted = fit_codes(footage)
    assert 0 < fitted.shrinkage <= 1 and fitted.deviations_S.min() > 0.05
    assert fit_codes(np.random.default_rng(2).normal(size=(5000, 8)) * np.arange(1, 9)).shrinkage < 0.01
    with pytest.raises(InputError, match="at least 2"):
        sample_fitted(footage[:1], 3)


@given(arrays(np.float64, (12, 4), elements=st.floats(-2, 2, width=32)), st.integers(0, 3), st.floats(-3, 3))
def test_walking_an_axis_moves_one_coordinate(footage: np.ndarray, axis: int, to: float) -> None:
    fitted = fit_codes(footage)
    assert fitted.axes_SS @ fitted.axes_SS.T == pytest.approx(np.eye(4), abs=1e-8)
    assert (np.diff(fitted.deviations_S) <= 1e-12).all()
    assert fitted.coloured(fitted.coordinates(footage)) == pytest.approx(footage, abs=1e-6)
    before = fitted.coordinates(footage[:1])[0]
    after = fitted.coordinates(fitted.moved(footage[0], axis, to)[None])[0]
    assert after[axis] == pytest.approx(to, abs=1e-5)
    assert np.delete(after, axis) == pytest.approx(np.delete(before, axis), abs=1e-5)


def test_cover_finds_the_clusters() -> None:
    rng = np.random.default_rng(3)
    centres = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10.0]])
    sizes = [40, 30, 20, 10]
    footage = np.concatenate([c + rng.normal(size=(n, 3)) for c, n in zip(centres, sizes, strict=True)])
    names = [f"frame {i}" for i in range(100)]
    styles = sample_cover(footage, 4, seed=0, sources=names)
    assert np.round(_codes(styles) / 10).tolist() == np.round(centres / 10).tolist()
    assert all(np.float32(footage[names.index(s.source)]).tolist() == list(s.code) for s in styles)
    assert styles == sample_cover(footage, 4, seed=0, sources=names)


@given(arrays(np.float64, (15, 2), elements=st.integers(-5, 5).map(float)), st.integers(1, 15))
def test_cover_gives_different_codes_or_refuses(footage: np.ndarray, count: int) -> None:
    distinct = len(np.unique(footage, axis=0))
    if count > distinct:
        with pytest.raises(InputError, match=f"at most {distinct}"):
            sample_cover(footage, count)
        return
    chosen = footage[choose_cover(footage, count, seed=0)]
    assert len(np.unique(chosen, axis=0)) == count
    start = footage[farthest_points(footage, count)]
    cost, start_cost = (np.linalg.norm(footage[:, None] - c[None], axis=2).min(axis=1).sum() for c in (chosen, start))
    assert cost <= start_cost + 1e-9


def test_cover_of_very_many_codes_is_fast_and_seeded() -> None:
    footage = np.random.default_rng(4).normal(size=(12_000, 8))
    assert np.array_equal(choose_cover(footage, 12, seed=1), choose_cover(footage, 12, seed=1))


def test_references_blends_and_averages() -> None:
    first = from_reference([0.0, 1.0], source="video 1/frame 3")
    second = from_average(np.array([[2.0, 1.0], [4.0, 3.0]]), source="video 2")
    assert (first.origin, first.source, second.code) == ("reference", "video 1/frame 3", (3.0, 2.0))
    assert [b.code[0] for b in blends(first, second, 2)] == pytest.approx([1.0, 2.0])
    with pytest.raises(InputError):
        from_reference([float("nan")], source="black.png")


@pytest.mark.parametrize("call", [
    lambda: sample_random(0, 8), lambda: sample_random(3, 0), lambda: sample_random(3, 8, temperature=-1),
    lambda: sample_random(10**6, 8), lambda: sample_cover(np.zeros((0, 3)), 1),
])  # fmt: skip
def test_unusable_wishes_are_refused(call: object) -> None:
    with pytest.raises(InputError):
        call()  # type: ignore[operator]


def test_map_agrees_with_the_covariance() -> None:
    codes = np.random.default_rng(5).normal(size=(200, 5)) * [3, 0.1, 2, 0.1, 0.1]
    xy, explained = pca_2d(codes)
    variances = np.sort(np.linalg.eigvalsh(np.cov(codes.T)))[::-1]
    assert explained == pytest.approx(variances[:2] / variances.sum())
    assert xy.var(axis=0, ddof=1) == pytest.approx(variances[:2])
    fitted = fit_map(codes)
    moved = fitted.place((1.5, -0.5), like_S=codes[7])
    assert fitted.project(moved[None])[0] == pytest.approx([1.5, -0.5])
    assert (moved - codes[7]) @ np.linalg.svd(fitted.axes_2S)[2][2:].T == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shape", [(1, 8), (2, 8), (5, 1), (3, 2)])
def test_map_of_few_codes(shape: tuple[int, int]) -> None:
    xy, explained = pca_2d(np.random.default_rng(6).normal(size=shape))
    assert xy.shape == (shape[0], 2) and np.isfinite(xy).all() and explained.sum() <= 1 + 1e-9
