"""From a lasso on the style map to what is done with it: palettes, screening, and straight on to an export."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer

from studio.gui import amounts
from studio.gui.jobs import ALIVE, WindowJob
from studio.gui.models.catalogue_reader import CatalogueReader
from studio.gui.models.export_wishes import free_folder
from studio.gui.models.preview_cells import SHARP_WIDTH
from studio.gui.models.selection_cost import SelectionCost, selection_cost
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.inclusion import Inclusion
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.pages.styles_palette_desk import PaletteDesk
from studio.gui.pages.styles_selection_panel import SelectionPanel
from studio.gui.session import Session
from studio.gui.widgets.map_selection import Picked
from studio.gui.widgets.style_map import StyleMap
from studio.pipeline.choosing import Only
from studio.project.records import Changed
from studio.styles.sampling import from_average, sample_cover
from studio.vocabulary.styles import Palette, Style

_WAIT_MS = 150


class SelectionDesk(QObject):
    """What is selected is shown in the inspector with its cost; every edit of it can be undone."""

    def __init__(
        self, session: Session, lab: StyleLab, bench: StyleBench, style_map: StyleMap, panel: SelectionPanel,
        palettes: PaletteDesk, parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._lab, self._bench, self._map = session, lab, bench, style_map
        self._panel, self._palettes = panel, palettes
        self._reader = CatalogueReader(session.project.folder, self)
        self._cost: SelectionCost | None = None
        self._suggested = ""
        self._exports: list[WindowJob] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._ask_cost)
        style_map.selection_changed.connect(self._selected)
        bench.changed.connect(self.show)
        lab.cell_arrived.connect(self._time_known)
        session.jobs.ended.connect(self._ended)
        panel.cleared.connect(lambda: style_map.select(Picked()))
        panel.mean_wanted.connect(self.add_mean)
        panel.cover_wanted.connect(self.add_cover)
        panel.include_wanted.connect(self.include)
        panel.keep_wanted.connect(self.keep)
        panel.pin_wanted.connect(self.pin)
        panel.drop_wanted.connect(self.drop)
        panel.named.connect(self._show_cost)
        panel.renamed.connect(self._renamed)
        panel.translate_wanted.connect(self.translate_and_export)
        panel.export_wanted.connect(self.export_made)

    def close(self) -> None:
        self._exports.clear()
        self._timer.stop()
        self._reader.close()

    # -- showing

    @property
    def styles(self) -> list[Style]:
        """The drawn styles that are selected, in the bench's order."""
        return [s for s in self._bench.styles if s.code in self._map.picked.styles]

    @property
    def rows(self) -> list[int]:
        """Rows of the footage's codes that are selected."""
        codes = self._lab.all_codes
        return [] if codes is None else sorted(r for r in self._map.picked.footage if r < len(codes.ids))

    def _selected(self) -> None:
        if self._map.picked and self._panel.isHidden():
            self._session.inspector_wanted.emit()
            self._panel.name.setText(self._palettes.free_name("selection"))
            self._suggest_folder()
        self.show()

    def show(self) -> None:
        """What is selected by now."""
        rows, styles, codes = self.rows, self.styles, self._lab.all_codes
        self._panel.setVisible(bool(rows or styles))
        if not rows and not styles:
            return
        patients = [] if codes is None else list(dict.fromkeys(codes.patients[r] for r in rows))
        self._panel.show_footage(frames=len(rows), patients=patients, left_out=len(self._of_left_out()))
        self._panel.show_styles([s.name for s in styles], len(self._bench.styles), pinned=all(s.pinned for s in styles))
        self._show_cost()
        self._timer.start()

    def _of_left_out(self) -> list[int]:
        codes, left_out = self._lab.all_codes, self._session.project.footage.left_out()
        return [] if codes is None else [r for r in self.rows if codes.ids[r] in left_out]

    def _suggest_folder(self) -> None:
        name = self._panel.name.text().strip().replace("/", "_") or "selection"
        self._suggested = str(free_folder(self._session.project.folder / "exports", name))
        self._panel.dest.setText(self._suggested)

    def _renamed(self) -> None:
        """The folder follows the name, unless a person has named it."""
        if self._panel.dest.text() == self._suggested:
            self._suggest_folder()
        self._show_cost()

    def _ask_cost(self) -> None:
        run, styles, verdicts = self._lab.run, self.styles, self._session.export_wishes.verdicts
        if run is not None and styles:
            name, codes = run.name, frozenset(s.code for s in styles)
            self._reader.ask("cost", lambda p: selection_cost(p, name, codes, verdicts), self._cost_known)

    def _cost_known(self, found: Any) -> None:
        self._cost = found if isinstance(found, SelectionCost) else None
        self._show_cost()

    def _time_known(self) -> None:
        if self._panel.isVisible() and self.styles:
            self._show_cost()

    def _show_cost(self) -> None:
        wishes, cost, styles = self._session.export_wishes, self._cost, self.styles
        self._panel.show_way(wishes.words)
        if not styles:
            return
        if cost is None:
            waiting = [("Images", "…", ""), ("Space, about", "…", ""), ("Time, about", "…", "")]
            self._panel.show_cost(waiting, self._trouble(), made=0)
            return
        each = self._palettes.styles_a_frame(len(styles))
        images = cost.frames * each
        space, unit = amounts.size(cost.bytes_of(images)).split(" ")
        rows = [("Images", amounts.count(images), ""), ("Space, about", space, unit)]
        seconds = self._lab.seconds_per_picture
        larger = max(1.0, cost.pixels / (SHARP_WIDTH * SHARP_WIDTH * 9 / 16))
        # The row is there from the start: the buttons below must not move away under the mouse.
        rows.append(("Time, about", "…" if seconds is None else amounts.duration(images * seconds * larger), ""))
        self._panel.show_cost(rows, self._trouble(), made=cost.made)

    def _trouble(self) -> str:
        """Why nothing can be started; "" when it can."""
        dest = self._panel.destination
        if not self._panel.name.text().strip():
            return "Give the styles a name."
        if not self._panel.dest.text().strip() or dest.exists():
            return f"{dest} exists already: choose another folder." if dest.exists() else "Name a folder."
        if any(j.argv[2] == str(dest) and j.state in ("waiting", *ALIVE) for j in self._exports):
            return f"An export to {dest.name} is on its way: choose another folder."
        if "undecided" not in self._session.export_wishes.verdicts:
            return "The page Export leaves undecided translations out, and new ones are undecided: change it there."
        return ""

    # -- doing

    def keep(self) -> bool:
        """Keep the selected styles as a palette of the name in the field."""
        run, styles, name = self._lab.run, self.styles, self._panel.name.text().strip()
        if run is None or not styles or not name:
            self._session.say("Give the styles a name first.", "warning")
            return False
        kept = self._palettes.keep(Palette(name, run.name, tuple(styles)))
        if kept:
            self._session.say(f"Kept “{name}” with {amounts.count(len(styles), 'styles')}.")
        return kept

    def pin(self) -> None:
        """Pin the selected styles, or let go of them when all are pinned."""
        pinned, codes = not all(s.pinned for s in self.styles), self._map.picked.styles
        verb = "pin" if pinned else "unpin"
        self._bench.edit(
            f"{verb} {amounts.count(len(self.styles), 'styles')}",
            [replace(s, pinned=pinned) if s.code in codes else s for s in self._bench.styles],
        )

    def drop(self) -> None:
        codes = self._map.picked.styles
        self._bench.drop([i for i, s in enumerate(self._bench.styles) if s.code in codes])

    def add_mean(self) -> None:
        """The mean style of the selected frames."""
        codes, rows = self._lab.all_codes, self.rows
        if codes is not None and rows:
            said = amounts.count(len(rows), "frames")
            self._add(f"style of {said}", [from_average(codes.codes_NS[rows], source=said, name=f"mean of {said}")])

    def add_cover(self, count: int) -> None:
        """Few of the selected frames' own styles that stand for all of them."""
        codes, rows = self._lab.all_codes, self.rows
        if codes is not None and rows:
            with self._session.reporting():
                found = sample_cover(
                    codes.codes_NS[rows], count, seed=self._bench.next_seed(), sources=[codes.names[r] for r in rows]
                )
                self._add(f"cover {amounts.count(len(rows), 'frames')}", found)

    def _add(self, said: str, styles: list[Style]) -> None:
        there = {s.code for s in self._bench.styles}
        self._bench.add(said, [s for s in styles if s.code not in there])
        more = Picked(styles=frozenset(s.code for s in styles))
        self._map.select(self._map.picked.changed(more, "add"))

    def include(self, included: bool) -> None:
        """Take the selected frames in, or leave them out: screening by hand, one step that can be undone."""
        codes = self._lab.all_codes
        if codes is None:
            return
        wanted = {codes.ids[r] for r in self.rows}
        records = [r for r in self._session.project.footage.all() if r.id in wanted and r.included != included]
        if records:
            self._session.undo_stack.push(Inclusion(self._session, records, included))

    def translate_and_export(self) -> None:
        """Two jobs, the export only once all is translated."""
        run, styles, name = self._lab.run, self.styles, self._panel.name.text().strip()
        if run is None or self._trouble() or not self.keep():
            return
        argv = self._palettes.translate_argv(run.name, name)
        first = self._session.start(f"Translate in “{name}”", argv, touches=Changed(palettes=True))
        self._export(Only((run.name,), (name,), tuple(s.name for s in styles)), after=first)

    def export_made(self) -> None:
        """Export the translations in the selected styles that are there."""
        if self._cost is not None and self._cost.made and not self._trouble():
            self._export(self._cost.only)

    def _export(self, only: Only, *, after: WindowJob | None = None) -> None:
        project, dest = self._session.project.folder, self._panel.destination
        argv = self._session.export_wishes.argv(project, dest, only)
        self._exports.append(
            self._session.start(
                f"Export to {dest.name}", argv, touches=Changed(exports=True), resume_argv=[*argv, "--resume"],
                after=after,
            )
        )  # fmt: skip
        self._panel.name.setText(self._palettes.free_name("selection"))
        self._suggest_folder()
        self._show_cost()

    def _ended(self, job: WindowJob) -> None:
        if not self._session.is_open:
            return
        if job.argv[:1] == ("translate",):
            self.show()  # more may be exported now
        if job in self._exports and job.state == "done":
            images = job.result.get("counts", {}).get("images", 0)
            self._session.say(f"Exported {amounts.count(images, 'images')} to {job.result.get('dest', '')}")
            if self._panel.destination.exists():
                self._suggest_folder()
                self.show()
