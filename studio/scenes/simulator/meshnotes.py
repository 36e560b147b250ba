"""What was assumed of mesh files and mended in them, in one line for each file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.scenes.simulator.anatomy import FAT, LIGAMENT, WALL
from studio.scenes.simulator.meshfiles import MeshReport, ReadMesh
from studio.scenes.simulator.meshplans import CLASS_WORDS, PlannedMesh
from studio.scenes.simulator.placement import FLAT, thickness
from studio.vocabulary.errors import InputError

SHEETS = frozenset({WALL, FAT, LIGAMENT})
"""Classes whose surfaces may be open."""
_COARSE = 0.1
"""Share of a surface below which a coarse look says nothing of faces wound wrongly or open pieces."""
_MOST_UNNAMED = 0.1
_MOST_OPEN = 0.5
"""Share of an organ's surface that may lie in open pieces."""


def check_closed(part: PlannedMesh, read: ReadMesh) -> None:
    """Raise InputError for an organ that is an open sheet, or flat."""
    if part.class_id not in SHEETS and thickness(read.mesh.vertices_V3.astype(float)) < FLAT:
        raise InputError(f"the mesh is flat, which no {CLASS_WORDS[part.class_id]} is", where=part.path,
                         remedy="Export it again, with all three axes.")  # fmt: skip
    found = read.report.mended
    if found is None or part.class_id in SHEETS or found.open_share <= _MOST_OPEN:
        return
    raise InputError(
        f"an open sheet, far from the closed surface of a {CLASS_WORDS[part.class_id]}", where=part.path,
        remedy="Close it in a mesh program, or name it in an anatomy file (--anatomy) with repair = false to take it as"
        " it is.",
    )  # fmt: skip


def file_note(path: Path, read: ReadMesh, *, unit: str, mm_per_unit: float, told: bool) -> list[str]:
    """The file's line, or none where nothing was assumed or mended."""
    length = f"{read.extent * mm_per_unit:.0f} mm long"
    assumed = [] if told or unit == "mm" else [f'read as {unit}, {length} (else say units = "..." in an anatomy file)']
    said = [*assumed, *mended_words(read.report, mm_per_unit)]
    return [f"{path.name}: {'; '.join(said)}"] if said else []


def mended_words(report: MeshReport, mm_per_unit: float) -> list[str]:
    """What was done to a file's surface, thing by thing."""
    said = []
    if report.thinned_to:
        before = ", too coarse then to see small damage" if report.coarse else ""
        said.append(f"thinned out from {report.triangles:,} to {report.thinned_to:,} faces{before}")
    if report.unnamed > _MOST_UNNAMED * report.points:
        said.append(f"{report.unnamed:,} of {report.points:,} points belong to no face, as in a file that was cut off")
    if report.not_finite:
        said.append(f"{_counted(report.not_finite, 'face')} without finite coordinates left out")
    if report.doubled:
        said.append(f"{_counted(report.doubled, 'doubled or flat face')} left out")
    found = report.mended
    if found is not None and found.joined:
        said.append(f"torn seams joined at {_counted(found.joined, 'point')}")
    if found is not None and found.holes:
        across = f"{found.largest_hole * mm_per_unit:.2g} mm" if found.largest_hole * mm_per_unit < 1 else (
            f"{found.largest_hole * mm_per_unit:.0f} mm")  # fmt: skip
        which = f"largest {across} across" if found.holes > 1 else f"{across} across"
        said.append(f"{_counted(found.holes, 'hole')} closed ({which})")
    if found is not None and found.turned > (_COARSE * report.thinned_to if report.coarse else 0):
        said.append(f"{_counted(found.turned, 'face')} turned outwards")
    if found is not None and found.open_share > (_COARSE if report.coarse else 0.005):
        said.append(f"open in places, left so ({found.open_share:.0%} of its surface in open pieces)")
    if report.crossings:
        said.append(f"crosses itself at {_counted(report.crossings, 'place')}, left so: the outermost surface is seen")
    if found is None and said:
        said.append("otherwise left as it is")
    return said


def frame_notes(planned: Sequence[PlannedMesh], frames: Sequence[Sequence[int]], turns: Sequence[np.ndarray],
                *, leads: bool, guessed: bool) -> list[str]:  # fmt: skip
    """Which files were turned, and which brought to their place, because they lie otherwise in their own frame."""
    notes = []
    for frame, turn in zip(frames, turns, strict=True):
        if guessed and not np.array_equal(turn, np.eye(3)):
            notes.append(
                f'{_names(planned, frame)}: axes taken as "{_axes_words(turn)}" (left, head, front), told by the'
                " shapes; say axes = ... or turn = [...] in an anatomy file"
            )
    lead = set(frames[0]) if leads else set()
    moved = [i for i, p in enumerate(planned) if i not in lead and not p.moved]
    if moved:
        whose = "the liver's" if leads else "a common one"
        notes.append(
            f"{_names(planned, moved)}: of another frame than {whose}, placed by class; say move = [...] in an anatomy"
            " file"
        )
    return notes


def _axes_words(turn: np.ndarray) -> str:
    """A signed permutation as an anatomy file's axes."""
    return " ".join("+-"[int(row.sum() < 0)] + "xyz"[int(np.argmax(np.abs(row)))] for row in turn)


def _names(planned: Sequence[PlannedMesh], places: Sequence[int]) -> str:
    return ", ".join(planned[i].path.name for i in places)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" + ("" if count == 1 else "s")
