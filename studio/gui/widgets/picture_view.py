"""The picture view that every page uses: one picture with an overlay, zoom, pan, wipe and a readout.

    link = ViewLink()                                  # shared by all views of a page
    view = PictureView(link)
    view.set_overlay(Overlay("segmentation", 0.45))    # usually from an OverlayBar's ``changed``
    view.set_state(PictureState(layers, translation_HW3))

Mouse: wheel zooms, drag pans, Shift and drag zooms to a region, a click keeps a point, the wipe's line is dragged.
Keys while it has the focus: F fit, 1 one to one, + and - zoom, B (held) shows the render, Escape lets go of the point,
Ctrl+C copies what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFileDialog, QMenu, QSizePolicy, QWidget

from studio.files.pictures import write_png
from studio.gui.models.pictures import qimage
from studio.gui.theme import Tokens, tokens_of
from studio.gui.widgets import picture_marks
from studio.gui.widgets.blending import Overlay, PictureState, Shown, blended, scale_of
from studio.gui.widgets.readout import Readout, read_at
from studio.gui.widgets.view_link import (
    FIT,
    NEAREST_FROM,
    Placement,
    ViewLink,
    fit_scale,
    framed,
    panned,
    placement,
    zoomed,
)
from studio.vocabulary.errors import InputError

_GRIP_PX = 8
_CLICK_PX = 4
_WHEEL_FACTOR = 1.25


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture in the view: where, and which of the two it shows."""

    room: QRect
    shown: Shown


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
        self._blinking = False
        self._readout: Readout | None = None
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

    def shown_image(self) -> QImage | None:
        """What is shown, in the picture's own pixels, or None."""
        return None if self._state is None else qimage(blended(self._state, self._current_overlay()))

    def _image(self, shown: Shown) -> QImage | None:
        if self._state is None:
            return None
        if shown not in self._images:
            # Arrows are painted over it, as crisp at every zoom.
            overlay = replace(self._current_overlay(), shown=shown, arrows=False)
            self._images[shown] = qimage(blended(self._state, overlay))
        return self._images[shown]

    def panes(self) -> tuple[Pane, ...]:
        """The whole view, or its halves when render and translation lie side by side."""
        shown = self._current_overlay().shown
        if shown != "side" or self._state is None or self._state.translation_HW3 is None:
            return (Pane(self.rect(), shown),)
        half = self.width() // 2
        return (
            Pane(QRect(0, 0, half - 1, self.height()), "render"),
            Pane(QRect(half + 1, 0, self.width() - half - 1, self.height()), "translation"),
        )

    def _pane_at(self, at: QPointF) -> Pane:
        return next((p for p in self.panes() if at.x() < p.room.right() + 2), self.panes()[-1])

    def kept_readout(self) -> Readout | None:
        """What the picture says at the point that was kept."""
        if self._state is None or self.link.kept is None:
            return None
        width, height = self._state.size
        return read_at(self._state, int(self.link.kept[0] * width), int(self.link.kept[1] * height))

    def _current_overlay(self) -> Overlay:
        if self._blinking:
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

    # -- geometry

    def sizeHint(self) -> QSize:
        return QSize(452, 256)

    @staticmethod
    def _room(pane: Pane) -> tuple[float, float]:
        return float(max(1, pane.room.width())), float(max(1, pane.room.height()))

    def place(self, pane: Pane | None = None) -> Placement:
        """Where the picture lies now; of a picture there is."""
        assert self._state is not None
        pane = pane or self.panes()[0]
        place = placement(self.link.viewpoint, self._room(pane), self._state.size)
        return replace(place, left=place.left + pane.room.left())

    def fit(self) -> None:
        """Show the whole picture."""
        self.link.set_viewpoint(FIT)

    def one_to_one(self) -> None:
        """One picture pixel on one screen pixel (never smaller than the fit)."""
        if self._state is not None:
            scale = fit_scale(self._room(self.panes()[0]), self._state.size) * self.link.viewpoint.zoom
            self._zoom(1 / (scale * self.devicePixelRatioF()))

    def zoom_by(self, factor: float) -> None:
        self._zoom(factor)

    def zoom_to(self, corner: tuple[float, float], other: tuple[float, float]) -> None:
        """Fill the view with a rectangle, given by two corners as shares of the picture's sides."""
        if self._state is not None:
            room = self._room(self.panes()[0])
            self.link.set_viewpoint(framed(corner, other, room=room, picture=self._state.size))

    def _zoom(self, factor: float, at: QPointF | None = None) -> None:
        if self._state is None:
            return
        pane = self.panes()[0] if at is None else self._pane_at(at)
        room = self._room(pane)
        point = (room[0] / 2, room[1] / 2) if at is None else (at.x() - pane.room.left(), at.y())
        self.link.set_viewpoint(zoomed(self.link.viewpoint, factor, at=point, room=room, picture=self._state.size))

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = tokens_of(self.palette())
        painter.fillRect(self.rect(), QColor(colours.backdrop))
        if self._state is None:
            picture_marks.draw_hint(painter, self.rect(), self._hint, colours)
            return
        panes = self.panes()
        for pane in panes:
            painter.setClipRect(pane.room)
            self._draw_pane(painter, pane, colours, tagged=len(panes) > 1)
        painter.setClipping(False)
        if self._grabbed == "region":
            picture_marks.draw_region(painter, QRectF(self._pressed, self._last).normalized(), colours)
        readout = (self._readout or self.kept_readout()) if self.underMouse() or self.link.kept else None
        words = self._notice or ("" if readout is None else readout.words())
        if words:
            picture_marks.draw_words(painter, words, QRectF(self.rect()))
        if self.hasFocus():
            picture_marks.draw_focus(painter, self.rect(), colours)

    def _draw_pane(self, painter: QPainter, pane: Pane, colours: Tokens, *, tagged: bool) -> None:
        image, state = self._image(pane.shown), self._state
        assert image is not None and state is not None
        place = self.place(pane)
        target = QRectF(place.left, place.top, image.width() * place.scale, image.height() * place.scale)
        magnified = self.link.viewpoint.zoom > 1 and place.scale * self.devicePixelRatioF() >= NEAREST_FROM
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not magnified)
        painter.drawImage(target, image)
        visible = target.intersected(QRectF(pane.room))
        normals_HW3 = state.layers.normals_HW3
        if self._overlay.arrows and self._overlay.layer == "normals" and normals_HW3 is not None:
            picture_marks.draw_arrows(painter, normals_HW3, place, visible)
        if self._wipes and not self._blinking:
            picture_marks.draw_wipe(painter, self._wipe_at(place), visible, down=self._overlay.wipe_down)
        for point, own in ((self.link.kept, True), (self.link.cursor, False)):
            if point is not None and (own or self._readout is None or tagged):
                at = QPointF(*place.to_view(point[0] * image.width(), point[1] * image.height()))
                picture_marks.draw_point(painter, at, kept=own, colours=colours)
        scale = scale_of(state, self._overlay)
        if scale is not None:
            picture_marks.draw_scale(painter, scale, visible, below_tags=tagged or self._wipes)
        if tagged:
            picture_marks.draw_tag(painter, pane.shown, visible)

    def _wipe_at(self, place: Placement) -> float:
        """Where the wipe's line lies in the view: its x, or its y when it wipes down."""
        assert self._state is not None
        width, height = self._state.size
        x, y = place.to_view(self.link.wipe * width, self.link.wipe * height)
        return y if self._overlay.wipe_down else x

    # -- mouse

    def _share_at(self, at: QPointF, *, grabbed: bool = False) -> tuple[float, float] | None:
        """The point under the mouse as shares of the picture's sides; None outside of it. While the mouse has
        ``grabbed`` something: of the picture where it was pressed, at its edge beyond it."""
        if self._state is None:
            return None
        width, height = self._state.size
        x, y = self.place(self._pane_at(self._pressed if grabbed else at)).to_picture(at.x(), at.y())
        if grabbed:
            return min(1.0, max(0.0, x / width)), min(1.0, max(0.0, y / height))
        return (x / width, y / height) if 0 <= x < width and 0 <= y < height else None

    def _on_wipe(self, at: QPointF) -> bool:
        if not self._wipes or self._state is None:
            return False
        along = at.y() if self._overlay.wipe_down else at.x()
        return abs(along - self._wipe_at(self.place())) <= _GRIP_PX

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        if event.button() == Qt.MouseButton.LeftButton:
            region = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._grabbed = "region" if region else "wipe" if self._on_wipe(event.position()) else "picture"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._grabbed == "wipe":
            share = self._share_at(at, grabbed=True)
            if share is not None:
                self.link.set_wipe(share[1 if self._overlay.wipe_down else 0])
        elif self._grabbed == "picture":
            self._drag(at)
        elif self._grabbed == "region":
            self._last = at
        else:
            wipe = Qt.CursorShape.SplitVCursor if self._overlay.wipe_down else Qt.CursorShape.SplitHCursor
            shape = wipe if self._on_wipe(at) else Qt.CursorShape.CrossCursor
            self.setCursor(shape if self._state is not None else Qt.CursorShape.ArrowCursor)
        self._point_at(at)

    def _drag(self, at: QPointF) -> None:
        if self._state is None or (at - self._pressed).manhattanLength() <= _CLICK_PX:
            return
        step, room = at - self._last, self._room(self._pane_at(self._pressed))
        self.link.set_viewpoint(
            panned(self.link.viewpoint, step.x(), step.y(), room=room, picture=self._state.size)
        )  # fmt: skip
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, grabbed = event.position(), self._grabbed
        self._grabbed = ""
        still = (at - self._pressed).manhattanLength() <= _CLICK_PX
        if grabbed == "picture" and still:
            self.link.keep(self._share_at(at))
        elif grabbed == "region" and not still:
            corner, other = self._share_at(self._pressed, grabbed=True), self._share_at(at, grabbed=True)
            if corner is not None and other is not None:
                self.zoom_to(corner, other)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.activated.emit()

    def leaveEvent(self, event: object) -> None:
        self._readout = None
        self.link.set_cursor(None)
        self.hovered.emit(None)
        self.update()

    def _point_at(self, at: QPointF) -> None:
        share = self._share_at(at)
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
            self._zoom(_WHEEL_FACTOR**steps, event.position())
            event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update()

    # -- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.modifiers() == Qt.KeyboardModifier.ControlModifier and key == Qt.Key.Key_C:
            self.copy()
            return
        simple: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_1: self.one_to_one,
            Qt.Key.Key_Plus: lambda: self._zoom(_WHEEL_FACTOR),
            Qt.Key.Key_Equal: lambda: self._zoom(_WHEEL_FACTOR),
            Qt.Key.Key_Minus: lambda: self._zoom(1 / _WHEEL_FACTOR),
            Qt.Key.Key_B: lambda: self._blink(True),
            Qt.Key.Key_Escape: lambda: self.link.keep(None),
        }
        act = simple.get(key)
        if act is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat() or key != Qt.Key.Key_B:
            act()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self._blink(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._blink(False)
        super().focusOutEvent(event)

    def _blink(self, on: bool) -> None:
        if on != self._blinking:
            self._blinking = on
            self._forget()

    # -- copy and save

    def copy(self) -> None:
        """Put what is shown on the clipboard, in the picture's own pixels."""
        image = self.shown_image()
        if image is not None:
            QGuiApplication.clipboard().setImage(image)
            self._say("Copied.")

    def save(self, path: Path) -> None:
        """Write what is shown as PNG, in the picture's own pixels. Raise InputError where it can't be written."""
        if self._state is not None:
            write_png(path, blended(self._state, self._current_overlay()))

    def _say(self, text: str) -> None:
        """A line in the view until the mouse moves."""
        self._notice = text
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        for text, act in (("Copy picture", self.copy), ("Save picture…", self._ask_save)):
            menu.addAction(text, act).setEnabled(self._state is not None)
        menu.addSeparator()
        menu.addAction("Fit\tF", self.fit)
        menu.addAction("One to one\t1", self.one_to_one)
        menu.addAction("Zoom to a region\tShift and drag").setEnabled(False)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _ask_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save what is shown", "picture.png", "PNG picture (*.png)")
        if name:
            self.save_and_say(Path(name))

    def save_and_say(self, path: Path) -> None:
        """Save, and say in the view how that went."""
        try:
            self.save(path)
        except (InputError, OSError) as error:
            self._say(str(error))
        else:
            self._say(f"Wrote {path.name}")
