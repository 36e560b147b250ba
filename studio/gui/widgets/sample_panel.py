"""Sample translations over the steps of a run: the same renders in the same styles, one slider for time."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from studio.gui.models.background import Background
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import label

_KEPT = 40


class _Canvas(QWidget):
    """One picture, fitted; the wheel zooms at the pointer, dragging moves, a double click fits again."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(120)
        self._picture = QPixmap()
        self._zoom = 1.0
        self._shift = QPoint()
        self._grabbed = QPoint()

    def show_picture(self, picture: QPixmap) -> None:
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens_of(self.palette()).backdrop))
        if self._picture.isNull():
            return
        smooth = self._place().width() < 3 * self._picture.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawPixmap(self._place(), self._picture)

    def _place(self) -> QRect:
        room = self.rect().adjusted(UNIT, UNIT, -UNIT, -UNIT)
        size = self._picture.size().scaled(room.size() * self._zoom, Qt.AspectRatioMode.KeepAspectRatio)
        centre = room.center() + self._shift
        return QRect(centre.x() - size.width() // 2, centre.y() - size.height() // 2, size.width(), size.height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self._zoom
        self._zoom = min(16.0, max(1.0, self._zoom * 1.0015 ** event.angleDelta().y()))
        pointer = event.position().toPoint() - self.rect().center()
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
        self._samples: list[tuple[int, Path]] = []
        self._pixmaps: dict[Path, QPixmap] = {}
        self._background = Background(self)
        self.canvas = _Canvas()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Step of the samples")
        self.slider.setToolTip("Go through the samples that the run has drawn; arrow keys step")
        self.slider.valueChanged.connect(self._show)
        self._words = label("", "muted")
        self._words.setMinimumWidth(150)
        self._words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        bar = QHBoxLayout()
        bar.setContentsMargins(2 * UNIT, 4, 2 * UNIT, 4)
        bar.setSpacing(UNIT + 4)
        bar.addWidget(label("Samples", "muted"))
        bar.addWidget(self.slider, 1)
        bar.addWidget(self._words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.canvas, 1)
        layout.addLayout(bar)

    def show_samples(self, samples: list[tuple[int, Path]]) -> None:
        """(step, file) by step; called again as they come."""
        if samples == self._samples and samples:
            return
        same_run = bool(self._samples) and samples[: len(self._samples)] == self._samples
        at_end = self.slider.value() >= self.slider.maximum() or not same_run
        self._samples = samples
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(samples) - 1))
        if at_end:
            self.slider.setValue(len(samples) - 1)
        self.slider.blockSignals(False)
        self.slider.setEnabled(len(samples) > 1)
        self._show()

    def _show(self) -> None:
        if not self._samples:
            self._words.setText("none yet")
            self.canvas.show_picture(QPixmap())
            return
        step, path = self._samples[self.slider.value()]
        self._words.setText(f"step {step:,}")
        self.step_shown.emit(step)
        if path in self._pixmaps:
            self.canvas.show_picture(self._pixmaps[path])
        else:
            self._background.ask("sample", lambda: QImage(str(path)), lambda image: self._arrived(path, image))

    def _arrived(self, path: Path, image: object) -> None:
        if isinstance(image, QImage) and not image.isNull():
            self._pixmaps[path] = QPixmap.fromImage(image)
            while len(self._pixmaps) > _KEPT:
                self._pixmaps.pop(next(iter(self._pixmaps)))
            if self._samples and self._samples[self.slider.value()][1] == path:
                self.canvas.show_picture(self._pixmaps[path])

    def close_threads(self) -> None:
        self._background.forget()
