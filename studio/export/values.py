"""What an export is made of: items, options, and the way in to the scenes' layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES, ClassTable

Regions = Literal["class", "part"]


@dataclass(frozen=True)
class ExportItem:
    """One translation with the frame it was made from.

    ``image`` is the translation's picture, ``render`` the frame's; ``layers`` where the frame's layers lie, stored as
    ``layout`` and ``encoding`` say, with ids of ``classes``. ``validity`` is None where it was not measured.
    """

    patient: str
    frame_name: str
    style_name: str
    image: Path
    render: Path
    layers: FrameFiles
    layout: str
    encoding: Mapping[str, str]
    translation_id: int = 0
    style_code: tuple[float, ...] = ()
    validity: float | None = None
    classes: ClassTable = STUDIO_CLASSES


@dataclass(frozen=True)
class ExportOptions:
    """How an export is laid out.

    ``split``: shares of train, val and test by patient. ``merges``: pairs of class names, the first counted as the
    second. ``regions`` (coco): one annotation for each class or for each connected part of it. ``geometry``: depth,
    normals, flow and poses ride along.
    """

    format: str
    split: tuple[float, ...] = (0.8, 0.1, 0.1)
    seed: int = 0
    merges: tuple[tuple[str, str], ...] = ()
    regions: Regions = "class"
    geometry: bool = True

    def of_format(self) -> dict[str, str]:
        """The format's own settings, as they stand in a recipe."""
        return {"regions": self.regions, "geometry": "yes" if self.geometry else "no"}


class LoadLayers(Protocol):
    """One frame's layers in the studio's conventions."""

    def __call__(self, files: FrameFiles, *, layout: str, encoding: Mapping[str, str]) -> Layers: ...


@dataclass(frozen=True)
class SceneReading:
    """How scenes are read: handed in, since the readers are another stage's. Also used to read an export back."""

    load_layers_of: LoadLayers
    read_scenes: Callable[[Path], list[SceneFiles]]
