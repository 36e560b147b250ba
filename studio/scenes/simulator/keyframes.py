"""Camera paths through views that someone has chosen: keyframes, their file, and the curve through them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from studio.files.atomic import small_text, write_json
from studio.scenes.simulator.paths import Curve, seconds_of
from studio.vocabulary.errors import InputError

FORMAT, VERSION = "trocar-camera-path", 1
OPTICS = (0.0, 30.0)
"""Degrees between shaft and view."""
_INTERVAL = 0.2
"""Seconds between the curve's knots; keyframes lie on them."""
_MOST_SWING, _LEAST_DEPTH, _MOST_DEPTH, _MOST_SECONDS = 70.0, 5.0, 330.0, 3600.0
_REMEDY = "See 'Own camera paths' in the guide."


@dataclass(frozen=True)
class Held:
    """How a laparoscope is held in its trocar: degrees, and ``depth`` in mm from the port to the lens.

    ``yaw`` (to the picture's right) and ``pitch`` (away from the body's front) swing the shaft from the direction of
    the surgical field; ``turn`` turns it about itself, which sweeps the view of 30 degree optics around; ``roll`` tilts
    the horizon.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    depth: float = 60.0
    turn: float = 0.0
    roll: float = 0.0

    def values_5(self) -> np.ndarray:
        """As a curve's five values: tangents of the swing, mm, radians."""
        yaw, pitch, turn, roll = np.deg2rad([self.yaw, self.pitch, self.turn, self.roll])
        return np.array([np.tan(yaw), np.tan(pitch), self.depth, turn, roll])

    @staticmethod
    def of_values(values_5: np.ndarray) -> Held:
        """The other way round, rounded to what can be told apart in a picture."""
        yaw, pitch = np.rad2deg(np.arctan(values_5[:2]))
        turn, roll = np.rad2deg(values_5[3:])
        return Held(*(round(float(v), 3) for v in (yaw, pitch, values_5[2], turn, roll)))


@dataclass(frozen=True)
class Keyframe:
    """A view and when the camera is there, in seconds from the path's start."""

    seconds: float
    held: Held


@dataclass(frozen=True)
class CameraKeyframes:
    """A camera path's keyframes by time, the first at 0, and the angle of the optics in degrees."""

    keyframes: tuple[Keyframe, ...]
    optics: float = 30.0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def seconds(self) -> float:
        return self.keyframes[-1].seconds

    def to_json(self) -> dict[str, Any]:
        rows = [{"seconds": k.seconds, **asdict(k.held)} for k in self.keyframes]
        return {"format": FORMAT, "version": VERSION, "optics": self.optics, "keyframes": rows}

    @staticmethod
    def from_json(value: Any, *, where: object = "") -> CameraKeyframes:
        """Raise InputError for what is no camera path, with the keyframe and the field."""
        if (
            not isinstance(value, Mapping)
            or value.get("format") != FORMAT
            or not isinstance(value.get("keyframes"), list)
        ):
            raise InputError("is no camera path", where=where, remedy=_REMEDY)
        if value.get("version") != VERSION:
            raise InputError(f"has version {value.get('version')!r}, not {VERSION}", where=where, remedy=_REMEDY)
        rows = enumerate(value["keyframes"], start=1)
        try:
            keyframes = tuple(_keyframe(row, f"keyframe {n}") for n, row in rows)
            return CameraKeyframes(keyframes, _number(value, "optics", "the path", default=30.0))
        except InputError as error:
            raise InputError(error.what, where=where, remedy=error.remedy) from None


def read_keyframes(path: Path) -> CameraKeyframes:
    """Raise InputError for a file that can't be read or is no camera path."""
    try:
        value = json.loads(small_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON ({error})", where=path, remedy=_REMEDY) from None
    return CameraKeyframes.from_json(value, where=path)


def write_keyframes(path: Path, keyframes: CameraKeyframes) -> None:
    """Replace the file in one step."""
    write_json(path, keyframes.to_json())


def on_knot(seconds: float) -> float:
    """The nearest time that a keyframe can have: keyframes lie on fifths of a second."""
    return round(round(seconds / _INTERVAL) * _INTERVAL, 6)


def curve_through(path: CameraKeyframes, *, seconds: float) -> Curve:
    """A curve that rests at the first keyframe until frames begin, passes through all, and rests at the last.

    Between keyframes each value goes by PCHIP (Fritsch and Carlson 1980), so none overshoots its neighbours; a cubic
    spline through fine steps of that makes it twice continuously differentiable. It covers at least ``seconds``.
    """
    from scipy.interpolate import PchipInterpolator  # late: the window starts without it
    from scipy.linalg import solve_banded

    start = seconds_of(0)
    at_K = np.array([start + k.seconds for k in path.keyframes])
    values_K5 = np.stack([k.held.values_5() for k in path.keyframes])
    values_K5[:, 3] = np.unwrap(values_K5[:, 3])
    end = max(seconds, float(at_K[-1])) + 2 * _INTERVAL
    # Held at both ends: PCHIP's slope is 0 there, so the camera starts and stops gently.
    known = PchipInterpolator([-1.0, *at_K, end + 1.0], np.stack([values_K5[0], *values_K5, values_K5[-1]]))
    samples_N5 = known(np.arange(0.0, end + _INTERVAL, _INTERVAL))
    return Curve(_controls(samples_N5, solve_banded), _INTERVAL)


def _controls(samples_N5: np.ndarray, solve_banded: Any) -> np.ndarray:
    """Control points (N + 2, 5) of the uniform cubic B-spline through samples: (c0 + 4 c1 + c2) / 6 at each knot."""
    count = len(samples_N5)
    bands = np.ones((3, count))
    bands[1] = 4.0
    bands[1, [0, -1]] = 5.0  # both ends rest: the outermost point equals its neighbour
    inner = solve_banded((1, 1), bands, 6.0 * samples_N5)
    return np.concatenate([inner[:1], inner, inner[-1:]])


def _keyframe(row: Any, name: str) -> Keyframe:
    if not isinstance(row, Mapping):
        raise InputError(f"{name} is no set of values", remedy=_REMEDY)
    known = {"seconds", *(f.name for f in fields(Held))}
    unknown = sorted(set(map(str, row)) - known)
    if unknown:
        raise InputError(f"{name} has an unknown field '{unknown[0]}'", remedy=f"Known are {', '.join(sorted(known))}.")
    held = Held(**{f.name: _number(row, f.name, name, default=float(str(f.default))) for f in fields(Held)})
    return Keyframe(on_knot(_number(row, "seconds", name)), held)


def _number(row: Mapping[str, Any], field: str, name: str, *, default: float | None = None) -> float:
    value = row.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} has no number in '{field}'", remedy=_REMEDY)
    return float(value)


def _check(path: CameraKeyframes) -> None:
    if len(path.keyframes) < 2:
        raise InputError("a camera path of fewer than two keyframes", remedy="Keep at least two views.")
    if path.optics not in OPTICS:
        raise InputError(f"optics of {path.optics:g} degrees", remedy="Laparoscopes of 0 and 30 degrees are simulated.")
    times = [k.seconds for k in path.keyframes]
    late = next((n for n, (a, b) in enumerate(pairwise(times), start=2) if b <= a), 0)
    if times[0] != 0 or late:
        wrong = f"keyframe {late} does not come after the one before" if late else "keyframe 1 is not at 0 s"
        raise InputError(wrong, remedy="Times grow from 0, by at least a fifth of a second.")
    if path.seconds > _MOST_SECONDS:
        raise InputError(
            f"a camera path of {path.seconds:g} s", remedy=f"At most {_MOST_SECONDS:g} s can be simulated."
        )
    for number, keyframe in enumerate(path.keyframes, start=1):
        _check_held(keyframe.held, f"keyframe {number}")


def _check_held(held: Held, name: str) -> None:
    for field in ("yaw", "pitch"):
        if abs(getattr(held, field)) > _MOST_SWING:
            raise InputError(f"{name} has a {field} of {getattr(held, field):g} degrees",
                             remedy=f"A shaft swings by up to {_MOST_SWING:g} degrees in its trocar.")  # fmt: skip
    if not _LEAST_DEPTH <= held.depth <= _MOST_DEPTH:
        raise InputError(f"{name} has the lens {held.depth:g} mm behind the port",
                         remedy=f"{_LEAST_DEPTH:g} to {_MOST_DEPTH:g} mm are within a shaft's reach.")  # fmt: skip
