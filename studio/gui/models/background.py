"""Work beside the event loop: functions in a thread pool, newest first, answered in the window's thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal

Work = Callable[[], Any]
Answer = Callable[[Any], None]


class Background(QObject):
    """Runs functions that touch neither Qt nor the catalogue. A key that is asked for again replaces its old request;
    what waits too long (more than ``depth`` newer ones) is dropped: the view has scrolled on.
    """

    _ready = Signal(object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 1, depth: int = 400) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._depth = depth
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Work] = {}
        self._answers: dict[Hashable, Answer] = {}
        self._ready.connect(self._deliver)

    def ask(self, key: Hashable, work: Work, answer: Answer) -> None:
        """Run ``work`` in a thread, then ``answer(result)`` here. A failure gives the exception as the result."""
        self._answers[key] = answer
        with self._lock:
            self._waiting.pop(key, None)
            self._waiting[key] = work
            dropped = list(self._waiting)[: -self._depth]
            for old in dropped:
                del self._waiting[old]
        for old in dropped:
            self._answers.pop(old, None)
        self._pool.start(self._work)

    def is_asked(self, key: Hashable) -> bool:
        return key in self._answers

    def forget(self) -> None:
        """Drop all requests and wait for the one that is being worked on."""
        with self._lock:
            self._waiting.clear()
        self._answers.clear()
        self._pool.clear()
        self._pool.waitForDone(5000)

    def _work(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            key, work = self._waiting.popitem()
        try:
            result = work()
        except Exception as error:  # handed over to whoever asked
            result = error
        # Whoever asked may be gone by now, with its window; then nobody waits for the answer.
        with contextlib.suppress(RuntimeError):
            self._ready.emit(key, result)

    def _deliver(self, key: Hashable, result: object) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            answer(result)
