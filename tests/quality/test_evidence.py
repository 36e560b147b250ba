"""Each piece of evidence on pictures so plain that its value follows by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.special import erf

from studio.quality.contrast import Contrast, contrast_kept
from studio.quality.drift import common_motion
from studio.quality.edges import edge_agreement
from studio.quality.outlines import Outlines, find_outlines
from studio.quality.substance import substance_kept

LABELS = np.where(np.arange(160)[None, :] < 80, 1, 2).repeat(96, axis=0).astype(np.uint8).reshape(96, 160)


def _halves(left: float, right: float) -> np.ndarray:
    """uint8 96x160x3: one grey on each side of the labels' only outline."""
    return np.repeat(np.where(LABELS == 1, left, right)[..., None], 3, axis=2).astype(np.uint8)


def _outlines_at(xy: np.ndarray, normals: np.ndarray) -> Outlines:
    """One piece of one point each."""
    count = len(xy)
    return Outlines(
        xy.astype(np.float32), normals.astype(np.float32), np.arange(count), np.ones(count, np.int64),
        np.ones(count, np.int64), np.full(count, 2), np.ones((count, 19), bool),
    )  # fmt: skip


def _contrast(render: np.ndarray, translation: np.ndarray) -> Contrast:
    outlines = find_outlines(LABELS)
    return contrast_kept(outlines, render, translation, outlines.count_G.astype(float))


def test_contrast_is_the_ratio_of_logarithmic_steps() -> None:
    found = _contrast(_halves(48, 240), _halves(112, 240))
    # log((240+16)/(48+16)) = log 4; log((240+16)/(112+16)) = log 2: half of the difference is kept.
    assert found.kept_G == pytest.approx(np.full(len(found.kept_G), 0.5), abs=0.01)
    assert found.least_kept() == pytest.approx(np.log(0.5), abs=0.02)


def test_a_side_turned_over_is_minus_one() -> None:
    translation = _halves(60, 200)
    translation[:24] = _halves(200, 60)[:24]
    found = _contrast(_halves(60, 200), translation)
    order = np.argsort(found.outlines.means(found.outlines.xy_P2)[:, 1])
    assert found.turned_G[order[0]] < -0.9 and found.turned_G[order[2]] > 0.3
    assert _contrast(_halves(60, 200), _halves(200, 60)).least_turned() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("sigma", [0.8, 2.0, 3.0])
def test_steepness_is_that_of_a_blurred_step(sigma: float) -> None:
    image = cv2.GaussianBlur(_halves(180, 250), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    found = _contrast(_halves(180, 250), image).steepness()
    # A step of 2 under Gaussians of sigma and 1 px is erf(x / sqrt 2 s); nearly straight here in the logarithm.
    spread = np.sqrt(2 * (sigma**2 + 1))
    side = np.average(erf(np.arange(1.5, 8) / spread), weights=[0.25, 1, 1, 1, 1, 1, 1])
    assert found == pytest.approx(erf(0.5 / spread) / side, rel=0.06)


def test_substance_is_the_logarithm_of_the_ratio_of_spreads_by_region() -> None:
    labels = np.ones((120, 120), np.uint8)
    labels[:, 58:62] = 2
    ramp = np.repeat(np.arange(120, dtype=np.uint8)[:, None, None], 120, axis=1).repeat(3, axis=2)
    render, translation = 2 * ramp, 2 * ramp
    translation[:, 62:] = ramp[:, 62:] + 60
    found = substance_kept(render, translation, labels)
    # Two regions of class 1 (the strip between them is too thin): kept as it was, and with half the range.
    assert sorted(found.kept.values()) == pytest.approx([np.log(0.5), 0.0], abs=0.02)
    assert found.least(1) == pytest.approx(np.log(0.5), abs=0.02) and found.least(2) is None
    assert found.regions_HW[60, 60] == 0 and found.regions_HW[60, 10] != found.regions_HW[60, 110]
    translation[:, 62:] = 7
    assert substance_kept(render, translation, labels).least() < -3


def test_common_motion_finds_an_affine_motion_among_outliers() -> None:
    rng = np.random.default_rng(3)
    xy, angle = rng.uniform(0, 400, (200, 2)), rng.uniform(0, 2 * np.pi, 200)
    normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    motion = np.array([1.2, -0.7]) + 0.004 * (xy - xy.mean(axis=0))[:, ::-1] * [1, -1]
    along = (motion * normals).sum(axis=1) + rng.normal(0, 0.3, 200)
    along[::5] = rng.uniform(-7, 7, 40)
    found = common_motion(_outlines_at(xy, normals), along, np.full(200, 20.0))
    assert np.abs(found - motion).max() < 0.25
    assert np.abs(common_motion(_outlines_at(xy, normals), rng.normal(0, 1, 200), np.full(200, 20.0))).max() < 0.5


def test_two_px_are_seen_along_outlines() -> None:
    labels = np.ones((160, 240), np.uint8)
    cv2.circle(labels, (120, 80), 50, 2, -1)
    render = cv2.GaussianBlur(np.where(labels == 2, 190, 80).astype(np.uint8), (0, 0), 0.7)[..., None].repeat(3, axis=2)
    assert edge_agreement(render, 255 - render, labels).common_motion() == pytest.approx(0, abs=0.1)
    moved = np.roll(255 - render, 2, axis=1)
    assert edge_agreement(render, moved, labels).common_motion() == pytest.approx(2, abs=0.25)
