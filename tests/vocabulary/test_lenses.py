"""Lenses that bend, against OpenCV's own projection: it says where a point is seen, the lens which ray that is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studio.vocabulary.lenses import Lens, slopes

LENSES = {
    "barrel": Lens("OPENCV", (-0.25, 0.05, 0.0, 0.0)),
    "pincushion": Lens("OPENCV", (0.2, 0.03, -0.01, 0.0)),
    "tangential": Lens("OPENCV", (-0.1, 0.0, 0.02, 0.0), (0.01, -0.02)),
    "fisheye": Lens("OPENCV_FISHEYE", (0.05, -0.02, 0.004, -0.001)),
    "ideal fisheye": Lens("OPENCV_FISHEYE", (0.0, 0.0, 0.0, 0.0)),
}
RNG = np.random.default_rng(5)
SLOPES_N2 = np.concatenate([RNG.uniform(-0.7, 0.7, (400, 2)), np.zeros((1, 2))])


def _opencv(lens: Lens, slopes_N2: np.ndarray) -> np.ndarray:
    """Where OpenCV sees points at z = 1 through a camera whose K is the identity."""
    points = np.concatenate([slopes_N2, np.ones((len(slopes_N2), 1))], axis=1)[:, None]
    still = np.zeros(3)
    if lens.model == "OPENCV_FISHEYE":
        seen, _ = cv2.fisheye.projectPoints(points, still, still, np.eye(3), np.array(lens.radial))
    else:
        k1, k2, k3, _ = lens.radial
        seen, _ = cv2.projectPoints(points, still, still, np.eye(3), np.array([k1, k2, *lens.tangential, k3]))
    return np.asarray(seen[:, 0])


@pytest.mark.parametrize("name", LENSES)
def test_points_are_seen_where_opencv_sees_them(name: str) -> None:
    np.testing.assert_allclose(LENSES[name].bent(SLOPES_N2), _opencv(LENSES[name], SLOPES_N2), atol=1e-9)


@pytest.mark.parametrize("name", LENSES)
def test_what_opencv_bends_is_made_straight_again(name: str) -> None:
    found = LENSES[name].straight(_opencv(LENSES[name], SLOPES_N2))
    np.testing.assert_allclose(found, SLOPES_N2, atol=1e-6)


def test_the_fourth_radial_coefficient_belongs_to_the_eighth_power() -> None:
    lens = Lens("OPENCV", (0.0, 0.0, 0.0, 0.5))
    assert lens.bent(np.array([[0.5, 0.0]]))[0, 0] == pytest.approx(0.5 * (1 + 0.5 * 0.5**8), abs=1e-12)


def test_beyond_the_fold_there_is_no_ray() -> None:
    """With k1 = -0.5 the bent radius r - 0.5 r^3 grows up to r = sqrt(2/3), where it is 0.5443."""
    lens = Lens("OPENCV", (-0.5, 0.0, 0.0, 0.0))
    found = lens.straight(np.array([[0.54, 0.0], [0.56, 0.0], [0.0, 0.9]]))
    assert np.isfinite(found[:, 0]).tolist() == [True, False, False]
    assert 0.7 < found[0, 0] < np.sqrt(2 / 3)


def test_a_fisheye_shows_no_slopes_behind_the_camera() -> None:
    angles = np.deg2rad([60.0, 88.0, 92.0])
    found = LENSES["ideal fisheye"].straight(np.stack([angles, np.zeros(3)], axis=1))
    assert found[:2, 0] == pytest.approx(np.tan(angles[:2]))
    assert np.isnan(found[2]).all()


def test_slopes_of_pixels_have_their_centres_at_a_half() -> None:
    K = np.array([[50.0, 0, 4.5], [0, 40.0, 2.0], [0, 0, 1]])
    x_HW, y_HW = slopes((8, 6), K)
    assert x_HW[0, 4] == 0
    assert y_HW[3, 0] == pytest.approx((3.5 - 2) / 40)
    bent_x_HW, bent_y_HW = slopes((8, 6), K, LENSES["barrel"])
    expected = cv2.undistortPoints(
        np.array([[[6.5, 5.5]]]), K, np.array([-0.25, 0.05, 0, 0]),
        None, None, None,
    )[0, 0]  # fmt: skip
    assert (bent_x_HW[5, 6], bent_y_HW[5, 6]) == pytest.approx(tuple(expected), abs=1e-6)


@pytest.mark.parametrize("name", LENSES)
def test_a_lens_is_written_and_read_again(name: str) -> None:
    assert Lens.from_json(LENSES[name].to_json()) == LENSES[name]


def test_a_lens_that_bends_nothing_is_none() -> None:
    assert Lens.from_json({"model": "OPENCV", "k1": 0.0}) is None


@pytest.mark.parametrize(
    "values",
    [{}, {"model": "MADE_UP"}, {"model": "OPENCV", "k1": "much"}, {"model": "OPENCV", "k2": float("nan")}],
)
def test_what_is_no_lens_is_refused(values: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Lens.from_json(values)
