"""The part of ``trocar bench gui`` that is about pictures: repainting a grid of them, and waiting for previews."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject

from studio.gui.widgets.blending import Overlay
from studio.vocabulary.errors import TrocarError
from studio.vocabulary.frames import Layers

_SIZE = (512, 256)
_FRAMES, _STYLES = 4, 3
"""With the render beside its styles: sixteen pictures."""
_REPAINTS = 120
_REST_SECONDS = 0.008
_QUESTIONS = 7
_PATIENCE_SECONDS = 120.0


def repaint_ms(layer: str = "segmentation") -> list[float]:
    """Milliseconds that each repaint of sixteen 512x256 pictures takes, all blended anew at another opacity.

    Between two the event loop rests, as it does when a person moves the slider: a process that never does is made to
    wait for others on a busy machine, which says nothing about painting.
    """
    from studio.gui.looping import live
    from studio.gui.models.preview_cells import Cell, PreviewCells
    from studio.gui.widgets.style_grid import StyleGrid
    from studio.gui.widgets.style_grid_cells import GridRow
    from studio.gui.widgets.view_link import ViewLink
    from studio.vocabulary.styles import Style

    rows = [GridRow(Path(f"{i}.png"), f"frame {i}", _layers(i)) for i in range(_FRAMES)]
    styles = [Style(f"style {k}", (float(k),) * 8, "random") for k in range(_STYLES)]
    cells = PreviewCells()
    for row in rows:
        for style in styles:
            assert row.layers is not None
            cells.cells[row.path, style.code] = Cell(255 - row.layers.rgb_HW3, "sharp")
    grid = StyleGrid(cells, ViewLink())
    grid.resize(2140, 1140)  # all sixteen at their own size
    grid.set_rows(rows)
    grid.set_styles(styles, 0)
    grid.set_cell_width(_SIZE[0])
    grid.show()
    live(0.5)  # nothing is painted before the window is on its screen
    painted = _Counter()
    grid.viewport().installEventFilter(painted)
    taken = []
    for count in range(_REPAINTS):
        live(_REST_SECONDS)
        started = time.perf_counter()
        grid.set_overlay(Overlay(layer, 0.3 + 0.004 * count))  # type: ignore[arg-type]
        grid.viewport().repaint()
        taken.append(1000 * (time.perf_counter() - started))
    seen = len(grid.rows_in_sight()) * (1 + len(grid.columns_in_sight()))
    grid.close()
    if painted.count < _REPAINTS or seen < _FRAMES * (1 + _STYLES):
        raise TrocarError(f"only {painted.count} of {_REPAINTS} repaints, {seen} pictures in sight")
    return taken


def preview_seconds(run_folder: Path, frame: Path) -> dict[str, float]:
    """Median wait for the coarse and the sharp picture of a new style of a frame that the engine knows already, and
    how long the engine takes to start. Raise TrocarError when it gives no previews."""
    from studio.gui.models.preview_cells import COARSE_WIDTH, SHARP_WIDTH

    started = time.perf_counter()
    client = _Engine(run_folder)
    try:
        client.wait(lambda: client.style_size > 0)
        up = time.perf_counter() - started
        client.ask(frame, 0, COARSE_WIDTH, SHARP_WIDTH)  # reads the frame and warms the networks up
        waits = [client.ask(frame, 1 + k, COARSE_WIDTH, SHARP_WIDTH) for k in range(_QUESTIONS)]
    finally:
        client.close()
    coarse, sharp = (sorted(w[i] for w in waits)[_QUESTIONS // 2] for i in (0, 1))
    return {"engine_start_seconds": round(up, 2), "first_coarse_ms": round(1000 * coarse, 1),
            "first_sharp_ms": round(1000 * sharp, 1)}  # fmt: skip


def asked_all_along(run_folder: Path, frame: Path, watch: Callable[[], Any]) -> Any:
    """What ``watch`` gives while new previews are asked for as fast as they come."""
    from studio.gui.models.preview_cells import SHARP_WIDTH

    client = _Engine(run_folder)
    try:
        client.wait(lambda: client.style_size > 0)
        client.keep_asking(frame, SHARP_WIDTH)
        return watch()
    finally:
        client.close()


class _Counter(QObject):
    """Counts the paint events of what it watches."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


class _Engine:
    """The window's own client, asked for one picture at a time."""

    def __init__(self, run_folder: Path) -> None:
        from studio.gui.models.preview_client import PreviewClient

        self._client = PreviewClient(run_folder)
        self._came: dict[str, float] = {}
        self._failed = ""
        self._client.picture.connect(lambda p: self._came.setdefault(p.quality, time.perf_counter()))
        self._client.failed.connect(self._fail)

    @property
    def style_size(self) -> int:
        return self._client.style_size

    def _fail(self, text: str) -> None:
        self._failed = text

    def wait(self, condition: Callable[[], bool]) -> None:
        from studio.gui.looping import live_until

        if not live_until(lambda: condition() or bool(self._failed), seconds=_PATIENCE_SECONDS) or self._failed:
            raise TrocarError(f"no previews: {self._failed or 'the engine does not answer'}")

    def _code(self, number: int) -> list[float]:
        return [float(v) for v in np.random.default_rng(number).standard_normal(self.style_size)]

    def ask(self, frame: Path, number: int, coarse: int, sharp: int) -> tuple[float, float]:
        """Seconds to the coarse and to the sharp picture of style ``number``."""
        self._came.clear()
        started = time.perf_counter()
        self._client.ask_pictures([frame], [self._code(number)], coarse=coarse, sharp=sharp)
        self.wait(lambda: len(self._came) == 2)
        return self._came["coarse"] - started, self._came["sharp"] - started

    def keep_asking(self, frame: Path, sharp: int) -> None:
        def again(generation: int) -> None:
            self._client.ask_pictures([frame], [self._code(generation)], coarse=0, sharp=sharp)

        self._client.done.connect(again)
        again(0)

    def close(self) -> None:
        self._client.close()


def _layers(seed: int) -> Layers:
    """A picture of soft noise and a label picture of seven blobs."""
    import cv2

    rng = np.random.default_rng(seed)
    width, height = _SIZE
    rgb_HW3 = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3)).astype(np.float32), (0, 0), 6)
    rgb_HW3 = cv2.normalize(rgb_HW3, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    rough_HW = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 20)
    segmentation_HW = np.digitize(rough_HW, np.quantile(rough_HW, np.linspace(0, 1, 8)[1:-1])).astype(np.uint8)
    return Layers(rgb_HW3, segmentation_HW)
