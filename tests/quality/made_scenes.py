"""Procedural stand-ins for a simulator's frames: shaded blobs of several classes and an instrument."""

from __future__ import annotations

import cv2
import numpy as np

from studio.vocabulary.seeds import stream

_COLOURS = {0: (0, 0, 0), 1: (140, 60, 50), 2: (90, 140, 70), 3: (190, 110, 100), 4: (215, 190, 90), 5: (225, 205, 170),
            6: (150, 150, 160), 7: (70, 70, 80)}  # fmt: skip


def made_scene(seed: int, *, width: int = 256, height: int = 144) -> tuple[np.ndarray, np.ndarray]:
    """(render uint8 HxWx3, segmentation uint8 HxW) with wall, liver, gallbladder, fat, ligament and a tool."""
    rng = stream(seed, "made scene")
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    segmentation = np.full((height, width), 3, np.uint8)
    shade = _bumps(rng, width, height, 40) * 0.25 + 0.75
    for class_id, size in ((4, 0.35), (1, 0.55), (5, 0.12), (4, 0.18), (2, 0.17)):
        inside, dome = _blob(rng, xx, yy, size * height * rng.uniform(0.8, 1.25))
        segmentation[inside] = class_id
        shade[inside] = (0.45 + 0.55 * np.sqrt(np.clip(dome, 0, 1)))[inside]
    _draw_tool(rng, segmentation, shade, xx, yy)
    jitter = rng.uniform(0.75, 1.25, (8, 3))
    palette = np.array([_COLOURS[i] for i in range(8)]) * jitter
    light = 1.15 - 0.6 * (((xx / width - 0.5) ** 2 + (yy / height - 0.5) ** 2) / 0.5)
    texture = 1 + 0.08 * _bumps(rng, width, height, 3)
    render = palette[segmentation] * (shade * light * texture)[..., None]
    return np.clip(render + rng.normal(0, 1.0, render.shape), 0, 255).astype(np.uint8), segmentation


def _blob(rng: np.random.Generator, xx: np.ndarray, yy: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    height, width = xx.shape
    cx, cy = rng.uniform(0.15, 0.85) * width, rng.uniform(0.2, 0.85) * height
    angle = np.arctan2(yy - cy, xx - cx)
    edge = np.full_like(xx, radius)
    for k in range(1, 5):
        edge *= 1 + rng.uniform(-0.22, 0.22) / k * np.cos(k * angle + rng.uniform(0, 6.3))
    relative = np.hypot((xx - cx) / rng.uniform(1.0, 1.5), yy - cy) / edge
    return relative < 1, 1 - relative**2


def _draw_tool(
    rng: np.random.Generator, segmentation: np.ndarray, shade: np.ndarray, xx: np.ndarray, yy: np.ndarray
) -> None:
    height, width = xx.shape
    tip = np.array([rng.uniform(0.3, 0.7) * width, rng.uniform(0.35, 0.7) * height])
    start = np.array([rng.choice([-0.1, 1.1]) * width, rng.uniform(0.2, 1.2) * height])
    along = (start - tip) / np.linalg.norm(start - tip)
    t = (xx - tip[0]) * along[0] + (yy - tip[1]) * along[1]
    across = -(xx - tip[0]) * along[1] + (yy - tip[1]) * along[0]
    half = 0.045 * height
    for class_id, inside in ((7, (t > 3 * half) & (abs(across) < half)), (6, (t > 0) & (t <= 3 * half) &
                             (abs(across) < half * (0.3 + 0.2 * t / half)))):  # fmt: skip
        segmentation[inside] = class_id
        shade[inside] = (0.5 + 0.9 * np.sqrt(np.clip(1 - (across / half) ** 2, 0, 1)))[inside]


def _bumps(rng: np.random.Generator, width: int, height: int, scale: float) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), scale)
    return noise / max(float(np.abs(noise).max()), 1e-6)
