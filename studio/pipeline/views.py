"""Quick looks into a project, without torch: what the window shows and the edits that it makes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.curation import decisions
from studio.curation.decisions import Candidate, RuleOutcome
from studio.curation.rules import parse_rule
from studio.files.pictures import read_rgb
from studio.footage.readers import load_footage_image
from studio.project.project import Project
from studio.project.records import FootageRecord, FrameRecord, RunRecord, TranslationRecord
from studio.scenes.readers import load_layers_of
from studio.vocabulary.frames import FootageFile, Layers
from studio.vocabulary.verdicts import VerdictValue

CODES_FILE = "footage_codes.json"
MAP_FILE = "footage_map.json"
STEPS = "checkpoint_steps"
"""Setting of a project: which step a checkpoint's fingerprint is of."""


def frame_layers(project: Project, frame: FrameRecord) -> Layers:
    """All layers of a simulated frame, in the studio's conventions. Raise InputError for files gone or wrong."""
    scene = project.scenes.get(frame.scene_id)
    return load_layers_of(frame.files, layout=scene.layout, encoding=scene.encoding)


def spread_frames(
    project: Project, count: int, *, turn: int = 0, scene_id: int = 0, besides: Collection[int] = ()
) -> list[FrameRecord]:
    """``count`` frames at equal distances over all scenes, or over one; another ``turn`` gives others.

    Those that are there anyway (``besides``, by id) are left out.
    """
    scenes = [s for s in project.scenes.all() if s.frame_count and scene_id in (0, s.id)]
    total = sum(s.frame_count for s in scenes)
    found = []
    for k in range(min(count, total)):
        at = int((k + 0.5 + 0.381966 * turn) * total / count) % total
        for scene in scenes:
            if at < scene.frame_count:
                found += project.scenes.frames(scene.id, offset=at, limit=1)
                break
            at -= scene.frame_count
    return [f for f in found if f.id not in besides]


def footage_file(record: FootageRecord) -> FootageFile:
    return FootageFile(record.patient, record.name, record.path, record.seconds)


def footage_picture(project: Project, record: FootageRecord) -> np.ndarray:
    """uint8 HxWx3 of one footage frame; frames of videos are kept in the cache."""
    return load_footage_image(footage_file(record), footage_cache(project))


def footage_cache(project: Project) -> Path:
    return project.cache / "footage"


def translation_layers(project: Project, record: TranslationRecord) -> tuple[Layers, np.ndarray]:
    """The layers of a translation's frame, and its picture (uint8 HxWx3)."""
    return frame_layers(project, project.scenes.frame(record.frame_id)), read_rgb(record.path)


def apply_rule(project: Project, rule_text: str, *, dry_run: bool, over_person: bool = False) -> RuleOutcome:
    """Accept what the rule holds for, reject what it does not, as one undo step.

    ``dry_run`` only says what would be.
    What a person decided stays, unless ``over_person``. Raise InputError for a rule that cannot be read.
    """
    candidates = (Candidate(r.id, r.verdict, r.measures) for r in project.translations.all())
    outcome = decisions.apply_rule(parse_rule(rule_text), candidates, over_person=over_person)
    if not dry_run:
        project.translations.change_verdicts(f"rule {rule_text}", outcome.changes)
    return outcome


def set_verdicts(project: Project, ids: Sequence[int], value: VerdictValue, reason: str = "") -> tuple[int, ...]:
    """A person's verdict on some translations, as one undo step; return the ids that changed."""
    verdicts = {r.id: r.verdict for r in project.translations.some(ids)}
    changes = decisions.decide(verdicts, value, reason=reason)
    project.translations.change_verdicts(f"{value}: {len(changes)} translations", changes)
    return tuple(c.translation_id for c in changes)


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint that a run has kept; ``validity`` (0 to 1) of its samples, None where it was not measured."""

    step: int
    validity: float | None


def kept_checkpoints(run_folder: Path) -> list[KeptCheckpoint]:
    """A run's checkpoints, the newest first."""
    found = []
    for weights in (run_folder / "checkpoints").glob("step_*/generators.safetensors"):
        step = weights.parent.name.removeprefix("step_")
        if step.isdigit():
            found.append(KeptCheckpoint(int(step), _validity_of(weights.parent / "state.json")))
    return sorted(found, key=lambda c: -c.step)


_CHOSEN = "checkpoints"


def chosen_checkpoint(project: Project, run: RunRecord) -> str:
    """Which checkpoint of a run is looked at and translated with: "best", a step that is still kept, or "last"."""
    chosen = str(project.setting(_CHOSEN, {}).get(str(run.id), "last"))
    kept = {str(c.step) for c in kept_checkpoints(run.folder)}
    return chosen if chosen == "best" or chosen in kept else "last"


def choose_checkpoint(project: Project, run: RunRecord, checkpoint: str) -> None:
    """Look at this one from now on, also after the project has been closed."""
    project.set_setting(_CHOSEN, {**project.setting(_CHOSEN, {}), str(run.id): checkpoint})


def _validity_of(state: Path) -> float | None:
    try:
        value = json.loads(state.read_text(encoding="utf-8")).get("validity")
    except (OSError, ValueError, AttributeError):
        return None
    return float(value) if isinstance(value, int | float) else None


@dataclass(frozen=True)
class FootageCodes:
    """Style codes of the footage under one run's style encoder, with the catalogue ids of the frames they come from.

    ``brightness_N``: 0 to 1, the mean of a frame's brightness where it is not black; NaN where it is not known.
    """

    fingerprint: str
    codes_NS: np.ndarray
    ids: tuple[int, ...]
    patients: tuple[str, ...]
    names: tuple[str, ...]
    brightness_N: np.ndarray

    def besides(self, left_out: Collection[int]) -> FootageCodes:
        """Those of the other frames."""
        rows = [row for row, frame_id in enumerate(self.ids) if frame_id not in left_out]
        if len(rows) == len(self.ids):
            return self
        return FootageCodes(
            self.fingerprint, self.codes_NS[rows], tuple(self.ids[r] for r in rows),
            tuple(self.patients[r] for r in rows), tuple(self.names[r] for r in rows), self.brightness_N[rows],
        )  # fmt: skip


def footage_codes(run: RunRecord) -> FootageCodes | None:
    """The kept codes of a run, or None when the footage has not been encoded yet (or the file is damaged)."""
    try:
        kept = json.loads((run.folder / CODES_FILE).read_text(encoding="utf-8"))
        codes_NS = np.array(kept["codes"], np.float32)
        brightness_N = np.array(kept.get("brightness", [np.nan] * len(kept["ids"])), np.float64)
        if brightness_N.shape != (len(kept["ids"]),):
            return None
        return FootageCodes(
            str(kept["fingerprint"]), codes_NS.reshape(len(kept["ids"]), -1),
            tuple(int(i) for i in kept["ids"]), tuple(map(str, kept["patients"])), tuple(map(str, kept["names"])),
            brightness_N,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def footage_map(run: RunRecord, codes: FootageCodes) -> np.ndarray | None:
    """float64 Nx2, where t-SNE laid the footage's codes, or None when these codes have no such map (yet)."""
    try:
        kept = json.loads((run.folder / MAP_FILE).read_text(encoding="utf-8"))
        xy_N2 = np.array(kept["xy"], np.float64)
        same = kept["fingerprint"] == codes.fingerprint and tuple(kept["ids"]) == codes.ids
        return xy_N2 if same and xy_N2.shape == (len(codes.ids), 2) and np.isfinite(xy_N2).all() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def latest_metrics(run_folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """name -> (steps, values) of every step in a run's metrics.jsonl; a last line cut short is left out."""
    steps: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    path = run_folder / "metrics.jsonl"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                row = json.loads(line)
                step = row.pop("step")
            except (ValueError, KeyError):
                continue
            for name, value in row.items():
                if isinstance(value, int | float):
                    steps.setdefault(name, []).append(step)
                    values.setdefault(name, []).append(value)
    return {name: (np.array(steps[name], np.int64), np.array(values[name], np.float64)) for name in steps}


def sample_pictures(run_folder: Path) -> list[tuple[int, Path]]:
    """(step, picture) of a run's panel of samples, by step."""
    found = ((p.stem.rpartition("_")[2], p) for p in (run_folder / "samples").glob("*.png"))
    return sorted((int(step), p) for step, p in found if step.isdigit())
