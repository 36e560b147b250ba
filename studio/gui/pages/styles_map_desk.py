"""What happens on the map of the Styles page: the footage is laid out, looked at and chosen, styles are placed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from studio.footage.readers import load_footage_image
from studio.gui.jobs import ALIVE
from studio.gui.models.background import Background
from studio.gui.models.pictures import qimage, thumbnail
from studio.gui.models.style_bench import StyleBench
from studio.gui.pages.styles_draw import DrawPanel
from studio.gui.pages.styles_lab import StyleLab
from studio.gui.session import Session
from studio.gui.widgets.style_map import StyleMap
from studio.pipeline.views import FootageCodes, footage_cache, footage_file
from studio.project.records import Changed, FootageRecord
from studio.styles.sampling import from_reference
from studio.vocabulary.styles import Style


class MapDesk(QObject):
    """Footage that is shown, pointed at or clicked, and styles placed by hand. ``draft_moved``: another style is to be
    previewed."""

    draft_moved = Signal()

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
        self.placing: Style | None = None
        """The style under the mouse while one is dragged over the map."""
        style_map.place_moved.connect(self._placing)
        style_map.tsne_wanted.connect(self._lay_out)
        style_map.footage_hovered.connect(self._show_picture)
        style_map.footage_chosen.connect(self._choose)
        style_map.place_wanted.connect(self._place)
        panel.picture_wanted.connect(self._ask_picture)
        lab.code_arrived.connect(self._add_reference)

    def show_codes(self) -> None:
        """Look again for the footage's codes, and lay the map out anew where they are others."""
        lab, left_out = self._lab, self._session.project.footage.left_out()
        before, laid_out = lab.all_codes, lab.tsne_N2
        lab.reload_codes(left_out)
        codes = lab.all_codes
        known = codes is not None and len(codes.ids) > 0
        self._map.hint = "" if known else "Drawn styles appear here."
        self._panel.set_footage(lab.codes is not None and len(lab.codes.ids) > 1)
        if laid_out is None and lab.tsne_N2 is not None and self._map.waits_for_tsne:
            self._session.say("The map shows t-SNE now.")
        rows = [row for row, i in enumerate(codes.ids) if i in left_out] if codes is not None else []
        if _same(before, codes) and self._map.has_footage and (laid_out is None) == (lab.tsne_N2 is None):
            self._map.set_left_out(rows)
            return
        self._records.clear()
        self.footage_row = -1  # the row that was clicked is another frame now
        self._panel.set_frame("")
        if codes is None:
            self._map.set_footage(np.zeros((0, 0), np.float32), (), ())
        else:
            self._map.set_footage(
                codes.codes_NS, codes.patients, codes.names, codes.brightness_N, lab.tsne_N2, left_out=rows
            )

    def close(self) -> None:
        self._background.forget()

    def _record(self, footage_id: int) -> FootageRecord | None:
        if not self._records:
            self._records = {r.id: r for r in self._session.project.footage.all()}
        return self._records.get(footage_id)

    def _show_picture(self, row: int) -> None:
        codes = self._lab.all_codes
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
        codes = self._lab.all_codes
        if codes is not None:
            self.footage_row = row
            self._panel.set_frame(f"{codes.patients[row]}  {codes.names[row]}")
            self._panel.choose_way("reference")
            self.draft_moved.emit()

    def _placing(self, code: tuple[float, ...] | None) -> None:
        self.placing = None if code is None else _placed(code, "placing")
        self.draft_moved.emit()

    def _lay_out(self) -> None:
        """Have t-SNE worked out, once for this footage and checkpoint."""
        run = self._lab.run
        if run is None:
            return
        argv = ["styles", "map", str(self._session.project.folder), "--run", run.name, *self._lab.checkpoint_options]
        if any(j.argv == tuple(argv) and j.state in ("waiting", *ALIVE) for j in self._session.jobs.jobs):
            return
        self._session.start(f"Lay out the styles of {run.name}", argv, touches=Changed(footage=True))
        self._session.say("The t-SNE map is being worked out; until it is there the map shows PCA.")

    def _place(self, code: tuple[float, ...]) -> None:
        self._bench.add("place a style", [_placed(code, "placed")])

    def _ask_picture(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._panel, "A real picture whose style is wanted", "",
            "Pictures (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.webp)",
        )  # fmt: skip
        if name:
            self._lab.ask_code(Path(name))

    def _add_reference(self, name: str, code: tuple[float, ...]) -> None:
        self._bench.add(f"style of {name}", [from_reference(code, source=name)])


def _same(before: FootageCodes | None, after: FootageCodes | None) -> bool:
    if before is None or after is None:
        return False
    return before.fingerprint == after.fingerprint and before.ids == after.ids


def _placed(code: tuple[float, ...], name: str) -> Style:
    return Style(name, tuple(float(np.float32(v)) for v in code), "manual")
