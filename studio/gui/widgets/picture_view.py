"""The picture view that every page uses: one picture with an overlay, zoom, pan, wipe and a readout.

    link = ViewLink()                                  # shared by all views of a page
    view = PictureView(link)
    view.set_overlay(Overlay("segmentation", 0.45))    # usually from an OverlayBar's ``changed``
    view.set_state(PictureState(layers, translation_HW3))

Mouse: wheel zooms, drag pans, Shift and drag zooms to a region, a click keeps a point, a second one measures from it,
the wipe's line is dragged. Keys while it has the focus: F fit, 1 one to one, + and - zoom, B (held) shows the render,
Escape lets go of the points, Ctrl+C copies what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from studio.gui.models.pictures import qimage
from studio.gui.theme import tokens_of
from studio.gui.widgets import picture_marks
from studio.gui.widgets.blending import Overlay, PictureState, Shown, blended
from studio.gui.widgets.blink import Blink
from studio.gui.widgets.kept_points import kept_words, readouts
from studio.gui.widgets.picture_layout import Pane, PictureLayout, panes_in
from studio.gui.widgets.picture_output import PictureOutput
from studio.gui.widgets.picture_pane import PanePainter
from studio.gui.widgets.readout import Readout, read_at
from studio.gui.widgets.view_link import FIT, Placement, ViewLink

_GRIP_PX = 8
_CLICK_PX = 4
_WHEEL_FACTOR = 1.25


class PictureView(QWidget):
    """``hovered`` carries a Readout or None; ``kept`` the same for the point that was clicked; ``activated`` a double
    click.
    """

    hovered = Signal(object)
    kept = Signal(object)
    activated = Signal()

    def __init__(self, link: ViewLink | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.link = link or ViewLink(self)
        self._state: PictureState | None = None
        self._overlay = Overlay()
        self._images: dict[Shown, QImage] = {}
        self._hint = ""
        self._notice = ""
        self._grabbed = ""
        self._pressed = QPointF()
        self._last = QPointF()
        self._blink = Blink(self)
        self._blink.changed.connect(self._forget)
        self._readout: Readout | None = None
        self.output = PictureOutput(self, self.shown_picture, self._say)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Picture")
        self.link.changed.connect(self.update)
        self.link.wipe_changed.connect(self._wiped)
        self.link.kept_changed.connect(lambda: self.kept.emit(self.kept_readout()))

    # -- what is shown

    @property
    def state(self) -> PictureState | None:
        return self._state

    @property
    def overlay(self) -> Overlay:
        return self._overlay

    def set_state(self, state: PictureState | None, hint: str = "") -> None:
        """Show another picture; zoom and pan stay. ``hint`` is shown while there is none."""
        self._state = state
        self._hint = hint
        self._notice = ""
        self._forget()

    def set_overlay(self, overlay: Overlay) -> None:
        """Show it differently. The wipe is the link's."""
        if overlay != self._overlay:
            self._overlay = overlay
            self._forget()

    def shown_picture(self) -> np.ndarray | None:
        """uint8 HxWx3: what is shown, in the picture's own pixels, or None."""
        return None if self._state is None else blended(self._state, self._current_overlay())

    def kept_readout(self) -> Readout | None:
        """What the picture says at the point that was kept last."""
        reads = [] if self._state is None else readouts(self._state, self.link.kept_points)
        return reads[-1] if reads else None

    def _image(self, shown: Shown) -> QImage:
        assert self._state is not None
        if shown not in self._images:
            # Arrows are painted over it, as crisp at every zoom.
            overlay = replace(self._current_overlay(), shown=shown, arrows=False)
            self._images[shown] = qimage(blended(self._state, overlay))
        return self._images[shown]

    def _current_overlay(self) -> Overlay:
        if self._blink.held:
            return replace(self._overlay, shown="render")
        return replace(self._overlay, wipe=self.link.wipe)

    def _forget(self) -> None:
        self._images.clear()
        self.update()

    def _wiped(self, _share: float) -> None:
        if self._overlay.shown == "wipe":
            self._forget()

    @property
    def _wipes(self) -> bool:
        state = self._state
        return self._overlay.shown == "wipe" and state is not None and state.translation_HW3 is not None

    def _say(self, text: str) -> None:
        """A line in the view until the mouse moves."""
        self._notice = text
        self.update()

    # -- geometry

    def sizeHint(self) -> QSize:
        return QSize(452, 256)

    def _lies(self) -> PictureLayout:
        assert self._state is not None
        two = self._state.translation_HW3 is not None
        panes = panes_in(self.rect(), self._current_overlay().shown, two=two)
        return PictureLayout(panes, self._state.size, self.link.viewpoint)

    def panes(self) -> tuple[Pane, ...]:
        """The whole view, or its halves when render and translation lie side by side; of a picture there is."""
        return self._lies().panes

    def place(self, pane: Pane | None = None) -> Placement:
        """Where the picture lies now; of a picture there is."""
        return self._lies().place(pane)

    def fit(self) -> None:
        """Show the whole picture."""
        self.link.set_viewpoint(FIT)

    def one_to_one(self) -> None:
        """One picture pixel on one screen pixel, be it larger or smaller than the fit."""
        if self._state is not None:
            self.link.set_viewpoint(self._lies().one_to_one(self.devicePixelRatioF()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Closer by a factor around a point of the view, by itself its middle."""
        if self._state is not None:
            self.link.set_viewpoint(self._lies().zoomed(factor, at))

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        if self._state is None:
            picture_marks.draw_hint(painter, self.rect(), self._hint, colours)
            return
        lies = self._lies()
        panes = PanePainter(
            painter, colours, self._state, self._overlay, self.link, lies, ratio=self.devicePixelRatioF(),
            wipes=self._wipes and not self._blink.held, pointed=self._readout is not None,
            says_shown=self._blink.held,
        )  # fmt: skip
        for pane in lies.panes:
            painter.setClipRect(pane.room)
            panes.draw(pane, self._image(pane.shown))
        painter.setClipping(False)
        if self._grabbed == "region":
            picture_marks.draw_region(painter, QRectF(self._pressed, self._last).normalized(), colours)
        picture_marks.draw_said(painter, self._words(self._state), QRectF(self.rect()))
        if self.hasFocus():
            picture_marks.draw_focus(painter, self.rect(), colours)

    def _words(self, state: PictureState) -> list[str]:
        """What stands at the left bottom: of the kept points, and of the one under the mouse."""
        if self._notice:
            return [self._notice]
        hovered = [] if self._readout is None else [self._readout.words()]
        return kept_words(state, self.link.kept_points) + hovered

    # -- mouse

    def _on_wipe(self, at: QPointF) -> bool:
        if not self._wipes:
            return False
        down, lies = self._overlay.wipe_down, self._lies()
        along = at.y() if down else at.x()
        return abs(along - lies.wipe_at(self.link.wipe, lies.place(), down=down)) <= _GRIP_PX

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        if event.button() == Qt.MouseButton.LeftButton:
            region = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._grabbed = "region" if region else "wipe" if self._on_wipe(event.position()) else "picture"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, down = event.position(), self._overlay.wipe_down
        if self._state is None:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        elif self._grabbed == "wipe":
            self.link.set_wipe(self._lies().held_share_at(at, self._pressed)[1 if down else 0])
        elif self._grabbed == "picture":
            self._drag(at)
        elif self._grabbed == "region":
            self._last = at
        else:
            wipe = Qt.CursorShape.SplitVCursor if down else Qt.CursorShape.SplitHCursor
            self.setCursor(wipe if self._on_wipe(at) else Qt.CursorShape.CrossCursor)
        self._point_at(at)

    def _drag(self, at: QPointF) -> None:
        if (at - self._pressed).manhattanLength() > _CLICK_PX:
            self.link.set_viewpoint(self._lies().panned(at - self._last, self._pressed))
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, grabbed = event.position(), self._grabbed
        self._grabbed = ""
        if self._state is None:
            return
        still, lies = (at - self._pressed).manhattanLength() <= _CLICK_PX, self._lies()
        if grabbed == "picture" and still:
            self.link.keep(lies.share_at(at))
        elif grabbed == "region" and not still:
            corners = (lies.held_share_at(point, self._pressed) for point in (self._pressed, at))
            self.link.set_viewpoint(lies.framed(*corners))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.activated.emit()

    def leaveEvent(self, event: object) -> None:
        self._readout = None
        self.link.set_cursor(None)
        self.hovered.emit(None)
        self.update()

    def _point_at(self, at: QPointF) -> None:
        share = None if self._state is None else self._lies().share_at(at)
        self._readout, self._notice = None, ""
        if share is not None and self._state is not None:
            width, height = self._state.size
            self._readout = read_at(self._state, int(share[0] * width), int(share[1] * height))
        self.link.set_cursor(share)
        self.hovered.emit(self._readout)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if steps and self._state is not None:
            self.zoom_by(_WHEEL_FACTOR**steps, event.position())
            event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update()

    # -- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_C:
            self.output.copy()
            return
        simple: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_1: self.one_to_one,
            Qt.Key.Key_Plus: lambda: self.zoom_by(_WHEEL_FACTOR),
            Qt.Key.Key_Equal: lambda: self.zoom_by(_WHEEL_FACTOR),
            Qt.Key.Key_Minus: lambda: self.zoom_by(1 / _WHEEL_FACTOR),
            Qt.Key.Key_Escape: lambda: self.link.keep(None),
        }
        act = simple.get(key)
        if act is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        else:
            act()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        self.output.add_to(menu)
        menu.addSeparator()
        menu.addAction("Fit\tF", self.fit)
        menu.addAction("One to one\t1", self.one_to_one)
        menu.addAction("Zoom to a region\tShift and drag").setEnabled(False)
        if self.link.kept_points:
            menu.addAction("Let go of the points\tEsc", lambda: self.link.keep(None))
        menu.exec(event.globalPos())
        menu.deleteLater()
