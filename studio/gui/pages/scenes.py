"""The page Scenes: patients, the chosen frame with its layers, the film strip, and the simulator."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.files.listing import spread
from studio.gui import amounts
from studio.gui.actions import ActionTable
from studio.gui.jobs import WindowJob
from studio.gui.models.background import Background
from studio.gui.models.catalogue_reader import CatalogueReader
from studio.gui.models.scene_frames import NOTHING, FrameModel, Listing
from studio.gui.pages.class_counts import SAMPLED_FRAMES
from studio.gui.pages.page import Page
from studio.gui.pages.scene_sets import RenameSet, SetList, SetModel
from studio.gui.pages.scenes_actions import SCENES_ROWS
from studio.gui.pages.scenes_adding import FoldersToAdd
from studio.gui.pages.scenes_filter import FrameFilterBar, Measured, measured
from studio.gui.pages.scenes_layouts import layout_menu
from studio.gui.pages.scenes_panel import ScenesPanel
from studio.gui.session import Session
from studio.gui.widgets.basics import EmptyState, PageHeader, holder, row
from studio.gui.widgets.blending import LayerChoice, PictureState
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_list import PictureList
from studio.gui.widgets.picture_view import PictureView
from studio.project.records import Changed, FrameRecord, SceneRecord
from studio.scenes.readers import load_flow, load_layers_of

if TYPE_CHECKING:
    from studio.gui.pages.simulate_desk import SimulateDesk

_TOUCHES = Changed(scenes=True)
_KEPT_STATES = 24
_MEASURED_UNASKED = 3000
"""Frames; half a minute or so."""
_OF_FRAMES = ("scenes.lab", "scenes.plain", "scenes.labels", "scenes.depth", "scenes.normals", "scenes.remove",
              "scenes.rename")  # fmt: skip


class ScenesPage(Page):
    """Left: scenes by patient; middle: one frame large above the strip of all; right: what it consists of."""

    title = "Scenes"
    icon_name = "scenes"
    rows = SCENES_ROWS

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self._scenes: dict[str, SceneRecord] = {}
        self._states: OrderedDict[int, PictureState] = OrderedDict()
        self._background = Background(self, depth=3)
        self.groups = SetModel(self)
        self.patients = SetList(self.groups)
        self._reader = CatalogueReader(session.project.folder, self)
        self.model = FrameModel(session.project.cache / "thumbnails", self)
        self.strip = PictureList(strip=True)
        self.strip.setModel(self.model)
        self.strip.setAccessibleName("Frames")
        self.bar = OverlayBar(("none", "segmentation", "depth", "normals", "flow"))
        self.view = PictureView()
        self.filter = FrameFilterBar()
        self.panel = ScenesPanel(session, actions)
        self._desk: SimulateDesk | None = None
        self._build()
        self.bar.changed.connect(self.view.set_overlay)
        self.bar.colour_wanted.connect(session.set_class_colour)
        session.class_colours_changed.connect(self._recoloured)
        self.view.kept.connect(self.panel.show_point)
        self.patients.selectionModel().currentChanged.connect(self._scene_chosen)
        self.groups.rename_wanted.connect(lambda name, to: session.undo_stack.push(RenameSet(session, name, to)))
        self.strip.selectionModel().currentChanged.connect(self._frame_chosen)
        self.filter.changed.connect(self._list_frames)
        self.filter.measure.connect(self.measure)
        self.panel.simulate.wanted.connect(self._simulate)
        self.adding = FoldersToAdd(session, self.panel, self._add)
        session.jobs.ended.connect(self._job_ended)

    def _build(self) -> None:
        button = self.action_table.button
        self.as_button = self.action_table.tool_button("scenes.add_as")
        self.header = PageHeader(
            "Scenes",
            button("scenes.lab", role="quiet"),
            button("scenes.add"),
            self.as_button,
            button("scenes.simulate", role="primary"),
        )
        empty = EmptyState(
            "scenes", "No scenes yet",
            "Scenes are renders of simulated bodies whose labels are exact. Simulate some here, or add a folder of"
            " your own; or drop one on this page.",
            button("scenes.simulate", role="primary"), button("scenes.add"),
        )  # fmt: skip
        tools = row(self.bar)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        bar = holder(tools)
        tools.setContentsMargins(8, 4, 16, 4)
        layout.addWidget(bar)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.filter)
        layout.addWidget(self.strip)
        body = QSplitter(Qt.Orientation.Horizontal)
        body.addWidget(self.patients)
        body.addWidget(middle)
        body.setStretchFactor(1, 1)
        body.setSizes([208, 900])
        self.stack = QStackedWidget()
        self.stack.addWidget(empty)
        self.stack.addWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addWidget(self.stack, 1)

    def inspector(self) -> QWidget:
        return self.panel

    def activated(self) -> None:
        (self.strip if self.strip.isVisible() else self).setFocus()  # keys of the page work where it is empty, too

    def project_closed(self) -> None:
        self.session.jobs.ended.disconnect(self._job_ended)
        if self._desk is not None:
            self._desk.close_threads()
        self.model.close()
        self._reader.close()
        self._background.forget()
        self.adding.close_threads()
        self.panel.close_threads()

    # -- showing

    def refresh(self, changed: Changed) -> None:
        if changed.scenes or changed.runs or changed.footage:
            self.panel.show_footage()
        if not changed.scenes:
            return
        scenes = self.session.project.scenes.all()
        self._states.clear()
        self._scenes = {str(s.id): s for s in scenes}
        if self.stack.currentWidget() is not self._desk:
            self.show_frames()
        for action_id in _OF_FRAMES:
            self.action_table.allow(action_id, bool(scenes))
        sizes = sorted({s.size for s in scenes})
        self.header.set_facts(
            amounts.count(sum(s.frame_count for s in scenes), "frames"),
            amounts.count(len({s.patient for s in scenes}), "patients"),
            ", ".join(f"{w} × {h} px" for w, h in sizes[:3]),
        )
        self.patients.show_scenes(scenes)
        self.panel.simulate.take_next_seed()
        self._scene_chosen()

    def _scene(self) -> SceneRecord | None:
        """The one that is chosen; None where several are."""
        chosen = self.patients.chosen_scenes()
        return chosen[0] if len(chosen) == 1 else None

    def _scene_ids(self) -> tuple[int, ...]:
        return tuple(s.id for s in self.patients.chosen_scenes())

    def _scene_chosen(self) -> None:
        scene, chosen = self._scene(), self.patients.chosen_scenes()
        self.action_table.allow("scenes.relink", scene is not None and not scene.root.exists())
        self.action_table.allow("scenes.remove", bool(self.patients.chosen_set()))
        self.action_table.allow("scenes.rename", bool(self.patients.chosen_set()))
        self.panel.show_chosen(chosen)
        if not self._scenes:
            self.model.set_frames(NOTHING, self._records)
            self.view.set_state(None, "Choose a scene")
            return
        shape = chosen[0] if chosen else next(iter(self._scenes.values()))
        self.strip.set_ratio(shape.size[1] / shape.size[0])
        ids = None if len(chosen) == len(self._scenes) else self._scene_ids()
        self._reader.ask("measured", lambda project: measured(project, ids), self._offer)
        self._list_frames()

    def _offer(self, known: object) -> None:
        if isinstance(known, Measured):
            shape = next(iter(self.patients.chosen_scenes() or self._scenes.values()))
            self.filter.offer(shape.classes, known)
            if self._scene() is None:
                self.panel.show_several(shape, known.shares, whole_set=bool(self.patients.chosen_set()))

    def _list_frames(self) -> None:
        """Ask for the ids of the frames that are wanted; even without a condition that takes a while for many."""
        wanted = self.filter.wanted(self._scene_ids())
        self._reader.ask("frames", lambda project: Listing.of(project.contents.matching(wanted)), self._listed)

    def _listed(self, listing: object) -> None:
        if not isinstance(listing, Listing):
            self.session.say(str(listing), "error")
            return
        self.model.set_frames(listing, self._records, patients=self._scene() is None)
        ids = listing.ids
        self.filter.set_count(len(ids))
        wanted = self.session.selection.frame_id
        self.strip.choose(wanted if self.model.row_of(wanted) >= 0 else (ids[0] if ids else 0))
        scene = self._scene()
        if scene is not None and len(ids) == scene.frame_count:
            self.panel.show_scene(scene, self._records(spread(ids, SAMPLED_FRAMES)))
        self._frame_chosen()

    def _records(self, ids: Sequence[int]) -> list[FrameRecord]:
        return self.session.project.scenes.some(ids)

    def _frame_chosen(self) -> None:
        frame = next(iter(self._records([self.strip.current_id()])), None)
        if frame is None:
            self.view.set_state(None, "No frame" if self._scenes else "Choose a scene")
            return
        scene = self._scenes[str(frame.scene_id)]
        self.session.select(replace(self.session.selection, frame_id=frame.id))
        kept = self._states.get(frame.id)
        if kept is not None:
            self._show(frame, kept)
            return
        layout, encoding, size, files = scene.layout, dict(scene.encoding), scene.size, frame.files
        self._background.ask(
            frame.id,
            lambda: (load_layers_of(files, layout=layout, encoding=encoding), load_flow(files, "forward", size=size)),
            lambda found: self._arrived(frame, scene, found),
        )  # fmt: skip

    def _arrived(self, frame: FrameRecord, scene: SceneRecord, found: object) -> None:
        if not isinstance(found, tuple):
            if self.strip.current_id() == frame.id:
                self.view.set_state(None, str(found))
                self.session.say(str(found), "error")
            return
        layers, flow_HW2 = found
        state = PictureState(layers, classes=self.session.coloured(scene.classes), flow_HW2=flow_HW2)
        self._states[frame.id] = state
        while len(self._states) > _KEPT_STATES:
            self._states.popitem(last=False)
        if self.strip.current_id() == frame.id:
            self._show(frame, state)

    def _show(self, frame: FrameRecord, state: PictureState) -> None:
        self.bar.offer(state)
        self.view.set_state(state)
        self.panel.show_frame(frame, state)

    def _recoloured(self) -> None:
        self._states.clear()
        self._frame_chosen()

    # -- doing

    def add_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add simulated scenes from a folder", str(Path.home()))
        if name:
            self.dropped([name])

    def choose_layout(self) -> None:
        layout_menu(self, self.add_folder_of).popup(self.as_button.mapToGlobal(self.as_button.rect().bottomLeft()))

    def add_folder_of(self, layout: str) -> None:
        """Add a folder as one of a layout, whatever it looks like."""
        name = QFileDialog.getExistingDirectory(self, f"Add scenes of the layout {layout}", str(Path.home()))
        if name:
            self.adding.take([Path(name)], layout)

    def add_plain_folders(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder above those of the layers", str(Path.home()))
        if name:
            self.adding.ask_plain(Path(name))

    def dropped(self, paths: list[str]) -> bool:
        """Scenes that leave nothing open are added at once; of others, and of plain folders, it is asked what is what.

        A mapping file that is dropped with them says it instead.
        """
        folders = [Path(p) for p in paths if Path(p).is_dir()]
        mappings = [p for p in paths if Path(p).suffix.lower() in (".toml", ".json")]
        said = ("--mapping", mappings[0]) if len(mappings) == 1 else ()
        for folder in folders if said else ():
            self._add(str(folder), *said)
        if folders and not said:
            self.adding.take(folders)
        return bool(folders)

    def _add(self, folder: str, *options: str) -> None:
        argv = ["scenes", "add", str(self.session.project.folder), folder, *options]
        self.session.start(f"Add scenes: {Path(folder).name}", argv, touches=_TOUCHES)

    def show_simulate(self) -> None:
        """The form in the inspector, and what it describes, live."""
        self.session.inspector_wanted.emit()
        self.panel.set_simulating(True)
        self.open_simulator()
        self.panel.show_simulate_form()

    def open_simulator(self) -> SimulateDesk:
        """Put the simulator in the place of the frames."""
        if self._desk is None:
            from studio.gui.pages.simulate_desk import SimulateDesk  # late: it loads the simulator

            self._desk = SimulateDesk(self.session, self.panel.simulate)
            self._desk.left.connect(self.show_frames)
            self.stack.addWidget(self._desk)
        self.stack.setCurrentWidget(self._desk)
        self._desk.open()
        return self._desk

    def show_frames(self) -> None:
        self.panel.set_simulating(False)
        self.stack.setCurrentIndex(1 if self._scenes else 0)

    def _simulate(self, arguments: list[str]) -> None:
        argv = ["scenes", "simulate", str(self.session.project.folder), *arguments]
        frames = amounts.count(self.panel.simulate.frame_count(), "frames")
        self.session.start(f"Simulate {frames}", argv, touches=_TOUCHES)

    def _job_ended(self, job: WindowJob) -> None:
        """Frames just simulated are measured at once where that is quick: then they are found by what they show."""
        of_scenes = job.argv[:2] == ("scenes", "simulate") and job.state == "done"
        if of_scenes and 0 < self.session.project.contents.missing_count() <= _MEASURED_UNASKED:
            self.measure()

    def measure(self) -> None:
        argv = ["scenes", "measure", str(self.session.project.folder)]
        self.session.start("Measure frames", argv, touches=_TOUCHES)

    def compare(self) -> None:
        argv = ["footage", "classes", str(self.session.project.folder)]
        self.session.start("Class frequencies of the footage", argv, touches=Changed(footage=True))

    def _layer(self, name: LayerChoice) -> None:
        self.bar.set_layer(name)

    def show_plain(self) -> None:
        self._layer("none")

    def show_labels(self) -> None:
        self._layer("segmentation")

    def show_depth(self) -> None:
        self._layer("depth")

    def show_normals(self) -> None:
        self._layer("normals")

    def show_in_lab(self) -> None:
        picked = tuple(self.strip.selected_ids())
        if picked:
            self.session.select(replace(self.session.selection, lab_frames=picked))
            self.session.asked_for_page.emit("Styles")

    def rename(self) -> None:
        self.patients.rename()

    def relink(self) -> None:
        scene = self._scene()
        name = QFileDialog.getExistingDirectory(self, "Where the scene's folder lies now", str(Path.home()))
        if scene is not None and name:
            with self.session.reporting() as outcome:
                self.session.project.scenes.relink(scene.id, Path(name))
            if outcome.well:
                self._states.clear()
                self.session.edited(_TOUCHES)

    def remove(self) -> None:
        scenes, name = self.patients.chosen_scenes(), self.patients.chosen_set()
        if not name:
            return
        named = f"{scenes[0].patient} of {name}" if len(scenes) == 1 else name

        def forget() -> None:
            for scene in scenes:
                self.session.project.scenes.remove(scene.id)
            self.session.edited(_TOUCHES)
            self.session.say(f"Took {named} out of the project; its files are untouched.")

        frames = amounts.count(sum(s.frame_count for s in scenes), "frames")
        self.session.ask(
            f"Take {named} ({frames}) and its translations out of the"
            " project? Its files stay where they lie. This can't be undone, but the folder can be added again.",
            [("Keep it", "", None), ("Take it out", "primary", forget)],
        )
