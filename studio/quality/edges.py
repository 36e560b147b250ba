"""Agreement of label edges with a picture's edges, piece by piece of every outline.

The render says which outlines can be seen at all; the translation must show those, at the same place. Contrast,
colour and sign are free, so that new appearances (also inverted ones) cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from studio.quality.drift import pull
from studio.quality.outlines import OFFSETS, REACH, Outlines, find_outlines, near_means, steps_across

_SMOOTHING = 1.0
_NEAR = 1
_FAR = 3
_FLOOR = 1.0
_BACKGROUND_FACTOR = 2.0
_MATCHED = np.exp(-0.5 * np.arange(-2, 3) ** 2)[None, :]
_CLEAR_SHARE = 0.4
_RENDER_REACH = 2
_LEAST_WEIGHT, _LEAST_PIECE_WEIGHT = 15.0, 3.0
"""Points of clearly visible outline (in px) below which a mean, or one piece, says nothing."""


@dataclass(frozen=True, eq=False)
class EdgeAgreement:
    """Per piece G of the outlines.

    ``presence_G``: 0 (the translation shows no edge there) to 1; ``displacement_G``: of the edge, in px along the
    normal, signed; ``pull_G``: see drift.pull; ``weight_G``: points of the piece times how clearly the render shows it.
    """

    outlines: Outlines
    presence_G: np.ndarray
    displacement_G: np.ndarray
    pull_G: np.ndarray
    weight_G: np.ndarray

    @property
    def score_G(self) -> np.ndarray:
        """0 to 1: presence, less where the edge lies off by more than 1 px (nothing is left at 4 px)."""
        return np.asarray(self.presence_G * np.clip((4.0 - np.abs(self.displacement_G)) / 3.0, 0, 1))

    def mean_presence(self, class_id: int | None = None) -> float | None:
        """Weighted mean over all pieces or those of one class; None where nothing can be said."""
        return self._mean(self.presence_G, class_id)

    def mean_displacement(self, class_id: int | None = None) -> float | None:
        """Weighted mean size of the displacement in px; None where nothing can be said."""
        return self._mean(np.abs(self.displacement_G), class_id)

    def mean_pull(self, class_id: int | None = None) -> float | None:
        """Weighted mean of pull_G; None where nothing can be said."""
        return self._mean(self.pull_G, class_id)

    def mean_score(self, class_id: int | None = None) -> float | None:
        """Weighted mean of score_G; None where nothing can be said."""
        return self._mean(self.score_G, class_id)

    def weakest(self, class_id: int | None = None) -> float | None:
        """The lowest presence, over the whole picture or one class, after averaging over near pieces (Gaussian, 10 px),
        so that one badly lit stretch is no verdict; None where nothing can be said."""
        told_G = self.weight_G >= _LEAST_PIECE_WEIGHT
        if class_id is not None:
            told_G &= self.outlines.touch(class_id)
        return float(self._local_presence_G[told_G].min()) if told_G.any() else None

    @cached_property
    def _local_presence_G(self) -> np.ndarray:
        return near_means(self.outlines, self.presence_G, self.weight_G)[0]

    def _mean(self, values_G: np.ndarray, class_id: int | None) -> float | None:
        weight = self.weight_G
        if class_id is not None:
            weight = weight * self.outlines.touch(class_id)
        total = float(weight.sum())
        return float((weight * values_G).sum()) / total if total >= _LEAST_WEIGHT else None


def edge_agreement(
    render_HW3: np.ndarray,
    translation_HW3: np.ndarray,
    segmentation_HW: np.ndarray,
    *,
    alike: tuple[frozenset[int], ...] = (),
) -> EdgeAgreement:
    """Compare two uint8 RGB pictures along the outlines of the labels; see find_outlines for ``alike``."""
    outlines = find_outlines(segmentation_HW, alike)
    render_GO, translation_GO = (
        steps_across(outlines, cv2.GaussianBlur(image.astype(np.float32), (0, 0), _SMOOTHING))
        for image in (render_HW3, translation_HW3)
    )
    weight_G = outlines.count_G * _presence(render_GO)
    profiles_GO = _matched(translation_GO)
    displacement_G = _nearest_edge(profiles_GO, _strongest_edge(_matched(render_GO)))
    pull_G = pull(outlines, profiles_GO, weight_G)
    return EdgeAgreement(outlines, _presence(translation_GO), displacement_G, pull_G, weight_G)


def _presence(steps_GO: np.ndarray) -> np.ndarray:
    """0 to 1: the step at the outline against those away from it: s² / (s² + (2 b)² + 1), b their root mean square."""
    at_G = np.nan_to_num(steps_GO[:, REACH - _NEAR : REACH + _NEAR + 1]).max(axis=1, initial=0.0)
    away_GO = steps_GO[:, np.abs(OFFSETS) >= _FAR]
    known_G = np.isfinite(away_GO).sum(axis=1)
    square_G = np.nan_to_num(away_GO**2).sum(axis=1) / np.maximum(known_G, 1)
    # Thin things leave no room beside their outline: the picture's usual background stands in for theirs.
    usual = float(np.median(square_G[known_G > 2])) if (known_G > 2).any() else 0.0
    square_G = np.where(known_G > 2, square_G, usual)
    return np.asarray(at_G**2 / (at_G**2 + _BACKGROUND_FACTOR**2 * square_G + _FLOOR))


def _strongest_edge(smooth_GO: np.ndarray) -> np.ndarray:
    """Offset in px of the strongest edge near the outline."""
    near_GO = np.where(np.abs(OFFSETS) <= _RENDER_REACH, smooth_GO, -1)
    return _refined(smooth_GO, np.arange(len(near_GO)), near_GO.argmax(axis=1)) if len(near_GO) else np.zeros(0)


def _nearest_edge(smooth_GO: np.ndarray, expected_G: np.ndarray) -> np.ndarray:
    """Distance in px, signed, from where the edge is expected to the nearest one that is clear within its profile.

    Not to the strongest: shadows and highlights beside an outline are often stronger than the outline itself.
    """
    if not len(smooth_GO):
        return np.zeros(0)
    inner = smooth_GO[:, 1:-1]
    peaks_GO = (inner >= smooth_GO[:, :-2]) & (inner >= smooth_GO[:, 2:])
    peaks_GO &= inner >= _CLEAR_SHARE * smooth_GO.max(axis=1, keepdims=True)
    away_GO = np.where(peaks_GO, np.abs(OFFSETS[1:-1] - expected_G[:, None]), np.inf)
    nearest_G = away_GO.argmin(axis=1)
    found_G = _refined(smooth_GO, np.arange(len(smooth_GO)), nearest_G + 1) - expected_G
    return np.asarray(np.where(peaks_GO.any(axis=1), found_G, REACH))


def _matched(steps_GO: np.ndarray) -> np.ndarray:
    """Profiles of edge strength, smoothed along the normal; 0 where nothing is known."""
    if not len(steps_GO):
        return steps_GO
    smooth = cv2.filter2D(np.nan_to_num(steps_GO), cv2.CV_32F, _MATCHED, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(smooth)


def _refined(smooth_GO: np.ndarray, rows: np.ndarray, peak_G: np.ndarray) -> np.ndarray:
    """A peak's offset to a fraction of a px, by the parabola through it and its neighbours."""
    inner_G = np.clip(peak_G, 1, smooth_GO.shape[1] - 2)
    before, top, after = (smooth_GO[rows, inner_G + i] for i in (-1, 0, 1))
    bend = before - 2 * top + after
    curved = np.abs(bend) > 1e-6
    shift = np.where(curved, (before - after) / np.where(curved, 2 * bend, 1), 0)
    return np.asarray(inner_G - REACH + np.clip(shift, -0.5, 0.5))
