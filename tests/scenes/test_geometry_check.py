"""The geometry check on a sphere and planes in closed form: every flip, ray and planar depth, units."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from studio.scenes import geometry_check
from studio.scenes.geometry_check import Said, depth_kind, examine, normals_angle
from studio.scenes.mapping import SceneMapping
from studio.vocabulary.frames import Layers

WIDTH, HEIGHT, FOCAL = 160, 120, 140.0
K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
X, Y = np.meshgrid((np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL, (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / FOCAL)
RAYS_HW3 = np.stack([X, Y, np.ones_like(X)], axis=2)
LENGTHS_HW = np.sqrt((RAYS_HW3**2).sum(axis=2))
EMPTY_HW3 = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
FLIPS = ["".join(axes) for n in range(1, 4) for axes in itertools.combinations("xyz", n)]


def plane(normal: tuple[float, float, float], distance: float = 120.0) -> Layers:
    """The plane n . p = -distance: z = distance / -(n . ray)."""
    n = np.array(normal) / np.linalg.norm(normal)
    depth = distance / -(RAYS_HW3 @ n)
    assert (depth > 0).all()
    return Layers(EMPTY_HW3, None, depth.astype(np.float32), np.broadcast_to(n, RAYS_HW3.shape).astype(np.float32), K)


def sphere(centre: tuple[float, float, float] = (12.0, -8.0, 130.0), radius: float = 70.0) -> Layers:
    """|t ray - c| = r, the nearer crossing; nothing behind it."""
    c = np.array(centre)
    a, b = (RAYS_HW3**2).sum(axis=2), RAYS_HW3 @ c
    inside = b * b - a * (c @ c - radius**2)
    depth = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, 0)
    normals = np.where(inside[..., None] > 0, (depth[..., None] * RAYS_HW3 - c) / radius, 0)
    return Layers(EMPTY_HW3, None, depth.astype(np.float32), normals.astype(np.float32), K)


SCENES = {"sphere": sphere(), "wall": plane((0.35, 0.25, -1)), "floor": plane((0, -0.8, -0.6))}


def along_ray(layers: Layers) -> Layers:
    """As it is read when a file holds distances along the ray and is taken to hold z."""
    return replace(layers, depth_HW=(layers.depth_HW * LENGTHS_HW).astype(np.float32))


@pytest.mark.parametrize("name", ["sphere", "wall", "floor"])
def test_right_conventions_raise_nothing(name: str) -> None:
    report = examine([SCENES[name]])
    assert report.faults == ()
    assert "normals and depth agree" in report.found


def test_the_normals_of_a_plane_follow_from_its_depth() -> None:
    found_HW3 = geometry_check.normals_from_depth(SCENES["wall"].depth_HW, K)
    n = np.array([0.35, 0.25, -1]) / np.linalg.norm([0.35, 0.25, -1])
    np.testing.assert_allclose(found_HW3[1:-1, 1:-1], np.broadcast_to(n, (HEIGHT - 2, WIDTH - 2, 3)), atol=1e-3)
    assert not found_HW3[0].any()


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("name", ["sphere", "wall"])
def test_every_flip_of_the_normals_is_proposed(name: str, flip: str) -> None:
    scene = SCENES[name]
    signs = np.array([-1 if axis in flip else 1 for axis in "xyz"], np.float32)
    wrong = replace(scene, normals_HW3=scene.normals_HW3 * signs)
    report = examine([wrong])
    assert [fault.entry for fault in report.faults] == [f'normals_flip = "{flip}"']
    # The entry as it is shown is one that a mapping takes, and the normals are only proposed to be changed.
    assert SceneMapping.from_toml(report.faults[0].entry.join(["geometry = {", "}"])).geometry.normals_flip == flip
    np.testing.assert_array_equal(wrong.normals_HW3, scene.normals_HW3 * signs)


@pytest.mark.parametrize("name", ["sphere", "wall"])
@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
def test_depth_in_steps_is_no_fault_and_hides_none(name: str, step: float) -> None:
    """A millimetre at 100 mm tilts the surface between two pixels by half a right angle."""
    stepped_HW = (np.rint(SCENES[name].depth_HW / step) * step).astype(np.float32)
    right = replace(SCENES[name], depth_HW=stepped_HW)
    assert examine([right]).faults == ()
    assert "agree" in examine([right]).found
    flipped = replace(right, normals_HW3=right.normals_HW3 * np.array([1, -1, -1], np.float32))
    assert [fault.entry for fault in examine([flipped]).faults] == ['normals_flip = "yz"']


def test_normals_of_another_scene_have_no_flip_that_mends_them() -> None:
    wrong = replace(SCENES["wall"], normals_HW3=np.roll(SCENES["sphere"].normals_HW3, 70, axis=1)[..., [2, 0, 1]])
    report = examine([wrong])
    assert [fault.entry for fault in report.faults] == [""]
    assert "leave_out" in report.remedy


@pytest.mark.parametrize("name", ["sphere", "wall", "floor"])
def test_distance_along_the_ray_is_found_with_normals(name: str) -> None:
    report = examine([along_ray(SCENES[name])])
    assert [fault.entry for fault in report.faults] == ['depth_kind = "ray"']


@pytest.mark.parametrize("name", ["wall", "floor"])
@pytest.mark.parametrize("stored", ["planar", "ray"])
@pytest.mark.parametrize("taken", ["planar", "ray"])
def test_the_plane_test_tells_the_kind_without_normals(name: str, stored: str, taken: str) -> None:
    z_HW = SCENES[name].depth_HW
    stored_HW = z_HW * LENGTHS_HW if stored == "ray" else z_HW
    taken_HW = stored_HW / LENGTHS_HW if taken == "ray" else stored_HW
    frame = Layers(EMPTY_HW3, None, taken_HW.astype(np.float32), None, K)
    assert depth_kind([frame], taken) == stored  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0.01, 0.05])
def test_the_plane_test_stands_depth_in_steps(step: float) -> None:
    z_HW = (np.rint(SCENES["floor"].depth_HW * LENGTHS_HW / step) * step).astype(np.float32)
    assert depth_kind([Layers(EMPTY_HW3, None, z_HW, None, K)], "planar") == "ray"


def test_a_sphere_without_normals_tells_nothing() -> None:
    for scene in (sphere(), along_ray(sphere())):
        assert depth_kind([replace(scene, normals_HW3=None)], "planar") is None


@pytest.mark.parametrize("radius", [80.0, 100.0, 120.0, 150.0])
@pytest.mark.parametrize("step", [0.05, 0.1, 0.5, 1.0])
def test_a_dome_in_coarse_steps_is_not_taken_for_a_plane(radius: float, step: float) -> None:
    """Divided by the rays' lengths, a dome about as far away as its radius is nearly flat."""
    z_HW = sphere((0, 0, 100 + radius), radius).depth_HW
    stepped_HW = (np.rint(z_HW / step) * step).astype(np.float32)
    assert depth_kind([Layers(EMPTY_HW3, None, stepped_HW, None, K)], "planar") is None


def test_both_at_once_are_found() -> None:
    scene = along_ray(SCENES["sphere"])
    flipped = replace(scene, normals_HW3=scene.normals_HW3 * np.array([1, -1, -1], np.float32))
    report = examine([flipped])
    assert {fault.entry for fault in report.faults} == {'depth_kind = "ray"', 'normals_flip = "yz"'}
    assert 'geometry = {depth_kind = "ray", normals_flip = "yz"}' in report.remedy


@pytest.mark.parametrize(("factor", "entry"), [(0.001, "scale = 1000"), (0.1, "scale = 10"), (1000.0, "scale = 0.001")])
def test_other_units_are_proposed(factor: float, entry: str) -> None:
    scene = SCENES["sphere"]
    report = examine([replace(scene, depth_HW=scene.depth_HW * np.float32(factor))])
    assert [fault.entry for fault in report.faults] == [entry]


def test_what_is_settled_is_not_questioned() -> None:
    scene = along_ray(SCENES["sphere"])
    wrong = replace(scene, depth_HW=scene.depth_HW / 1000, normals_HW3=-scene.normals_HW3)
    assert len(examine([wrong]).faults) == 3
    assert examine([wrong], Said(flipped="none", kind_settled=True, scale_settled=True)).faults == ()


def test_a_flip_that_is_wrong_is_proposed_anew_from_what_is_stored() -> None:
    """Stored right and flipped in x and z: they should be left. Stored with y and z turned, flipped in z: both."""
    right = SCENES["wall"]

    def proposed(stored: str, flipped: str) -> str:
        signs = [-1 if (axis in stored) != (axis in flipped) else 1 for axis in "xyz"]
        seen = replace(right, normals_HW3=right.normals_HW3 * np.array(signs, np.float32))
        (fault,) = examine([seen], Said(flipped=flipped)).faults
        return fault.entry

    assert proposed("", "xz") == 'normals_flip = "none"'
    assert proposed("yz", "z") == 'normals_flip = "yz"'


def test_without_intrinsics_only_the_unit_is_judged() -> None:
    report = examine([replace(SCENES["sphere"], K=None, normals_HW3=-SCENES["sphere"].normals_HW3)])
    assert report.faults == ()
    assert "no intrinsics" in report.found


def test_an_empty_depth_is_a_fault() -> None:
    nothing = replace(SCENES["sphere"], depth_HW=np.zeros((HEIGHT, WIDTH), np.float32))
    assert "0 everywhere" in examine([nothing]).faults[0].what


def test_the_angle_is_the_median_over_all_frames() -> None:
    """Two thirds of the pixels right, one third turned by 90 degrees: the median is that of the right ones."""
    right, wrong = SCENES["wall"], SCENES["wall"]
    across = np.cross(wrong.normals_HW3[0, 0], [1, 0, 0])
    wrong = replace(wrong, normals_HW3=np.broadcast_to(across, wrong.normals_HW3.shape).astype(np.float32))
    angle = normals_angle([right, right, wrong])
    assert angle is not None
    assert angle < 0.2


# -- what only a part of the picture shows, and what must raise no alarm


def before(near: Layers, far: Layers) -> Layers:
    """The nearer surface of two, pixel by pixel."""
    assert near.depth_HW is not None
    assert far.depth_HW is not None
    in_front = (near.depth_HW > 0) & (near.depth_HW < far.depth_HW)
    return replace(far, depth_HW=np.where(in_front, near.depth_HW, far.depth_HW),
                   normals_HW3=np.where(in_front[..., None], near.normals_HW3, far.normals_HW3))  # fmt: skip


@pytest.mark.parametrize("flip", FLIPS)
def test_an_axis_that_a_small_ball_alone_shows_is_proposed_too(flip: str) -> None:
    """The floor, nine tenths of the picture, has no x: by the median of all pixels, x could be either way."""
    scene = before(sphere((8.0, 5.0, 70.0), 14.0), plane((0, -0.5, -1)))
    signs = np.array([-1 if axis in flip else 1 for axis in "xyz"], np.float32)
    assert examine([scene]).faults == ()
    (fault,) = examine([replace(scene, normals_HW3=scene.normals_HW3 * signs)]).faults
    assert fault.entry == f'normals_flip = "{flip}"'


QUALITIES = {
    "8-bit normals": (0.0, 0.0, 255),
    "depth in mm": (1.0, 0.0, 0),
    "depth in mm, 8-bit normals": (1.0, 0.0, 255),
    "noisy depth": (0.0, 0.003, 0),
}
"""Step of the depth in mm, its noise by itself, and steps of the normals."""


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", ["sphere", "wall", "floor", "frontal", "ball on the floor"])
@pytest.mark.parametrize("holes", [False, True])
def test_right_data_of_poor_quality_raises_no_alarm(name: str, quality: str, holes: bool) -> None:
    """Rounded, noisy, and with a tenth of the depth missing; "floor" has rows without a step, which look exact."""
    scenes = SCENES | {
        "frontal": plane((0, 0, -1)), "ball on the floor": before(sphere((8.0, 5.0, 70.0), 14.0), plane((0, -0.5, -1))),
    }  # fmt: skip
    step, noise, levels = QUALITIES[quality]
    scene, random = scenes[name], np.random.default_rng(3)
    z_HW, n_HW3 = scene.depth_HW.astype(np.float64), scene.normals_HW3
    z_HW = z_HW * (1 + noise * random.normal(size=z_HW.shape))
    z_HW = np.rint(z_HW / step) * step if step else z_HW
    if holes:
        z_HW[random.random(z_HW.shape) < 0.1] = 0
    if levels:
        n_HW3 = np.rint((n_HW3 + 1) / 2 * levels) / levels * 2 - 1
        n_HW3 = n_HW3 / np.linalg.norm(n_HW3, axis=2, keepdims=True)
    seen = replace(scene, depth_HW=z_HW.astype(np.float32), normals_HW3=n_HW3.astype(np.float32))
    assert examine([seen]).faults == ()


def test_a_floor_in_whole_millimetres_through_a_long_lens_raises_no_alarm() -> None:
    """Its rows hold one depth each, so that only columns show the rounding."""
    K_long = np.array([[900.0, 0, 226], [0, 900, 128], [0, 0, 1]])
    y_H1 = ((np.arange(256) + 0.5 - 128) / 900)[:, None]
    n = np.array([0, -0.8, -0.6])
    z_HW = np.rint(np.broadcast_to(80 / (0.8 * y_H1 + 0.6), (256, 452))).astype(np.float32)
    normals_HW3 = np.broadcast_to(n, (256, 452, 3)).astype(np.float32)
    assert examine([Layers(np.zeros((256, 452, 3), np.uint8), None, z_HW, normals_HW3, K_long)]).faults == ()


# -- normals in the world's axes

TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
"""Camera to world, a rotation in round numbers."""


@pytest.mark.parametrize("stored", ["", "yz", "x"])
def test_normals_in_the_worlds_axes_are_proposed_and_then_right(stored: str) -> None:
    from studio.scenes.corrections import as_encoding, corrected

    scene, pose = SCENES["sphere"], np.eye(4)
    pose[:3, :3] = TURN
    signs = np.array([-1 if axis in stored else 1 for axis in "xyz"], np.float32)
    world_HW3 = (scene.normals_HW3.astype(np.float64) @ TURN.T * signs).astype(np.float32)
    seen = replace(scene, normals_HW3=world_HW3, camera_to_world=pose)
    (fault,) = examine([seen]).faults
    assert fault.entry == f'normals_space = "world", normals_flip = "{stored or "none"}"'
    geometry = SceneMapping.from_toml(f"geometry = {{{fault.entry}}}").geometry
    mended = corrected(seen, as_encoding(geometry))
    np.testing.assert_allclose(mended.normals_HW3, scene.normals_HW3, atol=1e-6)
    assert examine([mended], Said.by(as_encoding(geometry))).faults == ()


def test_the_worlds_axes_are_not_proposed_where_poses_are_unknown() -> None:
    scene = SCENES["sphere"]
    wrong = replace(scene, normals_HW3=(scene.normals_HW3.astype(np.float64) @ TURN.T).astype(np.float32))
    assert [fault.entry for fault in examine([wrong]).faults] == [""]
