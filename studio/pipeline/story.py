"""What a report tells beside its figures: how the data came to be, examples, and how the kinds of pictures compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.files.listing import spread
from studio.files.pictures import read_rgb
from studio.pipeline.class_colours import class_colours
from studio.pipeline.views import footage_picture
from studio.project.project import Project
from studio.quality.realism import appearance_statistics
from studio.segmenter.report.story import Example, PictureStatistics, Story
from studio.vocabulary.labels import STUDIO_CLASSES

_SPREAD = 40
"""Pictures of each kind that statistics are taken from."""
_EXAMPLES = 4
_STAND_IN = (
    "The footage is a stand-in (phantom): rendered by this program, not filmed. Figures on it show that the method "
    "works; they say nothing about real patients."
)


def told(project: Project, labelled: Path) -> Story:
    """The story of a project's data, for the report on its segmenters."""
    stand_in = bool(project.setting("stand_in", False)) and project.folder in labelled.resolve().parents
    return Story(
        title=f"{project.name}: does it help?",
        facts=_facts(project, labelled),
        cautions=(_STAND_IN,) if stand_in else (),
        examples=_examples(project),
        statistics=_statistics(project),
        classes=STUDIO_CLASSES.recoloured(class_colours(project)),
    )


def _facts(project: Project, labelled: Path) -> tuple[tuple[str, str], ...]:
    scenes = project.scenes.all()
    footage = project.footage.all()
    included = [r for r in footage if r.included]
    facts = [
        ("scenes", f"{project.scenes.frame_count()} frames of {len({s.patient for s in scenes})} simulated patients"),
        ("footage", f"{len(included)} frames of {len({r.patient for r in included})} patients, "
                    f"{len(footage) - len(included)} left out by screening"),
    ]  # fmt: skip
    for run in project.runs.all("translator"):
        facts.append(("translator", f"run {run.name}, {run.result.get('steps', '?')} iterations"))
    for record in project.palettes.all():
        method = record.recipe.get("method", "by hand")
        facts.append(("palette", f"{record.palette.name}: {len(record.palette.styles)} styles, {method}"))
    count = project.translations.count
    if count():
        facts.append(("translations", f"{count()}, of which {count('rejected')} rejected"))
    if project.setting("rule"):
        facts.append(("rule", str(project.setting("rule"))))
    return (*facts, ("labelled set", labelled.name))


def _examples(project: Project) -> tuple[Example, ...]:
    """A few frames with all their translations that are not rejected."""
    by_frame: dict[int, list[Path]] = {}
    for record in project.translations.all(verdicts=("accepted", "undecided")):
        by_frame.setdefault(record.frame_id, []).append(record.path)
    chosen = spread(sorted(by_frame), _EXAMPLES)
    frames = [(project.scenes.frame(i), tuple(by_frame[i])) for i in chosen]
    return tuple(Example(f.files.rgb, paths, f"{f.patient}, {f.name}") for f, paths in frames)


def _statistics(project: Project) -> tuple[PictureStatistics, ...]:
    frames = spread(project.scenes.frames(), _SPREAD)
    translations = project.translations.some(spread(project.translations.ids(order="frame"), _SPREAD))
    footage = spread(project.footage.all(included_only=True), _SPREAD)
    kinds = {
        "simulated": [read_rgb(f.files.rgb) for f in frames],
        "translated": [read_rgb(t.path) for t in translations],
        "footage": [footage_picture(project, r) for r in footage],
    }
    return tuple(_of(name, pictures) for name, pictures in kinds.items() if pictures)


def _of(name: str, pictures: Sequence[np.ndarray]) -> PictureStatistics:
    found = [appearance_statistics(picture_HW3) for picture_HW3 in pictures]
    brightness, saturation, gradient = (
        float(np.mean([f[measure] for f in found])) for measure in ("brightness", "saturation", "gradient")
    )
    return PictureStatistics(name, brightness / 255, saturation, gradient, len(pictures))
