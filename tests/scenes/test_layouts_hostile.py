"""Files and folders that are damaged, huge, circular or lying, of every layout: added as if they were not there, or
refused in one line that says what, where and what to do; never a traceback, never half.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from studio.files.pictures import read_exr
from studio.scenes.mapping import NO_MAPPING, SceneMapping
from studio.scenes.readers import detect_layout, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import PUBLISHED, make_frames_scene, make_image2image
from tests.scenes.layout_files import (
    BOP_MAPPING,
    FOLDERS_TOML,
    NERFSTUDIO_MAPPING,
    write_blenderproc,
    write_bop,
    write_channels,
    write_folders,
    write_nerfstudio,
    write_solo,
)

WRITERS: dict[str, tuple[Callable[[Path], Path], SceneMapping]] = {
    "blenderproc": (write_blenderproc, NO_MAPPING),
    "solo": (write_solo, NO_MAPPING),
    "bop": (write_bop, SceneMapping(classes=BOP_MAPPING)),
    "nerfstudio": (write_nerfstudio, SceneMapping(classes=NERFSTUDIO_MAPPING)),
    "folders": (write_folders, SceneMapping.from_toml(FOLDERS_TOML)),
    "frames": (make_frames_scene, NO_MAPPING),
    "image2image": (lambda root: make_image2image(root, greys=PUBLISHED), NO_MAPPING),
}
SMALL: dict[str, Callable[[Path], Path]] = {
    "nerfstudio": lambda root: write_nerfstudio(root, frames=1),
    "bop": lambda root: write_bop(root, frames=1),
    "solo": lambda root: write_solo(root, frames=1),
    "frames": lambda root: make_frames_scene(root, frames=1),
}
TABLES = {
    "nerfstudio": ("transforms.json",),
    "bop": ("train/000001/scene_camera.json", "train/000001/scene_gt.json"),
    "solo": ("sequence.0/step0.frame_data.json",),
    "frames": ("frames.json", "scene.json"),
}


def read(layout: str, root: Path) -> int:
    """Frames of a folder that was written in a layout, read as the layout that is found."""
    wanted = "folders" if layout == "folders" else "auto"
    return sum(len(s.frames) for s in read_scenes(root, wanted, WRITERS[layout][1]))


def in_one_line(error: InputError) -> bool:
    return "\n" not in str(error) and bool(error.what and error.remedy)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("layout", WRITERS)
def test_links_that_lead_round_in_a_circle_are_passed_over(tmp_path: Path, layout: str) -> None:
    root = WRITERS[layout][0](tmp_path / "s")
    frames = read(layout, root)
    for folder in [root, *(p for p in list(root.rglob("*")) if p.is_dir())]:
        (folder / "again").symlink_to(".")
        for name in ("loop", "loop.png", "loop.hdf5"):
            (folder / name).symlink_to(name)
    assert read(layout, root) == frames


@pytest.mark.parametrize("layout", WRITERS)
def test_names_with_line_breaks_and_of_other_alphabets(tmp_path: Path, layout: str) -> None:
    root = WRITERS[layout][0](tmp_path / "s").rename(tmp_path / "Szene \n ü 漢")
    scenes = read_scenes(root, "folders" if layout == "folders" else "auto", WRITERS[layout][1])
    assert all(name.isprintable() for s in scenes for name in (s.name, s.patient))
    if layout in ("blenderproc", "solo", "nerfstudio"):
        assert scenes[0].patient == "Szene ü 漢"


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
@pytest.mark.parametrize("layout", WRITERS)
def test_a_name_that_is_no_text_is_refused(tmp_path: Path, layout: str) -> None:
    root = WRITERS[layout][0](tmp_path / "s")
    other = Path(os.fsdecode(os.fsencode(tmp_path) + b"/s\xff"))
    root.rename(other)
    with pytest.raises(InputError, match="not valid UTF-8") as caught:
        read(layout, other)
    assert in_one_line(caught.value)


@pytest.mark.parametrize("pair", [("nerfstudio", "frames"), ("blenderproc", "nerfstudio"), ("frames", "solo")])
def test_two_layouts_in_one_folder_are_named(tmp_path: Path, pair: tuple[str, str]) -> None:
    for layout in pair:
        WRITERS[layout][0](tmp_path)
    with pytest.raises(InputError, match=r"two layouts: \w+ and \w+.*--layout") as caught:
        detect_layout(tmp_path)
    assert set(pair) <= set(caught.value.what.replace(":", "").split())
    for layout in pair:
        assert read_scenes(tmp_path, layout)[0].layout == layout


def test_folders_of_several_layouts_are_not_passed_over(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path / "a")
    write_solo(tmp_path / "b")
    with pytest.raises(InputError, match=r"several layouts: nerfstudio and solo.*one by one"):
        detect_layout(tmp_path)
    (tmp_path / "c").mkdir()
    with h5py.File(tmp_path / "a" / "weights.h5", "w") as file:
        file["dense"] = np.zeros(3)
    assert detect_layout(tmp_path / "a") == "nerfstudio"


def test_damaged_hdf5_files_are_said_to_be_damaged(tmp_path: Path) -> None:
    """All of them: nothing is left to tell the layout by but the files' ending."""
    root = write_blenderproc(tmp_path)
    for path in root.glob("*.hdf5"):
        path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"0\.hdf5: the HDF5 file is damaged"):
        read_scenes(root)


def test_another_programs_hdf5_is_no_layout(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["dense"] = np.zeros(3)
    with pytest.raises(InputError, match="no scenes of a known layout"):
        read_scenes(tmp_path)


# -- EXR


def declare(path: Path, width: int, height: int) -> None:
    """The header's windows made larger than what the file holds."""
    data = path.read_bytes()
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = data.index(name) + len(name) + 4
        data = data[:at] + struct.pack("<4i", 0, 0, width - 1, height - 1) + data[at + 16 :]
    path.write_bytes(data)


@pytest.mark.parametrize("side", [8193, 65535, 2**31 - 2])
@pytest.mark.parametrize("layout", ["solo", "frames", "image2image"])
def test_an_exr_header_that_declares_a_huge_picture(tmp_path: Path, layout: str, side: int) -> None:
    root = WRITERS[layout][0](tmp_path / "s")
    for path in sorted(root.rglob("*epth*.exr")) or sorted(root.rglob("depth/*.exr")):
        declare(path, side, side)
    with pytest.raises(InputError, match=r"\.exr: (the picture has|not a readable EXR)") as caught:
        read(layout, root)
    assert in_one_line(caught.value)


def test_channels_of_one_layer_go_by_their_last_word(tmp_path: Path) -> None:
    """As Blender's multi-layer files name them."""
    z_HW = np.arange(48 * 64, dtype=np.float32).reshape(48, 64)
    write_channels(tmp_path / "n.exr", **{f"ViewLayer.Normal.{c}": z_HW + i for i, c in enumerate("XYZ")})
    write_channels(tmp_path / "d.exr", **{"ViewLayer.Depth.Z": z_HW})
    np.testing.assert_array_equal(read_exr(tmp_path / "n.exr")[..., 2], z_HW + 2)
    np.testing.assert_array_equal(read_exr(tmp_path / "d.exr"), z_HW)


# -- JSON

VALUES: tuple[Any, ...] = (
    ..., None, float("nan"), 10**400, -1, 0, "x", [], {}, 1e308, "../../etc/passwd", "a\nb\0", "\ud800", "n" * 5000,
)  # fmt: skip
"""What is put in a value's place; the ellipsis takes the key away."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key, and the first element of every list, of a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, below in inside:
        yield (*path, key)
        yield from places(below, (*path, key))


def put(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a place, or without it where the value is Ellipsis."""
    changed = at = json.loads(json.dumps(content))
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5", '"x"', "NaN", "[" * 100_000, "\xff"])
@pytest.mark.parametrize(("layout", "table"), [(layout, t) for layout, names in TABLES.items() for t in names])
def test_a_table_of_another_kind(tmp_path: Path, layout: str, table: str, text: str) -> None:
    root = WRITERS[layout][0](tmp_path / "s")
    (root / table).write_bytes(text.encode("latin-1"))
    try:
        assert read(layout, root) <= 3
    except InputError as error:
        assert in_one_line(error)


@pytest.mark.parametrize(("layout", "table"), [(layout, t) for layout, names in TABLES.items() for t in names])
def test_any_key_that_is_missing_or_of_another_kind(tmp_path: Path, layout: str, table: str) -> None:
    """One frame; each place is tried with some of the values, near places with others."""
    root = SMALL[layout](tmp_path / "s")
    whole = json.loads((root / table).read_text())
    for number, path in enumerate(places(whole)):
        for value in VALUES[number % 3 :: 3]:
            (root / table).write_text(json.dumps(put(whole, path, value)))
            try:
                read(layout, root)
            except InputError as error:
                assert in_one_line(error), (path, value, str(error))
