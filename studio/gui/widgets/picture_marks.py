"""What is drawn over a picture in view pixels: the wipe, points, the colour scale, words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen, QPolygonF

from studio.gui.models.pictures import qimage
from studio.gui.theme import Tokens
from studio.gui.widgets.blending import Scale
from studio.gui.widgets.flow_ink import flow_wheel
from studio.gui.widgets.view_link import Placement

_PAD = 8
_SCALE_WIDTH = 132
_GRIP = 9.0
_TAG = 18.0
_LINE = 20
_WHEEL = 56
_ARROW_PX = 22.0
_TINT = QColor(0, 0, 0, 165)
_ON_TINT = QColor("#e6e6e6")


def draw_hint(painter: QPainter, room: QRect, text: str, colours: Tokens) -> None:
    painter.setPen(QColor(colours.faint))
    inner = room.adjusted(16, 16, -16, -16)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def draw_wipe(painter: QPainter, at: float, visible: QRectF, *, down: bool) -> None:
    """The edge between render (left, or above) and translation, its grip, and what lies on which side."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ends = (
        (QPointF(visible.left(), at), QPointF(visible.right(), at))
        if down
        else (QPointF(at, visible.top()), QPointF(at, visible.bottom()))
    )
    for colour, width in ((QColor(0, 0, 0, 120), 3.0), (QColor("#ffffff"), 1.2)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(*ends)
    middle = (ends[0] + ends[1]) / 2
    painter.setBrush(QColor(20, 20, 20, 200))
    painter.drawEllipse(middle, _GRIP, _GRIP)
    for side in (-1, 1):
        for barb in (-3, 3):
            tip, end = QPointF(side * 6, 0), QPointF(side * 3, barb)
            turned = (tip.transposed(), end.transposed()) if down else (tip, end)
            painter.drawLine(middle + turned[0], middle + turned[1])
    painter.restore()
    if down:
        _draw_tag(painter, "render", QPointF(visible.left() + _PAD, at - _PAD - _TAG), right=False, limit=visible)
        _draw_tag(painter, "translation", QPointF(visible.left() + _PAD, at + _PAD), right=False, limit=visible)
    else:
        _draw_tag(painter, "render", QPointF(at - _PAD, visible.top() + _PAD), right=True, limit=visible)
        _draw_tag(painter, "translation", QPointF(at + _PAD, visible.top() + _PAD), right=False, limit=visible)


def draw_tag(painter: QPainter, text: str, visible: QRectF) -> None:
    """What a picture is, at its left top."""
    _draw_tag(painter, text, visible.topLeft() + QPointF(_PAD, _PAD), right=False, limit=visible)


def _draw_tag(painter: QPainter, text: str, at: QPointF, *, right: bool, limit: QRectF) -> None:
    """A word on a dark tint, its right or left top corner at a point; left out where it does not fit."""
    painter.setFont(_font(painter, 11))
    width = painter.fontMetrics().horizontalAdvance(text) + 12
    box = QRectF(at.x() - (width if right else 0), at.y(), width, _TAG)
    if limit.contains(box):
        _box(painter, box)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def draw_region(painter: QPainter, box: QRectF, colours: Tokens) -> None:
    """The rectangle that will fill the view."""
    painter.setPen(QPen(QColor(colours.accent), 1.4))
    painter.setBrush(QColor(255, 255, 255, 24))
    painter.drawRect(box)


def draw_point(painter: QPainter, at: QPointF, *, kept: bool, colours: Tokens) -> None:
    """A kept point as a ring with a cross, a pointer from a linked view as a thin cross."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(colours.accent if kept else "#ffffff"), 1.4)):
        painter.setPen(QPen(colour, width))
        if kept:
            painter.drawEllipse(at, 6, 6)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            inner, outer = (4, 10) if kept else (2, 6)
            painter.drawLine(at + QPointF(dx * inner, dy * inner), at + QPointF(dx * outer, dy * outer))
    painter.restore()


def arrow_step(place: Placement) -> int:
    """Picture px from one arrow to the next, so that they stand as close at every zoom."""
    return max(1, round(_ARROW_PX / place.scale))


def draw_lines(painter: QPainter, lines_NM2: np.ndarray, place: Placement, visible: QRectF) -> None:
    """Lines of M points (x, y in picture px, from the middle of a pixel) in white with a dark rim."""
    lines_NM2 = (lines_NM2 + 0.5) * place.scale
    painter.save()
    painter.setClipRect(visible)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(place.left, place.top)
    inside = visible.translated(-place.left, -place.top).adjusted(-_ARROW_PX, -_ARROW_PX, _ARROW_PX, _ARROW_PX)
    seen = [QPolygonF([QPointF(x, y) for x, y in line]) for line in lines_NM2 if inside.contains(QPointF(*line[0]))]
    for colour, width in ((QColor(0, 0, 0, 170), 2.6), (QColor("#ffffff"), 1.2)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        for line in seen:
            painter.drawPolyline(line)
    painter.restore()


def draw_scale(painter: QPainter, scale: Scale, visible: QRectF, *, below_tags: bool) -> None:
    """The colour scale with its ends, at the right top of the picture, or below the words that stand there."""
    if visible.width() < _SCALE_WIDTH + 4 * _PAD or visible.height() < 64:
        return
    painter.setFont(_font(painter, 11))
    digits = 0 if scale.high - scale.low >= 10 else 1 if scale.high - scale.low > 1.5 else 0
    low, high = f"{scale.low:.{digits}f}", f"{scale.high:.{digits}f} {scale.unit}".strip()
    width = max(_SCALE_WIDTH, painter.fontMetrics().horizontalAdvance(low + scale.title + high) + 3 * _PAD)
    box = QRectF(visible.right() - width - 3 * _PAD, visible.top() + _PAD, width + 2 * _PAD, 42)
    box.translate(0, _TAG + _PAD / 2 if below_tags else 0)
    _box(painter, box)
    bar = QRectF(box.left() + _PAD, box.top() + 7, width, 8)
    ramp: QImage = qimage(scale.colours_N3[None])
    painter.drawImage(bar, ramp)
    words = QRectF(bar.left(), bar.bottom() + 3, bar.width(), 18)
    painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
    painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
    painter.drawText(_between(painter, words, low, high), Qt.AlignmentFlag.AlignCenter, scale.title)


def _between(painter: QPainter, line: QRectF, left: str, right: str) -> QRectF:
    """The part of a line that words at its ends leave free."""
    metrics = painter.fontMetrics()
    return line.adjusted(metrics.horizontalAdvance(left), 0, -metrics.horizontalAdvance(right), 0)


def draw_wheel(painter: QPainter, top: float, visible: QRectF, *, below_tags: bool) -> None:
    """What the colours of flow mean: the direction by hue, the length by saturation, ``top`` px at the rim."""
    if visible.width() < _WHEEL + 4 * _PAD or visible.height() < _WHEEL + 64:
        return
    painter.setFont(_font(painter, 11))
    words = f"{top:.0f} px" if top >= 10 else f"{top:.1f} px"
    box = QRectF(visible.right() - _WHEEL - 3 * _PAD, visible.top() + _PAD, _WHEEL + 2 * _PAD, _WHEEL + 2 * _PAD + 18)
    box.translate(0, _TAG + _PAD / 2 if below_tags else 0)
    _box(painter, box)
    ratio = max(1, round(painter.device().devicePixelRatioF()))
    side = _WHEEL * ratio
    wheel = QImage(flow_wheel(side).tobytes(), side, side, 4 * side, QImage.Format.Format_RGBA8888)
    painter.drawImage(QRectF(box.left() + _PAD, box.top() + _PAD, _WHEEL, _WHEEL), wheel)
    painter.drawText(box.adjusted(0, _WHEEL + _PAD, 0, 0), Qt.AlignmentFlag.AlignCenter, words)


def draw_measure(painter: QPainter, ends: tuple[QPointF, QPointF], colours: Tokens) -> None:
    """A dashed line from one kept point to the other, and their numbers."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, style in (
        (QColor(0, 0, 0, 150), Qt.PenStyle.SolidLine),
        (QColor(colours.accent), Qt.PenStyle.DashLine),
    ):
        painter.setPen(QPen(colour, 3.0 if style is Qt.PenStyle.SolidLine else 1.4, style))
        painter.drawLine(*ends)
    painter.setFont(_font(painter, 11))
    for number, at in enumerate(ends, start=1):
        box = QRectF(at.x() + 9, at.y() - 9 - _TAG, _TAG, _TAG)
        _box(painter, box)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))
    painter.restore()


def draw_said(painter: QPainter, lines: Sequence[str], room: QRectF) -> None:
    """Lines at the left bottom, the last one lowest; as many of the last ones as there is room for."""
    fitting = max(1, int((room.height() - _PAD) // (_LINE + 2)))
    for number, text in enumerate(reversed(lines[-fitting:])):
        draw_words(painter, text, room.adjusted(0, 0, 0, -number * (_LINE + 2)))


def draw_words(painter: QPainter, text: str, room: QRectF) -> None:
    """One line at the left bottom."""
    painter.setFont(_font(painter, 11))
    metrics = painter.fontMetrics()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()) - 4 * _PAD)
    box = QRectF(room.left() + _PAD, room.bottom() - _LINE - _PAD, metrics.horizontalAdvance(shown) + 2 * _PAD, _LINE)
    _box(painter, box)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)


def draw_focus(painter: QPainter, room: QRect, colours: Tokens) -> None:
    """A hairline that says where the keys go."""
    painter.setPen(QPen(QColor(colours.accent), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(room.adjusted(0, 0, -1, -1))


def validity_colour(value: float, colours: Tokens) -> str:
    """Good, doubtful, bad: the three colours in which validity is written."""
    return colours.good if value >= 0.75 else colours.warning if value >= 0.5 else colours.danger


def _font(painter: QPainter, pixels: int) -> QFont:
    font = QFont(painter.font())
    font.setPixelSize(pixels)
    return font


def _box(painter: QPainter, box: QRectF) -> None:
    path = QPainterPath()
    path.addRoundedRect(box, 4, 4)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(path, _TINT)
    painter.setPen(_ON_TINT)
