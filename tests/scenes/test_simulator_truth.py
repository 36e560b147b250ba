"""Depth, normals and outlines of bodies of known size against closed formulas; poses against where things show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from studio.files.pictures import read_grey_levels
from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.anatomy import Anatomy, Part
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.fields import Mesh, with_normals
from studio.scenes.simulator.frames import Geometry, see
from studio.scenes.simulator.instruments import KINDS, make_instrument
from studio.scenes.simulator.views import Tool, View, intrinsics, looking

SIZE = (160, 90)
K = intrinsics(SIZE, 1.0)


def seen(*meshes: Mesh, pose: np.ndarray | None = None, tools: tuple[Tool, ...] = ()) -> Geometry:
    parts = tuple(Part(f"part {i}", i + 1, m) for i, m in enumerate(meshes))
    body = Body(Anatomy("test", parts, np.zeros(3), np.zeros((1, 3)), np.zeros(3)))
    return see(Scene(body, View(SIZE, K, np.eye(4) if pose is None else pose, tools)))


def rays_HW3() -> np.ndarray:
    """Directions with z = 1 through pixel centres, written out afresh."""
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    x = (columns + 0.5 - SIZE[0] / 2) / K[0, 0]
    y = (rows + 0.5 - SIZE[1] / 2) / K[0, 0]
    return np.dstack([x, y, np.ones_like(x)])


def ball(radius: float, centre: tuple[float, float, float], *, subdivisions: int = 7) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return Mesh(
        (sphere.vertices + centre).astype(np.float32), sphere.faces.astype(np.int32),
        (sphere.vertices / radius).astype(np.float32),
    )  # fmt: skip


def sphere_depth(radius: float, centre: tuple[float, float, float]) -> np.ndarray:
    """Planar z of the nearer intersection, NaN outside the outline."""
    d, c = rays_HW3(), np.array(centre)
    a, b, q = (d * d).sum(-1), d @ c, c @ c - radius**2
    root = b * b - a * q
    with np.errstate(invalid="ignore"):
        return (b - np.sqrt(root)) / a


def test_sphere_depth_normals_and_outline_follow_the_formula() -> None:
    radius, centre = 20.0, (3.0, -5.0, 80.0)
    geometry = seen(ball(radius, centre))
    expected = sphere_depth(radius, centre)
    # The outline of a polyhedron lies inside the sphere's: compare where both agree by a margin of 0.02 mm.
    surely_in = ~np.isnan(sphere_depth(radius - 0.02, centre))
    surely_out = np.isnan(expected)
    assert (geometry.class_HW[surely_in] == 1).all()
    assert (geometry.class_HW[surely_out] == 0).all()
    assert (geometry.depth_HW[surely_out] == 0).all()
    facing = ~np.isnan(sphere_depth(radius * 0.97, centre))
    assert np.abs(geometry.depth_HW - expected)[facing].max() < 2e-3
    points = rays_HW3() * expected[..., None]
    normals = (points - centre) / radius
    cosine = (normals * geometry.normal_HW3).sum(-1)[facing]
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 0.1
    assert np.allclose(np.linalg.norm(geometry.normal_HW3[surely_in], axis=-1), 1, atol=1e-5)


def test_tilted_plane_has_exact_planar_depth_and_one_normal() -> None:
    normal, offset = np.array([0.3, -0.4, -0.866]), -60.0
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, (1.0, 0, 0))
    side /= np.linalg.norm(side)
    other = np.cross(normal, side)
    middle = normal * offset
    corners = np.array([middle + a * side + b * other for a, b in ((-300, -300), (300, -300), (300, 300), (-300, 300))])
    geometry = seen(with_normals(corners.astype(np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32)))
    expected = offset / (rays_HW3() @ normal)
    assert (geometry.class_HW == 1).all()
    assert np.abs(geometry.depth_HW / expected - 1).max() < 1e-5
    assert np.abs(geometry.normal_HW3 - normal).max() < 1e-4


def test_cylinder_depth_follows_the_formula_seen_from_a_moved_camera() -> None:
    radius = 10.0
    turn = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
    ring = np.stack([radius * np.cos(turn), np.zeros_like(turn), radius * np.sin(turn)], 1)
    up = np.array([0.0, 500.0, 0.0])
    points = np.concatenate([ring - up, ring + up]).astype(np.float32)
    i, j = np.arange(4096), np.roll(np.arange(4096), -1)
    faces = np.concatenate([np.stack([i, i + 4096, j], 1), np.stack([j, i + 4096, j + 4096], 1)]).astype(np.int32)
    mesh = with_normals(points, faces)
    pose = looking(np.array([30.0, -40.0, 70.0]), np.zeros(3), roll=0.3)
    geometry = seen(mesh, pose=pose)
    d = rays_HW3() @ pose[:3, :3].T
    o = pose[:3, 3]
    a, b = d[..., 0] ** 2 + d[..., 2] ** 2, d[..., 0] * o[0] + d[..., 2] * o[2]
    root = b * b - a * (o[0] ** 2 + o[2] ** 2 - radius**2)
    facing = root > 0.05 * a * radius**2
    expected = (-b - np.sqrt(np.where(facing, root, 0))) / a
    assert facing.mean() > 0.1
    assert np.abs(geometry.depth_HW - expected)[facing].max() < 1e-3
    assert (geometry.class_HW[root < 0] == 0).all()


def test_unprojected_depth_lies_on_the_surface_in_body_axes() -> None:
    pose = looking(np.array([50.0, -60.0, 40.0]), np.array([0.0, 0.0, 5.0]))
    geometry = seen(ball(25.0, (0.0, 0.0, 5.0)), pose=pose)
    met = geometry.depth_HW > 0
    camera = rays_HW3()[met] * geometry.depth_HW[met][:, None]
    world = camera @ pose[:3, :3].T + pose[:3, 3]
    assert np.abs(np.linalg.norm(world - [0, 0, 5.0], axis=1) - 25.0).max() < 5e-3


def test_camera_axes_are_right_down_forward() -> None:
    pose = looking(np.array([0.0, -100.0, 0.0]), np.zeros(3))
    assert np.allclose(pose[:3, 0], [1, 0, 0])
    assert np.allclose(pose[:3, 1], [0, 0, -1])
    assert np.allclose(pose[:3, 2], [0, 1, 0])
    assert np.isclose(np.linalg.det(pose[:3, :3]), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_instruments_show_where_their_pose_says(kind: str) -> None:
    tip_to_world = np.eye(4)
    # Coming in from the right: z (towards the tip) is camera -x, the tip a little left of the middle, 70 mm away.
    tip_to_world[:3, :3] = np.array([[0, 0, -1.0], [1, 0, 0], [0, -1, 0]])
    tip_to_world[:3, 3] = (-6.0, 4.0, 70.0)
    geometry = seen(ball(5.0, (0, 0, 400.0), subdivisions=2), tools=(Tool(make_instrument(kind), tip_to_world),))
    u, v = K[0, 0] * -6.0 / 70 + K[0, 2], K[1, 1] * 4.0 / 70 + K[1, 2]
    rows, columns = np.nonzero(geometry.class_HW == 6)
    assert abs(columns.min() - u) < 4
    assert abs(rows.mean() - v) < 8
    shaft_rows, shaft_columns = np.nonzero(geometry.class_HW == 7)
    assert shaft_columns.min() > columns.min()
    assert shaft_columns.max() == SIZE[0] - 1
    assert abs(np.median(shaft_rows) - v) < 3


def test_nearer_parts_hide_farther_ones() -> None:
    geometry = seen(ball(10, (0, 0, 100.0), subdivisions=4), ball(3, (0, 0, 60.0), subdivisions=4))
    middle = geometry.class_HW[SIZE[1] // 2, SIZE[0] // 2]
    assert middle == 2
    assert set(np.unique(geometry.class_HW)) == {0, 1, 2}


def projected(point_3: np.ndarray, view: View) -> tuple[float, float, float]:
    """Column, row and planar z, written out afresh."""
    x, y, z = np.linalg.inv(view.camera_to_world)[:3] @ np.append(point_3, 1)
    return K[0, 0] * x / z + SIZE[0] / 2, K[0, 0] * y / z + SIZE[1] / 2, z


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_every_jaw_ends_where_its_tip_is_said_to_be(kind: str, angle: float) -> None:
    instrument = make_instrument(kind, radius=2.5, jaw_angle=angle)
    visible = []
    for turn in np.linspace(0, np.pi, 5):
        pose = np.eye(4)
        c, s = np.cos(turn), np.sin(turn)
        across = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        pose[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0.0]]) @ across  # the shaft lies along the picture
        pose[:3, 3] = (3, 0, 36)
        tool = Tool(instrument, pose)
        geometry = seen(ball(40, (0, 0, 130), subdivisions=4), tools=(tool,))
        assert len(tool.ends_E3) == (2 if instrument.hinged else 1)
        for end_3 in tool.ends_E3:
            column, row, z = projected(end_3, geometry.scene.view)
            about = np.s_[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2]
            metal = geometry.class_HW[about] == 6
            assert metal.any()
            # Nothing but the other jaw, or a hook's own wire, may hide it.
            assert geometry.depth_HW[about][metal].min() < z + 1.0
            visible.append(bool(np.abs(geometry.depth_HW[about][metal] - z).min() < 2.5))
    assert np.mean(visible) >= 0.5


def test_tips_of_instruments_show_where_poses_put_them_in_simulated_frames(tmp_path: Path) -> None:
    """Read back from the files alone: it is seen at its place, or something lies before it."""
    settings = SimulationSettings(12, 2, size=(320, 180), seed=7, processes=1)
    shown = hidden = 0
    for folder in map(Path, result_of(simulate(tmp_path, settings))["scenes"]):
        for entry in json.loads((folder / "frames.json").read_text()):
            ids = read_grey_levels(folder / "seg" / f"{entry['frame']}.png")
            depth = np.asarray(Image.open(folder / "depth" / f"{entry['frame']}.png")) * 0.01
            to_camera = np.linalg.inv(np.array(entry["camera_to_world"]))
            for tip in (t for tool in entry["tools"] for t in tool["tips"]):
                x, y, z = np.array(entry["K"]) @ (to_camera[:3] @ np.append(tip, 1))
                if z <= 0 or not (2 <= x / z < 318 and 2 <= y / z < 178):
                    continue
                if z / entry["K"][0][0] > 0.5:  # mm a pixel: a jaw's very end may pass between the pixels' centres
                    continue
                about = np.s_[int(y / z) - 1 : int(y / z) + 2, int(x / z) - 1 : int(x / z) + 2]
                shown += (seen_here := bool((np.abs(depth[about] - z)[ids[about] == 6] < 4).any()))
                hidden += not seen_here
                assert seen_here or (depth[about] < z).any()
    assert shown > 2 * hidden > 0
