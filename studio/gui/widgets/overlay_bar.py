"""The bar above pictures: which layer is blended over them, how strongly, and which picture lies below.

bar = OverlayBar(layers=("none", "segmentation", "validity"), compares=True)
bar.changed.connect(view.set_overlay)
bar.offer(state)                # greys out what the picture in hand lacks
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget, QWidgetAction

from studio.gui.icons import icon
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label, row
from studio.gui.widgets.blending import LAYER_CHOICES, LayerChoice, Overlay, PictureState, Shown
from studio.gui.widgets.depth_range import DepthRange
from studio.gui.widgets.legend import ClassLegend
from studio.vocabulary.labels import ClassTable

_FACES: dict[LayerChoice, tuple[str, str, str]] = {
    "none": ("eye", "Picture", "Only the picture"),
    "segmentation": ("layers", "Labels", "The segmentation over the picture"),
    "depth": ("depth", "Depth", "Distance from the camera, with a scale in mm; near is bright"),
    "normals": ("normals", "Normals", "Where surfaces face: right, up, towards the camera as red, green, blue"),
    "flow": ("flow", "Flow", "Optical flow to the next frame: the hue says where to, the colour's strength how far"),
    "difference": ("difference", "Difference", "How far the translation is from the render"),
    "validity": ("heat", "Validity", "Where the labels can no longer be trusted"),
}
_SHOWN: dict[Shown, tuple[str, str]] = {
    "translation": ("Translation", "Show the translation"),
    "render": ("Render", "Show the simulated picture that the labels belong to"),
    "wipe": ("Wipe", "Render on one side, translation on the other side of a line that can be dragged"),
    "side": ("Beside", "Render and translation side by side; zoom and pan move both"),
}
_OPACITY: dict[LayerChoice, float] = {
    "segmentation": 0.4,
    "depth": 1.0,
    "normals": 1.0,
    "flow": 1.0,
    "difference": 1.0,
    "validity": 0.9,
}
_LEAST_WIDTH = 320
_ARROWS_TIP = "Draw arrows, too: short ones of normals (a dot faces the camera), of flow at its own length"
_CLASSES_TIP = "Choose which classes are drawn and in which colour"


class OverlayBar(QWidget):
    """``changed`` carries the Overlay. Each layer keeps its own opacity. ``colour_wanted(name, colour, classes)``: a
    class is to be shown in another colour."""

    changed = Signal(object)
    colour_wanted = Signal(str, object, object)

    def __init__(self, layers: Sequence[LayerChoice] = LAYER_CHOICES, *, compares: bool = False) -> None:
        super().__init__()
        self._overlay = Overlay()
        self._opacities = dict(_OPACITY)
        self._layers = QButtonGroup(self)
        self._buttons: dict[LayerChoice, QToolButton] = {}
        self._bases: dict[Shown, QToolButton] = {}
        self._down: QToolButton | None = None
        self._base_box = QComboBox(self)
        """In the place of the four buttons where there is no room for them."""
        self.legend = ClassLegend()
        self.legend.hidden_changed.connect(lambda hidden: self._set(replace(self._overlay, hidden=hidden)))
        self.legend.colour_wanted.connect(lambda name, c: self.colour_wanted.emit(name, c, self.legend.classes))
        layout = row(*(self._layer_button(name) for name in layers), spacing=2)
        layout.addSpacing(UNIT)
        self._opacity = self._opacity_slider()
        self._percent = label("", "small")
        self._percent.setFixedWidth(42)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._outline = self._toggle("outline", "Outline", "Draw each class' outline; the labels stay as they are",
                                     lambda on: replace(self._overlay, outline=on), on=True)  # fmt: skip
        self._arrows = self._toggle("arrows", "Arrows", _ARROWS_TIP, lambda on: replace(self._overlay, arrows=on))
        self._classes = _popup("Classes", _CLASSES_TIP, self.legend)
        self.range = DepthRange()
        self.range.changed.connect(self._set_range)
        self._range = _popup("Range", "Choose which depths the colours span; exports are not touched", self.range)
        for widget in (self._opacity, self._percent, self._outline, self._arrows, self._classes, self._range):
            layout.addWidget(widget)
        layout.addStretch(1)
        if compares:
            self._add_bases(layout)
        self.setLayout(layout)
        self._show()

    # -- building

    def _layer_button(self, name: LayerChoice) -> QToolButton:
        icon_name, text, tip = _FACES[name]
        button = QToolButton()
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(18, 18))
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setCheckable(True)
        button.setChecked(name == "none")
        button.clicked.connect(lambda: self.set_layer(name))
        if name == "flow":  # until a frame has it
            button.hide()
        self._layers.addButton(button)
        self._buttons[name] = button
        return button

    def _opacity_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setFixedWidth(96)
        slider.setToolTip("How strongly the layer covers the picture")
        slider.setAccessibleName("Opacity")
        slider.valueChanged.connect(self._opacity_moved)
        return slider

    def _toggle(
        self, icon_name: str, name: str, tip: str, overlay: Callable[[bool], Overlay], *, on: bool = False
    ) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(18, 18))
        button.setCheckable(True)
        button.setChecked(on)
        button.setToolTip(tip)
        button.setAccessibleName(name)
        button.toggled.connect(lambda checked: self._set(overlay(checked)))
        return button

    def _add_bases(self, layout: QHBoxLayout) -> None:
        group = QButtonGroup(self)
        self._base_box.setToolTip("Which picture is shown: the translation, the render, or both; nothing is changed")
        self._base_box.setAccessibleName("Picture shown")
        self._base_box.activated.connect(lambda _i: self.set_shown(self._base_box.currentData()))
        for name, (text, tip) in _SHOWN.items():
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setChecked(name == self._overlay.shown)
            button.clicked.connect(_set_shown(self, name))
            group.addButton(button)
            self._bases[name] = button
            layout.addWidget(button)
            self._base_box.addItem(text, name)
            self._base_box.setItemData(self._base_box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._down = self._toggle("wipe_down", "Wipe from top to bottom",
                                  "Turn the wipe's line: the render above, the translation below it",
                                  lambda on: replace(self._overlay, wipe_down=on))  # fmt: skip
        layout.insertWidget(layout.indexOf(self._bases["wipe"]), self._down)
        layout.addWidget(self._base_box)

    # -- state

    @property
    def overlay(self) -> Overlay:
        return self._overlay

    def set_layer(self, name: LayerChoice) -> None:
        """Blend this layer, with the opacity that it had last."""
        self._buttons[name].setChecked(True)
        self._set(replace(self._overlay, layer=name, opacity=self._opacities.get(name, 1.0)))

    def set_shown(self, name: Shown) -> None:
        """Lay this picture below."""
        if name in self._bases:
            self._bases[name].setChecked(True)
        self._set(replace(self._overlay, shown=name))

    def offer(self, state: PictureState | None) -> None:
        """Only what the picture in hand has can be chosen; what was chosen stays so for the next picture."""
        for name, button in self._buttons.items():
            # Validity is measured a moment after a translation is shown: the button does not come and go with it.
            measured_soon = name == "validity" and state is not None and state.translation_HW3 is not None
            button.setEnabled(state is None or state.offers(name) or measured_soon)
            if name == "flow":  # only sequences have it: it takes no room beside single frames
                button.setVisible((state is not None and state.offers(name)) or self._overlay.layer == name)
        if state is not None:
            self.set_classes(state.classes)
            self.legend.set_present(state.class_ids)
            self.range.offer(state.ink.depth_range((0, 100)) if state.offers("depth") else None)

    def set_classes(self, classes: ClassTable) -> None:
        """The legend's classes; its button says when some of them can hardly be told apart."""
        self.legend.set_classes(classes)
        warning = self.legend.warning
        self._classes.setIcon(icon("warning") if warning else QIcon())
        self._classes.setToolTip(f"{_CLASSES_TIP}\n{warning}" if warning else _CLASSES_TIP)
        self._fit()

    def _opacity_moved(self, percent: int) -> None:
        self._opacities[self._overlay.layer] = percent / 100
        self._set(replace(self._overlay, opacity=percent / 100))

    def _set_range(self) -> None:
        self._set(replace(self._overlay, depth_range=self.range.by_hand, depth_percentiles=self.range.percentiles))

    def _set(self, overlay: Overlay) -> None:
        if overlay != self._overlay:
            self._overlay = overlay
            self._show()
            self.changed.emit(overlay)

    def _show(self) -> None:
        layer = self._overlay.layer
        self._opacity.blockSignals(True)
        self._opacity.setValue(round(self._overlay.opacity * 100))
        self._opacity.blockSignals(False)
        self._percent.setText(f"{round(self._overlay.opacity * 100)} %" if layer != "none" else "")
        self._outline.setVisible(layer == "segmentation")
        self._classes.setVisible(layer == "segmentation")
        self._arrows.setVisible(layer in ("normals", "flow"))
        self._range.setVisible(layer == "depth")
        self._opacity.setVisible(layer != "none")
        if self._down is not None:
            self._down.setVisible(self._overlay.shown == "wipe")
        self._base_box.setCurrentIndex(self._base_box.findData(self._overlay.shown))
        self._fit()

    # -- room

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Four buttons where there is room, one list where there is not, and no percentage beside the slider where
        even that is too wide: the bar must not push its neighbours away."""
        for slider in (96, 64, 48):
            for button in self._bases.values():
                button.setVisible(slider == 96)
            self._base_box.setVisible(slider < 96 and bool(self._bases))
            self._opacity.setFixedWidth(slider)
            self._percent.setVisible(slider > 48 and self._overlay.layer != "none")
            layout = self.layout()
            if layout is None or layout.totalMinimumSize().width() <= self.width():
                return


class _InMenu(QObject):
    """A menu closes at every click that its widget lets through, beside a control or with the right button, and keeps
    its size when the widget grows: here it stays, and follows."""

    def __init__(self, content: QWidget, action: QWidgetAction) -> None:
        super().__init__(content)
        self._content, self._action = content, action
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self._content.isVisible():
            self._action.setData(self._content.sizeHint())  # an action that changes is measured again
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            return True
        return super().eventFilter(watched, event)


def _popup(text: str, tip: str, content: QWidget) -> QToolButton:
    """A button that opens a small panel."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(button)
    action = QWidgetAction(menu)
    action.setDefaultWidget(content)
    _InMenu(content, action)
    menu.addAction(action)

    def measure_again() -> None:
        """A menu keeps the size that its widget had before."""
        content.adjustSize()
        action.setVisible(False)
        action.setVisible(True)

    menu.aboutToShow.connect(measure_again)
    button.setMenu(menu)
    return button


def _set_shown(bar: OverlayBar, name: Shown) -> Callable[[], None]:
    return lambda: bar.set_shown(name)
