"""The inspector's upper part: ways to draw styles, and the style in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from studio.gui import amounts
from studio.gui.theme import UNIT
from studio.gui.widgets.axis_sliders import AxisSliders
from studio.gui.widgets.basics import column, holder, label, row
from studio.vocabulary.styles import Style

Way = Literal["random", "fitted", "cover", "reference", "blend", "walk"]
_WAYS: tuple[tuple[Way, str, str], ...] = (
    ("cover", "Covering the footage", "Few styles of real frames that stand for all of the footage"),
    ("fitted", "Like the footage", "Drawn from the distribution of the footage's styles"),
    ("random", "At random", "Drawn from N(0, 1), as the translator was trained with"),
    ("reference", "From a frame", "The style of one real frame: click it on the map, or choose a picture"),
    ("blend", "Blend of two", "A point between two styles, previewed while the slider moves"),
    ("walk", "Along the axes", "From the style in hand along the axes of the code, those in which the footage differs "
     "most first"),
)  # fmt: skip

_LISTED = 500

ADDING: frozenset[Way] = frozenset({"reference", "blend", "walk"})
"""Ways that give one style, which is added to the others."""


class DrawPanel(QWidget):
    """``draw_wanted(way, anew)``: ``anew`` puts the new styles in the place of all that are not pinned."""

    draw_wanted = Signal(str, bool)
    draft_moved = Signal()
    picture_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._without_footage = False
        self.way = QComboBox()
        for name, text, tip in _WAYS:
            self.way.addItem(text, name)
            self.way.setItemData(self.way.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.way.setAccessibleName("How styles are drawn")
        self.way.setToolTip("Where new styles come from, and so which looks of tissue and light the data set gets")
        self._tip = label("", "small", wrap=True)
        self.count = _spin(1, 64, 6, "How many styles are drawn: so many looks each frame can get in the data set")
        self.temperature = QDoubleSpinBox()
        self.temperature.setRange(0.0, 3.0)
        self.temperature.setSingleStep(0.1)
        self.temperature.setValue(1.0)
        self.temperature.setToolTip("How far from the middle: 0 is one style only, 1 as trained, above 1 more extreme")
        self._numbers = self._numbers_form()
        self._reference = self._reference_form()
        self._blend = self._blend_form()
        self._forms = QStackedWidget()
        self.axes = AxisSliders()
        self.axes.moved.connect(self.draft_moved)
        for form in (self._numbers, self._reference, self._blend, self.axes):
            self._forms.addWidget(form)
        self.anew = QPushButton("Draw anew")
        self.anew.setToolTip("New styles in the place of all that are not pinned; undo brings them back")
        self.anew.clicked.connect(lambda: self.draw_wanted.emit(self.chosen_way, True))
        self.add = QPushButton("Add")
        self.add.setToolTip("New styles behind those there are")
        self.add.clicked.connect(lambda: self.draw_wanted.emit(self.chosen_way, False))
        layout = column(label("Draw styles", "heading"), self.way, self._tip, self._forms)
        layout.addLayout(row(self.anew, self.add, None))
        self.setLayout(layout)
        self.way.currentIndexChanged.connect(self._way_changed)
        self._way_changed()

    def _numbers_form(self) -> QWidget:
        form = QFormLayout()
        form.setSpacing(UNIT)
        form.addRow("Styles", self.count)
        form.addRow("Temperature", self.temperature)
        self._form = form
        return holder(form)

    def _reference_form(self) -> QWidget:
        self.frame_name = label("No frame chosen: click a dot on the map.", "muted", wrap=True)
        self.whole_video = QCheckBox("Average of its video")
        self.whole_video.setToolTip("The mean style of all footage of that patient, instead of the one frame's")
        self.whole_video.toggled.connect(lambda _on: self.draft_moved.emit())
        choose = QPushButton("From a picture…")
        choose.setToolTip("Add the style of any real picture on this computer; the picture itself is not added")
        choose.clicked.connect(self.picture_wanted)
        layout = column(self.frame_name, self.whole_video)
        layout.addLayout(row(choose, None))
        return holder(layout)

    def _blend_form(self) -> QWidget:
        self.first, self.second = QComboBox(), QComboBox()
        for box, said in ((self.first, "First style"), (self.second, "Second style")):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            box.setAccessibleName(said)
            box.setToolTip(f"{said} of the blend; both stay as they are")
            box.currentIndexChanged.connect(lambda _i: self.draft_moved.emit())
        self.share = QSlider(Qt.Orientation.Horizontal)
        self.share.setRange(0, 100)
        self.share.setValue(50)
        self.share.setToolTip("From the first style to the second; the grid's last column follows")
        self.share.setAccessibleName("Share of the second style")
        self.share.valueChanged.connect(lambda _v: self.draft_moved.emit())
        form = QFormLayout()
        form.setSpacing(UNIT)
        form.addRow("From", self.first)
        form.addRow("To", self.second)
        form.addRow("Share", self.share)
        return holder(form)

    @property
    def chosen_way(self) -> Way:
        way: Way = self.way.currentData()
        return way

    def choose_way(self, way: Way) -> None:
        self.way.setCurrentIndex(self.way.findData(way))

    def set_styles(self, styles: Sequence[Style]) -> None:
        """What can be blended: the first few hundred, more than anyone looks for in a list."""
        names = [s.name for s in styles[:_LISTED]]
        for box, standard in ((self.first, 0), (self.second, 1)):
            if [box.itemText(i) for i in range(box.count())] != names:
                kept = box.currentText()
                box.blockSignals(True)
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(names.index(kept) if kept in names else min(standard, len(names) - 1))
                box.blockSignals(False)

    def set_frame(self, name: str) -> None:
        """The footage frame that was clicked."""
        self.frame_name.setText(name or "No frame chosen: click a dot on the map.")

    def set_footage(self, known: bool) -> None:
        """Without codes of the footage some ways are closed."""
        model = self.way.model()
        for index, (name, _, _) in enumerate(_WAYS):
            item = model.item(index)  # type: ignore[attr-defined]
            item.setEnabled(known or name in ("random", "reference", "blend", "walk"))
        if not known and self.chosen_way in ("cover", "fitted"):
            self._without_footage = True
            self.choose_way("random")
        elif known and self._without_footage:
            self._without_footage = False
            self.choose_way("cover")

    def _way_changed(self) -> None:
        way = self.chosen_way
        self._tip.setText(next(t for n, _, t in _WAYS if n == way))
        forms: dict[Way, QWidget] = {"reference": self._reference, "blend": self._blend, "walk": self.axes}
        shown = forms.get(way, self._numbers)
        for form in (self._numbers, self._reference, self._blend, self.axes):
            # Only the form in sight counts for the height: a stack is as tall as its tallest page otherwise.
            policy = QSizePolicy.Policy.Preferred if form is shown else QSizePolicy.Policy.Ignored
            form.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self._forms.setCurrentWidget(shown)
        self._forms.updateGeometry()
        self._form.setRowVisible(self.temperature, way != "cover")
        self.anew.setVisible(way not in ADDING)
        self.draft_moved.emit()


class StylePanel(QWidget):
    """The style in hand: its name, where it comes from, and what can be done with it."""

    renamed = Signal(str)

    def __init__(self, *buttons: QWidget) -> None:
        super().__init__()
        self.name = QLineEdit()
        self.name.setMaxLength(60)
        self.name.setAccessibleName("Name of the style")
        self.name.setToolTip("Rename the style; translations name it in their folders")
        self.name.editingFinished.connect(lambda: self.renamed.emit(self.name.text()))
        self._about = label("", "small", wrap=True)
        layout = column(label("Style in hand", "heading"), self.name, self._about)
        layout.addLayout(row(*buttons, None, spacing=UNIT // 2))
        self.setLayout(layout)

    def show_style(self, style: Style | None, validity: tuple[float, int] | None) -> None:
        """``validity``: the style's mean, and over how many frames."""
        self.setVisible(style is not None)
        if style is None:
            return
        if self.name.text() != style.name:
            self.name.setText(style.name)
        origins = {"random": "drawn at random", "reference": "of a real frame", "cover": "stands for many real frames",
                   "blend": "a blend", "manual": "placed by hand"}  # fmt: skip
        about = origins.get(style.origin, style.origin) + (f": {style.source}" if style.source else "")
        if validity is not None:
            about += f"\nmean validity {validity[0]:.2f} over {amounts.count(validity[1], 'frames')}"
        self._about.setText(about)


def _spin(low: int, high: int, value: int, tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setToolTip(tip)
    return spin
