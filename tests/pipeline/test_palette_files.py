"""Palettes from project to project on the command line, and the footage's t-SNE map as it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from studio.cli import main
from studio.pipeline.views import MAP_FILE, FootageCodes, footage_map
from studio.project.project import Project
from studio.vocabulary.styles import Palette, Style

STYLES = tuple(Style(f"s{k}", (float(k),) * 8, "manual", pinned=k == 1) for k in range(3))


def made(folder: Path, *, style_size: int = 8) -> Path:
    with Project.create(folder) as project:
        project.runs.add("translator", "first", {"style_size": style_size})
        project.palettes.save(Palette("mine", "first", STYLES, "a note"))
        return project.folder


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, dict[str, object], str]:
    status = main([*map(str, argv), "--json"])
    out, err = capsys.readouterr()
    last = json.loads(out.splitlines()[-1]) if out else {}
    return status, last.get("result", {}), err


def test_a_palette_goes_to_another_project_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, file = made(tmp_path / "one"), made(tmp_path / "other"), tmp_path / "p.json"
    assert run(capsys, "styles", "export", one, file, "--palette", "mine")[0] == 0
    status, result, _ = run(capsys, "styles", "import", other, file, "--palette", "theirs")
    assert (status, result["palette"], result["styles"]) == (0, "theirs", 3)
    with Project.open(other) as project:
        assert project.palettes.get("theirs").palette == Palette("theirs", "first", STYLES, "a note")
    _, listed, _ = run(capsys, "styles", "list", other)
    assert [(p["name"], p["notes"]) for p in listed["palettes"]] == [("mine", "a note"), ("theirs", "a note")]  # type: ignore[attr-defined]
    _, shown, _ = run(capsys, "styles", "show", other, "--palette", "theirs")
    assert [s["pinned"] for s in shown["styles"]] == [False, True, False]  # type: ignore[attr-defined]


def test_a_palette_of_another_style_size_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, small, file = made(tmp_path / "one"), made(tmp_path / "small", style_size=3), tmp_path / "p.json"
    run(capsys, "styles", "export", one, file, "--palette", "mine")
    status, _, said = run(capsys, "styles", "import", small, file, "--palette", "theirs")
    assert status == 2 and len(said.strip().splitlines()) == 1
    assert "have 8 numbers, the translator's have 3" in said
    with Project.open(small) as project:
        assert [r.palette.name for r in project.palettes.all()] == ["mine"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["styles", "export", "one", "p.json", "--palette", "none"], "no palette 'none'"),
        (["styles", "import", "one", "missing.json"], "no such file"),
        (["styles", "import", "one", "p.txt"], "not a usable palette"),
        (["styles", "import", "one", "p.json", "--run", "second"], "no translator run 'second'"),
        (["styles", "map", "one", "--run", "second"], "no translator run 'second'"),
    ],
)
def test_wrong_calls_say_what_is_wrong(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "one")
    Path("p.txt").write_text("no palette", encoding="utf-8")
    run(capsys, "styles", "export", "one", "p.json", "--palette", "mine")
    status, _, said = run(capsys, *argv)
    assert status == 2 and words in said and len(said.strip().splitlines()) == 1


def test_a_map_counts_for_the_codes_it_was_made_of_only(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        run_ = project.runs.add("translator", "first", {})
        run_.folder.mkdir(parents=True)
        codes = FootageCodes("new", np.zeros((2, 8), np.float32), (5, 7), ("a", "b"), ("x", "y"), np.zeros(2))
        assert footage_map(run_, codes) is None
        kept = {"method": "t-SNE", "fingerprint": "new", "ids": [5, 7], "xy": [[0, 1], [2.5, 3]]}
        (run_.folder / MAP_FILE).write_text(json.dumps(kept), encoding="utf-8")
        assert footage_map(run_, codes) == pytest.approx(np.array([[0, 1], [2.5, 3]]))
        for wrong in ({"fingerprint": "old"}, {"ids": [7, 5]}, {"xy": [[0, 1]]}, {"xy": [[0, 1], [None, 2]]}):
            (run_.folder / MAP_FILE).write_text(json.dumps({**kept, **wrong}), encoding="utf-8")
            assert footage_map(run_, codes) is None
        (run_.folder / MAP_FILE).write_text("{", encoding="utf-8")
        assert footage_map(run_, codes) is None
