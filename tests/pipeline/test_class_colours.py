"""Class colours of a project: chosen by a command, used in exports and reports, kept in the recipe."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.cli import main
from studio.files.pictures import write_png
from studio.pipeline.class_colours import change_class_colours, class_colours, project_classes
from studio.pipeline.story import told
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.scenes.readers import read_scenes
from studio.vocabulary.errors import InputError
from tests.making import make_frames_scene, sphere_scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three patients of one frame, each translated once."""
    with Project.create(tmp_path / "small") as project:
        for patient in ("P1", "P2", "P3"):
            for scene in read_scenes(make_frames_scene(tmp_path / patient, patient=patient, frames=1), "frames"):
                list(project.scenes.add(scene))
        rows = []
        for frame in project.scenes.frames():
            path = project.folder / "translations" / f"{frame.id}.png"
            write_png(path, np.roll(sphere_scene(frame.id).rgb_HW3, 1, axis=2))
            rows.append(NewTranslation(frame.id, "run", "one", "warm", (0.0,) * 8, path, "f" * 32, 0.9, {}))
        project.translations.put(rows)
        return project.folder


def called(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, object]:
    capsys.readouterr()
    status = main([*map(str, argv), "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    result: dict[str, object] = json.loads(out.splitlines()[-1])["result"]
    return result


def colours_in(result: dict[str, object]) -> dict[str, str]:
    rows = result["classes"]
    assert isinstance(rows, list)
    return {row["name"]: row["colour"] for row in rows}


def test_a_command_lists_chooses_and_gives_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = called(capsys, "classes", folder)
    assert colours_in(before)["liver"] == "#d55e00"
    assert before["hard_to_tell_apart"] == []
    after = called(capsys, "classes", folder, "--colour", "liver=#009E74", "--colour", "Tool_Tip=#112233")
    assert (colours_in(after)["liver"], colours_in(after)["tool tip"]) == ("#009e74", "#112233")
    pairs = after["hard_to_tell_apart"]
    assert isinstance(pairs, list)
    assert (pairs[0]["first"], pairs[0]["second"], pairs[0]["viewers"]) == ("liver", "gallbladder", "everybody")
    assert colours_in(called(capsys, "classes", folder, "--reset", "LIVER"))["tool tip"] == "#112233"
    assert called(capsys, "classes", folder, "--reset") == before


def test_a_class_that_no_scene_has_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classes", str(folder), "--colour", "liver=#123456", "--colour", "spleen=#123456"]) == 2
    assert "spleen" in capsys.readouterr().err
    with Project.open(folder, write=False) as project:
        assert class_colours(project) == {}
    assert main(["classes", str(folder), "--colour", "liver=red"]) == 2
    assert "'liver=red' is no class colour" in capsys.readouterr().err


def test_listing_needs_no_write_access_and_shows_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(folder) as project:  # held by a writer
        change_class_colours(project, [("liver", (0, 158, 115))])
        assert main(["classes", str(folder)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"liver\s+#009e73\s+chosen for this project; its own is #d55e00", out)
    assert "liver and gallbladder can hardly be told apart by everybody" in " ".join(out.split())


def test_classes_of_scenes_that_number_them_differently_are_listed_once(folder: Path, tmp_path: Path) -> None:
    root = make_frames_scene(tmp_path / "other", patient="P9", frames=1)
    description = json.loads((root / "scene.json").read_text())
    description["classes"] = [{"id": c["id"], "name": "spleen" if c["id"] == 1 else c["name"], "colour": c["colour"]}
                              for c in description["classes"]]  # fmt: skip
    (root / "scene.json").write_text(json.dumps(description))
    with Project.open(folder) as project:
        for scene in read_scenes(root, "frames"):
            list(project.scenes.add(scene))
        classes = project_classes(project)
    names = [c.name for c in classes]
    assert sorted(names) == sorted(set(names)) and {"liver", "spleen"} <= set(names)


@pytest.mark.parametrize("layout", ["coco", "image2image"])
def test_an_export_has_the_colours_and_comes_out_again_when_they_have_changed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    plain = called(capsys, "export", folder, tmp_path / "plain", "--format", layout)
    called(capsys, "classes", folder, "--colour", "liver=#0000ff")
    out = tmp_path / "out"
    coloured = called(capsys, "export", folder, out, "--format", layout)
    assert coloured["fingerprint"] != plain["fingerprint"], "colours belong to the recipe"
    manifest = json.loads((out / "manifest.json").read_text())
    assert {c["name"]: c["colour"] for c in manifest["classes"]}["liver"] == [0, 0, 255]
    assert re.search(r"\| 1 \| liver \| `#0000ff` \|", (out / "DATA_CARD.md").read_text())
    if layout == "coco":
        categories = json.loads((out / "train.json").read_text())["categories"]
        assert next(c for c in categories if c["name"] == "liver")["color"] == [0, 0, 255]
    called(capsys, "classes", folder, "--reset")
    again = called(capsys, "reproduce", out / "manifest.json", tmp_path / "again", "--project", folder)
    assert again["same"] is True
    assert (tmp_path / "again" / "preview.png").read_bytes() == (out / "preview.png").read_bytes()


def test_the_preview_lays_each_colour_over_its_class(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(capsys, "classes", folder, "--colour", "liver=#0000ff")
    called(capsys, "export", folder, tmp_path / "out", "--format", "image2image")
    shown_HW3 = cv2.imread(str(tmp_path / "out" / "preview.png"))[..., ::-1].astype(int)
    truth = sphere_scene(0)
    height, width = truth.ids_HW.shape
    assert shown_HW3.shape == (3 * height, 2 * width, 3)
    picture_HW3, over_HW3 = shown_HW3[:height, :width], shown_HW3[:height, width:]
    liver_HW = truth.ids_HW == 1
    inner_HW = cv2.erode(liver_HW.astype(np.uint8), np.ones((3, 3))) > 0
    assert inner_HW.any()
    assert np.array_equal(over_HW3[inner_HW], (picture_HW3[inner_HW] + (0, 0, 255)) // 2)
    corner_HW3 = (picture_HW3[0, 0] + (86, 180, 233)) // 2  # the tool tip's own colour
    assert np.array_equal(over_HW3[0, 0], corner_HW3)


def test_a_recipe_with_a_colour_that_is_none_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(capsys, "export", folder, tmp_path / "out", "--format", "coco")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(path.read_text().replace("#d55e00", "orange"))
    assert main(["reproduce", str(path), str(tmp_path / "again"), "--project", str(folder)]) == 2
    assert "'orange' is no colour" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_the_report_is_told_the_colours(folder: Path) -> None:
    with Project.open(folder) as project:
        change_class_colours(project, [("liver", (1, 2, 3))])
        story = told(project, folder)
    assert story.classes.by_name("liver").colour == (1, 2, 3)
    assert story.classes.by_name("fat").colour == (240, 228, 66)
    with Project.open(folder) as project, pytest.raises(InputError, match="spleen"):
        change_class_colours(project, [], reset=["spleen"])


def test_other_projects_keep_their_own(folder: Path, tmp_path: Path) -> None:
    with Project.open(folder) as project:
        change_class_colours(project, [("liver", (1, 2, 3))])
    with Project.create(tmp_path / "other") as project:
        assert class_colours(project) == {}
        assert project_classes(project).by_name("liver").colour == (213, 94, 0)
