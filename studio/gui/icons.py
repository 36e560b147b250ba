"""One family of line icons, drawn from short SVG paths in the colour of the widget that shows them."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

PATHS: dict[str, str] = {
    "scenes": "M12 3 20 7.5V16.5L12 21 4 16.5V7.5Z M4 7.5 12 12 20 7.5 M12 12V21",
    "footage": "M4 5H20V19H4Z M8 5V19 M16 5V19 M4 9.7H8 M4 14.3H8 M16 9.7H20 M16 14.3H20",
    "train": "M3 20H21 M4 4C6 13 9 15.5 20 16.5 M14 5 17 8 21 3.5",
    "styles": "M12 3A9 9 0 1 0 12 21C13.8 21 14.2 19.8 13.6 18.6 13 17.2 13.8 16 15.4 16H17.5A3.5 3.5 0 0 0 21 12.5"
    "C21 7 17 3 12 3Z M7.6 12H7.7 M9.6 7.8H9.7 M14.4 7.8H14.5",
    "curate": "M4 4H10V10H4Z M14 4H20V10H14Z M4 14H10V20H4Z M14 17.2 16.4 19.6 20.5 14.6",
    "export": "M12 15V4 M8 8 12 4 16 8 M5 13V20H19V13",
    "evaluate": "M4 20H20 M6.5 20V13 M11 20V8 M15.5 20V11 M20 20V5",
    "add": "M12 5V19 M5 12H19",
    "folder": "M3.5 6H9.5L11.5 8.5H20.5V19H3.5Z",
    "video": "M3.5 6.5H15.5V17.5H3.5Z M15.5 10.5 20.5 7.5V16.5L15.5 13.5",
    "play": "M7.5 5 18.5 12 7.5 19Z",
    "pause": "M8 5.5V18.5 M16 5.5V18.5",
    "stop": "M6.5 6.5H17.5V17.5H6.5Z",
    "resume": "M5 5.5V18.5 M10 5.5 19 12 10 18.5Z",
    "undo": "M8.5 5 4.5 9 8.5 13 M4.5 9H14A5 5 0 0 1 14 19H9.5",
    "redo": "M15.5 5 19.5 9 15.5 13 M19.5 9H10A5 5 0 0 0 10 19H14.5",
    "search": "M10.5 4.5A6 6 0 1 0 10.5 16.5 6 6 0 1 0 10.5 4.5 M15 15 20 20",
    "help": "M12 3.5A8.5 8.5 0 1 0 12 20.5 8.5 8.5 0 1 0 12 3.5 M9.5 9.5A2.5 2.5 0 1 1 12 12.3V13.5 M12 16.5H12.1",
    "keyboard": "M3 6.5H21V17.5H3Z M6.5 10H6.6 M10 10H10.1 M14 10H14.1 M17.5 10H17.6 M8 14H16",
    "theme": "M12 3.5A8.5 8.5 0 1 0 12 20.5 8.5 8.5 0 1 0 12 3.5 M12 3.5V20.5 M12 8 17 5.4 M12 12.5 20 8.6",
    "log": "M5 5H19 M5 9.7H19 M5 14.3H14 M5 19H11",
    "close": "M6 6 18 18 M18 6 6 18",
    "check": "M5 12.5 10 17.5 19.5 7",
    "cross": "M6 6 18 18 M18 6 6 18",
    "refresh": "M19.5 8A8 8 0 1 0 20 14 M20 3.5V8.5H15",
    "panel": "M3.5 5H20.5V19H3.5Z M14.5 5V19",
    "copy": "M8.5 8.5H19.5V19.5H8.5Z M15.5 8.5V4.5H4.5V15.5H8.5",
    "up": "M6 14.5 12 8.5 18 14.5",
    "down": "M6 9.5 12 15.5 18 9.5",
    "left": "M14.5 6 8.5 12 14.5 18",
    "right": "M9.5 6 15.5 12 9.5 18",
    "warning": "M12 4 21 19.5H3Z M12 10V14.5 M12 17H12.1",
    "info": "M12 3.5A8.5 8.5 0 1 0 12 20.5 8.5 8.5 0 1 0 12 3.5 M12 11V16.5 M12 7.8H12.1",
    "cube": "M12 3 20 7.5V16.5L12 21 4 16.5V7.5Z M4 7.5 12 12 20 7.5 M12 12V21",
    "trash": "M4.5 7H19.5 M9.5 7V4.5H14.5V7 M6.5 7 7.5 19.5H16.5L17.5 7",
    "grid": "M4 4H10.5V10.5H4Z M13.5 4H20V10.5H13.5Z M4 13.5H10.5V20H4Z M13.5 13.5H20V20H13.5Z",
    "eye": "M2.5 12C7 5.5 17 5.5 21.5 12 17 18.5 7 18.5 2.5 12Z M12 9.2A2.8 2.8 0 1 0 12 14.8 2.8 2.8 0 1 0 12 9.2",
    "hidden": "M2.5 12C7 5.5 17 5.5 21.5 12 17 18.5 7 18.5 2.5 12Z M4.5 20 19.5 4",
    "pin": "M9 3.5H15 M10 3.5V10L7 14H17L14 10V3.5 M12 14V20.5",
    "dice": "M4.5 4.5H19.5V19.5H4.5Z M8.5 8.5H8.6 M15.5 8.5H15.6 M12 12H12.1 M8.5 15.5H8.6 M15.5 15.5H15.6",
    "save": "M4.5 4.5H16L19.5 8V19.5H4.5Z M8 4.5V9.5H15V4.5 M8 19.5V13.5H16V19.5",
    "open": "M13 4H20V11 M20 4 11 13 M17 13.5V20H4V7H10.5",
    "wipe": "M3.5 5H20.5V19H3.5Z M12 3V21",
    "wipe_down": "M3.5 5H20.5V19H3.5Z M2 12H22",
    "layers": "M12 4 21 9 12 14 3 9Z M3 13 12 18 21 13",
    "depth": "M4 18H20 M6 13.5H18 M8 9H16 M10 4.5H14",
    "normals": "M4 19C8 12 16 12 20 19 M12 13.5V4 M9 7 12 4 15 7",
    "arrows": "M4.5 19.5 11 13 M7 13H11V17 M13 11 19.5 4.5 M15 4.5H19.5V9",
    "flow": "M3 7.5C7 4.5 10 10.5 14 7.5S19 6 21 7.5 M3 12.5C7 9.5 10 15.5 14 12.5S19 11 21 12.5"
    " M3 17.5C7 14.5 10 20.5 14 17.5S19 16 21 17.5",
    "difference": "M9 6A6 6 0 1 0 9 18 6 6 0 1 0 9 6 M15 6A6 6 0 1 0 15 18 6 6 0 1 0 15 6",
    "heat": "M12 3.5C13 8 17.5 9.5 17.5 14.5A5.5 5.5 0 0 1 6.5 14.5C6.5 12 8 11 8.5 9 10 10.5 11 11.5 12 3.5Z",
    "outline": "M6 4H18L20.5 12 18 20H6L3.5 12Z",
    "zoom": "M10.5 4.5A6 6 0 1 0 10.5 16.5 6 6 0 1 0 10.5 4.5 M15 15 20 20 M10.5 8V13 M8 10.5H13",
    "fit": "M4 9V4H9 M15 4H20V9 M20 15V20H15 M9 20H4V15",
    "lasso": "M12 5C6.5 5 3.5 7.5 3.5 10.5S7 16 12 16 20.5 13.5 20.5 10.5 17.5 5 12 5Z M8 15.5C5.5 17 7 19.5 9.5 18.5",
    "blend": "M3.5 12A5.5 5.5 0 1 0 14.5 12 5.5 5.5 0 1 0 3.5 12 M9.5 12A5.5 5.5 0 1 0 20.5 12 5.5 5.5 0 1 0 9.5 12",
    "chart": "M4 4V20H20 M7.5 15 11 10.5 14.5 13 19.5 6.5",
    "sliders": "M4 7H13 M17 7H20 M15 5V9 M4 12H6 M10 12H20 M8 10V14 M4 17H13 M17 17H20 M15 15V19",
    "clock": "M12 3.5A8.5 8.5 0 1 0 12 20.5 8.5 8.5 0 1 0 12 3.5 M12 7.5V12L15 14",
    "terminal": "M3.5 5H20.5V19H3.5Z M7 9.5 10 12 7 14.5 M12 15H16.5",
    "home": "M4 11 12 4.5 20 11 M6.5 9.5V19.5H17.5V9.5",
    "star": "M12 4 14.4 9.2 20 9.9 15.9 13.8 17 19.5 12 16.7 7 19.5 8.1 13.8 4 9.9 9.6 9.2Z",
    "filter": "M4 5H20L14 12.5V19L10 17V12.5Z",
    "edit": "M5 19 6 15 16 5 19 8 9 18Z",
    "dot": "M12 11A1 1 0 1 0 12 13 1 1 0 1 0 12 11",
}  # fmt: skip
"""Paths on a 24 x 24 grid, stroked, never filled."""


def icon(name: str) -> QIcon:
    """The icon of a name; it follows the theme. An unknown name gives a dot."""
    return QIcon(_LineIcon(name))


def pixmap(name: str, size: int, colour: QColor | str, *, ratio: float = 2.0) -> QPixmap:
    """A drawing of the icon, ``size`` px square."""
    picture = QPixmap(int(size * ratio), int(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _renderer(name, QColor(colour).name()).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


@lru_cache(maxsize=512)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    path = PATHS.get(name, PATHS["dot"])
    source = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="none" stroke-width="1.6"'
        f' stroke-linecap="round" stroke-linejoin="round" stroke="{colour}" d="{path}"/></svg>'
    )
    return QSvgRenderer(QByteArray(source.encode()))


class _LineIcon(QIconEngine):
    """Paints at any size, in the application's text colour, or its accent when the button is checked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        palette = QApplication.palette()
        if mode == QIcon.Mode.Disabled:
            colour = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
        elif state == QIcon.State.On:
            colour = palette.color(QPalette.ColorRole.Highlight)
        else:
            colour = palette.color(QPalette.ColorRole.ButtonText)
        _renderer(self._name, colour.name()).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        if picture.isNull():  # a style may ask for an icon of no size
            return picture
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _LineIcon(self._name)
