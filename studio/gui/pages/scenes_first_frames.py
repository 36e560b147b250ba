"""The first frames under a mapping, layer by layer: pictures, labels, depth and normals, each with what it holds."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from studio.gui.models.pictures import qimage
from studio.gui.widgets.basics import label
from studio.gui.widgets.blending import LayerChoice, Overlay, PictureState, blended
from studio.scenes.folder_guess import FRAMES_SHOWN, Understood
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES

_WIDTH = 84
_ROWS: tuple[tuple[LayerChoice, str], ...] = (
    ("none", "Pictures"), ("segmentation", "Labels"), ("depth", "Depth"), ("normals", "Normals"),
)  # fmt: skip


class FirstFrames(QWidget):
    """A row a layer: its name and what was understood of it, and below the frames side by side."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(2)
        self.words: dict[str, QLabel] = {}
        self.cells: dict[str, list[QLabel]] = {}
        for at, (layer, _) in enumerate(_ROWS):
            self.words[layer] = label("", "faint", wrap=True)
            grid.addWidget(self.words[layer], 2 * at, 0, 1, FRAMES_SHOWN)
            self.cells[layer] = [label() for _ in range(FRAMES_SHOWN)]
            for column, cell in enumerate(self.cells[layer]):
                cell.setMinimumWidth(_WIDTH)
                grid.addWidget(cell, 2 * at + 1, column)
        grid.setColumnStretch(FRAMES_SHOWN, 1)

    def show_frames(self, understood: Understood) -> None:
        states = [PictureState(layers) for layers in understood.frames]
        for layer, title in _ROWS:
            offered = [state for state in states if state.offers(layer)]
            self.words[layer].setText(f"{title}: {_words(layer, understood.frames)}" if offered else "")
            self.words[layer].setVisible(bool(offered))
            for at, cell in enumerate(self.cells[layer]):
                cell.setVisible(at < len(offered))
                cell.setPixmap(_pixmap(offered[at], layer) if at < len(offered) else QPixmap())
                cell.setToolTip(understood.names[at] if at < len(understood.names) else "")


def _pixmap(state: PictureState, layer: LayerChoice) -> QPixmap:
    shown_HW3 = blended(state, Overlay(layer=layer, opacity=0.8 if layer == "segmentation" else 1.0, outline=False))
    height = max(8, round(_WIDTH * shown_HW3.shape[0] / shown_HW3.shape[1]))
    way = cv2.INTER_NEAREST if layer == "segmentation" else cv2.INTER_AREA
    return QPixmap.fromImage(qimage(np.asarray(cv2.resize(shown_HW3, (_WIDTH, height), interpolation=way), np.uint8)))


def _words(layer: LayerChoice, frames: tuple[Layers, ...]) -> str:
    """What was understood of a layer, over the frames shown."""
    if layer == "segmentation":
        ids = {int(i) for f in frames if f.segmentation_HW is not None for i in np.unique(f.segmentation_HW)}
        return ", ".join("ignored" if i == IGNORE else STUDIO_CLASSES.by_id(i).name for i in sorted(ids))
    if layer == "depth":
        depths = [f.depth_HW[f.depth_HW > 0] for f in frames if f.depth_HW is not None]
        known = np.concatenate(depths) if depths else np.zeros(0)
        return f"{known.min():,.1f} – {known.max():,.1f} mm" if known.size else "0 everywhere"
    if layer == "normals":
        normals = [f.normals_HW3 for f in frames if f.normals_HW3 is not None]
        facing = np.mean([float((n[..., 2] < 0).sum() / max(1, n.any(axis=2).sum())) for n in normals])
        return f"{100 * facing:.0f} % face the camera"
    return f"{frames[0].size[0]} × {frames[0].size[1]} px"
