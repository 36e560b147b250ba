"""The head of the Styles page: which run, which frames, and what the bars below the pictures measure."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QSpinBox

from studio.gui.actions import ActionTable
from studio.gui.widgets.basics import PageHeader, label
from studio.pipeline.views import KeptCheckpoint

_FRAMES = 6


class StylesHeader(PageHeader):
    """``run_box``, ``checkpoint_box``, ``scene_box``, ``frame_count`` and ``measure_box`` tell by their own signals
    what is chosen."""

    def __init__(self, actions: ActionTable) -> None:
        self.run_box = _box("Translator run", 10)
        self.checkpoint_box = _box("Checkpoint", 11)
        self.checkpoint_box.setToolTip(
            "Which checkpoint of the run shows the previews, encodes the footage and translates: the last one, the "
            "best by validity, or one that was kept on the way. In brackets: validity of its samples"
        )
        self.scene_box = _box("Scenes looked at", 9)
        self.scene_box.setToolTip(
            "Whose frames are looked at: of all scenes, or one patient's; the data set has them all"
        )
        self.frame_count = QSpinBox()
        self.frame_count.setRange(1, 500)
        self.frame_count.setValue(_FRAMES)
        self.frame_count.setToolTip("How many frames are looked at, spread evenly; translating takes all there are")
        self.frame_count.setAccessibleName("Frames looked at")
        self.measure_box = _box("Measure", 10)
        self.measure_box.setToolTip(
            "What the bar below each picture shows, and by what “worst first” sorts; the validity that curation and "
            "exports go by stays the same"
        )
        self._tools = (
            self.run_box, self.checkpoint_box, label("Frames", "muted"), self.frame_count, self.scene_box,
            actions.tool_button("styles.frames"), actions.tool_button("styles.pick"),
            actions.tool_button("styles.sheet"),
        )  # fmt: skip
        super().__init__("Styles", *self._tools)
        self.show_run("")

    def show_run(self, name: str) -> None:
        """The run in hand; a long name is whole in the tooltip."""
        self.run_box.setCurrentText(name)
        said = "The translator run that shows the previews, and with which translating is done"
        self.run_box.setToolTip(f"{said}\n{name}" if name else said)

    def show_runs(self, names: Sequence[str]) -> None:
        """The runs to choose from; without one there is nothing to choose."""
        for tool in self._tools:
            tool.setVisible(bool(names))
        if [self.run_box.itemText(i) for i in range(self.run_box.count())] != list(names):
            self.run_box.clear()
            self.run_box.addItems(list(names))

    def show_checkpoints(self, kept: Sequence[KeptCheckpoint], chosen: str) -> None:
        """The last, the best, and every one that was kept, with its step and the validity of its samples."""
        box, last = self.checkpoint_box, f"Last, step {kept[0].step:,}" if kept else "Last"
        wanted = [(last, "last"), ("Best by validity", "best")]
        for each in kept:
            judged = "" if each.validity is None else f" ({each.validity:.2f})"
            wanted.append((f"Step {each.step:,}{judged}", str(each.step)))
        if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] != wanted:
            box.clear()
            for words, which in wanted:
                box.addItem(words, which)
            box.view().setMinimumWidth(box.view().sizeHintForColumn(0) + 24)
        box.setCurrentIndex(max(0, box.findData(chosen)))

    def show_frame_count(self, count: int) -> None:
        """How many there are by now; nobody has asked for it."""
        self.frame_count.blockSignals(True)
        self.frame_count.setValue(count)
        self.frame_count.blockSignals(False)

    def show_scenes(self, scenes: Sequence[tuple[int, str]]) -> None:
        """(id, patient) of the scenes; what was chosen stays while it is there."""
        wanted = [(0, "of all scenes"), *scenes]
        box = self.scene_box
        if [(box.itemData(i), box.itemText(i)) for i in range(box.count())] == wanted:
            return
        kept = box.currentData()
        box.blockSignals(True)
        box.clear()
        for scene_id, words in wanted:
            box.addItem(words, scene_id)
        box.setCurrentIndex(max(0, box.findData(kept)))
        box.blockSignals(False)

    @property
    def scene(self) -> int:
        """The id of the scene whose frames are looked at, 0 for all."""
        return int(self.scene_box.currentData() or 0)


def _box(said: str, characters: int) -> QComboBox:
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(characters)
    box.setAccessibleName(said)
    return box
