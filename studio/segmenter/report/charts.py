"""Charts as inline SVG, drawn with the page's own colours and type."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _BOTTOM = 860, 220, 70, 52, 8, 40
_NAME_LENGTH = 24
"""Characters of a regime's name in one line; longer names take two."""
_MARKS = ("circle", "square", "triangle", "diamond", "ring", "wedge")


def box_and_points(
    rows: Mapping[str, Mapping[str, float]],
    *,
    axis: str,
    groups: Mapping[str, str] | None = None,
    muted: Sequence[str] = (),
) -> str:
    """One row a regime: a box over the quartiles, the median as a line, the mean as a number, a mark a patient.

    ``rows``: {regime: {patient: value in 0 to 1}}, nan left out. ``groups``: {patient: group}, shown as marks of
    different shapes. Rows named in ``muted`` are drawn pale.
    """
    height = _TOP + _ROW * len(rows) + _BOTTOM
    kinds = list(dict.fromkeys((groups or {}).values()))
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(axis)} of each patient">',
        _axis(axis, len(rows)),
    ]
    for i, (name, values) in enumerate(rows.items()):
        known = {p: v for p, v in values.items() if not np.isnan(v)}
        middle = _TOP + _ROW * i + _ROW / 2
        parts.append(
            f'<g class="{"row muted" if name in muted else "row"}">{_row(name, known, middle, groups, kinds)}</g>'
        )
    parts.append("</svg>")
    return "".join(parts) + _legend(kinds)


def bars(values: Sequence[tuple[str, float]], *, largest: float, digits: int) -> str:
    """A short labelled bar a value, from 0 to ``largest``."""
    height = 24 * len(values)
    parts = [f'<svg class="bars" viewBox="0 0 260 {height}" role="presentation">']
    for i, (name, value) in enumerate(values):
        length = 0.0 if largest <= 0 or np.isnan(value) else 110 * max(0.0, min(1.0, value / largest))
        y = 24 * i
        parts.append(
            f'<text class="name" x="92" y="{y + 16}" text-anchor="end">{escape(_short(name, 15))}</text>'
            f'<rect class="bar" x="100" y="{y + 7}" width="{length:.1f}" height="10" rx="1.5"/>'
            f'<text class="value" x="{106 + length:.1f}" y="{y + 16}">{number(value, digits)}</text>'
        )
    return "".join(parts) + "</svg>"


def number(value: float, digits: int) -> str:
    """A figure for people; an en dash where there is none."""
    return "–" if np.isnan(value) else f"{value:.{digits}f}"


def _row(
    name: str, values: Mapping[str, float], middle: float, groups: Mapping[str, str] | None, kinds: Sequence[str]
) -> str:
    parts = [
        f'<text class="name" x="{_LEFT - 18}" y="{y:.1f}" text-anchor="end">{escape(line)}</text>'
        for line, y in _lines(name, middle)
    ]
    if not values:
        return "".join(parts)
    numbers = np.array(list(values.values()))
    low, first, median, third, high = (_x(v) for v in np.percentile(numbers, [0, 25, 50, 75, 100]))
    parts.append(
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<rect class="box" x="{first:.1f}" y="{middle - 11}" width="{max(third - first, 0.8):.1f}" height="22"/>'
        f'<line class="median" x1="{median:.1f}" x2="{median:.1f}" y1="{middle - 11}" y2="{middle + 11}"/>'
    )
    for i, (patient, value) in enumerate(values.items()):
        # Neighbours step up and down a little, in a fixed order, so that equal values stay visible.
        y = middle + (-6.0, 0.0, 6.0)[i % 3]
        kind = kinds.index(groups[patient]) if groups and patient in groups else 0
        said = escape(f"{patient}: {value:.3f}")
        parts.append(f'<g class="point">{_mark(_MARKS[kind % len(_MARKS)], _x(value), y)}<title>{said}</title></g>')
    parts.append(
        f'<text class="mean" x="{_WIDTH - 4}" y="{middle + 4.5:.1f}" text-anchor="end">{numbers.mean():.2f}</text>'
    )
    return "".join(parts)


def _axis(title: str, rows: int) -> str:
    bottom = _TOP + _ROW * rows
    parts = []
    for i in range(0, 11, 2):
        x = _x(i / 10)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{i / 10:.1f}</text>'
        )
    parts.append(f'<text class="tick" x="{_x(0.5):.1f}" y="{bottom + 34}" text-anchor="middle">{escape(title)}</text>')
    parts.append(f'<text class="tick" x="{_WIDTH - 4}" y="{bottom + 16}" text-anchor="end">mean</text>')
    return "".join(parts)


def _legend(kinds: Sequence[str]) -> str:
    if len(kinds) < 2:
        return ""
    items = "".join(
        f'<span><svg viewBox="0 0 12 12"><g class="point">{_mark(_MARKS[i % len(_MARKS)], 6, 6)}</g></svg>'
        f"{escape(k)}</span>"
        for i, k in enumerate(kinds)
    )
    return f'<p class="legend">{items}</p>'


def _mark(kind: str, x: float, y: float) -> str:
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if kind == "square":
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
    if kind == "triangle":
        return f'<path d="M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z"/>'
    if kind == "ring":
        return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    if kind == "wedge":
        return f'<path d="M{x:.1f} {y + 4.5:.1f}l4.5-8h-9z"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z"/>'


def _x(value: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * float(value)


def _lines(name: str, middle: float) -> list[tuple[str, float]]:
    """One or two lines of text with their base lines, around ``middle``."""
    lines = textwrap.wrap(name, _NAME_LENGTH, max_lines=2, placeholder=" …")
    first = middle + 4.5 - 8.5 * (len(lines) - 1)
    return [(line, first + 17 * i) for i, line in enumerate(lines)]


def _short(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
