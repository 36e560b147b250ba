"""Validity against perturbations written apart from the bench's; curves were fitted on the same kinds, other code."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from studio.quality.calibration import area_under_curve
from studio.quality.validity import compare, measure_validity
from tests.quality.made_scenes import made_scene

SCENES = [made_scene(91_000 + i, width=320, height=180) for i in range(6)]
Break = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _looks(render: np.ndarray, number: int) -> np.ndarray:
    """Another tone curve and white balance, a lamp to one side, sensor noise: nothing is moved."""
    rng = np.random.default_rng(number)
    toned = 255 * (render / 255) ** rng.uniform(0.7, 1.4) * rng.uniform(0.75, 1.0, 3)
    lamp = np.linspace(rng.uniform(0.6, 0.9), 1.0, render.shape[1])[None, :, None]
    return np.asarray(np.clip(toned * lamp + rng.normal(0, 2, render.shape), 0, 255), np.uint8)


def _rotated(image: np.ndarray, _labels: np.ndarray) -> np.ndarray:
    """By 2.5 degrees: about 4 px at the outlines."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 2.5, 1.0)
    return np.asarray(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT))


def _rolled(image: np.ndarray, _labels: np.ndarray) -> np.ndarray:
    return np.asarray(np.roll(image, (3, 3), axis=(0, 1)))


def _blotted_out(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The largest organ is black, with a soft outline."""
    organ = np.bincount(labels[labels < 6]).argmax()
    share = cv2.GaussianBlur((labels == organ).astype(np.float32), (0, 0), 1)[..., None]
    return np.asarray(image * (1 - share) + 6 * share, np.uint8)


def _defocused(image: np.ndarray, _labels: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 4))


def _without_tool(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    tool = cv2.dilate((labels >= 6).astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(cv2.inpaint(image, tool, 3, cv2.INPAINT_NS))


BREAKS: dict[str, Break] = {
    f.__name__.strip("_"): f for f in (_rotated, _rolled, _blotted_out, _defocused, _without_tool)
}


def _value(number: int, translation: np.ndarray) -> float:
    render, labels = SCENES[number]
    return measure_validity(render, translation, labels).value


@pytest.fixture(scope="module")
def faithful() -> np.ndarray:
    return np.array([_value(n, _looks(SCENES[n][0], n)) for n in range(len(SCENES))])


@pytest.mark.parametrize("kind", BREAKS)
def test_ranks_faithful_above(faithful: np.ndarray, kind: str) -> None:
    looks = [_looks(render, 100 + n) for n, (render, _) in enumerate(SCENES)]
    broken = [_value(n, BREAKS[kind](looks[n], SCENES[n][1])) for n in range(len(SCENES))]
    assert area_under_curve(faithful, np.array(broken)) >= 0.95


def test_an_instrument_that_is_not_there_is_found_and_mapped() -> None:
    render, labels = SCENES[0]
    looks = _looks(render, 7)
    drawn = cv2.line(np.zeros(labels.shape, np.uint8), (319, 20), (150, 100), 1, 14).astype(bool)
    drawn &= labels < 6
    shown = np.where(drawn[..., None], np.uint8(245), looks)
    before, after = compare(render, looks, labels), compare(render, shown, labels)
    assert after.validity().measures["invented"] > before.validity().measures["invented"] + 0.1
    assert after.validity().value < before.validity().value
    assert after.map()[drawn].mean() < before.map()[drawn].mean() - 0.1
