"""What the procedural organs are like: their shapes and how they rest on one another, measured on the meshes alone."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from studio.scenes.simulator import fields
from studio.scenes.simulator.anatomy import (
    BOWEL,
    FAT,
    GALLBLADDER,
    LIGAMENT,
    LIVER,
    WALL,
    Anatomy,
    procedural_anatomy,
)
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.shaping import Lobules, rested, swept
from studio.scenes.simulator.tracing import Target

PATIENTS = ((3, 0), (3, 1), (8, 12), (8, 13), (5, 22))


@pytest.fixture(scope="module", params=PATIENTS, ids=lambda p: f"seed {p[0]} patient {p[1]}")
def body(request: pytest.FixtureRequest) -> Anatomy:
    return procedural_anatomy(*request.param)


def mesh(body: Anatomy, class_id: int) -> Mesh:
    part = body.part(class_id)
    assert part is not None
    return part.mesh


def inside(points_N3: np.ndarray, other: Mesh) -> np.ndarray:
    """bool (N,): by the number of times that a slanting ray crosses the mesh."""
    target = Target([other])
    way = np.array([0.013, 0.027, 1.0], np.float32)
    within = np.zeros(len(points_N3), bool)
    for row, point in enumerate(points_N3):
        crossings, start = 0, point.astype(float)
        while crossings < 40:
            hit = target.trace(start, way[None])
            if hit.face_N[0] < 0:
                break
            crossings += 1
            start = start + way * (float(hit.t_N[0]) + 1e-3)
        within[row] = crossings % 2 == 1
    return within


def surface(of: Mesh, count: int = 150_000) -> cKDTree:
    """Points spread over a mesh, about half a mm apart on an organ."""
    return cKDTree(trimesh.Trimesh(of.vertices_V3, of.faces_F3, process=False).sample(count, seed=1))


def distances(from_V3: np.ndarray, to: Mesh) -> np.ndarray:
    return np.asarray(surface(to).query(from_V3)[0])


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [(GALLBLADDER, LIVER, 2.5), (BOWEL, LIVER, 3.5), (BOWEL, GALLBLADDER, 3.5), (FAT, LIVER, 4.0)],
)
def test_organs_hardly_reach_into_one_another(body: Anatomy, soft: int, hard: int, limit: float) -> None:
    vertices = mesh(body, soft).vertices_V3
    low, high = mesh(body, hard).vertices_V3.min(0), mesh(body, hard).vertices_V3.max(0)
    near = vertices[((vertices > low) & (vertices < high)).all(axis=1)][::3]
    within = near[inside(near, mesh(body, hard))]
    assert not len(within) or distances(within, mesh(body, hard)).max() < limit


def test_gallbladder_touches_the_liver_and_narrows_to_a_neck(body: Anatomy) -> None:
    pear = mesh(body, GALLBLADDER)
    assert distances(pear.vertices_V3, mesh(body, LIVER)).min() < 1.0
    rings = pear.vertices_V3.reshape(-1, 40, 3).astype(float)
    breadth = np.linalg.norm(rings - rings.mean(axis=1, keepdims=True), axis=2).mean(axis=1)
    widest = int(np.argmax(breadth))
    assert 9 < breadth[widest] < 18
    # The body lies nearer the fundus; from it to the duct the tube thins to less than a third.
    assert widest < len(rings) / 2
    assert breadth[-12] < breadth[widest] / 3
    middle = rings.mean(axis=1)
    assert 3.5 < np.linalg.norm(np.diff(middle, axis=0), axis=1).sum() / breadth[widest] < 9


def test_liver_has_two_lobes_on_either_side_of_the_ligaments_notch(body: Anatomy) -> None:
    liver, ligament = mesh(body, LIVER).vertices_V3, mesh(body, LIGAMENT).vertices_V3
    touching = ligament[distances(ligament, mesh(body, LIVER)) < 3]
    assert len(touching) > 20
    notch_x = float(np.median(touching[:, 0]))
    assert (liver[:, 0] < notch_x).mean() > 0.3
    assert (liver[:, 0] > notch_x).mean() > 0.08

    def top(x: float) -> float:
        return float(liver[np.abs(liver[:, 0] - x) < 4][:, 2].max())

    # A cleft between the lobes: the ridge dips at the notch below the line between its neighbours.
    assert top(notch_x) < (top(notch_x - 16) + top(notch_x + 16)) / 2


def test_ligament_is_a_thin_sheet_that_joins_wall_and_liver(body: Anatomy) -> None:
    ligament = mesh(body, LIGAMENT)
    wall, liver = distances(ligament.vertices_V3, mesh(body, WALL)), distances(ligament.vertices_V3, mesh(body, LIVER))
    assert (wall < 8).sum() > 20
    assert (liver < 3).sum() > 20
    sheet = ligament.vertices_V3[: 2 * 88 * 28].reshape(2, 88 * 28, 3)
    # The one side's columns run the other way.
    other = sheet[0].reshape(88, 28, 3)[:, ::-1].reshape(-1, 3)
    assert np.allclose(np.linalg.norm(other - sheet[1], axis=1), 0.9, atol=0.01)


def test_round_ligament_ends_in_the_liver(body: Anatomy) -> None:
    cord = mesh(body, LIGAMENT).vertices_V3[2 * 88 * 28 :].reshape(-1, 18, 3)
    assert inside(cord[-1], mesh(body, LIVER)).all()


def test_fat_is_rounded_upwards_more_than_creased() -> None:
    """Tops of lobules are broad, creases narrow: the heights' distribution leans to the top."""
    lobules = Lobules(np.random.default_rng(3), 10.0)
    x, y = np.meshgrid(np.arange(0, 100, 0.7), np.arange(0, 100, 0.7))
    heights = lobules(np.stack([x.ravel(), y.ravel(), np.full(x.size, 33.0)], 1))
    assert -0.6 < heights.min() < heights.max() < 1.4
    field = heights.reshape(x.shape)
    bend = (np.roll(field, 1, 0) + np.roll(field, -1, 0) + np.roll(field, 1, 1) + np.roll(field, -1, 1) - 4 * field)[
        1:-1, 1:-1
    ]
    assert (bend < 0).mean() > 0.55
    # Smooth everywhere: neighbouring points differ by a small share of a lump.
    assert np.abs(np.diff(field, axis=0)).max() < 0.3


def test_a_swept_tube_has_the_volume_of_a_capsule() -> None:
    line = np.stack([np.linspace(0, 60, 61), np.zeros(61), np.zeros(61)], axis=1)
    tube = swept(line, np.full((61, 96), 10.0))
    volume = trimesh.Trimesh(tube.vertices_V3, tube.faces_F3, process=False).volume
    assert np.isclose(volume, np.pi * 100 * 60 + 4 / 3 * np.pi * 1000, rtol=0.015)


@pytest.mark.parametrize("down", [False, True])
def test_a_rested_mesh_lies_outside_to_the_depth_allowed(down: bool) -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10.0)
    soft = fields.with_normals((ball.vertices - (0, 0, 14.0)).astype(np.float32), ball.faces.astype(np.int32))

    def hard(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(x * x + y * y + z * z) - 10)

    before, after = np.linalg.norm(soft.vertices_V3, axis=1), rested(soft, [hard], sink=0.5, down=down).vertices_V3
    assert before.min() < 5
    assert np.linalg.norm(after, axis=1).min() > 9.4
    free = before > 9.6
    assert (after[free] == soft.vertices_V3[free]).all()
    if down:
        assert (after[:, :2] == soft.vertices_V3[:, :2]).all()
