"""The inspector of the page Footage: the chosen frame, how footage is added, and the stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from studio.footage.readers import load_footage_image
from studio.gui import amounts
from studio.gui.actions import ActionTable
from studio.gui.models.background import Background
from studio.gui.models.pictures import qimage
from studio.gui.session import Session
from studio.gui.theme import tokens_of
from studio.gui.widgets.basics import Figures, Section, inspector, label, row, scaled
from studio.gui.widgets.fields import Form, NumberField, WholeField
from studio.pipeline.views import footage_file
from studio.project.records import Changed, FootageRecord

_MEASURES = {
    "brightness": ("Brightness", "", 0), "contrast": ("Contrast", "", 0), "sharpness": ("Sharpness", "", 2),
    "tissue": ("Tissue", "%", 0), "blue": ("Blue", "%", 0), "flat": ("Without detail", "%", 0),
    "stripes": ("Stripes", "", 2),
}  # fmt: skip
"""Measures of screening that help a person decide: name, unit, decimals. Brightness and contrast are of 255."""


class Preview(QLabel):
    """One picture as wide as the panel, on the picture backdrop."""

    def __init__(self) -> None:
        super().__init__()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumHeight(150)
        self.setProperty("role", "backdrop")
        self._picture = QPixmap()

    def show_picture(self, picture: QPixmap) -> None:
        self._picture = picture
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture.isNull():
            self.clear()
        else:
            self.setPixmap(scaled(self._picture, self.size()))


class FootagePanel(QWidget):
    """Shows one frame large, or how many are selected; ``every`` is the distance of frames taken from videos."""

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__()
        self._session = session
        self._background = Background(self)
        self.preview = Preview()
        self.name = label("", "strong", wrap=True)
        self.finding = label("", "muted", wrap=True)
        self.figures = Figures()
        self.every = NumberField(2.0, 0.04, 3600, unit="s", step=0.5)
        self._frames = WholeField(200, 8, 100_000)
        self._patients = WholeField(4, 1, 200)
        self._seed = WholeField(0, 0, 2**31 - 1)
        self.phantom = self._phantom_section(actions)
        decide = QWidget()
        decide.setLayout(row(actions.button("footage.include"), actions.button("footage.exclude"), None))
        self._frame = Section("Frame", self.preview, self.name, self.finding, decide, self.figures)
        adding = Form()
        adding.add(
            "One frame of a video every", self.every, "How many seconds lie between two frames taken from a video"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._area = inspector(self._frame, Section("Adding", adding), self.phantom)
        layout.addWidget(self._area)
        self.show_records([], Path())

    def _phantom_section(self, actions: ActionTable) -> Section:
        form = Form()
        form.add("Frames", self._frames, "How many stand-in frames are rendered")
        form.add("Patients", self._patients, "Over how many stand-in patients they spread")
        form.add("Seed", self._seed, "The same seed renders the same frames")
        button = QPushButton("Render stand-in footage")
        button.setToolTip("Rendered, not filmed: good for trying the flow, never evidence about real images")
        button.clicked.connect(self._start_phantom)
        words = label(
            "Rendered, not filmed. For trying the flow out; never evidence about real images.", "small", wrap=True
        )
        return Section("Stand-in (phantom)", words, form, button, actions.button("footage.compare"))

    def show_phantom_form(self) -> None:
        self._area.ensureWidgetVisible(self.phantom)
        self._frames.setFocus()
        QTimer.singleShot(0, self._frames.selectAll)  # after the focus has come

    def _start_phantom(self) -> None:
        project = self._session.project
        argv = [
            "footage", "phantom", str(project.folder), "--frames", str(self._frames.value()),
            "--patients", str(self._patients.value()), "--seed", str(self._seed.value()),
        ]  # fmt: skip
        self._session.start("Render stand-in footage", argv, touches=Changed(footage=True))

    def show_records(self, records: Sequence[FootageRecord], cache: Path) -> None:
        self._frame.setVisible(bool(records))
        if not records:
            return
        first = records[0]
        if len(records) > 1:
            self.name.setText(f"{amounts.count(len(records), 'frames')} selected")
            included = sum(r.included for r in records)
            self.finding.setText(f"{included:,} included, {len(records) - included:,} left out")
        else:
            self.name.setText(f"{first.patient} / {first.name}")
            self.finding.setText(_finding(first))
        self.figures.show_rows(_measures(first) if len(records) == 1 else [])
        file = footage_file(first)
        self._background.ask("preview", lambda: load_footage_image(file, cache), lambda p: self._show(first, p))

    def _show(self, record: FootageRecord, picture: object) -> None:
        if not isinstance(picture, np.ndarray):
            self.preview.show_picture(QPixmap())
            self.finding.setText(str(picture))
            return
        pixmap = QPixmap.fromImage(qimage(picture))
        if record.area is not None:
            cx, cy, radius, _, _ = record.area
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = painter.pen()
            pen.setColor(QColor(tokens_of(self.palette()).accent))
            pen.setWidthF(max(1.5, pixmap.width() / 240))
            painter.setPen(pen)
            painter.drawEllipse(int(cx - radius), int(cy - radius), int(2 * radius), int(2 * radius))
            painter.end()
        self.preview.show_picture(pixmap)

    def close_threads(self) -> None:
        self._background.forget()


def _finding(record: FootageRecord) -> str:
    who = {"person": "by you", "screening": "by screening"}.get(record.decided_by, "not screened yet")
    state = "Included" if record.included else "Left out"
    return f"{state} ({who})" + (f": {record.reason}" if record.reason else "")


def _measures(record: FootageRecord) -> list[tuple[str, str, str]]:
    rows = []
    if record.seconds is not None:
        rows.append(("Place in the video", amounts.duration(record.seconds), ""))
    for name, (words, unit, decimals) in _MEASURES.items():
        if name in record.measures:
            value = record.measures[name] * (100 if unit == "%" else 1)
            rows.append((words, f"{value:.{decimals}f}", unit))
    if record.area is not None:
        rows.append(("Image area, radius", f"{record.area[2]:.0f}", "px"))
    return rows
