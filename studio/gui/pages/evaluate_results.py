"""Results of an evaluation: regimes side by side, every patient's figures, the worst frames."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSizePolicy, QTableView, QVBoxLayout, QWidget

from studio.gui.models.report import MEASURES, Measure, PatientsTable, Report, ReportFrame
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import column, label
from studio.gui.widgets.box_chart import BoxChart, BoxSeries

_ROW, _HEAD, _NAMES_WIDTH = 30, 40, 184
_LEAST_WIDTH, _GAP, _CAPTION = 170, 8, 20


class FrameStrip(QWidget):
    """One frame of the report: the picture and each regime's prediction, side by side, as many as fit a line.

    ``chosen(image, words)``: a picture was clicked.
    """

    chosen = Signal(object, str)

    def __init__(self, frame: ReportFrame) -> None:
        super().__init__()
        self._pictures = [(QImage.fromData(data), words) for data, words in frame.pictures]
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("The tint is the prediction, the white line the truth. Click to look closely")
        self.setAccessibleName(frame.title)

    def _layout(self, width: int) -> tuple[int, QSize]:
        """(columns, size of a picture)."""
        count = max(1, len(self._pictures))
        columns = max(1, min(count, (width + _GAP) // (_LEAST_WIDTH + _GAP)))
        each = min(400, (width - _GAP * (columns - 1)) // columns)
        known = next((i for i, _ in self._pictures if not i.isNull()), None)
        ratio = 9 / 16 if known is None else known.height() / known.width()
        return columns, QSize(each, round(each * ratio))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        columns, size = self._layout(width)
        return -(-len(self._pictures) // columns) * (size.height() + _CAPTION + 4)

    def sizeHint(self) -> QSize:
        return QSize(640, self.heightForWidth(max(200, self.width())))

    def _boxes(self) -> list[QRectF]:
        columns, size = self._layout(self.width())
        step = size.height() + _CAPTION + 4
        return [
            QRectF((k % columns) * (size.width() + _GAP), (k // columns) * step, size.width(), size.height())
            for k in range(len(self._pictures))
        ]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colours = tokens_of(self.palette())
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        for (image, words), box in zip(self._pictures, self._boxes(), strict=True):
            painter.drawImage(box, image)
            painter.setPen(QColor(colours.muted))
            foot = QRectF(box.left(), box.bottom() + 2, box.width(), _CAPTION)
            said = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, int(foot.width()))
            painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, said)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for (image, words), box in zip(self._pictures, self._boxes(), strict=True):
            if box.contains(event.position()):
                self.chosen.emit(image, words)


class Results(QWidget):
    """Chart, table and frames of one report."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = BoxChart()
        self.table = QTableView()
        self.model = PatientsTable(self)
        self.table.setModel(self.model)
        self.table.setShowGrid(False)
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(72)
        self.table.horizontalHeader().setFixedHeight(_HEAD)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setAccessibleName("Figures by patient")
        self._chart_title = label("", "heading")
        self._frames_title = label("Worst frames", "heading")
        self._frames = QVBoxLayout()
        self._frames.setSpacing(UNIT)
        layout = column(self._chart_title, self.chart, label("By patient", "heading"), self.table, spacing=UNIT)
        layout.addSpacing(UNIT)
        layout.addWidget(self._frames_title)
        layout.addLayout(self._frames)
        layout.addStretch(1)
        layout.setContentsMargins(2 * UNIT, 0, 2 * UNIT, 2 * UNIT)
        self.setLayout(layout)

    def show_report(self, report: Report, measure: Measure, class_name: str) -> None:
        title, digits, unit = MEASURES[measure]
        series = [
            BoxSeries(
                f"everything is {class_name}" if regime == report.trivial else regime,
                tuple(report.value(measure, class_name, regime, p) for p in report.patients),
                report.mean(measure, class_name, regime), faint=regime == report.trivial,
            )
            for regime in report.regimes
        ]  # fmt: skip
        self.chart.show_series(series, report.patients, title=title, digits=digits, share=measure != "hd95")
        better = "less is better" if measure == "hd95" else "1 is perfect"
        self._chart_title.setText(f"{title} of {class_name} by patient{', ' + unit if unit else ''} ({better})")
        self.model.show_report(report, measure, class_name)
        self.table.setFixedHeight(_HEAD + _ROW * self.model.rowCount() + 4)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(0, _NAMES_WIDTH)

    def show_frames(self, frames: Sequence[ReportFrame]) -> list[FrameStrip]:
        """Show the report's frames; return their strips."""
        while self._frames.count():
            item = self._frames.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        strips = []
        for frame in frames:
            strip = FrameStrip(frame)
            self._frames.addWidget(label(frame.title, "small"))
            self._frames.addWidget(strip)
            strips.append(strip)
        self._frames_title.setVisible(bool(frames))
        return strips
