"""What a report is made from: the figures, and what the caller knows about how they came to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.segmenter.metrics import FrameScore
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

TRIVIAL = "everything in the circle"
"""The regime of the predictor that calls everything inside the round image the class in question."""


@dataclass(frozen=True, slots=True)
class Regime:
    """One trained segmenter. ``fingerprint`` names its weights."""

    name: str
    network: str
    appearance: str
    steps: int
    pairs: int
    patients: int
    seed: int
    fine_tuned: bool
    fingerprint: str


@dataclass(frozen=True)
class Evaluation:
    """Scores of all regimes on all frames; the first of ``class_names`` is the one that the report leads with."""

    frames: tuple[FrameScore, ...]
    regimes: tuple[Regime, ...]
    class_names: tuple[str, ...]
    trivial: bool

    @property
    def regime_names(self) -> tuple[str, ...]:
        """The trivial predictor first, then the runs as they were named."""
        return ((TRIVIAL,) if self.trivial else ()) + tuple(r.name for r in self.regimes)

    @property
    def patients(self) -> tuple[str, ...]:
        return _in_order(f.patient for f in self.frames)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of groups; none when no patient has one."""
        return tuple(g for g in _in_order(f.group for f in self.frames) if g)


@dataclass(frozen=True, slots=True)
class Example:
    """A render and translations of it, as files."""

    render: Path
    translations: tuple[Path, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class PictureStatistics:
    """Means over a set of pictures: brightness and saturation 0 to 1, gradient in grey levels (of 255) per pixel."""

    name: str
    brightness: float
    saturation: float
    gradient: float
    pictures: int = 0


@dataclass(frozen=True)
class Story:
    """What only the caller knows. All texts may hold anything; the report escapes them."""

    title: str = "Does it help?"
    made: str = ""
    """Date or occasion, shown as given: a report made again from the same input stays the same bytes."""
    facts: tuple[tuple[str, str], ...] = ()
    """(what, how) lines on scenes, footage, translator, styles and curation."""
    cautions: tuple[str, ...] = ()
    """What else a reader must know, such as that the footage is a stand-in."""
    examples: tuple[Example, ...] = ()
    statistics: tuple[PictureStatistics, ...] = ()
    classes: ClassTable = STUDIO_CLASSES
    """The colours in which predictions are laid over frames."""


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
