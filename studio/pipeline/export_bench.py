"""What an export costs against encoding its pictures alone, on all cores, in one run."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from studio.export.values import ExportItem, ExportOptions
from studio.export.writing import write_export
from studio.files.pictures import encode_png, write_png
from studio.jobs.stages import result_of
from studio.pipeline.exports import READING
from studio.scenes.readers import read_scenes
from studio.scenes.simulator import SimulationSettings, simulate
from studio.vocabulary.seeds import stream

_FRAMES, _STYLES = 40, 5


def bench_export(size: tuple[int, int]) -> dict[str, Any]:
    """Seconds of an ``image2image`` and a ``coco`` export of made-up translations, and their ratio to encoding alone.

    ``share_of_encoding`` is encoding's time over the export's: 1 = the export costs nothing beside it.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        result_of(simulate(base / "scenes", SimulationSettings(frames=_FRAMES, patients=2, size=size, seed=3)))
        items, pictures = _made_up(base)
        encoding = _seconds_to_encode(pictures)
        figures: dict[str, Any] = {"images": len(items), "encoding_seconds": encoding}
        for name in ("image2image", "coco"):
            started = time.perf_counter()
            result_of(write_export(base / name, items, ExportOptions(format=name), recipe={}, reading=READING))
            seconds = time.perf_counter() - started
            figures[name] = {
                "seconds": seconds, "images_per_second": len(items) / seconds, "share_of_encoding": encoding / seconds,
            }  # fmt: skip
        return figures


def _made_up(base: Path) -> tuple[list[ExportItem], list[np.ndarray]]:
    """Noisy pictures in the place of translations: as hard to encode as real ones."""
    items, pictures = [], []
    for scene in read_scenes(base / "scenes", "frames"):
        for frame in scene.frames:
            for k in range(_STYLES):
                rng = stream(k, "bench", scene.patient, frame.name)
                smooth = np.linspace(0, 200, scene.size[0])[None, :, None]
                noise = rng.integers(0, 24, (scene.size[1], scene.size[0], 3))
                picture_HW3 = (smooth + noise).astype(np.uint8)
                path = base / "translations" / f"{k}" / scene.patient / frame.name
                write_png(path, picture_HW3)
                pictures.append(picture_HW3)
                items.append(
                    ExportItem(
                        patient=scene.patient, frame_name=frame.name, style_name=f"style {k}", image=path,
                        render=frame.rgb, layers=frame, layout=scene.layout, encoding=scene.encoding,
                        classes=scene.classes,
                    )
                )  # fmt: skip
    return items, pictures


def _seconds_to_encode(pictures: Sequence[np.ndarray]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(encode_png, pictures):
            pass
    return time.perf_counter() - started
