"""How much of the pixels each class has, as bars in the classes' colours, beside others' shares as thin ones."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import UNIT, tokens_of
from studio.vocabulary.labels import ClassTable

_ROW = 24
_FIGURE = 52


class ClassBars(QWidget):
    """A row a class: name, bar, percentage, and below the bar a thin one for what it is compared with. The longest bar
    fills its column."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, tuple[int, int, int], float]] = []
        self._words = ""
        self._beside: dict[str, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_shares(self, classes: ClassTable, shares: Mapping[int, float]) -> None:
        """Share of the pixels (0 to 1) by class id; largest first."""
        rows = [(c.name, c.colour, shares.get(c.id, 0.0)) for c in classes if c.name != "void" or shares.get(c.id)]
        self._rows = sorted(rows, key=lambda row: -row[2])
        self._words = ""
        self._changed()

    def set_beside(self, shares: Mapping[str, float], whose: str = "") -> None:
        """Shares (0 to 1) by class name to lay beside; ``whose`` in words."""
        self._beside = dict(shares)
        rows = "\n".join(f"{name}: {_percent(share)}" for name, share in shares.items())
        self.setToolTip(f"Thin bars: {whose}\n{rows}" if shares else "")
        self._changed()

    def show_words(self, words: str) -> None:
        """What is shown while there are no figures."""
        self._rows, self._words = [], words
        self._changed()

    def _changed(self) -> None:
        beside = {name: f" against {100 * share:.1f} %" for name, share in self._beside.items()}
        self.setAccessibleDescription(
            ", ".join(f"{name} {100 * share:.1f} %{beside.get(name, '')}" for name, _, share in self._rows)
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self._rows)) * _ROW)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = tokens_of(self.palette())
        if not self._rows:
            painter.setPen(QColor(colours.faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._words)
            return
        metrics = painter.fontMetrics()
        names = min(self.width() * 0.5, max(metrics.horizontalAdvance(name) for name, _, _ in self._rows) + UNIT)
        room = self.width() - names - _FIGURE
        longest = max(*(share for _, _, share in self._rows), *self._beside.values(), 1e-6)
        for index, (name, colour, share) in enumerate(self._rows):
            top = index * _ROW
            painter.setPen(QColor(colours.muted if share else colours.faint))
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(names - UNIT / 2))
            painter.drawText(QRectF(0, top, names, _ROW), Qt.AlignmentFlag.AlignVCenter, words)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*colour) if any(colour) else QColor(colours.faint))
            painter.drawRoundedRect(QRectF(names, top + 8, max(2.0 if share else 0.0, room * share / longest), 8), 2, 2)
            if name in self._beside:
                other = QRectF(names, top + 18, max(1.0, room * self._beside[name] / longest), 3)
                painter.fillRect(other, QColor(colours.muted))
            painter.setPen(QColor(colours.text if share else colours.faint))
            figure = QRectF(self.width() - _FIGURE, top, _FIGURE, _ROW)
            painter.drawText(figure, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, _percent(share))


def _percent(share: float) -> str:
    if share == 0:
        return "none"
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
