"""``trocar bench``: speed as ratios within one run, since machines differ."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.jobs.events import Done, Job, Note, Progress
from studio.jobs.stages import passed_on
from studio.translator.settings import preset
from studio.vocabulary.errors import InputError

_SIZE = (452, 256)


def run_bench(what: str, *, out: Path | None = None) -> Job:
    """Measure one part, or all that take a minute or two. Done: a table of figures per part, with the machine's cores.

    ``out`` is where the curves are drawn.
    """
    if out is not None and what != "curves":
        raise InputError("only the curves are written to a folder", where="--out", remedy="Say: trocar bench curves.")
    figures: dict[str, Any] = {"cores": os.cpu_count()}
    if what == "curves":
        figures[what] = yield from passed_on(_curves(out))
    chosen = list(BENCHES) if what == "all" else [name for name in BENCHES if name == what]
    for done, name in enumerate(chosen):
        yield Progress(done, len(chosen), "parts", name)
        figures[name] = yield from passed_on(BENCHES[name]())
    yield Done(figures)


def _translate() -> Job:
    from studio.pipeline.translate_bench import bench_whole_translation
    from studio.translator.bench import bench_translate

    yield Note("translating at paper size against plain fp32, batch 1")
    figures = bench_translate(preset("paper")).to_values()
    yield Note("the whole of a translate command, files and measures included")
    yield Done({**figures, "whole": bench_whole_translation(preset("paper"))})


def _train() -> Job:
    from studio.translator.bench import bench_train
    from studio.translator.waiting import waiting_share

    yield Note("training steps at paper size against plain fp32, batch 1")
    figures = bench_train(preset("paper"), repeats=1).to_values()
    yield Done({**figures, "data": waiting_share(preset("paper")).to_values()})


def _simulate() -> Job:
    """Frames a second with all layers, memory, writing, and what sequences cost."""
    from studio.scenes.simulator.bench import bench_simulate

    yield from bench_simulate(_SIZE)


def _export() -> Job:
    """How long an export takes against encoding the same pictures alone on all cores."""
    from studio.pipeline.export_bench import bench_export

    yield Done(bench_export(_SIZE))


def _curves(out: Path | None) -> Job:
    """The fast path's losses over the plain one's: about a quarter of an hour on two cores."""
    from studio.pipeline.curves_bench import bench_curves_on_demo_data

    yield from bench_curves_on_demo_data(out=out)


def validity_figures(frames: int = 16, *, size: tuple[int, int] = _SIZE, processes: int = 0) -> Job:
    """How well validity ranks faithful translations above broken ones, on renders of patients made for this."""
    from studio.quality.calibration import calibrate
    from studio.quality.harder_damages import HARDER_DAMAGES
    from studio.quality.validity import measure_validity
    from studio.scenes.readers import load_layers_of, read_scenes
    from studio.scenes.simulator import SimulationSettings, simulate

    with tempfile.TemporaryDirectory() as folder:
        settings = SimulationSettings(frames=frames, patients=frames // 2, size=size, seed=20_000, processes=processes)
        yield from passed_on(simulate(Path(folder) / "scenes", settings))
        pairs = []
        for scene in read_scenes(Path(folder) / "scenes"):
            for files in scene.frames:
                layers = load_layers_of(files, layout=scene.layout, encoding=scene.encoding)
                assert layers.segmentation_HW is not None
                pairs.append((layers.rgb_HW3, layers.segmentation_HW))
        yield Note("measuring faithful and broken variants of each render")
        found = calibrate(pairs, lambda r, t, s: measure_validity(r, t, s).value, seed=7)
        harder = calibrate(pairs, lambda r, t, s: measure_validity(r, t, s).value, damages=HARDER_DAMAGES, seed=8)
    yield Done({**found.to_values(), "harder": harder.to_values()})


def _gui() -> Job:
    from studio.gui.bench import bench_gui

    yield Done(bench_gui())


BENCHES: dict[str, Callable[[], Job]] = {
    "translate": _translate, "train": _train, "simulate": _simulate, "export": _export, "gui": _gui,
    "validity": validity_figures,
}  # fmt: skip
