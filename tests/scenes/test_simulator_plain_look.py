"""The plain look's light against its formula: a head-light's cosine and its falloff by the square of the distance."""

from __future__ import annotations

import numpy as np
import pytest

from studio.scenes.simulator.anatomy import Anatomy, Part
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.fields import Mesh, with_normals
from studio.scenes.simulator.frames import coloured, see
from studio.scenes.simulator.plain import PlainLook, exposure_distance, shade_plain
from studio.scenes.simulator.views import View, intrinsics
from tests.scenes.raycasting import centres, rays_through

SIZE = (80, 45)
K = intrinsics(SIZE, 1.0)
LIT_AT = 60.0


def plate(normal: tuple[float, float, float], distance: float) -> Mesh:
    n = np.array(normal) / np.linalg.norm(normal)
    side = np.cross(n, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    other = np.cross(n, side)
    middle = np.array([0, 0, distance])
    corners = [middle + a * side + b * other for a, b in ((-400, -400), (400, -400), (400, 400), (-400, 400))]
    return with_normals(np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def body_of(mesh: Mesh) -> Body:
    return Body(Anatomy("plate", (Part("liver", 1, mesh),), np.zeros(3), np.zeros((1, 3)), np.zeros(3)))


@pytest.mark.parametrize("distance", [70.0, 110.0])
@pytest.mark.parametrize("shine", [0.0, 0.1])
def test_a_plate_is_lit_by_cosine_and_square_of_the_distance(distance: float, shine: float) -> None:
    geometry = see(Scene(body_of(plate((0.5, -0.2, -1.0), distance)), View(SIZE, K, np.eye(4))))
    colour = np.array([[0.5, 0.3, 0.2]], np.float32)
    look = PlainLook(colour, colour, np.zeros(1, np.float32), exposure=0.9, shine=shine, ambient=0.06)
    found_HW3 = coloured(geometry, lambda s: shade_plain(s, look, (), lit_at=LIT_AT)) ** 2.2
    n = np.array([0.5, -0.2, -1.0]) / np.linalg.norm([0.5, -0.2, -1.0])
    rays_HW3 = rays_through(K, *centres(SIZE))
    points_HW3 = rays_HW3 * (n[2] * distance / (rays_HW3 @ n))[..., None]
    away_HW = np.linalg.norm(points_HW3, axis=-1)
    cosine_HW = -(points_HW3 @ n) / away_HW
    strength_HW = LIT_AT**2 / away_HW**2
    assert strength_HW.max() < 2.5 and cosine_HW.min() > 0.4 and np.ptp(cosine_HW) > 0.2
    lit_HW = 0.06 + 0.9 * cosine_HW * strength_HW
    expected_HW3 = colour[0] * lit_HW[..., None] + (shine * strength_HW * cosine_HW**48)[..., None]
    assert expected_HW3.max() < 1
    assert np.abs(found_HW3 - expected_HW3).max() < 1e-4


def test_the_exposure_follows_what_is_in_view() -> None:
    assert exposure_distance(np.array([0.0, 0.0, 50.0, 50.0, 50.0])) == 50.0
    assert exposure_distance(np.zeros(4)) == 100.0
