"""What is done to training pictures: geometry (alike for every regime) and appearance (what the regimes differ in).

All random numbers come from named streams of (seed, step), so that a resumed run goes on exactly, and geometry is the
same for all appearances.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from studio.files.pictures import read_rgb
from studio.segmenter.data import lit_area, resized
from studio.segmenter.settings import SegmenterSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import IGNORE
from studio.vocabulary.seeds import stream

_LUMA = (0.299, 0.587, 0.114)
_MOST_REFERENCES = 500


class ColourStatistics:
    """Reinhard et al. 2001, "Color transfer between images": means and deviations in Lab, of lit pixels only.

    CIE Lab in the place of the paper's l-alpha-beta, as is usual today.
    """

    def __init__(self, mean_R3: np.ndarray, std_R3: np.ndarray) -> None:
        self._mean_R3, self._std_R3 = mean_R3, std_R3

    @staticmethod
    def of_footage(paths: Sequence[Path], size: tuple[int, int]) -> ColourStatistics:
        """Statistics of up to 500 footage pictures, evenly chosen. Raise InputError when there are none."""
        if not paths:
            raise InputError("there is no footage to take colours from", where="reinhard", remedy="Add footage first.")
        chosen = np.linspace(0, len(paths) - 1, min(len(paths), _MOST_REFERENCES), dtype=int)
        facts = [_lab_facts(resized(read_rgb(paths[i]), size)) for i in chosen]
        return ColourStatistics(np.array([m for m, _ in facts]), np.array([s for _, s in facts]))

    def transferred(self, image_HW3: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """A picture (uint8 RGB) with the statistics of one footage picture, drawn; black border stays black."""
        reference = int(draw.integers(len(self._mean_R3)))
        area_HW = lit_area(image_HW3)
        mean_3, std_3 = _lab_facts(image_HW3, area_HW)
        gain_3 = (self._std_R3[reference] / np.maximum(std_3, 1e-3)).astype(np.float32)
        offset_3 = (self._mean_R3[reference] - mean_3 * gain_3).astype(np.float32)
        lab_HW3 = cv2.cvtColor(image_HW3.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) * gain_3 + offset_3
        rgb_HW3 = cv2.cvtColor(lab_HW3, cv2.COLOR_LAB2RGB)
        moved_HW3 = np.clip(np.rint(np.nan_to_num(rgb_HW3) * 255), 0, 255).astype(np.uint8)
        return np.where(area_HW[..., None], moved_HW3, image_HW3)


def _lab_facts(image_HW3: np.ndarray, area_HW: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    area_HW = lit_area(image_HW3) if area_HW is None else area_HW
    lab_N3 = cv2.cvtColor(image_HW3.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[area_HW]
    return lab_N3.mean(axis=0, dtype=np.float64), lab_N3.std(axis=0, dtype=np.float64)


def moved(
    image_BCHW: torch.Tensor, target_BHW: torch.Tensor, settings: SegmenterSettings, step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Flip, rotate, scale and shift pictures (bilinear) and targets (nearest) alike; what lies beyond is mirrored."""
    batch, _, height, width = image_BCHW.shape
    theta_B23 = _affine(settings, stream(settings.seed, "segmenter geometry", step), batch)
    theta = torch.from_numpy(theta_B23).to(image_BCHW.device)
    grid_BHW2 = F.affine_grid(theta, [batch, 3, height, width], align_corners=False)
    out_BCHW = F.grid_sample(image_BCHW, grid_BHW2, "bilinear", "reflection", align_corners=False)
    labels_B1HW = target_BHW[:, None].float()
    moved_B1HW = F.grid_sample(labels_B1HW, grid_BHW2, "nearest", "reflection", align_corners=False)
    return out_BCHW, moved_B1HW[:, 0].round().long()


def _affine(settings: SegmenterSettings, draw: np.random.Generator, batch: int) -> np.ndarray:
    """Output-to-input maps in grid_sample's units, float32 Bx2x3; the aspect is kept up to a tenth."""
    width, height = settings.size
    angle = np.deg2rad(draw.uniform(-settings.rotation_deg, settings.rotation_deg, batch))
    low, high = np.log(settings.scale)
    zoom = np.exp(draw.uniform(low, high, batch))
    stretch = np.exp(draw.uniform(-0.1, 0.1, batch)) if high > low else np.ones(batch)
    mirror = np.where(draw.random(batch) < settings.flip, -1.0, 1.0)
    shift = draw.uniform(-2 * settings.shift, 2 * settings.shift, (batch, 2))
    cosine, sine, aspect = np.cos(angle), np.sin(angle), width / height
    x, y = 1 / (zoom * stretch), stretch / zoom
    rows = [
        [cosine * x * mirror, -sine * y / aspect, shift[:, 0]],
        [sine * x * aspect * mirror, cosine * y, shift[:, 1]],
    ]
    return np.stack([np.stack(r, axis=1) for r in rows], axis=1).astype(np.float32)


def with_circle(
    image_BCHW: torch.Tensor, target_BHW: torch.Tensor, settings: SegmenterSettings, step: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Round endoscope masks on some pictures: outside black and "rest" (ignored pixels stay ignored).

    Radius U[0.4 max(w, h), half the diagonal], centre within 10 % of the middle, as the paper's augmentation.
    """
    batch, _, height, width = image_BCHW.shape
    draw = stream(settings.seed, "segmenter circle", step)
    chosen = draw.random(batch) < settings.circle
    radius = draw.uniform(0.4 * max(width, height), 0.5 * np.hypot(width, height), batch)
    radius = np.where(chosen, radius, 10.0 * (width + height))
    centre = (0.5 + draw.uniform(-0.1, 0.1, (batch, 2))) * (width, height)
    x = np.arange(width) + 0.5
    y = np.arange(height) + 0.5
    distance2_BHW = (x[None, None] - centre[:, :1, None]) ** 2 + (y[None, :, None] - centre[:, 1:, None]) ** 2
    inside_BHW = torch.from_numpy(distance2_BHW <= radius[:, None, None] ** 2).to(image_BCHW.device)
    image_BCHW = image_BCHW * inside_BHW[:, None]
    return image_BCHW, torch.where(inside_BHW | (target_BHW == IGNORE), target_BHW, 0)


def recoloured(image_BCHW: torch.Tensor, *, seed: int, step: int) -> torch.Tensor:
    """Strong colour augmentation, each picture its own draw; in and out RGB in [0, 1], pure black stays black.

    Gamma, one colour matrix (hue, saturation, channel mixing, contrast) with an offset (brightness, tint), blur, noise.
    """
    draw = stream(seed, "segmenter colour", step)
    batch = len(image_BCHW)
    border_B1HW = image_BCHW.amax(1, keepdim=True) <= 2 / 255
    gamma_B = np.exp(draw.uniform(np.log(0.55), np.log(1.8), batch)).astype(np.float32)
    matrices_B33, offsets_B3 = _colour_matrices(draw, batch)
    device = image_BCHW.device
    x = image_BCHW.clamp(1e-4, 1.0).pow(torch.from_numpy(gamma_B).to(device).view(-1, 1, 1, 1))
    x = torch.baddbmm(
        torch.from_numpy(offsets_B3).to(device)[..., None], torch.from_numpy(matrices_B33).to(device), x.flatten(2)
    ).view(image_BCHW.shape)
    return _through_a_camera(x, draw).masked_fill(border_B1HW, 0.0)


def exposed(image_BCHW: torch.Tensor, *, seed: int, step: int) -> torch.Tensor:
    """What a camera does to any picture, in regimes without colour augmentation: exposure, blur, noise; no hue.

    In and out RGB in [0, 1]; the exposure's factor is drawn from 0.6 to 1.5, evenly on a logarithmic scale.
    """
    draw = stream(seed, "segmenter camera", step)
    gain_B = np.exp(draw.uniform(np.log(0.6), np.log(1.5), len(image_BCHW))).astype(np.float32)
    gains = torch.from_numpy(gain_B).to(image_BCHW.device).view(-1, 1, 1, 1)
    return _through_a_camera(image_BCHW * gains, draw)


def _through_a_camera(image_BCHW: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    """Blur on some pictures, noise on half of them."""
    x = _blurred(image_BCHW, draw)
    strength_B = draw.uniform(0, 0.06, len(x)) * (draw.random(len(x)) < 0.5)
    source = torch.Generator(x.device).manual_seed(int(draw.integers(1 << 62)))
    noise_BCHW = torch.randn(x.shape, generator=source, device=x.device)
    x = x + noise_BCHW * torch.from_numpy(strength_B.astype(np.float32)).to(x.device).view(-1, 1, 1, 1)
    return x.clamp(0.0, 1.0)


def _colour_matrices(draw: np.random.Generator, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 Bx3x3 and Bx3: colour' = M (colour - 0.5) + 0.5 + offset, with the 0.5 folded in."""
    grey_33 = np.tile(np.array(_LUMA), (3, 1))
    saturation_B = draw.uniform(0.3, 1.7, batch)
    saturate_B33 = grey_33 + saturation_B[:, None, None] * (np.eye(3) - grey_33)
    hue_B33 = np.stack([_hue_rotation(a) for a in np.deg2rad(draw.uniform(-40, 40, batch))])
    mixing_B33 = np.eye(3) + draw.uniform(-0.15, 0.15, (batch, 3, 3))
    contrast_B = np.exp(draw.uniform(np.log(0.55), np.log(1.7), batch))
    matrix_B33 = contrast_B[:, None, None] * (mixing_B33 @ hue_B33 @ saturate_B33)
    brightness_B3 = draw.uniform(-0.2, 0.2, (batch, 1)) + draw.uniform(-0.1, 0.1, (batch, 3))
    # Contrast turns about mid-grey; the other matrices about black, so that a grey stays near its own brightness.
    offset_B3 = 0.5 * (1 - contrast_B[:, None]) + brightness_B3
    return matrix_B33.astype(np.float32), offset_B3.astype(np.float32)


def _hue_rotation(angle: float) -> np.ndarray:
    """Rotation about the grey axis (Rodrigues): keeps greys, turns hues."""
    k = np.full(3, 1 / np.sqrt(3))
    cross_33 = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    rotation: np.ndarray = np.eye(3) + np.sin(angle) * cross_33 + (1 - np.cos(angle)) * (cross_33 @ cross_33)
    return rotation


def _blurred(image_BCHW: torch.Tensor, draw: np.random.Generator) -> torch.Tensor:
    """A separable five-tap blur, wide for some pictures and none for most."""
    batch, channels = image_BCHW.shape[:2]
    sigma_B = np.where(draw.random(batch) < 0.3, draw.uniform(0.5, 1.5, batch), 1e-3)
    taps_B5 = np.exp(-0.5 * (np.arange(-2, 3)[None] / sigma_B[:, None]) ** 2)
    taps_B5 /= taps_B5.sum(axis=1, keepdims=True)
    weights = torch.from_numpy(np.repeat(taps_B5, channels, axis=0).astype(np.float32)).to(image_BCHW.device)
    flat_1NHW = F.pad(image_BCHW, (2, 2, 2, 2), mode="replicate").flatten(0, 1)[None]
    flat_1NHW = F.conv2d(flat_1NHW, weights.view(-1, 1, 5, 1), groups=batch * channels)
    flat_1NHW = F.conv2d(flat_1NHW, weights.view(-1, 1, 1, 5), groups=batch * channels)
    return flat_1NHW.view(image_BCHW.shape)
