"""The bar above the film strip: which frames are shown, by class and depth, and the way to measure what they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from studio.gui import amounts
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label
from studio.gui.widgets.fields import ChoiceField, WholeField, on_change
from studio.project.project import Project
from studio.project.records import FrameFilter
from studio.vocabulary.labels import ClassTable

_FARTHEST = 99_999


@dataclass(frozen=True)
class Measured:
    """What is known of the frames of some scenes (or of all): frames by class, mean shares of the pixels by class and
    range of the median depth.

    ``missing`` counts the unmeasured of all scenes: they are measured together.
    """

    class_counts: Mapping[int, int]
    shares: Mapping[int, float]
    depth_range: tuple[float, float] | None
    missing: int


def measured(project: Project, scene_ids: Sequence[int] | None) -> Measured:
    contents = project.contents
    return Measured(
        contents.class_counts(scene_ids), contents.mean_shares(scene_ids), contents.depth_range(scene_ids),
        contents.missing_count(),
    )  # fmt: skip


class FrameFilterBar(QWidget):
    """Emits ``changed`` when other frames are wanted, and ``measure`` when the unmeasured should be measured."""

    changed = Signal()
    measure = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.class_choice = ChoiceField([("", "Any class")])
        self.class_choice.setAccessibleName("Class present")
        self.class_choice.setToolTip("Show frames in which a class is present")
        self.class_choice.setMinimumWidth(200)
        self.nearest = _depth_field("Nearest", "Show frames whose median depth is at least this")
        self.farthest = _depth_field("Farthest", "Show frames whose median depth is at most this")
        self.clear = QPushButton("Show all")
        self.button = QPushButton("Measure")
        self.button.setToolTip("Read every frame once and keep which classes and depths it shows")
        self._count = label("", "muted")
        self._build()
        on_change([self.class_choice, self.nearest, self.farthest], self._changed)
        self.clear.clicked.connect(self.reset)
        self.button.clicked.connect(self.measure)
        self._show_clear()

    def _build(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(UNIT, 4, 2 * UNIT, 4)
        layout.setSpacing(UNIT)
        depth, to = label("Depth", "muted"), label("to", "muted")
        for widget in (self.class_choice, depth, self.nearest, to, self.farthest, self.clear):
            layout.addWidget(widget)
        layout.addWidget(self._count)
        layout.addStretch(1)
        layout.addWidget(self.button)
        for button in (self.clear, self.button):
            button.setProperty("role", "quiet")

    def wanted(self, scene_ids: tuple[int, ...] | None = None) -> FrameFilter:
        """What the fields say, within some scenes or all."""
        chosen = self.class_choice.value()
        near, far = self.nearest.value(), self.farthest.value()
        return FrameFilter(
            scene_ids, int(chosen) if chosen else None, float(near) if near else None,
            float(far) if far else None,
        )  # fmt: skip

    def offer(self, classes: ClassTable, known: Measured) -> None:
        """Classes that occur, each with its number of frames; what was chosen stays chosen."""
        chosen = self.class_choice.value()
        self.class_choice.blockSignals(True)
        self.class_choice.clear()
        self.class_choice.addItem("Any class", "")
        for c in classes:
            frames = known.class_counts.get(c.id, 0)
            if frames or str(c.id) == chosen:
                self.class_choice.addItem(f"{c.name}   {frames:,}", str(c.id))
        self.class_choice.set_value(chosen)
        self.class_choice.blockSignals(False)
        usable = bool(known.class_counts) or known.depth_range is not None
        for widget in (self.class_choice, self.nearest, self.farthest):
            widget.setEnabled(usable)
        if known.depth_range is not None:
            low, high = known.depth_range
            self.nearest.setToolTip(f"Median depths here run from {low:.0f} to {high:.0f} mm")
            self.farthest.setToolTip(self.nearest.toolTip())
        self.button.setVisible(known.missing > 0)
        self.button.setText(f"Measure {amounts.count(known.missing, 'frames')}")

    def set_count(self, shown: int) -> None:
        self._count.setText(amounts.count(shown, "frames"))

    def reset(self) -> None:
        """Back to all frames."""
        for widget in (self.class_choice, self.nearest, self.farthest):
            widget.blockSignals(True)
        self.class_choice.setCurrentIndex(0)
        self.nearest.setValue(0)
        self.farthest.setValue(0)
        for widget in (self.class_choice, self.nearest, self.farthest):
            widget.blockSignals(False)
        self._changed()

    def _changed(self) -> None:
        self._show_clear()
        self.changed.emit()

    def _show_clear(self) -> None:
        self.clear.setVisible(self.wanted().needs_contents)


def _depth_field(name: str, tip: str) -> WholeField:
    """0 is no limit."""
    field = WholeField(0, 0, _FARTHEST, unit="mm")
    field.setSpecialValueText("any")
    field.setAccessibleName(name)
    field.setToolTip(tip)
    field.setFixedWidth(80)
    return field
