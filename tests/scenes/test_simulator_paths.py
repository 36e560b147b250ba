"""Camera paths: shafts through their trocars, smooth and free of organs; the job's files, whatever the processes."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_exr
from studio.jobs.events import Progress
from studio.jobs.stages import result_of
from studio.scenes.readers import load_layers, read_scenes
from studio.scenes.simulator import SimulationSettings, expected_seconds, frames_in, render_preview, simulate
from studio.scenes.simulator.anatomy import Anatomy, Part, procedural_anatomy
from studio.scenes.simulator.breathing import draw_breathing
from studio.scenes.simulator.buffers import Body, Scene
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.frames import see
from studio.scenes.simulator.paths import CameraPath, Curve, seconds_of
from studio.scenes.simulator.planning import plan_path
from studio.scenes.simulator.tool_planning import Moment
from studio.scenes.simulator.trocars import Laparoscope, Trocar
from studio.vocabulary.errors import InputError

SIZE = (96, 54)
FRAMES = 125


@pytest.fixture(scope="module")
def body() -> Body:
    return Body(procedural_anatomy(1, 0))


@pytest.fixture(scope="module")
def path(body: Body) -> CameraPath:
    return plan(body, FRAMES)


def plan(body: Body, frames: int) -> CameraPath:
    return plan_path(body.anatomy, [Moment(body.target)], SIZE, seed=1, patient=0, seconds=seconds_of(frames))


def line_distance(point: np.ndarray, pose: np.ndarray) -> float:
    """From a point to a shaft's axis."""
    away = point - pose[:3, 3]
    return float(np.linalg.norm(np.cross(away, pose[:3, 2])))


def test_a_shaft_passes_through_its_trocar_however_it_swings() -> None:
    trocar = Trocar.towards(np.array([10.0, -90.0, 80.0]), np.array([0.0, 20.0, -10.0]))
    for swing in ((0.0, 0.0), (0.8, -0.4), (-1.2, 0.3)):
        pose = trocar.shaft(np.array(swing), depth=70.0, turn=0.7)
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3)) and np.isclose(np.linalg.det(pose[:3, :3]), 1)
        assert line_distance(trocar.port_3, pose) < 1e-9
        assert np.isclose((pose[:3, 3] - trocar.port_3) @ pose[:3, 2], 70.0)
        held = trocar.reaching(pose[:3, 3])
        assert held is not None and np.allclose(held[0], swing) and np.isclose(held[1], 70.0)
    assert trocar.reaching(trocar.port_3 - trocar.axis_3 * 5) is None


def test_thirty_degree_optics_look_thirty_degrees_off_the_shaft_and_turn_about_it() -> None:
    laparoscope = Laparoscope(Trocar(np.zeros(3), np.array([0.0, 1.0, 0.0])), float(np.deg2rad(30)))
    swing = np.array([0.2, -0.1])
    shaft = laparoscope.trocar.shaft(swing, depth=50.0, turn=0.0)
    for turn in (0.0, 1.0, -2.0):
        camera = laparoscope.camera_to_world(swing, depth=50.0, turn=turn, roll=0.0)
        assert np.isclose(np.rad2deg(np.arccos(camera[:3, 2] @ shaft[:3, 2])), 30.0)
        assert np.isclose(laparoscope.turn_towards(swing, camera[:3, 2]), turn)


def test_a_curve_follows_straight_controls_and_keeps_their_speed() -> None:
    controls = np.arange(8)[:, None] * np.array([0.1, 0.2, 5.0, 0.0, -0.1])
    curve = Curve(controls, 0.5)
    # A cubic B-spline reproduces straight lines, one control point behind.
    for seconds in (0.0, 0.3, 1.7, 2.4):
        assert np.allclose(curve.at(seconds), (seconds / 0.5 + 1) * controls[1])
    with pytest.raises(ValueError, match="no 9"):
        curve.at(9.0)


def test_paths_are_smooth_and_stay_at_the_trocars(path: CameraPath) -> None:
    views = [path.view_of_frame(i) for i in range(-1, FRAMES + 1)]
    positions = np.array([v.position for v in views])
    step = np.diff(positions, axis=0)
    speed = np.linalg.norm(step, axis=1) * 25
    assert 3 < speed.max() < 45
    # No jerks: from one frame to the next the velocity changes by a small part of the greatest speed.
    assert np.linalg.norm(np.diff(step, axis=0), axis=1).max() * 25 < 0.15 * speed.max()
    turned = [a.camera_to_world[:3, :3].T @ b.camera_to_world[:3, :3] for a, b in itertools.pairwise(views)]
    turns = [np.arccos((np.trace(t) - 1) / 2) for t in turned]
    assert np.rad2deg(max(turns)) * 25 < 40
    assert len(path.tools) == len(views[0].tools) > 0
    for view in views:
        for tool, moving in zip(view.tools, path.tools, strict=True):
            assert line_distance(moving.trocar.port_3, tool.tool_to_world) < 1e-9
            assert 0 <= tool.instrument.jaw_angle <= 0.9


def test_paths_show_liver_and_never_the_inside_of_an_organ(body: Body, path: CameraPath) -> None:
    for index in range(0, FRAMES, 6):
        geometry = see(Scene(body, path.view_of_frame(index)))
        shares = np.bincount(geometry.class_HW.ravel(), minlength=9) / geometry.class_HW.size
        assert shares[1] > 0.02
        assert shares[0] < 0.03
        met = geometry.depth_HW > 0
        assert geometry.depth_HW[met].min() > 4
        part = geometry.surface.part_N
        organ = (part >= 0) & (part < len(body.class_P))
        organ &= ~np.isin(geometry.class_HW.ravel(), (5,))
        planes = body.target.plane_normal_F3[geometry.surface.face_N[organ]]
        assert ((planes * geometry.surface.ray_N3[organ]).sum(axis=1) > 0).mean() < 0.02


def test_a_longer_path_begins_as_a_shorter_one(body: Body, path: CameraPath) -> None:
    longer = plan(body, 3 * FRAMES)
    for index in (-1, 0, 60, FRAMES):
        short, long = path.view_of_frame(index), longer.view_of_frame(index)
        assert np.array_equal(short.camera_to_world, long.camera_to_world)
        assert len(short.tools) == len(long.tools)
        for a, b in zip(short.tools, long.tools, strict=True):
            assert np.array_equal(a.tool_to_world, b.tool_to_world)
            assert a.instrument.jaw_angle == b.instrument.jaw_angle


def test_a_body_without_room_for_a_laparoscope_is_named() -> None:
    """The port inside a block of liver: every way leads through it."""
    corners = np.array([[x, y, z] for x in (-99, 99) for y in (-99, 99) for z in (-99, 99)], np.float32)
    faces = np.array(
        [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
         [1, 5, 7], [1, 7, 3]], np.int32,
    )  # fmt: skip
    block = Mesh(corners, faces, (corners / np.linalg.norm(corners, axis=1, keepdims=True)).astype(np.float32))
    port = np.array([0.0, -60.0, 30.0])
    full = Anatomy("block", (Part("liver", 1, block),), port, np.array([[50.0, 0, 50]]), np.array([0.0, 20.0, 0.0]))
    with pytest.raises(InputError, match=r"block: no way for a laparoscope: .* lies in an organ"):
        plan_path(full, [Moment(Body(full).target)], SIZE, seed=0, patient=0, seconds=1.0)


@pytest.mark.parametrize("patient", range(6))
def test_breaths_are_as_frequent_and_deep_as_they_should_be(patient: int) -> None:
    breathing = draw_breathing(3, patient)
    seconds = np.arange(0, 60, 0.02)
    depth = np.array([breathing.inspiration(s) for s in seconds])
    peaks = (depth[1:-1] > depth[:-2]) & (depth[1:-1] >= depth[2:])
    assert 11 <= peaks.sum() <= 21
    assert depth.min() < 1e-3 and depth.max() > 0.999
    dome = breathing.displacement(np.array([[0.0, 120.0, 0.0], [0.0, -80.0, 0.0]]))
    assert 5 < -dome[0, 1] < 12
    assert dome[1, 1] == 0


def sequence(frames: int, *, processes: int = 1) -> SimulationSettings:
    return SimulationSettings(frames, 1, size=(48, 32), seed=1, processes=processes, path=True, breathing=True)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.blake2b(p.read_bytes()).hexdigest() for p in files}


def test_sequences_are_the_same_stopped_or_longer_or_on_more_processes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    result_of(simulate(one, sequence(3)))
    result_of(simulate(one, sequence(10)))
    job = simulate(two, sequence(10, processes=2))
    for event in job:
        if isinstance(event, Progress) and event.done > 0:
            break
    job.close()
    result_of(simulate(two, sequence(10, processes=2)))
    assert digest(one) == digest(two)
    scene = read_scenes(one, "frames")[0]
    assert len(scene.frames) == 10
    assert load_layers(scene, scene.frames[9]).tools
    description = json.loads((scene.root / "scene.json").read_text())
    assert description["frames_per_second"] == 25
    for direction in ("forward", "backward"):
        folder = scene.root / description["flow"][direction]
        assert len(list(folder.glob("*.exr"))) == 10
        flow = read_exr(folder / "000004.exr")
        assert flow.shape == (32, 48, 2)
        assert np.isfinite(flow).mean() > 0.8
    forward, backward = (read_exr(scene.root / f"flow_{d}" / "000004.exr") for d in ("forward", "backward"))
    # Smooth motion: what is a step ahead is about the opposite of the step behind.
    both = np.isfinite(forward) & np.isfinite(backward)
    assert np.median(np.abs(forward + backward)[both]) < 0.25 * np.median(np.abs(forward - backward)[both])


def test_single_frames_and_sequences_do_not_share_a_folder(tmp_path: Path) -> None:
    result_of(simulate(tmp_path, SimulationSettings(1, 1, size=(48, 32), seed=1, processes=1)))
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate(tmp_path, sequence(1)))


def test_a_path_is_previewed_as_it_will_be_rendered_and_costs_more_than_single_frames(tmp_path: Path) -> None:
    settings = sequence(3)
    result_of(simulate(tmp_path, settings))
    scene = read_scenes(tmp_path, "frames")[0]
    preview = render_preview(settings, size=settings.size, frame=2)
    assert np.array_equal(preview.rgb_HW3, load_layers(scene, scene.frames[2]).rgb_HW3)
    still = dataclasses.replace(settings, breathing=False)
    single = dataclasses.replace(still, path=False)
    assert expected_seconds(settings) > expected_seconds(still) > expected_seconds(single)


def test_breathing_needs_a_path_and_seconds_make_frames() -> None:
    with pytest.raises(InputError, match="without a camera path"):
        SimulationSettings(1, 1, breathing=True)
    assert (frames_in(2.0), frames_in(0.001)) == (50, 1)
