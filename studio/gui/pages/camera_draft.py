"""Keyframes as they are edited: an ordered row of views, timed so that the camera moves evenly. No Qt in here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from studio.scenes.simulator.keyframes import CameraKeyframes, Held, Keyframe, on_knot

_PER_SECOND = np.array([0.14, 0.14, 17.0, 0.2, 0.06])
"""Change of a curve's values in a second at the pace of the paths that seeds give."""
_LEAST_STEP = 0.4


@dataclass(frozen=True)
class CameraDraft:
    """``seconds`` 0: as long as the usual pace takes."""

    views: tuple[Held, ...] = ()
    optics: float = 30.0
    seconds: float = 0.0

    def with_view(self, held: Held, at: int) -> CameraDraft:
        return replace(self, views=(*self.views[:at], held, *self.views[at:]))

    def without_view(self, at: int) -> CameraDraft:
        return replace(self, views=(*self.views[:at], *self.views[at + 1 :]))

    def with_view_changed(self, held: Held, at: int) -> CameraDraft:
        return self.without_view(at).with_view(held, at)

    def with_view_moved(self, at: int, to: int) -> CameraDraft:
        return self.without_view(at).with_view(self.views[at], to)

    def times(self) -> tuple[float, ...]:
        """Seconds of each view: by the largest change between two, in all ``seconds``."""
        steps = [_pace(a, b) for a, b in zip(self.views, self.views[1:], strict=False)]
        scale = self.seconds / sum(steps) if self.seconds and steps else 1.0
        times = [0.0]
        for step in steps:
            times.append(max(on_knot(times[-1] + step * scale), on_knot(times[-1] + 0.2)))
        return tuple(times)

    def path(self) -> CameraKeyframes | None:
        """None for fewer than two views."""
        if len(self.views) < 2:
            return None
        rows = zip(self.times(), self.views, strict=True)
        return CameraKeyframes(tuple(Keyframe(seconds, held) for seconds, held in rows), self.optics)

    @staticmethod
    def of_path(path: CameraKeyframes) -> CameraDraft:
        return CameraDraft(tuple(k.held for k in path.keyframes), path.optics, path.seconds)


def _pace(a: Held, b: Held) -> float:
    change = b.values_5() - a.values_5()
    change[3] = (change[3] + np.pi) % (2 * np.pi) - np.pi
    return max(_LEAST_STEP, float((np.abs(change) / _PER_SECOND).max()))
