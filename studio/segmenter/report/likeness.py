"""A page of the report: the statistics of stand-in footage beside those of real footage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from studio.segmenter.report.charts import number
from studio.segmenter.report.look import CSS
from studio.segmenter.report.pictures import embedded, strip

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 400, 132, 8, 26


@dataclass(frozen=True, eq=False)
class LikenessRow:
    """One statistic: both histograms (each sums to 1) over ``low`` to ``high``, and how far they overlap, 0 to 1.

    ``within``: the mean overlap of one real patient with the other real ones, nan where there is but one.
    """

    name: str
    unit: str
    low: float
    high: float
    first_N: np.ndarray
    second_N: np.ndarray
    overlap: float
    within: float


def likeness_page(
    rows: Sequence[LikenessRow],
    *,
    first: str,
    second: str,
    counts: Sequence[tuple[int, int]],
    frames: Sequence[Sequence[np.ndarray]],
) -> str:
    """The whole HTML text. ``first`` and ``second`` name the sets; ``counts``: (frames, patients) of each;
    ``frames``: some of each, (H, W, 3) uint8 RGB."""
    mean = float(np.mean([r.overlap for r in rows]))
    said = " · ".join(
        f"{escape(name)}: {frames:,} frames of {patients} patients"
        for name, (frames, patients) in zip((first, second), counts, strict=True)
    )
    lowest = min(rows, key=lambda r: r.overlap)
    charts = "".join(f"<figure>{_chart(r)}</figure>" for r in rows)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>Stand-in footage beside real footage</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<style>{CSS}\n{_OWN}</style></head><body>\n"
        '<header><p class="kicker"><b>Trocar Studio</b> · likeness of footage</p>'
        "<h1>Stand-in footage beside real footage</h1>"
        f'<p class="lead">{said}</p><ul class="figures"><li class="first"><b>{number(mean, 2)}</b>'
        f"<span>mean overlap of {len(rows)} statistics</span></li><li><b>{number(lowest.overlap, 2)}</b>"
        f"<span>lowest: {escape(lowest.name)}</span></li></ul></header>"
        f"<section><h2>Frames</h2>{_frames(first, frames[0])}{_frames(second, frames[1])}"
        "<p class='note'>Taken at even distances from all that show tissue.</p></section>"
        "<section><h2>Distributions</h2>"
        f'<p class="legend"><span><i class="key first"></i>{escape(first)}</span>'
        f'<span><i class="key second"></i>{escape(second)}</span></p><div class="pair">{charts}</div></section>'
        f"<section><h2>Overlap</h2>{_table(rows)}<p class='note'>Overlap is what two histograms share: 1 for equal "
        "distributions, 0 for none. Beside it, how much one real patient shares with the other real ones, which is as "
        "alike as real patients are among themselves. All pictures are measured inside the round "
        "image area and at one width; every patient weighs the same. Alike in these numbers does not mean that a model "
        "does as well on real patients.</p></section>\n</body></html>\n"
    )


_OWN = """
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:24px 32px;margin:24px 0}
.pair svg{display:block;width:100%;height:auto}.pair .first{fill:var(--accent);fill-opacity:.28;stroke:var(--accent)}
.pair .second{fill:var(--pale);fill-opacity:.35;stroke:var(--soft)}.pair .base{stroke:var(--line)}
.key{display:inline-block;width:20px;height:12px;margin-right:8px;border-radius:2px;vertical-align:-1px}
.key.first{background:var(--accent);opacity:.5}.key.second{background:var(--pale)}
""".strip()


def _frames(name: str, frames: Sequence[np.ndarray]) -> str:
    figures = [
        f"<figure>{embedded(frame_HW3, f'{escape(name)}, {index} of {len(frames)}')}</figure>"
        for index, frame_HW3 in enumerate(frames, start=1)
    ]
    return f"<h3>{escape(name).capitalize()}</h3>{strip(figures)}"


def _chart(row: LikenessRow) -> str:
    most = max(float(row.first_N.max()), float(row.second_N.max()), 1e-9)
    base = _HEIGHT - _BOTTOM
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(row.name)}">',
        f'<text x="{_LEFT}" y="14">{escape(row.name)} <tspan class="tick">{number(row.overlap, 2)}</tspan></text>',
        _outline(row.second_N / most, "second", base), _outline(row.first_N / most, "first", base),
        f'<line class="base" x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{base}" y2="{base}"/>',
        f'<text class="tick" x="{_LEFT}" y="{base + 16}">{row.low:g}</text>',
        f'<text class="tick" x="{_WIDTH / 2}" y="{base + 16}" text-anchor="middle">{escape(row.unit)}</text>',
        f'<text class="tick" x="{_WIDTH - _LEFT}" y="{base + 16}" text-anchor="end">{row.high:g}</text></svg>',
    ]  # fmt: skip
    return "".join(parts)


def _outline(heights_N: np.ndarray, kind: str, base: float) -> str:
    """A histogram as one closed stepped line."""
    edges = np.linspace(_LEFT, _WIDTH - _LEFT, len(heights_N) + 1)
    tops = base - (base - 24) * heights_N
    points = [(edges[0], base)]
    for left, right, top in zip(edges[:-1], edges[1:], tops, strict=True):
        points += [(left, top), (right, top)]
    points.append((edges[-1], base))
    return f'<polygon class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _table(rows: Sequence[LikenessRow]) -> str:
    body = "".join(
        f"<tr><th>{escape(r.name)}</th><td>{escape(r.unit)}</td>"
        f"<td>{_middle(r, r.first_N)}</td><td>{_middle(r, r.second_N)}</td>"
        f"<td>{number(r.overlap, 2)}</td><td>{number(r.within, 2)}</td></tr>"
        for r in rows
    )
    return (
        "<div class='wide'><table><thead><tr><th>Statistic</th><th>Unit</th><th>Mean, stand-in</th><th>Mean, real</th>"
        f"<th>Overlap</th><th>Real among themselves</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _middle(row: LikenessRow, histogram_N: np.ndarray) -> str:
    edges = np.linspace(row.low, row.high, len(histogram_N) + 1)
    return number(float(((edges[1:] + edges[:-1]) / 2 * histogram_N).sum()), 2)
