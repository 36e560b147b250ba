"""Losses of a run as arrays: read from metrics.jsonl as it grows, every step kept; thinned out only for drawing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

_CHUNK = 1 << 20
_BLOCK = 256


class Series:
    """One loss over the steps, in arrays that grow by doubling."""

    def __init__(self) -> None:
        self._steps = np.empty(256, np.float64)
        self._values = np.empty(256, np.float64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def steps(self) -> np.ndarray:
        return self._steps[: self._count]

    @property
    def values(self) -> np.ndarray:
        return self._values[: self._count]

    def at(self, step: float) -> int:
        """Index of the last entry at or before a step; -1 when there is none."""
        return int(np.searchsorted(self.steps, step, side="right")) - 1

    def extend(self, steps: np.ndarray, values: np.ndarray) -> None:
        needed = self._count + len(steps)
        if needed > len(self._steps):
            room = max(needed, 2 * len(self._steps))
            self._steps, self._values = _grown(self._steps, room), _grown(self._values, room)
        self._steps[self._count : needed] = steps
        self._values[self._count : needed] = values
        self._count = needed


def _grown(array: np.ndarray, room: int) -> np.ndarray:
    larger = np.empty(room, array.dtype)
    larger[: len(array)] = array
    return larger


@dataclass(frozen=True, eq=False)
class Rows:
    """What a part of the file holds: name -> (steps, values), and the bytes at which it and the next part start."""

    series: Mapping[str, tuple[np.ndarray, np.ndarray]]
    start: int
    end: int


def read_rows(path: Path, start: int) -> Rows:
    """Whole lines from byte ``start`` on, at most about a megabyte; a last line cut short is left for the next call."""
    with path.open("rb") as file:
        file.seek(start)
        block = file.read(_CHUNK)
        if len(block) == _CHUNK:
            block += file.readline()
    whole = block[: block.rfind(b"\n") + 1]
    steps: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    for row in _parsed(whole):
        step = row.pop("step")
        for name, value in row.items():
            steps.setdefault(name, []).append(step)
            values.setdefault(name, []).append(value)
    return Rows({n: (np.array(steps[n]), np.array(values[n])) for n in steps}, start, start + len(whole))


def _parsed(block: bytes) -> Iterator[dict[str, float]]:
    for line in block.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            yield {n: v for n, v in row.items() if isinstance(v, int | float)}


class RunMetrics:
    """All losses of one run, and how far its file has been read."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"
        self.series: dict[str, Series] = {}
        self._end = 0
        self._file: tuple[int, int] | None = None

    def behind(self) -> bool:
        """Whether the file has more than was read; one that a resume has cut (it is another file then) is read anew."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        file = (found.st_dev, found.st_ino)
        if file != self._file or found.st_size < self._end:
            self._file = file
            self.series, self._end = {}, 0
        return found.st_size > self._end

    def next_rows(self) -> Rows:
        """The next part of the file; runs in a thread."""
        return read_rows(self.path, self._end)

    def take(self, rows: Rows) -> bool:
        """Add what next_rows gave, unless the file is read anew since; True when it held anything."""
        if rows.start != self._end or rows.end == rows.start:
            return False
        self._end = rows.end
        for name, (steps, values) in rows.series.items():
            self.series.setdefault(name, Series()).extend(steps, values)
        return True

    @property
    def last_step(self) -> int:
        return max((int(s.steps[-1]) for s in self.series.values() if len(s)), default=0)


class RunningMean:
    """The running mean of a series that keeps ``share`` (0 to below 1) of itself a step, unbiased at its start (Adam's
    correction). Only what is new is worked on, so that a long run costs no more than a short one.
    """

    def __init__(self, series: Series, share: float) -> None:
        self.series = series
        self.share = share
        self._means = Series()
        self._last = 0.0

    def values(self) -> np.ndarray:
        """The mean at every step of the series."""
        if self.share <= 0:
            return self.series.values
        start = len(self._means)
        fresh = self.series.values[start:]
        for at in range(0, len(fresh), _BLOCK):
            self._extend(np.nan_to_num(fresh[at : at + _BLOCK]), start + at)
        return self._means.values

    def _extend(self, values: np.ndarray, start: int) -> None:
        """m_t = share m_(t-1) + (1 - share) x_t for one block: one product with the block's weights."""
        weights, powers = _block_weights(self.share)
        count = len(values)
        means = weights[:count, :count] @ values + powers[:count] * self._last
        self._last = float(means[-1])
        steps = np.arange(start + 1, start + count + 1)
        self._means.extend(steps, means / (1 - self.share**steps))


@lru_cache(maxsize=8)
def _block_weights(share: float) -> tuple[np.ndarray, np.ndarray]:
    """What each value of a block adds to each mean of it, and how much of the mean before it is left."""
    distance = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
    weights = np.where(distance >= 0, (1 - share) * share ** np.maximum(distance, 0), 0.0)
    return weights, share ** np.arange(1, _BLOCK + 1)


def decimated(steps: np.ndarray, values: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """At most ``2 * bins + 2`` points: first, last, and the smallest and the largest value of each bin."""
    if len(steps) <= 2 * bins:
        return steps, values
    per_bin = -(-len(steps) // bins)
    filled = np.pad(values, (0, -len(values) % per_bin), mode="edge").reshape(-1, per_bin)
    first = np.arange(0, len(values), per_bin)
    extremes = np.concatenate([first + filled.argmin(axis=1), first + filled.argmax(axis=1)])
    chosen = np.unique(np.concatenate([extremes.clip(max=len(values) - 1), [0, len(values) - 1]]))
    return steps[chosen], values[chosen]
