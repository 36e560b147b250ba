"""A small project and the real window on it, with settings of nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from studio.files.pictures import write_png
from studio.gui.jobs import JobQueue
from studio.gui.session import Session
from studio.gui.theme import apply_theme
from studio.gui.window import Window
from studio.project.project import Project
from studio.scenes.readers import read_scenes
from studio.vocabulary.frames import FootageFile
from tests.gui.script_child import ScriptChild
from tests.making import make_frames_scene, sphere_scene


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """Two patients of three frames each, and two footage patients of two frames each; closed."""
    project = Project.create(tmp_path / "small")
    for patient in ("P1", "P2"):
        root = make_frames_scene(tmp_path / "scenes" / patient, patient=patient)
        for scene in read_scenes(root, "frames"):
            list(project.scenes.add(scene))
    files = []
    for patient in ("video_a", "video_b"):
        for index in range(2):
            path = tmp_path / "footage" / patient / f"{index}.png"
            write_png(path, sphere_scene(index).rgb_HW3)
            files.append(FootageFile(patient, path.stem, path))
    project.footage.add(files)
    folder = project.folder
    project.close()
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def make_window(qtbot: QtBot, qapp: QApplication, settings: QSettings) -> Iterator[Callable[[Path | None], Window]]:
    """Builds windows whose jobs are the scripts of script_child; closes them at the end."""
    made: list[Window] = []

    def make(folder: Path | None) -> Window:
        apply_theme(qapp, "dark")
        window = Window(Session(JobQueue(ScriptChild)), settings)
        made.append(window)
        if folder is not None:
            window.open_folder(folder)
        window.resize(1280, 720)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in made:
        window.session.jobs.shut_down(patience_seconds=3)
        window.close()
        window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def window(make_window: Callable[[Path | None], Window], project_folder: Path) -> Window:
    return make_window(project_folder)
