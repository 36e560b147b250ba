"""What translating in some styles and exporting that would take, and what of it is there already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.files.listing import spread
from studio.gui.models.preview_cells import Code
from studio.pipeline.choosing import Only
from studio.project.project import Project
from studio.vocabulary.verdicts import VerdictValue

_SAMPLED = 8
BYTES_PER_PIXEL = 2.2
"""What a translation takes on disk; the check before the job counts the same."""


@dataclass(frozen=True, slots=True)
class SelectionCost:
    """``frames`` of the project, mean pixels of one, mean bytes of one's layers; ``made`` translations in the styles
    that may be exported, and ``only``, what an export must be told to take exactly those."""

    frames: int
    pixels: float
    layer_bytes: float
    made: int
    only: Only

    def bytes_of(self, images: int) -> int:
        """On disk: translations, their copies in the export, and the frames' layers beside them."""
        return round(2 * images * BYTES_PER_PIXEL * self.pixels + self.frames * self.layer_bytes)


def selection_cost(
    project: Project, run: str, codes: Collection[Code], verdicts: Sequence[VerdictValue]
) -> SelectionCost:  # fmt: skip
    """Looks through the whole catalogue of translations: ask it beside the event loop."""
    scenes = project.scenes.all()
    frames = sum(s.frame_count for s in scenes)
    pixels = sum(s.frame_count * s.size[0] * s.size[1] for s in scenes) / max(1, frames)
    found: dict[str, Counter[str]] = {}
    for palette, style, code, count in project.translations.of_styles(run, verdicts):
        if code in codes:
            found.setdefault(palette, Counter())[style] += count
    # One palette at a time: within it a style's name says which style it is.
    fullest = max(found, key=lambda name: found[name].total(), default="")
    styles = found.get(fullest, Counter())
    only = Only((run,), (fullest,), tuple(sorted(styles))) if fullest else Only()
    return SelectionCost(frames, pixels, _layer_bytes(project, frames), styles.total(), only)


def _layer_bytes(project: Project, frames: int) -> float:
    """Mean size of a frame's files, from a few."""
    if not frames:
        return 0.0
    sizes = []
    for at in spread(range(frames), _SAMPLED):
        for frame in project.scenes.frames(offset=at, limit=1):
            files = frame.files
            layers = {files.rgb, files.segmentation, files.depth, files.normals}
            sizes.append(sum(_size(path) for path in layers if path is not None))
    return sum(sizes) / max(1, len(sizes))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
