"""MUNIT's networks and losses once more, in NumPy and float64, from the papers; nothing here uses torch or the product.

Weights come as arrays by the names of the public checkpoints. Each of the facts that decide whether a checkpoint gives
the right picture can be got wrong on purpose, so that a test can show that it would be noticed.
Shapes: C channels, H x W pixels, S style numbers; one picture at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Arrays = Mapping[str, np.ndarray]
LEVEL_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


@dataclass(frozen=True)
class Facts:
    """What the public code does; change one to do it wrong."""

    padding: str = "reflect"
    freedom: int = 1
    """The layer norm's deviation divides by n - freedom."""
    means_first: bool = True
    epsilon_outside: bool = True
    """The layer norm adds its epsilon to the deviation, not to the variance."""
    layer_norm_over_channels: bool = True


class Reference:
    """One side's generator."""

    def __init__(self, weights: Arrays, facts: Facts | None = None) -> None:
        self.w = weights
        self.facts = facts or Facts()
        self.blocks = 1 + max(int(n.split(".")[4]) for n in weights if n.startswith("enc_content.model.3.model."))

    def encode(self, image_3HW: np.ndarray) -> np.ndarray:
        x = image_3HW
        for place, (pad, stride) in enumerate([(3, 1), (1, 2), (1, 2)]):
            x = np.maximum(normal(self._conv(x, f"enc_content.model.{place}.conv", pad, stride)), 0)
        for block in range(self.blocks):
            name = f"enc_content.model.3.model.{block}.model"
            inner = np.maximum(normal(self._conv(x, f"{name}.0.conv", 1)), 0)
            x = x + normal(self._conv(inner, f"{name}.1.conv", 1))
        return x

    def encode_style(self, image_3HW: np.ndarray) -> np.ndarray:
        x = image_3HW
        for place, (pad, stride) in enumerate([(3, 1), (1, 2), (1, 2), (1, 2), (1, 2)]):
            x = np.maximum(self._conv(x, f"enc_style.model.{place}.conv", pad, stride), 0)
        matrix_SC = self.w["enc_style.model.6.weight"][:, :, 0, 0]
        return np.asarray(matrix_SC @ x.mean((1, 2)) + self.w["enc_style.model.6.bias"])

    def decode(self, content_CHW: np.ndarray, style_S: np.ndarray | None = None) -> np.ndarray:
        x = content_CHW
        pairs = self._adain(style_S, len(x))
        for block in range(self.blocks):
            name = f"dec.model.0.model.{block}.model"
            inner = np.maximum(affine(normal(self._conv(x, f"{name}.0.conv", 1)), pairs[2 * block]), 0)
            x = x + affine(normal(self._conv(inner, f"{name}.1.conv", 1)), pairs[2 * block + 1])
        for place in (2, 4):
            x = self._conv(x.repeat(2, axis=1).repeat(2, axis=2), f"dec.model.{place}.conv", 2)
            x = np.maximum(self._layer_normal(x, f"dec.model.{place}.norm"), 0)
        return np.tanh(self._conv(x, "dec.model.5.conv", 3))

    def _adain(self, style_S: np.ndarray | None, channels: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """(mean, scale) of each layer."""
        if style_S is None:
            return [(np.zeros(channels), np.ones(channels))] * (2 * self.blocks)
        hidden = style_S
        for place in range(3):
            hidden = self.w[f"mlp.model.{place}.fc.weight"] @ hidden + self.w[f"mlp.model.{place}.fc.bias"]
            hidden = np.maximum(hidden, 0) if place < 2 else hidden
        rows = hidden.reshape(-1, channels)
        first, second = rows[0::2], rows[1::2]
        return list(zip(first, second, strict=True) if self.facts.means_first else zip(second, first, strict=True))

    def _layer_normal(self, x_CHW: np.ndarray, name: str) -> np.ndarray:
        axes = None if self.facts.layer_norm_over_channels else (1, 2)
        centred = x_CHW - x_CHW.mean(axes, keepdims=True)
        count = x_CHW.size if axes is None else x_CHW[0].size
        variance = (centred**2).sum(axes, keepdims=True) / (count - self.facts.freedom)
        width = np.sqrt(variance) + 1e-5 if self.facts.epsilon_outside else np.sqrt(variance + 1e-5)
        return affine(centred / width, (self.w[f"{name}.beta"], self.w[f"{name}.gamma"]))

    def _conv(self, x_CHW: np.ndarray, name: str, pad: int, stride: int = 1) -> np.ndarray:
        padded = np.pad(x_CHW, ((0, 0), (pad, pad), (pad, pad)), mode=self.facts.padding)  # type: ignore[call-overload]
        return convolved(padded, self.w[f"{name}.weight"], self.w[f"{name}.bias"], stride)


def convolved(x_IHW: np.ndarray, weight_OIKK: np.ndarray, bias_O: np.ndarray, stride: int = 1) -> np.ndarray:
    """Correlation where the kernel fits."""
    side = weight_OIKK.shape[2]
    windows = sliding_window_view(x_IHW, (side, side), axis=(1, 2))[:, ::stride, ::stride]  # type: ignore[call-overload]
    return np.asarray(np.tensordot(weight_OIKK, windows, axes=([1, 2, 3], [0, 3, 4])) + bias_O[:, None, None])


def normal(x_CHW: np.ndarray) -> np.ndarray:
    """Instance norm."""
    return np.asarray((x_CHW - x_CHW.mean((1, 2), keepdims=True)) / np.sqrt(x_CHW.var((1, 2), keepdims=True) + 1e-5))


def affine(x_CHW: np.ndarray, mean_and_scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    mean, scale = mean_and_scale
    return np.asarray(x_CHW * scale[:, None, None] + mean[:, None, None])


def judgements(image_3HW: np.ndarray, weights: Arrays) -> list[np.ndarray]:
    """The discriminator's map at each scale."""
    found = []
    for scale in range(1 + max(int(name.split(".")[1]) for name in weights)):
        x = image_3HW
        last = max(int(name.split(".")[2]) for name in weights if name.startswith(f"nets.{scale}."))
        for layer in range(last):
            name = f"nets.{scale}.{layer}.conv"
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="reflect")
            x = convolved(padded, weights[f"{name}.weight"], weights[f"{name}.bias"], 2)
            x = np.where(x > 0, x, 0.2 * x)
        found.append(convolved(x, weights[f"nets.{scale}.{last}.weight"], weights[f"nets.{scale}.{last}.bias"]))
        image_3HW = _pooled(image_3HW)
    return found


def _pooled(x_CHW: np.ndarray) -> np.ndarray:
    """Mean over 3x3 at every second pixel; what lies outside does not count."""

    def sums(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
        return np.asarray(sliding_window_view(padded, (3, 3), axis=(1, 2)).sum((3, 4)))  # type: ignore[call-overload]

    return np.asarray((sums(x_CHW) / sums(np.ones_like(x_CHW)))[:, ::2, ::2])


def squared_from(maps: Sequence[np.ndarray], wanted: float) -> float:
    """Least squares: mean a scale, summed over scales."""
    return float(sum(((m - wanted) ** 2).mean() for m in maps))


def ms_ssim(x_HW: np.ndarray, y_HW: np.ndarray, levels: int, *, mapped: bool) -> float:
    """Of values in [0, 1], by Wang et al. 2003, each level by plain windows; the last level with luminance."""
    offsets = np.arange(11) - 5.0
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    weights = LEVEL_WEIGHTS[:levels] * LEVEL_WEIGHTS.sum() / LEVEL_WEIGHTS[:levels].sum()
    product = 1.0
    for level in range(levels):

        def mean(values: np.ndarray) -> np.ndarray:
            return np.asarray((sliding_window_view(values, (11, 11)) * window).sum((2, 3)))

        mean_x, mean_y = mean(x_HW), mean(y_HW)
        covariance = mean(x_HW * y_HW) - mean_x * mean_y
        variances = mean(x_HW**2) - mean_x**2 + mean(y_HW**2) - mean_y**2
        found = (2 * covariance + 0.03**2) / (variances + 0.03**2)
        if level == levels - 1:
            found = found * (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
        value = float(found.mean())
        product *= ((value + 1) / 2 if mapped else max(value, 0.0)) ** weights[level]
        x_HW, y_HW = _shrunk(x_HW), _shrunk(y_HW)
    return float(product)


def _shrunk(x_HW: np.ndarray) -> np.ndarray:
    """2x2 means; an odd side gets a line of zeros on either end, and the last of them stays over."""
    padded = np.pad(x_HW, [(side % 2, side % 2) for side in x_HW.shape])
    height, width = (side // 2 * 2 for side in padded.shape)
    return np.asarray(padded[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3)))
