"""The round picture area: what lies beyond it is in no layer, what lies within is as without it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.files.pictures import read_exr
from studio.jobs.stages import result_of
from studio.scenes.readers import load_layers, read_scenes
from studio.scenes.simulator import SimulationSettings, simulate
from studio.scenes.simulator.live_views import LiveView, looked_at
from studio.scenes.simulator.round_area import round_area
from studio.vocabulary.errors import InputError

SIZE = (128, 72)


def settings(*, round: bool, path: bool) -> SimulationSettings:
    return SimulationSettings(6, 2, size=SIZE, seed=3, processes=1, path=path, round=round)


def within(folder: Path) -> np.ndarray:
    """Pixels whose centre is in the circle that the scene's own file names."""
    area = json.loads((folder / "scene.json").read_text())["made_by"]["image_area"]
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    return np.asarray((columns - area["x"]) ** 2 + (rows - area["y"]) ** 2 <= area["radius"] ** 2)


def grown(mask_HW: np.ndarray) -> np.ndarray:
    """With every neighbour, across corners, too, and the border of the picture."""
    padded = np.pad(mask_HW, 1, constant_values=True)
    shifts = [padded[y : y + SIZE[1], x : x + SIZE[0]] for y in range(3) for x in range(3)]
    return np.asarray(np.any(shifts, axis=0))


@pytest.fixture(scope="module", params=[False, True], ids=["single", "path"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    dest = tmp_path_factory.mktemp("areas")
    for name in (True, False):
        result_of(simulate(dest / str(name), settings(round=name, path=request.param)))
    return dest / "True", dest / "False"


def test_layers_are_those_without_it_inside_and_empty_outside(both: tuple[Path, Path]) -> None:
    cut, whole = (read_scenes(folder, "frames") for folder in both)
    shares = []
    for a, b in zip(cut, whole, strict=True):
        inside = within(a.root)
        shares.append(inside.mean())
        for frame, other in zip(a.frames, b.frames, strict=True):
            seen, full = load_layers(a, frame), load_layers(b, other)
            for layer in ("segmentation_HW", "depth_HW", "normals_HW3"):
                values, expected = getattr(seen, layer), getattr(full, layer)
                assert (values[inside] == expected[inside]).all() and not values[~inside].any()
            changed = (seen.rgb_HW3 != full.rgb_HW3).any(axis=2)
            rim = grown(~inside)
            assert not (changed & inside & ~rim).any() and not seen.rgb_HW3[~grown(inside)].any()
            if frame.flow_forward is not None and other.flow_forward is not None:
                flow, free = read_exr(frame.flow_forward), read_exr(other.flow_forward)
                kept = np.isfinite(flow).all(axis=2)
                assert not kept[~inside].any() and (flow[kept] == free[kept]).all()
                assert kept.sum() > 0.8 * (np.isfinite(free).all(axis=2) & inside).sum()
    assert len(set(shares)) == 2 and all(0.3 < s < 0.99 for s in shares)


def test_class_counts_are_those_of_the_round_picture(both: tuple[Path, Path]) -> None:
    for folder in both[0].iterdir():
        for entry in json.loads((folder / "frames.json").read_text()):
            ids = np.asarray(Image.open(folder / "seg" / f"{entry['frame']}.png"))
            counted = {str(i): int(n) for i, n in enumerate(np.bincount(ids.ravel())) if n}
            assert entry["class_pixels"] == counted and counted["0"] >= (~within(folder)).sum()


def test_the_preview_shows_the_same_circle_at_its_own_size() -> None:
    area = round_area(3, 0, SIZE)
    picture = looked_at(settings(round=True, path=False), LiveView("frame"), (256, 160), quick=True).rgb_HW3
    rows, columns = np.mgrid[:160, :256] + 0.5
    apart = np.hypot(columns - 2 * area.x, rows - 80 - 2 * (area.y - 36)) - 2 * area.radius
    assert not picture[apart > 1].any() and (picture[apart < -1].max(axis=1) > 0).mean() > 0.97


def test_targets_are_shares_of_the_whole_picture() -> None:
    with pytest.raises(InputError, match="class targets with the round picture area"):
        SimulationSettings(6, 2, size=SIZE, targets=((1, 0.5),), round=True)
