"""Whether a run fits the size of the frames: any size is translated, but at another scale than trained it looks odd."""

from __future__ import annotations

from collections.abc import Sequence

from studio.pipeline.runs import complete_settings
from studio.project.records import RunRecord, SceneRecord
from studio.translator.settings import TrainSettings
from studio.vocabulary.errors import InputError

_MOST_OFF = 1.5
"""Translating at another scale than training by more than this shows: tissue gets a texture too fine or too coarse."""


def trained_scale(settings: TrainSettings, size: tuple[int, int]) -> float:
    """By what a frame of ``size`` (width, height) was scaled for training, on the whole: to ``load_width``, and up to
    the crop where it is smaller. Translating takes it as it is, a scale of 1."""
    width, height = size
    loaded = settings.load_width / width if settings.load_width else 1.0
    return max(loaded, settings.crop_width / width, settings.crop_height / height)


def size_remark(run: RunRecord, scenes: Sequence[SceneRecord]) -> str:
    """One line where frames are translated at another scale than the run was trained at; "" where they are not.

    A run that was taken over from elsewhere tells nothing of its scale.
    """
    if not (run.folder / "metrics.jsonl").is_file():
        return ""
    try:
        settings = TrainSettings.from_values(complete_settings(run))
    except InputError:
        return ""
    for size in dict.fromkeys(s.size for s in scenes if s.frame_count):
        scale = trained_scale(settings, size)
        if not 1 / _MOST_OFF <= scale <= _MOST_OFF:
            return (
                f"Frames of {size[0]} x {size[1]} px are translated as they are; this run was trained at "
                f"{scale:.1f} times that scale, so tissue may look {'coarse' if scale > 1 else 'too fine'}."
            )
    return ""
