"""The style map: the footage's styles as dots, the drawn styles as diamonds, in the plane of most variance (principal
components of the footage's codes) or as t-SNE laid them. Dots are coloured by patient or brightness, diamonds by
validity if wanted.

Click: choose. Wheel: zoom. Drag: pan; from a diamond: a new style where it is let go. Shift and drag: lasso around
footage. Double click on a free place: a new style.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)

from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.layer_ink import colour_map
from studio.gui.widgets.picture_marks import validity_colour
from studio.gui.widgets.style_map_area import Colouring, StyleMapArea

PATIENT_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#9a86e0", "#7fc8a9")
"""After Okabe and Ito (2008), safe for the colour-blind; repeated from the ninth patient on."""
_NAME_PX = 140
_MOST_NAMED = 60


class StyleMap(StyleMapArea):
    """``footage_hovered`` carries a row or -1; the other signals rows of the footage, or of the styles."""

    footage_hovered = Signal(int)
    footage_chosen = Signal(int)
    style_chosen = Signal(int)
    footage_lassoed = Signal(object)
    place_wanted = Signal(object)
    """The code at the point that was double clicked, or where a diamond was let go."""
    place_moved = Signal(object)
    """The code under a diamond while it is dragged; None when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self._dragged = -1
        self._lasso: list[QPointF] = []
        self._pressed: QPointF | None = None
        self._last = QPointF()

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
        if self._diamonds is None:
            self._diamonds = self._drawn_styles(colours)
        painter.drawPixmap(0, 0, self._dots)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hovered >= 0:
            painter.setPen(QPen(QColor(colours.text), 1.5))
            painter.drawEllipse(self.point_of_footage(self._hovered), 5.5, 5.5)
        painter.setPen(QPen(QColor(colours.text), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for at in self.points_of_compared():
            painter.drawRect(QRectF(at.x() - 5, at.y() - 5, 10, 10))
        painter.drawPixmap(0, 0, self._diamonds)
        if self._lasso:
            painter.setPen(QPen(QColor(colours.accent), 1.2, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF(self._lasso))
        self._draw_words(painter, colours)

    def _drawn_dots(self, colours: Tokens) -> QPixmap:
        painter, dots = self._blank()
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

    def _drawn_styles(self, colours: Tokens) -> QPixmap:
        """All diamonds and as many names as fit."""
        painter, picture = self._blank()
        painter.setFont(self._small_font())
        metrics = painter.fontMetrics()
        taken: list[QRectF] = []
        on_map = np.flatnonzero(np.isfinite(self._style_xy).all(axis=1)).tolist() if len(self._styles) else []
        named = on_map if len(on_map) <= _MOST_NAMED else [r for r in on_map if r == self._chosen]
        # The chosen one has the first right to its name, and is drawn last: it lies over the others.
        for row in sorted(named, key=lambda r: r != self._chosen):
            name = metrics.elidedText(self._styles[row].name, Qt.TextElideMode.ElideMiddle, _NAME_PX)
            box = self._name_box(row, metrics.horizontalAdvance(name))
            if not any(box.intersects(other) for other in taken):
                taken.append(box)
                painter.setPen(QColor(colours.text if row == self._chosen else colours.muted))
                painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        for row in sorted(on_map, key=lambda r: r == self._chosen):
            at, chosen = self.point_of_style(row), row == self._chosen
            half = 7.0 if chosen else 5.5
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.backdrop), 1.5))
            painter.setBrush(self._style_colour(row, colours))
            corners = ((0, -half), (half, 0), (0, half), (-half, 0))
            painter.drawPolygon(QPolygonF([at + QPointF(*corner) for corner in corners]))
        painter.end()
        return picture

    def _blank(self) -> tuple[QPainter, QPixmap]:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        return painter, picture

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(11)
        return font

    def _name_box(self, row: int, width: int) -> QRectF:
        """Beside a diamond: to its right, or to its left where the view ends."""
        at = self.point_of_style(row)
        left = at.x() - 10 - width if at.x() + 10 + width > self.width() else at.x() + 10
        return QRectF(left, at.y() - 8, width + 2, 16)

    def _draw_words(self, painter: QPainter, colours: Tokens) -> None:
        painter.setFont(self._small_font())
        painter.setPen(QColor(colours.muted))
        if self._plane is not None:
            said = self.about + (f"   □ {self._compared_name}" if self._compared else "")
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
        metrics, room = painter.fontMetrics(), max(60, self.width() // 3)
        for number, name in enumerate(list(dict.fromkeys(self._patients))[: max(0, (self.height() - 60) // 16)]):
            y = 14 + 16 * number
            patient = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            width = metrics.horizontalAdvance(patient)
            painter.fillRect(QRectF(6, y - 12, width + 20, 16), veil)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(PATIENT_COLOURS[number % len(PATIENT_COLOURS)]))
            painter.drawEllipse(QPointF(13, y - 4), 3.2, 3.2)
            painter.setPen(QColor(colours.muted))
            painter.drawText(QPointF(22, y), patient)

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._lasso = [event.position()]
        else:
            self._dragged = self._nearest(self._style_xy, event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._lasso:
            self._lasso.append(at)
            self.update()
        elif self._pressed is not None and self._dragged >= 0:
            if (at - self._pressed).manhattanLength() > 4:
                self.place_moved.emit(self._code_at(at))
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
        at, pressed, dragged = event.position(), self._pressed, self._dragged
        far = pressed is not None and (at - pressed).manhattanLength() > 4
        if far and dragged >= 0 and not self._lasso:
            code = self._code_at(at)
            self._pressed, self._dragged = None, -1
            self.place_moved.emit(None)
            self.place_wanted.emit(code)
            return
        self._pressed, self._dragged = None, -1
        if self._lasso:
            inside = self._inside(QPolygonF(self._lasso))
            self._lasso = []
            self.update()
            if inside:
                self.footage_lassoed.emit(inside)
        elif pressed is not None and not far:
            self._click(at)

    def _code_at(self, at: QPointF) -> tuple[float, ...]:
        """The code at a point of the map; beside the map's plane that of the diamond that is dragged."""
        assert self._plane is not None  # a diamond lies on it
        like = self._styles[self._dragged].code if 0 <= self._dragged < len(self._styles) else None
        like_S = np.array(like) if like is not None and len(like) == self._plane.size else None
        return tuple(float(v) for v in self._plane.place(self._to_map(at), like_S=like_S))

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
            self.place_wanted.emit(self._code_at(at))

    def wheelEvent(self, event: QWheelEvent) -> None:
        before = self._to_map(event.position())
        self._px_per_unit *= 1.2 ** (event.angleDelta().y() / 120)
        self._middle = self._middle + before - self._to_map(event.position())
        self._changed()
        event.accept()

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        right = self.width() - 6
        for box in (self.colouring, self.layout_box):
            size = box.sizeHint()
            right -= size.width()
            box.setGeometry(right, 6, size.width(), size.height())
            right -= 4
        if event.oldSize().width() <= 0:
            self.show_all()
        self._changed()
