"""Frames found by patient, class and depth on the Scenes page; hundreds of thousands are only read in sight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from studio.files.pictures import write_png
from studio.gui.models.scene_frames import FrameEntries
from studio.gui.pages.scenes import ScenesPage
from studio.gui.window import Window
from studio.jobs.stages import result_of
from studio.pipeline.contents import measure_scenes
from studio.project.records import Changed, FrameRecord
from studio.vocabulary.frames import FrameFiles


def scenes_of(window: Window) -> ScenesPage:
    window.go_to_page("Scenes")
    page = window.current_page
    assert isinstance(page, ScenesPage)
    return page


def shown(page: ScenesPage) -> list[str]:
    return [page.model.entry(r).tip for r in range(page.model.rowCount())]


def test_frames_are_found_by_class_depth_and_patient(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    """Only frame 1 of P2 is all fat; the spheres' median depth is about 180 mm everywhere."""
    write_png(tmp_path / "scenes/P2/seg/000001.png", np.full((48, 64), 4, np.uint8))
    page = scenes_of(window)
    qtbot.waitUntil(lambda: page.model.rowCount() == 3, timeout=5000)
    qtbot.waitUntil(lambda: page.filter.button.text() == "Measure 6 frames", timeout=5000)
    assert not page.filter.class_choice.isEnabled()
    result_of(measure_scenes(window.session.project))
    page.patients.choose("all")
    page.refresh(Changed(scenes=True))
    qtbot.waitUntil(lambda: page.filter.class_choice.findText("fat   1") > 0, timeout=5000)
    assert page.filter.button.isHidden()
    page.filter.class_choice.set_value("4")
    qtbot.waitUntil(lambda: shown(page) == ["P2: 000001"], timeout=5000)
    assert page.filter.clear.isVisibleTo(page)
    page.filter.nearest.setValue(500)
    qtbot.waitUntil(lambda: page.model.rowCount() == 0, timeout=5000)
    page.filter.clear.click()
    qtbot.waitUntil(lambda: page.model.rowCount() == 6, timeout=5000)
    assert page.filter.clear.isHidden()


def test_all_patients_in_one_strip_each_frame_with_its_own_scene(window: Window, qtbot: QtBot) -> None:
    page = scenes_of(window)
    page.patients.setCurrentIndex(page.groups.index(0))
    qtbot.waitUntil(lambda: page.model.rowCount() == 6, timeout=5000)
    assert shown(page) == [f"{p}: {i:06d}" for p in ("P1", "P2") for i in range(3)]
    assert page.model.entry(4).caption == "P2  000001"
    page.strip.setCurrentIndex(page.model.index(5))
    qtbot.waitUntil(lambda: page.panel.name.text() == "P2 / 000002", timeout=5000)


def test_measuring_is_a_job(window: Window, qtbot: QtBot, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    calls: list[list[str]] = []
    monkeypatch.setattr(window.session, "start", lambda _title, argv, **_more: calls.append(argv))
    page = scenes_of(window)
    qtbot.waitUntil(lambda: page.filter.button.isVisibleTo(page), timeout=5000)
    page.filter.button.click()
    assert calls == [["scenes", "measure", str(window.session.project.folder)]]


def test_of_half_a_million_frames_only_pages_in_sight_are_read() -> None:
    asked: list[int] = []

    def read(ids: object) -> list[FrameRecord]:
        assert isinstance(ids, range)
        asked.extend(ids)
        return [FrameRecord(i, 1, "P", FrameFiles(f"{i}", i, Path(f"/x/{i}.png"))) for i in ids]

    entries = FrameEntries(range(500_000), read)
    assert len(entries) == 500_000
    assert [entries[i].caption for i in (0, 1, 499_999)] == ["0", "1", "499999"]
    assert len(asked) <= 128
    assert entries[1].id == 1
    assert len(asked) <= 128
