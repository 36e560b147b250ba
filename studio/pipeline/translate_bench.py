"""What a whole `trocar translate` reaches, files and measures included, against translating alone in the same run."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.pictures import read_rgb
from studio.jobs.stages import result_of
from studio.pipeline.scenes import simulate_scenes
from studio.pipeline.translate import translate
from studio.project.project import Project
from studio.scenes.simulator import SimulationSettings
from studio.translator.settings import TrainSettings
from studio.vocabulary.seeds import stream
from studio.vocabulary.styles import Palette, Style

_FRAMES, _STYLES = 12, 5


def bench_whole_translation(settings: TrainSettings) -> dict[str, Any]:
    """Images a second from frames on disk to measured PNG files; ``share_of_translating`` is the time that the
    networks alone take for the same pictures over that of the whole (1 = files and measures cost nothing)."""
    from studio.translator.inference import load_translator

    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "bench") as project:
        size = (settings.crop_width, settings.crop_height)
        result_of(simulate_scenes(project, SimulationSettings(frames=_FRAMES, patients=2, size=size, seed=3)))
        run = _untrained_run(project, settings)
        palette = _palette(settings, run)
        project.palettes.save(palette, {"method": "random"})
        codes_NS = np.array([style.code for style in palette.styles], np.float32)
        translator = load_translator(project.runs.get("translator", run).folder, many=True)
        pictures = [read_rgb(frame.files.rgb) for frame in project.scenes.frames()]
        translator.translate(pictures[0], codes_NS)
        started = time.perf_counter()
        for picture_HW3 in pictures:
            translator.translate(picture_HW3, codes_NS)
        alone = time.perf_counter() - started
        started = time.perf_counter()
        made = result_of(translate(project, run, palette.name))["made"]
        whole = time.perf_counter() - started
        return {"images": made, "images_per_second": made / whole, "share_of_translating": alone / whole}


def _untrained_run(project: Project, settings: TrainSettings) -> str:
    """A run with the weights that training starts from: what they show does not matter here."""
    from studio.translator.checkpoints import RunState, save_checkpoint
    from studio.translator.devices import chosen_device
    from studio.translator.learner import Learner

    run = project.runs.add("translator", "bench", json.loads(settings.to_json()))
    save_checkpoint(run.folder, Learner(settings, chosen_device("cpu")), RunState())
    return run.name


def _palette(settings: TrainSettings, run: str) -> Palette:
    rng = stream(settings.seed, "bench")
    codes = rng.standard_normal((_STYLES, settings.style_size))
    return Palette(
        "bench", run, tuple(Style(f"style {k}", tuple(map(float, c)), "random") for k, c in enumerate(codes))
    )
