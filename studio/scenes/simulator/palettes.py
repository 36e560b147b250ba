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
        "crimson", (0.37, 0.165, 0.155), (0.54, 0.40, 0.40), (0.68, 0.40, 0.42), (0.92, 0.66, 0.40), (0.68, 0.46, 0.42),
        (0.80, 0.48, 0.46), (0.52, 0.08, 0.10), (1.06, 0.96, 0.97), (0.33, 0.44), 1.02, 1.12, 0.75, 0.30, 0.10, 0.35,
        (0.33, 0.40),
    ),
    LookPalette(
        "amber", (0.36, 0.175, 0.14), (0.58, 0.52, 0.38), (0.78, 0.52, 0.45), (0.94, 0.70, 0.34), (0.72, 0.54, 0.40),
        (0.86, 0.58, 0.46), (0.62, 0.20, 0.14), (1.10, 0.98, 0.84), (0.33, 0.44), 1.0, 1.08, 0.5, 0.12, 0.12, 0.3,
        (0.40, 0.64),
    ),
    LookPalette(
        "violet", (0.34, 0.155, 0.175), (0.48, 0.38, 0.50), (0.60, 0.44, 0.50), (0.92, 0.64, 0.42), (0.64, 0.46, 0.46),
        (0.72, 0.48, 0.52), (0.44, 0.10, 0.18), (1.02, 0.94, 1.04), (0.28, 0.38), 1.05, 1.1, 0.8, 0.18, 0.06, 0.4,
        (0.38, 0.45),
    ),
    LookPalette(
        "dim", (0.36, 0.19, 0.16), (0.56, 0.52, 0.46), (0.64, 0.45, 0.40), (0.92, 0.68, 0.40), (0.66, 0.50, 0.41),
        (0.76, 0.53, 0.47), (0.50, 0.16, 0.14), (1.06, 0.98, 0.90), (0.22, 0.34), 0.95, 1.08, 0.6, 0.06, 0.22, 0.6,
        (0.31, 0.38),
    ),
    LookPalette(
        "rose", (0.46, 0.22, 0.21), (0.54, 0.51, 0.44), (0.78, 0.51, 0.53), (0.94, 0.70, 0.46), (0.74, 0.52, 0.48),
        (0.88, 0.58, 0.57), (0.64, 0.14, 0.18), (1.05, 0.97, 1.00), (0.36, 0.48), 1.0, 1.08, 0.65, 0.15, 0.14, 0.3,
        (0.33, 0.66),
    ),
)  # fmt: skip


def varied(palette: LookPalette, rng: np.random.Generator) -> LookPalette:
    """One patient's own version: every colour shifted a little, light and camera too."""

    def near(colour: Colour, spread: float = 0.05) -> Colour:
        moved = np.clip(np.array(colour) * (1 + rng.normal() * 0.08) * (1 + rng.normal(size=3) * spread), 0.03, 0.95)
        return (float(moved[0]), float(moved[1]), float(moved[2]))

    # Gallbladders differ most: green, blue-grey, yellow or pink within one palette.
    tint = np.array(((0.42, 0.47, 0.33), (0.44, 0.48, 0.51), (0.60, 0.53, 0.38), (0.60, 0.44, 0.42)))[rng.integers(4)]
    mixed = 0.55 * np.array(palette.gallbladder) + 0.45 * tint
    radius = float(rng.uniform(*palette.radius))
    return replace(
        palette,
        liver=near(palette.liver, 0.05), gallbladder=near((float(mixed[0]), float(mixed[1]), float(mixed[2]))),
        wall=near(palette.wall, 0.07), fat=near(palette.fat), ligament=near(palette.ligament),
        bowel=near(palette.bowel), vessel=near(palette.vessel, 0.1), white_balance=near(palette.white_balance, 0.025),
        saturation=palette.saturation * float(rng.uniform(0.88, 1.12)),
        contrast=palette.contrast * float(rng.uniform(0.92, 1.08)), shine=palette.shine * float(rng.uniform(0.6, 1.4)),
        blood=palette.blood * float(rng.uniform(0.2, 1.6)), vignette=palette.vignette * float(rng.uniform(0.6, 1.4)),
        radius=(radius, radius),
    )  # fmt: skip
