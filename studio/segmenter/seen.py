"""Which pictures and patients a run was trained on, so that it is never judged by them unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.files.atomic import write_text
from studio.segmenter.data import TrainingPair
from studio.vocabulary.errors import InputError

SEEN = "seen.json"


@dataclass(frozen=True)
class Seen:
    """Absolute paths of images, and names of patients."""

    images: frozenset[str] = frozenset()
    patients: frozenset[str] = frozenset()


def write_seen(run_dir: Path, pairs: Sequence[TrainingPair], init: Path | None) -> None:
    """Into the run's folder: its own pairs, and what the run that it started from had seen."""
    before = read_seen(init) if init is not None else Seen()
    images = before.images | {str(p.image.absolute()) for p in pairs}
    patients = before.patients | {p.patient for p in pairs}
    write_text(run_dir / SEEN, json.dumps({"images": sorted(images), "patients": sorted(patients)}) + "\n")


def read_seen(run: Path) -> Seen:
    """Of a run's folder or weights file; nothing for weights that lie alone or beside a damaged list."""
    file = (run if run.is_dir() else run.parent) / SEEN
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return Seen(frozenset(map(str, values["images"])), frozenset(map(str, values["patients"])))
    except (OSError, ValueError, KeyError, TypeError):
        return Seen()


def refuse_seen(name: str, run: Path, images: Iterable[Path], patients: Iterable[str]) -> list[str]:
    """Names of patients that the run ``name`` was trained on too. Raise InputError when it saw one of the images."""
    seen = read_seen(run)
    for image in images:
        if str(image.absolute()) in seen.images:
            raise InputError(
                f"'{name}' was trained on this frame", where=image, remedy="Evaluate on patients that it never saw."
            )
    return sorted(seen.patients & set(patients))
