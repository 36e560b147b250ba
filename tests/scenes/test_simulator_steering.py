"""Class frequencies: counted from the pictures, steered by the choice of views, and said as they came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.files.pictures import read_grey_levels
from studio.jobs.events import Done, Note
from studio.jobs.stages import result_of
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.patients import PatientSource
from studio.scenes.simulator.sequences import Sequence, SequenceSource, planned
from studio.scenes.simulator.shares import missed, reached, shares_of
from studio.scenes.simulator.steering import class_shares, solved_tilt
from studio.scenes.simulator.views import View
from studio.vocabulary.errors import InputError

GALLBLADDER, TIP = 2, 6


def settings(
    frames: int, *targets: tuple[int, float], processes: int = 1, patients: int = 1, size: tuple[int, int] = (48, 32)
) -> SimulationSettings:
    return SimulationSettings(frames, patients, size=size, seed=5, processes=processes, targets=targets)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.blake2b(p.read_bytes()).hexdigest() for p in files}


def counted(folder: Path) -> np.ndarray:
    """Mean class shares (9,) of the label pictures themselves."""
    ids = [read_grey_levels(p) for p in sorted(folder.rglob("seg/*.png"))]
    return np.mean([np.bincount(i.ravel(), minlength=9) / i.size for i in ids], axis=0)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Any]]:
    folder = tmp_path_factory.mktemp("usual")
    return folder, result_of(simulate(folder, settings(24)))


def test_shares_are_those_of_the_label_pictures(usual: tuple[Path, Mapping[str, Any]]) -> None:
    folder, result = usual
    expected = counted(folder)
    assert result["class_shares"]["liver"] == pytest.approx(expected[1], abs=1e-4)
    assert result["class_shares"]["gastrointestinal tract"] == pytest.approx(expected[8], abs=1e-4)
    assert sum(result["class_shares"].values()) == pytest.approx(1, abs=1e-3)
    assert "targets" not in result
    # A folder from before frames kept their counts gives the same.
    poses = folder / "patient_000" / "frames.json"
    whole = poses.read_bytes()
    poses.write_text(json.dumps([{k: v for k, v in e.items() if k != "class_pixels"} for e in json.loads(whole)]))
    assert result_of(simulate(folder, settings(24))) == result
    assert json.loads(poses.read_bytes()) == json.loads(whole)


def test_views_follow_the_targets(usual: tuple[Path, Mapping[str, Any]], tmp_path: Path) -> None:
    before = counted(usual[0])
    asked = {GALLBLADDER: before[GALLBLADDER] + 0.1, TIP: before[TIP] + 0.04}
    result = result_of(simulate(tmp_path, settings(40, *asked.items())))
    after = counted(tmp_path)
    for class_id, name in ((GALLBLADDER, "gallbladder"), (TIP, "tool tip")):
        # Nearer to what was asked than to what comes by itself; 40 frames scatter.
        assert abs(after[class_id] - asked[class_id]) < 0.5 * (asked[class_id] - before[class_id])
        assert result["targets"][name]["reached"] == pytest.approx(after[class_id], abs=1e-4)
        assert result["targets"][name]["asked"] == asked[class_id]


def test_steered_frames_are_the_same_on_more_processes(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    result_of(simulate(one, settings(10, (GALLBLADDER, 0.3))))
    result_of(simulate(two, settings(10, (GALLBLADDER, 0.3), processes=2)))
    assert digest(one) == digest(two)
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate(one, settings(10, (GALLBLADDER, 0.2))))


def test_what_the_anatomy_does_not_allow_is_said(tmp_path: Path) -> None:
    events = list(simulate(tmp_path, settings(8, (GALLBLADDER, 0.95))))
    warning = next(e.text for e in events if isinstance(e, Note) and e.level == "warning")
    last = events[-1]
    assert isinstance(last, Done)
    share = last.result["targets"]["gallbladder"]["reached"]
    assert warning.startswith(f"gallbladder: 95.0 % of the pixels asked for, {100 * share:.1f} % reached")
    assert 0.15 < share < 0.9


def test_tilts_reach_a_mean_that_a_biased_coin_can() -> None:
    """Groups of two, shares 0 and 1: softmax of (0, t) is the logistic function, so a mean of p needs t = logit(p)."""
    groups = np.tile(np.array([[[0.0], [1.0]]]), (50, 1, 1))
    for wanted in (0.2, 0.5, 0.9):
        tilt = solved_tilt(groups, np.array([wanted]))
        assert tilt[0] == pytest.approx(np.log(wanted / (1 - wanted)), abs=1e-3)


def test_scatter_of_few_frames_is_no_miss_but_a_bias_of_many_is() -> None:
    few = shares_of([{"1": 50, "3": 50}, {"1": 10, "3": 90}])
    assert missed(reached(few, [(1, 0.4)])) == []
    many = shares_of([{"1": 50, "3": 50}, {"1": 10, "3": 90}] * 100)
    outcome = reached(many, [(1, 0.4), (3, 0.7)])
    # Deviation 0.2 of 200 frames: 0.2 / sqrt(200).
    assert outcome["liver"] == {"asked": 0.4, "reached": 0.3, "standard_error": 0.0141}
    assert [note.text[:6] for note in missed(outcome)] == ["liver:"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (((0, 0.5),), "void"),
        (((1, 1.5),), "a target of 1.5 for liver"),
        (((1, 0.5), (1, 0.2)), "two targets"),
        (((1, 0.7), (2, 0.4)), "more than 1"),
    ],
)
def test_impossible_targets_are_refused(targets: tuple[tuple[int, float], ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        SimulationSettings(1, 1, targets=targets)


def sequence_views(frames: int, *targets: tuple[int, float]) -> tuple[Sequence, list[View]]:
    found = planned(SequenceSource(PatientSource(1, 1), (96, 54), frames, False, targets))
    return found, [found.view(i) for i in range(0, frames, 20)]


def mean_share(class_id: int, frames: int, *targets: tuple[int, float]) -> float:
    found, views = sequence_views(frames, *targets)
    return float(np.mean([class_shares(found.body, v)[class_id] for v in views]))


def test_sequences_follow_targets_by_where_their_camera_goes() -> None:
    usual = mean_share(GALLBLADDER, 600)
    for asked in (usual + 0.04, usual - 0.05):
        assert abs(mean_share(GALLBLADDER, 600, (GALLBLADDER, asked)) - asked) < 0.03
        assert abs(usual - asked) > 0.03


def test_a_longer_steered_sequence_begins_as_a_shorter_one() -> None:
    for short, long in zip(*(sequence_views(n, (GALLBLADDER, 0.12))[1] for n in (100, 300)), strict=False):
        assert np.array_equal(short.camera_to_world, long.camera_to_world)
        for a, b in zip(short.tools, long.tools, strict=True):
            assert np.array_equal(a.tool_to_world, b.tool_to_world)


def test_a_sequences_targets_are_said_as_they_came_out_whatever_the_processes(tmp_path: Path) -> None:
    one, two = (
        SimulationSettings(20, 1, size=(48, 32), seed=5, processes=n, targets=((GALLBLADDER, 0.1),), path=True)
        for n in (1, 2)
    )
    result = result_of(simulate(tmp_path / "one", one))
    assert result["targets"]["gallbladder"]["asked"] == 0.1
    assert result["targets"]["gallbladder"]["reached"] == pytest.approx(counted(tmp_path / "one")[2], abs=1e-4)
    result_of(simulate(tmp_path / "two", two))
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_frames_that_follow_one_another_count_by_longer_pieces() -> None:
    """Ten pieces of 125 frames, each alike in itself: the error is that of ten numbers."""
    levels = np.array([0.1, 0.3, 0.2, 0.4, 0.2, 0.3, 0.1, 0.2, 0.5, 0.2])
    shares = np.zeros((1250, 9))
    shares[:, 1] = np.repeat(levels, 125)
    by_pieces = reached(shares, [(1, 0.25)], in_a_row=True)["liver"]
    assert by_pieces["standard_error"] == pytest.approx(levels.std(ddof=1) / np.sqrt(10), abs=1e-4)
    assert reached(shares, [(1, 0.25)])["liver"]["standard_error"] == pytest.approx(
        levels.std() / np.sqrt(1250), abs=1e-4
    )
    assert missed({"liver": by_pieces}) == []
