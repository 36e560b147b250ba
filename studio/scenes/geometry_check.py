"""Do a scene's depth and normals tell the same story, and which change would make them? Proposed, never applied.

Three questions, answered from a few frames in the studio's conventions:

- Normals that follow from the depth agree with the normal layer, or would after flipping axes, or once turned from
  the world's axes into the camera's.
- The depth is planar z or runs along the ray. With normals the right kind agrees better. Without, a plane decides:
  its inverse planar z is affine in pixel coordinates, 1/z = a u + b v + c, that of its distance along the ray is not.
  (Where a lens bends the rays, in their slopes.)
- The distances are those of a laparoscope in mm; those in metres, centimetres or micrometres lie far off.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from studio.scenes.corrections import STORED_KIND, along_the_ray, in_camera_axes
from studio.scenes.layouts.axes import planar_from_ray
from studio.vocabulary.frames import Layers
from studio.vocabulary.lenses import Lens, slopes

MEDIAN_LIMIT_DEGREES = 20.0
"""Right conventions give 1 to 8 degrees on our renders, a wrong axis 40 and more."""

NEAREST_MM, FARTHEST_MM = 10.0, 5000.0
"""A median depth outside of this is no view through a laparoscope."""

_USUAL_MM = (15.0, 1000.0)
_UNITS = ((1000.0, "metres"), (10.0, "centimetres"), (0.001, "micrometres"))
ALL_FLIPS = ("", "x", "y", "z", "xy", "xz", "yz", "xyz")
_LEAST_PIXELS, _COMPARED_PIXELS = 200, 20_000
_SMOOTH = 0.05
_SHOWN, _SHOWN_SHARE = 0.1, 0.01
_TURNED_SHARE = 0.6
"""A component of a normal shows where it is larger than that, and an axis where that many of all pixels show it."""
_BLOCKS = (1, 2, 4, 8)
_TILT = 0.05
"""Slope that the depth's steps may feign."""
_KIND_RATIO = 1.5
_KIND_DEGREES = 0.5
_FLAT_NOISES, _FLAT_LEAST = 1.5, 1e-6
"""A patch of inverse depth is a plane when its relative residual is no more than its noise (the depth's steps)."""
_NOISIEST, _LEAST_PLANES = 2e-4, 3
"""In coarser steps (0.07 mm at 100 mm) a dome as far away as its radius is told from a plane no more."""
_TILE_LEAST, _TILE_POINTS = 12, 24

DepthKind = Literal["planar", "ray"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the entry of a mapping's ``geometry`` that mends it ("" = none was found)."""

    what: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class GeometryReport:
    """``found``: one line of what was established; ``faults``: what disagrees."""

    found: str
    faults: tuple[Fault, ...] = ()

    @property
    def remedy(self) -> str:
        """One line that mends all faults together, or says what to look at."""
        entries = ", ".join(fault.entry for fault in self.faults if fault.entry)
        if not entries:
            return (
                'Check depth and normals, or leave the normals out: geometry = {leave_out = ["normals"]} (--mapping).'
            )
        return f"If that is so, write geometry = {{{entries}}} into a mapping file and name it with --mapping FILE."


NOT_EXAMINED = GeometryReport("")


@dataclass(frozen=True)
class Said:
    """What is said of the frames' geometry already: how their depth was taken, which axes of their normals were flipped
    ("none" = as they are, for sure), whether kind and scale are a person's word, which is not questioned, and whether
    the normals were taken to be in the world's axes.
    """

    kind: DepthKind = "planar"
    flipped: str = ""
    kind_settled: bool = False
    scale_settled: bool = False
    in_world: bool = False

    @staticmethod
    def by(encoding: Mapping[str, str]) -> Said:
        """As a scene's encoding has it."""
        kind = encoding.get("depth_kind", encoding.get(STORED_KIND, "planar"))
        return Said(
            "ray" if kind == "ray" else "planar", encoding.get("normals_flip", ""), "depth_kind" in encoding,
            "scale" in encoding, encoding.get("normals_space") == "world",
        )  # fmt: skip


def examine(frames: Sequence[Layers], said: Said | None = None) -> GeometryReport:
    """Examine frames in the studio's conventions, as far as these are known by now."""
    said = said or Said()
    with_depth = [f for f in frames if f.depth_HW is not None]
    if not with_depth:
        return NOT_EXAMINED
    usable = [f for f in with_depth if f.K is not None]
    found: list[str] = []
    faults: list[Fault] = []
    if usable:
        _examine_shape(usable, said, found, faults)
    elif any(f.normals_HW3 is not None for f in with_depth):
        found.append("no intrinsics, so that depth and normals could not be compared")
    if not said.scale_settled:
        faults += _scale_faults(with_depth)
    return GeometryReport("; ".join(found), tuple(faults))


def _examine_shape(frames: Sequence[Layers], said: Said, found: list[str], faults: list[Fault]) -> None:
    """The depth's kind first: under the wrong one the normals disagree, too, though none is flipped."""
    other: DepthKind = "ray" if said.kind == "planar" else "planar"
    kind = None if said.kind_settled else depth_kind(frames, said.kind)
    if kind == other:
        faults.append(Fault(f"the depth was taken as {_in_words(said.kind)} but is {_in_words(other)}",
                            f'depth_kind = "{other}"'))  # fmt: skip
        frames = [as_other_kind(f, said.kind) for f in frames]
    elif kind is not None:
        found.append(f"the depth is {_in_words(kind)}")
    angle = normals_angle(frames)
    if angle is None:
        return
    flip, best = best_flip(frames)
    if best > MEDIAN_LIMIT_DEGREES and said.flipped != "none" and not said.in_world:
        fault = _world_fault(frames, angle, said.flipped)
        if fault is not None:
            faults.append(fault)
            return
    if not flip and angle <= MEDIAN_LIMIT_DEGREES:
        found.append(f"normals and depth agree within {angle:.1f} degrees (median)")
    elif said.flipped == "none":
        found.append(f"normals and depth are {angle:.0f} degrees apart (median), as the mapping has it")
    else:
        faults.append(_flip_fault(angle, flip, best, said.flipped))


def _flip_fault(angle: float, flip: str, best: float, flipped: str) -> Fault:
    what = f"normals and depth disagree by {angle:.0f} degrees (median)"
    if best > MEDIAN_LIMIT_DEGREES:
        return Fault(what)
    axes = " and ".join(flip)
    return Fault(f"{what}; flipping {axes} of the normals makes them agree ({best:.1f} degrees)",
                 f'normals_flip = "{_from_stored(flip, flipped)}"')  # fmt: skip


def _world_fault(frames: Sequence[Layers], angle: float, flipped: str) -> Fault | None:
    """Where the normals follow from the depth once they are turned from the world's axes into the camera's."""
    if any(f.normals_HW3 is not None and f.camera_to_world is None for f in frames):
        return None
    for flip in ALL_FLIPS:
        turned = [in_camera_axes(f, flip) for f in frames]
        found = normals_angle(turned)
        if found is not None and found <= MEDIAN_LIMIT_DEGREES and not best_flip(turned)[0]:
            return Fault(f"normals and depth disagree by {angle:.0f} degrees (median); taken as in the world's axes"
                         f" instead of the camera's, they agree ({found:.1f} degrees)",
                         f'normals_space = "world", normals_flip = "{_from_stored(flip, flipped)}"')  # fmt: skip
    return None


def _from_stored(flip: str, flipped: str) -> str:
    """The flip of what is stored that does what ``flip`` does to normals of which ``flipped`` was flipped already."""
    return "".join(axis for axis in "xyz" if (axis in flip) != (axis in flipped)) or "none"


def _scale_faults(frames: Sequence[Layers]) -> list[Fault]:
    depths = [f.depth_HW[f.depth_HW > 0] for f in frames if f.depth_HW is not None]
    valid = np.concatenate(depths)
    if not valid.size:
        return [Fault("the depth is 0 everywhere")]
    median = float(np.median(valid))
    if NEAREST_MM <= median <= FARTHEST_MM:
        return []
    for factor, unit in _UNITS:
        if _USUAL_MM[0] <= median * factor <= _USUAL_MM[1]:
            return [Fault(f"the median depth is {_in_mm(median)}, which looks like {unit}", f"scale = {factor:g}")]
    return [Fault(f"the median depth is {_in_mm(median)}", "scale = 1")]


def _in_mm(depth: float) -> str:
    return f"{depth:,.0f} mm" if depth >= 100 else f"{depth:.3g} mm"


# -- normals


def normals_from_depth(depth_HW: np.ndarray, K: np.ndarray, lens: Lens | None = None) -> np.ndarray:
    """float32 HxWx3 normals of the surface that a planar-z depth in mm describes, pointing at the camera.

    Zero where a neighbour is missing or the depth jumps by more than 5 % (an outline).
    """
    height, width = depth_HW.shape
    x_HW, y_HW = (s.astype(np.float32) for s in slopes((width, height), K, lens))
    points_HW3 = np.stack([depth_HW * x_HW, depth_HW * y_HW, depth_HW], axis=2)
    normals_HW3 = np.zeros_like(points_HW3)
    across = points_HW3[1:-1, 2:] - points_HW3[1:-1, :-2]
    down = points_HW3[2:, 1:-1] - points_HW3[:-2, 1:-1]
    inner = np.cross(down, across)
    length = np.linalg.norm(inner, axis=2, keepdims=True)
    centre = depth_HW[1:-1, 1:-1]
    neighbours = (depth_HW[1:-1, 2:], depth_HW[1:-1, :-2], depth_HW[2:, 1:-1], depth_HW[:-2, 1:-1])
    smooth = (centre > 0) & np.logical_and.reduce([(n > 0) & (abs(n - centre) < _SMOOTH * centre) for n in neighbours])
    inner = np.where(smooth[..., None] & (length > 0), inner / np.where(length > 0, length, 1), 0)
    normals_HW3[1:-1, 1:-1] = inner
    return normals_HW3


def normals_angle(frames: Sequence[Layers], flip: str = "") -> float | None:
    """Median angle in degrees between the normals and those that follow from the depth; None with too few pixels."""
    return _median_angle(*_pairs(frames), flip)


def best_flip(frames: Sequence[Layers]) -> tuple[str, float]:
    """The axes ("" to "xyz") whose flip makes normals and depth agree best, and the median angle then, in degrees.

    Each axis is judged where the normals show it, be that a small part of the picture: a sphere before a wall.
    """
    expected_N3, normals_N3 = _pairs(frames)
    flip = "".join(axis for i, axis in enumerate("xyz") if _turned_over(expected_N3[:, i], normals_N3[:, i]))
    angle = _median_angle(expected_N3, normals_N3, flip)
    return flip, 180.0 if angle is None else angle


def _turned_over(expected_N: np.ndarray, normals_N: np.ndarray) -> bool:
    """Whether one component points the other way where it is not small.

    The normals say where; the depth's steps and noise scatter what is expected to both sides of what is true.
    """
    shown = abs(normals_N) > _SHOWN
    if shown.sum() < max(_LEAST_PIXELS, _SHOWN_SHARE * len(normals_N)):
        return False
    return float((expected_N[shown] * normals_N[shown] < 0).mean()) > _TURNED_SHARE


def _pairs(frames: Sequence[Layers]) -> tuple[np.ndarray, np.ndarray]:
    """N x 3 each: normals that follow from the depth and those of the layer, where both are there."""
    found = [(np.zeros((0, 3), np.float32),) * 2]
    for frame in frames:
        if frame.depth_HW is None or frame.normals_HW3 is None or frame.K is None:
            continue
        depth_HW, K, normals_HW3 = _coarse_enough(frame.depth_HW, frame.K, frame.normals_HW3)
        expected_HW3 = normals_from_depth(depth_HW, K, frame.lens)
        both = expected_HW3.any(axis=2) & normals_HW3.any(axis=2)
        some = slice(None, None, max(1, int(both.sum()) // _COMPARED_PIXELS))
        found.append((expected_HW3[both][some], normals_HW3[both][some]))
    return np.concatenate([e for e, _ in found]), np.concatenate([n for _, n in found])


def _coarse_enough(
    depth_HW: np.ndarray, K: np.ndarray, normals_HW3: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, K and normals over blocks of pixels so large that the depth's steps no longer tilt the surface."""
    noise = _noise(depth_HW)
    side = next((k for k in _BLOCKS if noise * K[0, 0] < _TILT * k * k), _BLOCKS[-1])
    if side == 1:
        return depth_HW, K, normals_HW3
    height, width = (n // side * side for n in depth_HW.shape)
    blocks = depth_HW[:height, :width].reshape(height // side, side, width // side, side)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    mean_HW = np.where((low > 0) & (high < (1 + 2 * _SMOOTH) * low), blocks.mean(axis=(1, 3)), 0).astype(np.float32)
    sums_HW3 = normals_HW3[:height, :width].reshape(height // side, side, width // side, side, 3).sum(axis=(1, 3))
    lengths_HW1 = np.linalg.norm(sums_HW3, axis=2, keepdims=True)
    mean_HW3 = np.where(lengths_HW1 > 0.5 * side**2, sums_HW3 / np.where(lengths_HW1 > 0, lengths_HW1, 1), 0)
    return mean_HW, np.diag([1 / side, 1 / side, 1.0]) @ K, mean_HW3.astype(np.float32)


def _noise(depth_HW: np.ndarray) -> float:
    """Standard deviation of a depth's steps by the depth, from third differences, outlines left out.

    Along rows or columns, whichever are rougher: a floor's rows have no steps of their own.
    """
    inverse_HW = 1 / np.where(depth_HW > 0, depth_HW, np.nan).astype(np.float64)
    found = [0.0]
    for lines in (inverse_HW, inverse_HW.T):
        jumps = np.diff(lines, n=3, axis=1) / lines[:, 3:]
        smooth = jumps[abs(jumps) < _SMOOTH]
        found.append(float(np.sqrt((smooth**2).mean() / 20)) if smooth.size else 0.0)
    return max(found)


def _median_angle(expected_N3: np.ndarray, normals_N3: np.ndarray, flip: str) -> float | None:
    if len(expected_N3) < _LEAST_PIXELS:
        return None
    cosines = (expected_N3 * normals_N3) @ np.array([-1 if axis in flip else 1 for axis in "xyz"], np.float32)
    return float(np.degrees(np.arccos(np.clip(np.median(cosines), -1, 1))))


# -- planar or along the ray


def depth_kind(frames: Sequence[Layers], taken: DepthKind) -> DepthKind | None:
    """How the depth was stored, given that it was taken as ``taken``; None where neither normals nor planes tell."""
    other: DepthKind = "ray" if taken == "planar" else "planar"
    as_taken, as_other = list(frames), [as_other_kind(f, taken) for f in frames]
    here, there = best_flip(as_taken)[1], best_flip(as_other)[1]
    low, high = min(here, there), max(here, there)
    if low <= MEDIAN_LIMIT_DEGREES and high >= max(_KIND_RATIO * low, low + _KIND_DEGREES):
        return taken if here < there else other
    flat_here = sum(n for f in as_taken for n in _flatter(f, as_other_kind(f, taken)))
    flat_there = sum(n for f in as_other for n in _flatter(f, _back(f, taken)))
    if max(flat_here, flat_there) < _LEAST_PLANES or min(flat_here, flat_there) * 4 > max(flat_here, flat_there):
        return None
    return taken if flat_here > flat_there else other


def as_other_kind(frame: Layers, taken: DepthKind) -> Layers:
    """The frame as it would be, had its depth been stored the other way."""
    if frame.depth_HW is None or frame.K is None:
        return frame
    if taken == "ray":
        return replace(frame, depth_HW=along_the_ray(frame.depth_HW, frame))
    return replace(frame, depth_HW=planar_from_ray(frame.depth_HW, frame.K, frame.lens))


def _back(frame: Layers, taken: DepthKind) -> Layers:
    return as_other_kind(frame, "ray" if taken == "planar" else "planar")


def _flatter(frame: Layers, rival: Layers) -> Iterator[int]:
    """1 for each patch that is a plane in ``frame`` and clearly none in ``rival``, 0 for each other one."""
    assert frame.depth_HW is not None and rival.depth_HW is not None and frame.K is not None
    height, width = frame.depth_HW.shape
    along = np.broadcast_arrays(*slopes((width, height), frame.K, frame.lens))
    for rows, columns in _tiles(frame.depth_HW.shape):
        rays = (along[0][rows, columns], along[1][rows, columns])
        mine, noise = _plane_residual(frame.depth_HW[rows, columns], rays)
        theirs, _ = _plane_residual(rival.depth_HW[rows, columns], rays)
        flat = noise <= _NOISIEST and mine <= _FLAT_NOISES * noise + _FLAT_LEAST
        yield int(flat and theirs > 3 * mine + 10 * _FLAT_LEAST)


def _tiles(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Patches of a half, a third and a quarter of the picture's sides, each size shifted by half of itself."""
    for parts in (2, 3, 4):
        sides = [n // parts for n in shape]
        if min(sides) < _TILE_LEAST:
            continue
        starts = [range(0, n - side + 1, max(1, side // 2)) for n, side in zip(shape, sides, strict=True)]
        for top, left in itertools.product(*starts):
            yield slice(top, top + sides[0]), slice(left, left + sides[1])


def _plane_residual(depth_HW: np.ndarray, slopes_HW: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Root mean square residual of 1/z against its best affine fit in the rays' slopes, and its noise, by its mean.

    Noise is what neighbours jump by: a smooth surface has third differences of nearly 0 however much it bends, rounded
    depths have some of sqrt(20) times the standard deviation of the rounding. Infinite, 0 where depth is missing.
    """
    if not ((depth_HW > 0) & np.isfinite(slopes_HW[0])).all():
        return math.inf, 0.0
    steps = [max(1, side // _TILE_POINTS) for side in depth_HW.shape]
    some_HW = depth_HW[:: steps[0], :: steps[1]]
    inverse_N = (1 / some_HW.astype(np.float64)).ravel()
    x_N, y_N = (s[:: steps[0], :: steps[1]].ravel() for s in slopes_HW)
    design_N3 = np.stack([x_N, y_N, np.ones(inverse_N.size)], axis=1)
    solution, *_ = np.linalg.lstsq(design_N3, inverse_N, rcond=None)
    residual_N = inverse_N - design_N3 @ solution
    jumps = np.diff(1 / depth_HW[:: steps[0]].astype(np.float64), n=3, axis=1)
    noise = float(np.sqrt((jumps**2).mean() / 20) / inverse_N.mean())
    return float(np.sqrt((residual_N**2).mean()) / inverse_N.mean()), noise


def _in_words(kind: DepthKind) -> str:
    return "planar z" if kind == "planar" else "the distance along the ray"
