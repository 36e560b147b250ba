"""What is in a laparoscope's way, by name."""

from __future__ import annotations

import itertools

import numpy as np

from studio.scenes.simulator.anatomy import LIGAMENT, Anatomy
from studio.scenes.simulator.tracing import Target
from studio.vocabulary.labels import STUDIO_CLASSES

LENS_CLEAR_MM = 7.0
"""Half the width of a 10 mm laparoscope and some room."""
_TIP_MM, _WALL_FROM = 4.0, 0.75
"""The shaft's end may lie against something; what it meets in its outer quarter is the wall that it came through."""
_FAN = np.array([p for p in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(p)])
_FAN_N3 = (_FAN / np.linalg.norm(_FAN, axis=1, keepdims=True)).astype(np.float32)


def obstacle(anatomy: Anatomy, target: Target, port_3: np.ndarray, camera_to_world: np.ndarray) -> str:
    """What keeps a laparoscope from being there, in words that follow "the lens"; "" when nothing does.

    ``target``: the body's surfaces, part by part, at the moment that is asked about.
    """
    lens, rays_N3 = camera_to_world[:3, 3], _FAN_N3 @ camera_to_world[:3, :3].T.astype(np.float32)
    hits = target.trace(lens, rays_N3)
    met = np.flatnonzero(hits.face_N >= 0)
    face_N = hits.face_N[met]
    class_N = _classes(anatomy)[target.part_F[face_N]]
    # From inside an organ every ray meets its inner side; the ligament's two sides are equal.
    inner = np.einsum("ij,ij->i", target.plane_normal_F3[face_N], rays_N3[met]) > 0
    inner &= class_N != LIGAMENT
    if inner.sum() > 0.5 * max(len(met), 1):
        return f"lies in the {_name(int(np.bincount(class_N[inner]).argmax()))}"
    if len(met) and hits.t_N[met].min() < LENS_CLEAR_MM:
        nearest = int(np.argmin(hits.t_N[met]))
        return f"comes within {hits.t_N[met][nearest]:.0f} mm of the {_name(int(class_N[nearest]))}"
    return _on_the_shaft(anatomy, target, port_3, lens)


def _on_the_shaft(anatomy: Anatomy, target: Target, port_3: np.ndarray, lens_3: np.ndarray) -> str:
    back = port_3 - lens_3
    length = float(np.linalg.norm(back))
    hits = target.trace(lens_3 + back / length * _TIP_MM, (back / length)[None])
    if hits.face_N[0] < 0 or hits.t_N[0] >= _WALL_FROM * length:
        return ""
    return f"is reached through the {_name(int(_classes(anatomy)[target.part_F[hits.face_N[0]]]))} only"


def _classes(anatomy: Anatomy) -> np.ndarray:
    return np.array([p.class_id for p in anatomy.parts])


def _name(class_id: int) -> str:
    return STUDIO_CLASSES.by_id(class_id).name
