"""Changes of looks that keep every outline: what a faithful translation may do to a render."""

from __future__ import annotations

import cv2
import numpy as np

from studio.vocabulary.seeds import stream

_LEAST_DIFFERENCE = 28.0
"""How far (in 0 to 255 RGB) the new colours of two classes stay apart: organs remain distinguishable."""


def faithful_variant(render_HW3: np.ndarray, segmentation_HW: np.ndarray, seed: int) -> np.ndarray:
    """uint8 HxWx3: a seeded mix of new colours per class, texture, light, smoke, blur and noise."""
    rng = stream(seed, "faithful")
    image = recoloured(render_HW3, segmentation_HW, rng)
    if rng.random() < 0.7:
        image = textured(image, segmentation_HW, rng)
    if rng.random() < 0.7:
        image = relit(image, rng)
    if rng.random() < 0.4:
        image = smoked(image, rng)
    if rng.random() < 0.4:
        image = with_highlights(image, rng)
    if rng.random() < 0.7:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5))
    image = image + rng.normal(0, rng.uniform(0, 5), image.shape)
    return np.asarray(np.clip(image, 0, 255).astype(np.uint8))


def recoloured(render_HW3: np.ndarray, segmentation_HW: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32: each class gets a new mean colour; its shading is kept, flattened, strengthened or inverted."""
    image = render_HW3.astype(np.float32)
    grey = image.mean(axis=2)
    taken: list[np.ndarray] = []
    result = image.copy()
    for class_id in np.unique(segmentation_HW):
        inside = segmentation_HW == class_id
        colour = _new_colour(rng, taken)
        gain = rng.uniform(0.5, 1.5) * (-1 if rng.random() < 0.25 else 1)
        shading = (grey[inside] - grey[inside].mean()) * gain
        result[inside] = colour + shading[:, None] * rng.uniform(0.7, 1.0, 3).astype(np.float32)
    # Renders have soft outlines; the hard ones of the masks would be a give-away.
    return np.asarray(np.clip(cv2.GaussianBlur(result, (0, 0), 0.6), 0, 255))


def textured(image_HW3: np.ndarray, segmentation_HW: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32: a new pattern per class, of its own scale and strength, with dark vessels in some."""
    height, width = segmentation_HW.shape
    pattern = np.zeros((height, width), np.float32)
    for class_id in np.unique(segmentation_HW):
        inside = segmentation_HW == class_id
        own = noise(rng, height, width, float(np.exp(rng.uniform(0, 2.3)))) * rng.uniform(2, 14)
        if rng.random() < 0.4:
            own -= 25 * (np.abs(noise(rng, height, width, rng.uniform(6, 14))) < 0.04)
        pattern[inside] = own[inside]
    return np.asarray(image_HW3 + cv2.GaussianBlur(pattern, (0, 0), 0.6)[..., None])


def relit(image_HW3: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32: another place of the lamp, another exposure and tone curve."""
    height, width = image_HW3.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy = rng.uniform(0.2, 0.8, 2) * (width, height)
    distance = np.hypot(xx - cx, yy - cy) / np.hypot(width, height)
    light = rng.uniform(0.9, 1.3) * (1 - rng.uniform(0, 0.9) * distance)
    tone = np.clip(image_HW3 * light[..., None] / 255, 0, 1) ** rng.uniform(0.7, 1.4)
    return np.asarray(255 * tone, np.float32)


def smoked(image_HW3: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32: drifting smoke of up to about half opacity."""
    height, width = image_HW3.shape[:2]
    density = np.clip(noise(rng, height, width, 0.15 * height) * 0.5 + 0.5, 0, 1) * rng.uniform(0.15, 0.55)
    return np.asarray(image_HW3 * (1 - density[..., None]) + rng.uniform(160, 230) * density[..., None], np.float32)


def with_highlights(image_HW3: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float32: small wet highlights where the image is bright."""
    height, width = image_HW3.shape[:2]
    spots = noise(rng, height, width, rng.uniform(1.0, 2.5)) * (image_HW3.mean(axis=2) / 255)
    mask = cv2.GaussianBlur((spots > np.quantile(spots, 0.995)).astype(np.float32), (0, 0), 0.7)[..., None]
    return np.asarray(image_HW3 * (1 - mask) + 250 * mask, np.float32)


def noise(rng: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """float32 HxW smooth Gaussian noise of unit deviation and the given scale in px."""
    field = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), scale)
    return np.asarray(field / max(float(field.std()), 1e-6))


def _new_colour(rng: np.random.Generator, taken: list[np.ndarray]) -> np.ndarray:
    candidates = rng.uniform((60, 30, 30), (230, 200, 200), (40, 3)).astype(np.float32)
    apart = np.array([min((float(np.linalg.norm(c - t)) for t in taken), default=np.inf) for c in candidates])
    fit = np.flatnonzero(apart >= _LEAST_DIFFERENCE)
    chosen = candidates[fit[0] if len(fit) else int(apart.argmax())]
    taken.append(chosen)
    return np.asarray(chosen)
