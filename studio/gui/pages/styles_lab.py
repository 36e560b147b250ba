"""Behind the Styles page: the run in hand, the frames chosen, the preview engine, and what has been measured so far."""

from __future__ import annotations

import statistics
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from studio.gui.models.background import Background
from studio.gui.models.cell_measures import CellMeasures
from studio.gui.models.frame_layers import FrameLayers, loading
from studio.gui.models.preview_cells import COARSE_WIDTH, SHARP_WIDTH, CellKey, Code, PreviewCells, Wish
from studio.gui.models.preview_client import PreviewClient, PreviewPicture
from studio.gui.widgets.blending import scaled_picture
from studio.gui.widgets.style_grid_cells import GridRow
from studio.pipeline.views import FootageCodes, footage_codes, footage_map
from studio.project.project import Project
from studio.project.records import FrameRecord, RunRecord, SceneRecord
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import ClassTable

_ASK_DELAY_MS = 15
_ROWS_WITH_LAYERS = 48
"""More than a large screen shows; the layers of a frame take 2.5 MB at 512x256 px, 40 MB at 1920x1080 px."""
SAMPLE_FRAMES = 8
"""Frames over which a style's mean validity is taken, also where they are not in sight."""
_SAMPLED_AT_ONCE, _SAMPLED_STYLES = 8, 64


class StyleLab(QObject):
    """``rows_changed``: other frames; ``row_loaded(index)``; ``cell_arrived``: a preview has come;
    ``run_changed``: another run, or its engine is up, or its codes are new;
    ``failed(text)``: no previews, and why; ``code_arrived(name, code)``: the style of a picture that was asked for;
    ``code_refused(text)``: it has none, and why.
    """

    rows_changed = Signal()
    row_loaded = Signal(int)
    cell_arrived = Signal()
    run_changed = Signal()
    failed = Signal(str)
    code_refused = Signal(str)
    code_arrived = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run: RunRecord | None = None
        self.checkpoint = "last"
        """Of the run: last, best or a step."""
        self.all_codes: FootageCodes | None = None
        """Of every footage frame that has been encoded, whether it is left out by now or not: what the map shows."""
        self.codes: FootageCodes | None = None
        """Of those that are included: what styles are drawn from and measured against."""
        self.tsne_N2: np.ndarray | None = None
        """Where t-SNE laid the codes, if that has been worked out."""
        self.cells = PreviewCells()
        self.rows: list[GridRow] = []
        self.measures = CellMeasures(self)
        self._client: PreviewClient | None = None
        self._readers = Background(self, threads=1)
        self._sources: dict[Path, tuple[FrameRecord, SceneRecord]] = {}
        self._looked_at: OrderedDict[Path, None] = OrderedDict()
        self._wanted: tuple[tuple[Path, ...], tuple[Code, ...]] = ((), ())
        self._all_codes: tuple[Code, ...] = ()
        self._sampled: set[CellKey] = set()
        self.shown = True
        """Whether the page is in front: nothing is computed ahead for one that is not."""
        self._lost: set[Path] = set()
        """Frames that the engine could not read."""
        self._sharp_at = 0.0
        self._sharp_seconds: deque[float] = deque(maxlen=20)
        self._named = ""
        self._code_asked = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)

    # -- the run

    def open_run(self, run: RunRecord | None, checkpoint: str = "last", *, left_out: Collection[int] = ()) -> None:
        """Show another run or checkpoint (or what is the last one by now): a new engine, nothing kept of the old."""
        self.close()
        self.run, self.checkpoint = run, checkpoint
        self.reload_codes(left_out)
        if run is not None:
            client = PreviewClient(run.folder, self, checkpoint=checkpoint)
            client.ready.connect(lambda _size: self.run_changed.emit())
            client.picture.connect(self._take)
            client.code.connect(self._take_code)
            client.unreadable.connect(self._unreadable)
            client.done.connect(self._done)
            client.failed.connect(self._failed)
            self._client = client
        self.run_changed.emit()
        self._ask_soon()

    def reload_codes(self, left_out: Collection[int] = ()) -> None:
        """Look again for the footage's style codes. ``left_out``: ids of footage that is not included."""
        found = self.all_codes = None if self.run is None else footage_codes(self.run)
        self.codes = None if found is None else found.besides(left_out)
        self.tsne_N2 = None
        if self.run is not None and found is not None:
            self.tsne_N2 = footage_map(self.run, found)

    @property
    def style_size(self) -> int:
        """Numbers of a style code, from the engine or the footage's codes; 0 while unknown."""
        if self._client is not None and self._client.style_size:
            return self._client.style_size
        return 0 if self.codes is None or not len(self.codes.codes_NS) else int(self.codes.codes_NS.shape[1])

    @property
    def fingerprint(self) -> str:
        """Of the engine's weights; "" until it is up."""
        return "" if self._client is None else self._client.fingerprint

    @property
    def codes_are_stale(self) -> bool:
        """The footage's codes come from another checkpoint than the engine's."""
        return self.codes is not None and bool(self.fingerprint) and self.codes.fingerprint != self.fingerprint

    @property
    def checkpoint_options(self) -> list[str]:
        """What a command line needs to take the checkpoint in hand."""
        return [] if self.checkpoint == "last" else ["--checkpoint", self.checkpoint]

    @property
    def seconds_per_picture(self) -> float | None:
        """What a sharp preview of a frame that is known takes, the median of the last ones; None before there are some.

        At SHARP_WIDTH px at most, as previews are.
        """
        return statistics.median(self._sharp_seconds) if len(self._sharp_seconds) >= 3 else None

    # -- frames

    def show_frames(
        self, project: Project, frames: Sequence[FrameRecord], coloured: Callable[[ClassTable], ClassTable],
        *, pinned: Collection[int] = (),
    ) -> None:  # fmt: skip
        """Put these frames in the rows; their layers are read in a thread when they come into sight. Those that were
        in the rows before keep theirs. ``pinned``: ids of frames that are marked so."""
        self._readers.forget()
        self._lost.clear()
        scenes = {s.id: s for s in project.scenes.all()}
        self._sources = {f.files.rgb: (f, scenes[f.scene_id]) for f in frames}
        before = {r.path: r for r in self.rows if r.layers is not None}
        self._looked_at = OrderedDict.fromkeys(p for p in self._looked_at if p in self._sources)
        self.rows = [
            replace(
                before.get(f.files.rgb, GridRow(f.files.rgb, "")), caption=f"{f.patient}  {f.name}",
                classes=coloured(scenes[f.scene_id].classes), pinned=f.id in pinned,
            )
            for f in frames
        ]  # fmt: skip
        self.rows_changed.emit()
        self._ask_soon()

    def recolour(self, coloured: Callable[[ClassTable], ClassTable]) -> None:
        """Other class colours: the rows stay."""
        self.rows = [replace(r, classes=coloured(self._sources[r.path][1].classes)) for r in self.rows]
        self.rows_changed.emit()

    def source(self, path: Path) -> tuple[FrameRecord, SceneRecord]:
        """A frame in the rows, and its scene."""
        return self._sources[path]

    def look_at(self, paths: Sequence[Path]) -> None:
        """Read the layers of these rows, and let go of those looked at longest ago."""
        rows = {r.path: r for r in self.rows}
        for path in paths:
            if path in rows:
                self._looked_at[path] = None
                self._looked_at.move_to_end(path)
                if rows[path].layers is None and not rows[path].note and not self._readers.is_asked(path):
                    self._readers.ask(path, loading(*self._sources[path]), _answering(self._loaded, path))
        while len(self._looked_at) > max(_ROWS_WITH_LAYERS, len(paths)):
            gone, _ = self._looked_at.popitem(last=False)
            self._put_row(gone, layers=None, note="")

    def _loaded(self, path: Path, answer: object) -> None:
        if path not in self._looked_at:
            return  # scrolled past while it was read
        if isinstance(answer, FrameLayers):
            self._put_row(path, layers=answer.layers, flow_HW2=answer.flow_HW2, note=answer.note)
        else:
            self._put_row(path, layers=None, note=str(answer))
        for key, cell in list(self.cells.cells.items()):
            if key[0] == path and cell.quality == "sharp" and key not in self.measures.found:
                self._measure(key)

    def _put_row(self, path: Path, *, layers: Layers | None, note: str, flow_HW2: np.ndarray | None = None) -> None:
        index = next((i for i, r in enumerate(self.rows) if r.path == path), None)
        if index is not None:
            self.rows[index] = replace(self.rows[index], layers=layers, flow_HW2=flow_HW2, note=note)
            self.row_loaded.emit(index)

    # -- pictures

    def want(self, frames: Sequence[Path], codes: Sequence[Code], every: Sequence[Code] = ()) -> None:
        """What the grid shows now, newest first, the rest is dropped; ``every``: all styles of the bench."""
        self.look_at(frames)
        wanted = tuple(frames), self._fitting(codes)
        if wanted != self._wanted or self._fitting(every) != self._all_codes:
            self._wanted, self._all_codes = wanted, self._fitting(every)
            self.want_maps(self.measures.wants_maps)
            self._ask_soon()

    def _fitting(self, codes: Sequence[Code]) -> tuple[Code, ...]:
        size = self.style_size
        return tuple(c for c in codes if not size or len(c) == size)

    def set_shown(self, shown: bool) -> None:
        self.shown = shown
        if shown:
            self._ask_soon()

    def _ask_soon(self) -> None:
        self._timer.start()

    def _ask(self) -> None:
        if self._client is None or self._code_asked:
            return  # a newer question would take the place of the one for a style
        frames, codes = self._wanted
        wish = self.cells.next_wish([f for f in frames if f not in self._lost], codes)
        if wish is None and self.cells.asked is None:
            wish = self._sample_wish()
        if wish is None:
            return
        if self.cells.asked is not None and self.cells.asked[1] == wish:
            return  # on its way already
        self._put(wish)

    def _sample_wish(self) -> Wish | None:
        """When all that is in sight is there: what the styles' mean validities still lack, while the page is shown."""
        if not self.shown:
            return None
        for path in [r.path for r in self.rows[:SAMPLE_FRAMES] if r.path not in self._lost]:
            codes = self._all_codes[:_SAMPLED_STYLES]
            missing = [c for c in codes if (path, c) not in self._sampled and (path, c) not in self.measures.found]
            if missing:
                self.look_at([*self._wanted[0], path])
                return Wish((path,), tuple(missing[:_SAMPLED_AT_ONCE]), "sharp")
        return None

    def _put(self, wish: Wish) -> None:
        assert self._client is not None
        coarse, sharp = (COARSE_WIDTH, 0) if wish.quality == "coarse" else (0, SHARP_WIDTH)
        self._sharp_at = 0.0
        number = self._client.ask_pictures(wish.frames, wish.codes, coarse=coarse, sharp=sharp)
        self.cells.asked = (number, wish)

    def _take(self, picture: PreviewPicture) -> None:
        key = self.cells.put(picture)
        if key is None:
            return
        if picture.quality == "sharp":
            now = time.monotonic()
            if self._sharp_at:  # the first of a question waits for its frame, too
                self._sharp_seconds.append(now - self._sharp_at)
            self._sharp_at = now
            self._measure(key)
        self.cell_arrived.emit()

    def _done(self, _generation: int) -> None:
        self._answered()
        self._ask()

    def _unreadable(self, frame: int, text: str) -> None:
        """One frame that can't be read must not keep the others waiting, nor be asked for again and again."""
        if self.cells.asked is None or frame >= len(self.cells.asked[1].frames):
            return
        path = self.cells.asked[1].frames[frame]
        self._lost.add(path)
        self._put_row(path, layers=None, note=text)

    def _answered(self) -> None:
        """Whatever came of a question, it is not asked for the sample again."""
        if self.cells.asked is not None and self.cells.asked[1].quality == "sharp":
            wish = self.cells.asked[1]
            self._sampled.update((f, c) for f in wish.frames for c in wish.codes)
        self.cells.asked = None

    def ask_code(self, picture: Path) -> None:
        """Ask for the style of a picture file; ``code_arrived`` answers."""
        if self._client is not None:
            self._named = picture.stem
            self.cells.asked = None
            self._code_asked = True
            self._client.ask_code(picture)

    def _take_code(self, code: Code) -> None:
        self._code_asked = False
        self.code_arrived.emit(self._named, code)
        self._ask_soon()

    def _failed(self, text: str) -> None:
        of_code, self._code_asked = self._code_asked, False
        if of_code and self._client is not None and self._client.running:
            self.code_refused.emit(text)
            self._ask_soon()  # the pictures that it came between
            return
        self._answered()
        self.failed.emit(text)

    # -- measures

    def layers_of(self, path: Path) -> Layers | None:
        return next((r.layers for r in self.rows if r.path == path), None)

    def _measure(self, key: CellKey) -> None:
        layers, cell = self.layers_of(key[0]), self.cells.cells.get(key)
        if layers is not None and cell is not None:
            self.measures.measure(key, cell.image_HW3, layers)

    def want_maps(self, wanted: bool) -> None:
        """Validity maps of all cells in sight, from now on."""
        self.measures.wants_maps = wanted
        for path in self._wanted[0] if wanted else ():
            for code in self._wanted[1]:
                if (path, code) in self.measures.found and (path, code) not in self.measures.maps:
                    self._measure((path, code))

    def ask_validity_map(self, key: CellKey, answer: Callable[[np.ndarray], None]) -> None:
        """Measure where a cell's labels can be trusted; ``answer(validity_HW)`` unless it can't be told."""
        layers, cell = self.layers_of(key[0]), self.cells.get(*key)
        if layers is not None and cell is not None:
            self.measures.ask_map(key, cell.image_HW3, layers, answer)

    def close(self) -> None:
        """End the engine and let go of what belongs to the run."""
        if self._client is not None:
            self._client.blockSignals(True)  # what is still on its way finds no project any more
            self._client.close()
            self._client.deleteLater()
            self._client = None
        self._code_asked = False
        self.measures.forget()
        self._sampled.clear()
        self._sharp_seconds.clear()
        self.cells.forget()

    def shut(self) -> None:
        """The project is closed."""
        self.close()
        self._readers.forget()


def unmeasured_last(value: float | None) -> float:
    """A key to sort by."""
    return float("inf") if value is None else value


def fitted(image_HW3: np.ndarray, layers: Layers) -> np.ndarray:
    """A preview at the size of its frame."""
    return scaled_picture(image_HW3, layers.size)


def _answering(take: Callable[[Path, object], None], path: Path) -> Callable[[object], None]:
    return lambda answer: take(path, answer)
