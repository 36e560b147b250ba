"""Camera paths through keyframes: the file, the curve, what is in the way, and the job."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, frames_in, read_keyframes, simulate
from studio.scenes.simulator.anatomy import LIVER, Anatomy, Part
from studio.scenes.simulator.buffers import Body
from studio.scenes.simulator.clearance import obstacle
from studio.scenes.simulator.fields import Mesh
from studio.scenes.simulator.keyframed import laparoscope_of
from studio.scenes.simulator.keyframes import CameraKeyframes, Held, Keyframe, curve_through, write_keyframes
from studio.scenes.simulator.paths import seconds_of
from studio.scenes.simulator.views import looking
from studio.vocabulary.errors import InputError

CLEAR = (Keyframe(0.0, Held(depth=60)), Keyframe(1.0, Held(12, -5, 80, 20)), Keyframe(2.0, Held(-10, 0, 50)))
"""A way that is free in the body of seed 0, patient 0."""


def values_at(path: CameraKeyframes, seconds: float) -> np.ndarray:
    return curve_through(path, seconds=seconds_of(60)).at(seconds_of(0) + seconds)


def test_a_file_holds_the_path(tmp_path: Path) -> None:
    path = CameraKeyframes(CLEAR, 0.0)
    write_keyframes(tmp_path / "a.json", path)
    assert read_keyframes(tmp_path / "a.json") == path
    assert json.loads((tmp_path / "a.json").read_text())["keyframes"][1] == {
        "seconds": 1.0, "yaw": 12, "pitch": -5, "depth": 80, "turn": 20, "roll": 0.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "else"}, "is no camera path"),
        ({"version": 2}, "has version 2, not 1"),
        ({"keyframes": [{"seconds": 0}]}, "fewer than two keyframes"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 0.05}]}, "keyframe 2 does not come after the one before"),
        ({"keyframes": [{"seconds": 1}, {"seconds": 2}]}, "keyframe 1 is not at 0 s"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 1, "dept": 4}]}, "keyframe 2 has an unknown field 'dept'"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 1, "yaw": "x"}]}, "keyframe 2 has no number in 'yaw'"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 1, "depth": float("nan")}]}, "keyframe 2 has no number in 'depth'"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 1, "pitch": 80}]}, "keyframe 2 has a pitch of 80 degrees"),
        ({"keyframes": [{"seconds": 0}, {"seconds": 1, "depth": 900}]}, "keyframe 2 has the lens 900 mm"),
        ({"keyframes": [{"seconds": 0}, 7]}, "keyframe 2 is no set of values"),
        ({"optics": 45}, "optics of 45 degrees"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, change: dict[str, object], words: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps({**CameraKeyframes(CLEAR).to_json(), **change}))
    with pytest.raises(InputError, match=r"wrong\.json") as raised:
        read_keyframes(file)
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_that_is_not_there_or_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for name in ("absent.json", "broken.json"):
        with pytest.raises(InputError, match=name):
            read_keyframes(tmp_path / name)


def test_the_curve_passes_through_its_keyframes_and_overshoots_none() -> None:
    path = CameraKeyframes(CLEAR)
    for keyframe in CLEAR:
        held = keyframe.held
        expected = [np.tan(np.pi * held.yaw / 180), np.tan(np.pi * held.pitch / 180), held.depth,
                    np.pi * held.turn / 180, 0.0]  # fmt: skip
        assert np.allclose(values_at(path, keyframe.seconds), expected, atol=1e-9)
    depths = np.array([values_at(path, s)[2] for s in np.arange(0, 2.01, 0.04)])
    assert depths.min() > 50 - 0.5 and depths.max() < 80 + 0.5
    assert (np.diff(depths[:26]) > -0.05).all(), "up to the second keyframe it only goes in"


def test_the_curve_rests_before_frames_begin_and_turns_the_short_way() -> None:
    path = CameraKeyframes((Keyframe(0, Held(turn=170)), Keyframe(1, Held(turn=-170))))
    assert np.allclose(values_at(path, -0.6), values_at(path, 0.0), atol=1e-2)
    assert np.isclose(np.rad2deg(values_at(path, 0.5)[3]) % 360, 180, atol=0.5)


def test_held_values_survive_the_way_to_a_curve_and_back() -> None:
    held = Held(31.5, -12.25, 88.0, 140.0, -7.5)
    assert Held.of_values(held.values_5()) == held


def test_the_shaft_goes_through_the_port_all_along() -> None:
    ball = _ball_anatomy()
    scope = laparoscope_of(ball, 0.0)
    curve = curve_through(CameraKeyframes(CLEAR, 0.0), seconds=3.0)
    for seconds in np.arange(0.8, 2.8, 0.1):
        a, b, depth, turn, roll = curve.at(seconds)
        pose = scope.camera_to_world(np.array([a, b]), depth=depth, turn=turn, roll=roll)
        away = ball.camera_port - pose[:3, 3]
        assert np.linalg.norm(np.cross(away, pose[:3, 2])) < 1e-9, "straight optics look along the shaft"


def _ball_anatomy() -> Anatomy:
    """A liver that is a ball of 20 mm about the origin, a port 100 mm before it."""
    sphere = trimesh.creation.icosphere(subdivisions=5, radius=20.0)
    mesh = Mesh(sphere.vertices.astype(np.float32), sphere.faces.astype(np.int32),
                (sphere.vertices / 20).astype(np.float32))  # fmt: skip
    return Anatomy("ball", (Part("liver", LIVER, mesh),), np.array([0.0, -100, 0]), np.zeros((1, 3)), np.zeros(3))


@pytest.mark.parametrize(
    ("lens", "words"),
    [
        ((0.0, 0, 0), "lies in the liver"),
        ((0.0, -24, 0), "comes within 4 mm of the liver"),
        ((0.0, 60, 0), "is reached through the liver only"),
        ((0.0, -60, 0), ""),
        ((40.0, 0, 0), ""),
    ],
)
def test_what_is_in_the_way_is_named(lens: tuple[float, float, float], words: str) -> None:
    anatomy = _ball_anatomy()
    at = np.array(lens)
    pose = looking(at, at + np.array([0.0, 1, 0]))
    assert obstacle(anatomy, Body(anatomy).target, anatomy.camera_port, pose) == words


def test_frames_follow_the_keyframes(tmp_path: Path) -> None:
    path = CameraKeyframes(CLEAR, 0.0)
    settings = SimulationSettings(
        frames=frames_in(path.seconds), patients=1, size=(64, 36), path=True, keyframes=path, processes=1
    )  # fmt: skip
    assert result_of(simulate(tmp_path / "set", settings))["frames"] == 50
    rows = json.loads((tmp_path / "set/patient_000/frames.json").read_text())
    lenses = np.array([row["camera_to_world"] for row in rows])[:, :3, 3]
    port = lenses[0] - 60 * np.array(rows[0]["camera_to_world"])[:3, 2]
    depths = np.linalg.norm(lenses - port, axis=1)
    assert np.isclose(depths[25], 80, atol=1e-4), "the second keyframe, one second on"
    assert np.linalg.norm(np.diff(lenses, axis=0), axis=1).max() < 4.0, "no leap between frames"
    other = SimulationSettings(
        frames=50, patients=1, size=(64, 36), path=True, keyframes=CameraKeyframes(CLEAR, 30.0), processes=1
    )  # fmt: skip
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate(tmp_path / "set", other))


def test_a_path_through_an_organ_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    through = CameraKeyframes((*CLEAR[:2], Keyframe(2.0, Held(12, -5, 190))))
    settings = SimulationSettings(frames=50, patients=1, size=(64, 36), path=True, keyframes=through, processes=1)
    with pytest.raises(InputError, match=r"patient_000: keyframe 3: the lens .*\. Move or remove it"):
        result_of(simulate(tmp_path / "set", settings))
    assert not (tmp_path / "set").exists()


def test_keyframes_need_a_path() -> None:
    with pytest.raises(InputError, match="without a camera path"):
        SimulationSettings(frames=5, patients=1, keyframes=CameraKeyframes(CLEAR))
