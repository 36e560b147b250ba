"""The figures as tables: for the page, as CSV (a row a frame, patient and mean) and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from studio.segmenter.metrics import MEASURES, Mean, over_patients, per_patient
from studio.segmenter.report.charts import number
from studio.segmenter.report.story import TRIVIAL, Evaluation

DIGITS = {"dice": 2, "iou": 2, "hd95": 1}
TITLES = {"dice": "Dice", "iou": "IoU", "hd95": "95th-percentile Hausdorff distance, px"}


def regime_title(name: str, class_name: str) -> str:
    """How a regime is called on the page."""
    return f"Everything in the circle is {class_name}" if name == TRIVIAL else name


def patients_table(evaluation: Evaluation, class_name: str, measure: str) -> str:
    """Patients down, regimes across, means of groups and of all patients below; the best figure of a row stands out."""
    patients = per_patient(evaluation.frames)
    regimes = evaluation.regime_names

    def row(title: str, means: Sequence[Mean | None], kind: str) -> str:
        values = [m.scores.value(measure) if m else float("nan") for m in means]
        return f"<tr{kind}><th>{escape(title)}</th>{_cells(values, measure)}</tr>"

    body = [row(p, [patients.get((r, class_name, p)) for r in regimes], "") for p in evaluation.patients]
    if len(evaluation.groups) > 1:
        for group in evaluation.groups:
            means = over_patients(evaluation.frames, group=group)
            body.append(row(f"Mean, {group}", [means.get((r, class_name)) for r in regimes], ' class="part"'))
    means = over_patients(evaluation.frames)
    body.append(row("Mean of patients", [means.get((r, class_name)) for r in regimes], ' class="sum"'))
    heads = "".join(f"<th>{escape(regime_title(r, class_name))}</th>" for r in regimes)
    head = f"<thead><tr><th>Patient</th>{heads}</tr></thead>"
    table = f'<table class="even" style="min-width:{160 + 104 * len(regimes)}px">'
    return f'<div class="wide">{table}{head}<tbody>{"".join(body)}</tbody></table></div>'


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Texts (not yet escaped), aligned left."""
    head = "".join(f"<th>{escape(h)}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table class="text"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def as_csv(evaluation: Evaluation) -> str:
    """Rows ``level,regime,class,group,patient,frame,dice,iou,hd95``; an empty field where there is no figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("level", "regime", "class", "group", "patient", "frame", *MEASURES))
    for f in evaluation.frames:
        row = ("frame", f.regime, f.class_name, f.group, f.patient, f.frame)
        writer.writerow((*row, *(_field(f.scores.value(m)) for m in MEASURES)))
    groups = {f.patient: f.group for f in evaluation.frames}
    for (regime, class_name, patient), mean in per_patient(evaluation.frames).items():
        row = ("patient", regime, class_name, groups[patient], patient, "")
        writer.writerow((*row, *(_field(mean.scores.value(m)) for m in MEASURES)))
    for group in evaluation.groups:
        for (regime, class_name), mean in over_patients(evaluation.frames, group=group).items():
            row = ("group mean", regime, class_name, group, "", "")
            writer.writerow((*row, *(_field(mean.scores.value(m)) for m in MEASURES)))
    for (regime, class_name), mean in over_patients(evaluation.frames).items():
        writer.writerow(("mean", regime, class_name, "", "", "", *(_field(mean.scores.value(m)) for m in MEASURES)))
    return out.getvalue()


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The same figures nested: means, groups, patients, frames; null where there is no figure."""
    return {
        "format": "trocar-report",
        "version": 1,
        "classes": list(evaluation.class_names),
        "regimes": [
            {"name": r.name, "network": r.network, "appearance": r.appearance, "steps": r.steps, "pairs": r.pairs,
             "patients": r.patients, "seed": r.seed, "fine_tuned": r.fine_tuned, "fingerprint": r.fingerprint}
            for r in evaluation.regimes
        ],
        "trivial": TRIVIAL if evaluation.trivial else None,
        "means": _mean_rows(evaluation, None),
        "groups": [{"group": g, "means": _mean_rows(evaluation, g)} for g in evaluation.groups],
        "patients": [
            {"regime": r, "class": c, "patient": p, "frames": m.frames, **_plain(m.scores.value)}
            for (r, c, p), m in per_patient(evaluation.frames).items()
        ],
        "frames": [
            {"regime": f.regime, "class": f.class_name, "patient": f.patient, "group": f.group, "frame": f.frame,
             **_plain(f.scores.value)}
            for f in evaluation.frames
        ],
    }  # fmt: skip


def _mean_rows(evaluation: Evaluation, group: str | None) -> list[Mapping[str, Any]]:
    return [
        {"regime": r, "class": c, "patients": m.patients, "frames": m.frames, **_plain(m.scores.value)}
        for (r, c), m in over_patients(evaluation.frames, group=group).items()
    ]


def _plain(value: Callable[[str], float]) -> dict[str, float | None]:
    return {m: None if np.isnan(value(m)) else value(m) for m in MEASURES}


def _field(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"


def _cells(values: Sequence[float], measure: str) -> str:
    shown = [number(v, DIGITS[measure]) for v in values]
    known = [v for v in values if not np.isnan(v)]
    best = number((min if measure == "hd95" else max)(known), DIGITS[measure]) if len(known) > 1 else ""
    return "".join(f'<td class="best">{s}</td>' if s == best else f"<td>{s}</td>" for s in shown)
