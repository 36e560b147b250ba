"""Runs that change their name or go to the trash: nothing that refers to them breaks, whenever a process is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.project.lock import TrainingMark
from studio.project.project import Project
from studio.project.translation_table import NewTranslation
from studio.vocabulary.errors import InputError
from studio.vocabulary.frames import FrameFiles, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Palette, Style


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A run "first" with a file, a palette, and one translation of the one frame; another run "other"."""
    with Project.create(tmp_path / "body") as made:
        picture = tmp_path / "renders" / "0.png"
        write_png(picture, np.full((8, 8, 3), 50, np.uint8))
        scene = SceneFiles("s", "p", "frames", picture.parent, (8, 8), STUDIO_CLASSES,
                           (FrameFiles("0.png", 0, picture),))  # fmt: skip
        list(made.scenes.add(scene))
        for name in ("first", "other"):
            run = made.runs.add("translator", name, {"iterations": 7})
            run.folder.mkdir()
            (run.folder / "config.json").write_text(name, encoding="utf-8")
            result = {"run": str(run.folder), "steps": 7, "checkpoint": str(run.folder / "checkpoints" / "a")}
            made.runs.update(run, state="done", result=result)
            made.palettes.save(Palette(f"of {name}", name, (Style("s", (0.5,), "random"),)))
        path = made.folder / "translations" / "first" / "of first" / "s" / "0.png"
        write_png(path, np.full((8, 8, 3), 60, np.uint8))
        frame = made.scenes.frames()[0].id
        made.translations.put([NewTranslation(frame, "first", "of first", "s", (0.5,), path, "f", 0.9, {})])
        yield made


def assert_whole(project: Project, name: str) -> None:
    """The run that was "first" goes by ``name`` everywhere, and all its files are there."""
    run = project.runs.get("translator", name)
    assert (run.folder / "config.json").read_text(encoding="utf-8") == "first"
    assert run.folder == project.folder / "runs" / f"translator-{name}"
    assert run.settings == {"iterations": 7} and run.state == "done"
    assert run.result == {"run": str(run.folder), "steps": 7, "checkpoint": str(run.folder / "checkpoints" / "a")}
    assert project.palettes.get("of first").palette.run == name
    assert project.palettes.get("of other").palette.run == "other"
    (translation,) = project.translations.all()
    assert translation.run == name and translation.path.is_file() and translation.validity == 0.9
    assert translation.path.is_relative_to(project.folder / "translations" / name)


def test_a_renamed_run_keeps_all_that_refers_to_it(project: Project) -> None:
    before = project.runs.get("translator", "first").id
    assert project.run_moves.rename("first", "base line (2)").id == before
    assert_whole(project, "base line (2)")
    assert not (project.folder / "runs" / "translator-first").exists()
    assert not (project.folder / "translations" / "first").exists()
    project.run_moves.rename("base line (2)", "first")
    assert_whole(project, "first")


def test_a_new_run_may_take_the_old_name_and_shares_nothing(project: Project) -> None:
    project.run_moves.rename("first", "second")
    assert not project.runs.add("translator", "first", {}).folder.exists()
    assert_whole(project, "second")


@pytest.mark.parametrize("wrong", ["", "../x", "a/b", "x" * 65, ".hidden", "dot.", "blank ", "line\n"])
def test_unusable_names_are_refused_and_nothing_moves(project: Project, wrong: str) -> None:
    with pytest.raises(InputError, match="cannot name a run"):
        project.run_moves.rename("first", wrong)
    assert_whole(project, "first")


def test_taken_names_are_refused(project: Project) -> None:
    with pytest.raises(InputError, match="'other' already"):
        project.run_moves.rename("first", "other")
    (project.folder / "runs" / "translator-stray").mkdir()
    with pytest.raises(InputError, match="exists already"):
        project.run_moves.rename("first", "stray")
    with pytest.raises(InputError, match="no translator run 'none'"):
        project.run_moves.rename("none", "new")
    assert_whole(project, "first")


def test_a_run_is_left_alone_while_it_trains(project: Project) -> None:
    mark = TrainingMark(project.runs.get("translator", "first").folder)
    with pytest.raises(InputError, match="being trained and cannot be renamed"):
        project.run_moves.rename("first", "second")
    with pytest.raises(InputError, match="being trained and cannot be deleted"):
        project.run_moves.delete("first")
    with pytest.raises(InputError, match="another process trains this run"):
        TrainingMark(project.runs.get("translator", "first").folder)
    assert_whole(project, "first")
    mark.release()
    project.run_moves.rename("first", "second")
    assert_whole(project, "second")


def test_a_run_that_was_killed_while_it_trained_is_not_stuck(project: Project) -> None:
    run = project.runs.get("translator", "first")
    code = "import os, sys; from pathlib import Path; from studio.project.lock import TrainingMark\n" \
           "TrainingMark(Path(sys.argv[1])); os.kill(os.getpid(), 9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code, str(run.folder)], check=False).returncode == -9
    assert (run.folder / ".training").is_file()
    project.run_moves.rename("first", "second")
    assert_whole(project, "second")


def test_a_move_that_fails_halfway_is_taken_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.parent.name == "translations" and path.name == "first":
            raise PermissionError(13, "in use")
        return whole(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(InputError, match="may not be written"):
        project.run_moves.rename("first", "second")
    monkeypatch.undo()
    assert_whole(project, "first")
    folder = project.folder
    project.close()
    with Project.open(folder) as again:
        assert_whole(again, "first")


KILLED = """
import os, sys
from pathlib import Path
from studio.project.project import Project
moves, at = sys.argv[2], int(sys.argv[3])
whole, count = Path.rename, 0
def rename(path, target):
    global count
    if count == at:
        os.kill(os.getpid(), 9)
    count += 1
    return whole(path, target)
project = Project.open(Path(sys.argv[1]))
Path.rename = rename
if at == 9:
    import studio.project.run_moves as module
    name = {"rename": "_record_new_name", "delete": "_record_deletion"}[moves]
    setattr(module.RunMoves, name, lambda *_: os.kill(os.getpid(), 9))
if moves == "rename":
    project.run_moves.rename("first", "second")
else:
    project.run_moves.delete("first")
"""


@pytest.mark.parametrize("at", [0, 1, 9])
def test_a_rename_that_is_killed_anywhere_is_carried_through(project: Project, at: int) -> None:
    folder = project.folder
    project.close()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder), "rename", str(at)], check=False)
    assert ended.returncode == -9
    with Project.open(folder) as again:
        assert_whole(again, "second")
        assert again.runs.find("translator", "first") is None


@pytest.mark.parametrize("at", [0, 9])
def test_a_deletion_that_is_killed_anywhere_is_carried_through(project: Project, at: int) -> None:
    folder = project.folder
    project.close()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(folder), "delete", str(at)], check=False)
    assert ended.returncode == -9
    with Project.open(folder) as again:
        assert [r.name for r in again.runs.all()] == ["other"]
        again.run_moves.restore("first")
        assert_whole(again, "first")


def test_a_deleted_run_comes_back_whole(project: Project) -> None:
    id_before = project.runs.get("translator", "first").id
    entry = project.run_moves.delete("first")
    assert [r.name for r in project.runs.all()] == ["other"]
    assert entry.is_relative_to(project.folder / "trash") and (entry / "files" / "config.json").is_file()
    assert project.run_moves.trashed() == ("first",)
    assert next(project.translations.all()).path.is_file(), "translations stay"
    project.run_moves.restore("first")
    assert_whole(project, "first")
    assert [r.name for r in project.runs.all()] == ["first", "other"]
    assert project.runs.get("translator", "first").id == id_before
    assert project.run_moves.trashed() == () and not (project.folder / "trash").exists()
    with pytest.raises(InputError, match="no run 'first' in the trash"):
        project.run_moves.restore("first")


def test_the_name_of_a_deleted_run_is_kept_for_what_was_made_with_it(project: Project) -> None:
    project.run_moves.delete("first")
    assert project.runs.free_name("translator", "first") == "first-2"
    with pytest.raises(InputError, match="name of a deleted run"):
        project.runs.add("translator", "first", {})
    with pytest.raises(InputError, match="name of a deleted run"):
        project.run_moves.rename("other", "first")


def test_a_deleted_run_on_which_nothing_hangs_frees_its_name(project: Project) -> None:
    project.palettes.remove("of other")
    project.run_moves.delete("other")
    new = project.runs.add("translator", "other", {"iterations": 1})
    assert project.run_moves.restore("other").name == "other-2"
    assert project.runs.get("translator", "other-2").settings == {"iterations": 7}
    assert project.runs.get("translator", "other").id == new.id


def test_of_two_deleted_runs_of_a_name_the_last_one_comes_back_first(project: Project) -> None:
    project.palettes.remove("of other")
    project.run_moves.delete("other")
    project.runs.add("translator", "other", {"iterations": 1})
    project.run_moves.delete("other")
    assert [project.run_moves.restore("other").settings["iterations"] for _ in range(2)] == [1, 7]


def test_a_note_from_outside_moves_nothing(project: Project, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    note = {"action": "rename", "name": "first", "new": f"..{os.sep}..{os.sep}elsewhere", "entry": ""}
    project.set_setting("unfinished_run_move", note)
    folder = project.folder
    project.close()
    with pytest.raises(InputError, match="unreadable note"):
        Project.open(folder)
    assert (folder / "runs" / "translator-first" / "config.json").is_file()
