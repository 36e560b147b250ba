"""Footage compared: through the command line, with a page and figures that agree."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from studio.cli import main
from studio.files.pictures import write_png
from studio.jobs.stages import result_of
from studio.pipeline.footage import add_footage
from studio.pipeline.likeness import compare_footage
from studio.project.project import Project
from studio.vocabulary.errors import InputError


def _tissue(folder: Path, *, red: float, count: int = 2) -> Path:
    """Frames of two patients with detail of every size."""
    import cv2

    for patient in ("p1", "p2"):
        for index in range(count):
            rng = np.random.default_rng(index + 10 * (patient == "p2"))
            grey = np.full((180, 320), 110.0, np.float32)
            for cells, strength in ((6, 45), (20, 25), (80, 18)):
                grey += strength * cv2.resize(rng.normal(size=(cells, cells)).astype(np.float32), (320, 180))
            image = np.clip(grey[..., None] * np.array([red, 0.7, 0.6]), 0, 255).astype(np.uint8)
            write_png(folder / patient / f"{index}.png", image)
    write_png(folder / "p1" / "standby.png", np.zeros((180, 320, 3), np.uint8))
    return folder


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pictures += [v or "" for k, v in attrs if tag == "img" and k == "src"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_the_command_writes_a_page_whose_figures_are_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = _tissue(tmp_path / "own", red=1.3), _tissue(tmp_path / "other", red=0.9)
    with Project.create(tmp_path / "p") as project:
        result_of(add_footage(project, [own]))
    report = tmp_path / "report"
    assert main(["footage", "compare", str(tmp_path / "p"), str(other), "--report", str(report), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])["result"]
    content = json.loads((report / "likeness.json").read_text())
    # The black frame is none that shows tissue.
    assert content["frames"] == [4, 4] and content["patients"] == [2, 2]
    overlaps = {s["name"]: s["overlap"] for s in content["statistics"]}
    assert overlaps["redness"] < 0.3 < 0.9 < overlaps["noise"]
    assert result["mean"] == pytest.approx(np.mean(list(overlaps.values())), abs=1e-4)
    page = _Texts()
    page.feed((report / "likeness.html").read_text())
    for statistic in content["statistics"]:
        assert statistic["name"] in page.texts
        assert f"{statistic['overlap']:.2f}" in page.texts
        assert sum(statistic["first"]) == pytest.approx(1)
    assert _redness(page.pictures) == pytest.approx([0.5] * 4 + [0.9 / 2.2] * 4, abs=0.02)


def _redness(pictures: list[str]) -> list[float]:
    """The share of red in each picture of a page; as made above, red to green to blue is 1.3 or .9 to .7 to .6."""
    import cv2

    found = []
    for picture in pictures:
        data = np.frombuffer(base64.b64decode(picture.removeprefix("data:image/jpeg;base64,")), np.uint8)
        blue, green, red = cv2.imdecode(data, cv2.IMREAD_COLOR).reshape(-1, 3).mean(axis=0)
        found.append(red / (red + green + blue))
    return found


def test_nothing_to_compare_is_said_in_a_line(tmp_path: Path) -> None:
    black = tmp_path / "black"
    write_png(black / "p1" / "0.png", np.zeros((90, 160, 3), np.uint8))
    own = _tissue(tmp_path / "own", red=1.3, count=1)
    with Project.create(tmp_path / "p") as project:
        with pytest.raises(InputError, match="no footage in the project"):
            result_of(compare_footage(project, [own], tmp_path / "report"))
        result_of(add_footage(project, [own]))
        with pytest.raises(InputError, match="shows tissue"):
            result_of(compare_footage(project, [black], tmp_path / "report"))
    assert not (tmp_path / "report").exists()
