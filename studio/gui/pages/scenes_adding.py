"""Folders that are to be added: each looked at beside the event loop, then added at once or asked about, one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from studio.gui.models.background import Background
from studio.gui.pages.scenes_panel import ScenesPanel
from studio.gui.session import Session
from studio.pipeline.scenes import remembered_mapping
from studio.scenes.first_look import FirstLook, first_look
from studio.scenes.layouts import folders

AUTO = "auto"


class FoldersToAdd(QObject):
    """``add`` starts the job for a folder. What has to be asked is asked in the panel, the next when one is done."""

    def __init__(self, session: Session, panel: ScenesPanel, add: Callable[..., None]) -> None:
        super().__init__(panel)
        self._session = session
        self._panel = panel
        self._add = add
        self._background = Background(self)
        self._waiting: deque[tuple[Path, str]] = deque()
        self._open: deque[FirstLook] = deque()
        panel.mapping.left.connect(self._next)
        panel.mapping.wanted.connect(lambda folder, layout: self._add(folder, "--layout", layout))
        panel.mapping.wanted.connect(lambda _folder, _layout: self._next())

    def take(self, paths: Sequence[Path], layout: str = AUTO) -> None:
        """Add folders, each with the layout that it is found to have, or all with the one that a person names."""
        idle = not self._waiting
        self._waiting.extend((path, layout) for path in paths)
        self._session.say("Looking at the folder…" if len(paths) == 1 else f"Looking at {len(paths)} folders…")
        if idle:
            self._look()

    def _look(self) -> None:
        """At the one that has waited longest."""
        path, layout = self._waiting[0]
        said = remembered_mapping(self._session.project, path)
        self._background.ask(path, partial(first_look, path, said, layout), self._looked)

    def ask_plain(self, path: Path) -> None:
        """Ask about plain folders whatever they look like."""
        self._session.inspector_wanted.emit()
        self._panel.show_mapping(path)

    def _looked(self, found: object) -> None:
        _, layout = self._waiting.popleft()
        if self._waiting:
            self._look()
        if not isinstance(found, FirstLook):
            self._session.say(str(found), "error")
        elif found.asks:
            self._open.append(found)
            if not self._panel.asking:
                self._next()
        else:
            self._add(str(found.path), *(() if layout == AUTO else ("--layout", layout)))

    def _next(self) -> None:
        if not self._open:
            return
        found = self._open.popleft()
        self._session.say(f"{found.path.name} leaves something open: it is asked beside the pictures.")
        if found.look is None or found.look.layout == folders.NAME:
            self.ask_plain(found.path)
            return
        self._session.inspector_wanted.emit()
        said = remembered_mapping(self._session.project, found.path)
        self._panel.show_open_questions(found.look, found.understood, said)

    def close_threads(self) -> None:
        self._waiting.clear()
        self._open.clear()
        self._background.forget()
