"""The looks of the stand-in footage: named palettes of tissue, light and camera, varied from patient to patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class LookPalette:
    """Tissue colours (sRGB 0..1 under white light) and the camera's habits. Ranges are (low, high)."""

    name: str
    liver: Colour
    gallbladder: Colour
    wall: Colour
    fat: Colour
    ligament: Colour
    bowel: Colour
    vessel: Colour
    white_balance: Colour
    exposure: tuple[float, float]
    """Mean brightness inside the round area that the automatic exposure aims at, 0..1 before the tone curve."""
    saturation: float
    contrast: float
    shine: float
    blood: float
    """Share of the surface around the gallbladder that is bloody."""
    smoke: float
    """Share of frames with visible smoke."""
    vignette: float
    radius: tuple[float, float]
    """Radius of the round picture area by the picture's width; above 0.6 nothing is cut off."""


PALETTES: tuple[LookPalette, ...] = (
    LookPalette(
        "crimson", (0.44, 0.13, 0.16), (0.62, 0.42, 0.46), (0.72, 0.36, 0.40), (0.80, 0.56, 0.38), (0.78, 0.46, 0.44),
        (0.80, 0.46, 0.46), (0.50, 0.04, 0.08), (1.06, 0.96, 0.98), (0.30, 0.42), 1.15, 1.1, 0.75, 0.30, 0.10, 0.35,
        (0.33, 0.40),
    ),
    LookPalette(
        "amber", (0.46, 0.22, 0.15), (0.70, 0.60, 0.38), (0.82, 0.54, 0.44), (0.90, 0.66, 0.26), (0.84, 0.62, 0.46),
        (0.84, 0.56, 0.42), (0.58, 0.14, 0.10), (1.10, 1.00, 0.82), (0.30, 0.42), 1.1, 1.0, 0.5, 0.12, 0.12, 0.3,
        (0.38, 0.64),
    ),
    LookPalette(
        "violet", (0.36, 0.14, 0.20), (0.46, 0.42, 0.56), (0.62, 0.46, 0.56), (0.84, 0.58, 0.38), (0.70, 0.52, 0.56),
        (0.70, 0.50, 0.56), (0.40, 0.08, 0.20), (0.99, 0.96, 1.08), (0.22, 0.34), 0.95, 1.05, 0.8, 0.18, 0.06, 0.4,
        (0.36, 0.44),
    ),
    LookPalette(
        "dim", (0.36, 0.17, 0.14), (0.66, 0.62, 0.54), (0.62, 0.44, 0.38), (0.78, 0.60, 0.30), (0.68, 0.54, 0.44),
        (0.72, 0.52, 0.46), (0.46, 0.12, 0.12), (1.04, 1.00, 0.90), (0.15, 0.25), 0.9, 1.0, 0.6, 0.06, 0.22, 0.6,
        (0.31, 0.38),
    ),
    LookPalette(
        "rose", (0.56, 0.25, 0.25), (0.58, 0.60, 0.48), (0.82, 0.52, 0.54), (0.88, 0.68, 0.44), (0.86, 0.60, 0.56),
        (0.88, 0.60, 0.58), (0.62, 0.10, 0.14), (1.04, 0.98, 1.00), (0.32, 0.46), 0.95, 0.95, 0.65, 0.15, 0.14, 0.3,
        (0.33, 0.66),
    ),
)  # fmt: skip


def palette_of(seed_order: np.ndarray, index: int) -> LookPalette:
    """The palette of the index-th patient, when palettes are dealt out in an order."""
    return PALETTES[int(seed_order[index % len(PALETTES)])]


def varied(palette: LookPalette, rng: np.random.Generator) -> LookPalette:
    """One patient's own version: every colour shifted a little, light and camera too."""

    def near(colour: Colour, spread: float = 0.035) -> Colour:
        moved = np.clip(np.array(colour) * (1 + rng.normal() * 0.08) + rng.normal(size=3) * spread, 0.03, 0.95)
        return (float(moved[0]), float(moved[1]), float(moved[2]))

    # Gallbladders differ most: green, blue-grey, yellow or pink within one palette.
    tint = np.array(((0.42, 0.50, 0.34), (0.44, 0.48, 0.54), (0.72, 0.60, 0.40), (0.74, 0.50, 0.48)))[rng.integers(4)]
    mixed = 0.55 * np.array(palette.gallbladder) + 0.45 * tint
    radius = float(rng.uniform(*palette.radius))
    return replace(
        palette,
        liver=near(palette.liver, 0.03), gallbladder=near((float(mixed[0]), float(mixed[1]), float(mixed[2]))),
        wall=near(palette.wall, 0.045), fat=near(palette.fat), ligament=near(palette.ligament),
        bowel=near(palette.bowel), vessel=near(palette.vessel, 0.03), white_balance=near(palette.white_balance, 0.025),
        saturation=palette.saturation * float(rng.uniform(0.88, 1.12)),
        contrast=palette.contrast * float(rng.uniform(0.92, 1.08)), shine=palette.shine * float(rng.uniform(0.6, 1.4)),
        blood=palette.blood * float(rng.uniform(0.2, 1.6)), vignette=palette.vignette * float(rng.uniform(0.6, 1.4)),
        radius=(radius, radius),
    )  # fmt: skip
