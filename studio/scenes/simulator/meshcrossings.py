"""Where a surface crosses itself: edges that go through a face elsewhere, sought with rays."""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.meshwinding import edges_of
from studio.scenes.simulator.tracing import Target

_ENDS = 1e-3
"""Share of an edge at either end that is not looked at: the faces that meet there are no crossing."""


def crossings(vertices_V3: np.ndarray, faces_F3: np.ndarray) -> int:
    """At how many places the surface crosses itself: groups of connected edges that go through faces.

    Of two triangles that cross, one has an edge through the other; faces that share a corner with the edge don't count.
    Not noticed are faces that lie in one another's plane, and a second face behind the first one that an edge meets.
    """
    extent = max(float(np.ptp(vertices_V3, axis=0).max()), 1e-300)
    # Single precision suffices about the middle, at a size of 1.
    points_V3 = ((vertices_V3 - vertices_V3.mean(axis=0)) / extent).astype(np.float32)
    edges_E2 = edges_of(faces_F3).vertices_E2
    start_E3, end_E3 = points_V3[edges_E2].transpose(1, 0, 2)
    way_E3 = (end_E3 - start_E3) * np.float32(1 - 2 * _ENDS)
    target = Target([Mesh(points_V3, faces_F3.astype(np.int32), np.zeros_like(points_V3))])
    hits = target.trace(start_E3 + (end_E3 - start_E3) * np.float32(_ENDS), way_E3)
    met = np.flatnonzero((hits.face_N >= 0) & (hits.t_N < 1))
    corners_M3 = faces_F3[hits.face_N[met]]
    elsewhere = ~(corners_M3[:, :, None] == edges_E2[met][:, None, :]).any(axis=(1, 2))
    return _groups(edges_E2[met[elsewhere]], faces_F3[hits.face_N[met[elsewhere]]])


def _groups(edges_M2: np.ndarray, faces_M3: np.ndarray) -> int:
    """How many connected groups crossing edges and the faces that they go through form."""
    from scipy.sparse import coo_matrix  # late: the window starts without it
    from scipy.sparse.csgraph import connected_components

    if not len(edges_M2):
        return 0
    all_M5 = np.concatenate([edges_M2, faces_M3], axis=1)
    used, number = np.unique(all_M5, return_inverse=True)
    number = number.reshape(all_M5.shape)
    rows, columns = np.repeat(number[:, :1], 4, axis=1).ravel(), number[:, 1:].ravel()
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(used), len(used)))
    return int(connected_components(graph, directed=False)[0])
