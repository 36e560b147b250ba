"""What lies on the two sides of each outline: whether they differ, the usual way round, and how sharply.

Colours are compared as logarithms, so that light falling off or a darker exposure changes no difference.
Shapes as in outlines; S samples along the normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from studio.quality.outlines import REACH, Outlines, near_means, sample_across

_SMOOTHING = 1.0
_DARK, _SCALE = 16.0, 64.0
"""The logarithm's offset (8-bit levels: below it, differences are noise) and the scale on which it is used."""
_OFFSETS = np.arange(-REACH - 0.5, REACH + 1)
_SIDE_WEIGHT = np.where(np.abs(_OFFSETS) < 1, 0, np.where(np.abs(_OFFSETS) < 2, 0.25, np.abs(_OFFSETS) < 8))
_MIDDLE = np.s_[REACH - 2 : REACH + 3]
_PRIOR_POINTS = 40.0
_EXPECTED, _EXPECTED_RANGE = 0.3, 0.4
_LEAST_STEP = 1.0
_LEAST_WEIGHT, _LEAST_PIECE_WEIGHT, _LEAST_NEAR_WEIGHT = 15.0, 3.0, 10.0


@dataclass(frozen=True, eq=False)
class Contrast:
    """Per piece G: ``kept_G``: the difference of its sides relative to the render's, 0 to 1.5; ``turned_G``: that
    difference projected on the usual one between the two classes in the translation: 1 as usual, 0 none, -1 the other
    way round (the classes have changed places); ``steepness_G``: share of it within 1 px; weights say how much the
    render lets one expect."""

    outlines: Outlines
    kept_G: np.ndarray
    turned_G: np.ndarray
    steepness_G: np.ndarray
    weight_G: np.ndarray
    turned_weight_G: np.ndarray

    def least_kept(self, class_id: int | None = None) -> float | None:
        """Natural logarithm of the lowest kept_G, averaged over near pieces; None where nothing can be said."""
        lowest = self._lowest(self._near_kept_G, self.weight_G, class_id)
        return None if lowest is None else float(np.log(max(lowest, 0.02)))

    def least_turned(self, class_id: int | None = None) -> float | None:
        """The lowest turned_G (-1 to 1), averaged over near pieces; None where nothing can be said."""
        return self._lowest(self._near_turned_G, self.turned_weight_G, class_id)

    def steepness(self, class_id: int | None = None) -> float | None:
        """Weighted mean of steepness_G: about 0.4 for a sharp picture, under 0.2 for a blurred one."""
        weight = self.weight_G * np.isfinite(self.steepness_G)
        if class_id is not None:
            weight = weight * self.outlines.touch(class_id)
        total = float(weight.sum())
        return float((weight * np.nan_to_num(self.steepness_G)).sum()) / total if total >= _LEAST_WEIGHT else None

    @cached_property
    def _near_kept_G(self) -> np.ndarray:
        return near_means(self.outlines, self.kept_G, self.weight_G)[0]

    @cached_property
    def _near_turned_G(self) -> np.ndarray:
        means_G, reach_G = near_means(self.outlines, self.turned_G, self.turned_weight_G)
        return np.asarray(np.where(reach_G >= _LEAST_NEAR_WEIGHT, means_G, 1.0))

    def _lowest(self, values_G: np.ndarray, weight_G: np.ndarray, class_id: int | None) -> float | None:
        told_G = weight_G >= _LEAST_PIECE_WEIGHT
        if class_id is not None:
            told_G &= self.outlines.touch(class_id)
        return float(values_G[told_G].min()) if told_G.any() else None


def contrast_kept(
    outlines: Outlines, render_HW3: np.ndarray, translation_HW3: np.ndarray, weight_G: np.ndarray
) -> Contrast:
    """Compare two uint8 RGB pictures; ``weight_G``: how clearly the render shows each piece, times its points."""
    render, translation = (_Sides.of(outlines, image) for image in (render_HW3, translation_HW3))
    render_turned_G, turned_G = (_turned(outlines, sides, weight_G) for sides in (render, translation))
    kept_G = np.clip(translation.size_G / np.maximum(render.size_G, _LEAST_STEP), 0, 1.5)
    expected_G = np.clip((render_turned_G - _EXPECTED) / _EXPECTED_RANGE, 0, 1)
    steepness_G = np.where(
        outlines.wide_G, translation.steepest_G / np.maximum(translation.size_G, _LEAST_STEP), np.nan
    )
    return Contrast(outlines, kept_G, np.clip(turned_G, -1, 1), steepness_G, weight_G, weight_G * expected_G)


@dataclass(frozen=True, eq=False)
class _Sides:
    """Mean colours on the inner and the outer side of each piece, and its steepest step per px."""

    inner_G3: np.ndarray
    outer_G3: np.ndarray
    steepest_G: np.ndarray

    @property
    def size_G(self) -> np.ndarray:
        return np.asarray(np.linalg.norm(self.outer_G3 - self.inner_G3, axis=1))

    @staticmethod
    def of(outlines: Outlines, image_HW3: np.ndarray) -> _Sides:
        profile_GS3, known_GS = _profiles(outlines, logarithmic(image_HW3, _SMOOTHING))
        sides = []
        for side in (np.s_[: REACH + 1], np.s_[REACH + 1 :]):
            weight_GS = known_GS[:, side] * _SIDE_WEIGHT[side]
            weight_GS = weight_GS / np.maximum(weight_GS.sum(axis=1, keepdims=True), 1e-6)
            sides.append((weight_GS[..., None] * profile_GS3[:, side]).sum(axis=1))
        steps_GS = np.linalg.norm(np.diff(profile_GS3[:, _MIDDLE], axis=1), axis=2)
        return _Sides(sides[0], sides[1], steps_GS.max(axis=1, initial=0.0))


def logarithmic(image_HW3: np.ndarray, sigma: float) -> np.ndarray:
    """float32 HxWx3: logarithms of the smoothed colours, about 0 to 180."""
    smooth_HW3 = cv2.GaussianBlur(image_HW3, (0, 0), sigma).astype(np.float32)
    return np.asarray(_SCALE * cv2.log(1 + smooth_HW3 / _DARK))


def _profiles(outlines: Outlines, image_HW3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(GxSx3 mean colours, GxS points that they are means of), up to where a profile meets the next outline."""
    if not len(outlines):
        return np.zeros((0, len(_OFFSETS), 3)), np.zeros((0, len(_OFFSETS)))
    # Steps between samples are what is known to be valid; a sample is as valid as the step before it, seen from 0.
    valid_PS = np.concatenate([outlines.valid_PO[:, : REACH + 1], outlines.valid_PO[:, REACH:]], axis=1)
    samples_PS3 = sample_across(outlines, image_HW3, _OFFSETS) * valid_PS[..., None]
    known_GS = np.add.reduceat(valid_PS.astype(np.float32), outlines.start_G, axis=0)
    sums_GS3 = np.add.reduceat(samples_PS3, outlines.start_G, axis=0)
    return np.asarray(sums_GS3 / np.maximum(known_GS, 1)[..., None]), known_GS


def _turned(outlines: Outlines, sides: _Sides, weight_G: np.ndarray) -> np.ndarray:
    """Each piece's difference projected on that of the other pieces between the same two classes, and of the classes'
    means beside all their outlines (which stand in where a pair meets once)."""
    if not len(outlines):
        return np.zeros(0)
    step_G3 = sides.outer_G3 - sides.inner_G3
    pair, of_G = np.unique(outlines.class_G * 256 + outlines.neighbour_G, return_inverse=True)
    sums, totals = np.zeros((len(pair), 3)), np.zeros(len(pair))
    np.add.at(sums, of_G, weight_G[:, None] * step_G3)
    np.add.at(totals, of_G, weight_G)
    others_G3 = sums[of_G] - weight_G[:, None] * step_G3 + _PRIOR_POINTS * _class_steps(outlines, sides, weight_G)
    usual_G3 = others_G3 / (totals[of_G] - weight_G + _PRIOR_POINTS)[:, None]
    return np.asarray((step_G3 * usual_G3).sum(axis=1) / np.maximum((usual_G3**2).sum(axis=1), 1e-3))


def _class_steps(outlines: Outlines, sides: _Sides, weight_G: np.ndarray) -> np.ndarray:
    """Gx3: the neighbour's mean colour less the class' own, each taken beside all outlines of that class."""
    sums, totals = np.zeros((256, 3)), np.zeros(256)
    for class_G, colour_G3 in ((outlines.class_G, sides.inner_G3), (outlines.neighbour_G, sides.outer_G3)):
        np.add.at(sums, class_G, weight_G[:, None] * colour_G3)
        np.add.at(totals, class_G, weight_G)
    means = sums / np.maximum(totals, 1e-6)[:, None]
    return np.asarray(means[outlines.neighbour_G] - means[outlines.class_G])
