"""What was checked after an export, and the exports there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from studio.export.manifest import Comparison
from studio.gui import amounts
from studio.gui.icons import pixmap
from studio.gui.jobs import WindowJob
from studio.gui.theme import UNIT, tokens_of
from studio.gui.widgets.basics import column, label, row, set_role
from studio.project.records import ExportRecord

_SHOWN = 20


class Checklist(QWidget):
    """A card, hidden until an export has been started in this window."""

    def __init__(self) -> None:
        super().__init__()
        self._title = label("", "strong", wrap=True)
        self._lines = QVBoxLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(UNIT // 2)
        layout = column(label("Checklist", "heading"), self._title)
        layout.addLayout(self._lines)
        layout.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        self.setLayout(layout)
        self.setProperty("role", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.hide()

    def show_running(self, dest: Path) -> None:
        self._fill(f"Writing {dest}", [("dot", "It appears in its place when all of it is written and checked.")])

    def show_result(self, job: WindowJob) -> None:
        """The end of an export's job."""
        if job.state != "done":
            said = job.message or "Stopped; it can be resumed from the jobs panel."
            self._fill(job.title, [("cross" if job.state == "failed" else "dot", said)])
            return
        checks, counts = job.result.get("checks", {}), job.result.get("counts", {})
        lines = [
            ("check", f"{amounts.count(counts.get('images', 0), 'images')} written and decoded again"),
            ("check", f"{amounts.count(checks.get('labels_compared', 0), 'label pictures')} read back with the "
                      "format's own reader and equal, pixel by pixel, to their source"),
            ("check", "No patient in two splits: " + _splits_in_words(counts)),
            ("check", f"{amounts.count(checks.get('files', 0), 'files')} named in manifest.json with their hashes"),
            ("check", "DATA_CARD.md says where everything comes from"),
        ]  # fmt: skip
        self._fill(str(job.result.get("dest", job.title)), lines)

    def lines(self) -> list[str]:
        """What is listed."""
        found = (self._lines.itemAt(i) for i in range(self._lines.count()))
        widgets = (item.widget() for item in found if item is not None)
        return [w.property("words") for w in widgets if w is not None]

    def _fill(self, title: str, lines: Sequence[tuple[str, str]]) -> None:
        while self._lines.count():
            item = self._lines.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self._title.setText(title)
        colours = tokens_of(self.palette())
        for mark, words in lines:
            sign = QLabel()
            sign.setPixmap(pixmap(mark, 16, {"check": colours.good, "cross": colours.danger}.get(mark, colours.muted)))
            sign.setFixedWidth(20)
            line = QWidget()
            line.setProperty("words", words)
            layout = row(sign, label(words, wrap=True))
            layout.setStretch(1, 1)
            line.setLayout(layout)
            self._lines.addWidget(line)
        self.show()


def _splits_in_words(counts: dict[str, int]) -> str:
    parts = [f"{amounts.count(v)} {k.removeprefix('images_')}" for k, v in counts.items() if k.startswith("images_")]
    return ", ".join(parts) + " images"


class EarlierExports(QWidget):
    """``open_wanted(dest)``, ``verify_wanted(dest)``."""

    open_wanted = Signal(str)
    verify_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._said: dict[str, QLabel] = {}
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(UNIT)
        self._none = label("None yet.", "faint")
        layout = column(label("Earlier exports", "heading"), self._none)
        layout.addLayout(self._list)
        self.setLayout(layout)

    def show_exports(self, records: Sequence[ExportRecord]) -> None:
        while self._list.count():
            item = self._list.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self._said.clear()
        self.count = len(records)
        self._none.setVisible(not records)
        for record in records[:_SHOWN]:
            self._list.addWidget(self._line(record))

    def _line(self, record: ExportRecord) -> QWidget:
        dest = str(record.dest)
        there = record.dest.is_dir()
        name = label(record.dest.name, "strong")
        name.setToolTip(dest)
        images = amounts.count(record.counts.get("images", 0), "images")
        about = label(f"{record.format}  ·  {images}  ·  {when(record.created)}", "small")
        said = label("" if there else "The folder is gone.", "small" if there else "warning", wrap=True)
        said.setVisible(not there)
        self._said[dest] = said
        look = _button("Open folder", "Show the folder in the file browser", lambda: self.open_wanted.emit(dest))
        verify = _button(
            "Verify", "Compare every file with the manifest's hash; nothing is changed",
            lambda: self.verify_wanted.emit(dest),
        )  # fmt: skip
        for button in (look, verify):
            button.setEnabled(there)
        line = QWidget()
        top: QHBoxLayout = row(name, about, None, verify, look)
        layout = column(spacing=2)
        layout.addLayout(top)
        layout.addWidget(said)
        line.setLayout(layout)
        return line

    def show_verified(self, dest: str, found: Comparison | Exception) -> None:
        """What the comparison with the manifest has found."""
        said = self._said.get(dest)
        if said is None:
            return
        if isinstance(found, Exception):
            words, role = str(found), "danger"
        elif found.same:
            words, role = "Every file is as it was written.", "good"
        else:
            parts = [("missing", found.missing), ("changed", found.changed), ("added", found.extra)]
            words = "; ".join(f"{len(n)} {what}: {', '.join(n[:3])}" for what, n in parts if n)
            role = "danger" if found.missing or found.changed else "warning"
        said.setText(words)
        set_role(said, role)
        said.show()


def when(created: str) -> str:
    """A time of the catalogue in local words."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def _button(text: str, tip: str, act: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "quiet")
    button.setToolTip(tip)
    button.clicked.connect(act)
    return button
