"""The page, section by section. Every string from outside goes through escape."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from studio.files.pictures import read_rgb
from studio.segmenter.metrics import over_patients, per_patient
from studio.segmenter.report.charts import bars, box_and_points, number
from studio.segmenter.report.look import CSS
from studio.segmenter.report.pictures import embedded, strip
from studio.segmenter.report.story import TRIVIAL, Evaluation, Example, Regime, Story
from studio.segmenter.report.tables import TITLES, patients_table, regime_title, text_table
from studio.vocabulary.colour_vision import hex_of
from studio.vocabulary.labels import LabelClass

_APPEARANCES = {"none": "as they are", "colour": "strong colour augmentation", "reinhard": "colours of the footage"}
_NETWORKS = {"small": "small U-Net", "ternausnet11": "TernausNet-11"}


def page(evaluation: Evaluation, story: Story, *, lead: str, frames: Sequence[str]) -> str:
    """The whole HTML text. ``lead``: the regime whose worst frames are shown; ``frames``: their ready HTML blocks."""
    sections = [
        _header(evaluation, story, lead),
        _done(evaluation, story),
        _chart(evaluation),
        _tables(evaluation),
        _frames(story.classes.by_name(evaluation.class_names[0]), lead, frames),
        _examples(story.examples),
        _statistics(story),
        _meaning(evaluation),
        _footer(evaluation),
    ]
    title = escape(story.title)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<style>{CSS}</style></head><body>\n" + "\n".join(s for s in sections if s) + "\n</body></html>\n"
    )


def lead_regime(evaluation: Evaluation) -> str:
    """The trained regime with the highest mean Dice of the first class (the earlier one of equals)."""
    means = over_patients(evaluation.frames)
    values = [means[r.name, evaluation.class_names[0]].scores.dice for r in evaluation.regimes]
    best = int(np.nanargmax(values)) if not np.isnan(values).all() else 0
    return evaluation.regimes[best].name


def _header(evaluation: Evaluation, story: Story, lead: str) -> str:
    name = evaluation.class_names[0]
    means = over_patients(evaluation.frames)
    count, frames = len(evaluation.patients), len({f.frame for f in evaluation.frames})
    items = "".join(
        f'<li class="{"first" if r == lead else "other"}"><b>{number(means[r, name].scores.dice, 2)}</b>'
        f"<span>{escape(regime_title(r, name))}</span></li>"
        for r in evaluation.regime_names
    )
    made = f" · {escape(story.made)}" if story.made else ""
    cautions = "".join(f'<p class="caution">{escape(c)}</p>' for c in story.cautions)
    return (
        f'<header><p class="kicker"><b>Trocar Studio</b> · segmentation report{made}</p><h1>{escape(story.title)}</h1>'
        f'<p class="lead">Mean {escape(name)} Dice over {_counted(count, "labelled patient")} '
        f"({_counted(frames, 'frame')}) that no segmenter here was trained on.</p>"
        f'<ul class="figures">{items}</ul>{cautions}</header>'
    )


def _done(evaluation: Evaluation, story: Story) -> str:
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(how)}</dd>" for what, how in story.facts)
    rows = [
        (r.name, _NETWORKS.get(r.network, r.network) + (", fine-tuned" if r.fine_tuned else ""),
         f"{r.pairs:,} of {_counted(r.patients, 'patient')}", _APPEARANCES.get(r.appearance, r.appearance),
         f"{r.steps:,}", str(r.seed))
        for r in evaluation.regimes
    ]  # fmt: skip
    heads = ("Segmenter", "Network", "Pictures", "Their look", "Steps", "Seed")
    return (
        f"<section><h2>What was done</h2>{f'<dl>{facts}</dl>' if facts else ''}{text_table(heads, rows)}"
        f"<p class='note'>{_fairness(evaluation.regimes)}</p></section>"
    )


def _fairness(regimes: Sequence[Regime]) -> str:
    differing = [
        what
        for what, values in (
            ("steps", {r.steps for r in regimes}),
            ("networks", {r.network for r in regimes}),
            ("seeds", {r.seed for r in regimes}),
        )
        if len(values) > 1
    ]
    if len(regimes) < 2:
        return "One segmenter alone: its figures have only the trivial predictor beside them."
    if differing:
        return f"Not on equal terms: these segmenters differ in {' and '.join(differing)}."
    return "All segmenters had the same network, number of steps, seed and geometric augmentation."


def _chart(evaluation: Evaluation) -> str:
    name = evaluation.class_names[0]
    patients = per_patient(evaluation.frames)
    rows = {
        regime_title(r, name) if r != TRIVIAL else TRIVIAL: {
            p: m.scores.dice for (regime, c, p), m in patients.items() if (regime, c) == (r, name)
        }
        for r in evaluation.regime_names
    }
    groups = {f.patient: f.group for f in evaluation.frames if f.group} if len(evaluation.groups) > 1 else None
    chart = box_and_points(rows, axis=f"{name} Dice", groups=groups, muted=(TRIVIAL,))
    return (
        f"<section><h2>{escape(name.capitalize())} Dice, patient by patient</h2>{chart}"
        "<p class='note'>One mark is one patient: the mean over that patient's frames. The box spans the quartiles, "
        "its line is the median, the number at the right the mean of patients.</p></section>"
    )


def _tables(evaluation: Evaluation) -> str:
    first, *others = evaluation.class_names
    parts = [f"<section><h2>The figures</h2>{_class_tables(evaluation, first)}"]
    parts += [
        f"<details><summary>{escape(c.capitalize())}</summary>{_class_tables(evaluation, c)}</details>" for c in others
    ]
    return "".join(parts) + "</section>"


def _class_tables(evaluation: Evaluation, class_name: str) -> str:
    said = {"dice": "higher is better", "iou": "higher is better", "hd95": "lower is better"}
    return "".join(
        f"<h3>{escape(class_name.capitalize())}: {title} <span class='note'>({said[measure]})</span></h3>"
        f"{patients_table(evaluation, class_name, measure)}"
        for measure, title in TITLES.items()
    )


def _frames(known: LabelClass, lead: str, frames: Sequence[str]) -> str:
    if not frames:
        return ""
    name, colour = escape(known.name), hex_of(known.colour)
    return (
        f"<section><h2>Where it fails</h2><p>The frames on which “{escape(lead)}” did worst come first "
        "(at most two of a patient), then a middling one and its best.</p>"
        f'<p class="legend"><span><i class="swatch" style="background:{colour}"></i>predicted {name}</span>'
        f'<span><i class="swatch outline"></i>true {name}</span></p>{"".join(frames)}</section>'
    )


def _examples(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    blocks = []
    for example in examples:
        pictures = [(example.render, "render"), *((t, t.parent.name or t.stem) for t in example.translations)]
        figures = [
            f"<figure>{embedded(read_rgb(path), escape(said))}<figcaption>{escape(said)}</figcaption></figure>"
            for path, said in pictures
        ]
        caption = f"<p>{escape(example.caption)}</p>" if example.caption else ""
        blocks.append(f'<div class="frame">{caption}{strip(figures)}</div>')
    return (
        "<section><h2>Translations</h2><p>Renders and what the translator made of them. The labels of a render "
        f"are those of its translations.</p>{''.join(blocks)}</section>"
    )


def _statistics(story: Story) -> str:
    if not story.statistics:
        return ""
    blocks = []
    for title, attribute, digits in (
        ("Brightness", "brightness", 2),
        ("Saturation", "saturation", 2),
        ("Gradient, grey levels per px", "gradient", 1),
    ):
        values = [(s.name, float(getattr(s, attribute))) for s in story.statistics]
        largest = max([v for _, v in values if not np.isnan(v)], default=1.0)
        blocks.append(f"<div><h3>{title}</h3>{bars(values, largest=largest, digits=digits)}</div>")
    counts = ", ".join(f"{s.name}: {s.pictures:,}" for s in story.statistics if s.pictures)
    counted = f'<p class="note">Pictures: {escape(counts)}.</p>' if counts else ""
    return (
        "<section><h2>How the pictures compare</h2><p>Plain statistics, as measured by the studio. That they agree is "
        "necessary for translations to resemble the footage, and far from enough.</p>"
        f'<div class="three">{"".join(blocks)}</div>'
        f"{counted}</section>"
    )


def _meaning(evaluation: Evaluation) -> str:
    name = escape(evaluation.class_names[0])
    count = len(evaluation.patients)
    few = (
        f"<li>With {_counted(count, 'patient')}, differences of a few hundredths between segmenters may be chance. "
        "Training again with another seed moves a mean as well: compare several seeds before you rely on a rank.</li>"
        if count < 20
        else ""
    )
    trivial = (
        f"<li>The trivial predictor calls everything inside the round image {name}. It knows nothing; a segmenter "
        "that does not clearly beat it has learnt nothing of use for these patients.</li>"
        if evaluation.trivial
        else ""
    )
    return (
        '<section><h2>What the figures mean, and what they don’t</h2><ul class="plain">'
        "<li>Dice is twice the overlap of prediction and truth over the sum of both areas; IoU the overlap over their "
        "union. 1 is perfect, 0 no overlap at all.</li>"
        "<li>The Hausdorff distance is how far the outlines stray from one another: 95 % of the outline’s points lie "
        "nearer than that (in either direction), in pixels of the label’s own size. A mask that is missing on one side "
        "counts as the picture’s diagonal.</li>"
        "<li>A frame in which a class is neither present nor predicted is left out for that class; one in which it is "
        "predicted though absent counts as 0. Frames are averaged "
        "per patient and patients among themselves, never pooled: a long video weighs no more than a short one.</li>"
        f"{trivial}{few}"
        "<li>The figures hold for these patients, this footage and these labels. They say nothing about other "
        "hospitals, cameras or organs, nor about the use in an operation. This is research software, not a medical "
        "device.</li></ul></section>"
    )


def _footer(evaluation: Evaluation) -> str:
    marks = ", ".join(f"{escape(r.name)} <code>{escape(r.fingerprint[:12])}</code>" for r in evaluation.regimes)
    return f"<footer>Weights: {marks}. The same figures, frame by frame: report.csv and report.json.</footer>"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
