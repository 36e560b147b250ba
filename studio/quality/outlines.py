"""Colour profiles across class outlines: where an outline of the labels lies in a picture, and whether it does.

Shapes: P outline points, G pieces of outline, O offsets along the normal (-REACH ... REACH px), 3 colour channels.
A *piece* is the stretch of outline between two classes inside one cell of a grid. Averaging colour steps over a
piece keeps what runs along the outline and cancels texture, whatever the sign or size of the step is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.vocabulary.labels import IGNORE

REACH = 9
OFFSETS = np.arange(-REACH, REACH + 1)
_CELL = 24
_CELLS = 4096
_BORDER = 3
_NORMAL_SIGMA = 2.0
_LEAST_POINTS = 6
_MARGIN = 7
_NEAR_SIGMA = 10.0
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, eq=False)
class Outlines:
    """All pieces of a segmentation. ``xy_P2`` lies on the outline, ``normal_P2`` points from the class with the
    smaller id to its neighbour; points are sorted by piece, ``start_G`` is each piece's first one; ``valid_PO``: the
    offsets at which the profile has met no further outline."""

    xy_P2: np.ndarray
    normal_P2: np.ndarray
    start_G: np.ndarray
    count_G: np.ndarray
    class_G: np.ndarray
    neighbour_G: np.ndarray
    valid_PO: np.ndarray

    def __len__(self) -> int:
        return len(self.start_G)

    @property
    def wide_G(self) -> np.ndarray:
        """bool: pieces of which most points have 7 px of room on both sides."""
        room_P = np.asarray(self.valid_PO[:, 2:-2].all(axis=1), np.float32)
        return np.asarray(self.means(room_P) > 0.5)

    def touch(self, class_id: int) -> np.ndarray:
        """bool G: the pieces that bound a class."""
        return np.asarray((self.class_G == class_id) | (self.neighbour_G == class_id))

    def means(self, values_P: np.ndarray) -> np.ndarray:
        """Mean over each piece of values given per point (first axis P)."""
        if not len(self):
            return np.zeros((0, *values_P.shape[1:]))
        counts = self.count_G.reshape(-1, *[1] * (values_P.ndim - 1))
        return np.asarray(np.add.reduceat(values_P, self.start_G, axis=0) / counts)


def find_outlines(segmentation_HW: np.ndarray, alike: Sequence[frozenset[int]] = ()) -> Outlines:
    """Every outline between two classes, once. The picture's border and IGNORE are no outlines, nor is what separates
    two classes of one ``alike`` set."""
    xy, normals, classes = _points(segmentation_HW)
    labels_PO = _labels_across(segmentation_HW, xy, normals)
    neighbours = labels_PO[:, REACH + 1]
    kept = (neighbours > classes) & (neighbours != IGNORE)
    for group in alike:
        kept &= ~(np.isin(classes, list(group)) & np.isin(neighbours, list(group)))
    return _in_pieces(xy[kept], normals[kept], classes[kept], labels_PO[kept])


def near_means(outlines: Outlines, values_G: np.ndarray, weight_G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per piece: the weighted mean of values over its surroundings (Gaussian), and the sum of those weights."""
    centre_G2 = outlines.means(outlines.xy_P2)
    squared_GG = ((centre_G2[:, None, :] - centre_G2[None, :, :]) ** 2).sum(axis=2)
    near_GG = np.exp(-0.5 * squared_GG / _NEAR_SIGMA**2) * weight_G[None, :]
    reach_G = near_GG.sum(axis=1)
    return np.asarray((near_GG @ values_G) / np.maximum(reach_G, 1e-6)), reach_G


def _in_pieces(xy_P2: np.ndarray, normal_P2: np.ndarray, class_P: np.ndarray, labels_PO: np.ndarray) -> Outlines:
    neighbour_P = labels_PO[:, REACH + 1]
    cell_P = (xy_P2 // _CELL).astype(np.int64) @ np.array([1, _CELLS])
    key_P = (class_P * 256 + neighbour_P) * _CELLS**2 + cell_P
    order = np.argsort(key_P, kind="stable")
    unique, count = np.unique(key_P, return_counts=True)
    large = count >= _LEAST_POINTS
    order = order[np.repeat(large, count)]
    count = count[large]
    start = np.cumsum(count) - count
    pair = unique[large] // _CELLS**2
    valid = _valid_offsets(labels_PO[order], class_P[order], neighbour_P[order])
    return Outlines(xy_P2[order], normal_P2[order], start, count, pair // 256, pair % 256, valid)


def steps_across(outlines: Outlines, image_HW3: np.ndarray) -> np.ndarray:
    """float32 GxO: size of the mean colour step per px at each offset; NaN where no point of the piece reaches.

    ``image_HW3``: float32, smoothed a little.
    """
    samples = sample_across(outlines, image_HW3, np.arange(-REACH - 0.5, REACH + 1))
    steps_PO3 = np.diff(samples, axis=1)
    steps_PO3 *= outlines.valid_PO[..., None]
    if not len(outlines):
        return np.zeros((0, len(OFFSETS)), np.float32)
    sums_GO3 = np.add.reduceat(steps_PO3, outlines.start_G, axis=0)
    counts_GO = np.add.reduceat(outlines.valid_PO.astype(np.float32), outlines.start_G, axis=0)
    enough = counts_GO >= np.minimum(_LEAST_POINTS, 0.5 * outlines.count_G[:, None])
    sizes = np.sqrt((sums_GO3**2).sum(axis=2)) / np.maximum(counts_GO, 1)
    return np.asarray(np.where(enough, sizes, np.nan), np.float32)


def sample_across(outlines: Outlines, image_HW3: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """float32 P x offsets x 3: the image along every point's normal (linear interpolation, borders repeated)."""
    if not len(outlines.xy_P2):
        return np.zeros((0, len(offsets), 3), np.float32)
    at = outlines.xy_P2[:, None, :] + offsets[None, :, None].astype(np.float32) * outlines.normal_P2[:, None, :]
    # cv2.remap takes no more than 32767 rows; the points are laid out over several columns instead.
    x, y = (np.ascontiguousarray(at[..., i].T, np.float32) for i in (0, 1))
    parts = [
        cv2.remap(
            image_HW3, x[:, s : s + 30000], y[:, s : s + 30000], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        for s in range(0, x.shape[1], 30000)
    ]
    return np.asarray(np.concatenate(parts, axis=1).transpose(1, 0, 2))


def _points(segmentation_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    xy, normals, classes = [np.zeros((0, 2), np.float32)], [np.zeros((0, 2), np.float32)], [np.zeros(0, np.int64)]
    for class_id in np.flatnonzero(np.bincount(segmentation_HW.ravel(), minlength=256)):
        if class_id == IGNORE:
            continue
        mask = cv2.compare(segmentation_HW, int(class_id), cv2.CMP_EQ) & 1
        x0, y0, width, height = cv2.boundingRect(mask)
        left, top = max(0, x0 - _MARGIN), max(0, y0 - _MARGIN)
        found, out = _points_of(mask[top : y0 + height + _MARGIN, left : x0 + width + _MARGIN])
        at = found + np.array([left, top], np.float32)
        limits = np.array(segmentation_HW.shape[::-1]) - 1 - _BORDER
        kept = ((at >= _BORDER) & (at <= limits)).all(axis=1)
        xy.append(at[kept])
        normals.append(out[kept])
        classes.append(np.full(int(kept.sum()), class_id, np.int64))
    return np.concatenate(xy), np.concatenate(normals), np.concatenate(classes)


def _points_of(mask_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(points on the outline of a 0/1 mask, unit normals out of it), both float32 Px2."""
    edge = mask_HW - cv2.erode(mask_HW, _CROSS, borderType=cv2.BORDER_REPLICATE)
    edge[[0, -1]] = edge[:, [0, -1]] = 0
    y, x = np.nonzero(edge)
    smooth = cv2.GaussianBlur(mask_HW.astype(np.float32), (0, 0), _NORMAL_SIGMA)
    gradient = np.stack([smooth[y, x - 1] - smooth[y, x + 1], smooth[y - 1, x] - smooth[y + 1, x]], axis=1)
    length = np.sqrt((gradient**2).sum(axis=1))
    clear = length > 0.02
    normal = gradient[clear] / length[clear, None]
    # An outline runs half a pixel outside of the last pixel of the class.
    return (np.stack([x[clear], y[clear]], axis=1) + 0.5 * normal).astype(np.float32), normal.astype(np.float32)


def _labels_across(segmentation_HW: np.ndarray, xy_P2: np.ndarray, normal_P2: np.ndarray) -> np.ndarray:
    """int PxO: labels at the offsets; -1 outside of the picture."""
    height, width = segmentation_HW.shape
    at = np.rint(xy_P2[:, None, :] + OFFSETS[None, :, None] * normal_P2[:, None, :]).astype(np.int64)
    x, y = at[..., 0], at[..., 1]
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    labels = segmentation_HW[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(np.int64)
    return np.where(inside, labels, -1)


def _valid_offsets(labels_PO: np.ndarray, class_P: np.ndarray, neighbour_P: np.ndarray) -> np.ndarray:
    """bool PxO: from 0 outwards and inwards as long as the label stays, less two px before it changes again."""
    valid = np.ones(labels_PO.shape, bool)
    same_out = np.logical_and.accumulate(labels_PO[:, REACH + 1 :] == neighbour_P[:, None], axis=1)
    same_in = np.logical_and.accumulate(labels_PO[:, REACH - 1 :: -1] == class_P[:, None], axis=1)
    valid[:, REACH + 1 : -2] = same_out[:, 2:]
    valid[:, -2:] = same_out[:, -1:]
    valid[:, REACH - 1 : 1 : -1] = same_in[:, 2:]
    valid[:, :2] = same_in[:, -1:]
    valid[:, REACH - 1 : REACH + 2] = True
    return valid
