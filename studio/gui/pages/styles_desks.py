"""Two parts of the Styles page's work: what happens on the map, and what happens with palettes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from studio.footage.readers import load_footage_image
from studio.gui.models.background import Background
from studio.gui.models.pictures import qimage, thumbnail
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_draw import DrawPanel
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.pages.styles_palettes import PalettePanel, TranslatePanel
from studio.gui.session import Session
from studio.gui.widgets.style_map import StyleMap
from studio.pipeline.views import footage_cache, footage_file
from studio.project.records import Changed, FootageRecord
from studio.styles.palette_file import read_palette, write_palette
from studio.styles.sampling import from_average, from_reference
from studio.vocabulary.styles import Palette, Style

_BYTES_PER_PIXEL = 2.2
"""What a translation takes on disk; the check before the job counts the same."""
_FILES = "Palettes (*.json)"


class MapDesk(QObject):
    """Footage that is pointed at, clicked or lassoed, and styles placed by hand."""

    def __init__(
        self, session: Session, lab: StyleLab, bench: StyleBench, style_map: StyleMap, panel: DrawPanel,
        parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._lab, self._bench, self._map, self._panel = session, lab, bench, style_map, panel
        self._background = Background(self, threads=1)
        self._records: dict[int, FootageRecord] = {}
        self.footage_row = -1
        """The row of the codes that was clicked last, or -1."""
        style_map.footage_hovered.connect(self._show_picture)
        style_map.footage_chosen.connect(self._choose)
        style_map.footage_lassoed.connect(self._lassoed)
        style_map.place_wanted.connect(self._place)
        panel.picture_wanted.connect(self._ask_picture)
        lab.code_arrived.connect(self._add_reference)

    def footage_changed(self) -> None:
        """Other footage, or another run: the row that was clicked is another frame now."""
        self._records.clear()
        self.footage_row = -1
        self._panel.set_frame("")

    def close(self) -> None:
        self._background.forget()

    def _record(self, footage_id: int) -> FootageRecord | None:
        if not self._records:
            self._records = {r.id: r for r in self._session.project.footage.all()}
        return self._records.get(footage_id)

    def _show_picture(self, row: int) -> None:
        codes = self._lab.codes
        record = self._record(codes.ids[row]) if codes is not None and 0 <= row < len(codes.ids) else None
        if record is None:
            return
        project = self._session.project
        file, cache, small = footage_file(record), footage_cache(project), project.cache / "thumbnails"
        key = f"footage {file.path} {file.seconds}"
        self._background.ask(
            ("hovered", row),
            lambda: qimage(thumbnail(key, lambda: load_footage_image(file, cache), small)),
            lambda image: self._picture_found(row, image),
        )

    def _picture_found(self, row: int, image: object) -> None:
        if row == self._map.hovered and isinstance(image, QImage):
            self._map.set_picture(image)

    def _choose(self, row: int) -> None:
        codes = self._lab.codes
        if codes is not None:
            self.footage_row = row
            self._panel.set_frame(f"{codes.patients[row]}  {codes.names[row]}")
            self._panel.choose_way("reference")

    def _lassoed(self, rows: list[int]) -> None:
        codes = self._lab.codes
        if codes is not None:
            said = f"{len(rows)} frames"
            self._bench.add(
                f"style of {said}", [from_average(codes.codes_NS[rows], source=said, name=f"mean of {said}")]
            )

    def _place(self, code: tuple[float, ...]) -> None:
        self._bench.add("place a style", [Style("placed", tuple(float(np.float32(v)) for v in code), "manual")])

    def _ask_picture(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._panel, "A real picture whose style is wanted", "",
            "Pictures (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.webp)",
        )  # fmt: skip
        if name:
            self._lab.ask_code(Path(name))

    def _add_reference(self, name: str, code: tuple[float, ...]) -> None:
        self._bench.add(f"style of {name}", [from_reference(code, source=name)])


class PaletteDesk(QObject):
    """Keeping, loading, comparing, sharing palettes, and translating with one."""

    def __init__(
        self, session: Session, lab: StyleLab, bench: StyleBench, palettes: PalettePanel, translating: TranslatePanel,
        style_map: StyleMap, parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._session, self._lab, self._bench, self._map = session, lab, bench, style_map
        self._palettes, self._translating = palettes, translating
        self._chosen = ""
        palettes.save_wanted.connect(lambda _name: self.save())
        palettes.load_wanted.connect(self.load)
        palettes.remove_wanted.connect(self._remove)
        palettes.export_wanted.connect(self._export)
        palettes.import_wanted.connect(self._import)
        palettes.compare_wanted.connect(self._compare)
        translating.changed.connect(self.show_cost)

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
            self._choose(name)
            self._bench.edit(f"load {name}", palette.styles)
            if self._lab.run is not None and palette.run != self._lab.run.name:
                self._session.say(
                    f"“{name}” was drawn with the run {palette.run}: its styles may look different here.", "warning"
                )

    def load_newest(self, run: str) -> bool:
        """Lay the run's newest palette on the bench; False when it has none."""
        kept = [r.palette for r in self._session.project.palettes.all() if r.palette.run == run]
        if kept:
            self._choose(kept[-1].name)
            self._bench.load(kept[-1].styles)
            self.show()
        return bool(kept)

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._palettes.name.setText(name)

    def save(self) -> bool:
        """Keep the bench under the name in the field (or a free one); say why it can't be done."""
        project, run, styles = self._session.project, self._lab.run, self._bench.styles
        if run is None or not styles:
            self._session.say("Draw some styles first.", "warning")
            return False
        taken = {r.palette.name for r in project.palettes.all()}
        name = self._palettes.name.text().strip() or next(
            n for n in (f"palette {k}" for k in range(1, 10_000)) if n not in taken
        )
        with self._session.reporting() as outcome:
            project.palettes.save(Palette(name, run.name, styles), {"method": "by hand"})
            self._choose(name)
            self._session.edited(Changed(palettes=True))
            self._session.say(f"Kept “{name}” with {len(styles)} styles.")
        return outcome.well

    def _remove(self, name: str) -> None:
        self._session.project.palettes.remove(name)
        if self._chosen == name:
            self._chosen = ""
        self._session.edited(Changed(palettes=True))
        self._session.say(f"Forgot the palette “{name}”; its styles are still on the bench if they were loaded.")

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
                self._choose(palette.name)
                self._bench.edit(f"read {palette.name}", palette.styles)

    # -- translating

    def show_cost(self) -> None:
        """Say what translating every frame in the bench's styles would take."""
        scenes = self._session.project.scenes.all()
        frames = sum(s.frame_count for s in scenes)
        pixels = sum(s.frame_count * s.size[0] * s.size[1] for s in scenes)
        self._translating.show_cost(
            frames=frames, styles=len(self._bench.styles), bytes_each=_BYTES_PER_PIXEL * pixels / max(1, frames),
            seconds_each=self._lab.seconds_per_picture,
        )  # fmt: skip

    def translate(self) -> None:
        """Keep the palette and start the job."""
        run = self._lab.run
        if run is None or not self.save():
            return
        argv = ["translate", str(self._session.project.folder), "--run", run.name, "--palette", self._chosen]
        if self._translating.per_frame.value():
            argv += ["--per-frame", str(self._translating.per_frame.value())]
        self._session.start(f"Translate in “{self._chosen}”", argv, touches=Changed(palettes=True))
