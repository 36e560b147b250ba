"""What a frame of a scene has by now: its layers, its flow, and which of its files are gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from studio.project.records import FrameRecord, SceneRecord
from studio.scenes.readers import load_flow, load_layers_of
from studio.vocabulary.frames import FrameFiles, Layers

_WORDS = {"segmentation": "labels", "depth": "depth", "normals": "normals", "flow_forward": "flow"}


@dataclass(frozen=True, eq=False)
class FrameLayers:
    """``flow_HW2``: float32 px to the next frame, None where there is none; ``note``: what of the frame is gone."""

    layers: Layers
    flow_HW2: np.ndarray | None = None
    note: str = ""


def loading(frame: FrameRecord, scene: SceneRecord) -> Callable[[], FrameLayers]:
    """To be called in a thread. A frame that has lost some layers is shown without them; raise InputError where its
    render is gone, and for files that can't be read."""

    def load() -> FrameLayers:
        files, note = still_there(frame.files)
        layers = load_layers_of(files, layout=scene.layout, encoding=dict(scene.encoding))
        return FrameLayers(layers, load_flow(files, "forward", size=layers.size), note)

    return load


def still_there(files: FrameFiles) -> tuple[FrameFiles, str]:
    """The files of a frame without those that are gone, and a word on them ("" = all are there)."""
    gone = [name for name in _WORDS if (path := getattr(files, name)) is not None and not path.exists()]
    left = files
    for name in gone:
        left = replace(left, **{name: None})  # type: ignore[arg-type]
    return left, f"{', '.join(_WORDS[name] for name in gone)} not found" if gone else ""
