"""The simulator's jobs: layouts, determinism, resuming, refusing, and what the bodies are like."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_grey_levels, read_rgb
from studio.jobs.events import Progress
from studio.jobs.stages import result_of
from studio.scenes.readers import load_layers, read_scenes
from studio.scenes.simulator import (
    PhantomSettings,
    PreviewPose,
    SimulationSettings,
    expected_seconds,
    render_preview,
    simulate,
    simulate_phantom,
)
from studio.scenes.simulator.anatomy import Anatomy, procedural_anatomy
from studio.scenes.simulator.captions import captioned, draw_caption
from studio.scenes.simulator.settings import frames_of
from studio.vocabulary.errors import InputError

SIZE = (96, 54)


def plain(frames: int, patients: int, *, seed: int = 5, processes: int = 1) -> SimulationSettings:
    return SimulationSettings(frames, patients, size=SIZE, seed=seed, processes=processes)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.blake2b(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("simulated")
    result = result_of(simulate(dest, plain(5, 2)))
    assert result["frames"] == 5
    assert [Path(s).name for s in result["scenes"]] == ["patient_000", "patient_001"]
    return dest


@pytest.fixture(scope="module")
def body() -> Anatomy:
    return procedural_anatomy(5, 0)


def test_scenes_are_read_by_the_studios_own_reader(simulated: Path) -> None:
    scenes = read_scenes(simulated, "frames")
    assert [(s.patient, len(s.frames), s.size) for s in scenes] == [("patient_000", 3, SIZE), ("patient_001", 2, SIZE)]
    layers = load_layers(scenes[0], scenes[0].frames[1])
    assert layers.segmentation_HW is not None and layers.depth_HW is not None and layers.normals_HW3 is not None
    assert layers.K is not None and layers.camera_to_world is not None
    met = layers.depth_HW > 0
    assert met.mean() > 0.97
    assert 15 < np.median(layers.depth_HW[met]) < 250
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    rays = np.dstack([columns + 0.5, rows + 0.5, np.ones(met.shape)]) @ np.linalg.inv(layers.K).T
    assert ((layers.normals_HW3 * rays).sum(axis=-1)[met] < 0).all()


def test_frames_show_liver_and_several_classes(simulated: Path) -> None:
    shares = []
    for path in simulated.rglob("seg/*.png"):
        ids = read_grey_levels(path)
        assert set(np.unique(ids)) <= set(range(9))
        shares.append(np.bincount(ids.ravel(), minlength=9) / ids.size)
    assert np.mean([s[1] for s in shares]) > 0.1
    assert all((s > 0.01).sum() >= 2 for s in shares)


def test_two_processes_and_resuming_give_the_same_bytes(simulated: Path, tmp_path: Path) -> None:
    job = simulate(tmp_path, plain(5, 2, processes=2))
    for event in job:
        if isinstance(event, Progress) and event.done > 0:
            break
    job.close()
    # The pool's own thread may be the one that collects an ended process, a moment later.
    deadline = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not multiprocessing.active_children()
    assert not list(tmp_path.rglob(".writing-*"))
    assert not list(tmp_path.rglob("scene.json"))
    kept = [p for p in tmp_path.rglob("rgb/*.png") if not p.name.startswith(".")]
    stamps = {p: p.stat().st_mtime_ns for p in kept}
    result_of(simulate(tmp_path, plain(5, 2, processes=2)))
    assert all(p.stat().st_mtime_ns == stamp for p, stamp in stamps.items())
    assert digest(tmp_path) == digest(simulated)


def test_more_frames_of_the_same_patients_keep_what_is_there(tmp_path: Path) -> None:
    result_of(simulate(tmp_path, plain(1, 1)))
    first = tmp_path / "patient_000" / "rgb" / "000000.png"
    before = first.stat().st_mtime_ns
    result_of(simulate(tmp_path, plain(2, 1)))
    assert first.stat().st_mtime_ns == before
    assert [e["frame"] for e in json.loads((tmp_path / "patient_000/frames.json").read_text())] == ["000000", "000001"]


def test_a_folder_of_other_settings_is_refused(simulated: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate(simulated, plain(5, 2, seed=6)))
    (tmp_path / "patient_000").mkdir()
    (tmp_path / "patient_000" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        result_of(simulate(tmp_path, plain(1, 1)))


@pytest.mark.parametrize(("frames", "patients", "size"), [(0, 1, SIZE), (1, 0, SIZE), (1, 1, (8, 8))])
def test_impossible_settings_are_refused(frames: int, patients: int, size: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        SimulationSettings(frames, patients, size=size)


def test_frames_are_shared_out_evenly() -> None:
    assert frames_of(7, 3) == [3, 2, 2]
    assert frames_of(2, 5) == [1, 1]
    assert frames_of(2, 10**15) == [1, 1]  # at once: patients without a frame are never counted
    assert expected_seconds(plain(1000, 2)) > expected_seconds(plain(10, 2))


def test_bodies_have_all_organs_at_human_sizes(body: Anatomy) -> None:
    extents = {p.class_id: np.ptp(p.mesh.vertices_V3, axis=0) for p in body.parts}
    assert set(extents) == {1, 2, 3, 4, 5, 8}
    assert 120 < extents[1].max() < 300
    assert 40 < extents[2].max() < 140
    assert extents[3].max() > extents[1].max()
    assert body.triangles < 180_000
    other = procedural_anatomy(5, 1)
    assert not np.allclose(extents[1], np.ptp(other.parts[0].mesh.vertices_V3, axis=0), atol=0.5)


def test_meshes_are_turned_outwards(body: Anatomy) -> None:
    for part in body.parts:
        corners = part.mesh.vertices_V3[part.mesh.faces_F3].astype(float)
        volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
        # The wall is the one whose inner side shows.
        assert (volume < 0) == (part.class_id == 3), part.name


def test_preview_follows_its_pose() -> None:
    settings = plain(1, 1)
    left = render_preview(settings, PreviewPose(around=-40), (64, 36))
    right = render_preview(settings, PreviewPose(around=40), (64, 36))
    assert left.size == (64, 36)
    assert left.camera_to_world is not None and right.camera_to_world is not None
    assert left.camera_to_world[0, 3] < right.camera_to_world[0, 3]
    assert (left.rgb_HW3 != right.rgb_HW3).any()


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("phantom")
    settings = PhantomSettings(4, 2, size=SIZE, seed=3, labelled_patients=1, labelled_frames=2, processes=1)
    result = result_of(simulate_phantom(root / "footage", root / "labelled", settings))
    assert (result["frames"], result["labelled_frames"]) == (4, 2)
    return root / "footage", root / "labelled"


def test_phantom_says_that_it_is_a_stand_in_and_keeps_patients_apart(phantom: tuple[Path, Path]) -> None:
    footage, labelled = phantom
    for folder in phantom:
        assert "stand-in" in (folder / "README.txt").read_text().lower()
    seen = {p.name for p in footage.iterdir() if p.is_dir()}
    tested = {p.name for p in labelled.iterdir() if p.is_dir()}
    assert (len(seen), len(tested)) == (2, 1)
    assert not seen & tested
    assert len({name.split("_")[1] for name in seen}) == 2


def test_phantom_footage_is_jpeg_without_labels_and_masks_fit_their_frames(phantom: tuple[Path, Path]) -> None:
    footage, labelled = phantom
    pictures = sorted(footage.rglob("*.jpg"))
    assert len(pictures) == 4
    assert not list(footage.rglob("*.png"))
    for path in pictures:
        rgb_HW3 = read_rgb(path)
        assert rgb_HW3.shape == (SIZE[1], SIZE[0], 3)
        assert 15 < rgb_HW3.mean() < 200
    frames = sorted(labelled.rglob("frames/*.png"))
    assert len(frames) == 2
    for path in frames:
        ids = read_grey_levels(path.parents[1] / "masks" / path.name)
        assert ids.shape == (SIZE[1], SIZE[0])
        assert set(np.unique(ids)) <= set(range(9))
        dark = read_rgb(path).max(axis=2) < 12
        # What the round picture area cuts off is void; inside it something is labelled nearly everywhere.
        assert (ids == 0).sum() <= dark.sum() * 1.3 + 0.06 * ids.size


def test_phantom_is_repeatable(phantom: tuple[Path, Path], tmp_path: Path) -> None:
    settings = PhantomSettings(1, 1, size=SIZE, seed=3, processes=1)
    result = result_of(simulate_phantom(tmp_path / "footage", tmp_path / "labelled", settings))
    again = Path(result["footage"][0])
    assert (again / "000000.jpg").read_bytes() == (phantom[0] / again.name / "000000.jpg").read_bytes()
    with pytest.raises(InputError, match="other settings"):
        result_of(simulate_phantom(phantom[0], phantom[1], settings))


def test_burnt_in_text_is_there_for_some_patients_and_small() -> None:
    plain_HW3 = np.full((256, 452, 3), 20, np.uint8)
    captions = [draw_caption(np.random.default_rng(seed)) for seed in range(40)]
    assert 12 < sum(bool(c.lines) for c in captions) < 36
    for caption in captions:
        changed = (captioned(plain_HW3, caption) != plain_HW3).any(axis=2)
        assert changed.any() == bool(caption.lines)
        assert changed.mean() < 0.02
        assert not changed[:200].any()


@pytest.mark.parametrize("kind", [SimulationSettings, PhantomSettings])
@pytest.mark.parametrize(
    ("frames", "patients", "size", "match"),
    [
        (0, 1, (64, 36), "0 frames of 1 patients"),
        (4, 0, (64, 36), "4 frames of 0 patients"),
        (10**9, 1, (64, 36), "Up to 10,000,000 can be simulated"),
        (10**6, 10**6, (64, 36), "1000000 patients. Up to 50,000 can be simulated"),
        (4, 1, (1, 1), "frames of 1x1 px"),
        (4, 1, (100_000, 100_000), "frames of 100000x100000 px"),
    ],
)
def test_absurd_counts_and_sizes_are_refused(
    kind: type[SimulationSettings | PhantomSettings], frames: int, patients: int, size: tuple[int, int], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        kind(frames, patients, size)
