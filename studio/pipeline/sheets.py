"""Frames in the styles of a palette as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.files.pictures import read_rgb, write_png
from studio.files.sheet import checked_sheet, draw_sheet
from studio.jobs.events import Done, Job, Progress
from studio.pipeline.views import spread_frames
from studio.project.project import Project
from studio.vocabulary.errors import InputError


def style_sheet(
    project: Project, dest: Path, palette_name: str, *, run_name: str = "", frames: int = 6, checkpoint: str = "last",
    device: str = "auto",
) -> Job:  # fmt: skip
    """Write frames, spread over all scenes, in every style of a palette as one PNG with names. Done: file, rows,
    columns, size.

    Raise InputError for a palette that does not fit the run (default: its own), and for a sheet that is too large.
    """
    from studio.translator.inference import load_translator

    palette = project.palettes.get(palette_name).palette
    run = project.runs.get("translator", run_name or palette.run)
    records = spread_frames(project, frames)
    if not records or not palette.styles:
        raise InputError("there are no frames or no styles to show", where=project.folder, remedy="Add some first.")
    sizes = {s.id: s.size for s in project.scenes.all()}
    checked_sheet(len(records), len(palette.styles) + 1, [sizes[f.scene_id] for f in records])
    translator = load_translator(run.folder, device=device, checkpoint=checkpoint)
    codes_NS = np.array([s.code for s in palette.styles], np.float32)
    cells: dict[tuple[int, int], np.ndarray] = {}
    for row, frame in enumerate(records):
        yield Progress(row, len(records), "frames", "translating")
        cells[row, 0] = read_rgb(frame.files.rgb)
        for column, image_HW3 in enumerate(translator.translate(cells[row, 0], codes_NS), start=1):
            cells[row, column] = image_HW3
    rows, columns = [f"{f.patient}  {f.name}" for f in records], ["Render", *(s.name for s in palette.styles)]
    sheet_HW3 = draw_sheet(cells, rows, columns)
    write_png(dest, sheet_HW3)
    yield Progress(len(records), len(records), "frames", "translating")
    size = [sheet_HW3.shape[1], sheet_HW3.shape[0]]
    yield Done({"file": str(dest), "rows": len(rows), "columns": len(columns), "size": size})
