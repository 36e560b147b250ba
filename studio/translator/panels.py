"""The panel of sample translations: the same renders in the same styles through the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studio.files.pictures import write_png
from studio.translator.data import PictureStore
from studio.translator.inference import Translator
from studio.translator.selection import Judge
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import stream


class SamplePanel:
    """Rows are fixed renders; columns the render, then random styles, then styles of fixed footage frames."""

    def __init__(self, simulated: PictureStore, footage: PictureStore, settings: TrainSettings) -> None:
        rng = stream(settings.seed, "panel")
        count = min(settings.sample_frames, len(simulated))
        self._shape = simulated.picture(0).shape[:2]
        self._places = [int(i) for i in np.linspace(0, len(simulated) - 1, count).round()]
        self._frames = [simulated.picture(place) for place in self._places]
        encoded = min(settings.sample_styles // 2, len(footage))
        self._random_NS = rng.standard_normal((settings.sample_styles - encoded, settings.style_size))
        sources = np.linspace(0, len(footage) - 1, encoded + 1).round().astype(int)[:encoded]
        self._references = [footage.picture(int(i)) for i in sources]

    def draw(self, translator: Translator, path: Path) -> None:
        """Write the panel as PNG."""
        rows = [
            np.concatenate([_fitted(picture, self._shape) for picture in (frame_HW3, *pictures_NHW3)], axis=1)
            for frame_HW3, pictures_NHW3 in self._translated(translator)
        ]
        write_png(path, np.concatenate(rows))

    def judged(self, translator: Translator, judge: Judge) -> tuple[float, float]:
        """(validity, change): the mean of what ``judge`` finds, and of the difference from the render in grey levels,
        over all frames and styles of the panel."""
        validities, changes = [], []
        for place, (frame_HW3, pictures_NHW3) in zip(self._places, self._translated(translator), strict=True):
            validities += [judge(place, frame_HW3, picture_HW3) for picture_HW3 in pictures_NHW3]
            changes.append(float(np.abs(pictures_NHW3.astype(np.int16) - frame_HW3.astype(np.int16)).mean()))
        return float(np.mean(validities)), float(np.mean(changes))

    def _translated(self, translator: Translator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each render with its translations (N, H, W, 3)."""
        codes = [*self._random_NS.astype(np.float32), *(translator.encode_style(r) for r in self._references)]
        codes_NS = np.stack(codes)
        for frame_HW3 in self._frames:
            yield frame_HW3, translator.translate(frame_HW3, codes_NS)


def _fitted(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut or filled with black to the panel's common size."""
    height, width = shape[:2]
    out = np.zeros((height, width, 3), np.uint8)
    part = picture[:height, :width]
    out[: part.shape[0], : part.shape[1]] = part
    return out
