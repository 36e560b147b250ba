"""Validity: how far a translation's labels can still be trusted, 0 (not at all) to 1.

Ten pieces of evidence, each turned by a logistic curve σ(slope (value - centre)) into how likely a faithful
translation would show it; validity is their product, evidence that a frame cannot give being left out:

* displacement   mean distance (px) between where the render and where the translation shows the labels' outlines;
* pull           how much better near outlines would fit the translation if they were moved together;
* identity       how well the regions of the worst class look like that class and no other;
* places         the same at the worst places rather than on average;
* outlines       how clearly the translation shows the labels' outlines at the worst place;
* contrast       how much the two sides of an outline still differ there, against the render (logarithm);
* sides          whether they differ as elsewhere between the same classes, or the other way round;
* steepness      how steep the outlines are: a blurred one lies nowhere;
* substance      how much is left to see within the emptiest class (logarithm);
* invented       the extent of the longest outline that is neither the labels' nor the render's.

Centres and slopes were fitted (studio.quality.calibration) on pictures made faithful and broken on purpose. Brightness
and colour themselves count for nothing: a translation may recolour, invert, relight and retexture every class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from studio.quality.alike import merged
from studio.quality.content import check_pair, ms_ssim_brightness
from studio.quality.contrast import Contrast, contrast_kept
from studio.quality.edges import EdgeAgreement, edge_agreement
from studio.quality.identity import Identity, identity_kept
from studio.quality.invention import Invention, invented_outlines
from studio.quality.regions import colour_regions
from studio.quality.substance import substance_kept
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE

_LONGEST_SIDE = 512
_REACH_SIGMA = 5.0
_INVENTED_DOUBT = 2.0


@dataclass(frozen=True, slots=True)
class Curve:
    """σ(slope (value - centre)). A negative slope: lower values are better."""

    centre: float
    slope: float

    def __call__(self, value: float) -> float:
        return float(1 / (1 + np.exp(-np.clip(self.slope * (value - self.centre), -40, 40))))


CURVES: Mapping[str, Curve] = {
    "displacement": Curve(1.56, -4.6),
    "pull": Curve(0.193, -31.8),
    "identity": Curve(0.61, 15.2),
    "places": Curve(-0.087, 9.7),
    "outlines": Curve(0.035, 26.7),
    "contrast": Curve(-4.03, 2.5),
    "sides": Curve(-1.52, 4.4),
    "steepness": Curve(0.17, 50.7),
    "substance": Curve(-2.99, 3.2),
    "invented": Curve(0.4, -14.7),
}


@dataclass(frozen=True)
class Validity:
    """What measure_validity finds.

    ``value``: 0 to 1. ``measures``: the evidence that was found, by its name (see the module; displacement in px of the
    picture), and, for people to read, ms_ssim and edges (how well the translation shows the labels' outlines on the
    whole), each 0 to 1. ``per_class``: the same value from each class' own outlines and
    regions; classes too small to be judged are missing.
    """

    value: float
    measures: Mapping[str, float]
    per_class: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that was measured on one pair, from which validity and its map are read."""

    edges: EdgeAgreement
    identity: Identity
    contrast: Contrast
    substance: Mapping[int, float]
    invention: Invention | None
    ms_ssim: float
    size: tuple[int, int]
    scale: float
    classes: Mapping[int, int]
    labels_HW: np.ndarray

    def validity(self) -> Validity:
        found = self._evidence(None)
        measures = {"ms_ssim": self.ms_ssim, **found}
        edges = self.edges.mean_score()
        measures.update({} if edges is None else {"edges": edges})
        if "displacement" in measures:
            measures["displacement"] /= self.scale
        per_class = {c: _combined(e) for c, m in self.classes.items() if (e := self._evidence(m, c))}
        return Validity(_combined(found), measures, per_class)

    def map(self) -> np.ndarray:
        """float32 HxW, 0 to 1: what is doubtful and where. 1 where nothing speaks against the labels."""
        result = self._outline_map() * self.identity.map_HW * self._blot_map()
        if self.invention is not None:
            away_HW = cv2.GaussianBlur(self.invention.map_HW.astype(np.float32), (0, 0), _REACH_SIGMA / 2)
            result *= 1 - np.minimum(_INVENTED_DOUBT * away_HW, 1)
        return np.asarray(cv2.resize(result, self.size, interpolation=cv2.INTER_LINEAR).clip(0, 1), np.float32)

    def _evidence(self, class_id: int | None, own_id: int | None = None) -> dict[str, float]:
        """By name, what is known of the whole picture or of one class (as merged, and its own id)."""
        kept = self.identity.kept
        of_class = kept.get(class_id) if class_id is not None else min(kept.values(), default=None)
        found = {
            "displacement": self.edges.mean_displacement(class_id),
            "pull": self.edges.mean_pull(class_id),
            "identity": of_class,
            "places": self.identity.weakest_place(class_id),
            "outlines": self.edges.weakest(class_id),
            "contrast": self.contrast.least_kept(class_id),
            "sides": self.contrast.least_turned(class_id),
            "steepness": self.contrast.steepness(class_id),
            "substance": self._substance(own_id),
            "invented": self.invention.longest if self.invention is not None and class_id is None else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _substance(self, own_id: int | None) -> float | None:
        return min(self.substance.values(), default=None) if own_id is None else self.substance.get(own_id)

    def _blot_map(self) -> np.ndarray:
        trust_C = np.ones(256, np.float32)
        for class_id, value in self.substance.items():
            trust_C[class_id] = CURVES["substance"](value)
        return np.asarray(trust_C[self.labels_HW])

    def _outline_map(self) -> np.ndarray:
        height, width = self.identity.shape
        flat = np.zeros((2, height * width), np.float32)
        outlines = self.edges.outlines
        at = np.rint(outlines.xy_P2).astype(np.int64)
        index = np.clip(at[:, 1], 0, height - 1) * width + np.clip(at[:, 0], 0, width - 1)
        per_point = 1 / np.maximum(outlines.count_G, 1)
        told_G = self.contrast.turned_weight_G > 0
        score_G = self.edges.score_G * np.where(told_G, np.clip(1 + self.contrast.turned_G, 0, 1), 1)
        np.add.at(flat[0], index, np.repeat(self.edges.weight_G * per_point * (1 - score_G), outlines.count_G))
        np.add.at(flat[1], index, np.repeat(self.edges.weight_G * per_point, outlines.count_G))
        doubt, weight = (cv2.GaussianBlur(f.reshape(height, width), (0, 0), _REACH_SIGMA) for f in flat)
        # A straight outline through the middle of the blur weighs 1 / (sqrt(2 pi) sigma).
        reach = np.minimum(weight * np.sqrt(2 * np.pi) * _REACH_SIGMA, 1)
        return np.asarray(1 - reach * doubt / np.maximum(weight, 1e-6), np.float32)


def compare(render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray | None) -> Comparison:
    """Measure a pair of uint8 RGB pictures of one size. Without labels, the render's colour regions stand in.

    Raise InputError when sizes differ.
    """
    check_pair(render_HW3, translation_HW3)
    height, width = render_HW3.shape[:2]
    if segmentation_HW is not None and segmentation_HW.shape != (height, width):
        raise InputError(
            f"labels of {segmentation_HW.shape[1]}x{segmentation_HW.shape[0]} px, pictures of {width}x{height}",
            where="quality",
            remedy="Use the labels of the same frame.",
        )
    ms_ssim = ms_ssim_brightness(render_HW3, translation_HW3)
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    render, translation = (_scaled(i, scale, cv2.INTER_AREA) for i in (render_HW3, translation_HW3))
    labels = None if segmentation_HW is None else _scaled(segmentation_HW, scale, cv2.INTER_NEAREST)
    working = merged(labels) if labels is not None and _tells_apart(labels) else colour_regions(render)
    classes = {} if labels is None else {int(c): int(merged(np.array([c], np.uint8))[0]) for c in np.unique(labels)}
    own = labels if labels is not None and _tells_apart(labels) else working
    edges = edge_agreement(render, translation, working)
    return Comparison(
        edges=edges,
        identity=identity_kept(render, translation, working),
        contrast=contrast_kept(edges.outlines, render, translation, edges.weight_G),
        substance=substance_kept(render, translation, own),
        invention=invented_outlines(render, translation, working, edges.outlines, edges.weight_G),
        ms_ssim=ms_ssim,
        size=(width, height),
        scale=scale,
        classes={c: m for c, m in classes.items() if c not in (0, IGNORE)} if _tells_apart(labels) else {},
        labels_HW=own,
    )


def measure_validity(
    render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray | None = None
) -> Validity:
    """Validity of one translation; see compare for the input."""
    return compare(render_HW3, translation_HW3, segmentation_HW).validity()


def validity_map(
    render_HW3: np.ndarray, translation_HW3: np.ndarray, segmentation_HW: np.ndarray | None = None
) -> np.ndarray:
    """float32 HxW, 0 to 1: where the labels can be trusted; see compare for the input."""
    return compare(render_HW3, translation_HW3, segmentation_HW).map()


def _combined(evidence: Mapping[str, float]) -> float:
    return float(np.prod([CURVES[name](value) for name, value in evidence.items()]))


def _tells_apart(labels_HW: np.ndarray | None) -> bool:
    """Labels of one class alone have no outline that could be checked."""
    return labels_HW is not None and len(np.setdiff1d(np.unique(merged(labels_HW)), [IGNORE])) > 1


def _scaled(image: np.ndarray, scale: float, interpolation: int) -> np.ndarray:
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation))
