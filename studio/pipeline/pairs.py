"""Validity of one render and its translation, outside of any project."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from studio.curation.measures import named_measures
from studio.files.pictures import read_grey_levels, read_rgb, write_png
from studio.jobs.events import Done, Job
from studio.quality.validity import measure_validity, validity_map
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES

_MOST_CLASSES = 64


def measure_pair(render: Path, translation: Path, *, labels: Path | None, map_path: Path | None) -> Job:
    """Every measure of one pair, and its validity map as a picture (default: beside the translation).

    ``labels`` holds studio class ids. Done: validity, its parts, per class, map. Sizes that differ raise InputError.
    """
    render_HW3, translation_HW3 = read_rgb(render), read_rgb(translation)
    _same_size(render_HW3, translation_HW3, translation)
    segmentation_HW = None
    if labels is not None:
        segmentation_HW = _class_ids(labels)
        _same_size(render_HW3, segmentation_HW, labels)
    validity = measure_validity(render_HW3, translation_HW3, segmentation_HW)
    map_HW = validity_map(render_HW3, translation_HW3, segmentation_HW)
    written = map_path or translation.with_name(f"{translation.stem}_validity.png")
    write_png(written, _heat(map_HW))
    measures = named_measures(validity.value, validity.measures, validity.per_class, classes=STUDIO_CLASSES)
    yield Done({**measures, "map": str(written)})


def _class_ids(labels: Path) -> np.ndarray:
    """uint8 HxW. Raise InputError for a picture that can't be class ids: coloured, or of more values than classes."""
    stored = read_grey_levels(labels)
    if stored.ndim == 3 and (stored != stored[..., :1]).any():
        raise InputError("the labels are a colour picture", where=labels, remedy="Give class ids as grey levels.")
    ids_HW = np.ascontiguousarray(stored if stored.ndim == 2 else stored[..., 0])
    count = len(np.unique(ids_HW))
    if count > _MOST_CLASSES:
        raise InputError(f"{count} different labels are no class ids", where=labels, remedy="Give the label picture.")
    return ids_HW


def _same_size(render_HW3: np.ndarray, other: np.ndarray, where: Path) -> None:
    if render_HW3.shape[:2] != other.shape[:2]:
        (h, w), (other_h, other_w) = render_HW3.shape[:2], other.shape[:2]
        raise InputError(
            f"the picture has {other_w}x{other_h} px, the render {w}x{h}",
            where=where,
            remedy="Give pictures of one size.",
        )


def _heat(map_HW: np.ndarray) -> np.ndarray:
    """uint8 RGB of a map in 0 ... 1: dark where labels can no longer be trusted."""
    coloured = cv2.applyColorMap(np.rint(np.clip(map_HW, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(coloured[..., ::-1])
