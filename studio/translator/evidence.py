"""What is kept when a run breaks down: the last rows of its losses, and their curves as a picture.

run_dir/evidence/step_00001000/
    losses.jsonl      the last rows up to the step that broke it
    curves.png        each loss over those steps, as far as it is a number
    samples.png       the panel of samples: of the broken weights, or of the last good ones where those are no numbers
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from studio.files.atomic import write_text
from studio.files.pictures import write_png

SAMPLES, CURVES, LOSSES = "samples.png", "curves.png", "losses.jsonl"
_ROWS = 20_000
_NOT_DRAWN = ("step", "seconds")
_COLUMNS, _PLOT, _MARGIN, _HEADING = 4, (260, 100), 8, 18
_FAR_APART = 100.0
_INK, _GREY, _FAINT, _LINE = (40, 40, 40), (130, 130, 130), (210, 210, 210), (30, 110, 190)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def evidence_folder(run_dir: Path, step: int) -> Path:
    """A folder for what breaks at a step. A second break at one step gets its own, step_..._2: none is lost."""
    first = run_dir / "evidence" / f"step_{step:08d}"
    others = (first.with_name(f"{first.name}_{n}") for n in count(2))
    return next(folder for folder in chain([first], others) if not folder.exists())


def keep_losses(folder: Path, rows: Iterable[Mapping[str, Any]], last: Mapping[str, Any]) -> None:
    """Write the last 20,000 rows and the one that broke the run, and their curves."""
    kept = list(deque(chain(rows, [last]), maxlen=_ROWS))
    write_text(folder / LOSSES, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in kept))
    write_png(folder / CURVES, curves_picture(kept))


def curves_picture(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """uint8 HxWx3: a plot for each figure in the rows, from its least to its greatest finite value, on a logarithmic
    scale where these lie far apart. A curve is interrupted where a value is no number."""
    names = dict.fromkeys(name for row in rows for name in row if name not in _NOT_DRAWN)
    steps = (int(rows[0]["step"]), int(rows[-1]["step"]))
    plots = []
    for name in names:
        points_N2 = np.array([(int(row["step"]), float(row[name])) for row in rows if name in row], np.float64)
        plots.append(_plot(name, points_N2, steps))
    plots += [np.full_like(plots[0], 255)] * (-len(plots) % _COLUMNS)
    lines = [np.concatenate(plots[i : i + _COLUMNS], axis=1) for i in range(0, len(plots), _COLUMNS)]
    return np.concatenate(lines)


def _plot(name: str, points_N2: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """``points_N2``: step and value."""
    width, height = _PLOT
    image = np.full((height + 2 * _HEADING, width + 2 * _MARGIN, 3), 255, np.uint8)
    cv2.rectangle(image, (_MARGIN, _HEADING), (_MARGIN + width, _HEADING + height), _FAINT, 1)
    known = np.isfinite(points_N2[:, 1])
    values = points_N2[known, 1]
    logarithmic = bool(known.any()) and values.min() > 0 and values.max() > _FAR_APART * values.min()
    span = f"{values.min():.3g} to {values.max():.3g}" if known.any() else "no number"
    heading = f"{name}: {span}{', log' if logarithmic else ''}"
    cv2.putText(image, heading, (_MARGIN, _HEADING - 5), _FONT, 0.38, _INK, 1, cv2.LINE_AA)
    words = f"step {steps[0]} to {steps[1]}"
    cv2.putText(image, words, (_MARGIN, _HEADING + height + 12), _FONT, 0.32, _GREY, 1, cv2.LINE_AA)
    if logarithmic:
        points_N2 = np.column_stack([points_N2[:, 0], np.log(np.where(known, points_N2[:, 1], 1.0))])
    for line in _lines(points_N2, known, steps):
        cv2.polylines(image, [line.reshape(-1, 1, 2)], False, _LINE, 1, cv2.LINE_AA)
    return image


def _lines(points_N2: np.ndarray, known: np.ndarray, steps: tuple[int, int]) -> list[np.ndarray]:
    """Pixels (x, y) of the unbroken parts of a curve."""
    if not known.any():
        return []
    width, height = _PLOT
    low, high = points_N2[known, 1].min(), points_N2[known, 1].max()
    across = (points_N2[:, 0] - steps[0]) / max(steps[1] - steps[0], 1)
    up = (np.where(known, points_N2[:, 1], low) - low) / max(high - low, 1e-12)
    x = _MARGIN + 2 + across * (width - 4)
    y = _HEADING + height - 4 - up * (height - 8)
    at_N2 = np.rint(np.column_stack([x, y])).astype(np.int32)
    ends = np.flatnonzero(np.diff(np.r_[False, known, False].astype(np.int8)))
    return [at_N2[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
