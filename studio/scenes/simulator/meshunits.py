"""Which unit a mesh file is in, judged by how large what it shows can be.

Mesh files rarely say it. A class's sizes in mm span less than a factor of ten wherever they can, so that one of metres,
decimetres, centimetres and millimetres fits at most; where two do, the other files decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studio.scenes.simulator.anatomy import BOWEL, FAT, GALLBLADDER, LIGAMENT, LIVER, WALL
from studio.scenes.simulator.meshplans import CLASS_WORDS, UNITS, PlannedMesh
from studio.vocabulary.errors import InputError

_SIZES_MM = {
    LIVER: (120.0, 350.0), GALLBLADDER: (40.0, 150.0), WALL: (200.0, 700.0), FAT: (30.0, 450.0),
    LIGAMENT: (30.0, 250.0), BOWEL: (60.0, 500.0),
}  # fmt: skip
"""The least and greatest longest side of each class, mm."""
_OTHER_MM = (50.0, 250.0)
JAWS_MM, SHAFT_MM = (8.0, 70.0), (120.0, 600.0)
_SMALL, _LARGE = 1.6, 1.25
"""By how much sizes may fall short of their range, as a child's organs do, or exceed it, before no unit fits."""
_USUAL = ("mm", "cm", "dm", "m")
_SMALLEST_MM, _LARGEST_MM = 2.0, 1500.0


def sizes_of(class_id: int) -> tuple[float, float]:
    """The least and greatest longest side of a class's organ, mm."""
    return _SIZES_MM.get(class_id, _OTHER_MM)


def fitting_units(extent: float, sizes_mm: tuple[float, float]) -> list[str]:
    """The units in which a longest side is of such a size, the likeliest first; rarer units where no usual one fits."""
    low, high = sizes_mm
    rare = [n for n in UNITS if n not in _USUAL]
    for names, least, most in ((_USUAL, low, high), (rare, low, high), (_USUAL, low / _SMALL, high * _LARGE)):
        found = [n for n in names if least <= extent * UNITS[n] <= most]
        if found:
            return sorted(found, key=lambda n: _off(extent * UNITS[n], sizes_mm))
    return []


def _off(size_mm: float, sizes_mm: tuple[float, float]) -> float:
    return abs(float(np.log(size_mm / np.sqrt(sizes_mm[0] * sizes_mm[1]))))


def units_of(planned: Sequence[PlannedMesh], extents: Sequence[float]) -> list[str]:
    """Each file's unit: as told, else guessed from its longest side. Raise InputError where none fits.

    A file that two units fit takes the one that most others have.
    """
    fitting = [_told(p, e) or fitting_units(e, sizes_of(p.class_id)) for p, e in zip(planned, extents, strict=True)]
    sure = [names[0] for names in fitting if len(names) == 1]
    chosen = []
    for part, extent, names in zip(planned, extents, fitting, strict=True):
        if not names:
            raise _unguessed(part, extent)
        unit = max(names, key=sure.count) if len(names) > 1 else names[0]
        _check_scaled(part, extent * UNITS[unit])
        chosen.append(unit)
    return chosen


def _check_scaled(part: PlannedMesh, size_mm: float) -> None:
    """Raise InputError for a scale that makes a mesh of a right unit too large or too small to be seen."""
    scale = 1.0 if part.matrix is None else float(np.cbrt(np.linalg.det(np.array(part.matrix)[:3, :3])))
    if not _SMALLEST_MM <= size_mm * scale <= _LARGEST_MM:
        raise InputError(
            f"the mesh of {size_mm:.3g} mm would be {size_mm * scale:.3g} mm large, scaled by {scale:.3g}",
            where=part.path, remedy="Correct scale in the anatomy file, or leave it out.",
        )  # fmt: skip


def _told(part: PlannedMesh, extent: float) -> list[str]:
    if part.mm_per_unit is None:
        return []
    size = extent * part.mm_per_unit
    if not _SMALLEST_MM <= size <= _LARGEST_MM:
        names = fitting_units(extent, sizes_of(part.class_id))
        meant = f'Did you mean units = "{names[0]}"?' if names else "Check its units."
        raise InputError(f"the mesh would be {size:.3g} mm large", where=part.path, remedy=meant)
    return [next(n for n, mm in UNITS.items() if mm == part.mm_per_unit)]


def _unguessed(part: PlannedMesh, extent: float) -> InputError:
    low, high = sizes_of(part.class_id)
    nearest = min(_USUAL, key=lambda n: _off(extent * UNITS[n], (low, high)))
    return InputError(
        f"its longest side is {extent:.3g}, which in no unit makes a {CLASS_WORDS[part.class_id]} of {low:.0f} to"
        f" {high:.0f} mm", where=part.path,
        remedy=f'Name it in an anatomy file (--anatomy) with its units: units = "{nearest}" would make it'
        f" {extent * UNITS[nearest]:.3g} mm; add scale = ... where no unit is right.",
    )  # fmt: skip


def tool_unit(extents_jaws: Sequence[float], extent_shaft: float | None, *, whole: bool) -> str | None:
    """The unit of an instrument's files, by its shaft or, without one, as a whole or as jaws; None where none fits."""
    if extent_shaft is not None:
        return next(iter(fitting_units(extent_shaft, SHAFT_MM)), None)
    extent = max(extents_jaws)
    sizes = (SHAFT_MM, JAWS_MM) if whole else (JAWS_MM, SHAFT_MM)
    return next(iter([*fitting_units(extent, sizes[0]), *fitting_units(extent, sizes[1])]), None)
