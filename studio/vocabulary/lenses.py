"""What a lens does to a picture: where a point of a pinhole camera's picture lies in one that is distorted.

Slopes are x/z and y/z of a point in camera axes; bent ones are (u - cx) / fx and (v - cy) / fy of where it is seen. Two
models, both as OpenCV and nerfstudio have them: Brown and Conrady's with four radial coefficients and two tangential
ones, and Kannala and Brandt's for fisheye lenses, in which k1 to k4 belong to powers of the angle from the axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

LensModel = Literal["OPENCV", "OPENCV_FISHEYE"]
COEFFICIENTS = ("k1", "k2", "k3", "k4", "p1", "p2")
_STEPS, _CLOSE = 20, 1e-9
_WIDEST = np.deg2rad(89.0)
"""Beyond this angle from the axis a point has no slopes to speak of."""
_SLOPE = 1e-6


@dataclass(frozen=True)
class Lens:
    """A lens that bends: ``radial`` k1 to k4, ``tangential`` p1 and p2 (none in a fisheye's)."""

    model: LensModel
    radial: tuple[float, float, float, float]
    tangential: tuple[float, float] = (0.0, 0.0)

    @property
    def words(self) -> str:
        """Such as "distorting lens (k1, p2)"."""
        named = [name for name in self.to_json() if name != "model"]
        kind = "fisheye lens" if self.model == "OPENCV_FISHEYE" else "distorting lens"
        return f"{kind} ({', '.join(named)})" if named else kind

    def to_json(self) -> dict[str, Any]:
        """As ``frames.json`` and exports hold it: the model, and the coefficients that are not 0."""
        named = zip(COEFFICIENTS, (*self.radial, *self.tangential), strict=True)
        return {"model": self.model, **{name: value for name, value in named if value}}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Lens | None:
        """None where nothing bends. Raise ValueError for an unknown model and for what is no number."""
        model = values.get("model")
        if model not in ("OPENCV", "OPENCV_FISHEYE"):
            raise ValueError(f"the lens model '{model}' is not known")
        k1, k2, k3, k4, p1, p2 = (float(values.get(name, 0.0)) for name in COEFFICIENTS)
        if not np.isfinite([k1, k2, k3, k4, p1, p2]).all():
            raise ValueError("a lens coefficient is not finite")
        if model == "OPENCV_FISHEYE":
            return Lens("OPENCV_FISHEYE", (k1, k2, k3, k4))
        return Lens("OPENCV", (k1, k2, k3, k4), (p1, p2)) if any((k1, k2, k3, k4, p1, p2)) else None

    def bent(self, slopes_N2: np.ndarray) -> np.ndarray:
        """float64 (N, 2): where slopes are seen."""
        x, y = np.asarray(slopes_N2, np.float64).T
        r2 = x * x + y * y
        if self.model == "OPENCV_FISHEYE":
            radius = np.sqrt(r2)
            angle = np.arctan(radius)
            ratio = np.where(radius > _SLOPE, self._fisheye(angle) / np.maximum(radius, _SLOPE), 1.0)
            return np.stack([x * ratio, y * ratio], axis=1)
        p1, p2 = self.tangential
        radial = self._radial(r2)
        bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        return np.stack([bent_x, bent_y], axis=1)

    def straight(self, bent_N2: np.ndarray) -> np.ndarray:
        """float64 (N, 2): the slopes that are seen there; NaN where no ray of less than 89 degrees is."""
        bent_N2 = np.asarray(bent_N2, np.float64)
        with np.errstate(all="ignore"):
            found_N2 = self._fisheye_straight(bent_N2) if self.model == "OPENCV_FISHEYE" else self._solved(bent_N2)
            off_N = np.linalg.norm(self.bent(found_N2) - bent_N2, axis=1)
        known = (off_N < 1e3 * _CLOSE) & (np.linalg.norm(found_N2, axis=1) < np.tan(_WIDEST))
        return np.where(known[:, None], found_N2, np.nan)

    def _radial(self, r2: np.ndarray) -> np.ndarray:
        k1, k2, k3, k4 = self.radial
        return np.asarray(1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4))))

    def _fisheye(self, angle: np.ndarray) -> np.ndarray:
        return np.asarray(angle * self._radial(angle * angle))

    def _fisheye_straight(self, bent_N2: np.ndarray) -> np.ndarray:
        """Newton's method for the angle, from the bent radius on."""
        k1, k2, k3, k4 = self.radial
        radius = np.linalg.norm(bent_N2, axis=1)
        angle = np.minimum(radius, _WIDEST)
        for _ in range(_STEPS):
            a2 = angle * angle
            rise = 1 + a2 * (3 * k1 + a2 * (5 * k2 + a2 * (7 * k3 + a2 * 9 * k4)))
            angle = angle - (self._fisheye(angle) - radius) / rise
        ratio = np.where(radius > _SLOPE, np.tan(angle) / np.maximum(radius, _SLOPE), 1.0)
        # Where the polynomial falls again another angle is seen at the same place: only the nearest is the lens's.
        valid = (angle >= 0) & (angle < _WIDEST) & (self._rising(angle))
        return np.where(valid[:, None], bent_N2 * ratio[:, None], np.nan)

    def _rising(self, angle: np.ndarray) -> np.ndarray:
        k1, k2, k3, k4 = self.radial
        a2 = angle * angle
        return np.asarray(1 + a2 * (3 * k1 + a2 * (5 * k2 + a2 * (7 * k3 + a2 * 9 * k4))) > 0)

    def _solved(self, bent_N2: np.ndarray) -> np.ndarray:
        """Newton's method in both directions, with derivatives by differences."""
        found_N2 = bent_N2.copy()
        for _ in range(_STEPS):
            here_N2 = self.bent(found_N2)
            by_x = (self.bent(found_N2 + np.array([_SLOPE, 0.0])) - here_N2) / _SLOPE
            by_y = (self.bent(found_N2 + np.array([0.0, _SLOPE])) - here_N2) / _SLOPE
            off_N2 = here_N2 - bent_N2
            if not np.nanmax(np.abs(off_N2), initial=0.0) > _CLOSE:
                break
            det = by_x[:, 0] * by_y[:, 1] - by_y[:, 0] * by_x[:, 1]
            step_x = (off_N2[:, 0] * by_y[:, 1] - by_y[:, 0] * off_N2[:, 1]) / det
            step_y = (by_x[:, 0] * off_N2[:, 1] - off_N2[:, 0] * by_x[:, 1]) / det
            found_N2 = found_N2 - np.stack([step_x, step_y], axis=1)
        # Beyond the radius at which the picture folds over, what was found is no ray of this picture.
        r2 = (found_N2**2).sum(axis=1)
        k1, k2, k3, k4 = self.radial
        rise = 1 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * (7 * k3 + r2 * 9 * k4)))
        return np.where((rise > 0)[:, None], found_N2, np.nan)


def slopes(size: tuple[int, int], K: np.ndarray, lens: Lens | None = None) -> tuple[np.ndarray, np.ndarray]:
    """float64 (x/z, y/z) of each pixel's ray, (H, W) each; NaN where a lens shows none. ``size`` is (width, height).

    Pixel centres are at +0.5. Without a lens the two are 1xW and Hx1, which broadcast.
    """
    width, height = size
    x_W = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    y_H1 = ((np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])[:, None]
    if lens is None:
        return x_W[None], y_H1
    bent_N2 = np.stack(np.broadcast_arrays(x_W[None], y_H1), axis=-1).reshape(-1, 2)
    x_N, y_N = lens.straight(bent_N2).T
    return x_N.reshape(height, width), y_N.reshape(height, width)
