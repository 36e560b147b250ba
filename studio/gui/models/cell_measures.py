"""How valid the previews are: measured in a thread as they come, kept while the run is in hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.gui.models.background import Background
from studio.gui.models.preview_cells import CellKey
from studio.gui.widgets.blending import scaled_picture
from studio.quality.validity import Validity, compare
from studio.vocabulary.frames import Layers

_MAPS_KEPT = 120


class CellMeasures(QObject):
    """``measured(key)``: a cell's validity is known now, and its map where maps are wanted."""

    measured = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: dict[CellKey, Validity] = {}
        self.maps: OrderedDict[CellKey, np.ndarray] = OrderedDict()
        """float32 HxW, 0 to 1, of the cells measured last."""
        self.wants_maps = False
        self._background = Background(self, threads=1)

    def measure(self, key: CellKey, image_HW3: np.ndarray, layers: Layers) -> None:
        """Measure a sharp preview against its frame; ``measured`` tells when it is done."""
        with_map = self.wants_maps

        def take(answer: object) -> None:
            self._take(key, answer)
            if self.wants_maps and not with_map and isinstance(answer, tuple):
                self.measure(key, image_HW3, layers)  # maps have been asked for meanwhile

        self._background.ask(key, lambda: _measured(image_HW3, layers, with_map=with_map), take)

    def ask_map(
        self, key: CellKey, image_HW3: np.ndarray, layers: Layers, answer: Callable[[np.ndarray], None]
    ) -> None:
        """``answer(validity_HW)`` unless it can't be told."""
        known = self.maps.get(key)
        if known is not None:
            answer(known)
            return
        self._background.ask(
            ("map", key),
            lambda: _measured(image_HW3, layers, with_map=True)[1],
            lambda found: answer(found) if isinstance(found, np.ndarray) else None,
        )

    def _take(self, key: CellKey, answer: object) -> None:
        if not isinstance(answer, tuple):
            return  # a frame that can't be measured stays without a value
        validity, map_HW = answer
        self.found[key] = validity
        if map_HW is not None:
            self.maps[key] = map_HW
            while len(self.maps) > _MAPS_KEPT:
                self.maps.popitem(last=False)
        self.measured.emit(key)

    def forget(self) -> None:
        """Another run: nothing of this counts any more."""
        self._background.forget()
        self.found.clear()
        self.maps.clear()


def _measured(image_HW3: np.ndarray, layers: Layers, *, with_map: bool) -> tuple[Validity, np.ndarray | None]:
    comparison = compare(layers.rgb_HW3, scaled_picture(image_HW3, layers.size), layers.segmentation_HW)
    return comparison.validity(), comparison.map() if with_map else None
