"""Scenes of a known layout looked at before they are added: their first frames under a mapping that may be unfinished.

What the layout leaves open (classes, the geometry of depth and normals, a camera) can so be asked for and shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from studio.scenes.class_names import IGNORED_WORD, SourceClass, UnknownClasses, studio_id
from studio.scenes.corrections import as_encoding, camera_encoding, without_layers
from studio.scenes.folder_guess import FRAMES_SHOWN, Understood, guess_layers, understand
from studio.scenes.geometry_check import Said, examine
from studio.scenes.layouts import folders
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import LAYOUTS, detect_layout, load_layers, read_scenes
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, Layers, SceneFiles
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES

_NEVER = "\0"
"""A stored value that does not occur: a table with it alone makes masks labels, and says nothing of their values."""
_MASKS_LEFT_OUT = "the masks are left out; with a class for each of their values they are labels"
_DARKER = 6
T = TypeVar("T")


@dataclass(frozen=True)
class _Listed:
    """The first scene with the frames that are shown, of how many; ``sources`` are classes that need a table."""

    scene: SceneFiles
    scenes: int
    sources: tuple[SourceClass, ...]


@dataclass
class SceneLook:
    """A folder and its layout; scenes are listed once, however often the mapping is changed then.

    ``camera_open``: the layout gives no intrinsics, so that a mapping's camera can.
    """

    path: Path
    layout: str
    camera_open: bool = True
    _listed: _Listed | None = field(default=None, repr=False)
    _places_of: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def understand(self, mapping: SceneMapping) -> Understood:
        """The first frames under a mapping; nothing is raised for what a person can still mend."""
        if self.layout == folders.NAME:
            return understand(self.path, mapping)
        try:
            if self._listed is None:
                self._listed = _first_of(self.path, self.layout, declared=not _asks_classes(self.layout))
                self.camera_open = self._has_no_camera(self._listed.scene)
            return self._under(self._listed, mapping)
        except InputError as error:
            return Understood(problems=(str(error),))

    def _under(self, listed: _Listed, mapping: SceneMapping) -> Understood:
        left_out = LAYOUTS[self.layout].masked and not mapping.classes
        scene = without_layers(listed.scene, mapping.geometry)
        said = as_encoding(mapping.geometry) | (camera_encoding(mapping.camera) if self.camera_open else {})
        scene = replace(scene, encoding=scene.encoding | said)
        frames, sources = _loaded(scene, mapping, listed.sources)
        if left_out:
            frames = [replace(f, segmentation_HW=None) for f in frames]
        self._listed = replace(listed, sources=sources)
        values = tuple(sorted({s.entry for s in sources}, key=lambda v: (len(v), v)))
        unknown = {s.entry for s in sources if studio_id(s, mapping.classes) is None}
        open_ones = () if left_out else tuple(v for v in values if v in unknown)
        names = tuple(f.name for f in scene.frames)
        report = examine(frames, Said.by(scene.encoding))
        note = _MASKS_LEFT_OUT if left_out and values else ""
        if set(values) - set(self._places_of):
            self._places_of = _places(scene, values)
        return Understood(tuple(frames), names, values, open_ones, (), report, listed.scenes, note, self._places_of)

    def _has_no_camera(self, scene: SceneFiles) -> bool:
        picture = replace(scene.frames[0], segmentation=None, depth=None, normals=None)
        return load_layers(scene, picture).K is None


@dataclass(frozen=True)
class FirstLook:
    """What a folder is: scenes of a layout as understood, plain folders (nothing understood yet), or ``look`` None."""

    path: Path
    look: SceneLook | None = None
    understood: Understood = field(default_factory=Understood)

    @property
    def asks(self) -> bool:
        """Whether a person has something to say before the scenes can be added."""
        if self.look is None:
            return False
        mendable = any("mapping" in problem for problem in self.understood.problems)
        open_ones = bool(self.understood.unknown or self.understood.geometry.faults or self.understood.note)
        return self.look.layout == folders.NAME or open_ones or mendable


def first_look(path: Path, mapping: SceneMapping = NO_MAPPING, layout: str = "auto") -> FirstLook:
    """Look at a folder, as one of ``layout``; what is wrong in it is found again, and said, when it is added."""
    if layout == folders.NAME:
        return FirstLook(path, SceneLook(path, folders.NAME))
    try:
        look = SceneLook(path, detect_layout(path) if layout == "auto" else layout)
    except InputError:
        return FirstLook(path, SceneLook(path, folders.NAME) if guess_layers(path) else None)
    return FirstLook(path, look, look.understand(mapping))


def _asks_classes(layout: str) -> bool:
    """Whether a mapping may speak of a layout's classes, which others declare themselves."""
    return layout in ("solo", "blenderproc", "bop", "nerfstudio")


def _first_of(path: Path, layout: str, *, declared: bool) -> _Listed:
    classes = {_NEVER: IGNORED_WORD} if LAYOUTS[layout].masked else {}

    def listed(mapping: SceneMapping) -> list[SceneFiles]:
        return read_scenes(path, layout, mapping, compared=False)

    sources: tuple[SourceClass, ...] = ()
    if declared:
        scenes = listed(NO_MAPPING)
    else:
        scenes, sources = _leniently(listed, SceneMapping(classes=classes), ())
    first = replace(scenes[0], frames=scenes[0].frames[:FRAMES_SHOWN])
    return _Listed(first, len(scenes), sources)


def _places(scene: SceneFiles, values: Sequence[str]) -> dict[str, np.ndarray]:
    """By value the first frame in which it is seen, as uint8 HxWx3 with all else darkened.

    Frames are loaded under tables that give the values ids to tell them by, three times for up to 81 of them.
    """
    names = [c.name for c in STUDIO_CLASSES]
    found: dict[str, np.ndarray] = {}
    wanted = list(values)[: len(names) ** 2]
    for frame in scene.frames:
        if frame.segmentation is None or len(found) == len(wanted):
            continue
        theirs, low, high = (
            _under_table(scene, frame, dict(zip(wanted, words, strict=True)))
            for words in (
                [IGNORED_WORD] * len(wanted),
                [names[i % len(names)] for i in range(len(wanted))],
                [names[i // len(names)] for i in range(len(wanted))],
            )
        )
        assert theirs.segmentation_HW is not None
        assert low.segmentation_HW is not None
        assert high.segmentation_HW is not None
        number_HW = low.segmentation_HW + len(names) * high.segmentation_HW.astype(np.int64)
        for number, value in enumerate(wanted):
            here_HW = (theirs.segmentation_HW == IGNORE) & (number_HW == number)
            if value not in found and here_HW.any():
                found[value] = np.where(here_HW[..., None], theirs.rgb_HW3, theirs.rgb_HW3 // _DARKER)
    return found


def _under_table(scene: SceneFiles, frame: FrameFiles, classes: Mapping[str, str]) -> Layers:
    encoding = scene.encoding | {"classes": json.dumps(classes)}
    return load_layers(replace(scene, encoding=encoding), replace(frame, depth=None, normals=None))


def _loaded(
    scene: SceneFiles, mapping: SceneMapping, sources: tuple[SourceClass, ...]
) -> tuple[list[Layers], tuple[SourceClass, ...]]:
    def loaded(said: SceneMapping) -> list[Layers]:
        own = {"classes": json.dumps(dict(said.classes))} if "classes" in scene.encoding else {}
        seen = replace(scene, encoding=scene.encoding | own)
        return [load_layers(seen, frame) for frame in seen.frames]

    return _leniently(loaded, mapping, sources)


def _leniently(
    make: Callable[[SceneMapping], T], mapping: SceneMapping, sources: Sequence[SourceClass]
) -> tuple[T, tuple[SourceClass, ...]]:
    """What is made under a mapping in which all classes that it lacks are ignored, and these classes."""
    found = dict.fromkeys(sources)
    while True:
        lacking = {s.entry: IGNORED_WORD for s in found if studio_id(s, mapping.classes) is None}
        try:
            return make(replace(mapping, classes={**mapping.classes, **lacking})), tuple(found)
        except UnknownClasses as error:
            if not set(error.sources) - set(found):
                raise
            found |= dict.fromkeys(error.sources)
