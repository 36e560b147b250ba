"""A frame and its layers, as arrays in memory and as files that are referenced where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from studio.vocabulary.labels import ClassTable
from studio.vocabulary.lenses import Lens

LayerName = Literal["rgb", "segmentation", "depth", "normals"]
LAYER_NAMES: tuple[LayerName, ...] = ("rgb", "segmentation", "depth", "normals")
FlowDirection = Literal["forward", "backward"]
FLOW_DIRECTIONS: tuple[FlowDirection, ...] = ("forward", "backward")
"""Optical flow, to the next moment and to the one before: a layer of sequences, read on its own when wanted."""


@dataclass(frozen=True, slots=True)
class ToolPose:
    """One instrument: name and 4x4 tool-to-world matrix (mm; z along the shaft towards the tip, origin at the tip).

    The tip is where closed jaws end; they open about x, to ``jaw_angle`` radians between them. ``tips``, if known:
    where the metal ends, in world axes and mm, one for each jaw.
    """

    name: str
    tool_to_world: tuple[tuple[float, ...], ...]
    jaw_angle: float = 0.0
    tips: tuple[tuple[float, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``frames.json`` and exports hold it."""
        known = {"tips": [list(t) for t in self.tips]} if self.tips else {}
        rows = [list(r) for r in self.tool_to_world]
        return {"name": self.name, "tool_to_world": rows, "jaw_angle": self.jaw_angle, **known}


@dataclass(frozen=True, eq=False)
class Layers:
    """One frame in memory.

    ``rgb_HW3`` uint8 sRGB; ``segmentation_HW`` uint8 class ids; ``depth_HW`` float32 planar z in mm, 0 = nothing;
    ``normals_HW3`` float32 unit vectors in OpenCV camera axes that point at the camera; ``K`` 3x3 in pixels;
    ``camera_to_world`` 4x4; ``lens`` what bends the rays that K alone would have. What a scene lacks is None.
    """

    rgb_HW3: np.ndarray
    segmentation_HW: np.ndarray | None = None
    depth_HW: np.ndarray | None = None
    normals_HW3: np.ndarray | None = None
    K: np.ndarray | None = None
    camera_to_world: np.ndarray | None = None
    tools: tuple[ToolPose, ...] = ()
    lens: Lens | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb_HW3.shape[1], self.rgb_HW3.shape[0]


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """Where one frame's layers lie. ``index`` counts from 0 within its scene. Flow: see FLOW_DIRECTIONS."""

    name: str
    index: int
    rgb: Path
    segmentation: Path | None = None
    depth: Path | None = None
    normals: Path | None = None
    flow_forward: Path | None = None
    flow_backward: Path | None = None

    def flow(self, direction: FlowDirection) -> Path | None:
        """The file of one direction's flow."""
        return self.flow_forward if direction == "forward" else self.flow_backward


@dataclass(frozen=True)
class SceneFiles:
    """What a reader found: one scene of one patient.

    ``encoding`` says how layers are stored, in the reader's own words. ``frames`` of large scenes are read from disk.
    """

    name: str
    patient: str
    layout: str
    root: Path
    size: tuple[int, int]
    classes: ClassTable
    frames: Sequence[FrameFiles]
    encoding: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FootageFile:
    """One real frame on disk. ``patient`` is the video or folder it comes from; ``seconds`` its place in a video."""

    patient: str
    name: str
    path: Path
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A real frame with a mask in studio class ids (IGNORE where the set says nothing)."""

    patient: str
    name: str
    image: Path
    mask: Path
