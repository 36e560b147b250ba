"""The camera path below the live preview: scrub, play, keep views as keyframes and arrange them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QImage, QUndoStack
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from studio.gui.icons import icon
from studio.gui.pages.camera_draft import CameraDraft
from studio.gui.pages.simulate_edits import SetValue
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label, row
from studio.gui.widgets.fields import NumberField
from studio.gui.widgets.path_strip import PathStrip, spaced
from studio.scenes.simulator.keyframes import Held, read_keyframes, write_keyframes

_TICK_MS = 40
_NO_KEYFRAMES = "No keyframes yet. Drag the picture to a view and keep it; two or more make a path."


class CameraPathBar(QWidget):
    """``time_wanted`` asks for the picture at a time of the path, ``held_wanted`` for a keyframe's view; ``edited``
    comes when the keyframes are others."""

    time_wanted = Signal(float)
    held_wanted = Signal(object)
    edited = Signal()
    keyframes_wanted = Signal()
    """The seed's path has become keyframes: the set is to go through them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.draft = CameraDraft()
        self.held = Held()
        """How the laparoscope is held in the picture above."""
        self._seconds, self._editable = 0.0, False
        self.strip = PathStrip()
        self.time_label = label("", "muted")
        self.problem = label("", "warning", wrap=True)
        self._from = 0.0
        self._last_tick = 0.0
        self.stalled: Callable[[], bool] = lambda: False
        """Whether the picture above can't follow at all for now; the clock then stands."""
        self._found: dict[int, tuple[Held, float]] = {}
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self.play_button = _tool("play", "Play", "Show the frames at 25 a second, as many as can be drawn  (Space)")
        self.play_button.clicked.connect(self.play_or_pause)
        self.keep = _button(
            "Keep view", "Put the view above behind the chosen keyframe: the camera then goes through it  (K)",
            self.keep_view,
        )  # fmt: skip
        self.change = _button("Replace", "The chosen keyframe becomes the view above", self.replace_view)
        self.take = _button(
            "Edit as keyframes", "Make the views below keyframes, so that they can be moved, replaced and removed",
            self.take_views,
        )  # fmt: skip
        self.left = _tool("left", "Move to the left", "The camera comes to the chosen keyframe earlier  (Alt+Left)")
        self.right = _tool("right", "Move to the right", "The camera comes to the chosen keyframe later  (Alt+Right)")
        self.remove = _tool("trash", "Remove keyframe", "The camera goes past the chosen keyframe  (Delete)")
        self.length = NumberField(0.0, 0.0, 3600.0, unit="s", step=1.0)
        self.files = _button("File", "Keep these keyframes in a file, or take those of one", None)
        self._build()

    def _build(self) -> None:
        self.length.setSpecialValueText("unhurried")
        self.length.setFixedWidth(92)
        self.length.setAccessibleName("Length of the path")
        self.length.setToolTip("Seconds from the first keyframe to the last; 0: at the pace of the seeds' own paths")
        self.length.valueChanged.connect(self._length_changed)
        self.left.clicked.connect(lambda: self._move(self.strip.current, self.strip.current - 1))
        self.right.clicked.connect(lambda: self._move(self.strip.current, self.strip.current + 1))
        self.remove.clicked.connect(lambda: self._remove(self.strip.current))
        menu = QMenu(self.files)
        menu.addAction("Open camera path…", self.open_file)
        menu.addAction("Save camera path…", self.save_file)
        self.files.setMenu(menu)
        self._length_words = label("Length", "muted")
        self._editing: tuple[QWidget, ...] = (
            self.keep, self.change, self.left, self.right, self.remove, self._length_words, self.length, self.files
        )  # fmt: skip
        tools = row(self.play_button, self.time_label, None, self.take, *self._editing)
        tools.setContentsMargins(UNIT, 4, 2 * UNIT, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(tools)
        layout.addWidget(self.strip)
        layout.addWidget(self.problem)
        self.problem.setContentsMargins(2 * UNIT, 4, 2 * UNIT, 4)
        self.problem.hide()
        self.strip.scrubbed.connect(self._scrubbed)
        self.strip.chosen.connect(self._chosen)
        self.strip.move_wanted.connect(self._move)
        self.strip.removed.connect(self._remove)

    # -- showing

    def show_path(self, seconds: float, *, editable: bool) -> None:
        """A path of this length: the seed's, or through the draft's keyframes."""
        self.pause()
        self._seconds, self._editable = seconds, editable
        times = self.draft.times() if editable and self.draft.views else () if editable else self._spaced()
        self.strip.set_slots(times, editable=editable, words=_NO_KEYFRAMES)
        self._found = {}
        self.take.setVisible(not editable)
        for widget in self._editing:
            widget.setVisible(editable)
        self.show_problem("")
        self.update_buttons()
        self._show_time(min(self._now(), seconds))

    def _spaced(self) -> tuple[float, ...]:
        return spaced(self._seconds, max(400, self.width()))

    def take_thumbnail(self, picture: QImage, header: Mapping[str, Any]) -> None:
        """A picture of the strip; of a path it brings how the laparoscope is held there."""
        self.strip.set_picture(int(header["index"]), picture)
        if header["held"] is not None:
            self._found[int(header["index"])] = (Held(**header["held"]), float(header["optics"]))
            self.update_buttons()

    def show_problem(self, words: str) -> None:
        """What keeps the path from being simulated."""
        self.problem.setText(words)
        self.problem.setVisible(bool(words))

    def update_buttons(self) -> None:
        chosen, count = self.strip.current, len(self.draft.views)
        for button, usable in (
            (self.change, chosen >= 0), (self.left, chosen > 0), (self.right, 0 <= chosen < count - 1),
            (self.remove, chosen >= 0),
        ):  # fmt: skip
            button.setEnabled(usable)
        self.play_button.setEnabled(self._seconds > 0)
        self.take.setEnabled(len(self._found) == len(self.strip.times) > 1)

    def _show_time(self, seconds: float) -> None:
        self.time_label.setText(f"{seconds:.1f} of {self._seconds:.1f} s" if self._seconds else "")

    # -- moving along

    def _now(self) -> float:
        return self._from

    def _scrubbed(self, seconds: float) -> None:
        self.pause()
        self._go_to(seconds)

    def _go_to(self, seconds: float) -> None:
        self._from = seconds
        self._show_time(seconds)
        self.update_buttons()
        if self._seconds:
            self.time_wanted.emit(seconds)

    def _chosen(self, index: int) -> None:
        self.pause()
        if self._editable:
            self._from = self.strip.times[index]
            self._show_time(self._from)
            self.held_wanted.emit(self.draft.views[index])
            self.update_buttons()
        else:
            self._go_to(self.strip.times[index])

    def play_or_pause(self) -> None:
        if self._timer.isActive():
            self.pause()
        elif self._seconds > 0:
            self._from = 0.0 if self._from >= self._seconds - 0.05 else self._from
            self._last_tick = time.perf_counter()
            self.play_button.setIcon(icon("pause"))
            self._timer.start()

    def pause(self) -> None:
        self._timer.stop()
        self.play_button.setIcon(icon("play"))

    def _tick(self) -> None:
        """By the clock: where drawing is slower than 25 frames a second, frames are left out, not time."""
        now = time.perf_counter()
        passed, self._last_tick = now - self._last_tick, now
        if self.stalled():
            return
        seconds = min(self._seconds, self._from + passed)
        self.strip.set_seconds(seconds)
        self._go_to(seconds)
        if seconds >= self._seconds:
            self.pause()

    # -- editing

    @property
    def _undo(self) -> QUndoStack:
        return self._session.undo_stack

    def _set(self, words: str, draft: CameraDraft, chosen: int) -> None:
        before = (self.draft, self.strip.current)
        self._undo.push(SetValue(words, before, (draft, chosen), self._show_draft))

    def _show_draft(self, shown: tuple[CameraDraft, int]) -> None:
        self.draft, chosen = shown
        self.length.blockSignals(True)
        self.length.setValue(self.draft.seconds)
        self.length.blockSignals(False)
        self.edited.emit()
        self.strip.choose(chosen)
        if self.strip.current >= 0:
            self._from = self.strip.times[self.strip.current]
            self._show_time(self._from)
        self.update_buttons()

    def keep_view(self) -> None:
        """The view above becomes a keyframe behind the chosen one, or at the end."""
        if self._editable:
            at = self.strip.current + 1 if self.strip.current >= 0 else len(self.draft.views)
            self._set("Keep view", self.draft.with_view(self.held, at), at)

    def take_views(self) -> None:
        """The seed's path, as the strip shows it, in the place of the keyframes."""
        views = [self._found[i] for i in sorted(self._found)]
        if len(views) == len(self.strip.times):
            draft = CameraDraft(tuple(held for held, _ in views), views[0][1], self._seconds)
            self._set("Edit as keyframes", draft, 0)
            self.keyframes_wanted.emit()

    def replace_view(self) -> None:
        if self._editable and self.strip.current >= 0:
            at = self.strip.current
            self._set("Replace keyframe", self.draft.with_view_changed(self.held, at), at)

    def _move(self, at: int, to: int) -> None:
        if self._editable and 0 <= at < len(self.draft.views) and 0 <= to < len(self.draft.views):
            self._set("Move keyframe", self.draft.with_view_moved(at, to), to)

    def _remove(self, at: int) -> None:
        if self._editable and 0 <= at < len(self.draft.views):
            left = self.draft.without_view(at)
            self._set("Remove keyframe", left, min(at, len(left.views) - 1))

    def _length_changed(self, seconds: float) -> None:
        self._set("Length of the path", replace(self.draft, seconds=seconds), self.strip.current)

    # -- files

    def open_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open camera path", str(Path.home()), "Camera paths (*.json)")
        if name:
            with self._session.reporting():
                self._set("Open camera path", CameraDraft.of_path(read_keyframes(Path(name))), 0)

    def save_file(self) -> None:
        path = self.draft.path()
        if path is None:
            self._session.say("Keep at least two views first.", "warning")
            return
        name, _ = QFileDialog.getSaveFileName(self, "Save camera path", "path.json", "Camera paths (*.json)")
        if name:
            with self._session.reporting():
                write_keyframes(Path(name), path)
                self._session.say(f"Saved {Path(name).name}.")


def _button(words: str, tip: str, act: Callable[[], None] | None) -> QPushButton:
    made = QPushButton(words)
    made.setToolTip(tip)
    if act is not None:
        made.clicked.connect(act)
    return made


def _tool(icon_name: str, name: str, tip: str) -> QToolButton:
    made = QToolButton()
    made.setIcon(icon(icon_name))
    made.setToolTip(tip)
    made.setAccessibleName(name)
    return made
