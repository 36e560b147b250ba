"""Adding scenes and footage takes no more memory for more frames, whatever the layout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import read_grey_levels, write_png
from tests.making import PUBLISHED, make_frames_scene
from tests.scenes import layout_files

_PEAK = """
import sys, tracemalloc
from pathlib import Path
from studio.project.project import Project
from studio.pipeline.footage import add_footage
from studio.pipeline.scenes import add_scenes
from studio.scenes.mapping import read_mapping
root, kind = Path(sys.argv[1]), sys.argv[2]
said = root.with_suffix(".toml")
mapping = read_mapping(said) if said.exists() else None
with Project.create(root.with_name(root.name + "-project")) as project:
    sys.intern = str  # paths put their names into a table of Python's own, which grows in steps of megabytes
    tracemalloc.start()
    for _ in add_footage(project, [root]) if kind == "footage" else add_scenes(project, root, mapping=mapping):
        pass
    print(tracemalloc.get_traced_memory()[1])
"""


def _peak(root: Path, kind: str) -> int:
    answer = subprocess.run([sys.executable, "-c", _PEAK, str(root), kind], capture_output=True, text=True, check=True)
    return int(answer.stdout)


def _linked(source: Path, folder: Path, name: Callable[[int], str], count: int) -> None:
    """So many names of one file."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        os.link(source, folder / name(i))


def _frames(root: Path, one: Path, count: int) -> None:
    make_frames_scene(one, frames=1)
    for layer, ending in (("rgb", "png"), ("seg", "png"), ("depth", "exr"), ("normals", "exr")):
        _linked(one / layer / f"000000.{ending}", root / layer, lambda i, e=ending: f"{i:06d}.{e}", count)
    (root / "scene.json").write_bytes((one / "scene.json").read_bytes())
    row = json.loads((one / "frames.json").read_text())[0]
    (root / "frames.json").write_text(json.dumps([row | {"frame": f"{i:06d}"} for i in range(count)]))


def _image2image(root: Path, one: Path, count: int) -> None:
    make_frames_scene(one, frames=1)
    greys = np.zeros(256, np.uint8)
    greys[: len(PUBLISHED)] = PUBLISHED
    write_png(one / "label.png", greys[read_grey_levels(one / "seg/000000.png")])
    _linked(one / "rgb/000000.png", root / "simulated/P/inputs", lambda i: f"img{i:05d}.png", count)
    _linked(one / "label.png", root / "labels/simulated/P/labels", lambda i: f"lbl{i:05d}.png", count)
    _linked(one / "depth/000000.exr", root / "depths/simulated/P/depths", lambda i: f"depth{i:05d}.exr", count)


def _folders(root: Path, one: Path, count: int) -> None:
    make_frames_scene(one, frames=1)
    _linked(one / "rgb/000000.png", root / "images", lambda i: f"x{i}.png", count)
    _linked(one / "seg/000000.png", root / "labels", lambda i: f"y{i}.png", count)
    root.with_suffix(".toml").write_text(
        '[layers.rgb]\nfolder = "images"\n[layers.segmentation]\nfolder = "labels"\nencoding = "grey"\n'
        '[classes]\n1 = "liver"\n3 = "abdominal wall"\n6 = "tool tip"\n'
    )


def _blenderproc(root: Path, one: Path, count: int) -> None:
    layout_files.write_blenderproc(one, frames=1)
    _linked(one / "0.hdf5", root, lambda i: f"{i}.hdf5", count)


def _solo(root: Path, one: Path, count: int) -> None:
    layout_files.write_solo(one, frames=1)
    for path in (one / "sequence.0").iterdir():
        if path.suffix == ".json":
            for i in range(count):
                where = root / "sequence.0" / f"step{i}.frame_data.json"
                where.parent.mkdir(parents=True, exist_ok=True)
                where.write_text(path.read_text().replace("step0", f"step{i}"))
        else:
            _linked(path, root / "sequence.0", lambda i, n=path.name: n.replace("step0", f"step{i}"), count)
    (root / "metadata.json").write_bytes((one / "metadata.json").read_bytes())


def _bop(root: Path, one: Path, count: int) -> None:
    layout_files.write_bop(one, frames=1)
    scene = one / "train/000001"
    for folder in ("rgb", "depth", "mask_visib"):
        for path in (scene / folder).iterdir():
            _linked(path, root / folder, lambda i, n=path.name: f"{i:06d}{n[6:]}", count)
    for name in ("scene_camera.json", "scene_gt.json"):
        row = json.loads((scene / name).read_text())["0"]
        (root / name).write_text(json.dumps({str(i): row for i in range(count)}))
    rows = "".join(f'"{k}" = "{v}"\n' for k, v in layout_files.BOP_MAPPING.items())
    root.with_suffix(".toml").write_text(f"[classes]\n{rows}")


def _nerfstudio(root: Path, one: Path, count: int) -> None:
    layout_files.write_nerfstudio(one, frames=1)
    for folder in ("images", "depth", "masks"):
        _linked(one / folder / "frame_00000.png", root / folder, lambda i: f"frame_{i:05d}.png", count)
    content = json.loads((one / "transforms.json").read_text())
    row = json.dumps(content["frames"][0])
    content["frames"] = [json.loads(row.replace("00000", f"{i:05d}")) for i in range(count)]
    (root / "transforms.json").write_text(json.dumps(content))
    rows = "".join(f'"{k}" = "{v}"\n' for k, v in layout_files.NERFSTUDIO_MAPPING.items())
    root.with_suffix(".toml").write_text(f"[classes]\n{rows}")


def _footage(root: Path, one: Path, count: int) -> None:
    make_frames_scene(one, frames=1)
    _linked(one / "rgb/000000.png", root, lambda i: f"{i}.png", count)


_LAYOUTS = {
    "frames": _frames, "image2image": _image2image, "folders": _folders, "blenderproc": _blenderproc, "solo": _solo,
    "bop": _bop, "nerfstudio": _nerfstudio, "footage": _footage,
}  # fmt: skip
_FEW, _MANY = 1200, 3600
_ALLOWED_BYTES = 100
"""For each more frame; a single path object takes 400."""

_KINDS = ["frames", *(pytest.param(k, marks=pytest.mark.long) for k in _LAYOUTS if k != "frames")]


@pytest.mark.parametrize("kind", _KINDS)
def test_more_frames_take_no_more_memory(tmp_path: Path, kind: str) -> None:
    peaks = []
    for count in (_FEW, _MANY):
        root = tmp_path / f"{kind}-{count}"
        root.mkdir()
        _LAYOUTS[kind](root, tmp_path / f"one-{count}", count)
        peaks.append(_peak(root, kind))
    assert peaks[1] < peaks[0] + _ALLOWED_BYTES * (_MANY - _FEW)
