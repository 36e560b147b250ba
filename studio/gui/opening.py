"""Ways into a project: new, open, recent, the demo, and what is dropped on the window. Asks first, acts after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.gui import amounts
from studio.gui.jobs import WindowJob
from studio.gui.session import EVERYTHING, Session
from studio.project.project import SUFFIX, Project, with_suffix

if TYPE_CHECKING:
    from studio.gui.window import Window

_RECENT = "recent"
_RECENT_KEPT = 12


def recent_projects(settings: QSettings) -> list[Path]:
    """Projects that were open lately and still exist, newest first."""
    kept = settings.value(_RECENT, [])
    names = [kept] if isinstance(kept, str) else list(kept) if isinstance(kept, list) else []
    return [Path(str(name)) for name in names if Path(str(name)).is_dir()]


def remember(settings: QSettings, folder: Path) -> None:
    others = [p for p in recent_projects(settings) if p != folder]
    settings.setValue(_RECENT, [str(p) for p in [folder, *others][:_RECENT_KEPT]])


def facts(project: Project) -> str:
    """One line on what the project holds."""
    return "   ·   ".join(
        (
            amounts.count(project.scenes.frame_count(), "simulated frames"),
            amounts.count(project.footage.count(), "footage frames"),
            amounts.count(project.translations.count(), "translations"),
        )
    )


def open_folder(session: Session, folder: Path) -> None:
    if session.open(folder):
        session.say(f"Opened {folder}")


def guarded(session: Session, act: Callable[[], None]) -> None:
    """Leave the open project only when no job works on it; otherwise ask in place."""
    job = session.jobs.current
    if job is None:
        act()
        return

    def stop_then_act() -> None:
        session.jobs.shut_down(patience_seconds=20)
        act()

    session.ask(
        f"“{job.title}” is running in this project. Stop it first? It can be resumed later.",
        [("Keep working", "", None), ("Stop it and go on", "primary", stop_then_act)],
    )


def ask_new(parent: QWidget, session: Session) -> None:
    name, _ = QFileDialog.getSaveFileName(parent, "New project", str(Path.home() / f"untitled{SUFFIX}"))
    if name and session.create(Path(name)):
        session.say(f"Made {session.project.folder}. Next: simulate or add scenes.")


def ask_open(parent: QWidget, session: Session) -> None:
    name = QFileDialog.getExistingDirectory(parent, "Open project (a folder that ends in .trocar)", str(Path.home()))
    if name:
        session.open(Path(name))


def ask_demo(parent: QWidget, session: Session) -> None:
    name, _ = QFileDialog.getSaveFileName(
        parent, "Where the demo's project may go", str(Path.home() / f"trocar-demo{SUFFIX}")
    )
    if name:
        run_demo(session, with_suffix(Path(name)))


def run_demo(session: Session, folder: Path) -> WindowJob | None:
    """Run the whole flow as a job in a new project that is open while it fills."""
    opened = session.open(folder) if folder.is_dir() else session.create(folder)
    if not opened:
        return None
    return session.start("Demo: the whole flow", ["demo", str(folder), "--no-gui"], touches=EVERYTHING)


def reveal(path: Path) -> None:
    """Show a folder, or the folder of a file, in the system's file browser."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path if path.is_dir() else path.parent)))


def drop(window: Window, paths: list[str]) -> None:
    """A project is opened; anything else goes to the page in front, then to the pages in the order of the flow."""
    if not paths:
        return
    first = Path(paths[0])
    if first.name.endswith(SUFFIX) or (first / "catalogue.sqlite").is_file():
        window.open_folder(first)
        return
    if not window.session.is_open:
        window.session.say("Open or make a project first, then drop scenes or footage on it.", "warning")
        return
    page = window.current_page
    if page is not None and page.dropped(paths):
        return
    videos = any(Path(p).suffix.lower() in (".mp4", ".avi", ".mkv", ".mov", ".mpg", ".mpeg") for p in paths)
    window.go_to_page("Footage" if videos else "Scenes")
    page = window.current_page
    if page is None or not page.dropped(paths):
        window.session.say(f"No page takes {first.name}.", "warning")
