"""How the style map looks: footage as dots, drawn styles as diamonds with as many names as fit, what is selected."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF

from studio.gui import amounts
from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets.layer_ink import colour_map
from studio.gui.widgets.picture_marks import validity_colour
from studio.gui.widgets.style_map_area import Colouring, StyleMapArea

PATIENT_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#9a86e0", "#7fc8a9")
"""After Okabe and Ito (2008), safe for the colour-blind; repeated from the ninth patient on."""
_NAME_PX = 140
_MOST_NAMED, _MANY = 60, 400
"""Styles up to which diamonds have names, and up to which they are large: more would hide the footage."""
_RAMP_PX = 64
_LINE = 16
"""Px from one patient's name to the next."""
_STAMP = 24
"""Px a side of the picture of one diamond."""


def brightness_ramp(colours: Tokens) -> np.ndarray:
    """uint8 Nx3 from dark to bright, without the end that can't be seen on the map's ground."""
    ramp_N3 = colour_map("viridis")
    return ramp_N3[:-40] if QColor(colours.backdrop).lightness() > 128 else ramp_N3[60:]


class StyleMapPainter(StyleMapArea):
    """Dots are coloured by patient or brightness, diamonds by validity if wanted; what is left out is hollow."""

    def __init__(self) -> None:
        super().__init__()
        self._lasso: list[QPointF] = []
        self._legend_at: tuple[object, QPointF] | None = None
        """Where the patients' names lie, and for which points and size of the map that was found."""

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
            painter.drawPolygon(QPolygonF(self._lasso))
        self._draw_words(painter, colours)

    def _drawn_dots(self, colours: Tokens) -> QPixmap:
        """Dots of one look are drawn in one call: there may be thousands."""
        painter, dots = self._blank()
        rim = QColor(0, 0, 0, 110) if QColor(colours.backdrop).lightness() > 128 else None
        alike: dict[tuple[int, bool, bool], list[QPointF]] = {}
        places = self._to_view(self._footage_xy).tolist()
        for row, (place, colour) in enumerate(zip(places, self.dot_colours(colours), strict=True)):
            chosen = row in self.picked.footage
            colour.setAlpha(255 if chosen else 70 if self.picked else 190)
            alike.setdefault((colour.rgba(), chosen, row in self._left_out), []).append(QPointF(*place))
        for (rgba, chosen, hollow), points in alike.items():
            radius = 4.4 if chosen else 3.2
            if hollow:
                painter.setPen(QPen(QColor.fromRgba(rgba), 1.2))
                for at in points:
                    painter.drawEllipse(at, radius, radius)
            else:
                round_cap = Qt.PenCapStyle.RoundCap
                if rim is not None:  # light colours on a light ground
                    painter.setPen(QPen(rim, 2 * radius + 1.6, Qt.PenStyle.SolidLine, round_cap))
                    painter.drawPoints(QPolygonF(points))
                painter.setPen(QPen(QColor.fromRgba(rgba), 2 * radius, Qt.PenStyle.SolidLine, round_cap))
                painter.drawPoints(QPolygonF(points))
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
        ramp_N3 = brightness_ramp(colours)
        last = len(ramp_N3) - 1
        return [
            QColor(colours.faint) if not np.isfinite(v) else QColor(*ramp_N3[round(last * (v - low) / spread)].tolist())
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
            if not QRectF(self.rect()).contains(self.point_of_style(row)):
                continue  # a name without its diamond says nothing
            if not any(box.intersects(other) for other in taken):
                taken.append(box)
                painter.setPen(QColor(colours.text if row == self._chosen else colours.muted))
                painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        places, stamps = self._to_view(self._style_xy).tolist(), {}
        for row in sorted(on_map, key=lambda r: r == self._chosen):
            chosen, picked = row == self._chosen, self._styles[row].code in self.picked.styles
            colour = self._style_colour(row, colours)
            colour.setAlpha(110 if self.picked and not picked else 255)
            look = colour.rgba(), chosen, picked
            if look not in stamps:
                stamps[look] = self._diamond(colour, colours, chosen=chosen, picked=picked)
            x, y = places[row]
            painter.drawPixmap(QPointF(x - _STAMP / 2, y - _STAMP / 2), stamps[look])
        painter.end()
        return picture

    def _diamond(self, colour: QColor, colours: Tokens, *, chosen: bool, picked: bool) -> QPixmap:
        """One diamond, to be stamped wherever one of its look lies."""
        painter, stamp = self._blank(QSize(_STAMP, _STAMP))
        half = 7.0 if chosen else 5.5 if len(self._styles) <= _MANY else 3.0
        edge = colours.accent if chosen or picked else colours.backdrop
        painter.setPen(QPen(QColor(edge), 2.5 if picked else 1.5))
        painter.setBrush(colour)
        middle = QPointF(_STAMP / 2, _STAMP / 2)
        corners = ((0, -half), (half, 0), (0, half), (-half, 0))
        painter.drawPolygon(QPolygonF([middle + QPointF(*corner) for corner in corners]))
        painter.end()
        return stamp

    def _blank(self, size: QSize | None = None) -> tuple[QPainter, QPixmap]:
        ratio = self.devicePixelRatioF()
        picture = QPixmap((size or self.size()) * ratio)
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

    @property
    def selection_words(self) -> str:
        """``12 frames, 3 styles selected; Esc lets go``"""
        parts = [
            amounts.count(len(found), what)
            for found, what in ((self.picked.footage, "frames"), (self.picked.styles, "styles"))
            if found
        ]
        return f"{', '.join(parts)} selected; Esc lets go" if parts else ""

    def _draw_words(self, painter: QPainter, colours: Tokens) -> None:
        painter.setFont(self._small_font())
        painter.setPen(QColor(colours.muted))
        if self._plane is not None:
            said = "   ".join(filter(None, (self.warning, self.selection_words))) or self.about
            painter.setPen(QColor(colours.warning if self.warning else colours.muted))
            said += f"   □ {self._compared_name}" if self._compared else ""
            if self.colouring.currentData() == "brightness" and not np.isfinite(self._brightness).any():
                said += "   brightness not known: encode the footage again"
            painter.drawText(
                self.rect().adjusted(8, 0, -8, -6), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, said
            )
        if self.colouring.currentData() == "patient":
            self._draw_patients(painter, colours)
        elif self.colouring.currentData() == "brightness" and np.isfinite(self._brightness).any():
            self._draw_ramp(painter, colours)
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
        shown = list(dict.fromkeys(self._patients))[: max(0, (self.height() - 60) // _LINE)]
        names = [metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room) for name in shown]
        widths = [metrics.horizontalAdvance(name) for name in names]
        corner = self._emptiest_corner(QSize(max(widths, default=0) + 20, _LINE * len(names)))
        for number, (name, width) in enumerate(zip(names, widths, strict=True)):
            top = corner + QPointF(0, _LINE * number)
            painter.fillRect(QRectF(top.x(), top.y(), width + 20, _LINE), veil)
            painter.setPen(QPen(QColor(colours.muted), 0.8))
            painter.setBrush(QColor(PATIENT_COLOURS[number % len(PATIENT_COLOURS)]))
            painter.drawEllipse(top + QPointF(7, 8), 3.6, 3.6)
            painter.drawText(top + QPointF(16, 12), name)

    def _draw_ramp(self, painter: QPainter, colours: Tokens) -> None:
        """What the colours of brightness mean."""
        ramp_N3, metrics = brightness_ramp(colours), painter.fontMetrics()
        first, last = metrics.horizontalAdvance("dark"), metrics.horizontalAdvance("bright")
        at = self._emptiest_corner(QSize(first + last + _RAMP_PX + 20, _LINE))
        for x in range(_RAMP_PX):
            colour = QColor(*ramp_N3[round(x * (len(ramp_N3) - 1) / (_RAMP_PX - 1))].tolist())
            painter.fillRect(QRectF(at.x() + first + 8 + x, at.y() + 4, 1, 8), colour)
        painter.setPen(QColor(colours.muted))
        painter.drawText(at + QPointF(0, 12), "dark")
        painter.drawText(at + QPointF(first + _RAMP_PX + 16, 12), "bright")

    def _emptiest_corner(self, size: QSize) -> QPointF:
        """Where a box of this size covers the fewest points, as they lay when they came or the map changed its size:
        names must not jump about while the map is moved."""
        of = id(self._footage_xy), self.size(), size
        if self._legend_at is None or self._legend_at[0] != of:
            right, bottom = self.width() - size.width() - 6, self.height() - size.height() - 26
            corners = [QPointF(6, 6), QPointF(6, bottom), QPointF(right, bottom), QPointF(right, 40)]
            places = self._to_view(np.concatenate((self._footage_xy, self._style_xy)))
            covered = [
                int(
                    ((places >= (c.x(), c.y())) & (places <= (c.x() + size.width(), c.y() + size.height())))
                    .all(1)
                    .sum()
                )
                for c in corners
            ]
            self._legend_at = of, corners[covered.index(min(covered))]
        return self._legend_at[1]
