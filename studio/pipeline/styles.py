"""Style codes of the footage, and palettes drawn for a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from studio.files.atomic import write_json
from studio.files.pictures import read_reference, read_rgb
from studio.jobs.events import Done, Job, Progress
from studio.jobs.stages import passed_on
from studio.pipeline.translators import picture_file
from studio.pipeline.views import CODES_FILE, MAP_FILE, FootageCodes, footage_codes
from studio.project.project import Project
from studio.project.records import RunRecord
from studio.styles.diversity import density_coverage, mean_pairwise_distance
from studio.styles.palette_file import read_palette, write_palette
from studio.styles.sampling import from_reference, sample_cover, sample_fitted, sample_random
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError
from studio.vocabulary.styles import Palette, Style

Method = Literal["random", "fitted", "reference", "cover"]
_BLACK = 10
"""Grey level up to which a pixel is taken for the black around a round image area."""


def encode_footage(project: Project, run_name: str, *, device: str = "auto", checkpoint: str = "last") -> Job:
    """Encode the style of every included footage frame with a run's checkpoint. Done: frames, file, fingerprint.

    Frames that have codes of the same checkpoint are not encoded again.
    """
    from studio.translator.inference import load_translator

    run = project.runs.get("translator", run_name)
    translator = load_translator(run.folder, device=device, checkpoint=checkpoint)
    records = project.footage.all(included_only=True)
    if not records:
        raise InputError("there is no footage to encode", where=project.folder, remedy="Add some: trocar footage add.")
    known = _known(run, translator.fingerprint)
    rows = []
    for done, record in enumerate(records, start=1):
        row = known.get(record.id)
        if row is None:
            picture_HW3 = read_rgb(picture_file(project, record))
            code = [round(float(v), 6) for v in translator.encode_style(picture_HW3)]
            row = code, round(_brightness(picture_HW3), 4)
        rows.append(row)
        yield Progress(done, len(records), "frames", "encoding styles")
    write_json(
        run.folder / CODES_FILE,
        {
            "fingerprint": translator.fingerprint,
            "ids": [r.id for r in records],
            "patients": [r.patient for r in records],
            "names": [r.name for r in records],
            "codes": [code for code, _ in rows],
            "brightness": [brightness for _, brightness in rows],
        },
    )
    yield Done({"frames": len(rows), "file": str(run.folder / CODES_FILE), "fingerprint": translator.fingerprint})


def map_footage(
    project: Project, run_name: str, *, device: str = "auto", seed: int = 0, checkpoint: str = "last"
) -> Job:
    """Lay the footage's styles out by t-SNE and keep that with the run. Done: frames, file, fingerprint.

    Footage that has no codes of the checkpoint is encoded first.
    """
    from studio.styles.tsne import tsne_2d

    run = project.runs.get("translator", run_name)
    yield from passed_on(encode_footage(project, run_name, device=device, checkpoint=checkpoint))
    codes = footage_codes(run)
    assert codes is not None  # encode_footage has just written it
    yield Progress(0, 1, "maps", "laying out styles")
    xy_N2 = tsne_2d(codes.codes_NS, seed=seed)
    kept = {"method": "t-SNE", "fingerprint": codes.fingerprint, "ids": list(codes.ids)}
    write_json(run.folder / MAP_FILE, {**kept, "xy": [[round(float(v), 4) for v in at] for at in xy_N2]})
    yield Progress(1, 1, "maps", "laying out styles")
    yield Done({"frames": len(xy_N2), "file": str(run.folder / MAP_FILE), "fingerprint": codes.fingerprint})


def export_palette(project: Project, name: str, dest: Path) -> Job:
    """Write a palette as one small JSON file. Done: palette, styles, file."""
    palette = project.palettes.get(name).palette
    write_palette(dest, palette)
    yield Done({"palette": name, "styles": len(palette.styles), "file": str(dest)})


def import_palette(project: Project, source: Path, *, run_name: str = "", name: str = "") -> Job:
    """Keep a palette from a file for a run (default: the one that it names). Done: palette, run, styles.

    Raise InputError for a file that is no palette, or whose styles do not fit the run's translator.
    """
    run = project.runs.get("translator", run_name or read_palette(source).run)
    palette = read_palette(source, style_size=TrainSettings.from_values(dict(run.settings)).style_size)
    kept = replace(palette, name=name or palette.name, run=run.name)
    project.palettes.save(kept, {"method": "from a file"})
    yield Done({"palette": kept.name, "run": run.name, "styles": len(kept.styles)})


def _known(run: RunRecord, fingerprint: str) -> dict[int, tuple[list[float], float]]:
    """(code, brightness) by footage id."""
    kept = footage_codes(run)
    if kept is None or kept.fingerprint != fingerprint or not np.isfinite(kept.brightness_N).all():
        return {}
    return {
        i: ([round(float(v), 6) for v in code], float(brightness))
        for i, code, brightness in zip(kept.ids, kept.codes_NS, kept.brightness_N, strict=True)
    }


def _brightness(picture_HW3: np.ndarray) -> float:
    """0 to 1: the mean of what is not black, so that the size of a round image area does not count; 0 for none."""
    level_HW = picture_HW3.mean(axis=2)
    seen = level_HW > _BLACK
    return float(level_HW[seen].mean() / 255) if seen.any() else 0.0


def sample_styles(
    project: Project, run_name: str, *, count: int, method: Method, palette: str, temperature: float = 1.0,
    seed: int = 0, references: Sequence[Path] = (), checkpoint: str = "last",
) -> Job:  # fmt: skip
    """Draw styles and keep them as a palette. Done: palette, styles, density, coverage, mean_distance.

    ``reference`` encodes the pictures given, or else ``count`` footage frames spread over the patients.
    """
    run = project.runs.get("translator", run_name)
    if not 1 <= count <= 10_000:
        raise InputError(f"{count} styles were asked for", where="--count", remedy="Ask for 1 to 10,000.")
    yield from passed_on(encode_footage(project, run_name, checkpoint=checkpoint))
    codes = footage_codes(run)
    assert codes is not None  # encode_footage has just written it
    if method == "random":
        size = codes.codes_NS.shape[1]
        styles = sample_random(count, size, temperature=temperature, seed=seed)
    elif method == "fitted":
        styles = sample_fitted(codes.codes_NS, count, temperature=temperature, seed=seed)
    elif method == "cover":
        styles = sample_cover(codes.codes_NS, count, seed=seed, sources=codes.names)
    else:
        styles = _from_pictures(run, references, checkpoint) if references else _spread(codes, count)
    project.palettes.save(
        Palette(palette, run.name, tuple(styles)),
        {"method": method, "count": count, "temperature": temperature, "seed": seed, "fingerprint": codes.fingerprint},
    )
    yield Done({"palette": palette, "run": run.name, **diversity(codes.codes_NS, styles)})


def _from_pictures(run: RunRecord, references: Sequence[Path], checkpoint: str) -> list[Style]:
    from studio.translator.inference import load_translator

    translator = load_translator(run.folder, checkpoint=checkpoint)
    codes = [translator.encode_style(read_reference(path)) for path in references]
    return [
        from_reference(code_S, source=path.name, name=f"{k + 1:02d} like {path.name}")
        for k, (code_S, path) in enumerate(zip(codes, references, strict=True))
    ]


def _spread(codes: FootageCodes, count: int) -> list[Style]:
    """Frames at equal distances in the order of patients and time."""
    chosen = np.unique(np.linspace(0, len(codes.ids) - 1, count).round().astype(int))
    return [
        from_reference(codes.codes_NS[i], source=codes.names[i], name=f"{k + 1:02d} like {codes.names[i]}")
        for k, i in enumerate(chosen)
    ]


def diversity(footage_NS: np.ndarray, styles: Sequence[Style]) -> dict[str, float | int]:
    """Numbers on how well styles represent the footage (Naeem et al. 2020) and how far apart they lie."""
    drawn_MS = np.array([s.code for s in styles], np.float32)
    spread = density_coverage(footage_NS, drawn_MS) if len(footage_NS) > 1 else None
    return {
        "styles": len(styles),
        "density": spread.density if spread else 0.0,
        "coverage": spread.coverage if spread else 0.0,
        "mean_distance": float(mean_pairwise_distance(drawn_MS)),
    }  # fmt: skip


def list_palettes(project: Project) -> Job:
    """Done: palettes, each with name, run, styles."""
    rows = [
        {"name": r.palette.name, "run": r.palette.run, "styles": len(r.palette.styles), "created": r.created,
         "notes": r.palette.notes}
        for r in project.palettes.all()
    ]  # fmt: skip
    yield Done({"palettes": rows})


def show_palette(project: Project, name: str) -> Job:
    """Done: the palette with its codes."""
    palette = project.palettes.get(name).palette
    styles = [
        {"name": s.name, "code": list(s.code), "origin": s.origin, "source": s.source, "pinned": s.pinned}
        for s in palette.styles
    ]
    shown = {"name": palette.name, "run": palette.run, "notes": palette.notes, "styles": styles}
    yield Done(json.loads(json.dumps(shown)))
