"""Sample translations over the steps of one run or of several: one slider for time, one zoom for all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from studio.gui.models.background import Background
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import label

_KEPT = 80
_CAPTION = 22
_NEAREST_FROM = 3.0
"""Pixels are shown as squares from this magnification on."""


@dataclass(frozen=True)
class RunSamples:
    """The samples of one run by step. ``name`` and ``colour`` are shown when there are several runs."""

    name: str
    colour: str
    samples: tuple[tuple[int, Path], ...]

    def at(self, step: int) -> tuple[int, Path] | None:
        """The newest sample at or before a step."""
        index = bisect_right(self.samples, step, key=lambda sample: sample[0]) - 1
        return self.samples[index] if index >= 0 else None


@dataclass(frozen=True)
class _Cell:
    caption: str
    colour: str
    picture: QPixmap


class _Canvas(QWidget):
    """Pictures side by side, each fitted; the wheel zooms all of them at the pointer, dragging moves them together, a
    double click fits them again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(120)
        self.setToolTip("Rows: renders. Columns: the render, then its translations in the same styles at every step.\n"
                        "Wheel: zoom. Drag: move. Double click: fit again")  # fmt: skip
        self.hint = ""
        self._cells: tuple[_Cell, ...] = ()
        self._zoom = 1.0
        self._shift = QPoint()
        self._grabbed = QPoint()

    def show_cells(self, cells: Sequence[_Cell]) -> None:
        self._cells = tuple(cells)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        if self.hint:
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.hint)
            return
        for cell, room in zip(self._cells, self._rooms(), strict=True):
            painter.save()
            painter.setClipRect(room)
            self._paint_cell(painter, cell, room)
            painter.restore()

    def _paint_cell(self, painter: QPainter, cell: _Cell, room: QRect) -> None:
        if cell.caption:
            inner = room.adjusted(0, _CAPTION, 0, 0)
            place = inner if cell.picture.isNull() else self._place(cell.picture.size(), inner).intersected(inner)
            line = QRect(place.left(), place.top() - _CAPTION, inner.right() - place.left(), _CAPTION)
            painter.fillRect(QRect(line.left(), line.top() + 8, 12, 6), QColor(cell.colour))
            painter.setPen(QColor(tokens_of(self.palette()).text))
            line.setLeft(line.left() + 20)
            words = painter.fontMetrics().elidedText(cell.caption, Qt.TextElideMode.ElideMiddle, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
            painter.setClipRect(inner)
            room = inner
        if not cell.picture.isNull():
            place = self._place(cell.picture.size(), room)
            smooth = place.width() < _NEAREST_FROM * cell.picture.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawPixmap(place, cell.picture)

    def _rooms(self) -> list[QRect]:
        """A room a cell, in the grid that shows the pictures largest."""
        count = len(self._cells)
        size = next((c.picture.size() for c in self._cells if not c.picture.isNull()), QSize(2, 1))
        caption = _CAPTION if any(c.caption for c in self._cells) else 0

        def picture_width(columns: int) -> float:
            width, height = self.width() / columns, self.height() / -(-count // columns) - caption
            return min(width, height * size.width() / size.height())

        columns = max(range(1, count + 1), key=picture_width, default=1)
        rows = -(-count // columns)
        width, height = self.width() // columns, self.height() // max(1, rows)
        margin = UNIT if caption == 0 else UNIT // 2
        return [
            QRect(width * (i % columns), height * (i // columns), width, height).adjusted(
                margin, margin, -margin, -margin
            )
            for i in range(count)
        ]  # fmt: skip

    def _place(self, size: QSize, room: QRect) -> QRect:
        size = size.scaled(room.size() * self._zoom, Qt.AspectRatioMode.KeepAspectRatio)
        centre = room.center() + self._shift
        return QRect(centre.x() - size.width() // 2, centre.y() - size.height() // 2, size.width(), size.height())

    def _room_at(self, place: QPoint) -> QRect:
        return next((r for r in self._rooms() if r.contains(place)), self.rect())

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self._zoom
        self._zoom = min(16.0, max(1.0, self._zoom * 1.0015 ** event.angleDelta().y()))
        place = event.position().toPoint()
        pointer = place - self._room_at(place).center()
        self._shift = pointer + (self._shift - pointer) * (self._zoom / before)
        if self._zoom == 1.0:
            self._shift = QPoint()
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grabbed = event.position().toPoint() - self._shift

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._zoom > 1.0:
            self._shift = event.position().toPoint() - self._grabbed
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._zoom, self._shift = 1.0, QPoint()
        self.update()


class SamplePanel(QWidget):
    """Emits the step whose samples are shown. While the slider is at its end it stays with the newest."""

    step_shown = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[RunSamples, ...] = ()
        self._steps: list[int] = []
        self._pixmaps: dict[Path, QPixmap] = {}
        self._last: dict[str, QPixmap] = {}
        self._background = Background(self)
        self.canvas = _Canvas()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the samples")
        self.slider.setToolTip("Go through the samples that were drawn while it trained; arrow keys step")
        self.slider.valueChanged.connect(self._show)
        self.words = label("", "muted")
        self.words.setMinimumWidth(150)
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        bar = QHBoxLayout()
        bar.setContentsMargins(2 * UNIT, 4, 2 * UNIT, 4)
        bar.setSpacing(UNIT + 4)
        bar.addWidget(label("Samples", "muted"))
        bar.addWidget(self.slider, 1)
        bar.addWidget(self.words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addLayout(bar)
        self._show()

    def show_runs(self, runs: Sequence[RunSamples]) -> None:
        """The samples of these runs at the same step, side by side; called again as they come."""
        runs = tuple(runs)
        if runs == self._runs:
            return
        same = [r.name for r in runs] == [r.name for r in self._runs]
        shown = self.step
        self._last = self._last if same else {}
        at_end = not same or self.slider.value() >= self.slider.maximum()
        self._runs = runs
        self._steps = sorted({step for run in runs for step, _ in run.samples})
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(self._steps) - 1))
        self.slider.setValue(len(self._steps) - 1 if at_end else max(0, bisect_right(self._steps, shown) - 1))
        self.slider.blockSignals(False)
        self.slider.setEnabled(len(self._steps) > 1)
        self._show()

    @property
    def step(self) -> int:
        """The step whose samples are shown, 0 while there are none."""
        return self._steps[self.slider.value()] if self._steps else 0

    def _show(self) -> None:
        self.canvas.hint = "" if self._steps or not self._runs else "The first samples come when training begins."
        self.words.setText(f"step {self.step:,}" if self._steps else "none yet")
        if self._steps:
            self.step_shown.emit(self.step)
        for path in self._paths():
            if path not in self._pixmaps and not self._background.is_asked(path):
                self._background.ask(path, lambda p=path: QImage(str(p)), lambda i, p=path: self._arrived(p, i))  # type: ignore[misc]
        self.canvas.show_cells([self._cell(run) for run in self._runs])

    def _paths(self) -> list[Path]:
        found = (run.at(self.step) for run in self._runs)
        return [sample[1] for sample in found if sample is not None]

    def _cell(self, run: RunSamples) -> _Cell:
        sample = run.at(self.step)
        caption = run.name if len(self._runs) > 1 else ""
        if caption and sample is None:
            caption += "   ·   no samples yet" if not run.samples else "   ·   none this early"
        elif caption and sample is not None and sample[0] != self.step:
            caption += f"   ·   step {sample[0]:,}"
        picture = QPixmap()
        if sample is not None:  # until it is read, the picture before it stays
            picture = self._last[run.name] = self._pixmaps.get(sample[1], self._last.get(run.name, picture))
        return _Cell(caption, run.colour, picture)

    def _arrived(self, path: Path, image: object) -> None:
        self._pixmaps[path] = QPixmap.fromImage(image) if isinstance(image, QImage) else QPixmap()
        while len(self._pixmaps) > _KEPT:
            self._pixmaps.pop(next(iter(self._pixmaps)))
        if path in self._paths():
            self.canvas.show_cells([self._cell(run) for run in self._runs])

    def close_threads(self) -> None:
        self._background.forget()
