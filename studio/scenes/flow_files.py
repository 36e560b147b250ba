"""Optical flow that lies beside the frames of a sequence, in scenes of the layout ``frames``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.files.pictures import read_exr
from studio.scenes.layouts.frames import DESCRIPTION
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles


@dataclass(frozen=True, eq=False)
class Flow:
    """float32 HxWx2 in px, x to the right and y down, NaN where it is not known: a pixel's centre plus its flow is the
    same point of the surface in the next (``forward_HW2``) or the previous frame (``backward_HW2``). None = no file.
    """

    forward_HW2: np.ndarray | None = None
    backward_HW2: np.ndarray | None = None


NO_FLOW = Flow()


def load_flow(files: FrameFiles, *, layout: str) -> Flow:
    """The flow of one frame; NO_FLOW where its scene has none. Raise InputError for files that can't be read."""
    if layout != "frames":
        return NO_FLOW
    scene = files.rgb.parent.parent
    try:
        description = json.loads((scene / DESCRIPTION).read_text(encoding="utf-8"))
        folders = description["flow"]
        forward, backward = scene / str(folders["forward"]), scene / str(folders["backward"])
    except (OSError, ValueError, KeyError, TypeError):
        return NO_FLOW
    return Flow(_read(forward, files), _read(backward, files))


def _read(folder: Path, files: FrameFiles) -> np.ndarray | None:
    path = folder / f"{files.rgb.stem}.exr"
    if folder.parent != files.rgb.parent.parent or not path.is_file():
        return None  # sequences of other programs may have one direction only
    flow_HW2 = read_exr(path)
    if flow_HW2.ndim != 3 or flow_HW2.shape[2] != 2:
        raise InputError("flow without two channels", where=path, remedy="Write R (right) and G (down).")
    return flow_HW2
