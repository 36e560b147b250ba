"""Where a picture lies in a picture view, or two side by side; where the mouse points; where zooming leads."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRect

from studio.gui.widgets.blending import Shown
from studio.gui.widgets.view_link import Placement, Viewpoint, fit_scale, framed, panned, placement, zoomed

Share = tuple[float, float]
"""A point as shares of the picture's sides."""


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture in the view: where, and which of the two it shows."""

    room: QRect
    shown: Shown

    @property
    def size(self) -> tuple[float, float]:
        return float(max(1, self.room.width())), float(max(1, self.room.height()))


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """``picture`` is (width, height) in px; ``panes`` the whole view, or its halves."""

    panes: tuple[Pane, ...]
    picture: tuple[int, int]
    viewpoint: Viewpoint

    def pane_at(self, at: QPointF) -> Pane:
        return next((p for p in self.panes if at.x() < p.room.right() + 2), self.panes[-1])

    def place(self, pane: Pane | None = None) -> Placement:
        """Where the picture lies in a pane, by itself the first; in the view's coordinates."""
        pane = pane or self.panes[0]
        place = placement(self.viewpoint, pane.size, self.picture)
        return replace(place, left=place.left + pane.room.left())

    def share_at(self, at: QPointF) -> Share | None:
        """The point of the picture that lies there; None outside of it."""
        width, height = self.picture
        x, y = self.place(self.pane_at(at)).to_picture(at.x(), at.y())
        return (x / width, y / height) if 0 <= x < width and 0 <= y < height else None

    def held_share_at(self, at: QPointF, pressed: QPointF) -> Share:
        """The point of the picture in whose pane the mouse was ``pressed``; beyond the picture, at its edge."""
        width, height = self.picture
        x, y = self.place(self.pane_at(pressed)).to_picture(at.x(), at.y())
        return min(1.0, max(0.0, x / width)), min(1.0, max(0.0, y / height))

    def wipe_at(self, wipe: float, place: Placement, *, down: bool) -> float:
        """Where the wipe's line lies in the view: its x, or its y when it wipes down."""
        x, y = place.to_view(wipe * self.picture[0], wipe * self.picture[1])
        return y if down else x

    # -- where looking elsewhere leads

    def zoomed(self, factor: float, at: QPointF | None = None) -> Viewpoint:
        """Closer by a factor, the point ``at`` of the view (None: the first pane's middle) staying where it is."""
        pane = self.panes[0] if at is None else self.pane_at(at)
        width, height = pane.size
        point = (width / 2, height / 2) if at is None else (at.x() - pane.room.left(), at.y())
        return zoomed(self.viewpoint, factor, at=point, room=pane.size, picture=self.picture)

    def one_to_one(self, ratio: float) -> Viewpoint:
        """One picture pixel on one of the screen's, of which ``ratio`` make a px of the view."""
        zoom = 1 / (fit_scale(self.panes[0].size, self.picture) * ratio)
        if zoom < 1:
            return Viewpoint(zoom)
        return self.zoomed(zoom / self.viewpoint.zoom)

    def panned(self, step: QPointF, pressed: QPointF) -> Viewpoint:
        """Moved along with the hand."""
        room = self.pane_at(pressed).size
        return panned(self.viewpoint, step.x(), step.y(), room=room, picture=self.picture)

    def framed(self, corner: Share, other: Share) -> Viewpoint:
        """A rectangle of the picture, given by two opposite corners, fills the pane."""
        return framed(corner, other, room=self.panes[0].size, picture=self.picture)


def panes_in(view: QRect, shown: Shown, *, two: bool) -> tuple[Pane, ...]:
    """The whole view, or its halves when render and translation (``two``) are shown side by side."""
    if shown != "side" or not two:
        return (Pane(view, shown),)
    half = view.width() // 2
    return (
        Pane(QRect(0, 0, half - 1, view.height()), "render"),
        Pane(QRect(half + 1, 0, view.width() - half - 1, view.height()), "translation"),
    )
