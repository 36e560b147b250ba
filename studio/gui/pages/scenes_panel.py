"""The inspector of the page Scenes: the frame, the classes of its scene, and the simulator's form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QStackedLayout, QWidget

from studio.files.atomic import hash_bytes
from studio.gui.actions import ActionTable
from studio.gui.models.background import Background
from studio.gui.pages.class_counts import class_shares
from studio.gui.pages.scenes_made import MadeOf
from studio.gui.pages.scenes_mapping import MappingPanel
from studio.gui.pages.simulate_form import SimulateForm
from studio.gui.session import Session
from studio.gui.widgets.basics import Figures, Section, inspector, label
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.class_bars import ClassBars
from studio.gui.widgets.readout import Readout
from studio.pipeline.footage_classes import footage_classes, has_segmenter
from studio.project.records import FrameRecord, SceneRecord
from studio.scenes.first_look import SceneLook
from studio.scenes.folder_guess import Understood
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.labels import ClassTable


class ScenesPanel(QWidget):
    """Everything here follows the frame that is chosen in the page."""

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self)
        self.simulate = SimulateForm(session)
        self.name = label("", "strong", wrap=True)
        self.figures = Figures()
        self.point = label("Click the picture to keep a point.", "faint", wrap=True)
        self.bars = ClassBars()
        self._counted_file = Path()
        self._counted_shares: tuple[ClassTable, Mapping[int, float]] | None = None
        session.class_colours_changed.connect(self._show_bars)
        self._frame = Section("Frame", self.name, self.figures, self.point)
        self.beside = label("", "faint", wrap=True)
        self.compare = actions.button("scenes.compare", role="quiet")
        self._classes = Section("Classes in the scene", self.bars, self.beside, self.compare)
        self.made = MadeOf(
            actions.button("scenes.rename"), actions.button("scenes.relink"), actions.button("scenes.remove")
        )
        self._simulating, self._has_frame, self._has_classes = False, False, False
        self._area = inspector(
            self._frame, self._classes, self.made, self.simulate,
        )  # fmt: skip
        self.mapping = MappingPanel(session)
        self._places = QStackedLayout(self)
        self._places.addWidget(self._area)
        self._places.addWidget(self.mapping)
        self.mapping.left.connect(self.leave_mapping)
        self.mapping.wanted.connect(lambda _folder, _layout: self.leave_mapping())
        self._show_sections()

    def show_mapping(self, folder: Path) -> None:
        """Ask in this place what plain folders hold."""
        self._places.setCurrentWidget(self.mapping)
        self.mapping.show_folder(folder)

    def show_open_questions(self, look: SceneLook, understood: Understood, said: SceneMapping) -> None:
        """Ask in this place what scenes of a known layout leave open."""
        self._places.setCurrentWidget(self.mapping)
        self.mapping.show_scenes(look, understood, said)

    @property
    def asking(self) -> bool:
        """Whether a folder is being asked about."""
        return self._places.currentWidget() is self.mapping

    def leave_mapping(self) -> None:
        self._places.setCurrentWidget(self._area)

    def set_simulating(self, on: bool) -> None:
        """While the simulator is in the page's place, only its form is of interest."""
        self._simulating = on
        self._show_sections()

    def _show_sections(self) -> None:
        self._frame.setVisible(self._has_frame and not self._simulating)
        self._classes.setVisible(self._has_classes and not self._simulating)
        self.made.setVisible(self.made.has_scenes and not self._simulating)

    def show_simulate_form(self) -> None:
        self.leave_mapping()
        self._area.ensureWidgetVisible(self.simulate.button)
        self.simulate.frames.setFocus()
        QTimer.singleShot(0, self.simulate.frames.selectAll)  # after the focus has come

    def show_scene(self, scene: SceneRecord, frames: Sequence[FrameRecord]) -> None:
        """Count its classes beside the event loop."""
        self._has_classes = bool(frames)
        self._show_sections()
        if not frames:
            return
        stored = hash_bytes(json.dumps(dict(scene.encoding), sort_keys=True).encode())[:12]
        kept = self._session.project.cache / "classes" / f"{scene.id}-{scene.frame_count}-{stored}.json"
        if kept == self._counted_file:
            return
        self._counted_file = kept
        self._classes.set_title("Classes in the scene")
        self._counted_shares = None
        self.bars.show_words("counting…")
        files, layout, encoding = [f.files for f in frames], scene.layout, dict(scene.encoding)
        self._background.ask(
            "classes", lambda: class_shares(files, layout=layout, encoding=encoding, kept=kept),
            lambda shares: self._counted(scene, shares),
        )  # fmt: skip

    def show_chosen(self, scenes: Sequence[SceneRecord]) -> None:
        """Say what they were made of."""
        self.made.show_scenes(scenes)
        self._show_sections()

    def show_several(self, like: SceneRecord, shares: Mapping[int, float], *, whole_set: bool) -> None:
        """Mean shares of several scenes' measured frames (none: not measured), in the classes of one of them."""
        self._counted_file = Path()
        self._has_classes = bool(shares)
        self._counted_shares = (like.classes, dict(shares)) if shares else None
        self._classes.set_title("Classes in the set" if whole_set else "Classes in all sets")
        self._show_bars()
        self._show_sections()

    def show_footage(self) -> None:
        """Lay the footage's classes beside the scene's where they are known; offer to estimate them where they can."""
        project = self._session.project
        known = footage_classes(project)
        whose = "" if known is None else f"footage as {known.run} labels it, {known.frames} frames: an estimate"
        self.bars.set_beside({} if known is None else known.shares, whose)
        self.beside.setText(f"Thin bars: {whose}." if known is not None else "")
        self.beside.setVisible(known is not None)
        self.compare.setVisible(has_segmenter(project) and project.footage.count() > 0)

    def _counted(self, scene: SceneRecord, shares: object) -> None:
        if isinstance(shares, dict):
            self._counted_shares = scene.classes, shares
            self._show_bars()
        else:
            self.bars.show_words("can't be read")

    def _show_bars(self) -> None:
        if self._counted_shares is not None:
            classes, shares = self._counted_shares
            self.bars.show_shares(self._session.coloured(classes), shares)

    def show_frame(self, frame: FrameRecord, state: PictureState) -> None:
        self._has_frame = True
        self._show_sections()
        of_set = "" if frame.set_name in ("", frame.patient) else f"{frame.set_name} / "
        self.name.setText(f"{of_set}{frame.patient} / {frame.name}")
        layers = state.layers
        rows = [("Size", f"{layers.size[0]} × {layers.size[1]}", "px")]
        if layers.K is not None:
            rows.append(("Focal length", f"{layers.K[0, 0]:.0f}", "px"))
        if layers.lens is not None:
            rows.append(("Lens", layers.lens.words, ""))
        if layers.depth_HW is not None:
            low, high = state.depth_range
            rows.append(("Depth", f"{low:.0f} – {high:.0f}", "mm"))
        rows.append(("Classes", f"{len(state.class_ids)}", ""))
        rows += [(f"Instrument {i}", tool.name, "") for i, tool in enumerate(layers.tools, start=1)]
        self.figures.show_rows(rows)

    def show_point(self, readout: object) -> None:
        """The point that was clicked, or None."""
        kept = isinstance(readout, Readout)
        self.point.setText(readout.words() if isinstance(readout, Readout) else "Click the picture to keep a point.")
        self.point.setEnabled(kept)

    def close_threads(self) -> None:
        self.mapping.close_threads()
        self.simulate.close()
        self._background.forget()
