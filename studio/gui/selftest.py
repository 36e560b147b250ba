"""``trocar self-test``: the real window, offscreen, on a project that it fills itself, and a training child."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studio.jobs.events import Done, Job, Note, Progress
from studio.vocabulary.errors import TrocarError

if TYPE_CHECKING:
    from studio.gui.window import Window

_TINY = {
    "dim": 4, "res_blocks": 1, "mlp_dim": 8, "disc_dim": 4, "disc_layers": 2, "disc_scales": 1, "load_width": 0,
    "crop_width": 32, "crop_height": 32, "iterations": 4, "sample_every": 2, "sample_frames": 1, "sample_styles": 2,
    "checkpoint_every": 2, "threads": 1,
}  # fmt: skip
_PATIENCE_SECONDS = 240.0
Check = tuple[str, Callable[["Window"], None]]


def self_test() -> Job:
    """Run every check even when an earlier one fails. Done: checks {name: "ok" or what is wrong}, failed."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    said = _messages()
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="trocar-self-test-") as folder:
        yield Progress(0, 1, "checks", "opening the window")
        window = _opened(Path(folder))
        checks = list(_checks())
        try:
            for done, (name, check) in enumerate(checks):
                yield Progress(done, len(checks), "checks", name)
                found[name] = _outcome(check, window)
                if found[name] != "ok":
                    yield Note(f"{name}: {found[name]}", "warning")
        finally:
            window.session.jobs.shut_down(patience_seconds=10)
            window.close()
        yield Progress(len(checks), len(checks), "checks", "closed")
    found["no complaint of Qt"] = "; ".join(said) or "ok"
    failed = [name for name, outcome in found.items() if outcome != "ok"]
    yield Done({"checks": found, "failed": failed})


def _messages() -> list[str]:
    """Collects what Qt complains about from now on; that there is no screen is no complaint."""
    from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

    said: list[str] = []

    def take(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and not text.startswith("This plugin does not"):
            said.append(text)

    qInstallMessageHandler(take)
    return said


def _opened(folder: Path) -> Window:
    from PySide6.QtCore import QSettings

    from studio.gui.app import application, build_window
    from studio.project.project import Project

    application()
    Project.create(folder / "self-test").close()
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = build_window(folder / "self-test.trocar", settings=settings)
    window.show()
    return window


def _checks() -> Iterator[Check]:
    yield "window without torch", _no_torch
    yield "simulated scenes", lambda w: _job(w, "scenes", "simulate", "--frames", "4", "--patients", "2",
                                             "--size", "96x64")  # fmt: skip
    yield "stand-in footage", lambda w: _job(w, "footage", "phantom", "--frames", "4", "--patients", "2", "--size",
                                             "96x64", "--labelled-frames", "2", "--labelled-patients", "1")  # fmt: skip
    yield "pages", _pages
    yield "themes", _themes
    yield "help", _help
    if importlib.util.find_spec("torch") is not None:
        settings = [part for key, value in _TINY.items() for part in ("--set", f"{key}={value}")]
        yield (
            "training child",
            lambda w: _job(w, "translator", "train", "--name", "tiny", "--preset", "demo", *settings),
        )
        yield "run on its page", _run_shown
    yield "window still without torch", _no_torch


def _outcome(check: Callable[[Window], None], window: Window) -> str:
    try:
        check(window)
    except Exception as error:  # each check is told by itself
        return str(error) or type(error).__name__
    return "ok"


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise TrocarError(otherwise)


def _no_torch(_window: Window) -> None:
    _require("torch" not in sys.modules, "the window has imported torch")


def _job(window: Window, *words: str) -> None:
    """Run a command line as the window runs it, with the project as its first argument."""
    from studio.gui.looping import live_until
    from studio.gui.session import EVERYTHING

    argv = [*words[:2], str(window.session.project.folder), *words[2:]]
    job = window.session.start(" ".join(words[:2]), argv, touches=EVERYTHING)
    ended = live_until(lambda: job.state in ("done", "failed", "stopped"), seconds=_PATIENCE_SECONDS)
    _require(ended, f"not done after {_PATIENCE_SECONDS:.0f} s")
    _require(job.state == "done", job.message or job.state)


def _pages(window: Window) -> None:
    from studio.gui.looping import live
    from studio.gui.registry import page_classes

    for page in page_classes():
        window.go_to_page(page.title)
        live(0.2)
        shown = window.current_page
        _require(shown is not None and shown.title == page.title, f"{page.title} is missing")
        _require(not window.grab().isNull(), f"{page.title} can't be drawn")


def _themes(window: Window) -> None:
    for _ in range(2):
        before = window.palette().window().color()
        window.actions_table.qaction("view.theme").trigger()
        _require(window.palette().window().color() != before, "the theme does not change")


def _help(window: Window) -> None:
    for topic in ("help.guide", "help.shortcuts", "help.about"):
        window.actions_table.qaction(topic).trigger()
        _require(bool(window.help.text.strip()), f"{topic} is empty")


def _run_shown(window: Window) -> None:
    from studio.gui.looping import live_until
    from studio.gui.pages.train import TrainPage

    window.go_to_page("Train")
    page = window.current_page
    _require(isinstance(page, TrainPage), "the page Train is missing")
    assert isinstance(page, TrainPage)
    _require(live_until(lambda: page.last_step == _TINY["iterations"], seconds=10), "its losses are not shown")
