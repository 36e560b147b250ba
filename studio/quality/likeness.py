"""Where a part of a region looks like another class, once light and shading are taken out.

Light, smoke and vignettes change the looks of all classes smoothly over the picture, and shading follows the render's.
Both are fitted, robustly, along with each class' mean looks, and taken out; what is left tells classes apart by place.
"""

from __future__ import annotations

import numpy as np

from studio.quality.identity import Identity, Looks

_DARK, _SCALE = 16.0, 64.0
_FIELD_RIDGE, _SHADE_RIDGE, _SHADE_UNIT = 20.0, 5.0, 20.0
_ROUNDS = 3
_POOLED, _NOISE = 0.5, 4.0
_FREEDOM = 4.0
"""Degrees of freedom of Student's t: a highlight is unlike every class, and so speaks for none."""


def likeness_kept(looks: Looks) -> Identity:
    """As identity_kept, for looks freed of light and shading; fit to say where, not how well a class is kept."""
    render_N4, translation_N4 = (_logarithmic(l_N4) for l_N4 in (looks.render_N4, looks.translation_N4))
    shade_N = render_N4[:, :3].mean(axis=1)
    own_N = _own_probability(unlit(translation_N4, looks, shade_N), looks.class_N)
    render_own_N = _own_probability(unlit(render_N4, looks, None), looks.class_N)
    return Identity(looks.shape, looks.index_N, looks.class_N, own_N, render_own_N)


def unlit(values_NF: np.ndarray, looks: Looks, shade_N: np.ndarray | None) -> np.ndarray:
    """Values at the samples less a cubic field over the picture, common to all classes, and less what follows
    ``shade_N`` within each class. Iteratively reweighted ridge regression (Cauchy weights)."""
    if not len(values_NF):
        return values_NF
    ids, own_N = np.unique(looks.class_N, return_inverse=True)
    member_NC = np.eye(len(ids))[own_N]
    terms, ridges = [member_NC, _field(looks)], [np.full(len(ids), 1e-3), np.full(9, _FIELD_RIDGE)]
    if shade_N is not None:
        medians_C = np.array([np.median(shade_N[own_N == j]) for j in range(len(ids))])
        terms.append(member_NC * ((shade_N - medians_C[own_N]) / _SHADE_UNIT)[:, None])
        ridges.append(np.full(len(ids), _SHADE_RIDGE))
    design_NT, ridge_T = np.concatenate(terms, axis=1), np.concatenate(ridges)
    weight_N = np.ones(len(values_NF))
    for _ in range(_ROUNDS):
        weighted_TN = (design_NT * weight_N[:, None]).T
        found_TF = np.linalg.solve(weighted_TN @ design_NT + np.diag(ridge_T), weighted_TN @ values_NF)
        error_NF = values_NF - design_NT @ found_TF
        scale_F = 1.48 * np.median(np.abs(error_NF), axis=0) + 1
        weight_N = 1 / (1 + ((error_NF / scale_F) ** 2).mean(axis=1) / 2)
    return np.asarray(values_NF - design_NT[:, len(ids) :] @ found_TF[len(ids) :])


def _logarithmic(looks_N4: np.ndarray) -> np.ndarray:
    """float64 Nx4: colours as logarithms, in which light is a sum; texture is one already."""
    values_N4 = looks_N4.astype(np.float64)
    values_N4[:, :3] = _SCALE * np.log1p(values_N4[:, :3] / _DARK)
    return values_N4


def _field(looks: Looks) -> np.ndarray:
    """Nx9: all products of x and y of degree 1 to 3, x and y about -1 to 1."""
    height, width = looks.shape
    x, y = looks.index_N % width / width * 2 - 1, looks.index_N // width / width * 2 - height / width
    return np.stack([x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3], axis=1)


def _own_probability(looks_NF: np.ndarray, class_N: np.ndarray) -> np.ndarray:
    """float64 N: posterior of the own class under one multivariate t per class, equal priors."""
    ids, own_N = np.unique(class_N, return_inverse=True)
    if len(ids) < 2:
        return np.ones(len(class_N))
    groups = [looks_NF[own_N == j] for j in range(len(ids))]
    scatter = [np.cov(g.T) for g in groups]
    pooled = np.average(scatter, axis=0, weights=[len(g) for g in groups])
    features = looks_NF.shape[1]
    log_NC = np.empty((len(looks_NF), len(ids)))
    for j, group in enumerate(groups):
        covariance = (1 - _POOLED) * scatter[j] + _POOLED * pooled + _NOISE * np.eye(features)
        away = looks_NF - np.median(group, axis=0)
        squared_N = ((away @ np.linalg.inv(covariance)) * away).sum(axis=1)
        log_NC[:, j] = -0.5 * (_FREEDOM + features) * np.log1p(squared_N / _FREEDOM)
        log_NC[:, j] -= 0.5 * np.linalg.slogdet(covariance)[1]
    likelihood = np.exp(log_NC - log_NC.max(axis=1, keepdims=True))
    return np.asarray(likelihood[np.arange(len(looks_NF)), own_N] / likelihood.sum(axis=1))
