"""Real labelled sets, brought to the studio's classes by name: plain frames and masks, CholecSeg8k, DSAD.

What a set lacks is not background: classes without a counterpart become IGNORE, and ``classes_present`` says which
classes the set speaks about at all (in a liver-only set 0 means "not liver", nothing more).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.files.atomic import hash_bytes
from studio.files.labels import read_label_values, values_in
from studio.files.listing import files_in, folders_in, named, spread
from studio.files.pictures import read_size, write_png
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import LabelledFrame
from studio.vocabulary.labels import IGNORE, STUDIO_CLASSES, ClassTable

_UNKNOWN = -1
_FRAME_FOLDERS = ("frames", "images")
_MASK_FOLDERS = ("masks", "labels")
_MASK_ENDINGS = ("", "_mask", "_label", "_labels", "_seg", "_masks", "-mask")
_LOOKED_AT = 400
_JPEG_TOLERANCE = 48
"""How far values may stray from 0 and 255, and channels from each other, before a mask is no binary one."""

CHOLECSEG8K: dict[int, str | None] = {
    50: "void", 11: "abdominal wall", 21: "liver", 13: "gastrointestinal tract", 12: "fat", 31: "tool shaft",
    23: None, 24: None, 25: None, 32: "tool shaft", 22: "gallbladder", 33: None, 5: "ligament", 255: None,
}  # fmt: skip
"""Watershed value -> studio class. None (connective tissue, blood, cystic duct, hepatic vein, boundary) is ignored."""

DSAD: dict[str, str] = {
    "abdominal_wall": "abdominal wall", "liver": "liver", "colon": "gastrointestinal tract",
    "small_intestine": "gastrointestinal tract", "stomach": "gastrointestinal tract",
}  # fmt: skip
"""Organ folder -> studio class."""


@dataclass(frozen=True, slots=True)
class MaskCoding:
    """What stored values mean: ``ids`` has 256 entries, a studio class id, IGNORE, or -1 for what must not occur.

    ``classes_present``: the classes that the masks speak about.
    """

    name: str
    ids: tuple[int, ...]
    classes_present: tuple[int, ...]

    @property
    def is_identity(self) -> bool:
        """Stored values are studio ids already."""
        return all(i in (_UNKNOWN, value) for value, i in enumerate(self.ids))


@dataclass(frozen=True, slots=True)
class CodedFrame(LabelledFrame):
    """A labelled frame whose mask is still stored in its own set's values."""

    coding: MaskCoding


@dataclass(frozen=True)
class LabelledSet(Sequence[CodedFrame]):
    """All labelled frames under a path, in order of patient and name."""

    layout: str
    frames: tuple[CodedFrame, ...]
    classes_present: tuple[int, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[CodedFrame]:
        return iter(self.frames)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.frames[index]


def read_labelled(path: Path, classes: ClassTable = STUDIO_CLASSES, *, positive_class: str = "liver") -> LabelledSet:
    """The labelled frames under a folder, of whichever known set it is.

    ``positive_class`` is what the white of binary masks stands for. Raise InputError when the folder is missing or
    holds no pairs, when a mask differs from its frame in size (of a spread sample), or when values mean nothing.
    """
    if not path.is_dir():
        raise InputError("there is no such folder", where=path, remedy="Check the path.")
    for reader in (_cholecseg8k, _dsad, _plain):
        found = reader(path, classes, positive_class)
        if found is not None:
            for frame in _sampled(found.frames):
                _same_size(frame, read_size(frame.mask), read_size(frame.image))
            return found
    raise InputError(
        "no labelled frames of a known layout",
        where=path,
        remedy="Expected <patient>/frames/NAME.png with <patient>/masks/NAME.png, CholecSeg8k or DSAD.",
    )


def load_mask(frame: LabelledFrame) -> np.ndarray:
    """uint8 HxW studio class ids, IGNORE where the set says nothing.

    Raise InputError, with value and file, for a value that stands for nothing, and when the mask's size differs from
    its frame's.
    """
    coding = frame.coding if isinstance(frame, CodedFrame) else _ids_coding(STUDIO_CLASSES, STUDIO_CLASSES.ids)
    values_HW = read_label_values(frame.mask, unequal=_JPEG_TOLERANCE if coding.name.startswith("binary") else 0)
    _same_size(frame, (values_HW.shape[1], values_HW.shape[0]), read_size(frame.image))
    unknown = [v for v in values_in(values_HW) if coding.ids[v] == _UNKNOWN]
    if unknown:
        raise InputError(
            f"value {', '.join(str(v) for v in unknown[:5])} stands for no class ({coding.name})",
            where=frame.mask,
            remedy="Mend the mask, or leave the frame out.",
        )
    ids_HW: np.ndarray = np.array([max(i, 0) for i in coding.ids], np.uint8)[values_HW]
    return ids_HW


def studio_mask_path(frame: LabelledFrame, cache: Path) -> Path:
    """A mask file in studio ids: the frame's own when it is stored so, else a PNG written into ``cache`` once."""
    if not isinstance(frame, CodedFrame) or (frame.coding.is_identity and frame.mask.suffix.lower() == ".png"):
        return frame.mask
    stat = frame.mask.stat()
    text = f"{frame.mask}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}\x1f{frame.coding}"
    cached = cache / f"{hash_bytes(text.encode('utf-8', 'surrogateescape'))}.png"
    if not cached.is_file():
        write_png(cached, load_mask(frame))
    return cached


def _same_size(frame: LabelledFrame, mask: tuple[int, int], image: tuple[int, int]) -> None:
    if mask != image:
        raise InputError(
            f"the mask has {mask[0]}x{mask[1]} px, its frame {image[0]}x{image[1]} px",
            where=frame.mask,
            remedy="Write both at the same size.",
        )


def _sampled(frames: Sequence[CodedFrame]) -> list[CodedFrame]:
    by_mask = {f.mask: f for f in frames}
    return [by_mask[p] for p in spread(list(by_mask), 64)]


def _plain(root: Path, classes: ClassTable, positive_class: str) -> LabelledSet | None:
    """``<patient>/frames`` with ``<patient>/masks``, or the two right here."""
    places = [(root.name, root)] if _sub(root, _FRAME_FOLDERS) and _sub(root, _MASK_FOLDERS) else []
    places = places or [(p.name, p) for p in folders_in(root) if _sub(p, _FRAME_FOLDERS) and _sub(p, _MASK_FOLDERS)]
    pairs: list[LabelledFrame] = []
    notes: list[str] = []
    for patient, place in places:
        pairs += _pairs(patient, place, notes)
    if not places:
        return None
    if not pairs:
        raise InputError("no frame has a mask of its name", where=root, remedy="Name masks as their frames are.")
    coding = _plain_coding([p.mask for p in pairs], classes, positive_class, notes)
    frames = tuple(CodedFrame(p.patient, p.name, p.image, p.mask, coding) for p in pairs)
    return LabelledSet(f"plain, {coding.name}", frames, coding.classes_present, tuple(notes))


def _pairs(patient: str, place: Path, notes: list[str]) -> list[LabelledFrame]:
    images = files_in(place / _sub(place, _FRAME_FOLDERS))
    masks = {p.stem: p for p in files_in(place / _sub(place, _MASK_FOLDERS))}
    pairs, without = [], []
    for image in images:
        mask = next((masks[image.stem + end] for end in _MASK_ENDINGS if image.stem + end in masks), None)
        if mask is None:
            without.append(image)
        else:
            pairs.append(LabelledFrame(patient, image.stem, image, mask))
    if without:
        notes.append(f"{patient}: {len(without)} frames have no mask and were left out: {named(without)}")
    spare = [p for p in masks.values() if p not in {pair.mask for pair in pairs}]
    if spare:
        notes.append(f"{patient}: {len(spare)} masks have no frame: {named(spare)}")
    return pairs


def _sub(place: Path, names: Sequence[str]) -> str:
    """The first of these sub-folders that is there, or nothing."""
    return next((name for name in names if (place / name).is_dir()), "")


def _plain_coding(masks: Sequence[Path], classes: ClassTable, positive_class: str, notes: list[str]) -> MaskCoding:
    """Class ids, binary, or binary as JPEG leaves it, from what a spread sample of the masks holds."""
    counts = np.zeros(256, np.int64)
    for path in spread(masks, _LOOKED_AT):
        counts += np.bincount(read_label_values(path, unequal=_JPEG_TOLERANCE).ravel(), minlength=256)
    seen = {int(v) for v in np.flatnonzero(counts)}
    known = {*classes.ids, IGNORE}
    if seen <= known and not seen <= {0, 255}:
        present = tuple(sorted(seen - {0, IGNORE}))
        notes.append("masks hold class ids; classes seen: " + ", ".join(classes.by_id(v).name for v in present))
        return _ids_coding(classes, present)
    if not seen <= {0, 255}:
        if not _smoothed_black_and_white(counts):
            _refuse_values(masks, known)
        notes.append("masks are black and white with values between (as JPEG leaves them): cut at 128")
    positive = classes.by_name(positive_class)
    notes.append(f"masks are binary: white is {positive.name}, black is anything else")
    return _binary_coding(positive.id, positive.name)


def _smoothed_black_and_white(counts: np.ndarray) -> bool:
    """Nearly all pixels near 0 or 255, and the few between spread over many values, as smoothing makes them."""
    between = counts[_JPEG_TOLERANCE + 1 : 255 - _JPEG_TOLERANCE]
    near_white = counts[255 - _JPEG_TOLERANCE :]
    many_values = int((between > 0).sum()) > 8 or int((near_white[:-1] > 0).sum()) > 2
    return bool(near_white.sum() > 0 and many_values and between.sum() <= 0.05 * counts.sum())


def _refuse_values(masks: Sequence[Path], known: set[int]) -> None:
    for path in spread(masks, _LOOKED_AT):
        unknown = [v for v in values_in(read_label_values(path, unequal=_JPEG_TOLERANCE)) if v not in known]
        if unknown:
            raise InputError(
                f"value {', '.join(str(v) for v in unknown[:5])} is neither black, white nor a class id",
                where=path,
                remedy=f"Binary masks hold 0 and 255, others ids 0 to {max(known - {IGNORE})} and 255 for ignore.",
            )


def _binary_coding(class_id: int, name: str) -> MaskCoding:
    return MaskCoding(f"binary, {name}", (0,) * 128 + (class_id,) * 128, (class_id,))


def _ids_coding(classes: ClassTable, present: tuple[int, ...]) -> MaskCoding:
    known = {*classes.ids, IGNORE}
    return MaskCoding("class ids", tuple(v if v in known else _UNKNOWN for v in range(256)), present)


def _cholecseg8k(root: Path, classes: ClassTable, _positive_class: str) -> LabelledSet | None:
    """``videoNN/videoNN_XXXXX/frame_N_endo.png`` with ``frame_N_endo_watershed_mask.png``; split by video."""
    clips = [(video, clip) for video in folders_in(root) for clip in folders_in(video)]
    clips = clips or [(root.parent, clip) for clip in folders_in(root)]
    coding = _cholecseg8k_coding(classes)
    frames: list[CodedFrame] = []
    for video, clip in clips:
        for image in files_in(clip):
            mask = image.with_name(image.stem + "_watershed_mask.png")
            if image.stem.endswith("_endo") and mask.is_file():
                patient = clip.name.split("_")[0] if "_" in clip.name else video.name
                frames.append(CodedFrame(patient, f"{clip.name}/{image.stem}", image, mask, coding))
    if not frames:
        return None
    notes = (
        "CholecSeg8k: connective tissue, blood, cystic duct, hepatic vein and boundaries are ignored",
        "CholecSeg8k: grasper and hook are tools without parts; tool tip and shaft are not compared",
    )
    return LabelledSet("cholecseg8k", tuple(frames), coding.classes_present, notes)


def _cholecseg8k_coding(classes: ClassTable) -> MaskCoding:
    ids = [_UNKNOWN] * 256
    for value, name in CHOLECSEG8K.items():
        ids[value] = IGNORE if name is None else classes.by_name(name).id
    named_classes = {name for name in CHOLECSEG8K.values() if name not in (None, "void", "tool shaft")}
    present = tuple(sorted(classes.by_name(name).id for name in named_classes if name))
    return MaskCoding("cholecseg8k watershed values", tuple(ids), present)


def _dsad(root: Path, classes: ClassTable, _positive_class: str) -> LabelledSet | None:
    """``<organ>/<NN>/imageXX.png`` with ``maskXX.png``: one organ a frame, one number a patient."""
    organs = [f for f in folders_in(root) if f.name.lower() in DSAD] or ([root] if root.name.lower() in DSAD else [])
    frames: list[CodedFrame] = []
    for organ in organs:
        positive = classes.by_name(DSAD[organ.name.lower()])
        coding = _binary_coding(positive.id, positive.name)
        for patient in folders_in(organ):
            for image in files_in(patient):
                mask = image.with_name(image.name.replace("image", "mask", 1))
                if image.name.startswith("image") and mask.is_file():
                    name = f"{organ.name}/{patient.name}/{image.stem}"
                    frames.append(CodedFrame(f"DSAD {patient.name}", name, image, mask, coding))
    if not frames:
        return None
    left_out = [f.name for f in folders_in(root) if f not in organs] if root not in organs else []
    notes = [f"organs without a class here were left out: {', '.join(left_out)}"] if left_out else []
    present = tuple(sorted({i for f in frames for i in f.coding.classes_present}))
    return LabelledSet("dsad", tuple(frames), present, ("each DSAD frame is labelled for one organ only", *notes))
