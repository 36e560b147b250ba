"""Where things lie on the style map: codes laid out by PCA or t-SNE, zoom and pan, and what the colours mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QComboBox, QWidget

from studio.gui.widgets.map_selection import Picked
from studio.styles.map2d import StyleMap as Plane
from studio.styles.map2d import fit_map
from studio.styles.neighbour_map import NeighbourMap
from studio.vocabulary.styles import Style

Colouring = Literal["patient", "brightness", "validity"]
_COLOURINGS: tuple[tuple[Colouring, str], ...] = (
    ("patient", "By patient"), ("brightness", "By brightness"), ("validity", "By validity"),
)  # fmt: skip
Layout = Literal["pca", "tsne"]
_LAYOUTS: tuple[tuple[Layout, str], ...] = (("pca", "PCA"), ("tsne", "t-SNE"))
_REACH_PX = 9
_MARGIN, _CONTROLS = 28, 48
"""Px that points keep from the edge, and from the top, where the controls are."""


class _Places(Protocol):
    """From codes to the map and back."""

    @property
    def size(self) -> int: ...
    def project(self, codes_NS: np.ndarray) -> np.ndarray: ...
    def place(self, xy_2: np.ndarray | tuple[float, float], *, like_S: np.ndarray | None = None) -> np.ndarray: ...


class StyleMapArea(QWidget):
    """Footage and styles, and their places in the view."""

    tsne_wanted = Signal()
    """There is no such map of this footage yet."""
    selection_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._plane: _Places | None = None
        self._codes_NS = np.zeros((0, 0))
        self._tsne_xy: np.ndarray | None = None
        self._footage_xy = np.zeros((0, 2))
        self._names: tuple[str, ...] = ()
        self._patients: tuple[str, ...] = ()
        self._styles: tuple[Style, ...] = ()
        self._style_xy = np.zeros((0, 2))
        self._left_out: frozenset[int] = frozenset()
        self.picked = Picked()
        """What is selected of both."""
        self._compared: tuple[Style, ...] = ()
        self._compared_name = ""
        self._brightness = np.zeros(0)
        self._validities: tuple[float | None, ...] = ()
        self.colouring = self._colouring_box()
        self.layout_box = self._layout_box()
        self._chosen = -1
        self._hovered = -1
        self._picture: QImage | None = None
        self._fitted = True
        self._middle = np.zeros(2)
        self._px_per_unit = 60.0
        self._dots: QPixmap | None = None
        self._diamonds: QPixmap | None = None
        self.hint = ""
        """What is said while there is nothing."""
        self.warning = ""
        self.setMouseTracking(True)
        self.setMinimumSize(220, 160)
        self.setAccessibleName("Style map")

    def sizeHint(self) -> QSize:
        return QSize(420, 280)

    def _colouring_box(self) -> QComboBox:
        box = self._box(
            _COLOURINGS, "Colours of the map",
            "What the colours mean: the patient of a footage frame, its brightness (dark to bright), or the mean "
            "validity of a drawn style over the frames looked at",
        )  # fmt: skip
        box.currentIndexChanged.connect(lambda _i: self._changed())
        return box

    def _layout_box(self) -> QComboBox:
        box = self._box(
            _LAYOUTS, "Layout of the map",
            "How styles are laid out. PCA: by the two directions in which the footage differs most; distances are "
            "true. t-SNE: what is alike lies together, worked out when first asked for; distances between groups mean "
            "little",
        )  # fmt: skip
        box.activated.connect(lambda _i: self._layout_chosen())
        return box

    def _box(self, choices: Iterable[tuple[str, str]], name: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        for value, text in choices:
            box.addItem(text, value)
        box.setToolTip(tip)
        box.setAccessibleName(name)
        return box

    def _layout_chosen(self) -> None:
        if self.layout_box.currentData() == "tsne" and self._tsne_xy is None:
            if self.has_footage:
                self.tsne_wanted.emit()
            return  # the map stays until the other one is there
        self._lay_out()

    @property
    def waits_for_tsne(self) -> bool:
        """t-SNE was chosen, and is not there yet."""
        return self.layout_box.currentData() == "tsne" and self._tsne_xy is None

    def _lay_out(self) -> None:
        """Place everything by the layout that is chosen, or by PCA while the other one is not there."""
        codes = self._codes_NS
        if not len(codes):
            self._plane, self._footage_xy = None, np.zeros((0, 2))
        elif self.layout_box.currentData() == "tsne" and self._tsne_xy is not None:
            self._plane, self._footage_xy = NeighbourMap(codes, self._tsne_xy), self._tsne_xy
        else:
            self._plane = fit_map(codes)
            self._footage_xy = self._plane.project(codes)
        self._place_styles()
        self.show_all()

    # -- what is shown

    def set_footage(
        self,
        codes_NS: np.ndarray,
        patients: Sequence[str],
        names: Sequence[str],
        brightness_N: np.ndarray | None = None,
        tsne_N2: np.ndarray | None = None,
        left_out: Collection[int] = (),
    ) -> None:
        """The footage's codes; the map is fitted to them. No rows: it is fitted to the drawn styles.

        ``brightness_N``: 0 to 1, NaN where it is not known. ``tsne_N2``: where t-SNE laid them, if it did.
        ``left_out``: rows of frames that are not included.
        """
        if len(codes_NS) != len(self._codes_NS) or not np.array_equal(codes_NS, self._codes_NS):
            self.select(replace(self.picked, footage=frozenset()))  # rows are other frames now
        self._left_out = frozenset(left_out)
        self._patients, self._names = tuple(patients), tuple(names)
        self._brightness = np.full(len(codes_NS), np.nan) if brightness_N is None else brightness_N
        self._codes_NS, self._tsne_xy = codes_NS, tsne_N2
        self._lay_out()

    @property
    def hovered(self) -> int:
        """The row of the footage under the mouse, or -1."""
        return self._hovered

    @property
    def has_footage(self) -> bool:
        return len(self._footage_xy) > 0

    def set_styles(self, styles: Sequence[Style], chosen: int) -> None:
        """The drawn styles, one of them chosen (-1 = none)."""
        self._styles, self._chosen = tuple(styles), chosen
        gone = self.picked.styles - {s.code for s in styles}
        if gone:
            self.select(replace(self.picked, styles=self.picked.styles - gone))
        fitted_to_styles = len(self._footage_xy) == 0
        if fitted_to_styles:
            self._plane = fit_map(np.array([s.code for s in styles], np.float32)) if styles else None
        self._place_styles()
        if fitted_to_styles:
            self.show_all()
        self._diamonds = None
        self.update()

    def set_warning(self, text: str) -> None:
        """What is wrong with what is shown, "" for nothing."""
        if text != self.warning:
            self.warning = text
            self.update()

    def set_left_out(self, rows: Collection[int]) -> None:
        """Rows of the footage that are not included."""
        if frozenset(rows) != self._left_out:
            self._left_out = frozenset(rows)
            self._changed()

    def select(self, picked: Picked) -> None:
        """Select these points and no others."""
        if picked != self.picked:
            self.picked = picked
            self._changed()
            self.selection_changed.emit()

    def set_compared(self, styles: Sequence[Style], name: str = "") -> None:
        """A kept palette over the others, as squares; none: an empty sequence."""
        self._compared, self._compared_name = tuple(styles), name
        self.update()

    def set_validities(self, values: Sequence[float | None]) -> None:
        """Mean validity of each drawn style, None where nothing has been measured."""
        if tuple(values) != self._validities:
            self._validities = tuple(values)
            if self.colouring.currentData() == "validity":
                self._diamonds = None
                self.update()

    def _place_styles(self) -> None:
        self._style_xy = self._places(self._styles)

    def _places(self, styles: Sequence[Style]) -> np.ndarray:
        """Nx2 on the map. A style of a run with codes of another size has no place on it: NaN."""
        if self._plane is None or not styles:
            return np.zeros((0, 2))
        size = self._plane.size
        codes = [s.code if len(s.code) == size else (float("nan"),) * size for s in styles]
        return self._plane.project(np.array(codes))

    def points_of_compared(self) -> list[QPointF]:
        """Where the compared palette's styles are drawn, those without a place left out."""
        places = self._places(self._compared)
        return [QPointF(*at) for at in self._to_view(places[np.isfinite(places).all(axis=1)])]

    def set_picture(self, picture: QImage | None) -> None:
        """The frame under the mouse, shown in the corner."""
        self._picture = picture
        self.update()

    def show_all(self) -> None:
        """Fit all points into the view, below its controls; they stay fitted until the map is moved by hand."""
        self._fitted = True
        points = np.concatenate([self._footage_xy, self._style_xy])
        points = points[np.isfinite(points).all(axis=1)] if len(points) else points
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            spread = np.maximum(high - low, 0.5)
            self._middle = (low + high) / 2
            room = np.array([max(40, self.width() - 2 * _MARGIN), max(40, self.height() - _MARGIN - _CONTROLS)])
            self._px_per_unit = float((room / spread).min())
            self._middle[1] += (_CONTROLS - _MARGIN) / 2 / self._px_per_unit
        self._changed()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._changed()  # another theme
        super().changeEvent(event)

    def _changed(self) -> None:
        self._dots = self._diamonds = None
        self.update()

    # -- geometry

    def _to_view(self, xy_N2: np.ndarray) -> np.ndarray:
        offset = (xy_N2 - self._middle) * np.array([self._px_per_unit, -self._px_per_unit])
        return np.asarray(offset + np.array([self.width() / 2, self.height() / 2]))

    def _to_map(self, at: QPointF) -> np.ndarray:
        offset = np.array([at.x() - self.width() / 2, self.height() / 2 - at.y()])
        return np.asarray(self._middle + offset / self._px_per_unit)

    def _nearest(self, xy_N2: np.ndarray, at: QPointF) -> int:
        """The row within reach of the mouse, or -1."""
        if not len(xy_N2):
            return -1
        distances = np.nan_to_num(np.hypot(*(self._to_view(xy_N2) - np.array([at.x(), at.y()])).T), nan=np.inf)
        row = int(distances.argmin())
        return row if distances[row] <= _REACH_PX else -1

    def point_of_style(self, row: int) -> QPointF:
        x, y = self._to_view(self._style_xy[row : row + 1])[0]
        return QPointF(x, y)

    def point_of_footage(self, row: int) -> QPointF:
        x, y = self._to_view(self._footage_xy[row : row + 1])[0]
        return QPointF(x, y)

    @property
    def about(self) -> str:
        """What the layout is, in a few words."""
        if isinstance(self._plane, Plane):
            return f"{100 * float(self._plane.explained_2.sum()):.0f} % of the variation"
        return "" if self._plane is None else "t-SNE: neighbours lie together"
