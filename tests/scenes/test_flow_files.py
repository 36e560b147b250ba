"""Flow beside the frames of a sequence: read where it is, none where it is not."""

import json
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_exr
from studio.scenes.flow_files import NO_FLOW, load_flow
from studio.scenes.readers import read_scenes
from studio.vocabulary.errors import InputError
from tests.making import SIZE, make_frames_scene


def described(root: Path, **flow: object) -> None:
    description = json.loads((root / "scene.json").read_text())
    (root / "scene.json").write_text(json.dumps(description | {"flow": flow}))


def test_flow_of_a_sequence(tmp_path: Path) -> None:
    root = make_frames_scene(tmp_path / "s", frames=2)
    width, height = SIZE
    flow = np.full((height, width, 2), (1.5, -2.0), np.float32)
    flow[0, 0] = np.nan
    first, second = read_scenes(root, "frames")[0].frames
    (root / "flow_forward").mkdir()
    write_exr(root / "flow_forward" / f"{first.rgb.stem}.exr", flow)
    assert load_flow(first, layout="frames") == NO_FLOW, "scene.json does not say that there is any"
    described(root, forward="flow_forward", backward="flow_backward")
    found = load_flow(first, layout="frames")
    assert found.forward_HW2 is not None and found.backward_HW2 is None
    assert np.array_equal(found.forward_HW2, flow, equal_nan=True)
    assert load_flow(second, layout="frames").forward_HW2 is None
    assert load_flow(first, layout="folders") == NO_FLOW


def test_flow_that_is_none_is_told(tmp_path: Path) -> None:
    root = make_frames_scene(tmp_path / "s", frames=1)
    (frame,) = read_scenes(root, "frames")[0].frames
    described(root, forward="flow_forward", backward="flow_backward")
    (root / "flow_forward").mkdir()
    write_exr(root / "flow_forward" / f"{frame.rgb.stem}.exr", np.zeros((8, 8), np.float32))
    with pytest.raises(InputError, match="two channels"):
        load_flow(frame, layout="frames")
    described(root, forward="../../elsewhere", backward=3)
    assert load_flow(frame, layout="frames").forward_HW2 is None, "outside of the scene nothing is read"
