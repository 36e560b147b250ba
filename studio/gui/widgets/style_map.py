"""The style map: the footage's styles as dots, the drawn styles as diamonds, in the plane of most variance (principal
components of the footage's codes). Dots are coloured by patient or brightness, diamonds by validity if wanted.

Click: choose. Wheel: zoom. Drag: pan. Shift and drag: lasso around footage. Double click on a free place: a new style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QComboBox, QWidget

from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.layer_ink import colour_map
from studio.gui.widgets.picture_marks import validity_colour
from studio.styles.map2d import StyleMap as Plane
from studio.styles.map2d import fit_map
from studio.vocabulary.styles import Style

PATIENT_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#9a86e0", "#7fc8a9")
"""After Okabe and Ito (2008), safe for the colour-blind; repeated from the ninth patient on."""
Colouring = Literal["patient", "brightness", "validity"]
_COLOURINGS: tuple[tuple[Colouring, str], ...] = (
    ("patient", "By patient"), ("brightness", "By brightness"), ("validity", "By validity"),
)  # fmt: skip
_REACH_PX = 9
_MARGIN = 28


class StyleMap(QWidget):
    """``footage_hovered`` carries a row or -1; the other signals rows of the footage, or of the styles."""

    footage_hovered = Signal(int)
    footage_chosen = Signal(int)
    style_chosen = Signal(int)
    footage_lassoed = Signal(object)
    place_wanted = Signal(object)
    """The code at the point that was double clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._plane: Plane | None = None
        self._footage_xy = np.zeros((0, 2))
        self._names: tuple[str, ...] = ()
        self._patients: tuple[str, ...] = ()
        self._styles: tuple[Style, ...] = ()
        self._style_xy = np.zeros((0, 2))
        self._compared: tuple[Style, ...] = ()
        self._compared_name = ""
        self._brightness = np.zeros(0)
        self._validities: tuple[float | None, ...] = ()
        self.colouring = self._colouring_box()
        self._chosen = -1
        self._hovered = -1
        self._picture: QImage | None = None
        self._middle = np.zeros(2)
        self._px_per_unit = 60.0
        self._dots: QPixmap | None = None
        self._lasso: list[QPointF] = []
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self.hint = ""
        self.setMouseTracking(True)
        self.setMinimumSize(220, 160)
        self.setAccessibleName("Style map")

    def sizeHint(self) -> QSize:
        return QSize(420, 280)

    def _colouring_box(self) -> QComboBox:
        box = QComboBox(self)
        for value, text in _COLOURINGS:
            box.addItem(text, value)
        box.setToolTip(
            "What the colours mean: the patient of a footage frame, its brightness (dark to bright), or the mean "
            "validity of a drawn style over the frames looked at"
        )
        box.setAccessibleName("Colours of the map")
        box.currentIndexChanged.connect(lambda _i: self._changed())
        return box

    # -- what is shown

    def set_footage(
        self,
        codes_NS: np.ndarray,
        patients: Sequence[str],
        names: Sequence[str],
        brightness_N: np.ndarray | None = None,
    ) -> None:
        """The footage's codes; the map is fitted to them. No rows: it is fitted to the drawn styles.

        ``brightness_N``: 0 to 1, NaN where it is not known.
        """
        self._patients, self._names = tuple(patients), tuple(names)
        self._brightness = np.full(len(codes_NS), np.nan) if brightness_N is None else brightness_N
        self._plane = fit_map(codes_NS) if len(codes_NS) else None
        self._footage_xy = self._plane.project(codes_NS) if self._plane is not None else np.zeros((0, 2))
        self._place_styles()
        self.show_all()

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
        fitted_to_styles = len(self._footage_xy) == 0
        if fitted_to_styles:
            self._plane = fit_map(np.array([s.code for s in styles], np.float32)) if styles else None
        self._place_styles()
        if fitted_to_styles:
            self.show_all()
        self.update()

    def set_compared(self, styles: Sequence[Style], name: str = "") -> None:
        """A kept palette over the others, as squares; none: an empty sequence."""
        self._compared, self._compared_name = tuple(styles), name
        self.update()

    def set_validities(self, values: Sequence[float | None]) -> None:
        """Mean validity of each drawn style, None where nothing has been measured."""
        if tuple(values) != self._validities:
            self._validities = tuple(values)
            if self.colouring.currentData() == "validity":
                self.update()

    def _place_styles(self) -> None:
        self._style_xy = self._places(self._styles)

    def _places(self, styles: Sequence[Style]) -> np.ndarray:
        """Nx2 on the map. A style of a run with codes of another size has no place on it: NaN."""
        if self._plane is None or not styles:
            return np.zeros((0, 2))
        size = len(self._plane.mean_S)
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
        """Fit all points into the view."""
        points = np.concatenate([self._footage_xy, self._style_xy])
        points = points[np.isfinite(points).all(axis=1)] if len(points) else points
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            spread = np.maximum(high - low, 0.5)
            self._middle = (low + high) / 2
            room = np.array([max(40, self.width() - 2 * _MARGIN), max(40, self.height() - 2 * _MARGIN)])
            self._px_per_unit = float((room / spread).min())
        self._changed()

    def _changed(self) -> None:
        self._dots = None
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

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        if not len(self._footage_xy) and not len(self._style_xy):
            painter.setPen(QColor(colours.faint))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(24, 16, -24, -16), flags, self.hint)
            return
        if self._dots is None:
            self._dots = self._drawn_dots(colours)
        painter.drawPixmap(0, 0, self._dots)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hovered >= 0:
            painter.setPen(QPen(QColor(colours.text), 1.5))
            painter.drawEllipse(self.point_of_footage(self._hovered), 5.5, 5.5)
        painter.setPen(QPen(QColor(colours.text), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for at in self.points_of_compared():
            painter.drawRect(QRectF(at.x() - 5, at.y() - 5, 10, 10))
        self._draw_styles(painter, colours)
        if self._lasso:
            painter.setPen(QPen(QColor(colours.accent), 1.2, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF(self._lasso))
        self._draw_words(painter, colours)

    def _drawn_dots(self, colours: Tokens) -> QPixmap:
        ratio = self.devicePixelRatioF()
        dots = QPixmap(self.size() * ratio)
        dots.setDevicePixelRatio(ratio)
        dots.fill(Qt.GlobalColor.transparent)
        painter = QPainter(dots)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for (x, y), colour in zip(self._to_view(self._footage_xy), self.dot_colours(colours), strict=True):
            colour.setAlpha(190)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(x, y), 3.2, 3.2)
        painter.end()
        return dots

    def dot_colours(self, colours: Tokens) -> list[QColor]:
        """A colour for each footage frame, in the way that is chosen; grey where there is nothing to tell."""
        way: Colouring = self.colouring.currentData()
        if way == "patient":
            order = {p: i % len(PATIENT_COLOURS) for i, p in enumerate(dict.fromkeys(self._patients))}
            return [QColor(PATIENT_COLOURS[order[p]]) for p in self._patients]
        known = self._brightness[np.isfinite(self._brightness)]
        if way == "validity" or not len(known):
            return [QColor(colours.faint) for _ in self._patients]
        low, spread = known.min(), max(float(np.ptp(known)), 1e-6)
        ramp_N3 = colour_map("viridis")
        return [
            QColor(colours.faint) if not np.isfinite(v) else QColor(*ramp_N3[round(255 * (v - low) / spread)].tolist())
            for v in self._brightness
        ]

    def _style_colour(self, row: int, colours: Tokens) -> QColor:
        value = self._validities[row] if row < len(self._validities) else None
        if self.colouring.currentData() == "validity" and value is not None:
            return QColor(validity_colour(value, colours))
        return QColor(colours.accent if row == self._chosen else colours.text)

    def _draw_styles(self, painter: QPainter, colours: Tokens) -> None:
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        for row, style in enumerate(self._styles):
            if not np.isfinite(self._style_xy[row]).all():
                continue
            at, chosen = self.point_of_style(row), row == self._chosen
            half = 7.0 if chosen else 5.5
            diamond = QPolygonF([at + QPointF(*p) for p in ((0, -half), (half, 0), (0, half), (-half, 0))])
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.backdrop), 1.5))
            painter.setBrush(self._style_colour(row, colours))
            painter.drawPolygon(diamond)
            if chosen or len(self._styles) <= 12:
                painter.setPen(QColor(colours.text if chosen else colours.muted))
                painter.drawText(at + QPointF(half + 4, 4), style.name)

    def _draw_words(self, painter: QPainter, colours: Tokens) -> None:
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(colours.faint))
        if self._plane is not None:
            share = 100 * float(self._plane.explained_2.sum())
            said = f"{share:.0f} % of the variation" + (f"   □ {self._compared_name}" if self._compared else "")
            if self.colouring.currentData() == "brightness" and not np.isfinite(self._brightness).any():
                said += "   brightness not known: encode the footage again"
            painter.drawText(
                self.rect().adjusted(8, 0, -8, -6), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, said
            )
        if self.colouring.currentData() == "patient":
            self._draw_patients(painter, colours)
        if self._hovered >= 0:
            painter.setPen(QColor(colours.text))
            said = f"{self._patients[self._hovered]}  {self._names[self._hovered]}"
            painter.drawText(
                self.rect().adjusted(8, 0, -8, -6), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, said
            )
            if self._picture is not None:
                size = self._picture.size().scaled(150, 96, Qt.AspectRatioMode.KeepAspectRatio)
                # On the side where the mouse is not.
                at_right = self.point_of_footage(self._hovered).x() < self.width() / 2
                left = self.width() - size.width() - 8 if at_right else 8
                corner = QRectF(left, self.height() - size.height() - 26, size.width(), size.height())
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                painter.drawImage(corner, self._picture)

    def _draw_patients(self, painter: QPainter, colours: Tokens) -> None:
        """Which colour is which patient, as far as there is room; dots behind the names are dimmed, not hidden."""
        veil = QColor(colours.backdrop)
        veil.setAlpha(170)
        for number, patient in enumerate(list(dict.fromkeys(self._patients))[: max(0, (self.height() - 60) // 16)]):
            y = 14 + 16 * number
            width = painter.fontMetrics().horizontalAdvance(patient)
            painter.fillRect(QRectF(6, y - 12, width + 20, 16), veil)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(PATIENT_COLOURS[number % len(PATIENT_COLOURS)]))
            painter.drawEllipse(QPointF(13, y - 4), 3.2, 3.2)
            painter.setPen(QColor(colours.faint))
            painter.drawText(QPointF(22, y), patient)

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._lasso = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._lasso:
            self._lasso.append(at)
            self.update()
        elif self._pressed is not None and (at - self._pressed).manhattanLength() > 4:
            step = at - self._last
            self._middle = self._middle - np.array([step.x(), -step.y()]) / self._px_per_unit
            self._last = at
            self._changed()
        else:
            self._hover(self._nearest(self._footage_xy, at))

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self._picture = None
            self.footage_hovered.emit(row)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, pressed = event.position(), self._pressed
        self._pressed = None
        if self._lasso:
            inside = self._inside(QPolygonF(self._lasso))
            self._lasso = []
            self.update()
            if inside:
                self.footage_lassoed.emit(inside)
        elif pressed is not None and (at - pressed).manhattanLength() <= 4:
            self._click(at)

    def _click(self, at: QPointF) -> None:
        style = self._nearest(self._style_xy, at)
        footage = self._nearest(self._footage_xy, at)
        if style >= 0:
            self.style_chosen.emit(style)
        elif footage >= 0:
            self.footage_chosen.emit(footage)

    def _inside(self, polygon: QPolygonF) -> list[int]:
        points = self._to_view(self._footage_xy)
        rule = Qt.FillRule.OddEvenFill
        return [i for i, (x, y) in enumerate(points) if polygon.containsPoint(QPointF(x, y), rule)]

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        free = self._nearest(self._style_xy, at) < 0 and self._nearest(self._footage_xy, at) < 0
        if free and self._plane is not None:
            self.place_wanted.emit(tuple(float(v) for v in self._plane.place(self._to_map(at))))

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self._to_map(event.position())
        self._px_per_unit *= 1.2 ** (event.angleDelta().y() / 120)
        self._middle = self._middle + before - self._to_map(event.position())
        self._changed()
        event.accept()

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        size = self.colouring.sizeHint()
        self.colouring.setGeometry(self.width() - size.width() - 6, 6, size.width(), size.height())
        if event.oldSize().width() <= 0:
            self.show_all()
        self._changed()
