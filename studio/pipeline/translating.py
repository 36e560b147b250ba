"""Frames translated in a row: the next are read, one is computed, the last are measured and written, side by side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from studio.curation.measures import named_measures
from studio.files.pictures import write_png
from studio.project.project import Project
from studio.project.records import FrameRecord
from studio.project.translation_table import NewTranslation
from studio.quality.validity import measure_validity
from studio.scenes.readers import load_layers_of
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Style

if TYPE_CHECKING:
    from studio.translator.inference import Translator

_READ_AHEAD = 3
_WRITERS = max(2, (os.cpu_count() or 2) // 2)
"""Measuring and encoding a picture takes some 35 ms of one core, a GPU a few to make it."""
_WRITTEN_BEHIND = _WRITERS + 1
"""Frames that may wait for measuring and writing while the next ones are translated."""


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A frame and the styles that it still lacks; ``place`` is where it stands among all frames."""

    place: int
    frame: FrameRecord
    styles: tuple[Style, ...]


Finished = tuple[PlannedFrame, list[NewTranslation]]


class Translating:
    """Iterate for what is finished after each frame computed, in the order of the plan; ``left`` gives what a stop
    found computed and not yet finished.

    Use it as a context. Raise InputError for layers that cannot be read, DiskFull for want of room.
    """

    def __init__(
        self, project: Project, translator: Translator, plan: Sequence[PlannedFrame], *, run: str, palette: str
    ) -> None:
        self._project = project
        self._translator = translator
        self._plan = iter(plan)
        self._run, self._palette = run, palette
        self._folder = project.folder / "translations" / run / palette
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="reading frames")
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="writing translations")
        self._read: deque[tuple[PlannedFrame, Future[Layers]]] = deque()
        self._written: deque[tuple[PlannedFrame, Future[list[NewTranslation]]]] = deque()

    def __iter__(self) -> Iterator[list[Finished]]:
        self._read_ahead()
        while self._read:
            planned, reading = self._read.popleft()
            layers = reading.result()
            self._read_ahead()
            codes_NS = np.array([s.code for s in planned.styles], np.float32)
            images_NHW3 = self._translator.translate(layers.rgb_HW3, codes_NS)
            self._written.append((planned, self._writers.submit(self._finished, planned, layers, images_NHW3)))
            yield list(self._finished_now())
        while self._written:
            yield [self._oldest()]

    def _finished_now(self) -> Iterator[Finished]:
        while self._written and (len(self._written) > _WRITTEN_BEHIND or self._written[0][1].done()):
            yield self._oldest()

    def _read_ahead(self) -> None:
        scenes = self._project.scenes
        for planned in self._plan:
            # The catalogue belongs to this thread, files to any.
            scene, files = scenes.get(planned.frame.scene_id), planned.frame.files
            reading = self._readers.submit(load_layers_of, files, layout=scene.layout, encoding=scene.encoding)
            self._read.append((planned, reading))
            if len(self._read) > _READ_AHEAD:
                return

    def _oldest(self) -> Finished:
        planned, writing = self._written.popleft()
        return planned, writing.result()

    def left(self) -> Iterator[Finished]:
        """After a stop: what is computed already and not thrown away. Raise the first error at the end."""
        errors: list[Exception] = []
        while self._written:
            try:
                yield self._oldest()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _finished(self, planned: PlannedFrame, layers: Layers, images_NHW3: np.ndarray) -> list[NewTranslation]:
        frame, rows = planned.frame, []
        for style, image_HW3 in zip(planned.styles, images_NHW3, strict=True):
            path = self._path(frame, style)
            write_png(path, image_HW3)
            value, measures = measured(layers, image_HW3)
            rows.append(
                NewTranslation(
                    frame.id, self._run, self._palette, style.name, style.code, path, self._translator.fingerprint,
                    value, measures,
                )
            )  # fmt: skip
        return rows

    def _path(self, frame: FrameRecord, style: Style) -> Path:
        return self._folder / style.name.replace("/", "_") / frame.patient / f"{Path(frame.name).stem}.png"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readers.shutdown(cancel_futures=True)
        self._writers.shutdown()


def measured(layers: Layers, translation_HW3: np.ndarray) -> tuple[float, dict[str, float]]:
    """Validity and the flat table of measures that rules name: validity, its parts, and ``validity.<class>``."""
    validity = measure_validity(layers.rgb_HW3, translation_HW3, layers.segmentation_HW)
    return validity.value, named_measures(
        validity.value, validity.measures, validity.per_class, classes=STUDIO_CLASSES
    )  # fmt: skip
