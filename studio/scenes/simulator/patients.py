"""Which body a patient's number stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.scenes.simulator.anatomy import Anatomy, procedural_anatomy


@dataclass(frozen=True)
class PatientSource:
    """Everything that determines a patient's body."""

    seed: int
    number: int
    anatomy: Path | None = None
    meshes: Path | None = None


def patient_name(source: PatientSource) -> str:
    """The folder name of a patient."""
    return f"patient_{source.number:03d}"


def build_anatomy(source: PatientSource) -> Anatomy:
    """The patient's body. Raise InputError for meshes that cannot be used."""
    return procedural_anatomy(source.seed, source.number)
