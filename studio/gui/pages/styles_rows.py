"""The rows of the Styles page: frames spread over the scenes, or picked one by one, kept with the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from studio.gui.actions import ActionTable
from studio.gui.models.frame_rows import FrameRows, Rows
from studio.gui.pages.styles_header import StylesHeader
from studio.gui.pages.styles_lab import StyleLab, unmeasured_last
from studio.gui.session import Session
from studio.gui.widgets.style_grid import StyleGrid
from studio.pipeline.views import spread_frames

KEPT_ROWS = "style_lab_rows"
"""Setting of a project: the frames that were picked by hand, with their pins."""


class RowsDesk(QObject):
    """Puts frames into the lab's rows; what a person does to them can be undone and is remembered."""

    def __init__(self, session: Session, lab: StyleLab, grid: StyleGrid, header: StylesHeader, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._lab, self._grid, self._header = session, lab, grid, header
        self._turn = 0
        self._loaded = False
        self.frames = FrameRows(session.undo_stack, self)
        self.frames.changed.connect(self._changed)
        header.frame_count.valueChanged.connect(lambda _n: self.spread())
        header.scene_box.currentIndexChanged.connect(lambda _i: self.spread())
        grid.row_moved.connect(self._move)
        lab.rows_changed.connect(lambda: grid.set_rows(lab.rows))

    def show(self) -> None:
        """Scenes may have come or gone: the rows follow, unless they were picked and are all there."""
        project = self._session.project
        self._header.show_scenes([(s.id, s.patient) for s in project.scenes.all()])
        if not self._loaded:
            self._loaded = True
            self.frames.load(Rows.of_kept(project.setting(KEPT_ROWS, [])))
        self.frames.forget_gone({f.id for f in project.scenes.some(self.frames.rows.ids)})
        if not self.frames.rows.by_hand:
            self.spread()

    def spread(self) -> None:
        """As many frames as the header says, at equal distances, behind the pinned ones."""
        pinned = self.frames.rows.pinned
        count = max(0, self._header.frame_count.value() - len(pinned))
        found = spread_frames(
            self._session.project, count, turn=self._turn, scene_id=self._header.scene, besides=pinned
        )
        self.frames.spread([f.id for f in found])
        if not self.frames.rows.frames:
            self._grid.hint = "There are no frames yet: simulate or add scenes on the page Scenes."

    def other(self) -> None:
        self._turn += 1
        self.spread()

    def take_picked(self) -> None:
        """Frames that another page hands over come to the top."""
        picked = self._session.selection.lab_frames
        if picked:
            self._session.select(replace(self._session.selection, lab_frames=()))
            self.frames.pick(picked)
            self._grid.choose(0, self._grid.current[1])

    def pin(self) -> None:
        if self._row >= 0:
            self.frames.pin(self._row)

    def drop(self) -> None:
        if self._row >= 0:
            self.frames.drop(self._row)

    def worst_first(self, value: Callable[[Path], float | None]) -> None:
        """The frame of the lowest value on top, those without one last."""
        values = {self._lab.source(r.path)[0].id: unmeasured_last(value(r.path)) for r in self._lab.rows}
        self.frames.order("worst frames first", lambda frame_id: values.get(frame_id, float("inf")))

    @property
    def _row(self) -> int:
        row = self._grid.current[0]
        return row if row < len(self.frames.rows.frames) else -1

    def _move(self, row: int, to: int) -> None:
        column = self._grid.current[1]
        self.frames.move(row, to)
        self._grid.choose(to, column)

    def _changed(self) -> None:
        rows, project = self.frames.rows, self._session.project
        records = project.scenes.some(rows.ids)
        self._lab.show_frames(project, records, self._session.coloured, pinned=frozenset(rows.pinned))
        if rows.by_hand:
            self._header.show_frame_count(len(rows.frames))
        if project.setting(KEPT_ROWS, []) != rows.kept():
            project.set_setting(KEPT_ROWS, rows.kept())


def row_menu(actions: ActionTable, *, of_row: bool, of_style: bool) -> QMenu:
    """What can be done with the row and the style under the mouse."""
    menu = QMenu()
    if of_style:
        for name in ("pin", "reroll", "rename", "drop"):
            menu.addAction(actions.qaction(f"styles.{name}"))
    if of_style and of_row:
        menu.addSeparator()
    if of_row:
        for name in ("pin_frame", "drop_frame", "pick"):
            menu.addAction(actions.qaction(f"styles.{name}"))
    menu.addSeparator()
    for name in ("sheet", "copy_sheet"):
        menu.addAction(actions.qaction(f"styles.{name}"))
    return menu
