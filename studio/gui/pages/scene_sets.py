"""The list of the page Scenes: sets and their patients; a set's name is changed in place and as one undo step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PySide6.QtGui import QUndoCommand

from studio.gui import amounts
from studio.gui.models.groups import Group, GroupList, Index, RenamableModel
from studio.gui.session import Session
from studio.project.records import Changed, SceneRecord
from studio.scenes.provenance import made_in_short
from studio.scenes.readers import CHECKED

ALL = "all"
_SET = "set:"


class SetModel(RenamableModel):
    """Rows of ``groups_of``; sets can be renamed, patients can't."""

    def can_rename(self, index: Index) -> bool:
        return self.group(index.row()).key.startswith(_SET)

    def set_row(self, name: str) -> int:
        """Where a set stands; -1 where it has no row of its own."""
        return next((r for r in range(self.rowCount()) if self.group(r).key == _SET + name), -1)


class SetList(GroupList):
    """One row is chosen: everything, a set, or a patient of one."""

    def __init__(self, model: SetModel) -> None:
        super().__init__(model, "Scenes")
        self.setEditTriggers(GroupList.EditTrigger.NoEditTriggers)
        self._scenes: Sequence[SceneRecord] = ()

    def show_scenes(self, scenes: Sequence[SceneRecord]) -> None:
        """List these; the chosen row stays chosen where it still is there."""
        chosen, before = self.chosen(), [s.id for s in self.chosen_scenes()]
        self._scenes = in_sets(scenes)
        self._groups.set_groups(groups_of(self._scenes))
        keys = [self._groups.group(r).key for r in range(self._groups.rowCount())]
        if chosen and chosen not in keys:  # of another name now, or gone
            chosen = next((_SET + s.set_name for s in self._scenes if s.id in before), "")
        self.choose(chosen or next((k for k in keys if k != ALL), ALL))

    def chosen_scenes(self) -> list[SceneRecord]:
        """What the chosen row stands for, in the list's order."""
        key = self.chosen()
        return [s for s in self._scenes if key in (ALL, _SET + s.set_name, str(s.id))] if key else []

    def chosen_set(self) -> str:
        """The set that is chosen, or of which a patient is; empty for none."""
        scenes = self.chosen_scenes()
        return scenes[0].set_name if scenes and self.chosen() != ALL else ""

    def rename(self) -> None:
        """Open the field over the name of the chosen set."""
        model = self._groups
        row = model.set_row(self.chosen_set()) if isinstance(model, SetModel) else -1
        if row >= 0:
            self.setCurrentIndex(model.index(row))
            self.edit(model.index(row))


class RenameSet(QUndoCommand):
    """Another name for a set; undone, the one that it had."""

    def __init__(self, session: Session, before: str, after: str) -> None:
        super().__init__(f"Name of the set “{after}”")
        self._session, self._before, self._after = session, before, after

    def redo(self) -> None:
        self.setObsolete(not self._rename(self._before, self._after))

    def undo(self) -> None:
        self._rename(self._after, self._before)

    def _rename(self, name: str, to: str) -> bool:
        with self._session.reporting() as outcome:
            self._session.project.scenes.rename_set(name, to)
        if outcome.well:
            self._session.edited(Changed(scenes=True))
        return outcome.well


def in_sets(scenes: Sequence[SceneRecord]) -> list[SceneRecord]:
    """The set that came first before the others, patients in their order within it."""
    came: dict[str, int] = {}
    for scene in sorted(scenes, key=lambda s: s.id):
        came.setdefault(scene.set_name, scene.id)
    return sorted(scenes, key=lambda s: came[s.set_name])  # stable: within a set by patient, as they come


def groups_of(scenes: Sequence[SceneRecord]) -> list[Group]:
    """All of them first, where there are several; then the sets, each above its patients."""
    frames = sum(s.frame_count for s in scenes)
    by_set: dict[str, list[SceneRecord]] = {}
    for scene in scenes:
        by_set.setdefault(scene.set_name, []).append(scene)
    words = amounts.count(len(by_set), "sets") + f", {amounts.count(len(scenes), 'scenes')}"
    rows = [Group(ALL, "All patients", f"{frames:,}", words)] if len(scenes) > 1 else []
    for name, of_set in by_set.items():
        alone = len(of_set) == 1 and of_set[0].patient == name
        rows += [replace(_patient(of_set[0]), key=_SET + name, level=0)] if alone else [_set(of_set)]
        rows += [] if alone else [_patient(s) for s in of_set]
    return rows


def _set(scenes: Sequence[SceneRecord]) -> Group:
    first = scenes[0]
    frames = f"{sum(s.frame_count for s in scenes):,}"
    if not any(s.root.exists() for s in scenes):
        return Group(_SET + first.set_name, first.set_name, frames, "folder not found", "danger", str(first.root))
    made = made_in_short(first.encoding) or f"layout {first.layout}"
    detail = "   ".join(filter(None, [made, when(first.added)]))
    tip = "\n".join(filter(None, [first.set_name, detail, str(above(scenes)), "F2 renames the set"]))
    return Group(_SET + first.set_name, first.set_name, frames, detail, tip=tip)


def _patient(scene: SceneRecord) -> Group:
    width, height = scene.size
    frames = f"{scene.frame_count:,}"
    if not scene.root.exists():
        return Group(str(scene.id), scene.patient, frames, "folder not found", "danger", str(scene.root), level=1)
    detail = scene.notes[0] if scene.notes else f"{width} × {height}"
    lines = [f"{scene.patient} of {scene.set_name}", str(scene.root), f"layout {scene.layout}", *scene.notes]
    tip = "\n".join(filter(None, [*lines, scene.encoding.get(CHECKED, "")]))
    return Group(str(scene.id), scene.patient, frames, detail, "warning" if scene.notes else "", tip, level=1)


def above(scenes: Sequence[SceneRecord]) -> Path:
    """The folder that holds the set's."""
    return scenes[0].root if len(scenes) == 1 else scenes[0].root.parent


def when(added: str) -> str:
    """Day and time here, or "" where it isn't known."""
    try:
        return datetime.fromisoformat(added).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""
