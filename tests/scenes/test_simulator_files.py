"""Written frames by themselves: what the files hold is what float64 rays through their own K and pose meet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import pytest

from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.anatomy import procedural_anatomy
from studio.scenes.simulator.fields import joined
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.sequences import SequenceSource, planned
from tests.scenes.raycasting import cast, centres, projected, rays_through

SIZE = (160, 90)
SEED = 90210


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = SimulationSettings(2, 1, size=SIZE, seed=SEED, processes=1)
    return Path(result_of(simulate(tmp_path_factory.mktemp("files"), settings))["scenes"][0])


def picture(folder: Path, layer: str, name: str) -> np.ndarray:
    """A PNG as it lies there; colours and normals in the order x, y, z."""
    found = cv2.imread(str(folder / layer / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found[..., ::-1] if found.ndim == 3 else found


def chosen(classes_HW: np.ndarray) -> np.ndarray:
    """Pixels to look at: many beside another class, some anywhere; none of instruments."""
    edge_HW = np.zeros(classes_HW.shape, bool)
    edge_HW[:, 1:] |= classes_HW[:, 1:] != classes_HW[:, :-1]
    edge_HW[1:] |= classes_HW[1:] != classes_HW[:-1]
    body_HW = ~np.isin(classes_HW, (6, 7))
    rng = np.random.default_rng(1)
    at_edges, others = np.flatnonzero(edge_HW & body_HW), np.flatnonzero(~edge_HW & body_HW)
    return np.concatenate([rng.choice(at_edges, 250, replace=False), rng.choice(others, 100, replace=False)])


@pytest.mark.parametrize("index", [0, 1])
def test_labels_depth_and_normals_in_files_are_those_of_their_own_rays(folder: Path, index: int) -> None:
    entry = json.loads((folder / "frames.json").read_text())[index]
    classes_HW, depth_HW, normals_HW3 = (
        picture(folder, layer, entry["frame"]) for layer in ("seg", "depth", "normals")
    )
    assert (classes_HW.dtype, depth_HW.dtype, normals_HW3.dtype) == (np.uint8, np.uint16, np.uint16)
    anatomy = procedural_anatomy(SEED, 0)
    whole = joined([p.mesh for p in anatomy.parts])
    class_F = np.repeat([p.class_id for p in anatomy.parts], [len(p.mesh.faces_F3) for p in anatomy.parts])
    pose = np.array(entry["camera_to_world"])
    vertices_V3 = (whole.vertices_V3.astype(float) - pose[:3, 3]) @ pose[:3, :3]
    pixels = chosen(classes_HW)
    x, y = centres(SIZE)
    rays_N3 = rays_through(np.array(entry["K"]), x.ravel()[pixels], y.ravel()[pixels])
    met = cast(rays_N3, vertices_V3, whole.faces_F3)
    assert (met.face_N >= 0).all()
    same = class_F[met.face_N] == classes_HW.ravel()[pixels]
    assert (~same).sum() <= 1  # an edge may pass through a pixel's very centre
    depth_N = depth_HW.ravel()[pixels] * 0.01
    assert np.abs(depth_N - met.depth_N)[same].max() < 0.005 + 0.002  # half a step, and float32's rays
    # Normals: those of the corners, blended over the face and turned towards the lens; not where they are bent back
    # because they would look away from it.
    faces_N3 = whole.faces_F3[met.face_N]
    a, b, c = (vertices_V3[faces_N3[:, i]] for i in range(3))
    point = rays_N3 * met.depth_N[:, None]
    area = np.cross(b - a, c - a)
    shares = [(np.cross(q - p, point - p) * area).sum(axis=1) for p, q in ((b, c), (c, a), (a, b))]
    normal = sum(s[:, None] * (whole.normals_V3[faces_N3[:, i]] @ pose[:3, :3]) for i, s in enumerate(shares))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normal *= -np.sign((area * rays_N3).sum(axis=1))[:, None]
    written = normals_HW3.reshape(-1, 3)[pixels] / 32767.5 - 1
    clear = same & ((normal * rays_N3).sum(axis=1) < -0.1 * np.linalg.norm(rays_N3, axis=1))
    assert clear.sum() > 200
    apart = np.rad2deg(np.arcsin(np.clip(np.linalg.norm(np.cross(written, normal), axis=1), 0, 1)))
    assert apart[clear].max() < 0.1
    assert ((written * rays_N3).sum(axis=1) < 0).all()


PATH_SIZE = (128, 72)
HINGE_MM = {"grasper": 19.0, "dissector": 17.0, "scissors": 15.0}
"""From where closed jaws end back to their hinge."""


@dataclass(frozen=True)
class Sequence:
    """A path's files."""

    scene: dict[str, Any]
    entries: list[dict[str, Any]]
    folder: Path

    def poses(self) -> np.ndarray:
        return np.array([e["camera_to_world"] for e in self.entries])

    def points(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """World points (H, W, 3) of a frame's pixels by its depth, and where there are any."""
        entry = self.entries[index]
        depth_HW = picture(self.folder, "depth", entry["frame"]) * 0.01
        rays_HW3 = rays_through(np.array(entry["K"]), *centres(PATH_SIZE))
        pose = np.array(entry["camera_to_world"])
        return rays_HW3 * depth_HW[..., None] @ pose[:3, :3].T + pose[:3, 3], depth_HW > 0

    def flow(self, direction: str, index: int) -> np.ndarray:
        with OpenEXR.File(str(self.folder / f"flow_{direction}" / f"{index:06d}.exr"), separate_channels=True) as file:
            channels = file.channels()
            return np.dstack([np.array(channels[c].pixels) for c in "RG"]).astype(float)


@pytest.fixture(scope="module")
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    settings = SimulationSettings(26, 1, size=PATH_SIZE, seed=SEED, processes=1, path=True)
    folder = Path(result_of(simulate(tmp_path_factory.mktemp("path"), settings))["scenes"][0])
    scene, entries = (json.loads((folder / f"{n}.json").read_text()) for n in ("scene", "frames"))
    return Sequence(scene, entries, folder)


def test_a_paths_optics_keep_their_angle_to_a_shaft_through_the_trocar(sequence: Sequence) -> None:
    poses = sequence.poses()
    shafts, gazes = poses[:, :3, 3] - procedural_anatomy(SEED, 0).camera_port, poses[:, :3, 2]
    angles = np.arctan2(np.linalg.norm(np.cross(shafts, gazes), axis=1), (shafts * gazes).sum(axis=1))
    assert min(abs(np.rad2deg(angles[0]) - a) for a in (0.0, 30.0)) < 1e-6
    assert np.rad2deg(np.ptp(angles)) < 1e-6
    assert np.linalg.norm(poses[-1, :3, 3] - poses[0, :3, 3]) > 2


def test_a_path_has_25_frames_a_second_of_a_hands_speed(sequence: Sequence) -> None:
    assert sequence.scene["frames_per_second"] == 25
    speed = np.linalg.norm(np.diff(sequence.poses()[:, :3, 3], axis=0), axis=1) * 25
    assert 2 < speed.max() < 60  # mm a second
    assert np.abs(np.diff(speed)).max() < 4  # no jerks
    whole = SequenceSource(PatientSource(SEED, 0), PATH_SIZE, 26, breathing=False)
    path = planned(whole).path
    for index, seconds in ((0, 0.8), (25, 1.8)):  # frames begin when things move
        assert np.allclose(sequence.poses()[index], path.view_at(seconds).camera_to_world, atol=1e-12)


def test_a_paths_instruments_turn_about_their_ports_and_their_jaws_by_the_angle_written_down(
    sequence: Sequence,
) -> None:
    ports_N3 = procedural_anatomy(SEED, 0).tool_ports_N3
    changes = []
    assert len(sequence.entries[0]["tools"]) >= 2
    for number, first in enumerate(sequence.entries[0]["tools"]):
        tools = [e["tools"][number] for e in sequence.entries]
        poses = np.array([t["tool_to_world"] for t in tools])
        off = np.linalg.norm(np.cross(ports_N3[None] - poses[:, None, :3, 3], poses[:, None, :3, 2]), axis=2)
        assert off.max(axis=0).min() < 1e-6
        if first["name"] not in HINGE_MM:
            continue
        between = []
        for tool, pose in zip(tools, poses, strict=True):
            tips = (np.array(tool["tips"]) - pose[:3, 3]) @ pose[:3, :3]
            turn = np.arctan2(tips[:, 1], tips[:, 2] + HINGE_MM[first["name"]])
            between.append(abs(turn[1] - turn[0]))
        written = np.array([t["jaw_angle"] for t in tools])
        assert np.abs(np.diff(between) - np.diff(written)).max() < 1e-5
        changes.append(np.ptp(written))
    assert max(changes) > 0.02


@pytest.mark.parametrize(("direction", "step"), [("forward", 1), ("backward", -1)])
def test_flow_in_files_is_where_the_next_pose_sees_what_depth_unprojects(
    sequence: Sequence, direction: str, step: int
) -> None:
    for index in (5, 12, 20):
        points_HW3, there_HW = sequence.points(index)
        body_HW = there_HW & ~np.isin(picture(sequence.folder, "seg", f"{index:06d}"), (6, 7))
        other = sequence.entries[index + step]
        pose = np.array(other["camera_to_world"])
        at_HW2 = projected(np.array(other["K"]), ((points_HW3 - pose[:3, 3]) @ pose[:3, :3]).reshape(-1, 3))
        expected_HW2 = at_HW2.reshape(*PATH_SIZE[::-1], 2) - np.dstack(centres(PATH_SIZE))
        flow_HW2 = sequence.flow(direction, index)
        seen_HW = body_HW & np.isfinite(flow_HW2).all(axis=-1)
        assert seen_HW.sum() > 0.9 * body_HW.sum() > 1000
        # Depth is written in hundredths of a millimetre, flow in steps of 2^-12 px.
        assert np.abs(flow_HW2 - expected_HW2)[seen_HW].max() < 2e-3
        assert np.abs(expected_HW2[seen_HW]).max() > 0.05
