"""The simulator's place on the page Scenes: the parts of the body, the live preview, and the camera path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from studio.gui.models.live_preview import LivePreview
from studio.gui.pages.camera_path_bar import CameraPathBar
from studio.gui.pages.simulate_edits import SetValue
from studio.gui.pages.simulate_form import SimulateForm
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import ElidedLabel, row, scrolled
from studio.gui.widgets.fields import ChoiceField, WholeField
from studio.gui.widgets.live_canvas import LiveCanvas
from studio.gui.widgets.part_list import PartList
from studio.gui.widgets.path_strip import THUMB_WIDTH
from studio.scenes.simulator.keyframes import Held
from studio.scenes.simulator.leaving_out import PARTS
from studio.scenes.simulator.live_views import LiveView
from studio.scenes.simulator.paths import FRAMES_PER_SECOND
from studio.vocabulary.labels import STUDIO_CLASSES

_SOURCES = (("port", "laparoscope"), ("around", "around the body"), ("frame", "as simulated"))
_START = LiveView("port", Held(depth=45.0, pitch=-22.0))
_SETTLE_MS = 200
_SLOW_MS, _STALLED_SECONDS = 700, 0.5
_MOST_PATIENTS = 1000


class SimulateDesk(QWidget):
    """Shows what the form describes. ``left`` when the person wants back to the frames."""

    left = Signal()

    def __init__(self, session: Session, form: SimulateForm, *, command: Sequence[str] = ()) -> None:
        super().__init__()
        self._session, self._form = session, form
        self.live = LivePreview(self, command=command)
        self.canvas = LiveCanvas()
        self.parts = PartList(PARTS, STUDIO_CLASSES)
        self.path = CameraPathBar(session)
        self.source = ChoiceField(_SOURCES, "port")
        self.patient = WholeField(1, 1, 1)
        self.frame = WholeField(1, 1, 1)
        self.optics = ChoiceField([("30", "30° optics"), ("0", "0° optics")], "30")
        self.facts = ElidedLabel("", "muted")
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._show_all)
        self._shown: dict[str, Any] = {}
        self._kind = ""
        self._build()
        self._slow = QTimer(self, singleShot=True, interval=_SLOW_MS)
        self._slow.timeout.connect(lambda: self.canvas.show_words("Building the body and its path…"))
        self.path.stalled = lambda: self.live.waited_seconds > _STALLED_SECONDS
        self._connect()
        self.canvas.set_view(_START)
        self.path.held = _START.held

    def _build(self) -> None:
        for field, name, tip in (
            (self.source, "View", "Where the preview looks from; it changes nothing in what is simulated"),
            (self.patient, "Patient", "Which of the set's bodies is shown"),
            (self.frame, "Frame", "Which frame of this patient is shown, exactly as it will be rendered"),
            (self.optics, "Optics", "The angle between shaft and view, in the preview and on a path of your keyframes"),
        ):
            field.setAccessibleName(name)
            field.setToolTip(tip)
        self.patient.setPrefix("patient ")
        self.frame.setPrefix("frame ")
        self.patient.setFixedWidth(104)
        self.frame.setFixedWidth(112)
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Back to the first view  (Home)")
        self.back = QPushButton("Back to frames")
        self.back.setToolTip("Show the project's frames again; nothing here is lost  (Esc)")
        tools = row(self.patient, self.source, self.optics, self.frame, self.reset, self.facts, self.back)
        tools.setStretch(5, 1)
        tools.setContentsMargins(UNIT, 4, 2 * UNIT, 4)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(tools)
        middle.addWidget(self.canvas, 1)
        middle.addWidget(self.path)
        parts = scrolled(self.parts)
        parts.setFixedWidth(264)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(parts)
        layout.addLayout(middle, 1)

    def _connect(self) -> None:
        self._form.changed.connect(self._form_changed)
        self.live.seen.connect(self._seen)
        self.live.failed.connect(self._failed)
        self.live.thumbnail.connect(self.path.take_thumbnail)
        self.live.checked.connect(self.path.show_problem)
        self.canvas.wanted.connect(self._wanted)
        self.parts.changed.connect(self._parts_changed)
        self.path.time_wanted.connect(self._at_time)
        self.path.held_wanted.connect(self._at_held)
        self.path.edited.connect(self._path_edited)
        self.path.keyframes_wanted.connect(lambda: self._form.kind.set_value("keyframes"))
        self.source.currentIndexChanged.connect(lambda _index: self._source_changed())
        self.optics.currentIndexChanged.connect(lambda _index: self._optics_changed())
        self.patient.valueChanged.connect(self._patient_changed)
        self.frame.valueChanged.connect(lambda value: self._at_frame(value - 1))
        self.reset.clicked.connect(self._reset)
        self.back.clicked.connect(self.left)
        self._add_keys(self, {"Esc": self.left.emit})
        keys = {"Home": self.reset.click, "Space": self.path.play_or_pause, "K": self.path.keep_view}
        self._add_keys(self.canvas, keys)
        self._add_keys(self.path.strip, keys)

    @staticmethod
    def _add_keys(widget: QWidget, keys: Mapping[str, Callable[[], object]]) -> None:
        """Keys of one place only: elsewhere the space bar presses buttons."""
        for key, act in keys.items():
            shortcut = QShortcut(QKeySequence(key), widget)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def open(self) -> None:
        """Come to the front: show the form's set."""
        self.canvas.setFocus()
        self._show_all()

    def hideEvent(self, event: QHideEvent) -> None:
        self.path.pause()
        super().hideEvent(event)

    def close_threads(self) -> None:
        self.path.pause()
        self._settle.stop()
        self.live.close()

    # -- what is shown

    def _values(self) -> dict[str, Any]:
        return self._form.values(self.patient.value() - 1)

    def _optics(self) -> float:
        return float(self.optics.value())

    def _form_changed(self) -> None:
        if not self.isVisible():
            return
        if self._form.kind.value() != self._kind:
            self._show_all()
        else:
            self._settle.start()  # fields are typed in

    def _show_all(self) -> None:
        """Show the set that the form describes now: its body, its path, its strip."""
        kind = self._form.kind.value()
        self.patient.setMaximum(_MOST_PATIENTS if kind == "keyframes" else self._form.patients.value())
        self.frame.setMaximum(self._form.patient_frames())
        values = self._values()
        self.parts.set_left_out(self._form.without)
        self.path.setVisible(kind != "single")
        self.optics.setVisible(self.source.value() == "port")
        self.frame.setVisible(self.source.value() == "frame" and kind == "single")
        start = {"path": "frame", "keyframes": "port"}.get(kind, "") if kind != self._kind else ""
        self._kind = kind
        if start:
            self.canvas.set_view(replace(self.canvas.view, source=start, frame=0))
            self._show_source(start)
        if values != self._shown:
            self._shown = values
            self.path.show_path(self._form.path_seconds(), editable=kind == "keyframes")
            self._ask_strip(values, kind)
        self._ask()

    def _ask_strip(self, values: dict[str, Any], kind: str) -> None:
        if kind == "path":
            frames = [{"from": "frame", "frame": round(t * FRAMES_PER_SECOND)} for t in self.path.strip.times]
            self.live.show_strip(values, frames, width=THUMB_WIDTH)
        elif kind == "keyframes" and self.path.draft.views:
            views = [LiveView("port", h, self.path.draft.optics).to_json() for h in self.path.draft.views]
            self.live.show_strip(values, views, width=THUMB_WIDTH)

    def _ask(self) -> None:
        if not self._slow.isActive():
            self._slow.start()
        self.live.show_view(self._values(), self.canvas.view.to_json(), width=self.canvas.picture_width())

    def _go_to(self, view: LiveView) -> None:
        self.canvas.set_view(view)
        self._show_source(view.source)
        if view.source == "port":
            self.path.held = view.held
        self._ask()

    def _show_source(self, source: str) -> None:
        self.source.blockSignals(True)
        self.source.set_value(source)
        self.source.blockSignals(False)
        self.optics.setVisible(source == "port")
        self.frame.setVisible(source == "frame" and self._form.kind.value() == "single")

    def _seen(self, image: QImage, header: dict[str, Any]) -> None:
        if header["held"] is not None and self.canvas.view.source == "frame":  # a drag goes on from where the path is
            self.path.held = Held(**header["held"])
            self.canvas.set_view(replace(self.canvas.view, held=self.path.held, optics=header["optics"]))
        self._slow.stop()
        words = f"The lens {header['obstacle']}: a path can't lead here." if header["obstacle"] else ""
        self.canvas.show_image(image, words)
        self.parts.set_present(header["parts"])
        self.parts.set_notes(header.get("notes", ()))
        self.facts.setText(_facts(header))
        self.path.keep.setEnabled(header["held"] is not None)

    def _failed(self, words: str) -> None:
        self._slow.stop()
        self.canvas.show_words(words)

    # -- what a person does

    def _wanted(self, view: LiveView) -> None:
        self.path.pause()
        if view.source != self.source.value():
            self._show_source(view.source)
        if view.source == "port":
            self.path.held = view.held  # what is kept is what was wished for, be it painted yet or not
        self._ask()

    def _patient_changed(self, number: int) -> None:
        """Keyframes are made on the body that is shown; the set then begins with it."""
        self._form.set_first_patient(number - 1)
        self._show_all()

    def _reset(self) -> None:
        around = self.source.value() == "around"
        self._go_to(LiveView("around") if around else replace(_START, optics=self._optics()))

    def _source_changed(self) -> None:
        source = self.source.value()
        self._go_to(replace(self.canvas.view, source=source, frame=self.frame.value() - 1))

    def _optics_changed(self) -> None:
        view = replace(self.canvas.view, optics=self._optics())
        if self.path.draft.optics != view.optics:
            self._session.undo_stack.push(SetValue("Optics", self.path.draft.optics, view.optics, self._show_optics))
        self._go_to(view)

    def _show_optics(self, optics: float) -> None:
        self.path.draft = replace(self.path.draft, optics=optics)
        self._path_edited()

    def _at_time(self, seconds: float) -> None:
        self._at_frame(round(seconds * FRAMES_PER_SECOND))

    def _at_frame(self, index: int) -> None:
        self._go_to(replace(self.canvas.view, source="frame", frame=index))

    def _at_held(self, held: Held) -> None:
        self._go_to(replace(self.canvas.view, source="port", held=held, optics=self.path.draft.optics))

    def _path_edited(self) -> None:
        self.optics.blockSignals(True)
        self.optics.set_value(f"{self.path.draft.optics:g}")
        self.optics.blockSignals(False)
        self._form.set_keyframes(self.path.draft.path())
        self._show_all()

    def _parts_changed(self, parts: tuple[str, ...]) -> None:
        self._session.undo_stack.push(SetValue("Parts left out", self._form.without, parts, self._show_parts))

    def _show_parts(self, parts: tuple[str, ...]) -> None:
        self._form.set_without(parts)
        self._show_all()


def _facts(header: dict[str, Any]) -> str:
    held = header["held"]
    instruments = header["instruments"]
    words = f"lens {held['depth']:.0f} mm inside" if held else ""
    tools = f"{instruments} instrument{'s' if instruments != 1 else ''}" if instruments else ""
    breath = "breath held while it moves" if header.get("still") else ""
    return "   ·   ".join(w for w in (words, tools, breath) if w)
