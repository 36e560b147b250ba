"""``frames.json``: intrinsics, camera pose and instruments of every frame, read once and kept while it is unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from studio.files import json_rows
from studio.files.spilled import SpilledTable
from studio.scenes.layouts.json_tables import LARGEST_NUMBER
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import ToolPose
from studio.vocabulary.lenses import Lens


@dataclass(frozen=True, eq=False)
class Pose:
    """``K`` 3x3 in pixels, ``camera_to_world`` 4x4 in mm, either may be unknown; ``lens``: what bends K's rays."""

    K: np.ndarray | None = None
    camera_to_world: np.ndarray | None = None
    tools: tuple[ToolPose, ...] = ()
    lens: Lens | None = None


NO_POSE = Pose()


def poses_of(path: Path) -> Mapping[str, Pose]:
    """Poses by frame name; an absent file has none. Raise InputError when it is not of the form described."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, _modified_ns: int, _size: int) -> Mapping[str, Pose]:
    try:
        return SpilledTable.of(_checked(path), lambda row: _pose(json.loads(row), 0, path)[1], last=True)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON ({error})", where=path, remedy="Write it again.") from error


def _checked(path: Path) -> Iterator[tuple[str, bytes]]:
    """Frame names and rows as they stand there, each looked at once."""
    for place, row in json_rows.rows_in(path):
        if not place or not isinstance(place[0], int):
            raise InputError(
                "not a list of frames", where=path, remedy="Each entry is {frame, K, camera_to_world, tools}."
            )
        yield _pose(row, place[0], path)[0], json.dumps(row).encode()


def _pose(row: Any, number: int, path: Path) -> tuple[str, Pose]:
    try:
        name = row["frame"]
        key = f"{name:06d}" if isinstance(name, int) else str(name).removesuffix(".png").removesuffix(".jpg")
        K = _matrix(row.get("K"), 3)
        if K is not None and min(K[0, 0], K[1, 1]) <= 0:
            raise ValueError("focal lengths must be above 0")
        tools = tuple(_tool(tool) for tool in row.get("tools", ()))
        lens = Lens.from_json(row["distortion"]) if row.get("distortion") else None
        return key, Pose(K, _matrix(row.get("camera_to_world"), 4), tools, lens)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"entry {number} is not of the form frame, K, camera_to_world, tools ({error})",
            where=path,
            remedy="Write it as FORMATS in the user guide shows.",
        ) from error


def _matrix(values: Any, side: int) -> np.ndarray | None:
    if values is None:
        return None
    matrix = np.asarray(values, np.float64).reshape(side, side)
    if not (abs(matrix) < LARGEST_NUMBER).all():
        raise ValueError("a matrix holds values that are not finite or far too large")
    matrix.flags.writeable = False
    return matrix


def _tool(tool: Any) -> ToolPose:
    matrix = _matrix(tool["tool_to_world"], 4)
    if matrix is None:
        raise ValueError("a tool has no tool_to_world")
    rows = tuple(tuple(float(v) for v in row) for row in matrix)
    tips = np.asarray(tool.get("tips", ()), np.float64).reshape(-1, 3)
    if not (abs(tips) < LARGEST_NUMBER).all():
        raise ValueError("tips hold values that are not finite or far too large")
    angle = float(tool.get("jaw_angle", 0.0))
    return ToolPose(str(tool.get("name", "tool")), rows, angle, tuple(tuple(map(float, t)) for t in tips))
