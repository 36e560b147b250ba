"""The data card: what a person should know before training on an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from studio.export.planning import Plan
from studio.export.preview import PREVIEW
from studio.export.values import ExportOptions
from studio.export.writers import FrameOutcome
from studio.vocabulary.colour_vision import hex_of
from studio.vocabulary.recipes import Recipe

CARD = "DATA_CARD.md"


def data_card(
    plan: Plan, options: ExportOptions, recipe: Recipe, outcomes: Sequence[FrameOutcome], layout: Sequence[str]
) -> str:
    """Markdown. The same export gives the same text."""
    parts = [
        _head(plan, options, recipe, outcomes),
        _how_made(recipe, plan),
        "## Layout\n" + "\n".join(f"- {line}" for line in layout) + "\n- `manifest.json`: recipe, styles, hashes\n"
        f"- `{PREVIEW}`: a few of the images, beside themselves with their labels in the colours below\n",
        _splits(plan),
        _classes(plan, options, outcomes),
        _validity(plan),
        _LICENCES,
    ]
    return "\n".join(parts)


_LICENCES = """## Licences and limits
- The licences of the scenes and of the footage are **unknown** to the program that wrote this: ask those who gave them
  before passing this data set on. Styles were learned from the footage.
- Labels come from the simulation and were not corrected by hand. Where a translation changed the content, they are
  wrong; the validity below says how far that was measured.
- Not for clinical use.
"""


def _head(plan: Plan, options: ExportOptions, recipe: Recipe, outcomes: Sequence[FrameOutcome]) -> str:
    sizes = Counter(f"{o.size[0]}x{o.size[1]}" for o in outcomes)
    stand_in = recipe.source.get("stand_in_footage")
    warning = (
        "\n> **The styles come from stand-in footage**: rendered, not filmed. Nothing was learned from real video.\n"
        if stand_in
        else ""
    )
    return (
        f"# {recipe.source.get('project') or 'Translated scenes'}\n\n"
        f"{plan.image_count} translated laparoscopic images of {len(plan.frames)} simulated frames, "
        f"{len(plan.folders)} patients, {len(plan.styles)} styles, {', '.join(sorted(sizes))} px. "
        f"Format `{options.format}`. No frame was labelled by hand.\n{warning}"
    )


def _at_step(checkpoint: Mapping[str, Any]) -> str:
    return f", step {checkpoint['step']}" if "step" in checkpoint else ""


def _how_made(recipe: Recipe, plan: Plan) -> str:
    checkpoints = recipe.source.get("checkpoints") or []
    runs = [
        f"- translator run `{c.get('run')}`{_at_step(c)}, fingerprint `{c.get('fingerprint')}`" for c in checkpoints
    ]
    verdicts = ", ".join(recipe.source.get("verdicts") or []) or "all"
    lines = [
        "## How it was made",
        "Simulated scenes with exact labels were translated by an unpaired image-to-image network trained on footage",
        "(MUNIT with a structural-similarity loss, after Pfeiffer et al. 2019); the labels are those of the scenes.",
        "",
        *runs,
        f"- verdicts exported: {verdicts}",
        *(f"- only {what}: {', '.join(names)}" for what, names in sorted((recipe.source.get("only") or {}).items())),
        f"- rule: `{recipe.source.get('rule') or 'none'}`",
        f"- split seed {recipe.seed}; merges: {', '.join(f'{a} into {b}' for a, b in recipe.merges) or 'none'}",
        f"- recipe fingerprint `{recipe.fingerprint()}`",
        "",
        "| style | name | code |",
        "|---|---|---|",
        *(f"| {s.folder} | {_cell(s.name)} | {', '.join(f'{v:.3f}' for v in s.code)} |" for s in plan.styles),
        "",
    ]
    return "\n".join(lines)


def _splits(plan: Plan) -> str:
    frames = Counter(f.patient for f in plan.frames)
    images: Counter[str] = Counter()
    for frame in plan.frames:
        images[frame.patient] += len(frame.images)
    lines = ["## Splits, by patient", "| split | patient | folder | frames | images |", "|---|---|---|--:|--:|"]
    for split, patients in plan.splits.items():
        for p in patients:
            lines.append(f"| {split} | {_cell(p)} | {_cell(plan.folders[p])} | {frames[p]} | {images[p]} |")
    totals = {split: sum(images[p] for p in patients) for split, patients in plan.splits.items()}
    lines += ["", "Images: " + ", ".join(f"{split} {count}" for split, count in totals.items()) + ".", ""]
    return "\n".join(lines)


def _classes(plan: Plan, options: ExportOptions, outcomes: Sequence[FrameOutcome]) -> str:
    splits = list(plan.splits)
    with_class: dict[str, Counter[int]] = {split: Counter() for split in splits}
    pixels: Counter[int] = Counter()
    for frame, outcome in zip(plan.frames, outcomes, strict=True):
        for class_id, count in outcome.pixels.items():
            with_class[frame.split][class_id] += len(frame.images)
            pixels[class_id] += count * len(frame.images)
    total = max(sum(pixels.values()), 1)
    lines = [
        "## Classes",
        f"| id | class | colour | share of pixels | {' | '.join(f'images in {s}' for s in splits)} |",
        f"|--:|---|---|--:|{'--:|' * len(splits)}",
    ]
    for c in plan.classes.table:
        counts = " | ".join(str(with_class[s][c.id]) for s in splits)
        lines.append(
            f"| {c.id} | {_cell(c.name)} | `{hex_of(c.colour)}` | {100 * pixels[c.id] / total:.2f} % | {counts} |"
        )
    if options.format == "coco":
        lines.append("\nCOCO category ids count from 1 in this order, void left out.")
    return "\n".join([*lines, ""])


def _validity(plan: Plan) -> str:
    values = [item.validity for frame in plan.frames for _, item in frame.images if item.validity is not None]
    missing = plan.image_count - len(values)
    lines = ["## Validity of the labels", "How far a translation kept the content of its render, 0 to 1, measured."]
    if values:
        low, quarter, middle, high = np.quantile(values, [0.0, 0.25, 0.5, 1.0])
        lines.append(f"Lowest {low:.3f}, quarter {quarter:.3f}, median {middle:.3f}, highest {high:.3f}.")
        lines += _by_style(plan)
    if missing:
        lines.append(f"{missing} images were not measured.")
    return "\n".join([*lines, ""])


def _by_style(plan: Plan) -> list[str]:
    by_style: dict[int, list[float]] = {}
    for frame in plan.frames:
        for style, item in frame.images:
            if item.validity is not None:
                by_style.setdefault(style.number, []).append(item.validity)
    rows = [
        f"| {s.folder} | {len(by_style[s.number])} | {np.median(by_style[s.number]):.3f} |"
        for s in plan.styles
        if s.number in by_style
    ]
    return ["", "| style | measured | median |", "|---|--:|--:|", *rows, ""]


def _cell(text: str) -> str:
    """Text that cannot break out of a table's cell."""
    return " ".join(text.replace("|", "/").split())


def counts_of(plan: Plan) -> Mapping[str, int]:
    """Frames, images, patients and styles of an export, and images by split."""
    by_split: Counter[str] = Counter()
    for frame in plan.frames:
        by_split[frame.split] += len(frame.images)
    whole = {
        "frames": len(plan.frames), "images": plan.image_count, "patients": len(plan.folders),
        "styles": len(plan.styles),
    }  # fmt: skip
    return whole | {f"images_{split}": by_split[split] for split in plan.splits}
