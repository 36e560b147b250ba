"""A grid or a film strip of pictures: only what is in sight is painted and loaded."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.gui.models.pictures import ENTRY_ROLE, PictureEntry, PictureModel
from studio.gui.theme import UNIT, Tokens, tokens_of

_CAPTION = 20
_PAD = 4


class PictureDelegate(QStyledItemDelegate):
    """Paints a thumbnail with its caption; dimmed when left out; the outline says what is selected."""

    def __init__(self, view: PictureList) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._view.cell_size()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry = index.data(ENTRY_ROLE)
        model = index.model()
        if not isinstance(entry, PictureEntry) or not isinstance(model, PictureModel):
            return
        colours = tokens_of(self._view.palette())
        cell: QRect = option.rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        picture = QRect(cell.left(), cell.top(), cell.width(), cell.height() - _CAPTION)
        pixmap = model.pixmap(entry)
        place = _fitted(pixmap, picture)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if pixmap is None or pixmap.isNull():
            painter.fillRect(place, QColor(colours.surface))
        else:
            painter.setOpacity(0.3 if entry.dimmed else 1.0)
            painter.drawPixmap(place, pixmap)
            painter.setOpacity(1.0)
        if entry.area is not None and not entry.dimmed:
            _draw_area(painter, place, entry.area, colours)
        self._draw_words(painter, entry, cell, place, colours)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(place.adjusted(-1, -1, 1, 1))
        painter.restore()

    def _draw_words(self, painter: QPainter, entry: PictureEntry, cell: QRect, place: QRect, colours: Tokens) -> None:
        font = self._view.font()
        font.setPixelSize(11)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        words = QRect(cell.left(), cell.bottom() - _CAPTION + 1, cell.width(), _CAPTION)
        painter.setPen(QColor(colours.faint if entry.dimmed else colours.muted))
        elided = metrics.elidedText(entry.caption, Qt.TextElideMode.ElideMiddle, cell.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, elided)
        if entry.note:
            text = metrics.elidedText(entry.note, Qt.TextElideMode.ElideRight, place.width() - 2 * UNIT)
            box = QRect(place.left() + 4, place.top() + 4, metrics.horizontalAdvance(text) + 12, 18)
            path = QPainterPath()
            path.addRoundedRect(QRectF(box), 4, 4)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillPath(path, QColor(0, 0, 0, 170))
            painter.setPen(QColor("#e8b765") if entry.dimmed else QColor("#dedede"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if entry.marked:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawEllipse(QPointF(place.right() - 9, place.top() + 10), 4, 4)


def _fitted(pixmap: QPixmap | None, room: QRect) -> QRect:
    """The largest rectangle of the picture's proportions in the middle of the room."""
    if pixmap is None or pixmap.isNull():
        return room
    size = pixmap.size().scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
    return QRect(
        room.left() + (room.width() - size.width()) // 2, room.top() + (room.height() - size.height()) // 2,
        size.width(), size.height(),
    )  # fmt: skip


def _draw_area(painter: QPainter, place: QRect, area: tuple[float, float, float, int, int], colours: Tokens) -> None:
    """The ring of the round image area."""
    cx, cy, radius, width, height = area
    scale = place.width() / width
    painter.save()
    painter.setClipRect(place)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colours.accent), 1.2, Qt.PenStyle.DotLine))
    painter.drawEllipse(QPointF(place.left() + cx * scale, place.top() + cy * scale), radius * scale, radius * scale)
    painter.restore()
    del height


class PictureList(QListView):
    """Pictures as a wrapping grid, or as one row (``strip``). Ctrl and + or - change their size."""

    def __init__(self, *, strip: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted = self._width = 168
        self._strip = strip
        self._ratio = 9 / 16
        self.setProperty("role", "pictures")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setUniformItemSizes(True)
        self.setWrapping(not strip)
        self.setMouseTracking(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegate(PictureDelegate(self))
        if strip:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
            self.set_cell_width(144)

    def cell_size(self) -> QSize:
        return QSize(self._width, round((self._width - 2 * _PAD) * self._ratio) + _CAPTION + 2 * _PAD)

    def set_cell_width(self, width: int) -> None:
        """Least width of a cell in px; a grid's rows are filled, the height follows the pictures' proportions."""
        self._wanted = max(96, min(480, width))
        room = self.viewport().width() - 2
        self._width = self._wanted if self._strip else max(self._wanted, room // max(1, room // self._wanted))
        if self.gridSize() != self.cell_size():
            self.setGridSize(self.cell_size())
        if self._strip:
            self.setFixedHeight(self.cell_size().height() + 22)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.set_cell_width(self._wanted)

    def set_ratio(self, height_by_width: float) -> None:
        """The proportions of most of the pictures."""
        if 0.3 < height_by_width < 1.6 and abs(height_by_width - self._ratio) > 0.01:
            self._ratio = height_by_width
            self.set_cell_width(self._wanted)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        self.set_cell_width(self._wanted)

    def selected_ids(self) -> list[int]:
        """Ids of the selected pictures, in their order."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        model = self.model()
        return [model.entry(r).id for r in rows] if isinstance(model, PictureModel) else []

    def current_id(self) -> int:
        """Id of the picture with the focus, or 0."""
        index, model = self.currentIndex(), self.model()
        return model.entry(index.row()).id if index.isValid() and isinstance(model, PictureModel) else 0

    def choose(self, entry_id: int) -> None:
        """Select one picture and bring it into sight."""
        model = self.model()
        row = model.row_of(entry_id) if isinstance(model, PictureModel) else -1
        if row >= 0:
            self.setCurrentIndex(model.index(row, 0))
            self.scrollTo(model.index(row, 0))
