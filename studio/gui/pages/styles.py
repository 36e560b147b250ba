"""The page Styles: frames in styles, drawn, tuned and kept as palettes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from studio.gui import amounts
from studio.gui.actions import ActionTable
from studio.gui.models.background import Background
from studio.gui.models.preview_cells import Cell
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages import styles_drawing
from studio.gui.pages.page import Page
from studio.gui.pages.styles_actions import ROWS
from studio.gui.pages.styles_draw import ADDING, DrawPanel, StylePanel
from studio.gui.pages.styles_header import StylesHeader
from studio.gui.pages.styles_lab import StyleLab, fitted, spread_frames
from studio.gui.pages.styles_map_desk import MapDesk
from studio.gui.pages.styles_palette_desk import PaletteDesk
from studio.gui.pages.styles_palettes import DiversityPanel, PalettePanel, TranslatePanel, diversity_rows
from studio.gui.pages.styles_quality import CellPanel, QualityDesk
from studio.gui.session import Session
from studio.gui.theme import UNIT
from studio.gui.widgets.basics import EmptyState, column, holder, inspector
from studio.gui.widgets.blending import PictureState
from studio.gui.widgets.overlay_bar import OverlayBar
from studio.gui.widgets.picture_view import PictureView
from studio.gui.widgets.style_grid import StyleGrid
from studio.gui.widgets.style_grid_cells import GridRow
from studio.gui.widgets.style_map import StyleMap
from studio.gui.widgets.view_link import ViewLink
from studio.project.records import Changed
from studio.vocabulary.styles import Style


class StylesPage(Page):
    """Runs, frames and styles; everything that is edited can be undone."""

    title = "Styles"
    icon_name = "styles"
    rows = ROWS

    def __init__(self, session: Session, actions: ActionTable) -> None:
        super().__init__(session, actions)
        self.lab = StyleLab(self)
        self.bench = StyleBench(session.undo_stack, self)
        self._background = Background(self, threads=1)
        self._turn = 0
        self._column = -1
        self._draft: Style | None = None
        self._in_detail: tuple[GridRow, Cell | None] | None = None
        self._build(actions)
        self._wire()
        self._show_style()
        self.quality.show_cell(None)

    # -- building

    def _build(self, actions: ActionTable) -> None:
        self.link = ViewLink(self)
        self.header = StylesHeader(actions)
        self.bar = OverlayBar(("none", "segmentation", "depth", "normals", "difference", "validity"), compares=True)
        self.bar.layout().setContentsMargins(2 * UNIT, 0, 2 * UNIT, UNIT // 2)  # type: ignore[union-attr]
        self.grid = StyleGrid(self.lab.cells, self.link)
        self.map = StyleMap()
        self.detail = PictureView(self.link)
        self.map_place = QStackedWidget()
        self.map_place.addWidget(self.map)
        self.map_place.addWidget(
            EmptyState("styles", "Where is the footage?", "Encode the footage once with this run: then styles can be "
                       "drawn so that they cover it, and seen on a map.",
                       actions.button("styles.encode", role="primary"))
        )  # fmt: skip
        below = QSplitter(Qt.Orientation.Horizontal)
        below.addWidget(self.map_place)
        below.addWidget(self.detail)
        below.setSizes([400, 520])
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.addWidget(self.grid)
        self.split.addWidget(below)
        self.split.setSizes([420, 260])
        self.split.setChildrenCollapsible(False)
        lab = holder(column(self.bar, self.split, spacing=0))
        lab.layout().setStretch(1, 1)  # type: ignore[union-attr]
        self.nothing = EmptyState(
            "styles", "No translator yet", "Styles are what a trained translator makes of a frame. Train one on scenes "
            "and footage first.", actions.button("styles.train", role="primary"),
        )  # fmt: skip
        self.stack = QStackedWidget()
        self.stack.addWidget(lab)
        self.stack.addWidget(self.nothing)
        layout = column(self.header, self.stack, spacing=0)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self._build_panels(actions)

    def _build_panels(self, actions: ActionTable) -> None:
        self.draw_panel = DrawPanel()
        tools = [actions.tool_button(f"styles.{n}") for n in ("pin", "reroll", "rename", "drop")]
        self.style_panel = StylePanel(*tools)
        self.cell_panel = CellPanel()
        self.diversity = DiversityPanel()
        self.palettes = PalettePanel()
        self.translate_panel = TranslatePanel(actions.button("styles.translate", role="primary"))
        self._inspector = inspector(
            self.draw_panel, self.style_panel, self.cell_panel, self.diversity, self.palettes, self.translate_panel
        )

    def _wire(self) -> None:
        lab, grid = self.lab, self.grid
        lab.rows_changed.connect(lambda: grid.set_rows(lab.rows))
        lab.row_loaded.connect(self._row_loaded)
        lab.cell_arrived.connect(self._cell_arrived)
        lab.run_changed.connect(self._run_changed)
        lab.failed.connect(self._failed)
        self.bench.changed.connect(self._bench_changed)
        grid.cell_chosen.connect(self._cell_chosen)
        grid.column_chosen.connect(self._choose_column)
        grid.sight_changed.connect(self._want)
        self.bar.changed.connect(grid.set_overlay)
        self.bar.changed.connect(self.detail.set_overlay)
        self.bar.colour_wanted.connect(self.session.set_class_colour)
        self.session.class_colours_changed.connect(self._recoloured)
        self.bar.set_shown("wipe")
        self.map.style_chosen.connect(self._choose_column)
        self.quality = QualityDesk(lab, self.bench, grid, self.cell_panel, self.header.measure_box, self)
        self.quality.changed.connect(self._show_style)
        self.bar.changed.connect(self.quality.overlay_changed)
        self.map_desk = MapDesk(self.session, lab, self.bench, self.map, self.draw_panel, self)
        self.map_desk.draft_moved.connect(self._draft_moved)
        self.map.place_wanted.connect(lambda _code: self._choose_column(len(self.bench.styles) - 1))
        self.palette_desk = PaletteDesk(
            self.session, lab, self.bench, self.palettes, self.translate_panel, self.map, self
        )
        head = self.header
        head.run_box.activated.connect(lambda _i: self._open_run(head.run_box.currentText()))
        head.frame_count.valueChanged.connect(lambda _n: self._show_frames())
        head.scene_box.currentIndexChanged.connect(lambda _i: self._show_frames())
        panel = self.draw_panel
        panel.draw_wanted.connect(self.draw)
        panel.draft_moved.connect(self._draft_moved)
        self.style_panel.renamed.connect(self._rename)

    def inspector(self) -> QWidget:
        return self._inspector

    # -- refreshing

    def refresh(self, changed: Changed) -> None:
        if changed.runs:
            self._show_runs()
        if changed.scenes or not self.lab.rows:
            self._show_frames()
        if changed.runs or changed.footage:
            self._codes_changed()
        if changed.palettes or changed.scenes:
            self.palette_desk.show()

    def activated(self) -> None:
        self.grid.setFocus()  # the page's keys work from the start

    def showEvent(self, event: QShowEvent) -> None:
        self.lab.set_shown(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.lab.set_shown(False)
        super().hideEvent(event)

    def project_closed(self) -> None:
        self.lab.shut()
        self.map_desk.close()
        self.palettes.compare.setChecked(False)
        self._background.forget()

    def _show_runs(self) -> None:
        runs = [r for r in self.session.project.runs.all("translator") if r.state != "new"]
        names = [r.name for r in runs]
        self.header.show_runs(names)
        self.stack.setCurrentIndex(0 if runs else 1)
        self._inspector.setEnabled(bool(runs))
        if not runs:
            return
        wanted = self.session.selection.run
        shown = self.lab.run
        name = wanted if wanted in names else shown.name if shown is not None and shown.name in names else names[-1]
        self.header.show_run(name)
        run = next(r for r in runs if r.name == name)
        trained_on = shown is not None and shown.state == "running" and run.state != "running"
        if shown is None or (shown.id, shown.name) != (run.id, run.name) or trained_on:
            self._open_run(name)

    def _open_run(self, name: str) -> None:
        with self.session.reporting():
            self.grid.hint, self.grid.notice = "Starting the preview engine…", ""
            self.grid.forget_validities()
            self.lab.open_run(self.session.project.runs.get("translator", name))
            self.session.select(replace(self.session.selection, run=name))

    def _run_changed(self) -> None:
        self.grid.hint = "Draw styles at the right: each becomes a column here."
        self._codes_changed()
        self.palette_desk.show()
        if not self.bench.styles and self.lab.style_size:
            self._first_styles()
        self._bench_changed()

    def _first_styles(self) -> None:
        """A run that is looked at for the first time shows its newest palette, or a few styles: of its footage where
        that is known, else at random.
        """
        run = self.lab.run
        assert run is not None
        if not self.palette_desk.load_newest(run.name):
            self.bench.load(styles_drawing.first(self.lab, self.bench.next_seed()))

    def _codes_changed(self) -> None:
        before, laid_out = self.lab.codes, self.lab.tsne_N2
        self.lab.reload_codes()
        codes = self.lab.codes
        known = codes is not None and len(codes.ids) > 0
        self.map_place.setCurrentIndex(0 if known or not self.session.project.footage.count() else 1)
        self.map.hint = "Drawn styles appear here." if not known else ""
        self.draw_panel.set_footage(known and len(codes.ids) > 1 if codes is not None else False)
        if laid_out is None and self.lab.tsne_N2 is not None and self.map.waits_for_tsne:
            self.session.say("The map shows t-SNE now.")
        same = before is not None and codes is not None and before.fingerprint == codes.fingerprint
        same = same and before is not None and codes is not None and before.ids == codes.ids and self.map.has_footage
        same = same and (laid_out is None) == (self.lab.tsne_N2 is None)
        if not same:
            self.map_desk.footage_changed()
            if codes is not None:
                self.map.set_footage(codes.codes_NS, codes.patients, codes.names, codes.brightness_N, self.lab.tsne_N2)
            else:
                self.map.set_footage(np.zeros((0, 0), np.float32), (), ())
        self._show_facts()
        self._show_diversity()

    def _show_facts(self) -> None:
        codes = self.lab.codes
        facts = ["" if codes is None else amounts.count(len(codes.ids), "footage styles")]
        if self.lab.codes_are_stale:
            facts.append("of an older checkpoint: encode the footage again")
        self.header.set_facts(*facts)

    def _failed(self, text: str) -> None:
        self.grid.hint = text
        self.grid.notice = f"No previews: {text}"
        self.grid.viewport().update()
        self.session.say(text, "error")

    # -- frames

    def _show_frames(self) -> None:
        project, head = self.session.project, self.header
        head.show_scenes([(s.id, s.patient) for s in project.scenes.all()])
        frames = spread_frames(project, head.frame_count.value(), turn=self._turn, scene_id=head.scene)
        if frames and [f.files.rgb for f in frames] == [r.path for r in self.lab.rows]:
            return  # a job that runs says often that something has changed
        self.lab.show_frames(self.session.project, frames, self.session.coloured)
        if not frames:
            self.grid.hint = "There are no frames yet: simulate or add scenes on the page Scenes."
        self._want()

    def other_frames(self) -> None:
        self._turn += 1
        self._show_frames()

    def _row_loaded(self, index: int) -> None:
        self.grid.set_row(index, self.lab.rows[index])
        self._show_detail()

    def worst_first(self) -> None:
        self.quality.worst_first()

    def _recoloured(self) -> None:
        self.lab.recolour(self.session.coloured)

    # -- the grid

    @property
    def _shown_styles(self) -> tuple[Style, ...]:
        return self.bench.styles if self._draft is None else (*self.bench.styles, self._draft)

    def _want(self) -> None:
        """Ask for what is in sight, then for the rest of the rows."""
        grid, styles = self.grid, self._shown_styles
        if not styles or not grid.rows:
            return
        seen = [grid.rows[i].path for i in grid.rows_in_sight()]
        columns = [styles[i].code for i in grid.columns_in_sight() if i < len(styles)]
        if self._draft is not None:
            columns = [self._draft.code, *(c for c in columns if c != self._draft.code)]
        self.lab.want(seen, columns, [s.code for s in self.bench.styles])

    def _bench_changed(self) -> None:
        styles = self.bench.styles
        self._column = min(max(self._column, 0), len(styles) - 1)
        self.grid.set_styles(self._shown_styles, self._column)
        self.map.set_styles(self._shown_styles, self._column)
        self.draw_panel.set_styles(styles)
        self._want()
        self._show_style()
        self._show_detail()
        self._show_diversity()
        self.palette_desk.show_cost()

    def _cell_chosen(self, _row: int, column: int) -> None:
        if column >= 0:
            self._column = min(column, len(self.bench.styles) - 1)
            self.map.set_styles(self._shown_styles, self._column)
        self._show_style()
        self._show_detail()

    def _choose_column(self, column: int) -> None:
        if column < len(self.bench.styles):
            self.grid.choose(max(0, self.grid.current[0]), column)

    def _cell_arrived(self) -> None:
        self.grid.notice = ""
        self.grid.cell_arrived()
        self._show_detail()

    def _show_detail(self) -> None:
        row_index, column = self.grid.current
        row_index, styles = max(0, row_index), self._shown_styles
        if self._draft is not None:
            column = len(styles) - 1
        self.lab.look_at([r.path for r in self.lab.rows[row_index : row_index + 1]])
        if row_index >= len(self.lab.rows) or self.lab.rows[row_index].layers is None:
            row = self.lab.rows[row_index] if row_index < len(self.lab.rows) else None
            self.detail.set_state(None, row.note if row is not None and row.note else "Click a picture to see it here.")
            self.quality.show_cell(None)
            return
        column = max(column, self._column) if column < 0 else column
        self._show_cell(self.lab.rows[row_index], styles[column] if 0 <= column < len(styles) else None)

    def _show_cell(self, row: GridRow, style: Style | None) -> None:
        """A frame, and its translation in a style as far as that has come."""
        assert row.layers is not None
        cell = None if style is None else self.lab.cells.get(row.path, style.code)
        key = None if style is None else (row.path, style.code)
        self.quality.show_cell(key, "" if style is None else f"{row.caption}  ·  {style.name}")
        if self.detail.state is not None and self._in_detail == (row, cell):
            return
        self._in_detail = row, cell
        image_HW3 = None if cell is None else fitted(cell.image_HW3, row.layers)
        state = PictureState(row.layers, image_HW3, classes=row.classes)
        self.detail.set_state(state)
        self.bar.offer(state)
        if key is not None and cell is not None and cell.quality == "sharp":
            self.lab.ask_validity_map(key, self._validity_found(state))

    def _validity_found(self, state: PictureState) -> Callable[[np.ndarray], None]:
        def take(validity_HW: np.ndarray) -> None:
            if self.detail.state is state:
                self.detail.set_state(replace(state, validity_HW=validity_HW))

        return take

    # -- styles

    @property
    def style_in_hand(self) -> Style | None:
        return self.bench.styles[self._column] if 0 <= self._column < len(self.bench.styles) else None

    def _show_style(self) -> None:
        style = self.style_in_hand
        means = self.quality.means()
        self.style_panel.show_style(style, None if style is None else means.get(style.code))
        self.map.set_validities([means[s.code][0] if s.code in means else None for s in self._shown_styles])
        styles_drawing.stand_at(self.draw_panel, self.lab, style)
        for name in ("pin", "reroll", "rename", "drop"):
            self.action_table.allow(f"styles.{name}", style is not None)

    def draw(self, way: str, anew: bool) -> None:
        """Draw styles in one of the ways; ``anew`` replaces all that are not pinned."""
        with self.session.reporting():
            drawn = styles_drawing.drawn(
                self.draw_panel, self.lab, self.bench, footage_row=self.map_desk.footage_row, base=self.style_in_hand
            )
            said = f"draw {amounts.count(len(drawn), 'styles')}"
            (self.bench.draw_anew if anew else self.bench.add)(said, drawn)
            self._draft_moved()

    def draw_anew(self) -> None:
        self.draw(self.draw_panel.chosen_way, self.draw_panel.chosen_way not in ADDING)

    def reroll(self) -> None:
        style = self.style_in_hand
        if style is None:
            return
        with self.session.reporting():
            new = styles_drawing.another(style, self.draw_panel, self.lab, self.bench)
            self.bench.replace(f"re-roll {style.name}", self._column, new)

    def pin(self) -> None:
        if self.style_in_hand is not None:
            self.bench.pin(self._column)

    def drop(self) -> None:
        if self.style_in_hand is not None:
            self.bench.drop([self._column])

    def _rename(self, name: str) -> None:
        if self.style_in_hand is not None:
            self.bench.rename(self._column, name)

    def rename(self) -> None:
        self.style_panel.name.setFocus()
        self.style_panel.name.selectAll()

    def _draft_moved(self) -> None:
        draft = self.map_desk.placing or styles_drawing.draft(
            self.draw_panel, self.lab, self.bench.styles, base=self.style_in_hand, footage_row=self.map_desk.footage_row
        )
        if draft != self._draft:
            self._draft = draft
            self.grid.set_styles(self._shown_styles, self._column)
            self.map.set_styles(self._shown_styles, self._column)
            self._want()
            self._show_detail()

    # -- figures, palettes, jobs

    def _show_diversity(self) -> None:
        codes, styles = self.lab.codes, self.bench.styles
        self._background.ask(
            ("diversity", id(codes), styles),
            lambda: diversity_rows(codes, styles),
            lambda found: self.diversity.show_figures(*found) if isinstance(found, tuple) else None,
        )

    def encode(self) -> None:
        """Compute the footage's style codes as a job."""
        run = self.lab.run
        if run is not None:
            argv = ["styles", "encode", str(self.session.project.folder), "--run", run.name]
            self.session.start(f"Encode footage with {run.name}", argv, touches=Changed(footage=True))

    def save(self) -> None:
        self.palette_desk.save()

    def translate(self) -> None:
        self.palette_desk.translate()

    def go_to_train(self) -> None:
        self.session.asked_for_page.emit("Train")
