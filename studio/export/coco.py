"""Writer of COCO instance annotations: ``train.json``, ``val.json``, ``test.json`` beside ``images/``.

Masks are compressed RLE by pycocotools, ``area`` and ``bbox`` exact. Depth, normals and the flow of sequences ride
along as EXR files that image entries name (``depth_file``, ``normals_file``, ``flow_forward_file``,
``flow_backward_file``); intrinsics and poses stand in the entries.
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

from studio.export.planning import Plan, PlannedFrame, PlannedStyle
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
from studio.files.atomic import write_with
from studio.vocabulary.errors import TrocarError
from studio.vocabulary.frames import FLOW_DIRECTIONS

NAME = "coco"
_DECODING = threading.Lock()


class CocoWriter:
    """One translation is one COCO image; its regions are those of the frame."""

    def __init__(self, plan: Plan, options: ExportOptions, reading: SceneReading) -> None:
        self._plan, self._options, self._reading = plan, options, reading
        self._category = {c.id: number for number, c in enumerate(plan.classes.regions, start=1)}
        self._image_ids = _image_ids(plan)
        self._lookup_256 = np.zeros(256, np.uint8)
        for class_id, category in self._category.items():
            self._lookup_256[class_id] = category

    def write_frame(self, frame: PlannedFrame, root: Path) -> FrameOutcome:
        layers = frame.source.layers
        source = read_frame(frame, self._plan.classes, self._reading, geometry=self._options.geometry, ignored=True)
        if self._options.geometry:
            put_layer(layers.depth, source.layers.depth_HW, root / _layer_file(frame, "depth"))
            put_layer(layers.normals, source.layers.normals_HW3, root / _layer_file(frame, "normals"))
            for direction in FLOW_DIRECTIONS:
                put_flow(layers.flow(direction), root / _layer_file(frame, f"flow_{direction}"), source.layers.size)
        files = {style.number: _image_file(frame, style) for style, _ in frame.images}
        hashes = {style.number: put_picture(i.image, root / files[style.number]) for style, i in frame.images}
        annotations = tuple(self._annotations(source.ids_HW))
        kept_HW = self._lookup_256[source.ids_HW]
        return outcome_of(source, hashes=hashes, files=files, kept_HW=kept_HW, annotations=annotations)

    def finish(self, root: Path, outcomes: Sequence[FrameOutcome]) -> None:
        for split in self._plan.splits:
            pairs = [(f, o) for f, o in zip(self._plan.frames, outcomes, strict=True) if f.split == split]
            parts: dict[str, Iterable[Mapping[str, Any]]] = {
                "images": self._image_rows(pairs), "annotations": self._annotation_rows(pairs),
                "categories": self._categories(),
            }  # fmt: skip
            info = {"description": f"Trocar Studio export, split {split}", "version": "1"}
            write_with(root / f"{split}.json", partial(_write_dataset, info=info, parts=parts))

    def reader(self, root: Path) -> Callable[[PlannedFrame, FrameOutcome], None]:
        sets = {split: _opened(root / f"{split}.json") for split in self._plan.splits}

        def check(frame: PlannedFrame, outcome: FrameOutcome) -> None:
            coco, checked = sets[frame.split], None
            for style, _ in frame.images:
                image_id = self._image_ids[frame.folder, frame.number, style.number]
                path = root / coco.imgs[image_id]["file_name"]
                readable_image(path, outcome.size)
                rows = coco.imgToAnns[image_id]
                text = [(r["category_id"], r["segmentation"]["counts"], r["area"], r["bbox"]) for r in rows]
                if checked is None:
                    same_labels(_painted(coco, rows, outcome.size), outcome, where=path)
                    checked = text
                elif text != checked:
                    raise TrocarError(f"{path}: regions differ between styles of one frame")
            if self._options.geometry and frame.number % LAYERS_COMPARED_EVERY == 0:
                depth, normals = (root / _layer_file(frame, layer) for layer in ("depth", "normals"))
                same_layers(frame.source, depth, normals, self._reading)
                for direction in FLOW_DIRECTIONS:
                    same_flow(frame.source.layers.flow(direction), root / _layer_file(frame, f"flow_{direction}"))

        return check

    def layout_lines(self) -> Sequence[str]:
        each = "class" if self._options.regions == "class" else "connected part of a class"
        lines = [
            "`train.json`, `val.json`, `test.json`: COCO instance annotations; `file_name` counts from this folder",
            f"`images/<split>/`: the translations; one annotation for each {each}; void has none",
        ]
        geometry = [
            "`depth/<split>/`: planar z in mm as EXR; image entries name it as `depth_file`",
            "`normals/<split>/`: unit normals as EXR, camera axes x right, y down, z forward, as `normals_file`",
            "`K`, `camera_to_world` and `tools` in image entries: pixels, 4x4 to world in mm; `distortion` where the"
            " lens bends, OpenCV's model and coefficients",
        ]
        if self._plan.has_flow:
            geometry.append(
                "`flow_forward/<split>/`, `flow_backward/<split>/`: as EXR, which image entries name as "
                f"`flow_forward_file`, `flow_backward_file`; {FLOW_WORDS}"
            )
        return lines + geometry if self._options.geometry else lines

    def _annotations(self, ids_HW: np.ndarray) -> Iterator[Mapping[str, Any]]:
        """Annotations of one frame without their ids, by category and then by part."""
        from pycocotools import mask as masks

        for class_id, category in self._category.items():
            region_HW = (ids_HW == class_id).astype(np.uint8)
            if not region_HW.any():
                continue
            for part_HW in [region_HW] if self._options.regions == "class" else _parts(region_HW):
                rle = masks.encode(np.asfortranarray(part_HW))
                yield {
                    "category_id": category, "iscrowd": 0, "area": int(masks.area(rle)),
                    "bbox": [float(v) for v in masks.toBbox(rle)],
                    "segmentation": {"size": [int(v) for v in rle["size"]], "counts": rle["counts"].decode("ascii")},
                }  # fmt: skip

    def _categories(self) -> list[Mapping[str, Any]]:
        return [
            {"id": self._category[c.id], "name": c.name, "supercategory": "scene", "color": list(c.colour)}
            for c in self._plan.classes.regions
        ]

    def _image_rows(self, pairs: Sequence[tuple[PlannedFrame, FrameOutcome]]) -> Iterator[Mapping[str, Any]]:
        for frame, outcome in pairs:
            for style, item in frame.images:
                row: dict[str, Any] = {
                    "id": self._image_ids[frame.folder, frame.number, style.number],
                    "file_name": outcome.image_files[style.number],
                    "width": outcome.size[0], "height": outcome.size[1],
                    "patient": frame.patient, "frame": item.frame_name, "style": style.name,
                }  # fmt: skip
                yield row | self._geometry_of(frame, outcome)

    def _geometry_of(self, frame: PlannedFrame, outcome: FrameOutcome) -> dict[str, Any]:
        if not self._options.geometry:
            return {}
        layers = frame.source.layers
        named = {"depth": layers.depth, "normals": layers.normals}
        named |= {f"flow_{direction}": layers.flow(direction) for direction in FLOW_DIRECTIONS}
        return {f"{n}_file": _layer_file(frame, n) for n, p in named.items() if p is not None} | dict(outcome.pose)

    def _annotation_rows(self, pairs: Sequence[tuple[PlannedFrame, FrameOutcome]]) -> Iterator[Mapping[str, Any]]:
        number = 0
        for frame, outcome in pairs:
            for style, _ in frame.images:
                for annotation in outcome.annotations:
                    number += 1
                    image_id = self._image_ids[frame.folder, frame.number, style.number]
                    yield {"id": number, "image_id": image_id, **annotation}


def _image_ids(plan: Plan) -> dict[tuple[str, int, int], int]:
    """Numbers from 1, by patient's folder, frame and style; unique over all splits."""
    keys = ((f.folder, f.number, style.number) for f in plan.frames for style, _ in f.images)
    return {key: number for number, key in enumerate(keys, start=1)}


def _image_file(frame: PlannedFrame, style: PlannedStyle) -> str:
    return f"images/{frame.split}/{frame.folder}_{frame.number:05d}_{style.folder}.png"


def _layer_file(frame: PlannedFrame, layer: str) -> str:
    return f"{layer}/{frame.split}/{frame.folder}_{frame.number:05d}.exr"


def _parts(region_HW: np.ndarray) -> Iterator[np.ndarray]:
    """Connected parts (neighbours by edge or corner), by their first pixel in reading order."""
    count, numbered_HW = cv2.connectedComponents(region_HW, connectivity=8)
    for number in range(1, count):
        yield (numbered_HW == number).astype(np.uint8)


def _write_dataset(path: Path, *, info: Mapping[str, Any], parts: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """JSON row by row: the text of all annotations at once may be larger than the memory."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"info":' + _text(info))
        for name, rows in parts.items():
            file.write(f',\n"{name}":[')
            _write_rows(file, rows)
            file.write("]")
        file.write("}\n")


def _write_rows(file: IO[str], rows: Iterable[Mapping[str, Any]]) -> None:
    for number, row in enumerate(rows):
        file.write((",\n" if number else "\n") + _text(row))


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _opened(path: Path) -> Any:
    """The format's own reader; it prints, which nobody asked for."""
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def _painted(coco: Any, rows: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> np.ndarray:
    """uint8 HxW category ids from decoded masks; raise TrocarError for overlaps and for a wrong area or box."""
    painted_HW = np.zeros(size[::-1], np.uint8)
    for row in rows:
        mask_HW = _decoded(coco, row)
        ys, xs = np.flatnonzero(mask_HW.any(axis=1)), np.flatnonzero(mask_HW.any(axis=0))
        box = [float(xs[0]), float(ys[0]), float(xs[-1] - xs[0] + 1), float(ys[-1] - ys[0] + 1)]
        if painted_HW[mask_HW].any() or row["area"] != int(mask_HW.sum()) or row["bbox"] != box:
            raise TrocarError(f"annotation {row['id']}: its area, box or mask is not what was written")
        painted_HW[mask_HW] = row["category_id"]
    return painted_HW


def _decoded(coco: Any, row: Mapping[str, Any]) -> np.ndarray:
    """bool HxW. pycocotools 2.0 warns under numpy 2; warning filters belong to all threads, hence the lock."""
    with _DECODING, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        mask_HW: np.ndarray = coco.annToMask(row).astype(bool)
    return mask_HW
