"""The look of a simple simulation: plain colours per organ under a head-light. Realism is the translator's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from studio.scenes.simulator.anatomy import WALL, Anatomy
from studio.scenes.simulator.buffers import Surface, dot
from studio.scenes.simulator.painting import colour_at, to_linear
from studio.vocabulary.seeds import stream

_COLOURS = {
    0: (0.37, 0.15, 0.19),
    1: (0.48, 0.19, 0.16),
    2: (0.44, 0.50, 0.31),
    3: (0.74, 0.44, 0.40),
    4: (0.88, 0.70, 0.38),
    5: (0.82, 0.62, 0.50),
    6: (0.68, 0.69, 0.71),
    7: (0.20, 0.20, 0.22),
    8: (0.86, 0.58, 0.52),
}
"""sRGB 0..1 by class id, before a patient's own variation; 0 is tissue without a class, such as a spleen."""
SHAFT_COLOURS = {
    "black": (0.13, 0.13, 0.14), "grey": (0.34, 0.35, 0.37), "steel": (0.62, 0.63, 0.65), "white": (0.82, 0.82, 0.79)
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PlainLook:
    """Linear colours by part (P, 3) and what they blend into in broad blotches, strength of the noise in them (P,)."""

    colour_P3: np.ndarray
    second_P3: np.ndarray
    grain_P: np.ndarray
    exposure: float
    shine: float
    ambient: float
    pictures: Mapping[int, np.ndarray] = field(default_factory=dict)
    """By part with a texture: uint8 sRGB (H, W, 3), which stands for its colours."""


def draw_plain_look(seed: int, patient: int, anatomy: Anatomy) -> PlainLook:
    """A patient's colours: each organ's plain colour, shifted a little in hue and lightness."""
    rng = stream(seed, "plain look", patient)
    shift = {c: rng.normal(size=3) * 0.035 + rng.normal() * 0.05 for c in _COLOURS}
    # Walls differ most, from pale pink through tan to red: else segmenters take a dark wall for liver.
    shift[WALL] = rng.normal(size=3) * 0.045 + rng.uniform(-0.2, 0.12)
    colours = [
        np.array(p.colour if p.colour is not None else _COLOURS.get(p.class_id, (0.5, 0.5, 0.5)))
        + shift.get(p.class_id, 0.0)
        for p in anatomy.parts
    ]
    blends = {c: rng.normal() * (0.09 if c == WALL else 0.03) + rng.normal(size=3) * 0.035 for c in _COLOURS}
    second = [c + blends.get(p.class_id, 0.0) for c, p in zip(colours, anatomy.parts, strict=True)]
    grains = {1: 0.10, 3: 0.22, 4: 0.12}
    grain = [grains.get(p.class_id, 0.08) * rng.uniform(0.6, 1.5) for p in anatomy.parts]
    pictures = {i: p.texture.picture_HW3 for i, p in enumerate(anatomy.parts) if p.texture is not None}
    for i in pictures:  # a picture has its own
        grain[i] = 0.0
    return PlainLook(
        to_linear(np.array(colours)),
        to_linear(np.array(second)), np.array(grain, np.float32),
        exposure=float(rng.uniform(0.85, 1.2)), shine=float(rng.uniform(0.04, 0.16)),
        ambient=float(rng.uniform(0.05, 0.1)), pictures=pictures,
    )  # fmt: skip


def exposure_distance(depth_N: np.ndarray) -> float:
    """The distance (mm) at which a white surface is fully lit: an automatic exposure on what is in view."""
    seen = depth_N[depth_N > 0]
    return float(np.percentile(seen, 55)) if len(seen) else 100.0


def shade_plain(surface: Surface, look: PlainLook, shafts: tuple[str, ...], *, lit_at: float) -> np.ndarray:
    """Linear-light then sRGB float32 colours (N, 3), 0..1."""
    tools = np.array([c for s in shafts for c in (_COLOURS[6], SHAFT_COLOURS[s])], np.float32).reshape(-1, 3)
    colour_P3 = np.concatenate([look.colour_P3, to_linear(tools), np.zeros((1, 3), np.float32)])
    grain_P = np.concatenate([look.grain_P, np.zeros(len(tools) + 1, np.float32)])
    part = surface.part_N
    facing, strength = light(surface, lit_at)
    lit = look.ambient + np.float32(look.exposure) * facing * strength
    lit *= np.maximum(1 + grain_P.take(part) * surface.noise_N3[:, 0], 0.2)
    second_P3 = np.concatenate([look.second_P3, colour_P3[len(look.second_P3) :]])
    blotch = np.clip(0.5 + 0.4 * surface.noise_N3[:, 1], 0, 1)
    gloss = np.where(part >= len(look.colour_P3), np.float32(0.5), np.float32(look.shine))
    gloss *= strength * _power_48(facing)
    colour_3N = np.empty((3, len(part)), np.float32)
    painted = _painted(surface, look)
    channels = zip(colour_3N, colour_P3.T.copy(), second_P3.T.copy(), strict=True)
    for axis, (colour, first_P, second_P) in enumerate(channels):
        albedo_N = first_P.take(part) * (1 - blotch) + second_P.take(part) * blotch
        for rows, albedo_R3 in painted:
            albedo_N[rows] = albedo_R3[:, axis]
        np.multiply(albedo_N, lit, out=colour)
        colour += gloss
    np.clip(colour_3N, 0, 1, out=colour_3N)
    return np.asarray(np.power(colour_3N, np.float32(1 / 2.2), out=colour_3N).T)


def _painted(surface: Surface, look: PlainLook) -> list[tuple[np.ndarray, np.ndarray]]:
    """By part with a texture: the rays that meet it, and the linear colours (R, 3) there."""
    if surface.uv_N2 is None:
        return []
    found = ((np.flatnonzero(surface.part_N == part), picture) for part, picture in look.pictures.items())
    return [(rows, colour_at(picture, surface.uv_N2[rows])) for rows, picture in found]


def _power_48(values: np.ndarray) -> np.ndarray:
    """By squares: float32's own powers take ten times as long."""
    power_16 = np.square(np.square(np.square(np.square(values))))
    return np.asarray(power_16 * power_16 * power_16)


def light(surface: Surface, lit_at: float) -> tuple[np.ndarray, np.ndarray]:
    """(cosine towards the head-light, 1/d^2 falloff relative to ``lit_at`` mm, held below 2.5), float32 (N,)."""
    ray = surface.ray_N3
    squared = dot(ray, ray)
    facing = np.clip(-dot(surface.normal_N3, ray) / np.sqrt(squared), 0, 1)
    distance2 = squared * surface.depth_N**2
    strength = np.minimum(np.float32(lit_at**2) / np.maximum(distance2, 1.0), np.float32(2.5))
    return facing.astype(np.float32), strength.astype(np.float32)
