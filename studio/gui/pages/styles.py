"""The page Styles: frames in styles, drawn, tuned and kept as palettes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from studio.gui import amounts
from studio.gui.actions import ActionTable
from studio.gui.models.background import Background
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages import styles_drawing
from studio.gui.pages.page import Page
from studio.gui.pages.styles_actions import ROWS
from studio.gui.pages.styles_detail import DetailDesk
from studio.gui.pages.styles_hand import StyleHand
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.pages.styles_map_desk import MapDesk
from studio.gui.pages.styles_palette_desk import PaletteDesk
from studio.gui.pages.styles_palettes import diversity_rows
from studio.gui.pages.styles_quality import QualityDesk
from studio.gui.pages.styles_rows import RowsDesk, row_menu
from studio.gui.pages.styles_selection import SelectionDesk
from studio.gui.pages.styles_sheet import SheetDesk
from studio.gui.pages.styles_view import StylesView
from studio.gui.session import Session
from studio.gui.widgets.basics import column
from studio.gui.widgets.view_link import ViewLink
from studio.pipeline.views import choose_checkpoint, chosen_checkpoint, kept_checkpoints
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
        self._build(actions)
        self._make_desks()
        self._wire()
        self._show_style()
        self.quality.show_cell(None)

    def _build(self, actions: ActionTable) -> None:
        self.link = ViewLink(self)
        view = self.view = StylesView(actions, self.lab.cells, self.link)
        self.header, self.bar, self.grid, self.map, self.detail = (
            view.header,
            view.bar,
            view.grid,
            view.map,
            view.detail,
        )
        self.draw_panel, self.style_panel, self.cell_panel = view.draw_panel, view.style_panel, view.cell_panel
        self.diversity, self.palettes, self.translate_panel = view.diversity, view.palettes, view.translate_panel
        self.selection_panel = view.selection_panel
        self.setLayout(column(view, spacing=0))

    def _make_desks(self) -> None:
        session, lab, bench = self.session, self.lab, self.bench
        self.quality = QualityDesk(lab, bench, self.grid, self.cell_panel, self.header.measure_box, self)
        self.rows_desk = RowsDesk(session, lab, self.grid, self.header, self)
        self.map_desk = MapDesk(session, lab, bench, self.map, self.draw_panel, self)
        self.hand = StyleHand(session, lab, bench, self.draw_panel, self.map_desk, self)
        self.palette_desk = PaletteDesk(session, lab, bench, self.palettes, self.translate_panel, self.map, self)
        self.selection_desk = SelectionDesk(
            session, lab, bench, self.map, self.selection_panel, self.palette_desk, self
        )
        self.detail_desk = DetailDesk(lab, self.detail, self.bar, self.quality, self)
        self.sheet_desk = SheetDesk(session, lab, self)

    def _wire(self) -> None:
        lab, grid, head = self.lab, self.grid, self.header
        lab.rows_changed.connect(self._want)
        lab.row_loaded.connect(self._row_loaded)
        lab.cell_arrived.connect(self._cell_arrived)
        lab.run_changed.connect(self._run_changed)
        lab.failed.connect(self._failed)
        lab.code_refused.connect(lambda text: self.session.say(text, "error"))
        self.bench.changed.connect(self._bench_changed)
        grid.cell_chosen.connect(self._cell_chosen)
        grid.column_chosen.connect(self._choose_column)
        grid.sight_changed.connect(self._want)
        grid.menu_wanted.connect(self._show_menu)
        self.bar.changed.connect(grid.set_overlay)
        self.bar.changed.connect(self.detail.set_overlay)
        self.bar.changed.connect(self.quality.overlay_changed)
        self.bar.colour_wanted.connect(self.session.set_class_colour)
        self.session.class_colours_changed.connect(self._recoloured)
        self.bar.set_shown("wipe")
        self.quality.changed.connect(self._show_style)
        self.hand.draft_changed.connect(self._draft_changed)
        self.map.style_chosen.connect(self._choose_column)
        self.map.place_wanted.connect(lambda _code: self._choose_column(len(self.bench.styles) - 1))
        self.map.selection_changed.connect(self.view.show_selection)
        head.run_box.activated.connect(lambda _i: self._open_run(head.run_box.currentText()))
        head.checkpoint_box.activated.connect(lambda _i: self._open_checkpoint())
        self.style_panel.renamed.connect(self.hand.rename)

    def inspector(self) -> QWidget:
        return self.view.panels

    # -- refreshing

    def refresh(self, changed: Changed) -> None:
        if changed.runs:
            self._show_runs()
        if changed.scenes or not self.lab.rows:
            self.rows_desk.show()
        if changed.runs or changed.footage:
            self._codes_changed()
        if changed.palettes or changed.scenes:
            self.palette_desk.show()
        if changed.footage or changed.scenes:
            self.selection_desk.show()

    def activated(self) -> None:
        self.rows_desk.take_picked()
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
        self.selection_desk.close()
        self.sheet_desk.close()
        self.palettes.compare.setChecked(False)
        self._background.forget()

    # -- the run

    def _show_runs(self) -> None:
        runs = [r for r in self.session.project.runs.all("translator") if r.state != "new"]
        names = [r.name for r in runs]
        self.header.show_runs(names)
        self.view.show_lab(bool(runs))
        if not runs:
            if self.lab.run is not None:  # it was deleted while it was shown
                self.lab.open_run(None)
            return
        wanted = self.session.selection.run
        shown = self.lab.run
        name = wanted if wanted in names else shown.name if shown is not None and shown.name in names else names[-1]
        self.header.show_run(name)
        run = next(r for r in runs if r.name == name)
        self.header.show_checkpoints(kept_checkpoints(run.folder), self.lab.checkpoint)
        trained_on = shown is not None and shown.state == "running" and run.state != "running"
        if shown is None or (shown.id, shown.name) != (run.id, run.name) or trained_on:
            self._open_run(name)

    def _open_run(self, name: str) -> None:
        with self.session.reporting():
            self.grid.hint = self.grid.notice = "Starting the preview engine…"  # until its first picture comes
            self.grid.forget_validities()
            run = self.session.project.runs.get("translator", name)
            checkpoint = chosen_checkpoint(self.session.project, run)
            self.header.show_checkpoints(kept_checkpoints(run.folder), checkpoint)
            self.lab.open_run(run, checkpoint, left_out=self.session.project.footage.left_out())
            self.session.select(replace(self.session.selection, run=name))

    def _open_checkpoint(self) -> None:
        if self.lab.run is not None:
            with self.session.reporting():
                chosen = str(self.header.checkpoint_box.currentData())
                choose_checkpoint(self.session.project, self.lab.run, chosen)
            self._open_run(self.lab.run.name)

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
        self.map_desk.show_codes()
        codes = self.lab.all_codes
        known = codes is not None and len(codes.ids) > 0
        self.view.show_map(known or not self.session.project.footage.count())
        stale = self.lab.codes_are_stale
        self.map.set_warning("Of another checkpoint: encode the footage again." if stale else "")
        self.header.set_facts("" if codes is None else amounts.count(len(codes.ids), "footage styles"))
        self._show_diversity()

    def _failed(self, text: str) -> None:
        self.grid.hint = text
        self.grid.notice = f"No previews: {text}"
        self.grid.viewport().update()
        self.session.say(text, "error")

    # -- the grid

    def _row_loaded(self, index: int) -> None:
        self.grid.set_row(index, self.lab.rows[index])
        self._show_detail()

    def _recoloured(self) -> None:
        self.lab.recolour(self.session.coloured)

    def _want(self) -> None:
        """Ask for what is in sight, then for the rest of the rows."""
        grid, styles, draft = self.grid, self._shown_styles, self.hand.draft
        if not styles or not grid.rows:
            return
        seen = [grid.rows[i].path for i in grid.rows_in_sight()]
        columns = [styles[i].code for i in grid.columns_in_sight() if i < len(styles)]
        if draft is not None:
            columns = [draft.code, *(c for c in columns if c != draft.code)]
        self.lab.want(seen, columns, [s.code for s in self.bench.styles])

    def _bench_changed(self) -> None:
        self.hand.stay_on_bench()
        self._draft_changed()
        self.draw_panel.set_styles(self.bench.styles)
        self._show_style()
        self._show_diversity()
        self.palette_desk.show_cost()

    def _draft_changed(self) -> None:
        self.grid.set_styles(self._shown_styles, self.hand.column)
        self.map.set_styles(self._shown_styles, self.hand.column)
        self._want()
        self._show_detail()

    def _cell_chosen(self, _row: int, column: int) -> None:
        if column >= 0:
            self.hand.column = min(column, len(self.bench.styles) - 1)
            self.map.set_styles(self._shown_styles, self.hand.column)
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
        row, column = self.grid.current
        styles = self._shown_styles
        if self.hand.draft is not None:
            column = len(styles) - 1
        column = max(column, self.hand.column) if column < 0 else column
        self.detail_desk.show(max(0, row), styles[column] if 0 <= column < len(styles) else None)

    def _show_menu(self, row: int, column: int, at: QPoint) -> None:
        self._menu = row_menu(self.action_table, of_row=row >= 0, of_style=0 <= column < len(self.bench.styles))
        self._menu.popup(at)

    # -- styles

    @property
    def _shown_styles(self) -> tuple[Style, ...]:
        return self.hand.shown

    @property
    def style_in_hand(self) -> Style | None:
        return self.hand.style

    def _show_style(self) -> None:
        style, means = self.hand.style, self.quality.means()
        self.style_panel.show_style(style, None if style is None else means.get(style.code))
        self.map.set_validities([means[s.code][0] if s.code in means else None for s in self._shown_styles])
        styles_drawing.stand_at(self.draw_panel, self.lab, style)
        for name in ("pin", "reroll", "rename", "drop"):
            self.action_table.allow(f"styles.{name}", style is not None)

    def _show_diversity(self) -> None:
        codes, styles = self.lab.codes, self.bench.styles
        self._background.ask(
            ("diversity", id(codes), styles),
            lambda: diversity_rows(codes, styles),
            lambda found: self.diversity.show_figures(*found) if isinstance(found, tuple) else None,
        )

    # -- handlers of the action table

    def draw(self, way: str, anew: bool) -> None:
        self.hand.draw(way, anew)

    def draw_anew(self) -> None:
        self.hand.draw_anew()

    def reroll(self) -> None:
        self.hand.reroll()

    def pin(self) -> None:
        self.hand.pin()

    def drop(self) -> None:
        self.hand.drop()

    def rename(self) -> None:
        self.style_panel.name.setFocus()
        self.style_panel.name.selectAll()

    def other_frames(self) -> None:
        self.rows_desk.other()

    def pin_frame(self) -> None:
        self.rows_desk.pin()

    def drop_frame(self) -> None:
        self.rows_desk.drop()

    def pick_frames(self) -> None:
        self.session.asked_for_page.emit("Scenes")
        self.session.say("Select frames in the strip (Shift and Ctrl for several), then “Show in style lab”.")

    def worst_first(self) -> None:
        """Frames and styles, as one step."""
        if all(self.grid.frame_validity(row.path) is None for row in self.grid.rows):
            self.session.say("Nothing has been measured yet: wait until the pictures are sharp.", "warning")
            return
        self.session.undo_stack.beginMacro("worst first")
        self.rows_desk.worst_first(self.grid.frame_validity)
        self.quality.worst_styles_first()
        self.session.undo_stack.endMacro()

    def save_sheet(self) -> None:
        self.sheet_desk.save(self.bench.styles, self.bar.overlay)

    def copy_sheet(self) -> None:
        self.sheet_desk.copy(self.bench.styles, self.bar.overlay)

    def encode(self) -> None:
        """Compute the footage's style codes as a job."""
        run = self.lab.run
        if run is not None:
            argv = ["styles", "encode", str(self.session.project.folder), "--run", run.name]
            argv += self.lab.checkpoint_options
            self.session.start(f"Encode footage with {run.name}", argv, touches=Changed(footage=True))

    def save(self) -> None:
        self.palette_desk.save()

    def translate(self) -> None:
        self.palette_desk.translate()

    def go_to_train(self) -> None:
        self.session.asked_for_page.emit("Train")
