"""Which body a patient's number stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.scenes.simulator.anatomy import Anatomy, procedural_anatomy
from studio.scenes.simulator.buffers import Body
from studio.scenes.simulator.kept import kept
from studio.scenes.simulator.meshbody import anatomy_from_plan
from studio.scenes.simulator.meshplans import AnatomyPlan, plan_from_file, plans_in_folder
from studio.scenes.simulator.plain import PlainLook, draw_plain_look


@dataclass(frozen=True)
class PatientSource:
    """Everything that determines a patient's body: a number, and what to build it from (None: procedural)."""

    seed: int
    number: int
    plan: AnatomyPlan | None = None
    variation: int = 0
    """How often the plan was used before; later patients of the same meshes are bent a little."""


def sources_of(
    seed: int, numbers: range, *, anatomy: Path | None = None, meshes: Path | None = None
) -> list[PatientSource]:
    """One source per patient number; bodies found in ``meshes`` take turns. Raise InputError for unusable input."""
    plans = [plan_from_file(anatomy)] if anatomy is not None else []
    if meshes is not None:
        plans += plans_in_folder(meshes)
    if not plans:
        return [PatientSource(seed, n) for n in numbers]
    return [PatientSource(seed, n, plans[n % len(plans)], n // len(plans)) for n in numbers]


def patient_name(source: PatientSource) -> str:
    """The folder name of a patient: its number, and the meshes' name where it has one."""
    plan = "" if source.plan is None else f"_{source.plan.name}"
    return f"patient_{source.number:03d}{plan}"


def build_anatomy(source: PatientSource) -> Anatomy:
    """The patient's body. Raise InputError for meshes that cannot be used."""
    if source.plan is None:
        return procedural_anatomy(source.seed, source.number)
    return anatomy_from_plan(source.plan, seed=source.seed, number=source.number, variation=source.variation)


@kept(2)
def prepared(source: PatientSource) -> tuple[Body, PlainLook]:
    """A patient's body and plain look; the last two are kept."""
    anatomy = build_anatomy(source)
    return Body(anatomy), draw_plain_look(source.seed, source.number, anatomy)
