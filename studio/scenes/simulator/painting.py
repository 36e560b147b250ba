"""Linear light, and pictures on surfaces: looked up by texture coordinates, repeated beyond their borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB 0..1 to linear light (a power of 2.2 serves here)."""
    return np.asarray(np.clip(srgb, 0, 1), np.float32) ** np.float32(2.2)


_LINEAR = to_linear(np.arange(256) / 255)
"""Of sRGB bytes."""


@dataclass(frozen=True, eq=False)
class Painted:
    """A picture (uint8 sRGB (H, W, 3)) and where each face's corners lie in it: float32 (F, 3, 2), 0..1, v upwards."""

    picture_HW3: np.ndarray
    uv_F32: np.ndarray
    faces_F3: np.ndarray
    """The faces that the coordinates are of."""

    def along(self, faces_F3: np.ndarray) -> Painted:
        """The same for faces that a mirror may have turned over. Raise ValueError for other faces."""
        if np.array_equal(faces_F3, self.faces_F3):
            return self
        if not np.array_equal(faces_F3, self.faces_F3[:, ::-1]):
            raise ValueError("the texture is of other faces")
        return Painted(self.picture_HW3, self.uv_F32[:, ::-1], faces_F3)


def colour_at(picture_HW3: np.ndarray, uv_N2: np.ndarray) -> np.ndarray:
    """Linear colours float32 (N, 3) at coordinates, bilinear between pixel centres; u to the right, v upwards.

    The picture's lower left corner is (0, 0), its upper right one (1, 1), as in OBJ files.
    """
    height, width = picture_HW3.shape[:2]
    x_N = np.mod(uv_N2[:, 0].astype(np.float64), 1.0) * width - 0.5
    y_N = np.mod(1.0 - uv_N2[:, 1].astype(np.float64), 1.0) * height - 0.5
    left_N, top_N = np.floor(x_N).astype(np.int64), np.floor(y_N).astype(np.int64)
    right, down = (x_N - left_N)[:, None].astype(np.float32), (y_N - top_N)[:, None].astype(np.float32)
    rows, columns = (top_N % height, (top_N + 1) % height), (left_N % width, (left_N + 1) % width)
    upper, lower = (
        _LINEAR[picture_HW3[row, columns[0]]] * (1 - right) + _LINEAR[picture_HW3[row, columns[1]]] * right
        for row in rows
    )
    return np.asarray(upper * (1 - down) + lower * down)
