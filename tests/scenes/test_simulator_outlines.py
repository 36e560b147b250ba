"""Outlines, labels and anti-aliasing to the pixel, against float64 rays of the tests' own and closed formulas."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from studio.scenes.simulator.anatomy import Anatomy, Part, procedural_anatomy
from studio.scenes.simulator.buffers import Body, Scene, Surface
from studio.scenes.simulator.fields import Mesh, joined, with_normals
from studio.scenes.simulator.frames import Geometry, coloured, see
from studio.scenes.simulator.instruments import make_instrument
from studio.scenes.simulator.plain import draw_plain_look, shade_plain
from studio.scenes.simulator.views import Habits, Tool, View, draw_view, intrinsics, looking
from tests.scenes.raycasting import cast, centres, distance_to_edges, projected, rays_through

SIZE = (160, 90)
K = intrinsics(SIZE, 1.0)
X, Y = centres(SIZE)
RAYS_HW3 = rays_through(K, X, Y)
EDGE_PX = 1e-4
"""Pixels whose centre an edge passes this near may fall to either side."""


def seen(*meshes: Mesh, pose: np.ndarray | None = None, tools: tuple[Tool, ...] = ()) -> Geometry:
    parts = tuple(Part(f"part {i}", i + 1, m) for i, m in enumerate(meshes))
    body = Body(Anatomy("test", parts, np.zeros(3), np.zeros((1, 3)), np.zeros(3)))
    return see(Scene(body, View(SIZE, K, np.eye(4) if pose is None else pose, tools)))


def sphere_for_a_camera_at_the_origin(radius: float, centre: np.ndarray, *, sections: int, rings: int) -> Mesh:
    """Rings about the line of sight, one of them the circle in which the sphere's outline touches it."""
    distance = float(np.linalg.norm(centre))
    touching = np.arccos(radius / distance)
    angles = np.concatenate([np.linspace(1e-4, touching, rings), [touching + 0.1]])
    axis = -centre / distance
    side = np.cross(axis, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    turn = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    around = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(axis, side)
    unit = np.cos(angles)[:, None, None] * axis + np.sin(angles)[:, None, None] * around[None]
    i = np.arange((len(angles) - 1) * sections)
    j = i - i % sections + (i + 1) % sections
    faces = np.concatenate([np.stack([i, i + sections, j], 1), np.stack([j, i + sections, j + sections], 1)])
    unit = unit.reshape(-1, 3)
    return Mesh((centre + radius * unit).astype(np.float32), faces.astype(np.int32), unit.astype(np.float32))


def test_a_sphere_is_right_in_every_pixel() -> None:
    """Depth 1e-3 mm, normals 0.1 degrees; the outline exact but where it passes within 1e-4 px of a centre."""
    radius, centre = 20.0, np.array([3.0, -5.0, 80.0])
    geometry = seen(sphere_for_a_camera_at_the_origin(radius, centre, sections=2048, rings=160))
    a, b = (RAYS_HW3**2).sum(-1), RAYS_HW3 @ centre
    root = b * b - a * (centre @ centre - radius**2)
    # Distance in px from the outline: the root by its slope, here with central differences of a thousandth of a px.
    slope = np.hypot(*(np.subtract(*(root_at(X + dx, Y + dy) for dx, dy in (step, -step))) / 2e-3
                       for step in (np.array([1e-3, 0]), np.array([0, 1e-3]))))  # fmt: skip
    sure = np.abs(root) / slope > EDGE_PX
    assert sure.sum() > X.size - 5
    assert np.array_equal(geometry.class_HW[sure] == 1, root[sure] > 0)
    facing = root > 0.05 * a * radius**2
    depth = (b - np.sqrt(np.maximum(root, 0))) / a
    assert np.abs(geometry.depth_HW - depth)[facing].max() < 1e-3
    normals = (RAYS_HW3 * depth[..., None] - centre) / radius
    assert degrees_apart(normals, geometry.normal_HW3)[facing].max() < 0.1


def root_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    d, centre = rays_through(K, x, y), np.array([3.0, -5.0, 80.0])
    return (d @ centre) ** 2 - (d**2).sum(-1) * (centre @ centre - 400.0)


def degrees_apart(a_HW3: np.ndarray, b_HW3: np.ndarray) -> np.ndarray:
    """By the sine: the cosine of small angles drowns in rounding."""
    return np.rad2deg(np.arcsin(np.clip(np.linalg.norm(np.cross(a_HW3, b_HW3), axis=-1), 0, 1)))


def test_a_cylinder_is_right_in_every_pixel() -> None:
    radius, sections = 10.0, 8192
    turn = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    ring = np.stack([np.cos(turn), np.zeros_like(turn), np.sin(turn)], 1)
    up = np.array([0.0, 500.0, 0.0])
    i, j = np.arange(sections), np.roll(np.arange(sections), -1)
    faces = np.concatenate([np.stack([i, i + sections, j], 1), np.stack([j, i + sections, j + sections], 1)])
    points = np.concatenate([radius * ring - up, radius * ring + up])
    mesh = Mesh(points.astype(np.float32), faces.astype(np.int32), np.tile(ring, (2, 1)).astype(np.float32))
    pose = looking(np.array([30.0, -40.0, 70.0]), np.zeros(3), roll=0.3)
    geometry = seen(mesh, pose=pose)
    d, o = RAYS_HW3 @ pose[:3, :3].T, pose[:3, 3]
    a, b = d[..., 0] ** 2 + d[..., 2] ** 2, d[..., 0] * o[0] + d[..., 2] * o[2]
    root = b * b - a * (o[0] ** 2 + o[2] ** 2 - radius**2)
    # Its outline: the two planes through the lens that touch it, seen as straight lines.
    distance, toward = np.hypot(o[0], o[2]), np.arctan2(o[2], o[0])
    away = np.full(X.shape, np.inf)
    for sign in (-1, 1):
        at = toward + sign * np.arccos(radius / distance)
        normal = pose[:3, :3].T @ np.array([np.cos(at), 0, np.sin(at)])
        line = np.linalg.inv(K).T @ normal
        away = np.minimum(away, np.abs(line[0] * X + line[1] * Y + line[2]) / np.hypot(line[0], line[1]))
    sure = away > EDGE_PX
    assert sure.sum() > X.size - 5
    assert np.array_equal(geometry.class_HW[sure] == 1, root[sure] > 0)
    facing = root > 0.05 * a * radius**2
    depth = (-b - np.sqrt(np.maximum(root, 0))) / a
    assert np.abs(geometry.depth_HW - depth)[facing].max() < 1e-3
    points = o + d * depth[..., None]
    normals = points * [1, 0, 1] / radius @ pose[:3, :3]
    assert degrees_apart(normals, geometry.normal_HW3)[facing].max() < 0.1


def test_a_tilted_plates_corners_and_edges_are_right_in_every_pixel() -> None:
    corners = np.array([[-22.3, -11.2, 61.7], [19.8, -14.9, 78.2], [24.1, 12.7, 90.3], [-18.0, 16.4, 73.8]])
    corners[3] = corners[0] + corners[2] - corners[1]  # a parallelogram, so that it is flat
    mesh = with_normals(corners.astype(np.float32), np.array([[0, 2, 1], [0, 3, 2]], np.int32))
    geometry = seen(mesh)
    corners = corners.astype(np.float32).astype(float)
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    depth = (normal @ corners[0]) / (RAYS_HW3 @ normal)
    points = RAYS_HW3 * depth[..., None] - corners[0]
    # Places along the two edges from the first corner: inside where both lie between 0 and 1.
    sides = np.stack([corners[1] - corners[0], corners[3] - corners[0]], axis=1)
    places = points @ np.linalg.pinv(sides).T
    inside = ((places > 0) & (places < 1)).all(axis=-1)
    outline = projected(K, corners)
    away = distance_to_edges(np.stack([X, Y], -1).reshape(-1, 2), outline, np.roll(outline, -1, axis=0))
    sure = away.reshape(X.shape) > EDGE_PX
    assert np.array_equal(geometry.class_HW[sure] == 1, inside[sure])
    assert 0.1 < inside.mean() < 0.6
    assert np.abs(geometry.depth_HW - depth)[inside].max() < 1e-3
    assert degrees_apart(normal / np.linalg.norm(normal), geometry.normal_HW3)[inside].max() < 0.1


def silhouette(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Ends (E, 2), (E, 2) in px of the edges between faces that look towards the lens and ones that look away."""
    vertices = mesh.vertices_V3.astype(float)
    solid = trimesh.Trimesh(vertices, mesh.faces_F3, process=False)
    a, b, c = (vertices[mesh.faces_F3[:, i]] for i in range(3))
    front = (np.cross(b - a, c - a) * a).sum(axis=1) < 0
    between = front[solid.face_adjacency[:, 0]] != front[solid.face_adjacency[:, 1]]
    ends = projected(K, vertices)[solid.face_adjacency_edges[between]]
    return ends[:, 0], ends[:, 1]


@pytest.mark.parametrize("shift", [0.0, 0.013, 1.7])
def test_a_polyhedrons_outline_and_depth_are_those_of_float64_rays(shift: float) -> None:
    solid = trimesh.creation.icosphere(subdivisions=3, radius=21.0)
    vertices = solid.vertices * [1.0, 0.7, 0.9] + [3.0 + shift, -5.0, 80.0]
    mesh = with_normals(vertices.astype(np.float32), solid.faces.astype(np.int32))
    geometry = seen(mesh)
    met = cast(RAYS_HW3.reshape(-1, 3), mesh.vertices_V3, mesh.faces_F3)
    wrong = np.flatnonzero((met.face_N >= 0) != (geometry.class_HW.ravel() == 1))
    points = np.stack([X.ravel(), Y.ravel()], axis=1)[wrong]
    assert len(wrong) == 0 or distance_to_edges(points, *silhouette(mesh)).max() < EDGE_PX
    both = (met.face_N >= 0) & (geometry.class_HW.ravel() == 1)
    assert both.sum() > 1000
    assert np.abs(geometry.depth_HW.ravel() - met.depth_N)[both].max() < 1e-3


def crossing_tools() -> tuple[Tool, ...]:
    """Three instruments that cross one another, the farthest in front of nothing."""
    tools = []
    for kind, tip, along in (
        ("grasper", (-8.0, 3.0, 62.0), (-0.9, 0.3, -0.35)), ("suction", (9.0, -2.0, 70.0), (0.8, 0.5, 0.3)),
        ("hook", (2.0, 8.0, 66.0), (0.2, 0.95, 0.1)),
    ):  # fmt: skip
        z = np.array(along) / np.linalg.norm(along)
        x = np.cross(z, (0.3, -0.2, 0.9))
        x /= np.linalg.norm(x)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = np.stack([x, np.cross(z, x), z], axis=1), tip
        tools.append(Tool(make_instrument(kind, radius=3.0, jaw_angle=0.4 if kind == "grasper" else 0.0), pose))
    return tuple(tools)


def test_the_nearest_instruments_labels_never_swap() -> None:
    """Tip and shaft of each instrument and a body: by float64 rays against the same meshes, all pixels but on edges."""
    tools = crossing_tools()
    ball = trimesh.creation.icosphere(subdivisions=2, radius=18.0)
    organ = with_normals((ball.vertices + np.array([0, 0, 85.0])).astype(np.float32), ball.faces.astype(np.int32))
    geometry = seen(organ, tools=tools)
    meshes = [m.moved(t.tool_to_world) for t in tools for m in (t.instrument.tip, t.instrument.shaft)]
    whole = joined([organ, *meshes])
    owner = np.repeat(np.arange(1 + len(meshes)), [len(m.faces_F3) for m in (organ, *meshes)])
    met = cast(RAYS_HW3.reshape(-1, 3), whole.vertices_V3, whole.faces_F3)
    expected = np.where(met.face_N >= 0, owner[met.face_N], -1)
    found = geometry.surface.part_N
    assert set(np.unique(found)) == {-1, 0, 1, 2, 3, 4, 5, 6}
    classes = np.array([1, 6, 7, 6, 7, 6, 7, 0], np.uint8)
    same = expected == found
    assert np.array_equal(geometry.class_HW.ravel()[same], classes[expected[same]])
    # Where the two differ, another ray within the edge's tolerance of the centre agrees with the picture.
    for pixel in np.flatnonzero(~same):
        x, y = X.ravel()[pixel] + EDGE_PX * OFFSETS[:, 0], Y.ravel()[pixel] + EDGE_PX * OFFSETS[:, 1]
        near = cast(rays_through(K, x, y), whole.vertices_V3, whole.faces_F3)
        assert found[pixel] in np.where(near.face_N >= 0, owner[near.face_N], -1)
    assert (~same).sum() < 10
    depth = np.where(np.isfinite(met.depth_N), met.depth_N, 0)
    assert np.abs(geometry.depth_HW.ravel() - depth)[same].max() < 1e-3


OFFSETS = np.stack([np.cos(np.arange(32) * np.pi / 16), np.sin(np.arange(32) * np.pi / 16)], axis=1)


def test_a_patients_layers_are_those_of_float64_rays() -> None:
    """A procedural body with instruments: part, depth and face of a spread of pixels by brute force."""
    anatomy = procedural_anatomy(1, 0)
    body = Body(anatomy)
    view = draw_view(np.random.default_rng(5), anatomy, body.target, SIZE, habits=Habits(no_tool=0.0))
    geometry = see(Scene(body, view))
    meshes = [m.moved(t.tool_to_world) for t in view.tools for m in (t.instrument.tip, t.instrument.shaft)]
    whole = joined([*(p.mesh for p in anatomy.parts), *meshes])
    owner = np.repeat(np.arange(len(anatomy.parts) + len(meshes)),
                      [len(m.faces_F3) for m in (*(p.mesh for p in anatomy.parts), *meshes)])  # fmt: skip
    pixels = np.arange(7, X.size, 61)
    pose = view.camera_to_world
    vertices = (whole.vertices_V3.astype(float) - pose[:3, 3]) @ pose[:3, :3]
    rays = rays_through(view.K, X.ravel()[pixels], Y.ravel()[pixels])
    met = cast(rays, vertices, whole.faces_F3)
    same = owner[met.face_N] == geometry.surface.part_N[pixels]
    assert same.mean() > 0.99
    assert np.abs(geometry.depth_HW.ravel()[pixels] - met.depth_N)[same].max() < 2e-3
    # Unprojected depth lies in the plane of the triangle that float64 rays meet.
    points = rays * geometry.depth_HW.ravel()[pixels, None]
    a, b, c = (vertices[whole.faces_F3[met.face_N, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    apart = ((points - a) * normal).sum(axis=1) / np.linalg.norm(normal, axis=1)
    assert np.abs(apart[same]).max() < 1e-3


@pytest.fixture(scope="module")
def patient() -> tuple[Geometry, Body]:
    anatomy = procedural_anatomy(1, 0)
    body = Body(anatomy)
    view = draw_view(np.random.default_rng(3), anatomy, body.target, (226, 128), habits=Habits(no_tool=0.0))
    return see(Scene(body, view)), body


def test_colour_is_anti_aliased_where_something_changes_and_labels_never_are(patient: tuple[Geometry, Body]) -> None:
    """Against 8 x 8 samples a pixel: edges come nearer to that than one sample does; what lies between stays as is."""
    geometry, body = patient
    height, width = geometry.class_HW.shape
    look = draw_plain_look(1, 0, body.anatomy)
    shafts = tuple(t.instrument.look for t in geometry.scene.view.tools)

    def shade(surface: Surface) -> np.ndarray:
        return shade_plain(surface, look, shafts, lit_at=80.0)

    single = shade(geometry.surface).reshape(height, width, 3)
    smoothed = coloured(geometry, shade)
    reference = np.zeros_like(single)
    x, y = centres((width, height))
    for dy in (np.arange(8) + 0.5) / 8 - 0.5:
        for dx in (np.arange(8) + 0.5) / 8 - 0.5:
            at = (x + dx).astype(np.float32), (y + dy).astype(np.float32)
            reference += shade(geometry.scene.surface_at(*at)).reshape(height, width, 3) / 64
    label_edge = borders(geometry.class_HW)
    depth = geometry.depth_HW
    clean = ~borders(geometry.surface.part_N.reshape(height, width)) & ~steps(depth, 0.5 + 0.04 * depth)
    clean &= ~steps(geometry.normal_HW3, 0.5)
    assert label_edge.sum() > 300 and clean.sum() > 5000
    assert np.array_equal(smoothed[clean], single[clean])
    before, after = (np.sqrt(((p - reference) ** 2).mean(axis=2)[label_edge].mean()) for p in (single, smoothed))
    assert after < 0.65 * before
    touched = (smoothed != single).any(axis=2)
    assert touched[label_edge].mean() > 0.9
    assert touched.mean() < 0.35
    # Labels are those of rays through the centres, also under smoothed colours: no class between two others.
    assert np.array_equal(geometry.class_HW.ravel(), geometry.scene.surface_at(x.astype("f4"), y.astype("f4")).class_N)
    assert set(np.unique(geometry.class_HW)) <= {0, *body.class_P.tolist(), 6, 7}


def plate(corners: list[tuple[float, float, float]]) -> Mesh:
    return with_normals(np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def pair_of_plates(what: str) -> tuple[Mesh, ...]:
    """Left and right of a slanting line something changes: the part alone, the depth alone, or the normal alone."""
    left, right = 70.0, 74.0 if what == "depth" else 70.0
    far = 245.0 if what == "normal" else right
    low, high = (-3.0, -90.0), (4.0, 90.0)
    one = plate([(-150, -90, left), (-150, 90, left), (*high, left), (*low, left)])
    two = plate([(*low, right), (*high, right), (150, 90, far), (150, -90, far)])
    return (one, two) if what == "label" else (joined([one, two]),)


@pytest.mark.parametrize("what", ["label", "depth", "normal"])
def test_each_kind_of_change_is_anti_aliased_by_itself(what: str) -> None:
    geometry = seen(*pair_of_plates(what))
    values = {
        "label": lambda s: s.class_N,
        "depth": lambda s: s.depth_N > 72,
        "normal": lambda s: np.abs(s.normal_N3[:, 0]) > 0.4,
    }

    def shade(surface: Surface) -> np.ndarray:
        return np.repeat(values[what](surface).astype(np.float32)[:, None], 3, axis=1)

    single = shade(geometry.surface).reshape(*geometry.class_HW.shape, 3)
    smoothed = coloured(geometry, shade)
    edge = borders(single[..., 0])
    assert 100 < edge.sum() < 400
    assert np.array_equal(smoothed[~edge], single[~edge])
    assert ((smoothed != single).any(axis=2) & edge).sum() > 0.25 * edge.sum()
    assert len(np.unique(smoothed)) > 2
    assert len(np.unique(geometry.class_HW)) == (2 if what == "label" else 1)


def borders(values_HW: np.ndarray) -> np.ndarray:
    """bool (H, W): pixels that differ from one of their four neighbours."""
    found = np.zeros(values_HW.shape, bool)
    found[1:] |= values_HW[1:] != values_HW[:-1]
    found[:-1] |= values_HW[1:] != values_HW[:-1]
    found[:, 1:] |= values_HW[:, 1:] != values_HW[:, :-1]
    found[:, :-1] |= values_HW[:, 1:] != values_HW[:, :-1]
    return found


def steps(values_HWC: np.ndarray, most: np.ndarray | float) -> np.ndarray:
    """bool (H, W): pixels that a value jumps at by more than ``most`` towards one of four neighbours."""
    values = values_HWC if values_HWC.ndim == 3 else values_HWC[..., None]
    level = np.broadcast_to(most, values.shape[:2])
    found = np.zeros(values.shape[:2], bool)
    down = np.linalg.norm(values[1:] - values[:-1], axis=2) > 0.99 * np.minimum(level[1:], level[:-1])
    right = np.linalg.norm(values[:, 1:] - values[:, :-1], axis=2) > 0.99 * np.minimum(level[:, 1:], level[:, :-1])
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= right
    found[:, :-1] |= right
    return found
