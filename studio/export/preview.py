"""``preview.png``: a few translations beside themselves with the labels over them, in the classes' colours.

Whole numbers and no resampling, so that an export made again on another machine has the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.export.planning import Plan, PlannedFrame
from studio.export.values import SceneReading
from studio.export.writers import FrameOutcome
from studio.files.listing import spread
from studio.files.pictures import read_rgb, write_png

PREVIEW = "preview.png"
_FRAMES = 4
_WIDEST = 640


def write_preview(root: Path, plan: Plan, outcomes: Sequence[FrameOutcome], reading: SceneReading) -> None:
    """Frames spread over the export, each in the next of its styles; only those of the first frame's size."""
    alike = [(f, o) for f, o in zip(plan.frames, outcomes, strict=True) if o.size == outcomes[0].size]
    step = -(-outcomes[0].size[0] // _WIDEST)
    rows = []
    for number, (frame, outcome) in enumerate(spread(alike, _FRAMES)):
        style, _ = frame.images[number % len(frame.images)]
        picture_HW3 = read_rgb(root / outcome.image_files[style.number])[::step, ::step]
        ids_HW = _ids(frame, plan, reading)[::step, ::step]
        rows.append(np.concatenate([picture_HW3, with_labels(picture_HW3, ids_HW, plan)], axis=1))
    write_png(root / PREVIEW, np.ascontiguousarray(np.concatenate(rows)))


def with_labels(picture_HW3: np.ndarray, ids_HW: np.ndarray, plan: Plan) -> np.ndarray:
    """uint8: half the picture, half its classes' colours, outlines in the colours alone; void stays as it is."""
    colours_HW3 = plan.classes.table.palette_256x3()[ids_HW]
    known_HW = np.isin(ids_HW, [c.id for c in plan.classes.regions])
    edge_HW = np.zeros(ids_HW.shape, bool)
    edge_HW[:, :-1] = ids_HW[:, :-1] != ids_HW[:, 1:]
    edge_HW[:-1] |= ids_HW[:-1] != ids_HW[1:]
    half_HW3 = ((picture_HW3.astype(np.uint16) + colours_HW3) // 2).astype(np.uint8)
    shown_HW3 = np.where(edge_HW[..., None], colours_HW3, half_HW3)
    return np.asarray(np.where(known_HW[..., None], shown_HW3, picture_HW3))


def _ids(frame: PlannedFrame, plan: Plan, reading: SceneReading) -> np.ndarray:
    item = frame.source
    layers = reading.load_layers_of(item.layers, layout=item.layout, encoding=item.encoding)
    assert layers.segmentation_HW is not None  # a frame without one is not written
    return plan.classes.ids(layers.segmentation_HW)
