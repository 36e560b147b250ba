"""The grid of the page Styles as one picture: every row in every style at full resolution, into a file or to copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.files.pictures import write_png
from studio.files.sheet import checked_sheet, draw_sheet
from studio.gui.models.background import Background
from studio.gui.models.frame_layers import loading
from studio.gui.models.pictures import qimage
from studio.gui.models.preview_cells import Code
from studio.gui.models.preview_client import PreviewClient, PreviewPicture
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.session import Session
from studio.gui.widgets.blending import Overlay, PictureState, blended
from studio.project.records import FrameRecord, SceneRecord
from studio.quality.validity import compare
from studio.vocabulary.labels import ClassTable
from studio.vocabulary.styles import Style


@dataclass(eq=False)
class _Order:
    """A sheet that is being made: what it shows, and what has come of it."""

    frames: tuple[tuple[FrameRecord, SceneRecord, ClassTable], ...]
    styles: tuple[Style, ...]
    overlay: Overlay
    dest: Path | None
    images: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)


class SheetDesk(QObject):
    """One sheet at a time, by an engine of its own: the previews go on meanwhile, and it has every size they lack."""

    def __init__(self, session: Session, lab: StyleLab, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._lab, self._window = session, lab, window
        self._background = Background(self, threads=1)
        self._client: PreviewClient | None = None
        self._order: _Order | None = None

    def save(self, styles: Sequence[Style], overlay: Overlay) -> None:
        """Ask for a file, then make the sheet."""
        if self._may_start(styles):
            name, _ = QFileDialog.getSaveFileName(self._window, "Save the grid as a picture", "grid.png", "PNG (*.png)")
            if name:
                path = Path(name)
                self._start(
                    styles, overlay, path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
                )

    def copy(self, styles: Sequence[Style], overlay: Overlay) -> None:
        if self._may_start(styles):
            self._start(styles, overlay, None)

    def close(self) -> None:
        """Give the sheet up that is being made."""
        self._end()
        self._background.forget()

    def _may_start(self, styles: Sequence[Style]) -> bool:
        if self._order is not None:
            self._session.say("A picture of the grid is being made already.", "warning")
        elif self._lab.run is None or not self._lab.rows or not styles:
            self._session.say("There is no grid yet: draw some styles first.", "warning")
        else:
            return True
        return False

    def _start(self, styles: Sequence[Style], overlay: Overlay, dest: Path | None) -> None:
        assert self._lab.run is not None
        frames = tuple((*self._lab.source(r.path), r.classes) for r in self._lab.rows)
        with self._session.reporting() as outcome:
            checked_sheet(len(frames), len(styles) + 1, [scene.size for _, scene, _ in frames])
        if not outcome.well:
            return
        shown = replace(overlay, shown="translation", arrows=False)
        self._order = _Order(frames, tuple(styles), shown, dest)
        client = self._client = PreviewClient(self._lab.run.folder, self, checkpoint=self._lab.checkpoint)
        client.picture.connect(self._take)
        client.unreadable.connect(lambda _frame, text: self._fail(text))
        client.failed.connect(self._fail)
        client.done.connect(lambda _number: self._draw())
        codes: list[Code] = [s.code for s in styles]
        client.ask_pictures([frame.files.rgb for frame, _, _ in frames], codes, sharp=-1)
        self._session.say(f"Making a picture of {len(frames)} rows and {len(styles)} styles…")

    def _take(self, picture: PreviewPicture) -> None:
        if self._order is not None:
            self._order.images[picture.frame, picture.style] = picture.image_HW3
            whole = len(self._order.frames) * len(self._order.styles)
            if len(self._order.images) % 10 == 0:
                self._session.say(f"The picture of the grid: {len(self._order.images)} of {whole} cells")

    def _draw(self) -> None:
        order = self._order
        if order is not None:
            self._end_client()
            self._background.ask("sheet", _drawing(order), self._drawn)

    def _drawn(self, found: Any) -> None:
        order, self._order = self._order, None
        if order is None or isinstance(found, Exception):
            self._session.say(f"No picture of the grid: {found}", "error")
        elif order.dest is not None:
            self._session.say(f"Wrote {order.dest}: {found.shape[1]} × {found.shape[0]} px")
        else:
            QGuiApplication.clipboard().setImage(qimage(found))
            self._session.say(f"Copied the grid as a picture: {found.shape[1]} × {found.shape[0]} px")

    def _fail(self, text: str) -> None:
        if self._order is not None:
            self._end()
            self._session.say(f"No picture of the grid: {text}", "error")

    def _end(self) -> None:
        self._order = None
        self._end_client()

    def _end_client(self) -> None:
        if self._client is not None:
            self._client.blockSignals(True)
            self._client.close()
            self._client.deleteLater()
            self._client = None


def _drawing(order: _Order) -> Callable[[], np.ndarray]:
    """The work in the thread: layers are read and blended, the sheet is drawn and written."""

    def work() -> np.ndarray:
        cells: dict[tuple[int, int], np.ndarray] = {}
        for row, (frame, scene, classes) in enumerate(order.frames):
            found = loading(frame, scene)()
            layers, flow_HW2 = found.layers, found.flow_HW2
            cells[row, 0] = blended(PictureState(layers, classes=classes, flow_HW2=flow_HW2), order.overlay)
            for column in range(len(order.styles)):
                image_HW3 = order.images.pop((row, column))
                state = PictureState(layers, image_HW3, classes=classes, flow_HW2=flow_HW2)
                if order.overlay.layer == "validity":
                    validity_HW = compare(layers.rgb_HW3, image_HW3, layers.segmentation_HW).map()
                    state = replace(state, validity_HW=validity_HW)
                cells[row, column + 1] = blended(state, order.overlay)
        rows = [f"{frame.patient}  {frame.name}" for frame, _, _ in order.frames]
        sheet_HW3 = draw_sheet(cells, rows, ["Render", *(s.name for s in order.styles)])
        if order.dest is not None:
            write_png(order.dest, sheet_HW3)
        return sheet_HW3

    return work
