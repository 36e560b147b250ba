"""The stand-in footage's surfaces: mottled tissue with vessels and blood, wet highlights, soft shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from studio.scenes.simulator.anatomy import BOWEL, FAT, GALLBLADDER, LIGAMENT, LIVER, WALL, Anatomy
from studio.scenes.simulator.buffers import Surface, dot
from studio.scenes.simulator.frames import Geometry
from studio.scenes.simulator.painting import to_linear
from studio.scenes.simulator.palettes import LookPalette
from studio.scenes.simulator.plain import SHAFT_COLOURS, light
from studio.scenes.simulator.textures import draw_atlas, looked_up

_KIND = {LIVER: 0, WALL: 1, FAT: 2, GALLBLADDER: 3, LIGAMENT: 3, BOWEL: 3}
_VESSELS = {LIVER: 0.25, WALL: 0.75, FAT: 0.55, GALLBLADDER: 0.6, LIGAMENT: 0.5, BOWEL: 0.6}
_MOTTLE = {LIVER: 0.13, WALL: 0.16, FAT: 0.13, GALLBLADDER: 0.16, LIGAMENT: 0.14, BOWEL: 0.13}
_BUMP = {LIVER: 1.0, WALL: 0.9, FAT: 1.0, GALLBLADDER: 0.9, LIGAMENT: 1.0, BOWEL: 0.9}
_STEEL = (0.62, 0.63, 0.66)
_BLOOD = np.array([0.72, 0.13, 0.12], np.float32)
"""Share of light that comes back through a film of blood of thickness 1, by channel (Beer and Lambert)."""
_CHAR = np.array([0.035, 0.025, 0.02], np.float32)
_SCATTER = np.array([0.34, 0.16, 0.12], np.float32)
"""How far light wraps round a surface, by channel: red goes deepest into tissue."""


@dataclass(frozen=True, eq=False)
class RichLook:
    """One patient's surfaces. Arrays by part (P,): linear colours, texture kind, strengths."""

    palette: LookPalette
    atlas: np.ndarray
    colour_P3: np.ndarray
    second_P3: np.ndarray
    kind_P: np.ndarray
    vessels_P: np.ndarray
    mottle_P: np.ndarray
    bump_P: np.ndarray
    vessel_colour_3: np.ndarray
    blood_at_3: np.ndarray
    char: float
    """How far tissue is charred by diathermy around there, 0..1."""


def draw_rich_look(rng: np.random.Generator, anatomy: Anatomy, palette: LookPalette) -> RichLook:
    """Textures and colours for a patient, after the palette given."""
    named = {
        LIVER: palette.liver, GALLBLADDER: palette.gallbladder, WALL: palette.wall,
        FAT: palette.fat, LIGAMENT: palette.ligament, BOWEL: palette.bowel,
    }  # fmt: skip
    classes = [p.class_id for p in anatomy.parts]
    colours = np.array([named.get(c, palette.bowel) for c in classes])
    # Blotches lead towards a second colour: paler and yellower, or redder.
    second = colours * rng.uniform(0.78, 1.22, (len(classes), 1)) * (1 + rng.normal(size=colours.shape) * 0.07)

    def by_part(table: dict[int, float], spread: float) -> np.ndarray:
        return np.array([table.get(c, 0.5) * rng.uniform(1 - spread, 1 + spread) for c in classes], np.float32)

    return RichLook(
        palette, draw_atlas(rng), to_linear(colours), to_linear(second),
        np.array([_KIND.get(c, 3) for c in classes]), by_part(_VESSELS, 0.6), by_part(_MOTTLE, 0.4),
        by_part(_BUMP, 0.65) * np.float32(0.75), to_linear(np.array(palette.vessel)),
        anatomy.centre + rng.normal(size=3) * 14, max(0.0, float(rng.uniform(-0.7, 0.9))),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lamp:
    """The light at the endoscope's end, a little off the lens. ``shadow_HW`` 0..1 is coarse and soft."""

    lit_at: float
    offset_3: np.ndarray
    """In body axes, mm."""
    axis_3: np.ndarray
    beam: float
    """Exponent of the light cone."""


def shade_rich(surface: Surface, look: RichLook, shafts: tuple[str, ...], lamp: Lamp) -> np.ndarray:
    """Linear-light float32 colours (N, 3), not yet exposed; may exceed 1 in highlights."""
    albedo, slope, wet, bump = _tissue(surface, look)
    is_tool = surface.part_N >= len(look.kind_P)
    _paint_tools(albedo, surface, shafts, len(look.kind_P))
    bump = np.where(is_tool, np.float32(0), bump)
    normal = surface.normal_N3 - slope * bump[:, None]
    normal += surface.normal_N3 * dot(slope, surface.normal_N3)[:, None] * bump[:, None]
    normal /= np.maximum(np.sqrt(dot(normal, normal)), 1e-6)[:, None]
    ray_length = np.sqrt(dot(surface.ray_N3, surface.ray_N3))
    to_eye = surface.ray_N3 / -ray_length[:, None]
    to_lamp = to_eye * (surface.depth_N * ray_length)[:, None] + lamp.offset_3
    to_lamp /= np.maximum(np.sqrt(dot(to_lamp, to_lamp)), 1e-6)[:, None]
    _, strength = light(surface, lamp.lit_at)
    strength = strength * np.clip(-(dot(to_lamp, lamp.axis_3)), 0, 1) ** np.float32(lamp.beam)
    facing = dot(normal, to_lamp)
    scatter = np.where(is_tool[:, None], np.float32(0), _SCATTER)
    diffuse = np.clip((facing[:, None] + scatter) / (1 + scatter), 0, 1) * (1 - 0.25 * scatter)
    open_N = np.where(is_tool, np.float32(1), 0.22 + 0.78 * surface.openness_N)
    colour = albedo * (diffuse * (strength * open_N)[:, None] + np.float32(0.025) * open_N[:, None])
    half = to_lamp + to_eye
    half /= np.maximum(np.sqrt(dot(half, half)), 1e-6)[:, None]
    mirror = np.clip(dot(normal, half), 0, 1)
    gloss = wet * look.palette.shine * (2.2 * mirror**420 + 0.07 * mirror**28)
    gloss = np.where(is_tool, 0.8 * mirror**90 + 0.25 * mirror**12, gloss)
    colour += (gloss * strength)[:, None].astype(np.float32)
    return np.asarray(colour, np.float32)


def _tissue(surface: Surface, look: RichLook) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(linear albedo (N, 3), bump slopes (N, 3), wetness (N,), bump strength (N,))."""
    part = np.where((surface.part_N >= 0) & (surface.part_N < len(look.kind_P)), surface.part_N, 0)
    position = surface.position_N3
    mottle, vessels, slope = looked_up(look.atlas, look.kind_P[part], position, surface.normal_N3)
    blotch = np.clip(0.5 + 0.35 * surface.noise_N3[:, 1] + 0.25 * surface.noise_N3[:, 0], 0, 1)[:, None]
    albedo = look.colour_P3[part] * (1 - blotch) + look.second_P3[part] * blotch
    albedo *= np.clip(1 + look.mottle_P[part] * mottle, 0.3, 1.8)[:, None]
    share = np.clip(look.vessels_P[part] * vessels, 0, 0.9)[:, None]
    albedo = albedo * (1 - share) + look.vessel_colour_3 * share
    away = np.sqrt(((position - look.blood_at_3.astype(np.float32)) ** 2).sum(axis=1))
    rough = 0.4 * surface.noise_N3[:, 2] + 0.4 * surface.noise_N3[:, 1] + 0.3 * mottle
    # A film that is thick where it pools and thins out towards its edge, so that no outline shows.
    blood = np.clip(3.2 * look.palette.blood - away / 22 + rough, 0, 2.2).astype(np.float32)
    albedo = albedo * _BLOOD ** (1.2 * blood)[:, None]
    char = np.clip((2.0 * look.char - away / 11 + rough) * 1.5, 0, 0.92 if look.char else 0.0)[:, None].astype(
        np.float32
    )
    albedo = albedo * (1 - char) + _CHAR * char
    wet = 0.75 + 0.5 * np.minimum(blood, 1) + 0.25 * np.clip(mottle, -1, 1) - 0.5 * char[:, 0]
    return albedo.astype(np.float32), slope, wet.astype(np.float32), look.bump_P[part]


def _paint_tools(albedo: np.ndarray, surface: Surface, shafts: tuple[str, ...], first: int) -> None:
    colours = np.array([c for s in shafts for c in (_STEEL, SHAFT_COLOURS[s])], np.float32).reshape(-1, 3)
    rows = np.flatnonzero(surface.part_N >= first)
    if len(rows):
        albedo[rows] = to_linear(colours)[surface.part_N[rows] - first] * 0.5


def soft_shadow(geometry: Geometry, lamp: Lamp) -> np.ndarray:
    """float32 (H, W), 1 lit to 0 in shadow, from rays on every third pixel, smoothed: shadows of a wide light."""
    height, width = geometry.class_HW.shape
    step = 3
    rows, columns = np.arange(0, height, step), np.arange(0, width, step)
    index = (rows[:, None] * width + columns[None, :]).ravel()
    surface, scene = geometry.surface, geometry.scene
    start = surface.position_N3[index] + surface.normal_N3[index] * np.float32(1.0)
    to_lamp = (scene.origin_3 + lamp.offset_3.astype(np.float32)) - start
    reach = np.full(len(index), 0.97, np.float32)
    dark = scene.body.target.blocked(start, to_lamp, reach)
    if scene.tools is not None:
        dark |= scene.tools.blocked(start, to_lamp, reach)
    coarse = 1 - dark.reshape(len(rows), len(columns)).astype(np.float32)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 0.7)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
