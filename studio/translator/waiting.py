"""How far pictures keep up with training: real PNG files, the run's own augmentation, real steps."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from studio.files.pictures import write_png
from studio.translator.data import BatchSource, TrainingImage
from studio.translator.devices import chosen_device
from studio.translator.learner import Learner
from studio.translator.prefetching import Waiting, batches_ready, data_threads, prefetched, training_batches
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import stream

_SIZE = (1280, 720)
_PICTURES = 12
_BATCHES = 24
_STEPS = {"cuda": 60, "cpu": 2}


@dataclass(frozen=True, slots=True)
class WaitingFigures:
    """Milliseconds a batch with so many ``threads``, when every picture is decoded anew and when all are in memory, and
    the share (0 to 1) of training time spent waiting for batches that were decoded anew."""

    pictures: str
    batch: int
    threads: int
    decoded_batch_ms: float
    cached_batch_ms: float
    waiting_share: float

    def to_values(self) -> dict[str, Any]:
        return asdict(self)


def waiting_share(settings: TrainSettings, *, device: str = "auto", steps: int = 0) -> WaitingFigures:
    """Measure with noisy pictures of 1280x720; ``steps`` 0: 60 on a GPU, 2 on a CPU."""
    place = chosen_device(device)
    threads = data_threads(place)
    waiting = Waiting()
    with tempfile.TemporaryDirectory() as folder:
        simulated, footage = (_pictures(Path(folder) / side, settings.seed) for side in ("simulated", "footage"))
        anew = BatchSource(simulated, footage, settings.with_values(cache_mb=0))
        ahead = batches_ready(settings, threads)
        decoded = _milliseconds_a_batch(anew, threads, ahead)
        cached = _milliseconds_a_batch(BatchSource(simulated, footage, settings), threads, ahead)
        learner = Learner(settings, place)
        with training_batches(anew, 0, place, waiting=waiting) as batches:
            for step, batch in enumerate(islice(batches, (steps or _STEPS[place.type]) + 1)):
                losses = learner.step(batch, step, settings.learning_rate)
                losses["image_b"].item()  # as training does, which reads every step's losses
    width, height = _SIZE
    return WaitingFigures(f"{width}x{height} PNG", settings.batch, threads, decoded, cached, round(waiting.share, 4))


def _milliseconds_a_batch(source: BatchSource, threads: int, ahead: int) -> float:
    """With the threads of training, once all pictures have been seen."""
    with prefetched(source, 0, threads=threads, ahead=ahead) as batches:
        for _ in islice(batches, 2 * _PICTURES):
            pass
        started = time.perf_counter()
        for _ in islice(batches, _BATCHES):
            pass
        return round(1000 * (time.perf_counter() - started) / _BATCHES, 2)


def _pictures(folder: Path, seed: int) -> list[TrainingImage]:
    """Blurred colours with a camera's noise, which makes PNG files as large as footage's."""
    rng = stream(seed, "waiting", folder.name)
    images = []
    for number in range(_PICTURES):
        rough = rng.integers(0, 256, (45, 80, 3)).astype(np.uint8)
        smooth = cv2.resize(rough, _SIZE, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        noisy = np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)
        path = folder / f"{number}.png"
        write_png(path, noisy)
        images.append(TrainingImage(path))
    return images
