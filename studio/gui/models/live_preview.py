"""The window's side of the simulator's live preview: views in, pictures out, never more than one under way.

The engine (studio.scenes.simulator.live) runs in a child process; its protocol is in that module's docstring. While the
mouse moves, coarse pictures follow it as fast as they come, narrower ones where they come too slowly; when it rests,
one sharp picture. A breathing body is left at rest while the view moves where it would not keep up; the
sharp picture has its breath.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal
from PySide6.QtGui import QImage

from studio.gui.models.engine_process import AnswerReader, ask, end, engine_environment

WIDTHS = (128, 160, 192, 256, 320)
_FIRST_WIDTH = 256
REST_MS = 160
ENGINE = ("-P", "-m", "studio.scenes.simulator.live")
_SLOW_MS, _FAST_MS = 33.0, 17.0
"""Narrower above the one (30 pictures a second), wider below the other."""
_STILL_MS = 2 * _SLOW_MS
"""Of one picture: above this a breathing body is left at rest."""


class LivePreview(QObject):
    """Starts its engine with the first question, and again after it ended."""

    seen = Signal(QImage, object)
    """A picture and the header that came with it (see live)."""
    thumbnail = Signal(QImage, object)
    """A picture of the strip and its header, which counts in ``index``."""
    checked = Signal(str)
    """The strip is done: what is wrong with its keyframes, or ""."""
    failed = Signal(str)
    """One line: why there is no picture."""

    def __init__(self, parent: QObject | None = None, *, command: Sequence[str] = ()) -> None:
        super().__init__(parent)
        self._command = list(command) or [sys.executable, *ENGINE]
        self._process: QProcess | None = None
        self._reader = AnswerReader()
        self._generation = 0
        self._strip_generation = 0
        self._wish: dict[str, Any] | None = None
        self._ratio, self._sharp_width = 9 / 16, 0
        self._asked_at: float | None = None
        self._wished_at = 0.0
        self.drawn_wish_at = 0.0
        """When (perf_counter) the view in the newest picture was wished for."""
        self._asked_wish_at = 0.0
        self._unsharp = False
        self._set: dict[str, Any] = {}
        self._answered, self._still = 0, False
        self._width = _FIRST_WIDTH
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask_sharp)

    @property
    def busy(self) -> bool:
        """Whether a picture is under way."""
        return self._asked_at is not None

    @property
    def waited_seconds(self) -> float:
        """For how long the picture under way has been; 0 when there is none."""
        return 0.0 if self._asked_at is None else time.perf_counter() - self._asked_at

    def show_view(self, settings: Mapping[str, Any], view: Mapping[str, Any], *, width: int) -> None:
        """Draw a view of a set; sharp, ``width`` px wide, when nothing else is wished for a moment."""
        size = settings["size"]
        self._ratio, self._sharp_width = size[1] / size[0], width
        self._wished_at = time.perf_counter()
        if self._set != settings:
            self._set, self._answered, self._still = dict(settings), 0, False
        self._wish = {"ask": "look", "set": dict(settings), "view": dict(view)}
        self._rest.start()
        if not self.busy:
            self._ask_coarse()

    def show_strip(self, settings: Mapping[str, Any], views: Sequence[Mapping[str, Any]], *, width: int) -> None:
        """Draw small pictures of some views; ``checked`` follows them."""
        self._strip_generation += 1
        size = settings["size"]
        ask(self._running(), {"ask": "strip", "generation": self._strip_generation, "set": dict(settings),
                              "width": width, "height": round(width * size[1] / size[0]),
                              "views": [dict(v) for v in views]})  # fmt: skip

    def close(self) -> None:
        """End the engine."""
        self._rest.stop()
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            end(process)

    def _ask_coarse(self) -> None:
        self._ask(min(self._width, self._sharp_width), quick=True)

    def _ask_sharp(self) -> None:
        """At rest; while a picture is still under way its arrival comes back here."""
        if self.busy:
            self._unsharp = True
        else:
            self._ask(self._sharp_width, quick=False)

    def _ask(self, width: int, *, quick: bool) -> None:
        if self._wish is None:
            return
        self._generation += 1
        self._asked_at = time.perf_counter()
        self._asked_wish_at = self._wished_at
        height = max(16, round(width * self._ratio))
        view = {**self._wish["view"], "still": quick and self._still}
        ask(self._running(), {**self._wish, "view": view, "generation": self._generation, "width": max(16, width),
                    "height": height, "quick": quick})  # fmt: skip
        if quick:
            self._wish["asked"] = True

    def _running(self) -> QProcess:
        if self._process is None:
            self._process = self._started()
        return self._process

    def _started(self) -> QProcess:
        process = QProcess(self)
        process.setProcessEnvironment(engine_environment(OMP_NUM_THREADS="1"))
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(process.readAllStandardError)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._error)
        self._reader = AnswerReader()
        process.start(self._command[0], self._command[1:])
        return process

    def _read(self) -> None:
        if self._process is not None:
            for header, data in self._reader.feed(bytes(self._process.readAllStandardOutput().data())):
                self._take(header, data)

    def _take(self, header: Mapping[str, Any], data: bytes) -> None:
        kind, generation = header["answer"], header.get("generation")
        if kind == "look" and generation == self._generation:
            self._take_look(header, data)
        elif kind == "thumbnail" and generation == self._strip_generation:
            self.thumbnail.emit(_image(header, data), header)
        elif kind == "strip" and generation == self._strip_generation:
            self.checked.emit(str(header["problem"]))
        elif kind == "error" and header.get("ask") == "strip" and generation == self._strip_generation:
            self.checked.emit(str(header["text"]))
        elif kind == "error" and header.get("ask") == "look" and generation == self._generation:
            self._asked_at = None
            self.failed.emit(str(header["text"]))
            self._go_on()

    def _take_look(self, header: Mapping[str, Any], data: bytes) -> None:
        assert self._asked_at is not None
        if header["quick"]:
            self._adapt(1000 * (time.perf_counter() - self._asked_at))
            self._answered += 1
        self._asked_at = None
        self.drawn_wish_at = self._asked_wish_at
        self._go_on()  # the engine draws the next one while this one is painted
        self.seen.emit(_image(header, data), header)

    def _go_on(self) -> None:
        if self._wish is not None and "asked" not in self._wish:
            self._ask_coarse()
        elif self._unsharp:
            self._unsharp = False
            self._ask_sharp()

    def _adapt(self, taken_ms: float) -> None:
        """A breathing body that takes too long rests while the view moves; the first answer of a set builds its body,
        and says nothing."""
        if self._answered and taken_ms > _STILL_MS and self._set.get("breathing") and not self._still:
            self._still = True
            return
        place = WIDTHS.index(self._width)
        if taken_ms > _SLOW_MS:
            self._width = WIDTHS[max(0, place - 1)]
        elif taken_ms < _FAST_MS:
            self._width = WIDTHS[min(len(WIDTHS) - 1, place + 1)]

    def _error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._process, self._asked_at = None, None
            self.failed.emit("The preview could not be started.")

    def _finished(self, status: int) -> None:
        self._process, self._asked_at = None, None
        self.failed.emit(f"The preview ended with status {status}; move the view to start it anew.")


def _image(header: Mapping[str, Any], data: bytes) -> QImage:
    width, height = int(header["width"]), int(header["height"])
    return QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
