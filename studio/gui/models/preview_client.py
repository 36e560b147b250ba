"""The window's side of the preview engine: questions out, pictures in, stale answers dropped, nothing ever waited for.

The engine (studio.translator.preview) runs in a child process; its protocol is in that module's docstring. Only the
newest question counts: whatever is still under way of an older one is thrown away when it comes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtCore import QObject, QProcess, Signal

from studio.gui.models.engine_process import AnswerReader, ask, end, engine_environment

Quality = Literal["coarse", "sharp"]


@dataclass(frozen=True, eq=False)
class PreviewPicture:
    """One answer: frame and style count from 0 within their question. uint8 HxWx3 RGB."""

    generation: int
    frame: int
    style: int
    quality: Quality
    image_HW3: np.ndarray


def picture_of(header: dict[str, Any], data: bytes) -> PreviewPicture | None:
    """The picture of an answer, or None when its figures do not fit together."""
    try:
        width, height = int(header["width"]), int(header["height"])
        quality: Quality = "sharp" if header["quality"] == "sharp" else "coarse"
        image_HW3 = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        return PreviewPicture(
            int(header["generation"]), int(header["frame"]), int(header["style"]), quality, image_HW3
        )  # fmt: skip
    except (KeyError, ValueError, TypeError):
        return None


class PreviewClient(QObject):
    """One engine for one checkpoint of a run: ``last``, ``best`` or a step.

    ``failed`` says in one line why there are no previews.
    """

    ready = Signal(int)
    """The style size."""
    picture = Signal(object)
    code = Signal(object)
    """The style of the frame asked for: a tuple of numbers."""
    unreadable = Signal(int, str)
    """A frame of the question, counted from 0, that can't be shown, and why; the others still come."""
    done = Signal(int)
    failed = Signal(str)

    def __init__(
        self, run_folder: Path, parent: QObject | None = None, *, checkpoint: str = "last", command: Sequence[str] = ()
    ) -> None:
        super().__init__(parent)
        self.run_folder = run_folder
        self.style_size = 0
        self.fingerprint = ""
        self._generation = 0
        self._reader = AnswerReader()
        self._ending = False
        self._unsent: list[dict[str, Any]] = []
        self._process = QProcess(self)
        self._process.setProcessEnvironment(engine_environment(PYTHONUNBUFFERED="1"))
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._process.readAllStandardError)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._error)
        self._process.started.connect(self._send_unsent)
        program = list(command) or [sys.executable, "-P", "-m", "studio.translator.preview", str(run_folder)]
        program += [] if command else ["--checkpoint", checkpoint]
        self._process.start(program[0], program[1:])

    @property
    def generation(self) -> int:
        """The number of the newest question."""
        return self._generation

    @property
    def running(self) -> bool:
        return self._process.state() != QProcess.ProcessState.NotRunning

    def ask_pictures(
        self, frames: Sequence[Path], codes: Sequence[Sequence[float]], *, coarse: int = 0, sharp: int = 0
    ) -> int:
        """Ask for every frame in every style, at these widths (0: not at all); return the question's generation."""
        return self._ask(
            {"ask": "pictures", "frames": [str(f) for f in frames], "codes": [list(c) for c in codes],
             "coarse": coarse, "sharp": sharp}
        )  # fmt: skip

    def ask_code(self, picture: Path) -> int:
        """Ask for the style of a real picture; ``code`` answers. Pictures still to come are dropped: ask again."""
        return self._ask({"ask": "code", "frame": str(picture)})

    def _ask(self, question: dict[str, Any]) -> int:
        self._generation += 1
        question["generation"] = self._generation
        if self._process.state() == QProcess.ProcessState.Running:
            self._send(question)
        else:  # before it is up only the newest question is of interest
            self._unsent = [question]
        return self._generation

    def _send_unsent(self) -> None:
        for question in self._unsent:
            self._send(question)
        self._unsent = []

    def _send(self, question: dict[str, Any]) -> None:
        ask(self._process, question)

    def _read(self) -> None:
        for header, data in self._reader.feed(bytes(self._process.readAllStandardOutput().data())):
            self._take(header, data)

    def _take(self, header: dict[str, Any], data: bytes) -> None:
        kind = header["answer"]
        if kind == "ready":
            self.style_size = int(header.get("style_size", 0))
            self.fingerprint = str(header.get("fingerprint", ""))
            self.ready.emit(self.style_size)
            return
        if kind == "error" and int(header.get("generation", -1)) in (-1, self._generation):
            self.failed.emit(str(header.get("text", "")))
        if header.get("generation") != self._generation:
            return
        if kind == "picture":
            picture = picture_of(header, data)
            if picture is not None:
                self.picture.emit(picture)
        elif kind == "unreadable":
            self.unreadable.emit(int(header.get("frame", 0)), str(header.get("text", "")))
        elif kind == "code":
            self.code.emit(tuple(float(v) for v in header.get("code", ())))
        elif kind == "done":
            self.done.emit(self._generation)

    def _error(self, error: QProcess.ProcessError) -> None:
        if not self._ending and error == QProcess.ProcessError.FailedToStart:
            self.failed.emit("The preview engine could not be started.")

    def _finished(self, status: int) -> None:
        if not self._ending and status not in (0, 2):  # 2 has said why in an answer
            self.failed.emit(f"The preview engine ended with status {status}; choose the run again to start it anew.")

    def close(self) -> None:
        """End the engine."""
        self._ending = True
        end(self._process)
