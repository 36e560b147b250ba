"""The widgets of the page Styles, put together; what they do is wired by the page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from studio.gui.actions import ActionTable
from studio.gui.models.preview_cells import PreviewCells
from studio.gui.pages.styles_draw import DrawPanel, StylePanel
from studio.gui.pages.styles_header import StylesHeader
from studio.gui.pages.styles_palettes import DiversityPanel, PalettePanel, TranslatePanel
from studio.gui.pages.styles_quality import CellPanel
from studio.gui.pages.styles_selection_panel import SelectionPanel
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import EmptyState, InspectorArea, column, holder, inspector, row
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.style_grid import StyleGrid
from studio.gui.widgets.style_map import StyleMap
from studio.gui.widgets.view_link import ViewLink


class StylesView(QWidget):
    """The grid above, the map and one large picture below; or the word that there is no translator yet."""

    def __init__(self, actions: ActionTable, cells: PreviewCells, link: ViewLink) -> None:
        super().__init__()
        self.header = StylesHeader(actions)
        self.bar = OverlayBar(compares=True)
        self.bar.layout().setContentsMargins(2 * UNIT, 0, UNIT, 0)  # type: ignore[union-attr]
        self.worst = actions.tool_button("styles.worst")
        self.grid = StyleGrid(cells, link)
        self.map = StyleMap()
        self.map.set_repair(actions.tool_button("styles.encode"))
        self.detail = PictureView(link)
        self._map_place = QStackedWidget()
        self._map_place.addWidget(self.map)
        self._map_place.addWidget(
            EmptyState("styles", "Where is the footage?", "Encode the footage once with this run: then styles can be "
                       "drawn so that they cover it, and seen on a map.",
                       actions.button("styles.encode", role="primary"))
        )  # fmt: skip
        nothing = EmptyState(
            "styles", "No translator yet", "Styles are what a trained translator makes of a frame. Train one on scenes "
            "and footage first.", actions.button("styles.train", role="primary"),
        )  # fmt: skip
        self._stack = QStackedWidget()
        self._stack.addWidget(self._lab())
        self._stack.addWidget(nothing)
        layout = column(self.header, self._stack, spacing=0)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._build_panels(actions)

    def _lab(self) -> QWidget:
        below = QSplitter(Qt.Orientation.Horizontal)
        below.addWidget(self._map_place)
        below.addWidget(self.detail)
        below.setSizes([400, 520])
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.grid)
        split.addWidget(below)
        split.setSizes([420, 260])
        split.setChildrenCollapsible(False)
        head = row(self.bar, self.header.measure_box, self.worst, spacing=UNIT // 2)
        head.setStretch(0, 1)
        top = holder(head)
        head.setContentsMargins(0, 0, 2 * UNIT, UNIT // 2)
        lab = holder(column(top, split, spacing=0))
        lab.layout().setStretch(1, 1)  # type: ignore[union-attr]
        return lab

    def _build_panels(self, actions: ActionTable) -> None:
        self.selection_panel = SelectionPanel()
        self.draw_panel = DrawPanel()
        self.style_panel = StylePanel(
            *[actions.tool_button(f"styles.{n}") for n in ("pin", "reroll", "rename", "drop")]
        )
        self.cell_panel = CellPanel(*[actions.tool_button(f"styles.{n}") for n in ("pin_frame", "drop_frame")])
        self.diversity = DiversityPanel()
        self.palettes = PalettePanel()
        self.translate_panel = TranslatePanel(actions.button("styles.translate", role="primary"))
        self.panels: InspectorArea = inspector(
            self.selection_panel, self.draw_panel, self.style_panel, self.cell_panel, self.diversity, self.palettes,
            self.translate_panel,
        )  # fmt: skip

    def show_lab(self, there_are_runs: bool) -> None:
        """The lab, or the word that there is nothing to look through yet."""
        self._stack.setCurrentIndex(0 if there_are_runs else 1)
        self.panels.setEnabled(there_are_runs)

    def show_map(self, known: bool) -> None:
        """The map, or what to do so that there is footage on it."""
        self._map_place.setCurrentIndex(0 if known else 1)

    def show_selection(self) -> None:
        """Bring what was just selected into sight in the inspector."""
        self.panels.verticalScrollBar().setValue(0)
