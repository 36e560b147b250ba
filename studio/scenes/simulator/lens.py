"""What lies between surface and file in the stand-in footage: smoke, focus, exposure, the round area, noise, JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.files.pictures import encode_jpeg
from studio.scenes.simulator.frames import as_bytes
from studio.scenes.simulator.palettes import LookPalette


@dataclass(frozen=True, eq=False)
class Lens:
    """One frame's camera. Lengths are shares of the picture's width."""

    centre: tuple[float, float]
    radius: float
    vignette: float
    exposure: float
    white_balance: np.ndarray
    saturation: float
    contrast: float
    defocus: float
    motion: tuple[float, float]
    """Length and angle (radians) of the motion blur."""
    smoke: float
    fog: float
    """Share of the picture that water on the lens blurs, 0 for a clean lens."""
    noise: float
    sharpening: float
    quality: int


def draw_lens(rng: np.random.Generator, palette: LookPalette, area: tuple[float, float, float]) -> Lens:
    """A frame's lens; ``area`` is the patient's round area (centre x, y, radius), which hardly moves."""
    smoky = rng.random() < palette.smoke
    blurred = rng.random() < 0.12
    return Lens(
        centre=(area[0] + float(rng.normal()) * 0.002, area[1] + float(rng.normal()) * 0.002),
        radius=area[2],
        vignette=palette.vignette,
        exposure=float(rng.uniform(*palette.exposure)),
        white_balance=np.array(palette.white_balance, np.float32) * (1 + rng.normal(size=3) * 0.015).astype(np.float32),
        saturation=palette.saturation * float(rng.uniform(0.93, 1.07)),
        contrast=palette.contrast,
        defocus=float(rng.uniform(0.0003, 0.0015)) * (2.5 if rng.random() < 0.1 else 1.0),
        motion=(float(rng.uniform(0.006, 0.02)) if blurred else 0.0, float(rng.uniform(0, np.pi))),
        smoke=float(rng.uniform(0.15, 0.5)) if smoky else float(rng.uniform(0, 0.05)),
        fog=float(rng.uniform(0.2, 0.7)) if rng.random() < 0.06 else 0.0,
        noise=float(rng.uniform(0.006, 0.03)),
        sharpening=float(rng.uniform(0.2, 1.5)),
        quality=int(rng.integers(72, 93)),
    )


def draw_area(rng: np.random.Generator, palette: LookPalette) -> tuple[float, float, float]:
    """A patient's round picture area: centre (shares of width and height) and radius (share of the width)."""
    return float(0.5 + rng.normal() * 0.02), float(0.5 + rng.normal() * 0.02), palette.radius[0]


def area_mask(lens: Lens, size: tuple[int, int]) -> np.ndarray:
    """bool (H, W): inside the round area."""
    return _distance(lens, size) <= 1.0


def _distance(lens: Lens, size: tuple[int, int]) -> np.ndarray:
    """Distance from the round area's centre by its radius."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5 - lens.centre[0] * width) / (lens.radius * width)
    y = (np.arange(height, dtype=np.float32) + 0.5 - lens.centre[1] * height) / (lens.radius * width)
    return np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)


def photographed(rng: np.random.Generator, linear_HW3: np.ndarray, depth_HW: np.ndarray, lens: Lens) -> np.ndarray:
    """uint8 RGB of a linear-light picture, before compression."""
    height, width = depth_HW.shape
    apart = _distance(lens, (width, height))
    inside = apart <= 1.0
    picture = _blurred(linear_HW3, lens, width)
    picture *= (1 - lens.vignette * np.clip(apart, 0, 1.2) ** 2.2)[..., None]
    level = float(np.percentile(picture[inside].mean(axis=1), 60)) if inside.any() else 1.0
    picture *= np.float32(lens.exposure**2.2 * 1.25 / max(level, 1e-4))
    picture *= lens.white_balance
    if lens.smoke > 0:
        picture = _smoked(rng, picture, depth_HW, lens)
    if lens.fog > 0:
        picture = _fogged(rng, picture, lens)
    picture = _toned(picture, lens)
    noise = rng.standard_normal(picture.shape, np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal(picture.shape[:2], np.float32), (0, 0), 0.8)[..., None]
    picture += np.float32(lens.noise) * (0.5 * noise + 1.2 * grain) * (0.6 + picture)
    if lens.sharpening:
        soft = cv2.GaussianBlur(picture, (0, 0), max(0.8, 0.0025 * width))
        picture += np.float32(lens.sharpening) * (picture - soft)
    edge = np.clip((1.0 - apart) * lens.radius * width + 0.5, 0, 1)[..., None]
    picture = picture * edge + np.float32(0.012) * (1 - edge)
    return as_bytes(picture)


def compressed(rgb_HW3: np.ndarray, quality: int) -> tuple[bytes, np.ndarray]:
    """JPEG bytes, and the picture that comes back from them."""
    data = encode_jpeg(rgb_HW3, quality=quality)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return data, np.ascontiguousarray(np.asarray(decoded)[..., ::-1])


def _blurred(picture: np.ndarray, lens: Lens, width: int) -> np.ndarray:
    soft = np.minimum(picture, np.float32(4.0))
    sigma = lens.defocus * width
    if sigma > 0.25:
        soft = cv2.GaussianBlur(soft, (0, 0), sigma)
    length = round(lens.motion[0] * width)
    if length >= 2:
        kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
        dx, dy = np.cos(lens.motion[1]) * length / 2, np.sin(lens.motion[1]) * length / 2
        start, end = (round(length - dx), round(length - dy)), (round(length + dx), round(length + dy))
        cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA)
        soft = cv2.filter2D(soft, -1, kernel / kernel.sum())
    glow = cv2.GaussianBlur(np.clip(soft - 0.9, 0, 2), (0, 0), max(1.0, 0.012 * width))
    return np.asarray(soft + np.float32(0.25) * glow)


def _smoked(rng: np.random.Generator, picture: np.ndarray, depth_HW: np.ndarray, lens: Lens) -> np.ndarray:
    """Veiling light that grows with depth, in clouds."""
    height, width = depth_HW.shape
    cloud = cv2.resize(rng.random((4, 6), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    thickness = np.clip(lens.smoke * (0.35 + 1.2 * cloud) * np.clip(depth_HW / 110.0, 0.3, 1.4), 0, 0.85)[..., None]
    veil = np.array([0.42, 0.38, 0.37], np.float32) * np.float32(lens.exposure * 0.9)
    return np.asarray(picture * (1 - thickness) + veil * thickness, np.float32)


def _fogged(rng: np.random.Generator, picture: np.ndarray, lens: Lens) -> np.ndarray:
    """Water on the lens: blurred and veiled in clouds that do not know of depth."""
    height, width = picture.shape[:2]
    cloud = cv2.resize(rng.random((3, 5), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    share = np.clip((cloud - 1 + lens.fog) * 3, 0, 0.95)[..., None]
    soft = cv2.GaussianBlur(picture, (0, 0), 0.018 * width)
    return np.asarray(picture * (1 - share) + (0.9 * soft + 0.03) * share, np.float32)


def _toned(picture: np.ndarray, lens: Lens) -> np.ndarray:
    """Linear light to display values: shoulder, gamma, contrast about mid-grey, saturation."""
    rolled = picture / (1 + 0.18 * picture)
    shown = np.clip(rolled, 0, 1.3) ** np.float32(1 / 2.2)
    grey = shown.mean(axis=2, keepdims=True)
    shown = grey + (shown - grey) * np.float32(lens.saturation)
    return np.asarray((shown - 0.4) * np.float32(lens.contrast) + 0.4, np.float32)
