"""What is kept when a run breaks down: the last rows of its losses, and their curves as a picture.

run_dir/evidence/step_00001000/
    losses.jsonl      the last rows up to the step that broke it
    curves.png        each loss over those steps, as far as it is a number
    samples.png       the panel of samples: of the broken weights, or of the last good ones where those are no numbers
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from studio.files.atomic import write_text
from studio.files.pictures import write_png

SAMPLES, CURVES, LOSSES = "samples.png", "curves.png", "losses.jsonl"
_ROWS = 20_000
_NOT_DRAWN = ("step", "seconds")
_COLUMNS, _PLOT, _MARGIN, _HEADING = 4, (260, 110), 8, 18
_PAPER, _INK, _FAINT, _LINE = (250, 250, 250), (40, 40, 40), (210, 210, 210), (30, 110, 190)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def evidence_folder(run_dir: Path, step: int) -> Path:
    return run_dir / "evidence" / f"step_{step:08d}"


def keep_losses(folder: Path, rows: Iterable[Mapping[str, Any]], last: Mapping[str, Any]) -> None:
    """Write the last 20,000 rows and the one that broke the run, and their curves."""
    kept = list(deque(chain(rows, [last]), maxlen=_ROWS))
    write_text(folder / LOSSES, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in kept))
    write_png(folder / CURVES, curves_picture(kept))


def curves_picture(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """uint8 HxWx3: a plot for each figure in the rows, from its least to its greatest finite value."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _NOT_DRAWN))
    steps = [int(row["step"]) for row in rows]
    plots = [_plot(name, np.array([float(row.get(name, math.nan)) for row in rows]), steps) for name in names]
    blank = np.full_like(plots[0], 255) if plots else np.full((_PLOT[1], _PLOT[0], 3), 255, np.uint8)
    plots += [blank] * (-len(plots) % _COLUMNS or (_COLUMNS if not plots else 0))
    lines = [np.concatenate(plots[i : i + _COLUMNS], axis=1) for i in range(0, len(plots), _COLUMNS)]
    return np.concatenate(lines)


def _plot(name: str, values: np.ndarray, steps: Sequence[int]) -> np.ndarray:
    width, height = _PLOT
    image = np.full((height + _HEADING + 2 * _MARGIN, width + 2 * _MARGIN, 3), _PAPER, np.uint8)
    top, left = _HEADING + _MARGIN, _MARGIN
    cv2.rectangle(image, (left, top), (left + width, top + height), _FAINT, 1)
    known = np.isfinite(values)
    span = f"{values[known].min():.3g} to {values[known].max():.3g}" if known.any() else "no number"
    cv2.putText(image, f"{name}: {span}", (left, _HEADING), _FONT, 0.38, _INK, 1, cv2.LINE_AA)
    cv2.putText(image, f"{steps[0]} to {steps[-1]}", (left + 4, top + height - 5), _FONT, 0.32, (140, 140, 140), 1,
                cv2.LINE_AA)  # fmt: skip
    if known.any():
        points = _points(values, known, (left, top, width, height))
        for line in points:
            cv2.polylines(image, [line.reshape(-1, 1, 2)], False, _LINE, 1, cv2.LINE_AA)
    return image


def _points(values: np.ndarray, known: np.ndarray, place: tuple[int, int, int, int]) -> list[np.ndarray]:
    """Pixels of the unbroken parts of a curve; a part of one value is a point."""
    left, top, width, height = place
    low, high = float(values[known].min()), float(values[known].max())
    x = left + 2 + (np.arange(len(values)) / max(len(values) - 1, 1)) * (width - 4)
    share = (np.where(known, values, low) - low) / max(high - low, 1e-12)
    y = top + height - 4 - share * (height - 8)
    at_N2 = np.rint(np.column_stack([x, y])).astype(np.int32)
    ends = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    return [at_N2[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
