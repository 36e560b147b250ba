"""Writer of the public data set's layout (Pfeiffer et al. 2019), so that loaders written for it work unchanged.

::

    simulated/<patient>/inputs/img00000.png              the render
    labels/simulated/<patient>/labels/lbl00000.png       grey value round(255 k / 10), three equal channels
    depths/simulated/<patient>/depths/depth00000.exr     planar z in mm
    translated/<patient>/style_00/img00000.png           the translations
    normals/simulated/<patient>/normals/normal00000.exr  ours: unit vectors in OpenCV camera axes
    poses/simulated/<patient>/frames.json                ours: K, camera and tool poses
    flow_forward/simulated/<patient>/flow/flow00000.exr  ours: optical flow of sequences, flow_backward likewise
    splits.json, trocar-layers.json                      ours: patients by split; encodings of what is ours
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.export.planning import Plan, PlannedFrame
from studio.export.values import ExportOptions, SceneReading
from studio.export.writers import (
    FLOW_WORDS,
    LAYERS_COMPARED_EVERY,
    FrameOutcome,
    outcome_of,
    put_flow,
    put_layer,
    put_picture,
    read_frame,
    readable_image,
    same_flow,
    same_labels,
    same_layers,
)
from studio.files.atomic import write_json
from studio.files.pictures import write_png
from studio.vocabulary.errors import InputError, TrocarError
from studio.vocabulary.frames import FLOW_DIRECTIONS, FlowDirection
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

NAME = "image2image"
STYLE_SET = "translated"
_STEPS = 10


class Image2ImageWriter:
    """One patient of the plan becomes one patient folder."""

    def __init__(self, plan: Plan, options: ExportOptions, reading: SceneReading) -> None:
        self._plan, self._geometry, self._reading = plan, options.geometry, reading
        self._studio_ids = _studio_ids(plan.classes.table)

    def write_frame(self, frame: PlannedFrame, root: Path) -> FrameOutcome:
        item, place = frame.source, _Place(root, frame)
        source = read_frame(frame, self._plan.classes, self._reading, geometry=self._geometry, ignored=False)
        kept_HW = self._studio_ids[source.ids_HW]
        put_picture(item.render, place.render)
        if not place.labels.is_file():
            grey_HW = (kept_HW.astype(np.uint16) * 255 * 2 + _STEPS) // (2 * _STEPS)
            write_png(place.labels, np.repeat(grey_HW.astype(np.uint8)[..., None], 3, axis=2))
        if self._geometry:
            put_layer(item.layers.depth, source.layers.depth_HW, place.depth)
            put_layer(item.layers.normals, source.layers.normals_HW3, place.normals)
            for direction in FLOW_DIRECTIONS:
                put_flow(item.layers.flow(direction), place.flow(direction), source.layers.size)
        hashes = {style.number: put_picture(i.image, place.translation(style.folder)) for style, i in frame.images}
        files = {s.number: place.translation(s.folder).relative_to(root).as_posix() for s, _ in frame.images}
        return outcome_of(source, hashes=hashes, files=files, kept_HW=kept_HW)

    def finish(self, root: Path, outcomes: Sequence[FrameOutcome]) -> None:
        splits = {name: [self._plan.folders[p] for p in patients] for name, patients in self._plan.splits.items()}
        write_json(root / "splits.json", splits)
        if self._geometry:
            layers = {"normals": "exr", "poses": "frames.json"} | ({"flow": "exr"} if self._plan.has_flow else {})
            write_json(root / "trocar-layers.json", {"layers": layers})
            self._write_poses(root, outcomes)

    def reader(self, root: Path) -> Callable[[PlannedFrame, FrameOutcome], None]:
        scenes = {s.patient: s for s in self._reading.read_scenes(root)}

        def check(frame: PlannedFrame, outcome: FrameOutcome) -> None:
            place, scene = _Place(root, frame), scenes.get(frame.folder)
            files = None if scene is None or frame.number >= len(scene.frames) else scene.frames[frame.number]
            if scene is None or files is None or files.rgb != place.render:
                raise TrocarError(f"{place.render}: not found when the export was read back")
            found = self._reading.load_layers_of(
                replace(files, depth=None, normals=None), layout=scene.layout, encoding=scene.encoding
            )
            assert found.segmentation_HW is not None
            same_labels(found.segmentation_HW, outcome, where=place.labels)
            if self._geometry and frame.number % LAYERS_COMPARED_EVERY == 0:
                same_layers(frame.source, place.depth, place.normals, self._reading)
                for direction in FLOW_DIRECTIONS:
                    same_flow(frame.source.layers.flow(direction), place.flow(direction))
            for style, _ in frame.images:
                readable_image(place.translation(style.folder), found.size)

        return check

    def layout_lines(self) -> Sequence[str]:
        lines = [
            "`simulated/<patient>/inputs/imgNNNNN.png`: the render",
            "`labels/simulated/<patient>/labels/lblNNNNN.png`: class k as grey value round(255 k / 10)",
            f"`{STYLE_SET}/<patient>/style_KK/imgNNNNN.png`: the translations; NNNNN names render and labels",
            "`splits.json`: patients by split",
        ]
        geometry = [
            "`depths/simulated/<patient>/depths/depthNNNNN.exr`: planar z in mm, 0 = nothing there",
            "`normals/simulated/<patient>/normals/normalNNNNN.exr`: unit normals, axes x right, y down, z forward",
            "`poses/simulated/<patient>/frames.json`: K in pixels (with `distortion` where the lens bends: OpenCV's"
            " model and coefficients), camera and tool poses (4x4 to world, mm)",
        ]
        if self._plan.has_flow:
            geometry.append(f"`flow_forward`, `flow_backward/simulated/<patient>/flow/flowNNNNN.exr`: {FLOW_WORDS}")
        return lines + geometry if self._geometry else lines

    def _write_poses(self, root: Path, outcomes: Sequence[FrameOutcome]) -> None:
        by_folder: dict[str, list[dict[str, Any]]] = {}
        for frame, outcome in zip(self._plan.frames, outcomes, strict=True):
            if outcome.pose:
                by_folder.setdefault(frame.folder, []).append({"frame": f"{frame.number:05d}", **outcome.pose})
        for folder, rows in by_folder.items():
            write_json(root / "poses" / "simulated" / folder / "frames.json", rows)


class _Place:
    """Where one frame's files go."""

    def __init__(self, root: Path, frame: PlannedFrame) -> None:
        self._root, self._folder, number = root, frame.folder, f"{frame.number:05d}"
        self._number = number
        self._picture = f"img{number}.png"
        self.render = root / "simulated" / frame.folder / "inputs" / self._picture
        self.labels = root / "labels" / "simulated" / frame.folder / "labels" / f"lbl{number}.png"
        self.depth = root / "depths" / "simulated" / frame.folder / "depths" / f"depth{number}.exr"
        self.normals = root / "normals" / "simulated" / frame.folder / "normals" / f"normal{number}.exr"

    def flow(self, direction: FlowDirection) -> Path:
        return self._root / f"flow_{direction}" / "simulated" / self._folder / "flow" / f"flow{self._number}.exr"

    def translation(self, style: str) -> Path:
        return self._root / STYLE_SET / self._folder / style / self._picture


def _studio_ids(table: ClassTable) -> np.ndarray:
    """uint8 lookup from the export's ids to the layout's fixed ones, by name. Raise InputError for other classes."""
    lookup = np.zeros(256, np.uint8)
    for c in table:
        try:
            lookup[c.id] = STUDIO_CLASSES.by_name(c.name).id
        except InputError as error:
            raise InputError(
                f"the layout image2image has no class '{c.name}'",
                where="classes",
                remedy=f"Merge it (--merge '{c.name}=liver'), or export as coco.",
            ) from error
    return lookup
