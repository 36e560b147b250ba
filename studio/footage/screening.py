"""Which footage frames to leave out, each with its reason and measures. Findings only: nothing is changed.

Everything is measured inside the round image area at ``WORKING_WIDTH``, so that thresholds hold for any resolution;
stripes are measured at the frame's own resolution, where they live.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np

from studio.footage.area import ImageArea, find_image_area
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FootageFile

WORKING_WIDTH = 320
_STRIPES_SIDE = 480
_AHEAD = 8
REASONS = ("unreadable", "blank", "blue standby", "striped", "out of body", "blurred", "duplicate")
"""In the order in which they are looked for; a frame gets the first that fits."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where each reason begins. Chosen on 119 frames of seven real operations."""

    black_brightness: float = 40.0
    """99th percentile of the brightness, 0 to 255: below it the frame is black."""
    least_contrast: float = 4.0
    """Standard deviation of the brightness: below it the frame is one colour."""
    flat_share: float = 0.7
    """Share of pixels without any local change: screens and menus, if no tissue shows either."""
    blue_share: float = 0.6
    stripes: float = 1.15
    """Change across one pixel over change across two: 1.3 to 2.2 with interference or interlacing, noise 1, else .8."""
    least_tissue: float = 0.15
    """Share of lit pixels in which red leads; drapes, steel and walls have none."""
    least_sharpness: float = 0.11
    """Spread of the Laplacian over that of the brightness: sharp .2 to 1.5 (renders from .14), unsharp below .1."""
    hash_distance: int = 6
    """Of 64 bits of the perceptual hash."""
    thumb_distance: float = 5.0
    """Mean absolute difference of thumbnails, 0 to 255; both must be small for a duplicate."""
    recent_frames: int = 30


@dataclass(frozen=True)
class Finding:
    """``reason`` None: the frame stays. ``measures`` by name; ``area`` as found in this frame."""

    reason: str | None
    measures: dict[str, float] = field(default_factory=dict)
    area: ImageArea | None = None


@dataclass(frozen=True, eq=False)
class _Fingerprint:
    hash_bits: np.ndarray
    thumb_HW: np.ndarray


_Judged = tuple[FootageFile, Finding, _Fingerprint | None]


def screen_frames(
    files: Iterable[FootageFile],
    load: Callable[[FootageFile], np.ndarray],
    *,
    thresholds: Thresholds = Thresholds(),
) -> Iterator[tuple[FootageFile, Finding]]:
    """Judge frames in the order given; duplicates are sought among recent kept frames of the same patient.

    ``load`` gives uint8 RGB and is called from several threads; when it raises InputError the finding is "unreadable".
    """
    recent: dict[str, deque[_Fingerprint]] = {}

    def judged(file: FootageFile) -> _Judged:
        try:
            image_HW3 = load(file)
        except InputError:
            return file, Finding("unreadable"), None
        return file, judge_frame(image_HW3, thresholds=thresholds), _fingerprint(image_HW3)

    for file, finding, fingerprint in _in_order(judged, files):
        if finding.reason is not None or fingerprint is None:
            yield file, finding
            continue
        kept = recent.setdefault(file.patient, deque(maxlen=thresholds.recent_frames))
        yield file, _without_repeats(fingerprint, finding, kept, thresholds)


def _in_order(judged: Callable[[FootageFile], _Judged], files: Iterable[FootageFile]) -> Iterator[_Judged]:
    """Results in the order of the files, a few computed ahead on all cores; OpenCV works outside Python's lock."""
    waiting: deque[Future[_Judged]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file in files:
            waiting.append(pool.submit(judged, file))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def judge_frame(image_HW3: np.ndarray, *, thresholds: Thresholds = Thresholds()) -> Finding:
    """Everything but duplicates, for one uint8 RGB frame."""
    area = find_image_area(image_HW3)
    measures = _measures(image_HW3, area)
    return Finding(_reason(measures, thresholds), measures, area)


def _reason(measures: dict[str, float], limits: Thresholds) -> str | None:
    no_tissue, flat = measures["tissue"] < limits.least_tissue, measures["flat"] > limits.flat_share
    found = {
        "blank": measures["brightest"] < limits.black_brightness or measures["contrast"] < limits.least_contrast,
        "blue standby": measures["blue"] > limits.blue_share and flat,
        "striped": measures["stripes"] > limits.stripes,
        "out of body": no_tissue,
        "blurred": measures["sharpness"] < limits.least_sharpness,
    }
    if no_tissue and flat and not found["blue standby"]:
        return "blank"
    return next((reason for reason in REASONS if found.get(reason)), None)


def _measures(image_HW3: np.ndarray, area: ImageArea) -> dict[str, float]:
    small_HW3 = _at_working_width(image_HW3)
    height, width = small_HW3.shape[:2]
    inside_HW = area.scaled(width, height).mask_HW(margin=4)
    grey_HW = cv2.cvtColor(small_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32)
    brightness = grey_HW[inside_HW]
    red, green, blue = (small_HW3[..., i][inside_HW].astype(np.float32) for i in range(3))
    lit = np.maximum(np.maximum(red, green), blue) > 40
    contrast = float(brightness.std())
    laplacian = cv2.Laplacian(grey_HW, cv2.CV_32F)[inside_HW]
    around = np.ones((5, 5), np.uint8)
    change = (cv2.dilate(grey_HW, around) - cv2.erode(grey_HW, around))[inside_HW]
    return {
        "brightness": float(brightness.mean()),
        "brightest": float(np.percentile(brightness, 99)),
        "contrast": contrast,
        "sharpness": float(laplacian.std()) / max(contrast, 1.0),
        "tissue": float((lit & (red > 1.08 * green) & (red > 1.08 * blue)).sum() / max(int(lit.sum()), 1)),
        "blue": float((lit & (blue > 1.25 * red) & (blue > 1.05 * green)).mean()),
        "flat": float((change <= 2).mean()),
        "stripes": _stripes(image_HW3, area),
    }


def _at_working_width(image_HW3: np.ndarray) -> np.ndarray:
    height, width = image_HW3.shape[:2]
    if width <= WORKING_WIDTH:
        return image_HW3
    size = WORKING_WIDTH, max(8, round(height * WORKING_WIDTH / width))
    small_HW3: np.ndarray = cv2.resize(image_HW3, size, interpolation=cv2.INTER_AREA)
    return small_HW3


def _stripes(image_HW3: np.ndarray, area: ImageArea) -> float:
    """Second differences at a distance of one pixel over those at two, in the worse of both directions.

    Taken in the middle square of the area at the frame's own resolution. Lines that alternate make it large; motion
    blur and coarse structure do not.
    """
    reach = round(min(0.7 * area.radius or area.height, _STRIPES_SIDE / 2))
    top, left = max(0, round(area.cy) - reach), max(0, round(area.cx) - reach)
    middle_HW3 = image_HW3[top : round(area.cy) + reach, left : round(area.cx) + reach]
    grey_HW = cv2.cvtColor(np.ascontiguousarray(middle_HW3), cv2.COLOR_RGB2GRAY).astype(np.int16)
    return max(_alternation(grey_HW), _alternation(grey_HW.T))


def _alternation(grey_HW: np.ndarray) -> float:
    near = abs(2 * grey_HW[:, 2:-2] - grey_HW[:, 1:-3] - grey_HW[:, 3:-1]).mean()
    far = abs(2 * grey_HW[:, 2:-2] - grey_HW[:, :-4] - grey_HW[:, 4:]).mean()
    return float((near + 0.2) / (far + 0.2))


def _without_repeats(
    fingerprint: _Fingerprint, finding: Finding, kept: deque[_Fingerprint], limits: Thresholds
) -> Finding:
    nearest = min(((_bits(fingerprint, k), _levels(fingerprint, k)) for k in kept), default=None)
    repeats = any(
        _bits(fingerprint, k) <= limits.hash_distance and _levels(fingerprint, k) <= limits.thumb_distance for k in kept
    )
    more = {} if nearest is None else {"nearest_bits": float(nearest[0]), "nearest_levels": nearest[1]}
    if not repeats:
        kept.append(fingerprint)
    return Finding("duplicate" if repeats else None, finding.measures | more, finding.area)


def _fingerprint(image_HW3: np.ndarray) -> _Fingerprint:
    """64 signs of the low DCT coefficients of a 32 x 32 thumbnail (the usual perceptual hash), and the thumbnail."""
    grey_HW = cv2.cvtColor(image_HW3, cv2.COLOR_RGB2GRAY)
    thumb_HW = cv2.resize(grey_HW, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(thumb_HW)[:8, :8].ravel()
    return _Fingerprint(low > np.median(low[1:]), thumb_HW)


def _bits(a: _Fingerprint, b: _Fingerprint) -> int:
    return int((a.hash_bits != b.hash_bits).sum())


def _levels(a: _Fingerprint, b: _Fingerprint) -> float:
    return float(abs(a.thumb_HW - b.thumb_HW).mean())
