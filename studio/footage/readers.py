"""Finding unlabelled real frames in folders and videos, and loading them.

A folder that holds pictures is a patient, and so is a video. Nothing is copied; frames of videos are decoded into a
cache that may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from studio.files.listing import files_in, folders_in
from studio.files.pictures import PICTURE_SUFFIXES, read_rgb, read_size, write_png
from studio.files.spilled import SpilledList
from studio.footage.videos import VIDEO_SUFFIXES, Video, video_facts
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FootageFile

_NOT_FOOTAGE = frozenset({"masks", "mask", "labels", "label", "seg", "depth", "depths", "normals"})
_MASK_ENDINGS = ("_mask", "_label", "_watershed_mask", "_color_mask")


@dataclass(frozen=True)
class Survey:
    """What was found, and in ``notes`` what was left out or cut short."""

    files: Sequence[FootageFile]
    notes: tuple[str, ...]


def find_footage(paths: Sequence[Path], *, every: float) -> list[FootageFile]:
    """survey_footage without its notes."""
    return list(survey_footage(paths, every=every).files)


def survey_footage(paths: Sequence[Path], *, every: float) -> Survey:
    """Frames of folders (with their sub-folders) and videos, videos sampled every ``every`` seconds.

    Raise InputError for a path that is missing, holds no footage, or holds an unreadable video or picture.
    """
    if not 0 < every < float("inf"):
        raise InputError(f"every {every} seconds", remedy="Give a number of seconds above 0.")
    notes: list[str] = []
    files = SpilledList.of(map(_packed, _in_paths(paths, every, notes)), _unpacked)
    return Survey(files, tuple(notes))


def _packed(file: FootageFile) -> bytes:
    parts = (file.patient, file.name, str(file.path), "" if file.seconds is None else repr(file.seconds))
    return b"\0".join(os.fsencode(part) for part in parts)


def _unpacked(value: bytes, _position: int) -> FootageFile:
    patient, name, path, seconds = (os.fsdecode(part) for part in value.split(b"\0"))
    return FootageFile(patient, name, Path(path), float(seconds) if seconds else None)


def _in_paths(paths: Sequence[Path], every: float, notes: list[str]) -> Iterator[FootageFile]:
    taken: set[str] = set()
    for path in paths:
        found = _in_folder(path, every, notes) if path.is_dir() else _in_file(path, every, notes)
        patients: dict[str, str] = {}
        for file in found:
            if file.patient not in patients:
                patients[file.patient] = _untaken(file.patient, path, taken)
            yield replace(file, patient=patients[file.patient])
        if not patients:
            raise InputError(
                "no pictures or videos here", where=path, remedy="Name a folder with pictures, or a video."
            )
        taken |= set(patients.values())


def footage_path(file: FootageFile, cache: Path) -> Path:
    """A picture file of this frame: itself, or a PNG decoded into ``cache`` when it is a video's."""
    if file.seconds is None:
        return file.path
    cached = _cached_path(file, cache)
    if not cached.is_file():
        with Video(file.path) as video:
            write_png(cached, video.at(file.seconds))
    return cached


def load_footage_image(file: FootageFile, cache: Path) -> np.ndarray:
    """uint8 HxWx3 RGB. Raise InputError when the picture or the video is unreadable there."""
    return read_rgb(footage_path(file, cache))


class FootageLoader:
    """load_footage_image for many frames: keeps the video open, so that frames in order decode without seeking.

    Call it with a FootageFile, from any thread; close it when done.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._video: Video | None = None
        self._lock = threading.Lock()

    def __call__(self, file: FootageFile) -> np.ndarray:
        return read_rgb(self.path(file))

    def path(self, file: FootageFile) -> Path:
        """Like footage_path."""
        if file.seconds is None:
            return file.path
        cached = _cached_path(file, self._cache)
        if not cached.is_file():
            with self._lock:
                image_HW3 = self._open(file.path).at(file.seconds)
            write_png(cached, image_HW3)
        return cached

    def close(self) -> None:
        with self._lock:
            if self._video is not None:
                self._video.close()
                self._video = None

    def _open(self, path: Path) -> Video:
        if self._video is None or self._video.path != path:
            if self._video is not None:
                self._video.close()
            self._video = Video(path)
        return self._video


def _cached_path(file: FootageFile, cache: Path) -> Path:
    """Under a name that changes with the video's content, as far as its size and time tell."""
    try:
        stat = file.path.stat()
    except OSError as error:
        raise InputError("there is no such file", where=file.path, remedy="Relink the footage.") from error
    text = f"{file.path.name}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}"
    folder = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return cache / folder / f"{round((file.seconds or 0) * 1000):09d}.png"


def _in_file(path: Path, every: float, notes: list[str]) -> list[FootageFile]:
    suffix = path.suffix.lower()
    if not path.exists():
        raise InputError("there is no such file or folder", where=path, remedy="Check the path.")
    if suffix in VIDEO_SUFFIXES:
        return _in_video(path, path.stem, every, notes)
    if suffix in PICTURE_SUFFIXES:
        read_size(path)
        return [FootageFile(path.parent.name or path.stem, path.stem, path)]
    raise InputError(
        "neither a picture nor a video that is known",
        where=path,
        remedy=f"Known videos: {', '.join(sorted(s[1:] for s in VIDEO_SUFFIXES))}.",
    )


def _in_video(path: Path, patient: str, every: float, notes: list[str]) -> list[FootageFile]:
    facts = video_facts(path)
    if facts.cut_short:
        notes.append(f"{path.name} says it lasts {facts.declared:.0f} s, but only {facts.seconds:.0f} s can be decoded")
    count = int(facts.seconds / every + 1e-6) + 1
    times = [round(i * every, 3) for i in range(count)]
    return [FootageFile(patient, f"{t:010.3f}s", path, t) for t in times]


def _in_folder(root: Path, every: float, notes: list[str]) -> Iterator[FootageFile]:
    masks = 0
    for place in _folders_below(root, notes):
        patient = root.name if place == root else place.relative_to(root).as_posix()
        prefix = "" if place == root else patient + "/"
        for path in files_in(place, frozenset(VIDEO_SUFFIXES)):
            yield from _in_video(path, prefix + path.stem, every, notes)
        for path in files_in(place):
            if path.stem.endswith(_MASK_ENDINGS):
                masks += 1
                continue
            read_size(path)
            yield FootageFile(patient.removesuffix("/frames"), path.stem, path)
    if masks:
        notes.append(f"{masks} masks in '{root.name}' were left out")


def _folders_below(root: Path, notes: list[str]) -> Iterator[Path]:
    """The folder and those below it that may hold footage, each before its own sub-folders."""
    yield root
    for folder in folders_in(root):
        if folder.name.lower() in _NOT_FOOTAGE:
            notes.append(f"folder '{folder.name}' in '{root.name}' was left out")
        elif not folder.is_symlink():
            yield from _folders_below(folder, notes)


def _untaken(patient: str, path: Path, taken: set[str]) -> str:
    """A patient whose name another path has taken already gets its parent's name before it, or a number."""
    new, number = patient, 2
    if new in taken:
        new = f"{path.absolute().parent.name}/{patient}"
    while new in taken:
        new, number = f"{patient} ({number})", number + 1
    return new
