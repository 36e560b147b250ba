"""Pictures for the report: overlays, and their form inside the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.files.pictures import encode_jpeg
from studio.segmenter.metrics import FrameScore
from studio.segmenter.report.story import Evaluation

_SHOWN_WIDTH = 400
_ORDER = ("Worst", "Second worst", "Third worst", "Fourth worst", "Fifth worst", "Sixth worst")
_WORST_OF_A_PATIENT = 2


@dataclass(frozen=True, slots=True)
class Chosen:
    """A frame to show, and why."""

    frame: str
    why: str


def chosen_frames(evaluation: Evaluation, lead: str) -> list[Chosen]:
    """The worst frames of the regime ``lead`` first (at most two of a patient), then a middling one and its best."""
    name = evaluation.class_names[0]
    scored = [f for f in evaluation.frames if (f.regime, f.class_name) == (lead, name) and not np.isnan(f.scores.dice)]
    ranked = sorted(scored, key=lambda f: (f.scores.dice, f.frame))
    worst = _few_of_each(ranked)
    chosen = [Chosen(f.frame, why) for f, why in zip(worst, _ORDER, strict=False)]
    taken = {c.frame for c in chosen}
    left = [f for f in ranked if f.frame not in taken]
    if left:
        chosen.append(Chosen(left[-1].frame, "Best"))
    if len(left) > 2:
        middling = min(left[:-1], key=lambda f: abs(f.scores.dice - float(np.median([r.scores.dice for r in ranked]))))
        chosen.insert(-1, Chosen(middling.frame, "Middling"))
    return chosen


def overlay(
    image_HW3: np.ndarray, prediction_HW: np.ndarray, truth_HW: np.ndarray, colour: tuple[int, int, int]
) -> np.ndarray:
    """The prediction (boolean) as a tint, the truth (boolean) as a white outline with a dark rim; uint8 RGB."""
    shown_HW3, (prediction_hw, truth_hw) = _shrunk(image_HW3, (prediction_HW, truth_HW))
    grey_HW3 = np.repeat(shown_HW3.mean(axis=2, keepdims=True), 3, axis=2)
    base_HW3 = 0.55 * shown_HW3 + 0.45 * grey_HW3
    tinted_HW3 = np.where(prediction_hw[..., None], 0.5 * base_HW3 + 0.5 * np.array(colour), base_HW3)
    out_HW3 = np.ascontiguousarray(np.clip(tinted_HW3, 0, 255).astype(np.uint8))
    outlines, _ = cv2.findContours(truth_hw.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out_HW3, outlines, -1, (20, 20, 20), 3, cv2.LINE_AA)
    cv2.drawContours(out_HW3, outlines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    return out_HW3


def embedded(image_HW3: np.ndarray, said: str) -> str:
    """An <img> with the picture inside; ``said`` is escaped already."""
    shown_HW3, _ = _shrunk(image_HW3, ())
    data = base64.b64encode(encode_jpeg(shown_HW3, quality=82)).decode()
    height, width = shown_HW3.shape[:2]
    return f'<img alt="{said}" width="{width}" height="{height}" src="data:image/jpeg;base64,{data}">'


def strip(figures: Sequence[str]) -> str:
    """Ready <figure> elements side by side, at most six across."""
    return f'<div class="strip" style="--across:{min(6, max(3, len(figures)))}">{"".join(figures)}</div>'


def _few_of_each(ranked: Iterable[FrameScore]) -> list[FrameScore]:
    chosen: list[FrameScore] = []
    for frame in ranked:
        if sum(c.patient == frame.patient for c in chosen) < _WORST_OF_A_PATIENT:
            chosen.append(frame)
        if len(chosen) == len(_ORDER):
            break
    return chosen


def _shrunk(image_HW3: np.ndarray, masks: tuple[np.ndarray, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    height, width = image_HW3.shape[:2]
    if width == _SHOWN_WIDTH:
        return image_HW3, list(masks)
    size = (_SHOWN_WIDTH, max(1, round(height * _SHOWN_WIDTH / width)))
    way = cv2.INTER_AREA if width > _SHOWN_WIDTH else cv2.INTER_CUBIC
    small = [cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT) > 0 for m in masks]
    return cv2.resize(image_HW3, size, interpolation=way), small
