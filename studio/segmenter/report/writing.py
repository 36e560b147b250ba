"""The report's three files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

import numpy as np

from studio.files.atomic import write_text
from studio.files.pictures import read_rgb
from studio.segmenter.report.charts import number
from studio.segmenter.report.page import lead_regime, page
from studio.segmenter.report.pictures import Chosen, chosen_frames, embedded, overlay, strip
from studio.segmenter.report.story import Evaluation, Story
from studio.segmenter.report.tables import as_csv, as_json
from studio.vocabulary.labels import LabelClass

Predictor = Callable[[np.ndarray], np.ndarray]
"""uint8 RGB HxWx3 -> uint8 class ids HxW."""


def write_report(
    report_dir: Path,
    evaluation: Evaluation,
    story: Story,
    *,
    predictors: Mapping[str, Predictor],
    truth: Callable[[str], np.ndarray],
) -> dict[str, Path]:
    """Write report.html, report.csv and report.json; gives their paths by ``report``, ``csv``, ``json``.

    ``predictors``: by regime; ``truth``: class ids of a frame's mask. Pictures are predicted anew for the few frames
    shown, so that no prediction has to be kept.
    """
    lead = lead_regime(evaluation)
    known = story.classes.by_name(evaluation.class_names[0])
    blocks = [_frame(evaluation, chosen, predictors, truth, known) for chosen in chosen_frames(evaluation, lead)]
    files = {kind: report_dir / f"report.{end}" for kind, end in (("report", "html"), ("csv", "csv"), ("json", "json"))}
    write_text(files["csv"], _writable(as_csv(evaluation)))
    write_text(files["json"], _writable(json.dumps(as_json(evaluation), indent=1, ensure_ascii=False) + "\n"))
    write_text(files["report"], _writable(page(evaluation, story, lead=lead, frames=blocks)))
    return files


def _writable(text: str) -> str:
    """Names of files that are no text in any encoding come with lone surrogates, which no file takes."""
    return text.encode("utf-8", "replace").decode()


def _frame(
    evaluation: Evaluation, chosen: Chosen, predictors: Mapping[str, Predictor], truth: Callable[[str], np.ndarray],
    known: LabelClass,
) -> str:  # fmt: skip
    """One frame: the picture, and an overlay a regime with its Dice."""
    name = evaluation.class_names[0]
    image_HW3 = read_rgb(Path(chosen.frame))
    truth_HW = truth(chosen.frame) == known.id
    scores = {f.regime: f for f in evaluation.frames if (f.frame, f.class_name) == (chosen.frame, name)}
    figures = [f"<figure>{embedded(image_HW3, 'the frame')}<figcaption>frame</figcaption></figure>"]
    for regime, predict in predictors.items():
        shown_HW3 = overlay(image_HW3, predict(image_HW3) == known.id, truth_HW, known.colour)
        dice = number(scores[regime].scores.dice, 2)
        said = escape(regime)
        figures.append(
            f"<figure>{embedded(shown_HW3, f'prediction of {said}')}"
            f"<figcaption>{said} <b>{dice}</b></figcaption></figure>"
        )
    first = next(iter(scores.values()))
    group = f" · {escape(first.group)}" if first.group else ""
    title = f"{escape(chosen.why)} · {escape(first.patient)}{group} <span>{escape(Path(chosen.frame).name)}</span>"
    return f'<div class="frame"><p>{title}</p>{strip(figures)}</div>'
