"""Short facts: what a project holds, the demo's table, and how pictures of the kinds compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.pictures import read_rgb
from studio.pipeline.demo_settings import REGIMES
from studio.pipeline.views import footage_picture
from studio.project.project import Project

_SPREAD = 40
"""Pictures of each kind that statistics are taken from."""


def project_summary(project: Project) -> dict[str, Any]:
    """Counts of everything in a project."""
    scenes = project.scenes.all()
    footage = project.footage.all()
    reasons = Counter(r.reason for r in footage if r.reason and not r.included)
    return {
        "project": str(project.folder),
        "id": project.setting("id"),
        "scenes": len(scenes),
        "patients": sorted({s.patient for s in scenes}),
        "frames": project.scenes.frame_count(),
        "footage": {
            "frames": len(footage), "included": sum(r.included for r in footage), "left_out": dict(reasons),
            "patients": sorted({r.patient for r in footage}), "stand_in": bool(project.setting("stand_in", False)),
        },
        "runs": [{"name": r.name, "kind": r.kind, "state": r.state} for r in project.runs.all()],
        "palettes": [p.palette.name for p in project.palettes.all()],
        "translations": {
            "images": project.translations.count(), "accepted": project.translations.count("accepted"),
            "rejected": project.translations.count("rejected"), "undecided": project.translations.count("undecided"),
        },
        "exports": [{"dest": str(e.dest), "format": e.format} for e in project.outcomes.exports()],
        "reports": [str(e.report) for e in project.outcomes.evaluations()],
    }  # fmt: skip


def spread(items: Sequence[Any], count: int = _SPREAD) -> list[Any]:
    """At most ``count`` items at equal distances."""
    if not items:
        return []
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))]


def kinds_of_pictures(project: Project) -> dict[str, list[np.ndarray]]:
    """uint8 HxWx3 pictures of each kind: simulated, translated, footage."""
    frames = spread(project.scenes.frames())
    translations = spread(project.translations.ids(order="frame"))
    footage = spread(project.footage.all(included_only=True))
    return {
        "simulated": [read_rgb(f.files.rgb) for f in frames],
        "translated": [read_rgb(t.path) for t in project.translations.some(translations)],
        "footage": [footage_picture(project, r) for r in footage],
    }


def short_table(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows {name, title, mean, patients {patient: Dice}} of the first class, the trivial predictor first."""
    titles = {r.name: r.title for r in REGIMES}
    return [
        {
            "name": row["name"], "title": titles.get(row["name"], row["name"]), "mean": row["mean"],
            "patients": dict(row["patients"]),
        }
        for row in figures["dice"]
    ]  # fmt: skip


def patient_groups(labelled: Path) -> dict[str, str]:
    """patient -> palette of look, of labelled stand-in patients; empty for real ones."""
    import json

    sidecar = labelled / "patients.json"
    if not sidecar.is_file():
        return {}
    return {str(k): str(v) for k, v in json.loads(sidecar.read_text(encoding="utf-8")).items()}
