"""Translations: every frame in styles of a palette, each with its validity measured as it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from studio.curation.measures import named_measures
from studio.files.atomic import space_checked
from studio.files.pictures import read_rgb, write_png
from studio.jobs.events import Done, Job, Note, Progress
from studio.pipeline.views import frame_layers
from studio.project.project import Project
from studio.project.records import FrameRecord
from studio.project.translation_table import NewTranslation
from studio.quality.validity import measure_validity
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import Layers
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.seeds import stream
from studio.vocabulary.styles import Palette, Style

_BYTES_PER_PIXEL = 2.2
_AHEAD = 3
"""Frames that may wait for measuring and writing while the next ones are translated."""


def translate(
    project: Project, run_name: str, palette_name: str, *, per_frame: int = 0, seed: int = 0, device: str = "auto",
    checkpoint: str = "last",
) -> Job:  # fmt: skip
    """Translate every frame in ``per_frame`` styles of a palette (0 = all of them), skipping what is there already.

    Which styles a frame gets depends on the seed and the frame alone, each style equally often on the whole.
    Done: made, kept, validity (mean), seconds-free counts. Stopping keeps what is made; the same call goes on.
    """
    from studio.translator.inference import load_translator

    run = project.runs.get("translator", run_name)
    record = project.palettes.get(palette_name)
    palette = record.palette
    frames = project.scenes.frames()
    if not frames:
        raise InputError(
            "there are no scenes to translate", where=project.folder, remedy="Add some: trocar scenes add."
        )
    if palette.run != run.name:
        yield Note(f"The palette was drawn for run {palette.run}; its codes may mean something else here.", "warning")
    translator = load_translator(run.folder, device=device, checkpoint=checkpoint)
    _check_sizes(palette, translator.style_size)
    if palette.run == run.name and record.recipe.get("fingerprint", translator.fingerprint) != translator.fingerprint:
        yield Note("The palette was drawn with another checkpoint of this run; its styles may look different here. "
                   "Draw it again with the same --checkpoint.", "warning")  # fmt: skip
    plan = [(frame, styles_for(palette, per_frame, seed=seed, frame=frame)) for frame in frames]
    there = _there(project, run.name, palette, translator.fingerprint)
    plan = [(f, tuple(s for s in styles if (f.id, s.name) not in there)) for f, styles in plan]
    total = sum(len(styles) for _, styles in plan)
    _check_space(project, plan)
    folder = project.folder / "translations" / f"{run.name}" / palette.name
    made = 0
    validities: list[float] = []
    with ThreadPoolExecutor(2) as pool:
        waiting: list[Future[list[NewTranslation]]] = []
        try:
            for frame, styles in plan:
                if not styles:
                    continue
                layers = frame_layers(project, frame)
                codes_NS = np.array([s.code for s in styles], np.float32)
                images_NHW3 = translator.translate(layers.rgb_HW3, codes_NS)
                waiting.append(
                    pool.submit(_finished, frame, layers, styles, images_NHW3, folder, run.name, palette.name,
                                translator.fingerprint)
                )  # fmt: skip
                while len(waiting) > _AHEAD:
                    made += _taken(project, waiting.pop(0).result(), validities)
                yield Progress(made, total, "images", "translating")
            while waiting:
                made += _taken(project, waiting.pop(0).result(), validities)
                yield Progress(made, total, "images", "translating")
        finally:
            for future in waiting:  # what is already computed is not thrown away
                made += _taken(project, future.result(), validities)
    yield Done(
        {
            "run": run.name, "palette": palette.name, "made": made, "kept": len(there),
            "validity": float(np.mean(validities)) if validities else None,
        }
    )  # fmt: skip


def styles_for(palette: Palette, per_frame: int, *, seed: int, frame: FrameRecord) -> tuple[Style, ...]:
    """The styles that one frame is translated in: all, or ``per_frame`` different ones drawn for it."""
    if per_frame <= 0 or per_frame >= len(palette.styles):
        return palette.styles
    rng = stream(seed, "styles of frame", frame.patient, frame.name)
    chosen = rng.permutation(len(palette.styles))[:per_frame]
    return tuple(palette.styles[i] for i in sorted(chosen))


def _check_sizes(palette: Palette, style_size: int) -> None:
    wrong = next((s for s in palette.styles if len(s.code) != style_size), None)
    if not palette.styles:
        raise InputError("the palette is empty", where=f"palette {palette.name}", remedy="Draw some styles.")
    if wrong is not None:
        raise InputError(
            f"its styles have {len(wrong.code)} numbers, the translator takes {style_size}",
            where=f"palette {palette.name}", remedy="Draw a palette for this run: trocar styles sample.",
        )  # fmt: skip


def _check_space(project: Project, plan: Sequence[tuple[FrameRecord, tuple[Style, ...]]]) -> None:
    sizes = {s.id: s.size for s in project.scenes.all()}
    pixels = sum(sizes[f.scene_id][0] * sizes[f.scene_id][1] * len(styles) for f, styles in plan)
    space_checked(project.folder, int(pixels * _BYTES_PER_PIXEL))


def _there(project: Project, run: str, palette: Palette, fingerprint: str) -> set[tuple[int, str]]:
    """(frame id, style name) of translations that would come out the same."""
    codes = {s.name: s.code for s in palette.styles}
    return {
        (r.frame_id, r.style)
        for r in project.translations.all()
        if (r.run, r.palette, r.fingerprint) == (run, palette.name, fingerprint)
        and codes.get(r.style) == r.code
        and r.path.is_file()
    }


def _finished(
    frame: FrameRecord, layers: Layers, styles: Sequence[Style], images_NHW3: np.ndarray, folder: Path, run: str,
    palette: str, fingerprint: str,
) -> list[NewTranslation]:  # fmt: skip
    rows = []
    for style, image_HW3 in zip(styles, images_NHW3, strict=True):
        path = folder / style.name.replace("/", "_") / frame.patient / f"{Path(frame.name).stem}.png"
        write_png(path, image_HW3)
        value, measures = measured(layers, image_HW3)
        rows.append(
            NewTranslation(frame.id, run, palette, style.name, style.code, path, fingerprint, value, measures)
        )  # fmt: skip
    return rows


def measured(layers: Layers, translation_HW3: np.ndarray) -> tuple[float, dict[str, float]]:
    """Validity and the flat table of measures that rules name: validity, its parts, and ``validity.<class>``."""
    validity = measure_validity(layers.rgb_HW3, translation_HW3, layers.segmentation_HW)
    return validity.value, named_measures(
        validity.value, validity.measures, validity.per_class, classes=STUDIO_CLASSES
    )  # fmt: skip


def _taken(project: Project, rows: list[NewTranslation], validities: list[float]) -> int:
    project.translations.put(rows)
    validities += [r.validity for r in rows if r.validity is not None]
    return len(rows)


def measure_all(project: Project) -> Job:
    """Measure the validity of every translation again. Done: images, validity (mean), unreadable."""
    records = list(project.translations.all())
    if not records:
        raise InputError("there are no translations", where=project.folder, remedy="Make some: trocar translate.")
    values = []
    for done, (record_id, value, measures) in enumerate(_measured_all(project), start=1):
        project.translations.set_measures(record_id, validity=value, measures=measures)
        values.append(value)
        yield Progress(done, len(records), "images", "measuring")
    yield Done({"images": len(values), "validity": float(np.mean(values))})


def _measured_all(project: Project) -> Iterator[tuple[int, float, dict[str, float]]]:
    layers: Layers | None = None
    frame_id = -1
    for record in sorted(project.translations.all(), key=lambda r: r.frame_id):
        if layers is None or record.frame_id != frame_id:
            layers, frame_id = frame_layers(project, project.scenes.frame(record.frame_id)), record.frame_id
        value, measures = measured(layers, read_rgb(record.path))
        yield record.id, value, measures
