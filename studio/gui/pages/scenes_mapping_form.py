"""The fields of a mapping: a folder and an encoding a layer, geometry, camera, and a class for each stored value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from studio.gui.models.pictures import qimage
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import label
from studio.gui.widgets.fields import FIELD_WIDTH, ChoiceField, Form, NumberField, on_change
from studio.scenes.class_names import IGNORED_WORD
from studio.scenes.mapping import AXES, ENCODINGS, FLIPS, Camera, FolderLayer, Geometry, SceneMapping
from studio.vocabulary.frames import LAYER_NAMES
from studio.vocabulary.labels import STUDIO_CLASSES

_LAYERS = {"rgb": "Pictures", "segmentation": "Labels", "depth": "Depth", "normals": "Normals"}
_STORED = {
    "grey": "grey values", "colour": "colours", "exr": "EXR", "exr01": "EXR, (n + 1) / 2", "png16": "16-bit PNG",
    "png8": "8-bit PNG", "npy": "NumPy array", "picture": "pictures",
}  # fmt: skip
_LARGE = 1e6
_PLACE_HEIGHT = 28


class MappingForm(QWidget):
    """Emits ``changed`` at every change a person makes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folders: dict[str, ChoiceField] = {name: ChoiceField([("", "none")]) for name in LAYER_NAMES}
        self.encodings: dict[str, ChoiceField] = {
            name: ChoiceField([(e, _STORED[e]) for e in ENCODINGS[name]]) for name in LAYER_NAMES if name != "rgb"
        }
        self.mm_per_unit = NumberField(1.0, 1e-6, _LARGE, unit="mm")
        self.depth_kind = ChoiceField([("", "find out"), ("planar", "planar z"), ("ray", "along the ray")])
        self.axes = ChoiceField([(axes, {"opencv": "y down", "opengl": "y up"}[axes]) for axes in AXES])
        self.flip = ChoiceField([("", "as stored"), *((f, f) for f in FLIPS if f != "none"), ("none", "none, sure")])
        self.space = ChoiceField([("", "camera axes"), ("world", "world axes")])
        self.scale = NumberField(1.0, 1e-6, _LARGE)
        self.field_of_view = NumberField(0.0, 0.0, 179.0, unit="°")
        self.patient = QLineEdit()
        self._sure_of_scale = False
        self._camera = Camera()
        self._left_out: tuple[str, ...] = ()
        self.form = Form()
        self._build()

    def _build(self) -> None:
        form = self.form
        form.add("Pictures", self.folders["rgb"], "The folder of the rendered pictures")
        self._add_layer(form, "segmentation", "Grey values, or colours, that stand for classes")
        self._add_layer(form, "depth", "How the distances are stored")
        form.add(
            "One step or unit", self.mm_per_unit, "What a step of a 16-bit depth, or a unit of a float one, is in mm"
        )
        form.add("Depth is", self.depth_kind, "The distance along the optical axis, or along each pixel's ray")
        self._add_layer(form, "normals", "How the normals are stored")
        form.add("Normals' axes", self.axes, "OpenCV: x right, y down, z forward. OpenGL: x right, y up, z back")
        form.add(
            "Normals are in", self.space, "The camera's axes, or the world's, from which each frame's pose turns them"
        )
        form.add("Flip", self.flip, "Axes of the normals to be turned over")
        form.add("Scale", self.scale, "Every length is multiplied by this")
        form.add(
            "Field of view", self.field_of_view, "Horizontal, in degrees; 0 = not known. Depth needs it to be checked"
        )
        form.add("Patient", self.patient, "A name for the body that is shown; empty takes the folder's")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(form)
        fields: list[QWidget] = [*self.folders.values(), *self.encodings.values(), self.mm_per_unit, self.depth_kind]
        fields += [self.axes, self.space, self.flip, self.scale, self.field_of_view, self.patient]
        on_change(fields, self.changed.emit)
        self.scale.valueChanged.connect(lambda value: setattr(self, "_sure_of_scale", value != 1))

    def _add_layer(self, form: Form, name: str, tip: str) -> None:
        form.add(_LAYERS[name], self.folders[name], f"The folder of the {_LAYERS[name].lower()}")
        form.add("   stored as", self.encodings[name], tip)

    def show_for(self, *, plain: bool, camera_open: bool, one_scene: bool) -> None:
        """Only what a layout leaves open: of plain folders everything, of the others what their files do not say."""
        of_folders: list[QWidget] = [*self.folders.values(), *self.encodings.values(), self.mm_per_unit, self.axes]
        for field in of_folders:
            self.form.show_row(field, shown=plain)
        self.form.show_row(self.field_of_view, shown=plain or camera_open)
        self.form.show_row(self.patient, shown=plain or one_scene)

    def offer(self, choices: Sequence[str]) -> None:
        """The folders that there are to choose from."""
        for field in self.folders.values():
            field.blockSignals(True)
            field.clear()
            field.addItem("none", "")
            for folder in choices:
                field.addItem(folder, folder)
            field.blockSignals(False)

    def show_mapping(self, mapping: SceneMapping) -> None:
        """Fill the fields, without a word of change."""
        blocked = self.blockSignals(True)
        for name, field in self.folders.items():
            layer = mapping.layers.get(name)
            if layer is not None and field.findData(layer.folder) < 0:
                field.addItem(layer.folder, layer.folder)
            field.set_value(layer.folder if layer else "")
            if layer is not None and name in self.encodings:
                self.encodings[name].set_value(layer.encoding)
        depth, normals = mapping.layers.get("depth"), mapping.layers.get("normals")
        self.mm_per_unit.setValue(depth.mm_per_unit or 1.0 if depth else 1.0)
        self.axes.set_value(normals.axes if normals else AXES[0])
        self.depth_kind.set_value("")
        self.flip.set_value("")
        self.space.set_value("")
        self.scale.setValue(1.0)
        self._sure_of_scale = False
        self.take_geometry(mapping.geometry)
        self.field_of_view.setValue(mapping.camera.field_of_view or 0.0)
        self._camera, self._left_out = mapping.camera, mapping.geometry.leave_out
        self.patient.setText(mapping.patient)
        self.blockSignals(blocked)

    def take_geometry(self, geometry: Geometry) -> None:
        """Set the fields of what a geometry says; the others stay."""
        if geometry.depth_kind:
            self.depth_kind.set_value(geometry.depth_kind)
        if geometry.normals_flip:
            self.flip.set_value(geometry.normals_flip)
        if geometry.normals_space:
            self.space.set_value("world" if geometry.normals_space == "world" else "")
        if geometry.scale is not None:
            self.scale.setValue(geometry.scale)
            self._sure_of_scale = True
            self.changed.emit()

    def mapping(self, classes: Mapping[str, str]) -> SceneMapping:
        """What the fields say. Intrinsics that a mapping file gave are kept while no field of view is given."""
        layers = {name: self._layer(name) for name, field in self.folders.items() if field.value()}
        angle = self.field_of_view.value()
        camera = Camera(field_of_view=angle, file=self._camera.file) if angle else self._camera
        scale = self.scale.value() if self._sure_of_scale else None
        geometry = Geometry(self.depth_kind.value(), self.flip.value(), self.space.value(), scale, self._left_out)
        return SceneMapping(layers, dict(classes), camera, geometry, self.patient.text().strip())

    def _layer(self, name: str) -> FolderLayer:
        encoding = self.encodings[name].value() if name in self.encodings else "picture"
        return FolderLayer(
            self.folders[name].value(), encoding, self.mm_per_unit.value() if name == "depth" else None,
            self.axes.value() if name == "normals" else AXES[0],
        )  # fmt: skip


class ClassRows(QWidget):
    """A row for each stored value: what it looks like, and the studio class it means."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table: dict[str, str] = {}
        """Stored value -> class or "ignore", also of values that are not in sight."""
        self.fields: dict[str, ChoiceField] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(UNIT - 2)
        self._grid.setColumnStretch(1, 1)

    def show_values(self, values: Sequence[str], places: Mapping[str, np.ndarray] | None = None) -> None:
        """Each with a picture of where it is seen; without ``places`` they are greys or colours, and shown as such."""
        if list(self.fields) == list(values):
            return
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.fields = {}
        for at, value in enumerate(values):
            choices = [("", "choose…"), *((c.name, c.name) for c in STUDIO_CLASSES), (IGNORED_WORD, "ignore")]
            field = ChoiceField(choices, self.table.get(value, ""))
            field.setAccessibleName(f"Class of {value}")
            field.setFixedWidth(FIELD_WIDTH + 40)
            field.currentIndexChanged.connect(lambda _index, value=value: self._chosen(value))
            self.fields[value] = field
            self._grid.addWidget(_swatch(value) if places is None else _place(places.get(value)), at, 0)
            self._grid.addWidget(label(value), at, 1)
            self._grid.addWidget(field, at, 2)

    def _chosen(self, value: str) -> None:
        word = self.fields[value].value()
        self.table = {k: v for k, v in self.table.items() if k != value} | ({value: word} if word else {})
        self.changed.emit()


def _place(seen_HW3: np.ndarray | None) -> QLabel:
    """A small picture of what a value stands for."""
    made = label()
    if seen_HW3 is not None:
        picture = QPixmap.fromImage(qimage(np.ascontiguousarray(seen_HW3)))
        made.setPixmap(picture.scaledToHeight(_PLACE_HEIGHT, Qt.TransformationMode.SmoothTransformation))
        made.setToolTip("Where it is seen in the first frames; all else is dark")
    return made


def _swatch(value: str) -> QLabel:
    """The value's own colour or grey."""
    colour = QColor(value) if value.startswith("#") else QColor(*([int(value)] * 3))
    picture = QPixmap(14, 14)
    picture.fill(colour)
    made = label()
    made.setPixmap(picture)
    return made
