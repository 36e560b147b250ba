"""Short facts: what a project holds, and the demo's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from studio.pipeline.demo_settings import REGIMES
from studio.project.lock import is_written_to
from studio.project.project import Project
from studio.project.records import RunRecord


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
        "runs": [{"name": r.name, "kind": r.kind, "state": _state(r, project)} for r in project.runs.all()],
        "palettes": [p.palette.name for p in project.palettes.all()],
        "translations": {
            "images": project.translations.count(), "accepted": project.translations.count("accepted"),
            "rejected": project.translations.count("rejected"), "undecided": project.translations.count("undecided"),
        },
        "exports": [{"dest": str(e.dest), "format": e.format} for e in project.outcomes.exports()],
        "reports": [str(e.report) for e in project.outcomes.evaluations()],
    }  # fmt: skip


def _state(run: RunRecord, project: Project) -> str:
    """A run that was killed still says that it runs: when nobody has the project open for writing, it does not."""
    return "interrupted" if run.state == "running" and not is_written_to(project.folder) else run.state


def short_table(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows {name, title, mean, patients {patient: Dice}} of the first class, the trivial predictor first."""
    titles = {r.name: r.title for r in REGIMES}
    return [
        {"name": name, "title": titles.get(name, name), "mean": row["mean"], "patients": dict(row["patients"])}
        for name, row in figures["dice"].items()
    ]
