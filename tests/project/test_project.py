"""The project folder: made, locked, refused in words, and never the worse for being killed."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from studio.files.pictures import write_png
from studio.project.lock import TOKEN_VARIABLE
from studio.project.project import Project
from studio.project.schema import MIGRATIONS, SCHEMA_VERSION
from studio.project.translation_table import NewTranslation
from studio.vocabulary.errors import DiskFull, InputError
from studio.vocabulary.frames import FootageFile, FrameFiles, SceneFiles
from studio.vocabulary.labels import STUDIO_CLASSES
from studio.vocabulary.styles import Palette, Style


def scene(root: Path, count: int = 3, patient: str = "p1") -> SceneFiles:
    frames = []
    for i in range(count):
        path = root / "rgb" / f"{i:06d}.png"
        write_png(path, np.full((16, 16, 3), i % 256, np.uint8))
        frames.append(FrameFiles(path.name, i, path))
    return SceneFiles("s", patient, "frames", root, (16, 16), STUDIO_CLASSES, tuple(frames))


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "body") as made:
        yield made


def test_the_folder_gets_its_ending_and_is_not_made_twice(tmp_path: Path) -> None:
    Project.create(tmp_path / "a b").close()
    assert (tmp_path / "a b.trocar" / "catalogue.sqlite").is_file()
    with pytest.raises(InputError, match="exists already"):
        Project.create(tmp_path / "a b")
    Project.open(tmp_path / "a b").close()


def test_one_writer_at_a_time_but_readers_and_children(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="in use by another process"):
        Project.open(project.folder)
    Project.open(project.folder, write=False).close()
    monkeypatch.setenv(TOKEN_VARIABLE, project.child_environment()[TOKEN_VARIABLE])
    Project.open(project.folder).close()


def test_a_project_on_a_sealed_disk_is_read_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Project.create(tmp_path / "sealed") as project:
        folder = project.folder
        project.set_setting("note", "kept")
    before = {path.name for path in folder.iterdir()}
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with Project.open(folder, write=False) as sealed:
        assert sealed.setting("note") == "kept"
        assert {path.name for path in folder.iterdir()} == before
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            sealed.set_setting("note", "changed")


def test_an_older_project_on_a_sealed_disk_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Project.create(tmp_path / "old").close()
    with sqlite3.connect(tmp_path / "old.trocar" / "catalogue.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    connection.close()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match="may not be written"):
        Project.open(tmp_path / "old", write=False)


def test_a_project_of_the_first_version_becomes_one_of_today(tmp_path: Path) -> None:
    Project.create(tmp_path / "old").close()
    file = tmp_path / "old.trocar" / "catalogue.sqlite"
    for path in file.parent.glob("catalogue.sqlite*"):
        path.unlink()
    with sqlite3.connect(file) as connection:
        connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
        connection.execute("INSERT INTO meta VALUES ('note', '1')")
        for root in ("scenes/simulated-0/patient_000", "scenes/simulated-0/patient_001", "../renders", "/a/scenes/b/c"):
            connection.execute(
                "INSERT INTO scenes (name, patient, layout, root, width, height, classes, encoding, notes)"
                " VALUES ('n', 'p', 'frames', ?, 1, 1, '[]', '{}', '[]')", (root,)
            )  # fmt: skip
    connection.close()
    with Project.open(tmp_path / "old") as project:
        assert project.setting("note") == 1
        assert project.scenes.set_names() == ["simulated-0", "renders", "c"]
        assert project.contents.missing_count() == 0


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    Project.create(tmp_path / "k").close()
    path = str(tmp_path / "k")
    code = "from pathlib import Path; from studio.project.project import Project; import os\n" \
           f"p = Project.open(Path({path!r})); p.set_setting('x', 1); os.kill(os.getpid(), 9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with Project.open(tmp_path / "k") as project:
        assert project.setting("x") == 1


def test_a_newer_project_is_refused_in_words(tmp_path: Path) -> None:
    Project.create(tmp_path / "n").close()
    with sqlite3.connect(tmp_path / "n.trocar" / "catalogue.sqlite") as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(InputError, match="newer Trocar Studio"):
        Project.open(tmp_path / "n")


def test_a_damaged_project_is_refused_and_unlocked(tmp_path: Path) -> None:
    Project.create(tmp_path / "d").close()
    (tmp_path / "d.trocar" / "catalogue.sqlite").write_bytes(b"this is not a database" * 100)
    for _ in range(2):
        with pytest.raises(InputError, match="damaged"):
            Project.open(tmp_path / "d")


def test_scenes_are_referenced_and_replaced_without_losing_ids(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "renders"
    assert list(project.scenes.add(scene(root)))[-1] == 3
    first = {f.name: f.id for f in project.scenes.frames()}
    list(project.scenes.add(scene(root, 4)))
    again = {f.name: f.id for f in project.scenes.frames()}
    assert len(project.scenes.all()) == 1 and first.items() <= again.items() and len(again) == 4
    assert project.scenes.frame(first["000001.png"]).files.rgb == root / "rgb" / "000001.png"


def test_an_interrupted_addition_leaves_nothing(project: Project, tmp_path: Path) -> None:
    adding = project.scenes.add(scene(tmp_path / "r", 600))
    assert next(adding) == 500
    adding.close()
    assert project.scenes.frame_count() == 0 and project.scenes.all() == []


def test_a_moved_scene_is_relinked_by_content(project: Project, tmp_path: Path) -> None:
    list(project.scenes.add(scene(tmp_path / "old")))
    record = project.scenes.all()[0]
    (tmp_path / "old").rename(tmp_path / "new")
    scene(tmp_path / "other", 1)
    write_png(tmp_path / "other" / "rgb" / "000000.png", np.full((16, 16, 3), 99, np.uint8))
    with pytest.raises(InputError, match="not the scene's folder"):
        project.scenes.relink(record.id, tmp_path / "other")
    project.scenes.relink(record.id, tmp_path / "new")
    assert all(f.files.rgb.is_file() for f in project.scenes.frames())


def test_a_persons_word_on_footage_outlives_screening(project: Project, tmp_path: Path) -> None:
    write_png(tmp_path / "f.png", np.zeros((16, 16, 3), np.uint8))
    files = [FootageFile("v", "f.png", tmp_path / "f.png"), FootageFile("v", "0001", tmp_path / "f.png", 1.0)]
    assert project.footage.add(files) == 2 and project.footage.add(files) == 0
    first, second = (r.id for r in project.footage.all())
    project.footage.set_included([first], True)
    for i in (first, second):
        project.footage.set_finding(i, reason="blank", measures={"brightness": 0.0}, area=None)
    assert [r.id for r in project.footage.all(included_only=True)] == [first]


def test_run_names_are_unique_and_stay_inside(project: Project) -> None:
    project.runs.add("translator", "one", {"a": 1})
    with pytest.raises(InputError, match="already"):
        project.runs.add("translator", "one", {})
    for name in ("../out", "a/b", "", "x" * 80, ".hidden", "a\nb"):
        with pytest.raises(InputError):
            project.runs.add("translator", name, {})
    assert project.runs.free_name("translator", "one") == "one-2"
    with pytest.raises(InputError, match="Runs: one"):
        project.runs.get("translator", "two")


def test_a_catalogue_cannot_point_outside_the_project(project: Project, tmp_path: Path) -> None:
    list(project.scenes.add(scene(tmp_path / "r", 1)))
    frame = project.scenes.frames()[0]
    outside = tmp_path / "elsewhere.png"
    row = NewTranslation(frame.id, "r", "p", "s", (0.0,), outside, "f", 0.5, {})
    project.translations.put([row])
    with pytest.raises(InputError, match="outside the project"):
        list(project.translations.all())


def test_palettes_come_back_as_they_were(project: Project) -> None:
    palette = Palette("five", "run", (Style("a", (0.5, -1.25), "cover", "frame 3", pinned=True),))
    assert project.palettes.save(palette, {"seed": 1}).palette == palette
    assert project.palettes.get("five").recipe == {"seed": 1}
    with pytest.raises(InputError, match="Palettes: five"):
        project.palettes.get("six")


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_half_added(tmp_path: Path) -> None:
    Project.create(tmp_path / "body").close()
    found = scene(tmp_path / "scene", count=400)
    with (
        pytest.raises(DiskFull, match="the disk is full") as caught,
        Project.open(tmp_path / "body") as project,
    ):
        # SQLite says of its own limit what it says of the disk's.
        pages = project._db.execute("PRAGMA page_count").fetchone()[0]
        project._db.execute(f"PRAGMA max_page_count = {pages + 3}")
        list(project.scenes.add(found))
    assert "\n" not in str(caught.value)
    with Project.open(tmp_path / "body") as project:
        assert (project.scenes.all(), project.scenes.frame_count()) == ([], 0)
        list(project.scenes.add(found))
        assert project.scenes.frame_count() == 400
