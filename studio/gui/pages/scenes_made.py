"""What the chosen scenes were made of, in the inspector: their set, how they were simulated or are stored, where."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from studio.gui.pages.scene_sets import above, when
from studio.gui.widgets.basics import Figures, Section, label
from studio.project.records import SceneRecord
from studio.scenes.provenance import made_of
from studio.scenes.readers import CHECKED

_SHORT = 22
"""Letters that stand beside their name; more get lines of their own."""
_OF_ONE = "Body"


class MadeOf(Section):
    """Below the facts what can be done with the scenes."""

    def __init__(self, *buttons: QWidget) -> None:
        self.name = label("", "strong", wrap=True)
        self.figures = Figures()
        self.long = label("", "small", wrap=True, selectable=True)
        super().__init__("Set", self.name, self.figures, self.long, *buttons)
        self.has_scenes = False

    def show_scenes(self, scenes: Sequence[SceneRecord]) -> None:
        """Those of one set, or one of its patients; of several sets there is nothing to say."""
        self.has_scenes = len({s.set_name for s in scenes}) == 1
        if not self.has_scenes:
            return
        self.name.setText(scenes[0].set_name)
        rows = facts(scenes)
        self.figures.show_rows([(name, value, "") for name, value in rows if len(value) <= _SHORT])
        lines = [f"{name}: {value}" for name, value in rows if len(value) > _SHORT]
        self.long.setText("\n".join([*lines, *scenes[0].notes, str(above(scenes))]))


def facts(scenes: Sequence[SceneRecord]) -> list[tuple[str, str]]:
    """(name, value) a row: of the set, and of the first scene what all of them share."""
    first = scenes[0]
    rows = [("Frames", f"{sum(s.frame_count for s in scenes):,}")]
    patients = {s.patient for s in scenes}
    rows += [("Patients", f"{len(patients):,}")] if len(patients) > 1 else [("Patient", first.patient)]
    # Several scenes of one patient: another count than the patients'.
    rows += [("Scenes", f"{len(scenes):,}")] if len(scenes) > len(patients) else []
    rows += [("Size", f"{first.size[0]} × {first.size[1]} px")] if len({s.size for s in scenes}) == 1 else []
    rows += [("Added", when(first.added))] if first.added else []
    made = made_of(first.encoding)
    rows += [row for row in made if row[0] != _OF_ONE or len(scenes) == 1]
    rows += [] if made else [("Layout", first.layout)]
    checked = {s.encoding.get(CHECKED, "") for s in scenes} - {""}
    return rows + ([("Geometry check", next(iter(checked)))] if len(checked) == 1 else [])
