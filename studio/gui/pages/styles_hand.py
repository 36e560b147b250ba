"""The style in hand on the page Styles: drawn, re-rolled, pinned, dropped, renamed; and the one that is tried out."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.gui import amounts
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages import styles_drawing
from studio.gui.pages.styles_draw import ADDING, DrawPanel
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.pages.styles_map_desk import MapDesk
from studio.gui.session import Session
from studio.vocabulary.styles import Style


class StyleHand(QObject):
    """``draft_changed``: another style is tried out, which is not on the bench."""

    draft_changed = Signal()

    def __init__(
        self, session: Session, lab: StyleLab, bench: StyleBench, panel: DrawPanel, map_desk: MapDesk, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._lab, self._bench, self._panel, self._map_desk = session, lab, bench, panel, map_desk
        self.column = -1
        self.draft: Style | None = None
        panel.draw_wanted.connect(self.draw)
        panel.draft_moved.connect(self.try_out)
        map_desk.draft_moved.connect(self.try_out)

    @property
    def style(self) -> Style | None:
        return self._bench.styles[self.column] if 0 <= self.column < len(self._bench.styles) else None

    @property
    def shown(self) -> tuple[Style, ...]:
        """The styles on the bench, and behind them the one that is tried out."""
        return self._bench.styles if self.draft is None else (*self._bench.styles, self.draft)

    def stay_on_bench(self) -> None:
        """After an edit there may be fewer styles."""
        self.column = min(max(self.column, 0), len(self._bench.styles) - 1)

    def draw(self, way: str, anew: bool) -> None:
        """Draw styles in one of the ways; ``anew`` replaces all that are not pinned."""
        with self._session.reporting():
            drawn = styles_drawing.drawn(
                self._panel, self._lab, self._bench, footage_row=self._map_desk.footage_row, base=self.style
            )
            said = f"draw {amounts.count(len(drawn), 'styles')}"
            (self._bench.draw_anew if anew else self._bench.add)(said, drawn)
            self.try_out()

    def draw_anew(self) -> None:
        self.draw(self._panel.chosen_way, self._panel.chosen_way not in ADDING)

    def reroll(self) -> None:
        if self.style is not None:
            with self._session.reporting():
                new = styles_drawing.another(self.style, self._panel, self._lab, self._bench)
                self._bench.replace(f"re-roll {self.style.name}", self.column, new)

    def pin(self) -> None:
        if self.style is not None:
            self._bench.pin(self.column)

    def drop(self) -> None:
        if self.style is not None:
            self._bench.drop([self.column])

    def rename(self, name: str) -> None:
        if self.style is not None:
            self._bench.rename(self.column, name)

    def try_out(self) -> None:
        """Preview what the sliders, the dot that was clicked or the drag on the map say."""
        draft = self._map_desk.placing or styles_drawing.draft(
            self._panel, self._lab, self._bench.styles, base=self.style, footage_row=self._map_desk.footage_row
        )
        if draft != self.draft:
            self.draft = draft
            self.draft_changed.emit()
