"""How alike two sets of footage look in numbers: brightness, colour, edges, and power by frequency.

Each statistic is a histogram over the pixels or the frames of a set; two sets are compared by the intersection of their
histograms (Swain and Ballard 1991): 1 for equal distributions, 0 for ones that share nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.footage.area import ImageArea

WIDTH = 452
"""Pictures are compared at this width, so that frequencies mean the same."""
_RIM = 6.0
_BANDS = ((64, 32), (32, 16), (16, 8), (8, 4), (4, 2))


@dataclass(frozen=True)
class Statistic:
    """What is measured, over which range, in how many bins."""

    name: str
    unit: str
    low: float
    high: float
    bins: int


STATISTICS: tuple[Statistic, ...] = (
    Statistic("brightness", "luma, 0 to 255", 0, 255, 48),
    Statistic("saturation", "HSV saturation, 0 to 1", 0, 1, 40),
    Statistic("redness", "red share of the colour, 0 to 1", 0.2, 1.0, 40),
    Statistic("gradient", "log10 of luma per px", -1.0, 2.2, 40),
    Statistic("frame brightness", "mean luma of a frame", 0, 255, 24),
    Statistic("noise", "log10 of the standard deviation, luma", -0.6, 1.6, 24),
    *(Statistic(f"power, {a} to {b} px", "log10 of power", -7.0, 2.0, 36) for a, b in _BANDS),
)


@dataclass(frozen=True, eq=False)
class Sample:
    """One set's histograms by statistic (each sums to 1), and how many frames and patients they come from."""

    frames: int
    patients: int
    histograms: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One statistic of two sets. ``within`` is the mean overlap of each real patient with the others: how alike the
    real ones are among themselves (nan for fewer than two)."""

    statistic: Statistic
    first_N: np.ndarray
    second_N: np.ndarray
    overlap: float
    within: float


def frame_histograms(image_HW3: np.ndarray, area: ImageArea) -> dict[str, np.ndarray]:
    """Histograms of one uint8 RGB frame by statistic; measures of the whole frame fill about one bin."""
    height = max(1, round(image_HW3.shape[0] * WIDTH / image_HW3.shape[1]))
    small = cv2.resize(image_HW3, (WIDTH, height), interpolation=cv2.INTER_AREA)
    inside = area.scaled(WIDTH, height).mask_HW(margin=_RIM)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    measures = _pixel_measures(small.astype(np.float32), luma, inside)
    measures["frame brightness"] = np.array([luma[inside].mean() if inside.any() else 0.0])
    measures |= _spectral_measures(luma, inside)
    return {s.name: _histogram(measures[s.name], s) for s in STATISTICS}


def _pixel_measures(rgb_HW3: np.ndarray, luma: np.ndarray, inside: np.ndarray) -> dict[str, np.ndarray]:
    most, least, total = rgb_HW3.max(axis=2), rgb_HW3.min(axis=2), rgb_HW3.sum(axis=2)
    # Nearly black pixels have no colour to speak of.
    lit = inside & (most > 24)
    slope = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)) / 8
    return {
        "brightness": luma[inside],
        "saturation": ((most - least) / np.maximum(most, 1))[lit],
        "redness": (rgb_HW3[..., 0] / np.maximum(total, 1))[lit],
        "gradient": np.log10(np.maximum(slope[inside], 0.11)),
    }


def _spectral_measures(luma: np.ndarray, inside: np.ndarray) -> dict[str, np.ndarray]:
    """Noise after Immerkaer 1996, and power density in octaves of wavelength, of the middle square."""
    square = _middle_square(luma, inside)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    sigma = float(np.sqrt(np.pi / 2) * np.abs(cv2.filter2D(square, cv2.CV_32F, mask)[1:-1, 1:-1]).mean() / 6)
    side = len(square)
    window = np.hanning(side)[:, None] * np.hanning(side)[None, :]
    power = np.abs(np.fft.fft2((square - square.mean()) / 255 * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    found = {"noise": np.array([np.log10(max(sigma, 1e-3))])}
    for longest, shortest in _BANDS:
        ring = (frequency >= 1 / longest) & (frequency < 1 / shortest)
        found[f"power, {longest} to {shortest} px"] = np.log10([max(float(power[ring].mean()), 1e-7)])
    return found


def _middle_square(luma: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The largest square about the image area's middle that lies in it."""
    rows, columns = np.nonzero(inside)
    row, column = (
        round(float(v.mean())) if len(v) else n // 2 for v, n in zip((rows, columns), luma.shape, strict=True)
    )
    half = min(row, column, luma.shape[0] - row, luma.shape[1] - column)
    while (
        half > 24
        and not inside[row - half : row + half, column - half : column + half][[0, 0, -1, -1], [0, -1, 0, -1]].all()
    ):
        half -= 2
    return luma[row - half : row + half, column - half : column + half]


def _histogram(values: np.ndarray, statistic: Statistic) -> np.ndarray:
    span = (statistic.low, statistic.high)
    counts = np.histogram(np.clip(values, *span), statistic.bins, span)[0].astype(float)
    return np.asarray(counts / max(counts.sum(), 1.0))


def gathered(frames: Iterable[tuple[str, Mapping[str, np.ndarray]]]) -> tuple[Sample, dict[str, Sample]]:
    """(all patients together, each patient) of (patient, histograms of one frame); patients weigh the same."""
    by_patient: dict[str, list[Mapping[str, np.ndarray]]] = {}
    for patient, histograms in frames:
        by_patient.setdefault(patient, []).append(histograms)
    own = {p: Sample(len(h), 1, _mean(h)) for p, h in by_patient.items()}
    return _together(list(own.values())), own


def _mean(histograms: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if not histograms:
        return {s.name: np.zeros(s.bins) for s in STATISTICS}
    return {s.name: np.mean([h[s.name] for h in histograms], axis=0) for s in STATISTICS}


def _together(samples: Sequence[Sample]) -> Sample:
    return Sample(sum(s.frames for s in samples), len(samples), _mean([s.histograms for s in samples]))


def overlap(first_N: np.ndarray, second_N: np.ndarray, *, smoothing: int) -> float:
    """Intersection of two histograms, smoothed over ``smoothing`` bins so that few frames do not part what is alike."""
    kernel = np.ones(smoothing) / smoothing
    a, b = (np.convolve(np.pad(h, smoothing // 2, mode="reflect"), kernel, "valid") for h in (first_N, second_N))
    return float(np.minimum(a / max(a.sum(), 1e-12), b / max(b.sum(), 1e-12)).sum())


def compared(first: Sample, second: Sample, second_patients: Mapping[str, Sample]) -> list[Comparison]:
    """The stand-in (or any first set) beside real footage, statistic by statistic."""
    rest = {p: _together([s for q, s in second_patients.items() if q != p]) for p in second_patients}
    result = []
    for s in STATISTICS:
        within = [
            overlap(sample.histograms[s.name], rest[p].histograms[s.name], smoothing=_smoothing(s))
            for p, sample in second_patients.items()
            if rest[p].frames
        ]
        a, b = first.histograms[s.name], second.histograms[s.name]
        mean = float(np.mean(within)) if within else float("nan")
        result.append(Comparison(s, a, b, overlap(a, b, smoothing=_smoothing(s)), mean))
    return result


def _smoothing(statistic: Statistic) -> int:
    """Frames are few, pixels many."""
    return 1 if statistic.name in ("brightness", "saturation", "redness", "gradient") else 3
