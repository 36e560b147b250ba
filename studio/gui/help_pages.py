"""Help inside the window: the guide's pages, the table of shortcuts, and what this program is."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QListWidget, QPushButton, QTextBrowser, QVBoxLayout, QWidget

import studio
from studio.gui.actions import ActionTable
from studio.gui.icons import icon
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import PageHeader, row

Topic = Literal["guide", "shortcuts", "about"]
_TEXT_WIDTH = 820
_HERE = Qt.ShortcutContext.WidgetWithChildrenShortcut
_FIRST = ("index", "start", "README", "getting_started")
_FLOW = ("scenes", "footage", "train", "styles", "curate", "export", "evaluate")


class HelpPage(QWidget):
    """A list of topics at the left, the text at the right. Everything is read from the program itself, offline."""

    closed = Signal()

    def __init__(self, actions: ActionTable) -> None:
        super().__init__()
        self._actions = actions
        self._texts: dict[str, str] = {}
        self._topics = QListWidget()
        self._topics.setProperty("role", "list")
        self._topics.setFixedWidth(220)
        self._topics.currentTextChanged.connect(self._show)
        self._browser = QTextBrowser()
        self._browser.setOpenLinks(False)
        self._browser.anchorClicked.connect(self._follow)
        self._browser.setStyleSheet("QTextBrowser { border: none; border-radius: 0px; padding: 0px; }")
        self._browser.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        self._browser.setLineWrapColumnOrWidth(_TEXT_WIDTH)
        self._browser.document().setDocumentMargin(4 * UNIT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        close = QPushButton(" Close")
        close.setIcon(icon("close"))
        close.setToolTip("Back to where you were  (Esc)")
        close.clicked.connect(self.closed)
        QShortcut(QKeySequence("Escape"), self, self.closed.emit, context=_HERE)
        layout.addWidget(PageHeader("Help", close))
        body = row(self._topics, self._browser, spacing=0)
        body.setStretch(1, 1)
        layout.addLayout(body, 1)

    @property
    def text(self) -> str:
        """What is shown, without its formatting."""
        return self._browser.toPlainText()

    def show_topic(self, topic: Topic) -> None:
        """Bring a topic to the front, reading the texts at the first call."""
        if not self._texts:
            self._texts = {**guide_texts(), "Keyboard shortcuts": shortcuts_html(self._actions), "About": about_html()}
            self._topics.addItems(list(self._texts))
        names = list(self._texts)
        self._topics.setCurrentRow({"guide": 0, "shortcuts": len(names) - 2, "about": len(names) - 1}[topic])
        self._topics.setFocus()

    def _show(self, name: str) -> None:
        text = self._texts.get(name, "")
        if text.startswith("<"):
            self._browser.setHtml(text)
        else:
            self._browser.setMarkdown(text)
            _space_out(self._browser.document())

    def _follow(self, url: QUrl) -> None:
        """Links between the guide's pages; nothing is fetched from outside."""
        wanted = url.fileName().removesuffix(".md").replace("_", " ").replace("-", " ").lower()
        for index, name in enumerate(self._texts):
            if name.lower() == wanted:
                self._topics.setCurrentRow(index)


def _space_out(document: QTextDocument) -> None:
    """Room above headings and between paragraphs, which Markdown alone does not get."""
    cursor = QTextCursor(document)
    block = document.begin()
    while block.isValid():
        style = block.blockFormat()
        style.setTopMargin(3 * UNIT if style.headingLevel() and block.blockNumber() else UNIT / 2)
        style.setBottomMargin(UNIT / 2)
        style.setLineHeight(125, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        cursor.setPosition(block.position())
        cursor.setBlockFormat(style)
        block = block.next()
    cursor.setPosition(0)


def guide_texts() -> dict[str, str]:
    """Title -> Markdown of the guide's pages: the start, then the flow, then the rest by name."""
    folder = Path(studio.__file__).parent.parent / "resources" / "guide"
    files = {f.stem: f for f in folder.glob("*.md")}
    order = [n for n in (*_FIRST, *_FLOW) if n in files] + sorted(n for n in files if n not in (*_FIRST, *_FLOW))
    return {_title(n): files[n].read_text(encoding="utf-8") for n in order}


def _title(stem: str) -> str:
    words = stem.replace("_", " ").replace("-", " ")
    return "Start" if stem in _FIRST else words[:1].upper() + words[1:]


def shortcuts_html(actions: ActionTable) -> str:
    """All actions with a key, by menu and page, as one table a place."""
    places: dict[str, list[str]] = {}
    for action in actions:
        if action.shortcut:
            keys = QKeySequence(action.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            places.setdefault(action.page or action.menu or "Anywhere", []).append(
                f"<tr><td width=140><b>{html.escape(keys)}</b></td><td width=180>{html.escape(action.text.rstrip('…'))}"
                f"</td><td>{html.escape(action.tooltip)}</td></tr>"
            )
    parts = [f"<h3>{place}</h3><table cellpadding=4>{''.join(rows)}</table>" for place, rows in places.items()]
    return "<h2>Keyboard shortcuts</h2>" + "".join(parts)


def about_html() -> str:
    return (
        f"<h2>Trocar Studio {studio.__version__}</h2>"
        "<p>From simulated laparoscopic scenes and unlabelled footage to realistic, labelled data sets, and the proof"
        " that they help.</p><p>Licence: Apache 2.0. For research; not a medical device.</p>"
        "<p>The method follows Pfeiffer et al., MICCAI 2019 (arXiv 1907.02882), on top of MUNIT by Huang et al.,"
        " ECCV 2018 (arXiv 1804.04732).</p>"
    )
