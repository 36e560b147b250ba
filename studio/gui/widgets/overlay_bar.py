"""The bar above pictures: which layer is blended over them, how strongly, and which picture lies below.

bar = OverlayBar(layers=("none", "segmentation", "validity"), compares=True)
bar.changed.connect(view.set_overlay)
bar.offer(state)                # greys out what the picture in hand lacks
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QSlider, QToolButton, QWidget, QWidgetAction

from studio.gui.icons import icon
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label, row
from studio.gui.widgets.blending import LAYER_CHOICES, LayerChoice, Overlay, PictureState, Shown
from studio.gui.widgets.legend import ClassLegend
from studio.vocabulary.labels import ClassTable

_FACES: dict[LayerChoice, tuple[str, str, str]] = {
    "none": ("eye", "Picture", "Only the picture"),
    "segmentation": ("layers", "Labels", "The segmentation over the picture"),
    "depth": ("depth", "Depth", "Distance from the camera, with a scale in mm; near is bright"),
    "normals": ("normals", "Normals", "Where surfaces face: right, up, towards the camera as red, green, blue"),
    "difference": ("difference", "Difference", "How far the translation is from the render"),
    "validity": ("heat", "Validity", "Where the labels can no longer be trusted"),
}
_SHOWN: dict[Shown, tuple[str, str]] = {
    "translation": ("Translation", "Show the translation"),
    "render": ("Render", "Show the simulated picture that the labels belong to"),
    "wipe": ("Wipe", "Render to the left, translation to the right of a line that can be dragged"),
}
_OPACITY: dict[LayerChoice, float] = {
    "segmentation": 0.4,
    "depth": 1.0,
    "normals": 1.0,
    "difference": 1.0,
    "validity": 0.9,
}


class OverlayBar(QWidget):
    """``changed`` carries the Overlay. Each layer keeps its own opacity."""

    changed = Signal(object)

    def __init__(self, layers: Sequence[LayerChoice] = LAYER_CHOICES, *, compares: bool = False) -> None:
        super().__init__()
        self._overlay = Overlay()
        self._opacities = dict(_OPACITY)
        self._layers = QButtonGroup(self)
        self._buttons: dict[LayerChoice, QToolButton] = {}
        self._bases: dict[Shown, QToolButton] = {}
        self.legend = ClassLegend()
        self.legend.hidden_changed.connect(lambda hidden: self._set(replace(self._overlay, hidden=hidden)))
        layout = row(*(self._layer_button(name) for name in layers), spacing=2)
        layout.addSpacing(UNIT)
        self._opacity = self._opacity_slider()
        self._percent = label("", "small")
        self._percent.setFixedWidth(36)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._outline = self._outline_button()
        self._classes = self._classes_button()
        for widget in (self._opacity, self._percent, self._outline, self._classes):
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

    def _outline_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("outline"))
        button.setIconSize(QSize(18, 18))
        button.setCheckable(True)
        button.setChecked(True)
        button.setToolTip("Draw the outline of each class")
        button.setAccessibleName("Outline")
        button.toggled.connect(lambda on: self._set(replace(self._overlay, outline=on)))
        return button

    def _classes_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("Classes")
        button.setToolTip("Choose which classes are drawn")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(self.legend)
        menu.addAction(holder)
        button.setMenu(menu)
        return button

    def _add_bases(self, layout: QHBoxLayout) -> None:
        group = QButtonGroup(self)
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
        if state is not None:
            self.legend.set_classes(state.classes)
            self.legend.set_present(state.class_ids)

    def set_classes(self, classes: ClassTable) -> None:
        self.legend.set_classes(classes)

    def _opacity_moved(self, percent: int) -> None:
        self._opacities[self._overlay.layer] = percent / 100
        self._set(replace(self._overlay, opacity=percent / 100))

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
        self._opacity.setEnabled(layer != "none")
        self._percent.setText(f"{round(self._overlay.opacity * 100)} %" if layer != "none" else "")
        self._outline.setVisible(layer == "segmentation")
        self._classes.setVisible(layer == "segmentation")


def _set_shown(bar: OverlayBar, name: Shown) -> Callable[[], None]:
    return lambda: bar.set_shown(name)
