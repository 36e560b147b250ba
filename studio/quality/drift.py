"""Whether the outlines of a neighbourhood would all fit a picture better if they were moved together.

One outline's nearest edge may be chance: a shadow, a vessel, a highlight. That many near ones agree on a displacement
is not. So every piece of outline votes, with its profile along its own normal, for displacements in the plane.
"""

from __future__ import annotations

import numpy as np

from studio.quality.outlines import REACH, Outlines

_NEIGHBOURHOOD = 20.0
_PENALTY = 0.15
_LONGEST = REACH - 1
_AFFINE_UNIT, _RIDGE, _ROUNDS, _FARTHEST = 200.0, 8.0, 6, 7.0


def _displacements() -> np.ndarray:
    steps = np.arange(-_LONGEST, _LONGEST + 1.0)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return np.asarray(grid[(grid**2).sum(axis=1) <= _LONGEST**2])


_DISPLACEMENTS_D2 = _displacements()
_NONE = int(np.flatnonzero((_DISPLACEMENTS_D2 == 0).all(axis=1))[0])
_COSTS_D = _PENALTY * (_DISPLACEMENTS_D2**2).sum(axis=1) / _LONGEST**2


def pull(outlines: Outlines, profiles_GO: np.ndarray, weight_G: np.ndarray) -> np.ndarray:
    """Per piece G, 0 to 1: how much better its neighbourhood (Gaussian, 20 px) fits when moved by up to 8 px than
    where it is. ``profiles_GO``: edge strength at the offsets along the normal; longer moves must gain more."""
    if not len(outlines):
        return np.zeros(0)
    votes_GD = _votes(outlines, profiles_GO)
    near_GG = np.exp(-0.5 * outlines.squared_GG / _NEIGHBOURHOOD**2) * weight_G[None, :]
    fit_GD = near_GG.astype(np.float32) @ votes_GD / np.maximum(near_GG.sum(axis=1), 1e-6)[:, None].astype(np.float32)
    best_G = (fit_GD - _COSTS_D).argmax(axis=1)
    return np.asarray(fit_GD[np.arange(len(best_G)), best_G] - fit_GD[:, _NONE])


def common_motion(outlines: Outlines, displacement_G: np.ndarray, weight_G: np.ndarray) -> np.ndarray:
    """Gx2 px: how the one affine motion of the whole picture that best explains the displacements along the normals
    moves each piece. Robust (Cauchy weights, 1 px) and drawn towards no motion; displacements of chance cancel, so
    far smaller moves show than in any single piece."""
    if not len(outlines):
        return np.zeros((0, 2))
    normal_G2, at_G2 = _normals(outlines), outlines.means(outlines.xy_P2)
    terms_G3 = np.concatenate([np.ones((len(at_G2), 1)), (at_G2 - at_G2.mean(axis=0)) / _AFFINE_UNIT], axis=1)
    along_G6 = np.concatenate([normal_G2[:, :1] * terms_G3, normal_G2[:, 1:] * terms_G3], axis=1)
    found_6 = np.zeros(6)
    known_G = weight_G * (np.abs(displacement_G) <= _FARTHEST)
    for _ in range(_ROUNDS):
        trusted_G = known_G / (1 + (displacement_G - along_G6 @ found_6) ** 2)
        normal_66 = (along_G6 * trusted_G[:, None]).T @ along_G6 + _RIDGE * np.eye(6)
        found_6 = np.linalg.solve(normal_66, along_G6.T @ (trusted_G * displacement_G))
    return np.stack([terms_G3 @ found_6[:3], terms_G3 @ found_6[3:]], axis=1)


def _normals(outlines: Outlines) -> np.ndarray:
    """Gx2 unit normals of the pieces."""
    normal_G2 = outlines.means(outlines.normal_P2)
    return np.asarray(normal_G2 / np.maximum(np.linalg.norm(normal_G2, axis=1, keepdims=True), 1e-6))


def _votes(outlines: Outlines, profiles_GO: np.ndarray) -> np.ndarray:
    """float32 GxD: each profile, squared, scaled to a peak of 1, at the displacements' part along its normal."""
    peak_G1 = np.maximum(profiles_GO.max(axis=1, keepdims=True), 1e-6)
    sharp_GO = ((profiles_GO / peak_G1) ** 2).astype(np.float32)
    normal_G2 = _normals(outlines)
    along_GD = np.clip(normal_G2 @ _DISPLACEMENTS_D2.T, -REACH, REACH) + REACH
    lower_GD = np.minimum(along_GD.astype(np.int64), 2 * REACH - 1)
    share_GD = (along_GD - lower_GD).astype(np.float32)
    rows = np.arange(len(sharp_GO))[:, None]
    return np.asarray(sharp_GO[rows, lower_GD] * (1 - share_GD) + sharp_GO[rows, lower_GD + 1] * share_GD)
