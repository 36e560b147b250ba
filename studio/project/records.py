"""Rows of the catalogue as frozen values. Paths are absolute here; the catalogue keeps them relative where it can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from studio.vocabulary.frames import FrameFiles
from studio.vocabulary.labels import ClassTable
from studio.vocabulary.styles import Palette
from studio.vocabulary.verdicts import UNDECIDED, Verdict

RunKind = Literal["translator", "segmenter"]
RunState = Literal["new", "running", "stopped", "done", "failed"]


@dataclass(frozen=True)
class SceneRecord:
    """One scene: a patient's rendered frames in a folder. ``size`` is (width, height)."""

    id: int
    name: str
    patient: str
    layout: str
    root: Path
    size: tuple[int, int]
    classes: ClassTable
    encoding: Mapping[str, str]
    notes: tuple[str, ...]
    frame_count: int
    set_name: str = ""
    """Of the scenes that came in together."""
    added: str = ""
    """When, in ISO 8601 and UTC; empty for scenes of an older catalogue."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One simulated frame in the catalogue."""

    id: int
    scene_id: int
    patient: str
    files: FrameFiles
    set_name: str = ""

    @property
    def name(self) -> str:
        return self.files.name


@dataclass(frozen=True, slots=True)
class FrameContents:
    """What a simulated frame shows: share of the pixels (0 to 1) by class id, and the depth's range in mm.

    ``depth`` is (near, median, far), the 2nd, 50th and 98th percentile; None where there is none. ``problem`` says why
    the frame could not be read.
    """

    frame_id: int
    shares: Mapping[int, float] = field(default_factory=dict)
    depth: tuple[float, float, float] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FrameFilter:
    """Which simulated frames are wanted: of some scenes, showing a class, with a median depth in mm from ... to."""

    scene_ids: tuple[int, ...] | None = None
    """In the order in which their frames are wanted; None: all of them, by patient."""
    class_id: int | None = None
    depth_from: float | None = None
    depth_to: float | None = None

    @property
    def needs_contents(self) -> bool:
        return not (self.class_id is None and self.depth_from is None and self.depth_to is None)


@dataclass(frozen=True)
class FootageRecord:
    """One real frame. ``reason`` is why screening would leave it out; ``decided_by`` is "", "screening" or "person"."""

    id: int
    patient: str
    name: str
    path: Path
    seconds: float | None
    included: bool
    reason: str = ""
    decided_by: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)
    area: tuple[float, float, float, int, int] | None = None
    """Round image area: centre x, y, radius in px, and the picture's width and height; None = the whole picture."""


@dataclass(frozen=True)
class RunRecord:
    """One training run, of a translator or a segmenter; its files lie in ``folder``."""

    id: int
    name: str
    kind: RunKind
    folder: Path
    settings: Mapping[str, Any]
    state: RunState
    result: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class PaletteRecord:
    id: int
    palette: Palette
    recipe: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class TranslationRecord:
    """One translated picture: frame x style x checkpoint. ``measures`` holds validity and what it is made of."""

    id: int
    frame_id: int
    patient: str
    frame_name: str
    run: str
    palette: str
    style: str
    code: tuple[float, ...]
    path: Path
    fingerprint: str
    validity: float | None
    measures: Mapping[str, float] = field(default_factory=dict)
    verdict: Verdict = UNDECIDED


@dataclass(frozen=True)
class ExportRecord:
    id: int
    dest: Path
    format: str
    recipe: Mapping[str, Any]
    counts: Mapping[str, Any]
    created: str


@dataclass(frozen=True)
class EvaluationRecord:
    """``report`` is the folder with report.html, report.csv, report.json; ``result`` the figures."""

    id: int
    report: Path
    result: Mapping[str, Any]
    created: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What an edit touched, so that views refresh just that."""

    scenes: bool = False
    footage: bool = False
    runs: bool = False
    palettes: bool = False
    translations: tuple[int, ...] = ()
    exports: bool = False
    evaluations: bool = False
