"""Optical flow against closed formulas: bodies of known shape under known motion of camera, tool and tissue."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import trimesh

from studio.scenes.simulator.anatomy import Anatomy, Part
from studio.scenes.simulator.breathing import Breathing
from studio.scenes.simulator.buffers import Body, Scene, faces_in_view
from studio.scenes.simulator.fields import Mesh, with_normals
from studio.scenes.simulator.flow import flow_at, flow_between, sight_of
from studio.scenes.simulator.frames import Geometry, see
from studio.scenes.simulator.instruments import Instrument, make_instrument
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.sequences import SequenceSource, geometry_of_frame
from studio.scenes.simulator.views import Tool, View, intrinsics, looking

SIZE = (160, 90)
K = intrinsics(SIZE, 1.0)
ROWS, COLUMNS = np.mgrid[: SIZE[1], : SIZE[0]]
CENTRES_HW2 = np.dstack([COLUMNS + 0.5, ROWS + 0.5])
RAYS_HW3 = np.dstack([(COLUMNS + 0.5 - K[0, 2]) / K[0, 0], (ROWS + 0.5 - K[1, 2]) / K[1, 1], np.ones(ROWS.shape)])


def body_of(*meshes: Mesh) -> Body:
    parts = tuple(Part(f"part {i}", i + 1, m) for i, m in enumerate(meshes))
    return Body(Anatomy("test", parts, np.zeros(3), np.zeros((1, 3)), np.zeros(3)))


def projected(points_HW3: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Pixels of body points, by the pinhole's formula; float64 (H, W, 2)."""
    camera = (points_HW3 - pose[:3, 3]) @ pose[:3, :3]
    return np.dstack([K[i, i] * camera[..., i] / camera[..., 2] + K[i, 2] for i in (0, 1)])


def plane(offset: float, normal: tuple[float, float, float] = (0.2, -0.3, -0.93)) -> Mesh:
    n = np.array(normal) / np.linalg.norm(normal)
    side = np.cross(n, (1.0, 0, 0))
    side /= np.linalg.norm(side)
    other = np.cross(n, side)
    corners = [n * offset + 400 * (a * side + b * other) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return with_normals(np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def cylinder_points(radius: float, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (H, W, 3) where pixels' rays first meet the endless cylinder about y, and where they surely do."""
    d, o = RAYS_HW3 @ pose[:3, :3].T, pose[:3, 3]
    a, b = d[..., 0] ** 2 + d[..., 2] ** 2, d[..., 0] * o[0] + d[..., 2] * o[2]
    root = b * b - a * (o[0] ** 2 + o[2] ** 2 - radius**2)
    facing = root > 0.05 * a * radius**2
    return o + d * ((-b - np.sqrt(np.where(facing, root, 0))) / a)[..., None], facing


def cylinder(radius: float, sections: int = 8192) -> Mesh:
    turn = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    ring = np.stack([radius * np.cos(turn), np.zeros_like(turn), radius * np.sin(turn)], 1)
    up = np.array([0.0, 500.0, 0.0])
    i, j = np.arange(sections), np.roll(np.arange(sections), -1)
    faces = np.concatenate([np.stack([i, i + sections, j], 1), np.stack([j, i + sections, j + sections], 1)])
    return with_normals(np.concatenate([ring - up, ring + up]).astype(np.float32), faces.astype(np.int32))


def ball(radius: float, subdivisions: int = 7) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    vertices = sphere.vertices.astype(np.float32)
    return Mesh(vertices, sphere.faces.astype(np.int32), (sphere.vertices / radius).astype(np.float32))


NOW = looking(np.array([30.0, -40.0, 70.0]), np.zeros(3), roll=0.3)
NEXT = looking(np.array([31.5, -39.0, 68.8]), np.array([1.0, -0.5, 0.4]), roll=0.27)


def test_a_still_scene_has_no_flow() -> None:
    body = body_of(ball(25.0, 5))
    flow = flow_between(see(Scene(body, View(SIZE, K, NOW))), Scene(body, View(SIZE, K, NOW)))
    seen = ~np.isnan(flow).any(axis=2)
    assert seen.mean() > 0.1
    assert np.abs(flow[seen]).max() < 1e-4


def test_plane_flows_by_its_homography() -> None:
    n, offset = np.array([0.2, -0.3, -0.93]) / np.linalg.norm([0.2, -0.3, -0.93]), -60.0
    turn, shift = looking(np.zeros(3), np.array([0.05, 0.03, 1.0]), roll=0.04)[:3, :3], np.array([1.5, -0.8, 2.0])
    start = np.eye(4)
    after = np.eye(4)
    after[:3, :3], after[:3, 3] = turn, shift
    body = body_of(plane(offset))
    flow = flow_between(see(Scene(body, View(SIZE, K, start))), Scene(body, View(SIZE, K, after)))
    # x' ~ K R^T (I - t n^T / d) K^-1 x, for points with n . X = d.
    homography = K @ turn.T @ (np.eye(3) - np.outer(shift, n) / offset) @ np.linalg.inv(K)
    there = np.dstack([CENTRES_HW2, np.ones(ROWS.shape)]) @ homography.T
    expected = there[..., :2] / there[..., 2:] - CENTRES_HW2
    landed = CENTRES_HW2 + expected
    inside = (landed >= 0).all(axis=2) & (landed[..., 0] < SIZE[0]) & (landed[..., 1] < SIZE[1])
    seen = ~np.isnan(flow).any(axis=2)
    assert 0.5 < inside.mean() < 1
    assert (seen == inside)[1:-1, 1:-1].all()
    assert np.abs(flow - expected)[seen].max() < 1e-3
    assert np.abs(expected[inside]).max() > 3


def test_sphere_flows_by_the_camera() -> None:
    radius, o = 25.0, NOW[:3, 3]
    body = body_of(ball(radius))
    flow = flow_between(see(Scene(body, View(SIZE, K, NOW))), Scene(body, View(SIZE, K, NEXT)))
    d = RAYS_HW3 @ NOW[:3, :3].T
    a, b = (d * d).sum(-1), d @ o
    root = b * b - a * (o @ o - radius**2)
    facing = root > 0.1 * a * radius**2
    points = o + d * ((-b - np.sqrt(np.where(facing, root, 0))) / a)[..., None]
    expected = projected(points, NEXT) - CENTRES_HW2
    assert facing.mean() > 0.1
    assert np.abs(flow - expected)[facing].max() < 1e-3


def test_cylinder_flows_by_the_camera_and_hides_its_far_side() -> None:
    body = body_of(cylinder(20.0))
    flow = flow_between(see(Scene(body, View(SIZE, K, NOW))), Scene(body, View(SIZE, K, NEXT)))
    points, facing = cylinder_points(20.0, NOW)
    landed = projected(points, NEXT)
    inside = facing & (landed > 0).all(axis=2) & (landed < SIZE).all(axis=2)
    assert np.abs(flow - (landed - CENTRES_HW2))[inside].max() < 1e-3
    # From the other side nothing of it is seen again.
    behind = looking(-NOW[:3, 3], np.zeros(3))
    flow = flow_between(see(Scene(body, View(SIZE, K, NOW))), Scene(body, View(SIZE, K, behind)))
    assert np.isnan(flow[facing]).all()


def tool_pose(angle: float, x: float, depth: float) -> np.ndarray:
    """Coming in from the right at ``depth`` mm before the origin, turned by ``angle`` about the view's axis."""
    c, s = np.cos(angle), np.sin(angle)
    pose = np.eye(4)
    pose[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[0, 0, -1.0], [1, 0, 0], [0, -1, 0]])
    pose[:3, 3] = (x, 4.0, depth)
    return pose


def test_a_rigid_tools_pixels_move_as_its_pose_and_its_tip_follows_the_projection() -> None:
    wall = body_of(plane(-300.0, (0.0, 0.0, -1.0)))
    here, there = tool_pose(0.0, -6.0, 70.0), tool_pose(0.06, -4.5, 68.0)
    suction = make_instrument("suction", radius=4.0)
    now, after = (Scene(wall, View(SIZE, K, np.eye(4), (Tool(suction, p),))) for p in (here, there))
    geometry = see(now)
    flow = flow_between(geometry, after)
    points = RAYS_HW3 * geometry.depth_HW[..., None].astype(float)
    expected = projected((points - here[:3, 3]) @ here[:3, :3] @ there[:3, :3].T + there[:3, 3], np.eye(4))
    seen = np.isin(geometry.class_HW, (6, 7)) & ~np.isnan(flow).any(axis=2)
    assert seen.sum() > 500
    assert np.abs(flow - (expected - CENTRES_HW2))[seen].max() < 1e-3
    # Beside the tool nothing moves, but what the tool comes to cover has no flow.
    rest = geometry.class_HW == 1
    still = rest & ~np.isnan(flow).any(axis=2)
    assert np.abs(flow[still]).max() < 1e-3
    covered = rest & np.isin(see(after).class_HW, (6, 7))
    assert covered.sum() > 20
    assert np.isnan(flow[covered]).all()
    # The pixel in which the tip's front face lies moves as the tip itself does.
    tip = [K[i, i] * here[i, 3] / here[2, 3] + K[i, 2] for i in (0, 1)]
    tip_after = [K[i, i] * there[i, 3] / there[2, 3] + K[i, 2] for i in (0, 1)]
    column, row = int(tip[0]) + 3, int(tip[1])
    assert geometry.class_HW[row, column] == 6
    assert np.abs(flow[row, column] - np.subtract(tip_after, tip)).max() < 0.6


def test_opening_jaws_move_about_their_hinge() -> None:
    """Jaw pixels turn by half the change of the jaws' angle about the x axis at the hinge, 19 mm behind the tip."""
    wall = body_of(plane(-300.0, (0.0, 0.0, -1.0)))
    # The shaft points right, the jaws open upwards and downwards in the picture.
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])
    pose[:3, 3] = (8.0, 0.0, 60.0)
    grasper = make_instrument("grasper", radius=4.0, jaw_angle=0.5)
    now, after = (Scene(wall, View(SIZE, K, np.eye(4), (Tool(grasper.opened(a), pose),))) for a in (0.5, 0.6))
    geometry = see(now)
    flow = flow_between(geometry, after)
    points = RAYS_HW3 * geometry.depth_HW[..., None].astype(float)
    hinge = np.array([8.0 - 19.0, 0.0, 60.0])
    jaws = (geometry.class_HW == 6) & (points[..., 0] > hinge[0] + 6) & ~np.isnan(flow).any(axis=2)
    assert (jaws & (points[..., 1] > 0)).sum() > 30 and (jaws & (points[..., 1] < 0)).sum() > 30
    # In the picture's plane: the upper jaw (y < 0) turns one way, the lower the other, by 0.05 each.
    side = np.sign(points[..., 1]) * 0.05
    x, y = points[..., 0] - hinge[0], points[..., 1]
    turned = np.dstack(
        [hinge[0] + np.cos(side) * x - np.sin(side) * y, np.sin(side) * x + np.cos(side) * y, points[..., 2]]
    )
    expected = projected(turned, np.eye(4)) - CENTRES_HW2
    assert np.abs(flow - expected)[jaws].max() < 1e-3
    assert np.abs(expected[jaws]).max() > 1


def test_breathing_tissue_moves_by_its_displacement() -> None:
    breathing = Breathing(15.0, 0.0, footwards=9.0, frontwards=3.0, sidewards=1.5)
    rest = body_of(ball(25.0))
    view = View(SIZE, K, NOW)
    moving = breathing.moving(rest)
    geometry = see(Scene(moving.at(0.3, view), view))
    flow = flow_between(geometry, Scene(moving.at(0.42, view), view))
    seen = ~np.isnan(flow).any(axis=2)
    points = NOW[:3, 3] + RAYS_HW3 * geometry.depth_HW[..., None] @ NOW[:3, :3].T
    x, y, z = np.moveaxis(points, -1, 0)
    # Each axis by itself: x is stretched; for y and z the place at rest is found by bisection.
    x_rest = x / (1 + 0.3 * 1.5 / 170)
    y_rest = solved(lambda v: v - 0.3 * 9.0 * smooth_step(v, -70, 130), y)
    z_rest = solved(lambda v: v + 0.3 * 3.0 * smooth_step(v, -50, 110), z)
    later = np.dstack(
        [
            x_rest * (1 + 0.42 * 1.5 / 170),
            y_rest - 0.42 * 9.0 * smooth_step(y_rest, -70, 130),
            z_rest + 0.42 * 3.0 * smooth_step(z_rest, -50, 110),
        ]
    )
    expected = projected(later, NOW) - CENTRES_HW2
    assert seen.sum() > 500
    assert np.abs(expected[seen]).max() > 0.4
    assert np.abs(flow - expected)[seen].max() < 1e-3


def smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    s = np.clip((values - low) / (high - low), 0, 1)
    return s * s * (3 - 2 * s)


def solved(of: object, wanted: np.ndarray) -> np.ndarray:
    """Where an increasing function has these values, within 1e-12, by bisection."""
    assert callable(of)
    low, high = wanted - 20, wanted + 20
    for _ in range(60):
        middle = (low + high) / 2
        below = of(middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_breathing_turns_normals_with_the_surface(share: float) -> None:
    """Deformed vertex normals against those of the deformed triangles themselves."""
    breathing = Breathing(15.0, 0.0, footwards=11.0, frontwards=4.5, sidewards=2.0)
    deformed = breathing.deformed(body_of(ball(60.0, 6)), share)
    recomputed = with_normals(deformed.vertices_V3, deformed.faces_F3).normals_V3
    cosine = (deformed.normals_V3 * recomputed).sum(axis=1)
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 0.1


@pytest.fixture(scope="module")
def breathing_sequence() -> list[Geometry]:
    """Frames of a procedural patient that breathes, with instruments, half a second apart."""
    source = SequenceSource(PatientSource(1, 0), SIZE, 100, True)
    return [geometry_of_frame(source, index) for index in (20, 33, 46)]


def test_what_a_picture_shows_answers_as_rays_do(breathing_sequence: list[Geometry]) -> None:
    """Flow with and without the short cut of the other picture, over large and small motions: the same bytes."""
    assert len(breathing_sequence[0].scene.view.tools) > 0
    for geometry in breathing_sequence:
        for other in breathing_sequence:
            by_rays = flow_between(geometry, other.scene)
            assert np.array_equal(by_rays, flow_between(geometry, sight_of(other)), equal_nan=True)
            hidden = np.isnan(by_rays).any(axis=2)
            assert other is geometry or 0.005 < hidden.mean() < 0.9


def test_a_plate_hides_what_lies_hardly_behind_it_up_to_its_edge() -> None:
    """A thin plate slides over a wall at a distance a little above what counts as hiding: by pictures as by rays."""
    wall = body_of(plane(-100.0, (0.0, 0.0, -1.0)))
    corners = np.array([[-14.1, -9.3, 0], [13.7, -8.8, 0], [14.2, 9.1, 0], [-13.9, 8.7, 0]], np.float32)
    plate = with_normals(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    tool = Instrument("plate", plate, plate, 20.0, 0.0)
    poses = [np.eye(4), np.eye(4)]
    poses[0][:3, 3], poses[1][:3, 3] = (-3.0, 0.0, 99.95), (4.3, 1.1, 99.95)
    now, after = (see(Scene(wall, View(SIZE, K, np.eye(4), (Tool(tool, p),)))) for p in poses)
    by_rays = flow_between(now, after.scene)
    assert np.array_equal(by_rays, flow_between(now, sight_of(after)), equal_nan=True)
    hidden = (now.class_HW == 1) & np.isnan(by_rays).any(axis=2)
    covered = (now.class_HW == 1) & (after.class_HW != 1)
    assert covered.sum() > 300 and (hidden & covered)[1:-1, 1:-1].sum() > 0.9 * covered[1:-1, 1:-1].sum()
    # The camera moves by parts of a pixel, so that points lie between pixels on the plate and beside it.
    for step in np.linspace(0.02, 0.62, 8):
        pose = np.eye(4)
        pose[:2, 3] = step, 0.7 * step
        other = see(Scene(wall, View(SIZE, K, pose, (Tool(tool, poses[1]),))))
        assert np.array_equal(flow_between(now, other.scene), flow_between(now, sight_of(other)), equal_nan=True)


def test_normals_of_a_breathing_body_are_those_of_its_surface() -> None:
    """A ball that breathing deforms: normals of its level sets, the place at rest found by bisection."""
    breathing, share = Breathing(15.0, 0.0, footwards=11.0, frontwards=4.5, sidewards=2.0), 0.8
    moving, view = breathing.moving(body_of(ball(25.0))), View(SIZE, K, NOW)
    geometry = see(Scene(moving.at(share, view), view))
    met = geometry.class_HW == 1
    x, y, z = (NOW[:3, 3] + RAYS_HW3[met] * geometry.depth_HW[met][:, None] @ NOW[:3, :3].T).T

    def deformed(rest: np.ndarray) -> np.ndarray:
        return np.stack([rest[0] * (1 + share * 2.0 / 170), rest[1] - share * 11.0 * smooth_step(rest[1], -70, 130),
                         rest[2] + share * 4.5 * smooth_step(rest[2], -50, 110)])  # fmt: skip

    rest = np.stack([solved(lambda v, i=i: deformed(np.stack([v] * 3))[i], p) for i, p in enumerate((x, y, z))])
    slopes = (deformed(rest + 1e-4) - deformed(rest - 1e-4)) / 2e-4
    normals = (rest / slopes).T
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True) @ NOW[:3, :3]
    facing = np.abs((normals * RAYS_HW3[met]).sum(axis=1)) > 0.1 * np.linalg.norm(RAYS_HW3[met], axis=1)
    apart = np.linalg.norm(np.cross(normals, geometry.normal_HW3[met]), axis=1)[facing]
    assert np.rad2deg(np.arcsin(apart)).max() < 0.1
    # Were normals left as they are at rest, they would be far off.
    assert np.rad2deg(np.arcsin(np.linalg.norm(np.cross(normals, (rest / 25).T @ NOW[:3, :3]), axis=1))).max() > 0.5


def test_a_body_built_for_its_view_shows_what_the_whole_body_shows(breathing_sequence: list[Geometry]) -> None:
    geometry = breathing_sequence[1]
    body, view = geometry.scene.body, geometry.scene.view
    assert 0.1 < body.share < 1
    kept = faces_in_view(body.target.vertices_V3, body.target.corners_3F, view)
    assert 0 < kept.mean() < 0.6
    whole = copy.copy(body)
    whole.target = body.target.reshaped(body.target.vertices_V3)
    again = see(Scene(whole, view))
    assert np.array_equal(again.surface.face_N, geometry.surface.face_N)
    assert np.array_equal(again.depth_HW, geometry.depth_HW)
    assert np.array_equal(again.class_HW, geometry.class_HW)
    assert np.array_equal(again.normal_HW3, geometry.normal_HW3)


def test_only_a_moving_body_can_be_asked_to_move() -> None:
    with pytest.raises(ValueError, match="no motion"):
        body_of(ball(10.0, 3)).at(0.5, View(SIZE, K, NOW))


def test_forward_then_backward_comes_home_on_points_seen_in_both() -> None:
    """To the pixel's centre, by a ray through the very place where the forward flow leads."""
    body = body_of(ball(25.0, 5), plane(-130.0, (0.0, 0.0, -1.0)))
    suction = make_instrument("suction", radius=4.0)
    now = Scene(body, View(SIZE, K, NOW, (Tool(suction, NOW @ tool_pose(0.0, -6.0, 50.0)),)))
    after = Scene(body, View(SIZE, K, NEXT, (Tool(suction, NOW @ tool_pose(0.05, -5.0, 51.0)),)))
    flow = flow_between(see(now), after)
    seen = ~np.isnan(flow).any(axis=2)
    x, y = (CENTRES_HW2[seen] + flow[seen].astype(float)).T
    surface = after.surface_at(x.astype(np.float32), y.astype(np.float32))
    back = flow_at(after, now, surface, x.astype(np.float32).astype(float), y.astype(np.float32).astype(float))
    home = np.abs(back + flow[seen]).max(axis=1)
    # Rays within rounding of an outline may land on the other side of it.
    assert seen.sum() > 5000
    assert (home < 1e-3).mean() > 0.998
