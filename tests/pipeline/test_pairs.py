"""``trocar quality pair``: every measure, the map's picture, and what can't be labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.cli import main
from studio.files.pictures import read_rgb, write_png
from tests.quality.made_scenes import made_scene


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    render, segmentation = made_scene(3)
    write_png(tmp_path / "render.png", render)
    write_png(tmp_path / "moved.png", np.roll(render, 6, axis=1))
    write_png(tmp_path / "labels.png", segmentation)
    write_png(tmp_path / "coloured.png", render)
    write_png(tmp_path / "grey.png", render[..., 0])
    return tmp_path


def measured(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, dict[str, object], str]:
    status = main(["quality", "pair", *map(str, argv), "--json"])
    out, err = capsys.readouterr()
    return status, json.loads(out.splitlines()[-1])["result"] if status == 0 else {}, err


def test_each_measure_and_the_map_are_told(pair: Path, capsys: pytest.CaptureFixture[str]) -> None:
    render, labels = pair / "render.png", pair / "labels.png"
    _, same, _ = measured(capsys, render, render, "--labels", labels)
    _, moved, _ = measured(capsys, render, pair / "moved.png", "--labels", labels, "--map", pair / "map.png")
    assert same["ms_ssim"] == pytest.approx(1) and float(same["ms_ssim"]) <= 1  # type: ignore[arg-type]
    assert float(same["validity"]) > 0.9 > 0.3 > float(moved["validity"])  # type: ignore[arg-type]
    assert {"displacement", "edges", "validity.liver"} <= set(moved)
    assert moved["map"] == str(pair / "map.png")
    assert read_rgb(pair / "map.png").shape == read_rgb(render).shape
    assert Path(str(same["map"])) == pair / "render_validity.png"


@pytest.mark.parametrize(
    ("labels", "words"),
    [("coloured.png", "colour picture"), ("grey.png", "no class ids"), ("none.png", "no such file")],
)
def test_what_cannot_be_labels_is_refused(
    pair: Path, labels: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, said = measured(capsys, pair / "render.png", pair / "moved.png", "--labels", pair / labels)
    assert status == 2 and words in said and len(said.strip().splitlines()) == 1
    assert not (pair / "moved_validity.png").exists()
