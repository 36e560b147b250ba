"""Instruments along a path: through trocars that ride on the breathing wall, moving as instruments do, never deep."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from studio.scenes.simulator.fields import with_normals
from studio.scenes.simulator.frames import see
from studio.scenes.simulator.paths import seconds_of
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.sequences import Sequence, SequenceSource, planned
from studio.scenes.simulator.tracing import Target
from studio.scenes.simulator.trocars import Trocar, ridden
from studio.scenes.simulator.views import View, enters_at_once, in_air

SIZE = (96, 54)
FRAMES = 500
PATIENTS = ((1, 0), (1, 1), (3, 0))
"""With two, three and three instruments."""


@functools.cache
def sequence(seed: int, patient: int) -> tuple[Sequence, tuple[View, ...]]:
    found = planned(SequenceSource(PatientSource(seed, patient), SIZE, FRAMES, True))
    return found, tuple(found.view(i) for i in range(-1, FRAMES + 1))


def breath(sequence: Sequence, index: int) -> float:
    """Lujan's formula, written out afresh."""
    assert sequence.breathing is not None
    b = sequence.breathing
    return float(np.sin(np.pi * (seconds_of(index) * b.breaths_per_minute / 60 + b.offset)) ** 4)


def carried(sequence: Sequence, point: np.ndarray, share: float) -> np.ndarray:
    """Where breathing takes a body point: footwards above the pelvis, frontwards above the back, sidewards."""
    assert sequence.breathing is not None
    b = sequence.breathing
    head, front = (np.clip((v - low) / (high - low), 0, 1) for v, low, high in
                   ((point[1], -70, 130), (point[2], -50, 110)))  # fmt: skip
    steps = [s * s * (3 - 2 * s) for s in (head, front)]
    return point + share * np.array([b.sidewards * point[0] / 170, -b.footwards * steps[0], b.frontwards * steps[1]])


@pytest.mark.parametrize(("seed", "patient"), PATIENTS)
def test_shafts_pass_through_trocars_that_ride_on_the_wall(seed: int, patient: int) -> None:
    found, views = sequence(seed, patient)
    assert len(found.path.tools) >= 2
    moved = 0.0
    for index, view in enumerate(views[::7]):
        share = breath(found, 7 * index - 1)
        for tool, moving in zip(view.tools, found.path.tools, strict=True):
            port = carried(found, moving.trocar.port_3, share)
            pose = tool.tool_to_world
            assert np.allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-9)
            assert np.linalg.norm(np.cross(port - pose[:3, 3], pose[:3, 2])) < 1e-6
            assert (pose[:3, 3] - port) @ pose[:3, 2] > 0
            moved = max(moved, float(np.linalg.norm(port - moving.trocar.port_3)))
        lens_port = carried(found, found.path.laparoscope.trocar.port_3, share)
        shaft_end = view.position
        # 0 and 30 degree optics: the view leaves the line from trocar to lens at the optics' angle.
        along = (shaft_end - lens_port) / np.linalg.norm(shaft_end - lens_port)
        angle = np.arccos(np.clip(along @ view.camera_to_world[:3, 2], -1, 1))
        assert angle == pytest.approx(found.path.laparoscope.angle, abs=1e-6)
    assert moved > 1.5


@pytest.mark.parametrize(("seed", "patient"), PATIENTS)
def test_tips_move_like_instruments_and_smoothly(seed: int, patient: int) -> None:
    _, views = sequence(seed, patient)
    for number in range(len(views[0].tools)):
        tips = np.array([v.tools[number].tool_to_world[:3, 3] for v in views])
        speed = np.linalg.norm(np.diff(tips, axis=0), axis=1) * 25
        assert np.isfinite(speed).all()
        assert 3 < np.median(speed) < 30
        assert speed.max() < 60
        assert (speed < 2).mean() < 0.35
        # No jumps: what a tip's velocity changes by between frames stays below what 150 mm/s^2 do.
        assert np.linalg.norm(np.diff(tips, n=2, axis=0), axis=1).max() * 625 < 150
        assert np.ptp(tips, axis=0).max() > 15


@pytest.mark.parametrize(("seed", "patient"), PATIENTS)
def test_instruments_come_and_go_and_their_jaws_open_and_close(seed: int, patient: int) -> None:
    found, views = sequence(seed, patient)
    for number, moving in enumerate(found.path.tools):
        depth = np.array([np.linalg.norm(v.tools[number].tool_to_world[:3, 3] - moving.trocar.port_3) for v in views])
        assert np.ptp(depth) > 12
        jaws = np.array([v.tools[number].instrument.jaw_angle for v in views])
        if moving.instrument.hinged:
            opened = jaws > (jaws.min() + jaws.max()) / 2
            assert np.ptp(jaws) > 0.3
            assert np.count_nonzero(opened[1:] != opened[:-1]) >= 4
            assert np.abs(np.diff(jaws)).max() * 25 < 1.0
        else:
            assert np.ptp(jaws) == 0


@pytest.mark.parametrize(("seed", "patient"), PATIENTS)
def test_shafts_go_through_air_and_tips_touch_at_most(seed: int, patient: int) -> None:
    """Rays along the axes from well inside the wall: what they meet lies no more than a contact before the tip."""
    found, views = sequence(seed, patient)
    for index in range(0, FRAMES, 25):
        view, target = views[index + 1], found.scene(index).body.target
        whole = target.reshaped(target.vertices_V3)
        for tool, moving in zip(view.tools, found.path.tools, strict=True):
            port = carried(found, moving.trocar.port_3, breath(found, index))
            tip, axis = tool.tool_to_world[:3, 3], tool.tool_to_world[:3, 2]
            length = float(np.linalg.norm(tip - port))
            hits = whole.trace(port + 0.25 * length * axis, axis[None])
            assert hits.face_N[0] < 0 or hits.t_N[0] > 0.75 * length - 5.5


@pytest.mark.parametrize(("seed", "patient"), PATIENTS)
def test_projected_tips_land_on_the_instruments_pixels(seed: int, patient: int) -> None:
    """A vertex of a tip's mesh that lies nearest to the lens is not hidden by its own instrument: where no organ and no
    other instrument is nearer, the pixel that it projects to shows it."""
    found, views = sequence(seed, patient)
    shown = 0
    for index in range(0, FRAMES, 20):
        geometry = see(found.scene(index))
        view = views[index + 1]
        for number, tool in enumerate(view.tools):
            vertices = tool.instrument.tip.vertices_V3.astype(float) @ tool.tool_to_world[:3, :3].T
            camera = (vertices + tool.tool_to_world[:3, 3] - view.position) @ view.camera_to_world[:3, :3]
            x, y, z = camera[np.argmin(np.linalg.norm(camera, axis=1))]
            column, row = view.K[0, 0] * x / z + view.K[0, 2], view.K[1, 1] * y / z + view.K[1, 2]
            if not (2 < column < SIZE[0] - 2 and 2 < row < SIZE[1] - 2 and z > 0):
                continue
            block = np.s_[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2]
            if (geometry.depth_HW[block] < z - 2.0).any():  # something else before it
                continue
            part_HW = geometry.surface.part_N.reshape(geometry.class_HW.shape)
            own = len(found.body.class_P) + 2 * number
            assert (part_HW[block] == own).any()
            assert (geometry.class_HW[block] == 6).any()
            shown += 1
    assert shown >= 12


def test_a_ridden_shaft_is_the_same_where_nothing_moves_and_translates_with_everything() -> None:
    trocar = Trocar.towards(np.array([10.0, -90.0, 80.0]), np.array([0.0, 20.0, -10.0]))
    pose = trocar.shaft(np.array([0.3, -0.2]), depth=110.0, turn=0.5)
    assert np.allclose(ridden(pose, trocar.port_3, lambda p: p), pose)
    shifted = ridden(pose, trocar.port_3, lambda p: p + np.array([1.0, 2.0, 3.0]))
    assert np.allclose(shifted[:3, :3], pose[:3, :3]) and np.allclose(shifted[:3, 3] - pose[:3, 3], [1, 2, 3])


def test_a_tip_that_pokes_out_of_a_wall_has_no_shaft_behind_it_to_see() -> None:
    """A wall at z = 0 that looks down into the body: the port is above it, as where a file's wall lies within ours."""
    corners = np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], np.float32)
    looking_down = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
    wall = Target([with_normals(corners, looking_down)])
    port = np.array([0.0, 0.0, 80.0])
    assert enters_at_once(np.array([0.0, 0.0, -2.0]), port, wall)
    assert not enters_at_once(np.array([0.0, 0.0, -9.0]), port, wall)  # the way through is seen by in_air
    assert not in_air(np.array([0.0, 0.0, -60.0]), np.array([0.0, 0.0, 120.0]), wall)
    # A tip pressed into an organ leaves it by the side that it came through, which looks the shaft's way.
    organ = Target([with_normals(corners, looking_down[:, ::-1].copy())])
    assert not enters_at_once(np.array([0.0, 0.0, -2.0]), port, organ)
