"""Opens the window."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import cv2
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from studio.gui.icons import icon
from studio.gui.session import Session
from studio.gui.theme import apply_theme
from studio.gui.window import Window


def main(argv: Sequence[str]) -> int:
    """Open the window, with a project when one is named; return its exit status."""
    app = application(argv)
    window = build_window(Path(argv[0]) if argv else None)
    window.show()
    _tell_of_surprises(window)
    _let_interrupts_through(window)
    return app.exec()


def application(argv: Sequence[str] = ()) -> QApplication:
    """The one QApplication of this process, with the theme that was chosen last."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["trocar", *argv])
    # Pictures are small: sharing one out to threads takes longer than it saves, and longest on a busy machine.
    cv2.setNumThreads(1)
    app.setApplicationName("Trocar Studio")
    app.setOrganizationName("Trocar Studio")
    app.setDesktopFileName("trocar-studio")
    apply_theme(app, "light" if stored_settings().value("window/theme", "dark") == "light" else "dark")
    app.setWindowIcon(icon("scenes"))
    return app


def stored_settings() -> QSettings:
    """What the window remembers from one start to the next: a readable file in the user's configuration folder."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "trocar-studio", "window")


def build_window(project: Path | None = None, *, settings: QSettings | None = None) -> Window:
    """The window, not shown yet. A project that can't be opened is told in the status line."""
    if settings is None:
        settings = stored_settings()
    window = Window(Session(), settings)
    if project is not None:
        window.open_folder(project)
    return window


def _tell_of_surprises(window: Window) -> None:
    """An error that nobody expected costs what was being done, not the session: one line, and the details in a file."""

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        with tempfile.NamedTemporaryFile("w", prefix="trocar-", suffix=".log", delete=False, encoding="utf-8") as file:
            file.write(text)
        window.session.say(f"That did not work: {kind.__name__}: {error}. Details: {file.name}", "error")

    sys.excepthook = told


def _let_interrupts_through(window: Window) -> None:
    """Ctrl+C in the terminal closes the window like its own button; Python only looks between Qt's events."""
    import signal

    signal.signal(signal.SIGINT, lambda _number, _frame: window.close())
    timer = QTimer(window)
    timer.start(250)
    timer.timeout.connect(lambda: None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
