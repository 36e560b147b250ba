"""Painting one pane of a picture view: the picture, and all that lies over it where the picture lies."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from studio.gui.theme import Tokens
from studio.gui.widgets import picture_marks
from studio.gui.widgets.blending import Overlay, PictureState, scale_of
from studio.gui.widgets.picture_layout import Pane, PictureLayout
from studio.gui.widgets.view_link import MOST_KEPT, NEAREST_FROM, Placement, ViewLink


@dataclass(frozen=True, slots=True)
class PanePainter:
    """What all panes of a view have in common while it is painted. ``ratio``: screen px per px of the view; ``wipes``:
    a wipe's line is drawn; ``pointed``: the mouse is over this view; ``says_shown``: it is written on it which."""

    painter: QPainter
    colours: Tokens
    state: PictureState
    overlay: Overlay
    link: ViewLink
    lies: PictureLayout
    ratio: float
    wipes: bool
    pointed: bool
    says_shown: bool = False

    def draw(self, pane: Pane, image: QImage) -> None:
        """``image`` is the picture with its layer blended over it."""
        place, two = self.lies.place(pane), len(self.lies.panes) > 1
        tagged = two or self.says_shown
        target = QRectF(place.left, place.top, image.width() * place.scale, image.height() * place.scale)
        magnified = self.link.viewpoint.zoom > 1 and place.scale * self.ratio >= NEAREST_FROM
        self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not magnified)
        self.painter.drawImage(target, image)
        visible = target.intersected(QRectF(pane.room))
        self._arrows(place, visible)
        if self.wipes:
            down = self.overlay.wipe_down
            at = self.lies.wipe_at(self.link.wipe, place, down=down)
            picture_marks.draw_wipe(self.painter, at, visible, down=down)
        self._points(place, beside=two)
        self._legend(visible, below_tags=tagged or self.wipes)
        if tagged:
            picture_marks.draw_tag(self.painter, pane.shown, visible)

    def _arrows(self, place: Placement, visible: QRectF) -> None:
        if self.overlay.arrows:
            lines_N52 = self.state.arrows(self.overlay.layer, picture_marks.arrow_step(place))
            if lines_N52 is not None:
                picture_marks.draw_lines(self.painter, lines_N52, place, visible)

    def _points(self, place: Placement, *, beside: bool) -> None:
        """The kept points, and where the mouse points in a linked view."""
        width, height = self.state.size
        kept = [QPointF(*place.to_view(x * width, y * height)) for x, y in self.link.kept_points]
        if len(kept) == MOST_KEPT:
            picture_marks.draw_measure(self.painter, (kept[0], kept[1]), self.colours)
        for at in kept:
            picture_marks.draw_point(self.painter, at, kept=True, colours=self.colours)
        cursor = self.link.cursor
        if cursor is not None and (beside or not self.pointed):
            at = QPointF(*place.to_view(cursor[0] * width, cursor[1] * height))
            picture_marks.draw_point(self.painter, at, kept=False, colours=self.colours)

    def _legend(self, visible: QRectF, *, below_tags: bool) -> None:
        """What the colours of a map mean."""
        scale = scale_of(self.state, self.overlay)
        if scale is not None:
            picture_marks.draw_scale(self.painter, scale, visible, below_tags=below_tags)
        elif self.overlay.layer == "flow" and self.state.flow_HW2 is not None:
            picture_marks.draw_wheel(self.painter, self.state.flow_top, visible, below_tags=below_tags)
