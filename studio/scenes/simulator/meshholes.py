"""Holes in a surface: the loops of its border, and caps over them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from studio.scenes.simulator.meshwinding import edges_of

_SMALL = 0.12
"""A hole across this share of the mesh's longest side is closed in a sheet, too."""
_MOST_CAP = 0.43
"""Caps may be this share of a piece's area: half a ball has a third, a flat sheet half. Beyond, it is an open sheet."""
_RINGS = 24


@dataclass(frozen=True, eq=False)
class _Cap:
    """A hole's cover: new points (N, 3); faces (F, 3) that count the mesh's vertices, then these."""

    points_N3: np.ndarray
    faces_F3: np.ndarray
    across: float
    area: float


def closed(
    vertices_V3: np.ndarray, faces_F3: np.ndarray, piece_F: np.ndarray, *, sheet: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
    """(vertices, faces, piece of each face, how far across each hole was that is closed now).

    Faces must be wound alike. New faces come behind the old ones. Pieces that their caps would make a bag around next
    to nothing stay open, and so do the large holes of a ``sheet``.
    """
    extent = float(np.ptp(vertices_V3, axis=0).max())
    caps: dict[int, list[_Cap]] = defaultdict(list)
    for loop, piece in loops_of(faces_F3, piece_F):
        cap = _cap(vertices_V3, loop, len(vertices_V3))
        if not (sheet and cap.across > _SMALL * extent):
            caps[piece].append(cap)
    area_P = np.bincount(piece_F, areas(vertices_V3, faces_F3))
    kept = [
        (piece, cap)
        for piece, found in caps.items()
        if (total := sum(c.area for c in found)) <= _MOST_CAP * (total + area_P[piece])
        for cap in found
    ]
    points, faces, pieces, before = [vertices_V3], [faces_F3], [piece_F], len(vertices_V3)
    for piece, cap in kept:
        own = cap.faces_F3 >= len(vertices_V3)
        faces.append(np.where(own, cap.faces_F3 + (before - len(vertices_V3)), cap.faces_F3))
        points.append(cap.points_N3)
        pieces.append(np.full(len(cap.faces_F3), piece))
        before += len(cap.points_N3)
    return np.concatenate(points), np.concatenate(faces), np.concatenate(pieces), [c.across for _, c in kept]


def loops_of(faces_F3: np.ndarray, piece_F: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Each closed way along the border, as the vertices that a cap passes in turn, with its piece.

    Where a way meets itself it is parted there, so that no loop passes a vertex twice. Ways that lead nowhere are left.
    """
    face, side = np.nonzero(edges_of(faces_F3).border_F3)
    # A cap runs along the border the other way.
    starts, ends = faces_F3[face, (side + 1) % 3].tolist(), faces_F3[face, side].tolist()
    ways: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, end, piece in zip(starts, ends, piece_F[face].tolist(), strict=True):
        ways[start].append((end, piece))
    loops = []
    for first in list(ways):
        while ways[first]:
            loops += _walked(ways, first)
    return [(np.array(loop), piece) for loop, piece in loops if len(loop) > 2]


def _walked(ways: dict[int, list[tuple[int, int]]], first: int) -> list[tuple[list[int], int]]:
    """Go on from a vertex until there is no way on; take out what comes back to a vertex of the way so far."""
    loops, path, place = [], [first], {first: 0}
    while ways[path[-1]]:
        at, piece = ways[path[-1]].pop()
        if at not in place:
            place[at] = len(path)
            path.append(at)
            continue
        loop = path[place[at] :]
        loops.append((loop, piece))
        for gone in loop[1:]:
            del place[gone]
        path = path[: place[at] + 1]
    return loops


def _cap(vertices_V3: np.ndarray, loop_N: np.ndarray, first_new: int) -> _Cap:
    points_N3 = vertices_V3[loop_N]
    across = float(np.ptp(points_N3, axis=0).max())
    if len(loop_N) == 3:
        new, faces = np.zeros((0, 3)), loop_N[None]
    else:
        flat_N2 = _in_its_plane(points_N3)
        middle = points_N3.mean(axis=0)
        if _seen_from_middle(flat_N2):
            new, faces = _rings(points_N3, middle, loop_N, first_new)
        else:
            new, faces = np.zeros((0, 3)), loop_N[_clipped(flat_N2)]
    spanned = np.concatenate([vertices_V3, new])[faces] if len(new) else vertices_V3[faces]
    a, b, c = spanned.transpose(1, 0, 2)
    return _Cap(new, faces, across, float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2))


def _in_its_plane(points_N3: np.ndarray) -> np.ndarray:
    """The loop seen along the normal of the area that it spans, counter-clockwise; (N, 2)."""
    away = points_N3 - points_N3.mean(axis=0)
    normal = _area_normal(points_N3)
    side = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    side /= np.linalg.norm(side)
    return np.stack([away @ side, away @ np.cross(normal, side)], axis=1)


def _area_normal(points_N3: np.ndarray) -> np.ndarray:
    """Unit normal of the area that a loop spans (Newell's method)."""
    away = points_N3 - points_N3.mean(axis=0)
    normal = np.cross(away, np.roll(away, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(normal))
    return np.asarray(normal / length) if length > 0 else np.array([0.0, 0.0, 1.0])


def _seen_from_middle(flat_N2: np.ndarray) -> bool:
    """Whether the whole loop is seen from its middle, so that a fan from there folds nowhere."""
    after = np.roll(flat_N2, -1, axis=0)
    return bool((flat_N2[:, 0] * after[:, 1] - flat_N2[:, 1] * after[:, 0] > 0).all())


def _rings(
    points_N3: np.ndarray, middle_3: np.ndarray, loop_N: np.ndarray, first_new: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rings that draw in towards the middle and flatten, about as far apart as the border's own points."""
    step = float(np.linalg.norm(points_N3 - np.roll(points_N3, -1, axis=0), axis=1).mean())
    radius = float(np.linalg.norm(points_N3 - middle_3, axis=1).mean())
    count = int(np.clip(radius / max(2.5 * step, 1e-300), 1, _RINGS))
    shares = 1 - np.arange(1, count) / count
    away = points_N3 - middle_3
    normal = _area_normal(points_N3)
    rise = (away @ normal)[:, None] * normal
    inner = middle_3 + shares[:, None, None] * (away - rise) + shares[:, None, None] ** 3 * rise
    inner = inner.reshape(-1, 3)
    number = np.concatenate([loop_N, first_new + np.arange(len(inner))]).reshape(count, len(loop_N))
    after = np.roll(number, -1, axis=1)
    between = [
        np.stack(t, -1).reshape(-1, 3)
        for t in ((number[:-1], after[:-1], after[1:]), (number[:-1], after[1:], number[1:]))
    ]
    hub = np.full(len(loop_N), first_new + len(inner))
    return np.vstack([inner, middle_3]), np.concatenate([*between, np.stack([number[-1], after[-1], hub], axis=1)])


def _clipped(flat_N2: np.ndarray) -> np.ndarray:
    """Triangles (N - 2, 3) of a polygon, ear by ear; where no ear is left, as of one that crosses itself, the rest is a
    fan."""
    left = list(range(len(flat_N2)))
    ears = []
    while len(left) > 3:
        ring = np.array(left)
        ear = _ear(flat_N2[ring])
        if ear is None:
            break
        ears.append((ring[ear - 1], ring[ear], ring[(ear + 1) % len(ring)]))
        del left[ear]
    ears += [(left[0], left[i], left[i + 1]) for i in range(1, len(left) - 1)]
    return np.array(ears)


def _ear(flat_N2: np.ndarray) -> int | None:
    """The corner, the sharpest first, whose triangle holds no other corner."""
    before, after = np.roll(flat_N2, 1, axis=0), np.roll(flat_N2, -1, axis=0)
    u, w = flat_N2 - before, after - flat_N2
    turn_N = u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]
    convex = np.flatnonzero(turn_N > 0)
    chord_N = np.linalg.norm(after - before, axis=1)
    for ear in convex[np.argsort(chord_N[convex], kind="stable")]:
        corners = np.stack([before[ear], flat_N2[ear], after[ear]])
        others = np.delete(flat_N2, [ear - 1, ear, (ear + 1) % len(flat_N2)], axis=0)
        if not _within(others, corners).any():
            return int(ear)
    return None


def _within(points_N2: np.ndarray, corners_32: np.ndarray) -> np.ndarray:
    along = np.roll(corners_32, -1, axis=0) - corners_32
    away = points_N2[:, None] - corners_32
    return np.asarray((along[:, 0] * away[..., 1] - along[:, 1] * away[..., 0] > 0).all(axis=1))


def areas(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> np.ndarray:
    """The area of each face (F,)."""
    a, b, c = vertices_V3[faces_F3].transpose(1, 0, 2)
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
