"""Instruments from mesh files: jaws, shafts and whole ones, in one unit."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.instruments import InstrumentKit, make_instrument, make_kit
from studio.scenes.simulator.meshfiles import read_mesh
from studio.scenes.simulator.meshnotes import file_note
from studio.scenes.simulator.meshplans import UNITS, PlannedInstrument, plain_words
from studio.scenes.simulator.meshunits import SHAFT_MM, tool_unit
from studio.scenes.simulator.placement import transformed
from studio.vocabulary.errors import InputError

_SHAFT_RADII_MM = (1.5, 5.0)
_OVERLAP_MM = 1.0


@dataclass(frozen=True, eq=False)
class ReadKit:
    """An instrument, and what was assumed of its files and mended in them."""

    kit: InstrumentKit
    notes: tuple[str, ...]


@functools.lru_cache(maxsize=16)
def kit_of(planned: PlannedInstrument) -> ReadKit:
    """Read an instrument's files. Raise InputError for one that cannot be used and for a unit that cannot be told."""
    paths = [*planned.jaws, *([planned.shaft] if planned.shaft else [])]
    read = [read_mesh(p, repair=planned.repair) for p in paths]
    unit = _unit_of(planned, [r.extent for r in read])
    scaled = [transformed(r.mesh, np.eye(3) * UNITS[unit], np.zeros(3)) for r in read]
    jaws = scaled[: len(planned.jaws)]
    longest = max(float(np.ptp(j.vertices_V3, axis=0).max()) for j in jaws)
    shaft = scaled[-1] if planned.shaft else _shaft_behind(jaws) if longest < SHAFT_MM[0] else None
    kit = make_kit(planned.name, jaws, shaft)
    told = planned.mm_per_unit is not None
    notes = [
        note
        for path, found in zip(paths, read, strict=True)
        for note in file_note(path, found, unit=unit, mm_per_unit=UNITS[unit], told=told)
    ]
    return ReadKit(kit, tuple(notes))


def _shaft_behind(jaws: Sequence[Mesh]) -> Mesh:
    """A shaft of the studio's own, as thick as the jaws, that ends where they begin."""
    points_V3 = np.concatenate([j.vertices_V3 for j in jaws])
    radius = float(np.clip(np.ptp(points_V3[:, 0]) / 2, *_SHAFT_RADII_MM))
    tube = make_instrument("suction", radius=radius).shaft
    matrix = np.eye(4)
    matrix[2, 3] = float(points_V3[:, 2].min()) - float(tube.vertices_V3[:, 2].max()) + _OVERLAP_MM
    return tube.moved(matrix)


def _unit_of(planned: PlannedInstrument, extents: Sequence[float]) -> str:
    if planned.mm_per_unit is not None:
        return next(n for n, mm in UNITS.items() if mm == planned.mm_per_unit)
    count = len(planned.jaws)
    whole = count == 1 and "jaw" not in plain_words(planned.jaws[0].stem)
    name = tool_unit(extents[:count], extents[count] if planned.shaft else None, whole=whole)
    if name is None:
        raise InputError(
            f"its longest side is {max(extents):.3g}, which in no unit makes an instrument",
            where=planned.shaft or planned.jaws[0],
            remedy='Name it in an anatomy file (--anatomy) under [[instrument]] with its units, such as units = "mm".',
        )
    return name
