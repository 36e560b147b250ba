"""An export of only some runs, palettes and styles, and the same bytes again."""

import json
from pathlib import Path

import pytest

from studio.cli import main
from studio.files.pictures import write_png
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.scenes.readers import read_scenes
from tests.making import make_frames_scene, sphere_scene

MADE = {("first", "five"): ("red", "blue"), ("first", "two"): ("red", "green"), ("second", "five"): ("red",)}
"""Styles by run and palette; every one of the six frames is translated in each."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("choice")
    with Project.create(place / "small") as project:
        for patient in ("P1", "P2", "P3"):
            for scene in read_scenes(make_frames_scene(place / patient, patient=patient, frames=2), "frames"):
                list(project.scenes.add(scene))
        rows = []
        for (run, palette), styles in MADE.items():
            for frame in project.scenes.frames():
                for number, style in enumerate(styles):
                    path = project.folder / "translations" / run / palette / style / f"{frame.id}.png"
                    write_png(path, sphere_scene(frame.id + number).rgb_HW3)
                    code = (float(number),) * 8
                    rows.append(NewTranslation(frame.id, run, palette, style, code, path, "f" * 32, 0.9, {}))
        project.translations.put(rows)
        return project.folder


def exported(folder: Path, dest: Path, *options: str) -> dict[str, object]:
    argv = ["export", str(folder), str(dest), "--format", "coco", "--split", "0.4,0.3,0.3", *options, "--json"]
    assert main(argv) == 0
    manifest: dict[str, object] = json.loads((dest / "manifest.json").read_text())
    return manifest


@pytest.mark.parametrize(
    ("options", "styles", "images"),
    [
        ((), {"blue", "green", "red"}, 30),
        (("--palette", "two"), {"green", "red"}, 12),
        (("--run", "first", "--palette", "five", "--style", "blue"), {"blue"}, 6),
        (("--run", "first", "--style", "red", "--style", "green"), {"green", "red"}, 18),
    ],
)
def test_only_what_was_chosen_is_exported(
    folder: Path, tmp_path: Path, options: tuple[str, ...], styles: set[str], images: int
) -> None:
    manifest = exported(folder, tmp_path / "out", *options)
    items = manifest["items"]
    assert isinstance(items, list)
    assert len(items) == images
    assert {item["style"] for item in items} == styles


def test_the_choice_stands_in_the_recipe_and_the_export_is_the_same_again(folder: Path, tmp_path: Path) -> None:
    manifest = exported(folder, tmp_path / "out", "--palette", "five", "--style", "red", "--run", "second")
    recipe = manifest["recipe"]
    assert isinstance(recipe, dict)
    assert recipe["source"]["only"] == {"runs": ["second"], "palettes": ["five"], "styles": ["red"]}
    again = tmp_path / "again"
    argv = ["reproduce", str(tmp_path / "out" / "manifest.json"), str(again), "--project", str(folder), "--json"]
    assert main(argv) == 0
    files = {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()}
    assert files == {
        p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--palette", "fvie"), "the palette 'fvie'. There are: five, two."),
        (("--palette", "two", "--style", "blue"), "the style 'blue'. There are: green, red."),
        (("--verdicts", "accepted", "--palette", "two"), "there are no translations that are accepted"),
    ],
)
def test_a_name_that_asks_for_nothing_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert main(["export", str(folder), str(tmp_path / "out"), "--format", "coco", *options]) == 2
    captured = " ".join((capsys.readouterr().err).split())
    assert said in captured
    assert list(tmp_path.iterdir()) == []
