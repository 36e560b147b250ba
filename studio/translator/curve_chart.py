"""Small charts of curves over training steps, a page of them as one picture, for a file that is looked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Colour = tuple[int, int, int]

_WIDTH, _HEIGHT = 400, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 30, 24
_COLUMNS = 4
_FOOT = 34
_INK: Colour = (70, 70, 70)
_GRID: Colour = (228, 228, 228)
_SMOOTHED_SHARE = 20
"""Curves are means over this part of the run's length."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One value a step; drawn in ``colour`` (RGB)."""

    values: Sequence[float]
    colour: Colour


def draw_charts(charts: Mapping[str, Sequence[Curve]], legend: Sequence[tuple[str, Colour]]) -> np.ndarray:
    """uint8 RGB page: one chart a name, smoothed by a running mean that the last line names, and the legend."""
    rows = -(-len(charts) // _COLUMNS)
    page_HW3 = np.full((rows * _HEIGHT + _FOOT, _COLUMNS * _WIDTH, 3), 255, np.uint8)
    for place, (title, curves) in enumerate(charts.items()):
        top, left = place // _COLUMNS * _HEIGHT, place % _COLUMNS * _WIDTH
        _draw_chart(page_HW3[top : top + _HEIGHT, left : left + _WIDTH], title, curves)
    length = max(len(curve.values) for curves in charts.values() for curve in curves)
    _draw_legend(page_HW3[rows * _HEIGHT :], legend, f"running mean over {_window(length)} of {length} steps")
    return page_HW3


def smoothed(values: Sequence[float], window: int) -> np.ndarray:
    """Mean of the last ``window`` values at each step, of fewer at the beginning."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def _window(length: int) -> int:
    return max(1, length // _SMOOTHED_SHARE)


def _draw_chart(chart_HW3: np.ndarray, title: str, curves: Sequence[Curve]) -> None:
    lines = [smoothed(curve.values, _window(len(curve.values))) for curve in curves]
    low, high = min(line.min() for line in lines), max(line.max() for line in lines)
    high = high if high > low else low + 1.0
    _text(chart_HW3, title, (_LEFT, 20), scale=0.5)
    for share in (0.0, 0.5, 1.0):
        y = round(_TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM))
        cv2.line(chart_HW3, (_LEFT, y), (_WIDTH - _RIGHT, y), _GRID, 1)
        _text(chart_HW3, f"{low + share * (high - low):.3g}", (6, y + 4))
    for curve, line in zip(curves, lines, strict=True):
        x = _LEFT + np.linspace(0, 1, len(line)) * (_WIDTH - _LEFT - _RIGHT)
        y = _TOP + (high - line) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        points_N2 = np.stack([x, y], 1).round().astype(np.int32)
        cv2.polylines(chart_HW3, [points_N2], False, curve.colour, 1, cv2.LINE_AA)
    longest = max(len(line) for line in lines)
    _text(chart_HW3, "0", (_LEFT, _HEIGHT - 8))
    _text(chart_HW3, f"{longest}", (_WIDTH - _RIGHT - 8 * len(str(longest)), _HEIGHT - 8))


def _draw_legend(foot_HW3: np.ndarray, legend: Sequence[tuple[str, Colour]], note: str) -> None:
    x = _LEFT
    for text, colour in legend:
        cv2.line(foot_HW3, (x, 16), (x + 24, 16), colour, 2, cv2.LINE_AA)
        _text(foot_HW3, text, (x + 32, 20))
        x += 60 + 8 * len(text)
    _text(foot_HW3, note, (x, 20))


def _text(image_HW3: np.ndarray, text: str, place: tuple[int, int], *, scale: float = 0.4) -> None:
    cv2.putText(image_HW3, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
