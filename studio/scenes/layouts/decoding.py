"""From stored layers to the studio's conventions: ids, millimetres, unit normals that point at the camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from studio.files.pictures import MAX_SIDE, read_exr, read_size
from studio.vocabulary.errors import InputError

FARTHEST = 1e5
"""Stored depths beyond this (renderers write 1e10 for 'nothing hit') count as nothing there."""

_DEEP_STEPS = 65535.0
_ROUNDING = np.float32(4e-7)
"""Dividing float32 by a length computed in float32 leaves lengths off by up to 3 steps of 2^-23."""
_PNG_END = b"IEND\xaeB`\x82"


def read_deep_png(path: Path) -> np.ndarray:
    """uint16 HxW or HxWx3 (RGB order) of a PNG or TIFF. Raise InputError when it is damaged or not of 16 bits."""
    read_size(path)
    data = path.read_bytes()
    whole = path.suffix.lower() != ".png" or _PNG_END in data[-64:]
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if whole else None
    if values is None:
        raise InputError("the picture is damaged or cut short", where=path, remedy="Copy it again or write it anew.")
    if values.dtype != np.uint16:
        raise InputError("not a 16-bit picture", where=path, remedy="Write 16-bit PNG, or EXR.")
    return values if values.ndim == 2 else np.ascontiguousarray(values[..., 2::-1])


def read_depth(path: Path, *, mm_per_step: float | None) -> np.ndarray:
    """float32 HxW planar z in mm, 0 = nothing there; ``mm_per_step`` belongs to 16-bit PNG.

    Raise InputError for negative depths, for values that are no numbers and for a PNG without a scale.
    """
    if path.suffix.lower() == ".exr":
        depth = read_exr(path)
    elif mm_per_step is None:
        raise InputError("a depth picture without a declared scale", where=path, remedy="Declare mm per step.")
    else:
        depth = read_deep_png(path).astype(np.float32) * np.float32(mm_per_step)
    return depth_in_mm(depth, where=path)


def depth_of(path: Path, *, mm_per_unit: float) -> np.ndarray:
    """float32 HxW in mm, planar or along the ray as stored, of EXR, .npy or 16-bit PNG (told by the file's ending).

    Raise InputError for files of another kind and for values as depth_in_mm does.
    """
    read = {".exr": read_exr, ".npy": read_npy}.get(path.suffix.lower(), read_deep_png)
    return depth_in_mm(read(path).astype(np.float32), where=path, mm_per_unit=mm_per_unit)


def depth_in_mm(values: np.ndarray, *, where: Path, mm_per_unit: float = 1.0) -> np.ndarray:
    """float32 HxW of stored depths, of which the first channel counts; what is infinite or far beyond becomes 0.

    Raise InputError for negative depths and for values that are no numbers.
    """
    depth_HW = np.asarray(values if values.ndim == 2 else values[..., 0], np.float32)
    broken = int(np.isnan(depth_HW).sum())
    if broken:
        raise InputError(f"the depth of {broken} pixels is no number (NaN)", where=where,
                         remedy="Write 0 where nothing is there.")  # fmt: skip
    # In the file's own units: "nothing hit" is 1e10 in any, and a body modelled in mm is read as metres at first.
    depth_HW = np.where(depth_HW < FARTHEST, depth_HW, 0).astype(np.float32)
    if mm_per_unit != 1:
        depth_HW *= np.float32(mm_per_unit)
    if depth_HW.size and float(depth_HW.min()) < 0:
        raise InputError("the depth holds negative values", where=where, remedy="Depth is z in mm, 0 = nothing there.")
    return depth_HW


def read_npy(path: Path) -> np.ndarray:
    """A .npy array of numbers, HxW or HxWxC. Raise InputError for anything else."""
    try:
        # Mapped first: what a damaged header claims to follow is not made room for.
        values = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError("not a readable .npy array", where=path, remedy="Write it again with numpy.save.") from error
    if (
        not isinstance(values, np.ndarray)
        or values.ndim not in (2, 3)
        or values.dtype.kind not in "fui"
        or (max(values.shape) > MAX_SIDE)
    ):
        raise InputError("the array is no height x width of numbers", where=path, remedy="Write it again.")
    return np.array(values)


def read_normals(path: Path) -> np.ndarray:
    """float32 HxWx3 unit normals in OpenCV camera axes, 0 where there is none.

    EXR holds x, y, z; a 16-bit PNG (n + 1) / 2. What arrives quantised or anti-aliased is made unit length again.
    """
    if path.suffix.lower() == ".exr":
        normals = read_exr(path)
    else:
        values = read_deep_png(path)
        normals = values.astype(np.float32) * np.float32(2 / _DEEP_STEPS) - np.float32(1)
        if values.ndim == 3:
            normals[(values == 0).all(axis=2)] = 0
    if normals.ndim != 3 or normals.shape[2] != 3:
        raise InputError("the normals have not three channels", where=path, remedy="Store x, y, z.")
    return unit_normals(normals)


def read_flow(path: Path) -> np.ndarray:
    """float32 (H, W, 2) optical flow in px, x right and y down, NaN where a pixel has none. Raise InputError."""
    flow_HW2 = read_exr(path)
    if flow_HW2.ndim != 3 or flow_HW2.shape[2] != 2:
        raise InputError("the flow has not two channels", where=path, remedy="Store R: x to the right, G: y down.")
    if np.isinf(flow_HW2).any():
        raise InputError("the flow holds infinite values", where=path, remedy="Write NaN where a point is not seen.")
    # A point is seen in both pictures or has no flow at all.
    flow_HW2[np.isnan(flow_HW2).any(axis=2)] = np.nan
    return flow_HW2


def normals_from_01(values_HW3: np.ndarray) -> np.ndarray:
    """float32 unit vectors of stored (n + 1) / 2; where all three are 0 there is none."""
    nothing_HW = (values_HW3[..., :3] == 0).all(axis=2)
    normals_HW3 = values_HW3[..., :3].astype(np.float32) * 2 - 1
    normals_HW3[nothing_HW] = 0
    return unit_normals(normals_HW3)


def unit_normals(normals_HW3: np.ndarray) -> np.ndarray:
    """float32 vectors of length 1; those shorter than .1 (void) and non-finite ones become 0.

    What is of length 1 but for rounding stays to the bit, so that normals written and read again are the same.
    """
    finite = np.nan_to_num(normals_HW3.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    length_HW1 = np.linalg.norm(finite, axis=2, keepdims=True)
    length_HW1[abs(length_HW1 - 1) <= _ROUNDING] = 1
    unit: np.ndarray = np.divide(finite, length_HW1, out=np.zeros_like(finite), where=length_HW1 > 0.1)
    return unit
