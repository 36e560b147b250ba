"""Tileable tissue textures, drawn once per patient, and their lookup without texture coordinates.

Each texture has four channels: mottle (about N(0, 1)), vessels (0..1), and the slope of a bump height along its two
axes. Points look it up along all three body axes, weighed by the surface's normal, so that no seam shows.
"""

from __future__ import annotations

import cv2
import numpy as np

KINDS = ("parenchyma", "peritoneum", "fat", "serosa")
SIDE = 512
"""Texels per tile."""
MM_PER_TEXEL = 0.32
_PAD = 2


def draw_atlas(rng: np.random.Generator) -> np.ndarray:
    """float32 (SIDE + 2 pad, 4 (SIDE + 2 pad), 4): one tile per kind, padded so that bilinear lookups wrap."""
    tiles = [_parenchyma(rng), _peritoneum(rng), _fat(rng), _serosa(rng)]
    padded = [np.pad(t, ((_PAD, _PAD), (_PAD, _PAD), (0, 0)), mode="wrap") for t in tiles]
    return np.ascontiguousarray(np.concatenate(padded, axis=1), np.float32)


def looked_up(
    atlas: np.ndarray, kind_N: np.ndarray, position_N3: np.ndarray, normal_N3: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mottle (N,), vessels (N,), bump gradient (N, 3) in body axes per mm) at points of a surface."""
    weight = normal_N3**4
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-6)
    base = (kind_N * (SIDE + 2 * _PAD) + _PAD).astype(np.float32)
    scaled = position_N3 * np.float32(1 / MM_PER_TEXEL)
    mottle = np.zeros(len(kind_N), np.float32)
    vessels = np.zeros(len(kind_N), np.float32)
    slope = np.zeros((len(kind_N), 3), np.float32)
    for axis, (b, c) in enumerate(((1, 2), (0, 2), (0, 1))):
        # Offsets keep the three projections from showing the same spot where they meet.
        u = np.mod(scaled[:, b] + 97.0 * axis, SIDE).astype(np.float32) + base
        v = np.mod(scaled[:, c] + 211.0 * axis, SIDE).astype(np.float32) + np.float32(_PAD)
        texel = _remap(atlas, u, v)
        w = weight[:, axis]
        mottle += w * texel[:, 0]
        vessels += w * texel[:, 1]
        slope[:, b] += w * texel[:, 2]
        slope[:, c] += w * texel[:, 3]
    return mottle, vessels, slope


def _remap(atlas: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear lookup; remap wants its maps below 32768 a side, so long lists go in as a picture."""
    count = len(u)
    columns = 1024
    rows = -(-count // columns)
    maps = np.zeros((2, rows * columns), np.float32)
    maps[0, :count], maps[1, :count] = u, v
    found = cv2.remap(
        atlas, maps[0].reshape(rows, columns), maps[1].reshape(rows, columns), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(found.reshape(-1, 4)[:count])


def band_noise(rng: np.random.Generator, low_mm: float, high_mm: float, *, stretch: float = 1.0) -> np.ndarray:
    """Tileable noise (SIDE, SIDE) of wavelengths between two lengths, mean 0, deviation 1.

    ``stretch`` above 1 draws it out along the second axis.
    """
    spectrum = np.fft.rfft2(rng.normal(size=(SIDE, SIDE)))
    fy, fx = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :] * stretch
    wavelength = MM_PER_TEXEL / np.maximum(np.hypot(fx, fy), 1e-9)
    spectrum *= np.exp(-((np.log(wavelength / np.sqrt(low_mm * high_mm)) / np.log(high_mm / low_mm)) ** 2) * 2)
    noise = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


_FINER = 2
"""Vessels are drawn on a grid this much finer than the texture."""
_MARGIN = 64
_LEAST_WIDTH_MM = 0.12


def vessel_tree(rng: np.random.Generator, *, roots: int, width_mm: float, wander: float) -> np.ndarray:
    """Branching vessels (SIDE, SIDE), 0..1, tileable: each thins out, then forks after Murray's law (1926)."""
    side = SIDE * _FINER
    canvas = np.zeros((side + 2 * _MARGIN,) * 2, np.uint8)
    for _ in range(roots):
        start, heading = rng.uniform(0, side, 2), rng.uniform(0, 2 * np.pi)
        _vessel(rng, canvas, start, heading, width_mm * rng.uniform(0.6, 1.0), wander)
    return np.asarray(cv2.resize(_folded(canvas, side), (SIDE, SIDE), interpolation=cv2.INTER_AREA)) / np.float32(255)


def _folded(canvas: np.ndarray, side: int) -> np.ndarray:
    """The tile, with what was drawn over its border laid in at the opposite side."""
    for axis in (0, 1):
        whole = np.moveaxis(canvas, axis, 0)
        inner = whole[_MARGIN : _MARGIN + side].copy()
        inner[:_MARGIN] = np.maximum(inner[:_MARGIN], whole[_MARGIN + side :])
        inner[-_MARGIN:] = np.maximum(inner[-_MARGIN:], whole[:_MARGIN])
        canvas = np.moveaxis(inner, 0, axis)
    return canvas


def _vessel(
    rng: np.random.Generator, canvas: np.ndarray, at: np.ndarray, heading: float, width_mm: float, wander: float
) -> None:
    """One vessel to its fork, twigs at its sides, and what comes after the fork."""
    count = int(rng.integers(8, 16) * (1 + width_mm))
    headings = heading + wander * np.cumsum(rng.normal(size=count) * 0.6 + 0.5 * np.sin(np.arange(count) * 0.7))
    step = 1.4 * _FINER / MM_PER_TEXEL
    line = np.vstack([at, at + step * np.cumsum(np.stack([np.cos(headings), np.sin(headings)], 1), axis=0)])
    widths = width_mm * np.linspace(1.0, 0.8, count)
    for first in range(0, count, 4):
        _stroke(canvas, line[first : first + 5], float(widths[first]))
    for fork in np.flatnonzero(rng.random(count) < 0.12):
        twig = float(widths[fork] * rng.uniform(0.3, 0.6))
        if twig >= _LEAST_WIDTH_MM:
            aside = float(rng.choice((-1, 1)) * rng.uniform(0.5, 1.1))
            _vessel(rng, canvas, line[fork + 1], float(headings[fork]) + aside, twig, 1.3 * wander)
    share = rng.uniform(0.3, 0.7)
    for part, side in ((share, 1.0), (1 - share, -1.0)):
        child = float(widths[-1] * part ** (1 / 3) * 0.86)
        if child >= _LEAST_WIDTH_MM:
            _vessel(
                rng, canvas, line[-1], float(headings[-1]) + side * (1.1 - part) * rng.uniform(0.5, 1.0), child, wander
            )


def _stroke(canvas: np.ndarray, line_N2: np.ndarray, width_mm: float) -> None:
    """A few steps of one width; widths below a line's least one are told by its strength."""
    side = SIDE * _FINER
    shifted = line_N2 + (np.mod(line_N2[0], side) - line_N2[0]) + _MARGIN
    width = width_mm * _FINER / MM_PER_TEXEL
    points = np.rint(shifted * 16).astype(np.int32)[:, None, :]
    strength = int(np.clip(255 * width / 1.5, 70, 255))
    cv2.polylines(canvas, [points], False, strength, max(1, round(width)), cv2.LINE_AA, 4)


def _slopes(height_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Periodic slopes of a bump height: along the first lookup axis (columns), then the second (rows)."""
    along = (np.roll(height_mm, -1, 1) - np.roll(height_mm, 1, 1)) / (2 * MM_PER_TEXEL)
    down = (np.roll(height_mm, -1, 0) - np.roll(height_mm, 1, 0)) / (2 * MM_PER_TEXEL)
    return along, down


def _tile(mottle: np.ndarray, vessels: np.ndarray, height_mm: np.ndarray) -> np.ndarray:
    along, down = _slopes(height_mm)
    return np.stack([mottle, vessels, along, down], axis=-1).astype(np.float32)


def _parenchyma(rng: np.random.Generator) -> np.ndarray:
    """Liver: fine lobules, faint blotches, hardly a vessel."""
    lobules = band_noise(rng, 1.2, 3.0)
    mottle = 0.55 * band_noise(rng, 8, 40) + 0.5 * lobules + 0.35 * band_noise(rng, 0.7, 1.4)
    vessels = 0.35 * vessel_tree(rng, roots=2, width_mm=0.5, wander=0.08)
    return _tile(mottle, vessels, 0.02 * lobules + 0.10 * band_noise(rng, 4, 14))


def _peritoneum(rng: np.random.Generator) -> np.ndarray:
    """Abdominal wall: muscle fibres under a film, vessel trees."""
    fibres = band_noise(rng, 1.5, 5.0, stretch=5.0)
    mottle = 0.7 * band_noise(rng, 15, 70) + 0.5 * fibres + 0.25 * band_noise(rng, 0.8, 2.0)
    fine = 0.7 * vessel_tree(rng, roots=20, width_mm=0.35, wander=0.2)
    vessels = np.maximum(vessel_tree(rng, roots=6, width_mm=1.1, wander=0.12), fine)
    return _tile(mottle, vessels, 0.03 * fibres + 0.16 * band_noise(rng, 5, 16) + 0.05 * vessels)


def _fat(rng: np.random.Generator) -> np.ndarray:
    """Fat: lobules with creases between, thin vessels."""
    cells = 1 - np.abs(band_noise(rng, 3.0, 8.0))
    mottle = 0.6 * band_noise(rng, 10, 50) + 0.45 * cells + 0.2 * band_noise(rng, 0.8, 2)
    vessels = np.maximum(
        vessel_tree(rng, roots=3, width_mm=0.9, wander=0.16),
        0.7 * vessel_tree(rng, roots=12, width_mm=0.35, wander=0.22),
    )
    return _tile(mottle, vessels, 0.13 * cells + 0.02 * band_noise(rng, 1.5, 3.5))


def _serosa(rng: np.random.Generator) -> np.ndarray:
    """Gallbladder, stomach, bowel, ligament: smooth and wet, with vessels of every width."""
    mottle = 0.9 * band_noise(rng, 8, 36) + 0.25 * band_noise(rng, 1, 3)
    vessels = np.maximum(
        0.8 * vessel_tree(rng, roots=4, width_mm=0.8, wander=0.16),
        0.7 * vessel_tree(rng, roots=16, width_mm=0.3, wander=0.22),
    )
    return _tile(mottle, vessels, 0.12 * band_noise(rng, 4, 12) + 0.03 * band_noise(rng, 1, 2.5) + 0.04 * vessels)
