"""Parts left out of the pictures: organs by class, instruments by the trocar that they come through.

Views are planned with all of them and stay the same, so that leaving one out shows what it hid.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from studio.scenes.simulator.anatomy import TOOL_SHAFT, TOOL_TIP
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.kept import kept
from studio.scenes.simulator.patients import PatientSource, prepared
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.views import Tool, View
from studio.vocabulary.errors import InputError
from studio.vocabulary.labels import STUDIO_CLASSES, normal_name

ORGANS = tuple(c.name for c in STUDIO_CLASSES if c.id not in (0, TOOL_TIP, TOOL_SHAFT))
INSTRUMENTS = tuple(f"instrument {n}" for n in range(1, 5))
"""By the trocar that they come through: below the breastbone, under the right ribs, the right flank, the left side."""
PARTS = (*ORGANS, *INSTRUMENTS)


def part_named(name: str) -> str:
    """A part by its name, ignoring case and ``_-`` against blanks. Raise InputError when there is none."""
    found = next((p for p in PARTS if normal_name(p) == normal_name(name)), "")
    check_left_out([found or name])
    return found


def check_left_out(names: Sequence[str]) -> None:
    """Raise InputError for an unknown part, and where no organ would be left."""
    unknown = next((n for n in names if n not in PARTS), "")
    if unknown:
        raise InputError(f"'{unknown}' is no part that can be left out", remedy=f"Parts are {', '.join(PARTS)}.")
    if set(ORGANS) <= set(names):
        raise InputError("every organ is left out", remedy="Leave at least one in.")


@kept(2)
def shown_body(source: PatientSource, names: tuple[str, ...]) -> Body:
    """A patient's body without some parts; the last two are kept."""
    return body_without(prepared(source)[0], names)


def body_without(body: Body, names: Collection[str]) -> Body:
    """The same body without the faces of some parts; parts keep their numbers, vertices theirs."""
    ids = [c.id for c in STUDIO_CLASSES if c.name in names]
    kept_F = ~np.isin(body.class_P, ids)[body.target.part_F]
    if kept_F.all():
        return body
    if not kept_F.any():
        raise InputError("every organ that there is is left out", where=body.anatomy.name, remedy="Leave one in.")
    other = copy.copy(body)
    target = body.target
    other.target = Target([Mesh(target.vertices_V3, target.faces_F3[kept_F], target.normals_V3)])
    other.target.part_F = target.part_F[kept_F]
    other.uv_F32 = None if body.uv_F32 is None else body.uv_F32[kept_F]
    return other


def scene_without(source: PatientSource, view: View, names: tuple[str, ...]) -> Scene:
    """A single frame's scene with some parts left out."""
    body = shown_body(source, names)
    return Scene(body, view_without(view, body.anatomy.tool_ports_N3, names))


def view_without(view: View, ports_N3: np.ndarray, names: Collection[str]) -> View:
    """The view without the instruments of some trocars."""
    if not set(names) & set(INSTRUMENTS):
        return view
    return replace(view, tools=tuple(t for t in view.tools if not left_out(_port_3(t, ports_N3), ports_N3, names)))


def left_out(port_3: np.ndarray, ports_N3: np.ndarray, names: Collection[str]) -> bool:
    """Whether the instrument of a trocar is left out."""
    number = int(np.argmin(np.linalg.norm(ports_N3 - port_3, axis=1)))
    return number < len(INSTRUMENTS) and INSTRUMENTS[number] in names


def _port_3(tool: Tool, ports_N3: np.ndarray) -> np.ndarray:
    """The trocar that a shaft passes nearest."""
    pose = tool.tool_to_world
    across_N3 = np.cross(ports_N3 - pose[:3, 3], pose[:3, 2])
    return np.asarray(ports_N3[int(np.argmin(np.linalg.norm(across_N3, axis=1)))])
