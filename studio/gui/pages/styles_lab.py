"""Behind the Styles page: the run in hand, the frames chosen, the preview engine, and what has been measured so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from studio.gui.models.background import Background
from studio.gui.models.preview_cells import COARSE_WIDTH, SHARP_WIDTH, Cell, Code, PreviewCells, Wish
from studio.gui.models.preview_client import PreviewClient, PreviewPicture
from studio.gui.widgets.style_grid_cells import GridRow
from studio.pipeline.views import FootageCodes, footage_codes
from studio.project.project import Project
from studio.project.records import FrameRecord, RunRecord
from studio.quality.validity import measure_validity, validity_map
from studio.scenes.readers import load_layers_of
from studio.vocabulary.frames import Layers

_ASK_DELAY_MS = 15


class StyleLab(QObject):
    """``rows_changed``: other frames; ``row_loaded(index)``; ``cell_arrived``: a preview has come;
    ``validity_measured(path, code, value)``; ``run_changed``: another run, or its engine is up, or its codes are new;
    ``failed(text)``: no previews, and why; ``code_arrived(name, code)``: the style of a picture that was asked for.
    """

    rows_changed = Signal()
    row_loaded = Signal(int)
    cell_arrived = Signal()
    validity_measured = Signal(object, object, float)
    run_changed = Signal()
    failed = Signal(str)
    code_arrived = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run: RunRecord | None = None
        self.codes: FootageCodes | None = None
        self.cells = PreviewCells()
        self.rows: list[GridRow] = []
        self._client: PreviewClient | None = None
        self._readers = Background(self, threads=1)
        self._measures = Background(self, threads=1)
        self._wanted: tuple[tuple[Path, ...], tuple[Code, ...]] = ((), ())
        self._sharp_at: deque[float] = deque(maxlen=20)
        self._named = ""
        self._code_asked = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)

    # -- the run

    def open_run(self, run: RunRecord | None) -> None:
        """Show another run (or the same one's newest checkpoint): a new engine, nothing kept of the old one."""
        self.close()
        self.run = run
        self.reload_codes()
        if run is not None:
            client = PreviewClient(run.folder, self)
            client.ready.connect(lambda _size: self.run_changed.emit())
            client.picture.connect(self._take)
            client.code.connect(self._take_code)
            client.done.connect(self._done)
            client.failed.connect(self._failed)
            self._client = client
        self.run_changed.emit()
        self._ask_soon()

    def reload_codes(self) -> None:
        """Look again for the footage's style codes."""
        self.codes = None if self.run is None else footage_codes(self.run)

    @property
    def style_size(self) -> int:
        """Numbers of a style code, from the engine or the footage's codes; 0 while unknown."""
        if self._client is not None and self._client.style_size:
            return self._client.style_size
        return 0 if self.codes is None or not len(self.codes.codes_NS) else int(self.codes.codes_NS.shape[1])

    @property
    def codes_are_stale(self) -> bool:
        """The footage's codes come from an older checkpoint than the engine's."""
        known = "" if self._client is None else self._client.fingerprint
        return self.codes is not None and bool(known) and self.codes.fingerprint != known

    @property
    def seconds_per_picture(self) -> float | None:
        """What a sharp preview has taken lately; None before there are some."""
        if len(self._sharp_at) < 3:
            return None
        return (self._sharp_at[-1] - self._sharp_at[0]) / (len(self._sharp_at) - 1)

    # -- frames

    def show_frames(self, project: Project, frames: Sequence[FrameRecord]) -> None:
        """Put these frames in the rows and read their layers in a thread."""
        self._readers.forget()
        self.rows = [GridRow(f.files.rgb, f"{f.patient}  {f.name}") for f in frames]
        scenes = {s.id: s for s in project.scenes.all()}
        for frame in frames:
            scene = scenes[frame.scene_id]
            self._readers.ask(
                frame.id,
                _loading(frame, scene.layout, dict(scene.encoding)),
                lambda answer, f=frame: self._loaded(f, answer),  # type: ignore[misc]
            )
        self.rows_changed.emit()
        self._ask_soon()

    def order_rows(self, value: Callable[[Path], float | None]) -> None:
        """The same frames, the lowest value first, those without one last."""
        self.rows.sort(key=lambda row: unmeasured_last(value(row.path)))
        self.rows_changed.emit()
        self._ask_soon()

    def _loaded(self, frame: FrameRecord, answer: object) -> None:
        index = next((i for i, r in enumerate(self.rows) if r.path == frame.files.rgb), None)
        if index is None:
            return
        row = self.rows[index]
        if isinstance(answer, Layers):
            self.rows[index] = GridRow(row.path, row.caption, answer)
        else:
            self.rows[index] = GridRow(row.path, row.caption, None, str(answer))
        self.row_loaded.emit(index)
        for (path, code), cell in list(self.cells.cells.items()):
            if path == row.path and cell.quality == "sharp":
                self._measure(path, code, cell)

    # -- pictures

    def want(self, frames: Sequence[Path], codes: Sequence[Code]) -> None:
        """What the grid shows now; newest first, the rest is dropped."""
        size = self.style_size
        fitting = tuple(c for c in codes if not size or len(c) == size)
        if (tuple(frames), fitting) != self._wanted:
            self._wanted = (tuple(frames), fitting)
            self._ask_soon()

    def _ask_soon(self) -> None:
        self._timer.start()

    def _ask(self) -> None:
        if self._client is None or self._code_asked:
            return  # a newer question would take the place of the one for a style
        wish = self.cells.next_wish(*self._wanted)
        if wish is None:
            return
        if self.cells.asked is not None and self.cells.asked[1] == wish:
            return  # on its way already
        self._put(wish)

    def _put(self, wish: Wish) -> None:
        assert self._client is not None
        coarse, sharp = (COARSE_WIDTH, 0) if wish.quality == "coarse" else (0, SHARP_WIDTH)
        self._sharp_at.clear()
        number = self._client.ask_pictures(wish.frames, wish.codes, coarse=coarse, sharp=sharp)
        self.cells.asked = (number, wish)

    def _take(self, picture: PreviewPicture) -> None:
        key = self.cells.put(picture)
        if key is None:
            return
        if picture.quality == "sharp":
            self._sharp_at.append(time.monotonic())
            self._measure(*key, self.cells.cells[key])
        self.cell_arrived.emit()

    def _done(self, _generation: int) -> None:
        self.cells.asked = None
        self._ask()

    def ask_code(self, picture: Path) -> None:
        """Ask for the style of a picture file; ``code_arrived`` answers."""
        if self._client is not None:
            self._named = picture.stem
            self.cells.asked = None
            self._code_asked = True
            self._client.ask_code(picture)

    def _take_code(self, code: Code) -> None:
        self._code_asked = False
        self.code_arrived.emit(self._named, code)
        self._ask_soon()

    def _failed(self, text: str) -> None:
        self._code_asked = False
        self.cells.asked = None
        self.failed.emit(text)

    # -- measures

    def layers_of(self, path: Path) -> Layers | None:
        return next((r.layers for r in self.rows if r.path == path), None)

    def _measure(self, path: Path, code: Code, cell: Cell) -> None:
        layers = self.layers_of(path)
        if layers is not None:
            self._measures.ask(
                (path, code),
                lambda: measure_validity(layers.rgb_HW3, fitted(cell.image_HW3, layers), layers.segmentation_HW).value,
                lambda value: self._measured(path, code, value),
            )

    def _measured(self, path: Path, code: Code, value: Any) -> None:
        if isinstance(value, float):
            self.validity_measured.emit(path, code, value)

    def ask_validity_map(self, path: Path, code: Code, answer: Any) -> None:
        """Measure where a cell's labels can be trusted; ``answer(validity_HW)`` unless it can't be told."""
        layers, cell = self.layers_of(path), self.cells.get(path, code)
        if layers is not None and cell is not None:
            self._measures.ask(
                ("map", path, code),
                lambda: validity_map(layers.rgb_HW3, fitted(cell.image_HW3, layers), layers.segmentation_HW),
                lambda found: answer(found) if isinstance(found, np.ndarray) else None,
            )

    def close(self) -> None:
        """End the engine and let go of what belongs to the run."""
        if self._client is not None:
            self._client.blockSignals(True)  # what is still on its way finds no project any more
            self._client.close()
            self._client.deleteLater()
            self._client = None
        self._code_asked = False
        self._measures.forget()
        self.cells.forget()

    def shut(self) -> None:
        """The project is closed."""
        self.close()
        self._readers.forget()


def unmeasured_last(value: float | None) -> float:
    """A key to sort by."""
    return float("inf") if value is None else value


def fitted(image_HW3: np.ndarray, layers: Layers) -> np.ndarray:
    """A preview at the size of its frame."""
    if image_HW3.shape[:2] == layers.rgb_HW3.shape[:2]:
        return image_HW3
    return np.asarray(cv2.resize(image_HW3, layers.size, interpolation=cv2.INTER_CUBIC))


def spread_frames(project: Project, count: int, *, turn: int = 0) -> list[FrameRecord]:
    """``count`` frames at equal distances over all scenes; another ``turn`` gives others."""
    scenes = [s for s in project.scenes.all() if s.frame_count]
    total = sum(s.frame_count for s in scenes)
    found = []
    for k in range(min(count, total)):
        at = int((k + 0.5 + 0.381966 * turn) * total / count) % total
        for scene in scenes:
            if at < scene.frame_count:
                found += project.scenes.frames(scene.id, offset=at, limit=1)
                break
            at -= scene.frame_count
    return found


def _loading(frame: FrameRecord, layout: str, encoding: dict[str, str]) -> Any:
    return lambda: load_layers_of(frame.files, layout=layout, encoding=encoding)
