"""The part of ``trocar bench gui`` that is about the simulator's live preview: how soon a picture follows the mouse."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from studio.vocabulary.errors import TrocarError

if TYPE_CHECKING:
    from studio.gui.pages.simulate_desk import SimulateDesk
    from studio.gui.window import Window

_DRAG_SECONDS, _MOVE_SECONDS = 6.0, 0.008
"""A mouse says where it is 125 times a second."""
_PATIENCE_SECONDS = 120.0
_WINDOW = (1366, 768)


def live_preview_figures(window: Window) -> dict[str, Any]:
    """Drag the preview for a while: ms from the move of the mouse that a picture shows until it is painted, pictures a
    second, their width, how late the event loop runs meanwhile, and ms until the sharp picture once the mouse rests.

    Raise TrocarError when no picture comes.
    """
    from studio.gui.looping import live_until
    from studio.gui.pages.scenes import ScenesPage

    window.resize(*_WINDOW)
    window.go_to_page("Scenes")
    page = window.current_page
    assert isinstance(page, ScenesPage)
    desk = page.open_simulator()
    watch = _Watch(desk)
    if not live_until(lambda: watch.sharp_ms is not None, seconds=_PATIENCE_SECONDS):
        raise TrocarError("the simulator's preview gives no picture")
    late_ms = watch.drag()
    live_until(lambda: watch.sharp_ms is not None, seconds=_PATIENCE_SECONDS)
    page.show_frames()
    return watch.figures(late_ms)


class _Watch(QObject):
    def __init__(self, desk: SimulateDesk) -> None:
        super().__init__()
        self._desk = desk
        self.painted_ms: list[float] = []
        self.widths: list[int] = []
        self.sharp_ms: float | None = None
        self._quick = False
        desk.live.seen.connect(self._seen)
        desk.canvas.painted.connect(self._painted)

    def _seen(self, _image: object, header: Any) -> None:
        self._quick = bool(header["quick"])
        self._width = int(header["width"])

    def _painted(self) -> None:
        waited = 1000 * (time.perf_counter() - self._desk.live.drawn_wish_at)
        if self._quick:
            self.painted_ms.append(waited)
            self.widths.append(self._width)
        else:
            self.sharp_ms = waited

    def drag(self) -> list[float]:
        """Move the mouse to and fro with its button down; return how late the event loop ran, in ms."""
        from PySide6.QtCore import QTimer

        from studio.gui.bench import lateness_ms
        from studio.gui.looping import live

        self.painted_ms, self.widths, self.sharp_ms = [], [], None
        canvas, started = self._desk.canvas, time.perf_counter()
        self._send(QEvent.Type.MouseButtonPress, 0.0)
        mouse = QTimer()
        mouse.setTimerType(Qt.TimerType.PreciseTimer)
        mouse.setInterval(int(1000 * _MOVE_SECONDS))
        mouse.timeout.connect(lambda: self._send(QEvent.Type.MouseMove, time.perf_counter() - started))
        mouse.start()
        late_ms = lateness_ms(_DRAG_SECONDS, live)
        mouse.stop()
        self._send(QEvent.Type.MouseButtonRelease, time.perf_counter() - started)
        canvas.update()
        return late_ms

    def _send(self, kind: QEvent.Type, seconds: float) -> None:
        canvas = self._desk.canvas
        sway = abs((seconds / 2.0) % 2.0 - 1.0)
        at = QPointF(canvas.width() * (0.35 + 0.3 * sway), canvas.height() / 2)
        left = Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, at, canvas.mapToGlobal(at), left, left, Qt.KeyboardModifier.NoModifier)
        {QEvent.Type.MouseButtonPress: canvas.mousePressEvent, QEvent.Type.MouseMove: canvas.mouseMoveEvent,
         QEvent.Type.MouseButtonRelease: canvas.mouseReleaseEvent}[kind](event)  # fmt: skip

    def figures(self, late_ms: list[float]) -> dict[str, Any]:
        from studio.gui.bench import summary

        return {
            "move_to_painted": summary(self.painted_ms),
            "pictures_per_second": round(len(self.painted_ms) / _DRAG_SECONDS, 1),
            "width_px": sorted(self.widths)[len(self.widths) // 2],
            "event_loop": summary(late_ms),
            "rest_to_sharp_ms": round(self.sharp_ms or 0.0, 1),
            "sharp_width_px": self._desk.canvas.picture_width(),
        }
