"""How a gallbladder lies at the liver: seated in its bed, or turned up over the edge."""

from __future__ import annotations

import numpy as np

from studio.scenes.simulator import fields
from studio.scenes.simulator.fields import Field
from studio.scenes.simulator.organs import PEAR_LENGTHS, Bladder, LiverShape
from studio.scenes.simulator.shaping import eased, evenly, outside

_TOUCH_MM = 2.0
"""How far the body reaches into the liver before it is pressed flat."""


def seated(bladder: Bladder, field: Field) -> Bladder:
    """The gallbladder moved up until fundus, body or pouch touches the liver."""
    points = bladder.points_N3.copy()
    steps = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3), -1).reshape(-1, 3)
    around = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1.0)
    for _ in range(12):
        skin = (points[:6, None] + around * bladder.radii_N[:6, None, None]).reshape(-1, 3)
        gap = float(np.asarray(field(*skin.T)).min()) + _TOUCH_MM
        if gap <= 0.05:
            break
        points[:, 2] += gap
    return Bladder(points, bladder.radii_N)


def lifted(rng: np.random.Generator, bladder: Bladder, liver: LiverShape, field: Field) -> Bladder:
    """The same gallbladder with its fundus turned up over the liver's edge, as a grasper at its fundus leaves it."""
    radii, neck = bladder.radii_N, bladder.points_N3[-1]
    x = float(bladder.points_N3[0, 0])
    edge = np.array([x + 6, liver.edge_y + liver.edge_slope * x, liver.edge_z])
    top = edge[2] + rng.uniform(12, 34)
    ys = np.linspace(edge[1] - 30, edge[1] + 50, 161)
    inside = field(np.full(161, x), ys, np.full(161, top)) < 0
    front = float(ys[np.argmax(inside)]) if inside.any() else float(edge[1])
    corners = np.array(
        [
            (x, front - 0.8 * radii[1], top), edge + np.array((0, -0.9 * radii[2], 0)),
            edge + np.array((10, 4, -1.5 * radii[3])), edge + np.array((18, 18, -1.4 * radii[3])), neck,
        ]
    )  # fmt: skip
    line, _ = fields.smooth_line(corners, np.ones(5), parts=12)
    points, _, lengths = evenly(line.astype(float), np.ones(len(line)), 1.0)
    at = PEAR_LENGTHS * lengths[-1]
    laid = eased(np.stack([np.interp(at, lengths, points[:, axis]) for axis in range(3)], 1))
    return Bladder(eased(outside(laid, (field,), sink=-0.65 * radii)), radii)
