"""The panel of sample translations: the same renders in the same styles through the whole run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.files.pictures import write_png
from studio.translator.data import PictureStore
from studio.translator.inference import Translator
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import stream


class SamplePanel:
    """Rows are fixed renders; columns the render, then random styles, then styles of fixed footage frames."""

    def __init__(self, simulated: PictureStore, footage: PictureStore, settings: TrainSettings) -> None:
        rng = stream(settings.seed, "panel")
        count = min(settings.sample_frames, len(simulated))
        first = simulated.picture(0)
        chosen = np.linspace(0, len(simulated) - 1, count).round().astype(int)
        self._frames = [_fitted(simulated.picture(int(i)), first.shape[:2]) for i in chosen]
        encoded = min(settings.sample_styles // 2, len(footage))
        self._random_NS = rng.standard_normal((settings.sample_styles - encoded, settings.style_size))
        sources = np.linspace(0, len(footage) - 1, encoded + 1).round().astype(int)[:encoded]
        self._references = [footage.picture(int(i)) for i in sources]

    def draw(self, translator: Translator, path: Path) -> None:
        """Write the panel as PNG."""
        codes = [*self._random_NS.astype(np.float32), *(translator.encode_style(r) for r in self._references)]
        codes_NS = np.stack(codes)
        rows = []
        for frame_HW3 in self._frames:
            pictures_NHW3 = translator.translate(frame_HW3, codes_NS)
            rows.append(np.concatenate([frame_HW3, *pictures_NHW3], axis=1))
        write_png(path, np.concatenate(rows))


def _fitted(picture_HW3: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut or filled with black to the panel's common size."""
    height, width = shape[:2]
    out = np.zeros((height, width, 3), np.uint8)
    part = picture_HW3[:height, :width]
    out[: part.shape[0], : part.shape[1]] = part
    return out
