"""How the window looks: one set of tokens per theme, the palette and the one stylesheet that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

import studio

ThemeName = Literal["dark", "light"]
THEMES: tuple[ThemeName, ...] = ("dark", "light")
UNIT = 8
"""The rhythm of the layout in px; half of it inside controls."""
FONT_FAMILIES = ["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Liberation Sans", "DejaVu Sans"]
FONT_PX = 13


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours by role. Greys are neutral (equal channels), so that nothing beside a picture tints it."""

    name: ThemeName
    backdrop: str
    """Behind pictures."""
    field: str
    """Behind what is typed."""
    window: str
    surface: str
    raised: str
    hover: str
    line: str
    text: str
    muted: str
    faint: str
    """The quietest text that is still to be read; what can't be used is ``disabled``."""
    disabled: str
    accent: str
    on_accent: str
    good: str
    warning: str
    danger: str


DARK = Tokens(
    name="dark", backdrop="#141414", field="#191919", window="#1c1c1c", surface="#232323", raised="#2e2e2e",
    hover="#343434", line="#3a3a3a", text="#e2e2e2", muted="#b4b4b4", faint="#9d9d9d", disabled="#6a6a6a",
    accent="#5aa9dd", on_accent="#0d1a23", good="#7bb585", warning="#d8a550", danger="#e88a80",
)  # fmt: skip
LIGHT = Tokens(
    name="light", backdrop="#d4d4d4", field="#ffffff", window="#ececec", surface="#f6f6f6", raised="#ffffff",
    hover="#e2e2e2", line="#c8c8c8", text="#1a1a1a", muted="#4a4a4a", faint="#5b5b5b", disabled="#9a9a9a",
    accent="#175f92", on_accent="#ffffff", good="#1f642c", warning="#704a00", danger="#a3291e",
)  # fmt: skip


def tokens(name: ThemeName) -> Tokens:
    return DARK if name == "dark" else LIGHT


def tokens_of(palette: QPalette) -> Tokens:
    """The tokens behind a widget's palette, for widgets that paint themselves."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def apply_theme(app: QApplication, name: ThemeName) -> None:
    """Give the whole application this look; widgets that are shown already follow."""
    if app.style().name() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    font = QFont()
    font.setFamilies(FONT_FAMILIES)
    font.setPixelSize(FONT_PX)
    app.setFont(font)
    chosen = tokens(name)
    app.setPalette(_palette(chosen))
    app.setStyleSheet(stylesheet(chosen))


def _palette(t: Tokens) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for names, colour in (
        ((role.Window, role.Button), t.window),
        ((role.Base,), t.surface),
        ((role.AlternateBase, role.ToolTipBase), t.raised),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText), t.text),
        ((role.PlaceholderText,), t.faint),
        ((role.Highlight, role.Link, role.Accent), t.accent),
        ((role.HighlightedText,), t.on_accent),
        ((role.Light,), t.hover),
        ((role.Midlight, role.Mid, role.Dark), t.line),
        ((role.Shadow,), t.backdrop),
    ):
        for name in names:
            palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(group.Disabled, name, QColor(t.disabled))
    palette.setColor(group.Disabled, role.Highlight, QColor(t.line))
    return palette


def stylesheet(t: Tokens) -> str:
    """The application's stylesheet. Widgets ask for a look by the dynamic property ``role``."""
    icons = (Path(studio.__file__).parent.parent / "resources" / "icons").as_posix()
    return "".join(part.format(t=t, icons=icons) for part in (_SURFACES, _TEXTS, _CONTROLS, _VIEWS))


_SURFACES = """
QMainWindow, QDialog {{ background: {t.window}; }}
QWidget[role="rail"], QWidget[role="tray"], QWidget[role="inspector"] {{ background: {t.surface}; }}
QWidget[role="card"] {{ background: {t.surface}; border-radius: 6px; }}
QWidget[role="backdrop"] {{ background: {t.backdrop}; }}
QWidget[role="banner"] {{ background: {t.raised}; border-bottom: 2px solid {t.accent}; }}
QFrame[role="floating"] {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 6px; }}
QFrame[role="floating"] QListView {{ background: {t.raised}; }}
QFrame[role="line"] {{ background: {t.line}; border: none; max-height: 1px; min-height: 1px; }}
QSplitter::handle {{ background: {t.window}; }}
QSplitter::handle:horizontal {{ width: 4px; }} QSplitter::handle:vertical {{ height: 4px; }}
QSplitter::handle:hover {{ background: {t.line}; }}
QMenuBar {{ background: {t.window}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 8px; background: transparent; border-radius: 3px; }}
QMenuBar::item:selected {{ background: {t.hover}; }}
QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 3px; }}
QMenu::item:selected {{ background: {t.hover}; }}
QMenu::item:disabled {{ color: {t.disabled}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
QMenu::icon {{ padding-left: 8px; }}
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 4px 6px; }}
QScrollArea {{ background: transparent; border: none; }}
QScrollArea > QWidget > QWidget[role="plain"] {{ background: transparent; }}
"""

_TEXTS = """
QLabel[role="title"] {{ font-size: 20px; font-weight: 600; }}
QLabel[role="heading"] {{ font-size: 11px; font-weight: 600; color: {t.muted}; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="accent"] {{ font-weight: 600; color: {t.accent}; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="faint"] {{ color: {t.faint}; }}
QLabel[role="small"] {{ color: {t.muted}; font-size: 12px; }}
QLabel[role="figure"] {{ font-size: 22px; font-weight: 600; }}
QLabel[role="good"] {{ color: {t.good}; }}
QLabel[role="warning"] {{ color: {t.warning}; }}
QLabel[role="danger"] {{ color: {t.danger}; }}
QLabel[role="tag"] {{ background: {t.raised}; color: {t.muted}; border-radius: 8px; padding: 1px 8px;
    font-size: 11px; }}
QLabel[role="tag-warning"] {{ background: {t.raised}; color: {t.warning}; border-radius: 8px; padding: 1px 8px;
    font-size: 11px; }}
"""

_CONTROLS = """
QPushButton {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 4px; padding: 5px 12px;
    min-height: 18px; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:pressed {{ background: {t.line}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled {{ color: {t.disabled}; background: {t.surface}; }}
QPushButton:checked {{ border-color: {t.accent}; color: {t.accent}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent};
    font-weight: 600; }}
QPushButton[role="primary"]:hover {{ border-color: {t.text}; }}
QPushButton[role="primary"]:focus {{ border-color: {t.text}; }}
QPushButton[role="primary"]:disabled {{ background: {t.raised}; color: {t.disabled}; border-color: {t.line}; }}
QPushButton[role="quiet"] {{ background: transparent; border-color: transparent; }}
QPushButton[role="quiet"]:hover {{ background: {t.hover}; }}
QPushButton[role="quiet"]:focus {{ border-color: {t.accent}; }}
QPushButton[role="row"] {{ background: transparent; border-color: transparent; text-align: left; padding: 7px 8px; }}
QPushButton[role="row"]:hover {{ background: {t.hover}; }}
QPushButton[role="row"]:focus {{ border-color: {t.accent}; }}
QPushButton::menu-indicator {{ image: none; width: 0px; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px; }}
QToolButton:hover {{ background: {t.hover}; }}
QToolButton:pressed {{ background: {t.line}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:checked {{ background: {t.raised}; color: {t.accent}; }}
QToolButton::menu-indicator {{ image: none; width: 0px; }}
QToolButton[role="page"] {{ border-radius: 0px; border: none; border-left: 3px solid transparent;
    padding: 8px 3px 6px 0px; color: {t.muted}; font-size: 12px; }}
QToolButton[role="page"]:hover {{ background: {t.raised}; color: {t.text}; }}
QToolButton[role="page"]:focus {{ background: {t.raised}; }}
QToolButton[role="page"]:checked {{ background: {t.window}; border-left-color: {t.accent}; color: {t.text}; }}
QToolButton[role="page"]:disabled {{ color: {t.disabled}; }}
QLineEdit, QPlainTextEdit, QTextBrowser, QAbstractSpinBox, QComboBox {{ background: {t.field};
    border: 1px solid {t.line}; border-radius: 4px; padding: 4px 6px; selection-background-color: {t.accent};
    selection-color: {t.on_accent}; }}
QLineEdit:focus, QPlainTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{ border-color: {t.accent}; }}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{ color: {t.disabled}; }}
QAbstractSpinBox {{ qproperty-alignment: "AlignRight|AlignVCenter"; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0px; border: none; }}
QComboBox {{ padding-right: 2px; }}
QComboBox::drop-down {{ border: none; width: 16px; }}
QComboBox::down-arrow {{ image: url("{icons}/down-{t.name}.svg"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {t.raised}; border: 1px solid {t.line}; padding: 2px; }}
QCheckBox, QRadioButton {{ spacing: 8px; }}
QCheckBox::indicator, QGroupBox::indicator {{ width: 14px; height: 14px; border: 1px solid {t.faint};
    border-radius: 3px; background: {t.field}; }}
QCheckBox::indicator:checked {{ background: {t.accent}; border-color: {t.accent};
    image: url("{icons}/check-{t.name}.svg"); }}
QCheckBox::indicator:focus, QCheckBox:focus::indicator {{ border-color: {t.accent}; }}
QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {t.faint}; border-radius: 8px;
    background: {t.field}; }}
QRadioButton::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QSlider {{ min-height: 20px; }}
QSlider::groove:horizontal {{ height: 4px; background: {t.line}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.disabled}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {t.text}; }}
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {t.accent}; }}
QSlider::handle:horizontal:disabled {{ background: {t.disabled}; }}
QProgressBar {{ background: {t.line}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QTabBar::tab {{ padding: 6px 12px; color: {t.muted}; border-bottom: 2px solid transparent; background: transparent; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabWidget::pane {{ border: none; }}
"""

_VIEWS = """
QAbstractItemView {{ background: {t.surface}; border: none; outline: none; selection-background-color: {t.hover};
    selection-color: {t.text}; alternate-background-color: {t.surface}; }}
QListView[role="pictures"], QAbstractItemView[role="pictures"] {{ background: {t.backdrop}; padding: 4px; }}
QTreeView::item, QTableView::item, QListView[role="list"]::item {{ padding: 5px 8px; border: none; }}
QTreeView::item:selected, QTableView::item:selected, QListView[role="list"]::item:selected {{ background: {t.hover};
    color: {t.text}; }}
QTreeView::item:hover:!selected, QListView[role="list"]::item:hover:!selected {{ background: {t.raised}; }}
QAbstractItemView[role="pictures"]:focus, QListView[role="list"]:focus {{ border: none; }}
QHeaderView {{ background: {t.surface}; }}
QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none; border-bottom: 1px solid {t.line};
    padding: 5px 8px; font-size: 11px; font-weight: 600; }}
QTableCornerButton::section {{ background: {t.surface}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {t.disabled}; border-radius: 4px; margin: 1px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }} QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
