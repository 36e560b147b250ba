"""Parts left out of the pictures: what is behind shows, and everything else is as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.jobs.stages import result_of
from studio.scenes.readers import load_layers, read_scenes
from studio.scenes.simulator import SimulationSettings, part_named, simulate
from studio.scenes.simulator.leaving_out import INSTRUMENTS, ORGANS
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import Layers

LIVER, TOOLS = 1, (6, 7)


def frames(dest: Path, *, path: bool = False, without: tuple[str, ...] = ()) -> list[Layers]:
    settings = SimulationSettings(
        frames=4, patients=1, size=(96, 54), seed=3, path=path, without=without, processes=1
    )  # fmt: skip
    result_of(simulate(dest, settings))
    (scene,) = read_scenes(dest, "frames")
    return [load_layers(scene, frame) for frame in scene.frames]


@pytest.mark.parametrize("path", [False, True])
def test_an_organ_left_out_shows_what_it_hid(tmp_path: Path, path: bool) -> None:
    whole, bare = frames(tmp_path / "whole", path=path), frames(tmp_path / "bare", path=path, without=("liver",))
    seen = 0
    for a, b in zip(whole, bare, strict=True):
        assert a.segmentation_HW is not None and b.segmentation_HW is not None
        assert a.depth_HW is not None and b.depth_HW is not None
        assert np.array_equal(a.camera_to_world, b.camera_to_world)
        liver = a.segmentation_HW == LIVER
        seen += int(liver.sum())
        assert not (b.segmentation_HW == LIVER).any()
        assert np.array_equal(a.segmentation_HW[~liver], b.segmentation_HW[~liver])
        assert np.allclose(a.depth_HW[~liver], b.depth_HW[~liver], atol=0.011)
        behind = liver & (b.depth_HW > 0)
        assert (b.depth_HW[behind] >= a.depth_HW[behind]).all()  # equal where organs touch
        assert (b.depth_HW[behind] > a.depth_HW[behind]).mean() > 0.99
    assert seen > 500


def test_instruments_are_left_out_by_trocar(tmp_path: Path) -> None:
    whole = frames(tmp_path / "whole")
    names = list(INSTRUMENTS)
    alone = [frames(tmp_path / name, without=tuple(n for n in names if n != name)) for name in names]
    for index, layers in enumerate(whole):
        kept = sum(len(only[index].tools) for only in alone)
        assert kept == len(layers.tools), "each instrument comes through one trocar"
    none = frames(tmp_path / "none", without=INSTRUMENTS)
    assert sum(len(layers.tools) for layers in whole) > 0
    assert not any(np.isin(layers.segmentation_HW, TOOLS).any() for layers in none)


def test_what_is_left_out_is_written_down(tmp_path: Path) -> None:
    frames(tmp_path / "set", without=("fat",))
    assert json.loads((tmp_path / "set/patient_000/scene.json").read_text())["made_by"]["without"] == ["fat"]
    with pytest.raises(InputError, match="other settings"):
        frames(tmp_path / "set")


def test_wrong_wishes_are_refused() -> None:
    assert part_named("Abdominal_Wall") == "abdominal wall"
    with pytest.raises(InputError, match="'spleen' is no part"):
        part_named("spleen")
    with pytest.raises(InputError, match="every organ"):
        SimulationSettings(frames=1, patients=1, without=ORGANS)
    with pytest.raises(InputError, match="class targets with parts left out"):
        SimulationSettings(frames=1, patients=1, without=("fat",), targets=((LIVER, 0.2),))
