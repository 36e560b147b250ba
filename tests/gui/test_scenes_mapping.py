"""Plain folders in the inspector: what is guessed, shown, proposed and kept before anything is added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from studio.gui.pages.scenes import ScenesPage
from studio.gui.pages.scenes_layouts import layout_menu
from studio.gui.window import Window
from studio.pipeline.scenes import add_scenes, remembered_mapping
from studio.scenes.mapping import SceneMapping, read_mapping
from studio.scenes.readers import LAYOUTS, load_layers, read_scenes
from studio.vocabulary.errors import InputError
from tests.making import make_frames_scene, sphere_scene
from tests.scenes.layout_files import (
    BOP_MAPPING,
    write_blenderproc,
    write_bop,
    write_folders,
    write_nerfstudio,
)


@pytest.fixture
def started(window: Window, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []
    monkeypatch.setattr(window.session, "start", lambda _title, argv, **_more: calls.append(argv))
    return calls


def page_of(window: Window) -> ScenesPage:
    window.go_to_page("Scenes")
    page = window.current_page
    assert isinstance(page, ScenesPage)
    return page


def test_folders_of_a_known_layout_are_added_at_once_and_plain_ones_asked_about(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]]
) -> None:
    page = page_of(window)
    known, plain = make_frames_scene(tmp_path / "known"), write_folders(tmp_path / "plain")
    assert page.dropped([str(known), str(plain)])
    panel = page.panel.mapping
    qtbot.waitUntil(lambda: panel.isVisibleTo(page.panel), timeout=5000)
    assert started == [["scenes", "add", str(window.session.project.folder), str(known)]]
    qtbot.waitUntil(lambda: panel.form.folders["rgb"].value() == "images", timeout=5000)
    panel._background.forget()


def test_a_layout_that_a_person_names_is_the_one_that_is_added(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same folder is added as frames, refused as BOP by the job that reads it, or asked about as plain folders."""
    page, known = page_of(window), make_frames_scene(tmp_path / "known")
    project = str(window.session.project.folder)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(known))

    def choose(layout: str) -> None:
        menu = layout_menu(page, page.add_folder_of)
        assert {a.objectName() for a in menu.actions()} == set(LAYOUTS)
        next(a for a in menu.actions() if a.objectName() == layout).trigger()

    for count, layout in enumerate(("frames", "bop"), start=1):
        choose(layout)
        qtbot.waitUntil(lambda count=count: len(started) == count, timeout=5000)  # type: ignore[misc]
        assert started[-1] == ["scenes", "add", project, str(known), "--layout", layout]
    with pytest.raises(InputError, match="known"):
        read_scenes(known, "bop")
    choose("folders")
    qtbot.waitUntil(lambda: page.panel.mapping.isVisibleTo(page.panel), timeout=5000)
    assert len(started) == 2
    page.panel.mapping._background.forget()


def test_what_a_known_layout_leaves_open_is_asked_and_kept(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]]
) -> None:
    """Objects of BOP have numbers; two folders are asked about one after the other."""
    page = page_of(window)
    roots = [write_bop(tmp_path / name) for name in ("a", "b")]
    page.dropped([str(root) for root in roots])
    panel = page.panel.mapping
    for root in roots:
        qtbot.waitUntil(lambda root=root: panel.isVisibleTo(page.panel) and panel._look.path == root,  # type: ignore[misc]
                        timeout=5000)  # fmt: skip
        assert list(panel.classes.fields) == ["10", "30", "60"]
        assert "Choose a class for 10, 30, 60" in panel.said.text()
        places, truth = panel._understood.places, sphere_scene(0)
        for value, class_id in (("10", 1), ("30", 3), ("60", 6)):
            lit = truth.ids_HW == class_id
            np.testing.assert_array_equal(places[value][lit], truth.rgb_HW3[lit])
            np.testing.assert_array_equal(places[value][~lit], truth.rgb_HW3[~lit] // 6)
        assert not panel.button.isEnabled()
        assert not panel.form.folders["rgb"].isVisibleTo(panel)
        assert not panel.form.field_of_view.isVisibleTo(panel), "the layout has intrinsics"
        for value, word in BOP_MAPPING.items():
            panel.classes.fields[value].set_value(word)
        qtbot.waitUntil(panel.button.isEnabled, timeout=5000)
        assert panel.frames.words["segmentation"].text() == "Labels: liver, abdominal wall, tool tip"
        panel.button.click()
        assert started[-1] == ["scenes", "add", str(window.session.project.folder), str(root), "--layout", "bop"]
        (scene,) = read_scenes(root, "bop", remembered_mapping(window.session.project, root))
        np.testing.assert_array_equal(load_layers(scene, scene.frames[0]).segmentation_HW, sphere_scene(0).ids_HW)
    assert not panel.isVisibleTo(page.panel)


def test_masks_of_nerfstudio_may_become_labels_or_be_left_out(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]]
) -> None:
    page = page_of(window)
    page.dropped([str(write_nerfstudio(tmp_path / "n"))])
    panel = page.panel.mapping
    qtbot.waitUntil(lambda: panel.isVisibleTo(page.panel), timeout=5000)
    assert "The masks are left out" in panel.said.text()
    assert panel.button.isEnabled()
    assert not panel.frames.words["segmentation"].isVisibleTo(panel)
    panel.classes.fields["40"].set_value("liver")
    qtbot.waitUntil(lambda: "Choose a class for 120, 240" in panel.said.text(), timeout=5000)
    assert not panel.button.isEnabled()
    for value in ("120", "240"):
        panel.classes.fields[value].set_value("ignore")
    qtbot.waitUntil(panel.button.isEnabled, timeout=5000)
    assert panel.frames.words["segmentation"].text() == "Labels: liver, ignored"
    panel.left.emit()
    assert started == []


def test_a_camera_is_asked_for_where_the_distance_needs_one_and_the_file_says_the_same(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_blenderproc(tmp_path / "r", kind="distance", camera_pose=None)
    page = page_of(window)
    page.dropped([str(root)])
    panel = page.panel.mapping
    qtbot.waitUntil(lambda: panel.isVisibleTo(page.panel), timeout=5000)
    assert "without cam_K there is no z" in panel.said.text()
    panel.form.field_of_view.setValue(2 * np.degrees(np.arctan(0.5)))
    qtbot.waitUntil(panel.button.isEnabled, timeout=5000)
    file = tmp_path / "m.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    panel.keep.click()
    (scene,) = read_scenes(root, "blenderproc", read_mapping(file))
    depth_HW = load_layers(scene, scene.frames[0]).depth_HW
    assert depth_HW is not None
    assert abs(depth_HW - sphere_scene(0).depth_HW).max() < 0.01
    panel.left.emit()


def test_a_mapping_file_dropped_with_the_folder_says_what_is_what(
    window: Window, tmp_path: Path, started: list[list[str]]
) -> None:
    root, file = write_folders(tmp_path / "plain"), tmp_path / "m.toml"
    file.write_text("patient = 'P'")
    page = page_of(window)
    assert page.dropped([str(root), str(file)])
    assert started == [["scenes", "add", str(window.session.project.folder), str(root), "--mapping", str(file)]]
    assert not page.dropped([str(file)])


def test_a_mapping_is_finished_by_hand_and_then_right(
    window: Window, qtbot: QtBot, tmp_path: Path, started: list[list[str]]
) -> None:
    """From the guess to the truth: three classes, 0.01 mm a step, a field of view, then the proposed changes."""
    root = write_folders(tmp_path / "plain")
    page = page_of(window)
    page.dropped([str(root)])
    panel = page.panel.mapping
    qtbot.waitUntil(lambda: list(panel.classes.fields) == ["#00c800", "#0a0aff", "#ff000a"], timeout=5000)
    assert panel.form.encodings["segmentation"].value() == "colour"
    assert not panel.button.isEnabled()
    for value, word in (("#00c800", "abdominal wall"), ("#0a0aff", "tool tip"), ("#ff000a", "liver")):
        panel.classes.fields[value].set_value(word)
    panel.form.mm_per_unit.setValue(0.01)
    panel.form.field_of_view.setValue(2 * np.degrees(np.arctan(0.5)))
    qtbot.waitUntil(lambda: "along the ray" in panel.said.text(), timeout=5000)
    assert "flipping y and z" in panel.said.text()
    assert not panel.button.isEnabled(), "proposed, not applied"
    press(panel._fixes, "Depth runs along the ray")
    qtbot.waitUntil(lambda: panel._fixes.count() == 1, timeout=5000)
    press(panel._fixes, "Flip y and z of the normals")
    qtbot.waitUntil(panel.button.isEnabled, timeout=5000)
    assert "agree within" in panel.said.text()
    assert panel.frames.words["segmentation"].text() == "Labels: liver, abdominal wall, tool tip"
    assert panel.frames.words["normals"].text() == "Normals: 100 % face the camera"
    assert panel.frames.words["depth"].text().endswith("mm")
    assert all(not cell.pixmap().isNull() for cells in panel.frames.cells.values() for cell in cells)
    panel.button.click()
    assert started == [["scenes", "add", str(window.session.project.folder), str(root), "--layout", "folders"]]
    assert not panel.isVisibleTo(page.panel)
    kept = remembered_mapping(window.session.project, root)
    (scene,) = read_scenes(root, "folders", kept)
    truth = sphere_scene(1)
    layers = load_layers(scene, scene.frames[1])
    np.testing.assert_array_equal(layers.segmentation_HW, truth.ids_HW)
    assert layers.depth_HW is not None
    assert abs(layers.depth_HW - truth.depth_HW).max() < 0.006
    list(add_scenes(window.session.project, root, layout="folders"))


def press(layout: object, words: str) -> None:
    buttons = [layout.itemAt(i).widget() for i in range(layout.count())]  # type: ignore[attr-defined]
    next(b for b in buttons if b.text() == words).click()


def test_the_form_says_what_it_was_shown(window: Window, qtbot: QtBot) -> None:
    form = page_of(window).panel.mapping.form
    said = SceneMapping.from_toml("""
    patient = "P"
    camera = { field_of_view = 60 }
    geometry = { depth_kind = "ray", normals_flip = "yz", scale = 10 }
    classes = { "3" = "liver" }
    [layers]
    rgb = { folder = "a" }
    depth = { folder = "d", encoding = "png16", mm_per_unit = 0.5 }
    normals = { folder = "n", encoding = "exr01", axes = "opengl" }
    """)
    form.offer(["a", "b"])
    form.show_mapping(said)
    assert form.mapping(said.classes) == said
    form.show_mapping(SceneMapping())
    assert form.mapping({}) == SceneMapping()


def test_wrong_choices_are_said_in_place(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    root = write_folders(tmp_path / "plain")
    page = page_of(window)
    page.dropped([str(root)])
    panel = page.panel.mapping
    qtbot.waitUntil(lambda: bool(panel.classes.fields), timeout=5000)
    panel.form.encodings["segmentation"].set_value("grey")
    qtbot.waitUntil(lambda: "coloured" in panel.said.text(), timeout=5000)
    assert not panel.button.isEnabled()
    assert page.panel.mapping.isVisibleTo(page.panel)
    panel.left.emit()
    assert not panel.isVisibleTo(page.panel)
