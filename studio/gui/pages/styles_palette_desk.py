"""What happens with palettes on the Styles page, and translating with one."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QFileDialog

from studio.gui import amounts
from studio.gui.models.preview_cells import SHARP_WIDTH
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.pages.styles_palettes import PalettePanel, TranslatePanel
from studio.gui.session import Session
from studio.gui.widgets.style_map import StyleMap
from studio.pipeline.sizes import size_remark
from studio.project.records import Changed
from studio.styles.palette_file import read_palette, write_palette
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette

_BYTES_PER_PIXEL = 2.2
"""What a translation takes on disk; the check before the job counts the same."""
_FILES = "Palettes (*.json)"


class PaletteDesk(QObject):
    """Keeping, loading, comparing, sharing palettes, and translating with one. What changes a kept palette is an edit
    that can be undone."""

    def __init__(
        self, session: Session, lab: StyleLab, bench: StyleBench, palettes: PalettePanel, translating: TranslatePanel,
        style_map: StyleMap, parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._lab, self._bench, self._map = session, lab, bench, style_map
        self._palettes, self._translating = palettes, translating
        self._chosen = ""
        self._recipes: dict[Palette, Mapping[str, object]] = {}
        palettes.notes.editingFinished.connect(self._note)
        palettes.duplicate_wanted.connect(self._duplicate)
        palettes.save_wanted.connect(lambda _name: self.save())
        palettes.load_wanted.connect(self.load)
        palettes.remove_wanted.connect(self._remove)
        palettes.export_wanted.connect(self._export)
        palettes.import_wanted.connect(self._import)
        palettes.compare_wanted.connect(self._compare)
        translating.changed.connect(self.show_cost)
        self._timed = False
        lab.cell_arrived.connect(self._time_known)

    def show(self) -> None:
        """Show the project's palettes, those of the run in hand first."""
        run = "" if self._lab.run is None else self._lab.run.name
        records = self._session.project.palettes.all()
        self._palettes.show_palettes(sorted(records, key=lambda r: r.palette.run != run), self._chosen)
        self.show_cost()

    def load(self, name: str) -> None:
        """Lay a palette on the bench, as a step that can be undone."""
        with self._session.reporting():
            palette = self._session.project.palettes.get(name).palette
            self._choose(palette)
            if self._lab.style_size and any(len(s.code) != self._lab.style_size for s in palette.styles):
                raise InputError(
                    f"“{name}” has styles of {len(palette.styles[0].code)} numbers, this run's have "
                    f"{self._lab.style_size}", remedy=f"Choose the run {palette.run} above.",
                )  # fmt: skip
            self._bench.edit(f"load {name}", palette.styles)
            if self._lab.run is not None and palette.run != self._lab.run.name:
                self._session.say(
                    f"“{name}” was drawn with the run {palette.run}: its styles may look different here.", "warning"
                )

    def load_newest(self, run: str) -> bool:
        """Lay the run's newest palette on the bench; False when it has none."""
        kept = [r.palette for r in self._session.project.palettes.all() if r.palette.run == run]
        if kept:
            self._choose(kept[-1])
            self._bench.load(kept[-1].styles)
            self.show()
        return bool(kept)

    def _choose(self, palette: Palette) -> None:
        self._chosen = palette.name
        self._palettes.show_chosen(palette)

    def save(self) -> bool:
        """Keep the bench under the name in the field (or a free one); say why it can't be done."""
        run, styles = self._lab.run, self._bench.styles
        if run is None or not styles:
            self._session.say("Draw some styles first.", "warning")
            return False
        name = self._palettes.name.text().strip() or free_number("palette", self._taken())
        palette = Palette(name, run.name, styles, self._palettes.notes.text())
        if not self.keep(palette):
            return False
        self._choose(palette)
        self._session.say(f"Kept “{name}” with {amounts.count(len(styles), 'styles')}.")
        return True

    def keep(self, palette: Palette) -> bool:
        """Keep a palette as a step that can be undone; False when it can't be, which has been said."""
        return self._edit(f"save {palette.name}", {palette.name: palette})

    def free_name(self, stem: str) -> str:
        return free_number(stem, self._taken())

    def _taken(self) -> set[str]:
        return {r.palette.name for r in self._session.project.palettes.all()}

    def _duplicate(self, name: str) -> None:
        with self._session.reporting():
            palette = self._session.project.palettes.get(name).palette
            copy = replace(palette, name=free_number(f"{name} copy", self._taken()))
            if self._edit(f"duplicate {name}", {copy.name: copy}):
                self._choose(copy)

    def _note(self) -> None:
        """Notes are kept with the chosen palette as soon as they are written."""
        if self._chosen in self._taken():
            palette = self._session.project.palettes.get(self._chosen).palette
            if self._palettes.notes.text() != palette.notes:
                noted = replace(palette, notes=self._palettes.notes.text())
                self._edit(f"note on {palette.name}", {palette.name: noted})

    def _remove(self, name: str) -> None:
        if self._edit(f"forget {name}", {name: None}):
            self._session.say(f"Forgot the palette “{name}”; undo brings it back.")

    def _edit(self, label: str, after: Mapping[str, Palette | None]) -> bool:
        """Keep, replace or forget palettes as one step; say why when it can't be done."""
        records = self._session.project.palettes.all()
        kept = {r.palette.name: r.palette for r in records}
        self._recipes.update((r.palette, r.recipe) for r in records)
        for palette in after.values():
            known = [r.recipe for r in records if palette is not None and r.palette.styles == palette.styles]
            if palette is not None and known:
                self._recipes.setdefault(palette, known[0])  # another name or note, the same styles
        before = {name: kept.get(name) for name in after}
        with self._session.reporting() as outcome:
            self._put(after)
        if outcome.well:
            self._session.undo_stack.push(_PaletteEdit(self, label, before, after))
        return outcome.well

    def _put(self, palettes: Mapping[str, Palette | None]) -> None:
        table = self._session.project.palettes
        for name, palette in palettes.items():
            if palette is None:
                table.remove(name)
            else:
                table.save(palette, self._recipe(palette))
        self._session.edited(Changed(palettes=True))

    def _recipe(self, palette: Palette) -> Mapping[str, object]:
        """How its styles came about: as it was kept before, or by hand with the checkpoint in hand."""
        if palette in self._recipes:
            return self._recipes[palette]
        of_run = self._lab.run is not None and self._lab.run.name == palette.run
        drawn_with = {"fingerprint": self._lab.fingerprint} if of_run and self._lab.fingerprint else {}
        return {"method": "by hand", **drawn_with}

    def _compare(self, name: str) -> None:
        with self._session.reporting():
            styles = self._session.project.palettes.get(name).palette.styles if name else ()
            self._map.set_compared(styles, name)

    def _export(self, name: str) -> None:
        path, _ = QFileDialog.getSaveFileName(self._palettes, "Write the palette", f"{name}.json", _FILES)
        if path:
            with self._session.reporting():
                write_palette(Path(path), self._session.project.palettes.get(name).palette)
                self._session.say(f"Wrote {path}")

    def _import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._palettes, "Read a palette", "", _FILES)
        if path:
            with self._session.reporting():
                palette = read_palette(Path(path), style_size=self._lab.style_size or None)
                self._choose(palette)
                self._bench.edit(f"read {palette.name}", palette.styles)

    # -- translating

    def _time_known(self) -> None:
        if (self._lab.seconds_per_picture is not None) != self._timed:
            self.show_cost()

    def show_cost(self) -> None:
        """Say what translating every frame in the bench's styles would take."""
        scenes = self._session.project.scenes.all()
        frames = sum(s.frame_count for s in scenes)
        pixels = sum(s.frame_count * s.size[0] * s.size[1] for s in scenes)
        run = self._lab.run
        self._translating.show_remark("" if run is None else size_remark(run, scenes))
        seconds = self._lab.seconds_per_picture
        self._timed = seconds is not None
        # A preview is no wider than SHARP_WIDTH, a translation as large as its frame.
        larger = sum(s.frame_count * max(1.0, s.size[0] / SHARP_WIDTH) ** 2 for s in scenes) / max(1, frames)
        self._translating.show_cost(
            frames=frames, styles=len(self._bench.styles), bytes_each=_BYTES_PER_PIXEL * pixels / max(1, frames),
            seconds_each=None if seconds is None else seconds * larger,
        )  # fmt: skip

    def styles_a_frame(self, styles: int) -> int:
        """In how many of so many styles each frame is translated."""
        return min(self._translating.per_frame.value() or styles, styles)

    def translate_argv(self, run: str, palette: str) -> list[str]:
        """The command line that translates every frame in a palette, with the checkpoint in hand."""
        argv = ["translate", str(self._session.project.folder), "--run", run, "--palette", palette]
        argv += self._lab.checkpoint_options
        per_frame = self._translating.per_frame.value()
        return argv + (["--per-frame", str(per_frame)] if per_frame else [])

    def translate(self) -> None:
        """Keep the palette and start the job."""
        run = self._lab.run
        if run is None or not self.save():
            return
        argv = self.translate_argv(run.name, self._chosen)
        self._session.start(f"Translate in “{self._chosen}”", argv, touches=Changed(palettes=True))


class _PaletteEdit(QUndoCommand):
    def __init__(
        self, desk: PaletteDesk, label: str, before: Mapping[str, Palette | None], after: Mapping[str, Palette | None]
    ) -> None:
        super().__init__(label)
        self._desk, self._before, self._after = desk, before, after
        self._done = True  # the first time before it was pushed, where a refusal can still be said

    def undo(self) -> None:
        self._done = False
        self._desk._put(self._before)

    def redo(self) -> None:
        if not self._done:
            self._desk._put(self._after)


def free_number(stem: str, taken: Collection[str]) -> str:
    """The stem with the first number that makes a free name."""
    return next(name for k in itertools.count(1) if (name := f"{stem} {k}") not in taken)
