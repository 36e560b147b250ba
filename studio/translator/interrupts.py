"""Ctrl-C and polite kills wait until a training step is whole, so that its checkpoint can be written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold back signals that Python code handles (as KeyboardInterrupt) until the block has ended; main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {s: signal.getsignal(s) for s in _SIGNALS}
    handled = {s: handler for s, handler in before.items() if callable(handler)}
    for kind in handled:
        signal.signal(kind, lambda n, _frame: held.append(n))
    try:
        yield
    finally:
        for kind, handler in handled.items():
            signal.signal(kind, handler)
    for number in held[:1]:
        signal.raise_signal(number)
