"""Zoom, pan, wipe and the point in hand, shared by every picture view that shows the same place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

MAX_ZOOM = 40.0
MOST_KEPT = 2
NEAREST_FROM = 3.0
"""Screen px per picture px from which a picture that is zoomed into shows its pixels as they are."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """``zoom`` 1 = the whole picture fits, below 1 it is smaller (one to one of a small picture); ``x``, ``y``: what
    lies in the middle, as shares of the picture's sides.

    Shares, not pixels, so that pictures of different sizes can be looked at together.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


FIT = Viewpoint()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in a view: its left top corner and ``scale`` in view px per picture px."""

    left: float
    top: float
    scale: float

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Picture coordinates of a point of the view."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """View coordinates of a point of the picture."""
        return self.left + x * self.scale, self.top + y * self.scale


def placement(viewpoint: Viewpoint, room: tuple[float, float], picture: tuple[int, int]) -> Placement:
    """Put a picture of (width, height) px into a room of (width, height): centred where it is smaller than the room."""
    scale = fit_scale(room, picture) * viewpoint.zoom
    left, top = (
        _start(space, side * scale, at)
        for space, side, at in zip(room, picture, (viewpoint.x, viewpoint.y), strict=True)
    )
    return Placement(left, top, scale)


def _start(space: float, length: float, at: float) -> float:
    """Where a side of ``length`` begins in a space so that its share ``at`` lies in the middle, no edge left open."""
    if length <= space:
        return (space - length) / 2
    return min(0.0, max(space - length, space / 2 - at * length))


def fit_scale(room: tuple[float, float], picture: tuple[int, int]) -> float:
    return max(1e-6, min(room[0] / picture[0], room[1] / picture[1]))


def zoomed(
    viewpoint: Viewpoint, factor: float, *, at: tuple[float, float], room: tuple[float, float], picture: tuple[int, int]
) -> Viewpoint:
    """Closer by a factor, with the point ``at`` of the view staying where it is. Never farther than the fit, or than
    it is already: one to one may be smaller."""
    before = placement(viewpoint, room, picture)
    zoom = min(MAX_ZOOM, max(min(1.0, viewpoint.zoom), viewpoint.zoom * factor))
    px, py = before.to_picture(*at)
    scale = fit_scale(room, picture) * zoom
    x = (px - (at[0] - room[0] / 2) / scale) / picture[0]
    y = (py - (at[1] - room[1] / 2) / scale) / picture[1]
    return _inside(Viewpoint(zoom, x, y), room, picture)


def framed(
    corner: tuple[float, float], other: tuple[float, float], *, room: tuple[float, float], picture: tuple[int, int]
) -> Viewpoint:
    """The viewpoint that fills the room with a rectangle, given by two opposite corners as shares of the sides."""
    (x0, x1), (y0, y1) = sorted((corner[0], other[0])), sorted((corner[1], other[1]))
    scale = min(room[0] / max(1e-6, (x1 - x0) * picture[0]), room[1] / max(1e-6, (y1 - y0) * picture[1]))
    zoom = min(MAX_ZOOM, max(1.0, scale / fit_scale(room, picture)))
    return _inside(Viewpoint(zoom, (x0 + x1) / 2, (y0 + y1) / 2), room, picture)


def panned(
    viewpoint: Viewpoint, dx: float, dy: float, *, room: tuple[float, float], picture: tuple[int, int]
) -> Viewpoint:
    """Moved along with the hand by (dx, dy) view px."""
    scale = fit_scale(room, picture) * viewpoint.zoom
    moved = replace(
        viewpoint, x=viewpoint.x - dx / scale / picture[0], y=viewpoint.y - dy / scale / picture[1]
    )  # fmt: skip
    return _inside(moved, room, picture)


def _inside(viewpoint: Viewpoint, room: tuple[float, float], picture: tuple[int, int]) -> Viewpoint:
    """The same view with its centre such that no further panning is needed to leave an edge."""
    scale = fit_scale(room, picture) * viewpoint.zoom
    shares = []
    for space, side, at in zip(room, picture, (viewpoint.x, viewpoint.y), strict=True):
        half = min(0.5, space / (2 * side * scale))
        shares.append(min(1 - half, max(half, at)))
    return replace(viewpoint, x=shares[0], y=shares[1])


class ViewLink(QObject):
    """What linked views share. ``changed`` asks them to repaint; ``wipe_changed`` to blend again."""

    changed = Signal()
    wipe_changed = Signal(float)
    kept_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewpoint = FIT
        self.wipe = 0.5
        self.cursor: tuple[float, float] | None = None
        """Where the mouse points, as shares of the picture's sides; drawn as a small cross in the other views."""
        self.kept_points: tuple[tuple[float, float], ...] = ()
        """The points that clicks kept, at most two."""

    @property
    def kept(self) -> tuple[float, float] | None:
        """The point that was kept last."""
        return self.kept_points[-1] if self.kept_points else None

    def set_viewpoint(self, viewpoint: Viewpoint) -> None:
        if viewpoint != self.viewpoint:
            self.viewpoint = viewpoint
            self.changed.emit()

    def set_wipe(self, share: float) -> None:
        share = min(1.0, max(0.0, share))
        if share != self.wipe:
            self.wipe = share
            self.wipe_changed.emit(share)

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        if cursor != self.cursor:
            self.cursor = cursor
            self.changed.emit()

    def keep(self, point: tuple[float, float] | None) -> None:
        """Keep a point beside the one that is kept; a third begins anew, None lets go of all."""
        before = self.kept_points if len(self.kept_points) < MOST_KEPT else ()
        self.kept_points = () if point is None else (*before, point)
        self.kept_changed.emit()
        self.changed.emit()
